"""Advices as customers write them, made up, with what is to be read from each. Documents of the ledger: LEDGER."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ar.cash.remittance.advice import Known

NEAR = date(2026, 3, 15)
LEDGER = [
    ("FR1-2026-000117", "EUR", 1),
    ("FR1-2026-000118", "EUR", 1),
    ("FR1-2026-000119", "EUR", 1),
    ("AV-2026-0007", "EUR", -1),
    ("RE-26/4711", "EUR", 1),
    ("RE-26/4712", "EUR", 1),
    ("INV20260042", "USD", 1),
    ("KW-77", "KWD", 1),
    ("JP-5001", "JPY", 1),
    ("2012", "EUR", 1),
]
KNOWN = {
    "FR12026000117": Known("FR1-2026-000117", "EUR"),
    "FR12026000118": Known("FR1-2026-000118", "EUR"),
    "FR12026000119": Known("FR1-2026-000119", "EUR"),
    "AV20260007": Known("AV-2026-0007", "EUR", -1),
    "RE264711": Known("RE-26/4711", "EUR"),
    "RE264712": Known("RE-26/4712", "EUR"),
    "INV20260042": Known("INV20260042", "USD"),
    "KW77": Known("KW-77", "KWD"),
    "JP5001": Known("JP-5001", "JPY"),
}
A, B, C, CREDIT = "FR1-2026-000117", "FR1-2026-000118", "FR1-2026-000119", "AV-2026-0007"


@dataclass(frozen=True)
class Sample:
    """`lines`: reference, gross, deduction, paid. Amounts in minor units."""

    name: str
    text: str
    lines: list[tuple[str, int | None, int, int | None]]
    amount: int | None
    currency: str = "EUR"
    paid_on: date | None = None
    reference: str = ""
    doubts: int = 0


SAMPLES = [
    Sample(
        "one invoice in a sentence",
        "Dear team,\nwe have today transferred EUR 1,200.50 for invoice FR1-2026-000117.\nBest regards,\nA. Fictional",
        [(A, None, 0, 120050)],
        120050,
    ),
    Sample(
        "three invoices, one sum",
        "Payment of EUR 3,450.00 on 12 March 2026 covering FR1-2026-000117, FR1-2026-000118 and FR1-2026-000119.\n"
        "Transfer reference: E2E-9001",
        [(A, None, 0, None), (B, None, 0, None), (C, None, 0, None)],
        345000,
        paid_on=date(2026, 3, 12),
        reference="E2E-9001",
    ),
    Sample(
        "a list with amounts",
        "Hello,\n\nplease find our remittance:\n\n"
        "FR1-2026-000117   1,000.00\nFR1-2026-000118     234.56\nTotal   1,234.56 EUR\n",
        [(A, None, 0, 100000), (B, None, 0, 23456)],
        123456,
    ),
    Sample(
        "columns with a discount",
        "Invoice no    Invoice date    Gross amount    Discount    Net paid\n"
        "FR1-2026-000117    01/02/2026    1,000.00    20.00    980.00\n"
        "FR1-2026-000118    15/02/2026    500.00    0.00    500.00\n"
        "Total paid    1,480.00 EUR\n"
        "Payment date: 12/03/2026\nPayment reference: TRF/2026/88",
        [(A, 100000, 2000, 98000), (B, 50000, 0, 50000)],
        148000,
        paid_on=date(2026, 3, 12),
        reference="TRF/2026/88",
    ),
    Sample(
        "a credit note among them",
        "Remittance advice\nInvoice  Amount\nFR1-2026-000117  1,000.00\nAV-2026-0007  100.00\nTotal  900.00 EUR",
        [(A, None, 0, 100000), (CREDIT, None, 0, -10000)],
        90000,
    ),
    Sample(
        "a credit note with its sign",
        "FR1-2026-000117 1,000.00\nAV-2026-0007 -100.00\nTotal 900.00",
        [(A, None, 0, 100000), (CREDIT, None, 0, -10000)],
        90000,
    ),
    Sample(
        "less a discount, in words",
        "Invoice FR1-2026-000117 of EUR 1,000.00 less 2% discount EUR 20.00, paid EUR 980.00.",
        [(A, 100000, 2000, 98000)],
        98000,
    ),
    Sample(
        "due and paid on a line",
        "Document  Due  Paid\nFR1-2026-000117  1,000.00  950.00\nFR1-2026-000118  500.00  500.00\nTotal  1,450.00 EUR",
        [(A, 100000, 5000, 95000), (B, 50000, 0, 50000)],
        145000,
    ),
    Sample(
        "bank charges taken off the whole",
        "FR1-2026-000117: EUR 1,000.00\nBank charges: EUR 12.50\nTotal transferred: EUR 987.50",
        [(A, None, 0, 100000), ("", None, 0, -1250)],
        98750,
    ),
    Sample(
        "an invoice that we do not have",
        "We paid invoice no. ZZ-999 (EUR 50.00) today.",
        [("ZZ-999", None, 0, 5000)],
        5000,
    ),
    Sample(
        "lines that do not add up",
        "FR1-2026-000117 1,000.00\nFR1-2026-000118 500.00\nTotal paid: EUR 1,400.00",
        [(A, None, 0, 100000), (B, None, 0, 50000)],
        140000,
        doubts=1,
    ),
    Sample("nothing that is an advice", "Hello, could you send us your new catalogue? Thanks", [], None, "", doubts=1),
    Sample(
        "dollars, the month first",
        "ACH payment of $4,200.00 sent 03/25/2026 for INV20260042. Check number: 100233",
        [("INV20260042", None, 0, 420000)],
        420000,
        "USD",
        paid_on=date(2026, 3, 25),
        reference="100233",
    ),
    Sample(
        "a day that only its nearness tells",
        "We paid FR1-2026-000117 on 03/04/2026: EUR 10.00",
        [(A, None, 0, 1000)],
        1000,
        paid_on=None,
    ),
    Sample("three decimals", "Payment of KWD 1,234.500 for KW-77", [("KW-77", None, 0, 1234500)], 1234500, "KWD"),
    Sample("no decimals", "Payment of JPY 120,000 for JP-5001", [("JP-5001", None, 0, 120000)], 120000, "JPY"),
    Sample(
        "an answer above what it quotes",
        "Paid yesterday: FR1-2026-000117, EUR 100.00\n\nOn Tue, 3 Mar 2026 at 10:00, Seller wrote:\n"
        "> Please pay FR1-2026-000118, EUR 999.00",
        [(A, None, 0, 10000)],
        10000,
    ),
    Sample(
        "un virement en une phrase",
        "Bonjour,\nNous avons procédé ce jour au virement de 1 200,50 € pour la facture FR1-2026-000117.\nCordialement",
        [(A, None, 0, 120050)],
        120050,
    ),
    Sample(
        "une liste",
        "Bonjour,\nveuillez trouver le détail de notre règlement du 12/03/2026 :\n"
        "Facture n° FR1-2026-000117 : 1 000,00 €\nFacture n° FR1-2026-000118 : 234,56 €\n"
        "Montant du virement : 1 234,56 €\nRéférence du virement : VIR-55812",
        [(A, None, 0, 100000), (B, None, 0, 23456)],
        123456,
        paid_on=date(2026, 3, 12),
        reference="VIR-55812",
    ),
    Sample(
        "un tableau avec escompte",
        "N° facture  Date facture  Montant brut  Escompte  Montant réglé\n"
        "FR1-2026-000117  01/02/2026  1.000,00  20,00  980,00\n"
        "FR1-2026-000118  15/02/2026  500,00  0,00  500,00\n"
        "Total général  1.480,00 EUR\nDate de règlement : 12/03/2026",
        [(A, 100000, 2000, 98000), (B, 50000, 0, 50000)],
        148000,
        paid_on=date(2026, 3, 12),
    ),
    Sample(
        "un avoir déduit",
        "Facture FR1-2026-000117 : 1 000,00 €\nAvoir AV-2026-0007 : 100,00 €\nTotal réglé : 900,00 €",
        [(A, None, 0, 100000), (CREDIT, None, 0, -10000)],
        90000,
    ),
    Sample(
        "moins l'escompte",
        "Facture FR1-2026-000117 : 1 000,00 € moins escompte 20,00 € soit 980,00 € payé le 12 mars 2026",
        [(A, 100000, 2000, 98000)],
        98000,
        paid_on=date(2026, 3, 12),
    ),
    Sample(
        "une retenue sans ligne",
        "Facture FR1-2026-000117  1 000,00\nRetenue pour casse  50,00\nTotal du virement  950,00 EUR",
        [(A, None, 0, 100000), ("", None, 0, -5000)],
        95000,
    ),
    Sample(
        "des points et des virgules",
        "FR1-2026-000117 12.345,67\nFR1-2026-000118 1.000,00\nTotal 13.345,67 EUR",
        [(A, None, 0, 1234567), (B, None, 0, 100000)],
        1334567,
    ),
    Sample(
        "réponse au-dessus d'un message cité",
        "Réglé ce jour : FR1-2026-000117, 100,00 €\n\nLe mar. 3 mars 2026 à 10:00, Vendeur a écrit :\n"
        "> Merci de régler FR1-2026-000118, 999,00 €",
        [(A, None, 0, 10000)],
        10000,
    ),
    Sample(
        "eine Überweisung",
        "Guten Tag,\nwir haben am 12.03.2026 den Betrag von 1.200,50 EUR für Rechnung RE-26/4711 überwiesen.\n"
        "Mit freundlichen Grüßen",
        [("RE-26/4711", None, 0, 120050)],
        120050,
        paid_on=date(2026, 3, 12),
    ),
    Sample(
        "eine Tabelle mit Skonto",
        "Belegnummer\tBelegdatum\tBruttobetrag\tSkonto\tZahlbetrag\n"
        "RE-26/4711\t01.02.2026\t1.000,00\t30,00\t970,00\nRE-26/4712\t02.02.2026\t2.000,00\t60,00\t1.940,00\n"
        "Gesamtbetrag\t\t\t\t2.910,00\nZahlungsdatum: 12.03.2026\nZahlungsreferenz: ZL-99",
        [("RE-26/4711", 100000, 3000, 97000), ("RE-26/4712", 200000, 6000, 194000)],
        291000,
        paid_on=date(2026, 3, 12),
        reference="ZL-99",
    ),
    Sample(
        "abzüglich Skonto",
        "Rechnung RE-26/4711 über 1.000,00 EUR abzüglich 3% Skonto 30,00 EUR = 970,00 EUR",
        [("RE-26/4711", 100000, 3000, 97000)],
        97000,
    ),
    Sample(
        "zwei Rechnungen in einer Zeile",
        "Zahlung: RE-26/4711 500,00 EUR, RE-26/4712 250,00 EUR, gesamt siehe unten\nGesamtbetrag: 750,00 EUR",
        [("RE-26/4711", None, 0, 50000), ("RE-26/4712", None, 0, 25000)],
        75000,
    ),
    Sample(
        "Schweizer Zahlen",
        "Rechnung RE-26/4711: 12'345.60\nRechnung RE-26/4712: 1'000.00\nTotal: 13'345.60 EUR",
        [("RE-26/4711", None, 0, 1234560), ("RE-26/4712", None, 0, 100000)],
        1334560,
    ),
    Sample(
        "a reference with other separators",
        "We paid RE 26 4711 and re/26/4712 today, EUR 300.00 in all",
        [("RE-26/4711", None, 0, None), ("RE-26/4712", None, 0, None)],
        30000,
    ),
]
