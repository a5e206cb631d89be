"""Words that made-up customers and their payments are written with."""

BUSINESS = (
    "Boulangerie", "Garage", "Menuiserie", "Transports", "Électricité", "Imprimerie", "Pharmacie", "Maçonnerie",
    "Librairie", "Plomberie", "Bäckerei", "Autohaus", "Elektro", "Spedition", "Bauunternehmen", "Metallbau", "Bakkerij",
    "Bouwbedrijf", "Installaties", "Logistics", "Engineering", "Foods", "Textiles", "Clinic", "Hôtel", "Atelier",
    "Groupe", "Conseil", "Médical", "Énergie",
)  # fmt: skip
FAMILY = tuple(
    first + second
    for first in (
        "Mar", "Du", "Lefè", "Ber", "Mo", "Gi", "Ro", "Cha", "Fau", "Gar", "Mül", "Schnei", "Hof", "Wag", "Bec", "Krü",
        "Jans", "Vis", "Bak", "Mei", "Ander", "Robin", "Thom", "Wal", "Hug", "Per", "Le", "Ri", "Col", "Ver",
    )
    for second in (
        "tin", "pont", "vre", "trand", "reau", "rard", "bert", "rel", "nier", "ler", "der", "mann", "ner", "ker", "ger",
        "sen", "ser", "son", "ton", "rin", "lin", "det", "vin", "mont", "chard",
    )
)  # fmt: skip
PLACES = (
    "Lyon", "Lille", "Nantes", "Rennes", "Tours", "Dijon", "Brest", "Reims", "Köln", "Ulm", "Bremen", "Essen", "Gent",
    "Namur", "Liège", "Breda", "Utrecht", "Leeds", "York", "Bath", "Nord", "Sud", "Est", "Ouest",
)  # fmt: skip
FORMS = ("SARL", "SAS", "SA", "EURL", "GmbH", "AG", "BV", "NV", "Ltd", "S.A.R.L.", "S.à r.l.", "SPRL")

QUOTING = (
    "FACTURE {}", "Fact. {}", "INV {}", "/INV/{}", "REGLEMENT FACTURE {}", "VIREMENT {} MERCI", "Rechnung {}",
    "Payment of invoice {}", "RE {} vom", "votre facture {} - service compta", "{}", "REF {}", "Factuur {}",
)  # fmt: skip
SEVERAL = ("FACTURES {}", "Invoices {}", "REGLT {}", "RNG {}", "{}", "paiement de {}")
UNQUOTED = (
    "VIREMENT", "PAIEMENT FOURNISSEUR", "Supplier payment", "REGLEMENT", "ZAHLUNG", "Betaling", "VIR SEPA RECU", "",
    "SERVICE COMPTABILITE", "MERCI", "Payment run",
)  # fmt: skip
NOISE = (
    "DU {day}", "CLIENT {number}", "TOTAL {amount} EUR", "{day}", "TEL 04{number}", "DOSSIER {number}", "EUR {amount}",
    "BATCH {number}", "KD {number}", "2 FACTURES", "NR 12", "EXERCICE 2026",
)  # fmt: skip
CONTRARY = (
    "ACOMPTE COMMANDE", "DEPOSIT FOR ORDER", "REMBOURSEMENT TROP PERCU", "LOYER JUIN 2026", "CAUTION", "Anzahlung",
    "ERSTATTUNG", "AVANCE SUR TRAVAUX", "REFUND", "MIETE", "VOORSCHOT", "SUBVENTION", "PREPAYMENT",
)  # fmt: skip
OTHER_PAYERS = (
    "DIRECTION GENERALE DES FINANCES", "URSSAF", "FINANZAMT", "M. OU MME PETIT", "ASSURANCES DU CENTRE", "HMRC",
    "CAISSE REGIONALE", "SYNDICAT DES COPROPRIETAIRES", "BELASTINGDIENST", "NOTAIRES ASSOCIES",
)  # fmt: skip
THIRD_PARTIES = (
    "GENERALE D AFFACTURAGE", "FACTORING BANK", "CENTRALE DE PAIEMENT", "PAYMENT SERVICES EUROPE",
    "MANDATAIRE JUDICIAIRE", "TREASURY CENTRE", "HOLDING PARTICIPATIONS",
)  # fmt: skip
