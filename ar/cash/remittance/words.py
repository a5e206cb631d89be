"""The words by which advices name their columns and facts, in English, French, German, Spanish, Italian and Dutch.

Pure. Words are compared in small letters, without accents, dots and colons.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class Column(StrEnum):
    """What a column holds."""

    REFERENCE = "reference"
    DAY = "day"
    GROSS = "gross"
    DEDUCTION = "deduction"
    REASON = "reason"
    PAID = "paid"
    CURRENCY = "currency"
    KIND = "kind"
    PAYMENT = "payment"
    PAYER = "payer"
    PAID_ON = "paid_on"


_COLUMNS: dict[Column, str] = {
    Column.REFERENCE: """invoice|invoice no|invoice number|invoice nr|invoice #|invoice ref|invoice reference|inv no|inv
        |bill no|document|document no|document number|doc no|your reference|your ref|your invoice
        |supplier invoice|supplier ref|facture|n facture|no facture|numero facture|numero de facture
        |n de facture|reference facture|votre reference|votre facture|piece|n piece|document n
        |ref facture|rechnung|rechnungsnummer|rechnungsnr|rechnung nr|rechnungs-nr|re-nr|beleg
        |belegnummer|belegnr|beleg-nr|ihre belegnummer|ihre referenz|ihre rechnung|factura|n factura
        |numero de factura|num factura|su factura|fattura|n fattura|numero fattura|vostra fattura
        |factuur|factuurnummer|factuurnr|uw factuur|reference|ref|referenz|referencia|riferimento
        |referentie|invoice / credit note|facture / avoir""",
    Column.DAY: """date|invoice date|inv date|document date|doc date|date facture|date de facture|date piece
        |date de la facture|rechnungsdatum|belegdatum|datum|fecha|fecha factura|fecha de factura|data
        |data fattura|factuurdatum""",
    Column.GROSS: """gross|gross amount|invoice amount|invoice total|original amount|due|outstanding|amount due
        |montant brut|montant facture|montant de la facture|brut|montant ttc|ttc|du|brutto|bruttobetrag
        |rechnungsbetrag|betrag brutto|importe bruto|bruto|importe factura|lordo|importo lordo
        |importo fattura|brutobedrag|factuurbedrag|amount invoiced""",
    Column.DEDUCTION: """discount|discount taken|disc|cash discount|deduction|deductions|less|adjustment|withheld
        |escompte|remise|retenue|deduction escompte|ecart|skonto|abzug|skontobetrag|abzuge|descuento
        |retencion|deduccion|sconto|ritenuta|trattenuta|korting|inhouding|aftrek|withholding
        |withholding tax""",
    Column.REASON: """reason|comment|comments|remark|remarks|note|motif|commentaire|libelle|observation|observations
        |grund|bemerkung|text|motivo|observaciones|causale|nota|reden|opmerking|description|details""",
    Column.PAID: """paid|amount paid|net|net amount|net paid|payment amount|paid amount|amount|payment|net payment
        |montant paye|montant regle|regle|paye|net paye|net a payer|montant net|montant|reglement
        |gezahlt|bezahlt|zahlbetrag|zahlungsbetrag|netto|nettobetrag|betrag|uberwiesen|pagado
        |importe pagado|importe neto|neto|importe|pagato|importo pagato|importo netto|importo|betaald
        |betaald bedrag|nettobedrag|bedrag|amount settled""",
    Column.CURRENCY: "currency|curr|ccy|devise|monnaie|wahrung|whg|moneda|divisa|valuta|cur",
    Column.KIND: "type|doc type|document type|belegart|kind|nature|tipo|soort",
    Column.PAYMENT: """payment reference|payment ref|payment no|payment number|transfer number|cheque no|cheque number
        |check no|check number|reference de paiement|reference paiement|reference du virement
        |n de cheque|numero de cheque|zahlungsreferenz|zahlungsnummer|zahlung nr|referencia de pago
        |riferimento pagamento|betalingskenmerk|end-to-end id|end to end id|endtoendid
        |end to end reference|remittance no|remittance number|our payment|virement n|cheque n
        |transaction id|our reference|notre reference|unsere referenz|uetr|transfer ref
        |transfer reference|bank reference|reference virement""",
    Column.PAYER: """payer|from|company|customer|customer name|paid by|remitter|debtor|emetteur|payeur|client|societe
        |debiteur|donneur d'ordre|zahler|auftraggeber|kunde|firma|pagador|cliente|ordenante|pagatore
        |ordinante|betaler|opdrachtgever|payer name|ordering party""",
    Column.PAID_ON: """payment date|date of payment|value date|date paid|paid on|transfer date|execution date
        |date de paiement|date paiement|date de reglement|date de valeur|date du virement|paye le
        |regle le|date d'execution|zahlungsdatum|valuta datum|valutadatum|wertstellung|zahldatum
        |uberwiesen am|bezahlt am|ausfuhrungsdatum|fecha de pago|fecha valor|data pagamento|data valuta
        |betaaldatum|betalingsdatum|payment day|date reglement""",
}

_TOTAL = """total|grand total|total paid|total amount|total payment|amount of payment|payment total|sum
        |total net|total du virement|montant du virement|montant total|total general|total regle
        |total paye|montant du reglement|montant du paiement|somme|gesamt|gesamtbetrag|summe|gesamtsumme
        |uberweisungsbetrag|zahlbetrag|zahlungsbetrag|total pagado|importe total|totale|totale pagato
        |importo totale|totaal|totaalbedrag|amount transferred|transfer amount|remittance total
        |cheque amount|check amount|payment amount|amount paid|montant paye|net paid|montant regle"""


def plain(words: str) -> str:
    """`words` in small letters without accents, dots, colons and doubled spaces, as they are compared."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", words) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[.:°º*_()\[\]]", " ", bare.casefold()).split())


def _set(words: str) -> frozenset[str]:
    return frozenset(plain(word) for word in words.split("|"))


COLUMNS: dict[str, Column] = {word: column for column, words in _COLUMNS.items() for word in _set(words)}
TOTALS = _set(_TOTAL)
_CODES = re.compile(r"\b[A-Z]{3}\b")


def column_of(heading: str) -> Column | None:
    """What a column headed `heading` holds; a currency in it ('Amount (EUR)') does not count."""
    found = COLUMNS.get(plain(heading))
    return found or COLUMNS.get(plain(_CODES.sub("", heading.replace("€", ""))))


def is_total(label: str) -> bool:
    """Whether `label` names the amount of the whole payment."""
    return plain(_CODES.sub("", label)) in TOTALS


INVOICE_LABEL = re.compile(
    r"\b(?:invoices?|inv|bill|credit\s?notes?|factures?|fact|fac|avoirs?|rechnung(?:en)?|rechnungs-?nr|re-?nr|gutschrift"
    r"|facturas?|abono|fattur[ae]|nota\s(?:di\s)?credito|factuur|creditnota)\b\.?"
    r"(?:\s?(?:no|nr|num(?:ber|mer|ero|éro)?|n|n°|nº|#)(?=[\s.:°º#]))?[\s.:°º#]{1,3}"
    r"(?P<reference>(?=[\w/.-]*\d)[A-Za-z0-9][\w/.-]{1,40}[A-Za-z0-9])",
    re.IGNORECASE,
)
"""A document's number behind the word for it."""

CREDIT = re.compile(
    r"\b(?:credit\s?(?:note|memo)s?|cn|avoirs?|gutschrift(?:en)?|abono|nota\s(?:di|de)\s(?:credito|crédito)|creditnota)\b",
    re.IGNORECASE,
)
DEDUCTED = re.compile(
    r"\b(?:discounts?|deduct(?:ed|ions?)|less|minus|withheld|short|bank\s(?:charges|fees)|escomptes?|remises?|déductions?"
    r"|retenues?|moins|frais(?:\sbancaires)?|avarie|skonto|abz(?:ug|üge|üglich)|minderung|descuentos?|deducción|sconto"
    r"|trattenuta|korting|inhouding|charges|damage[sd]?|litige|casse)\b",
    re.IGNORECASE,
)
"""Words by which something is taken off."""

BEFORE = re.compile(r"\b(?:less|minus|moins|abzüglich|deducting|menos|meno|min)\b", re.IGNORECASE)
"""Words that stand between what is due and what is taken off."""

PAYMENT = re.compile(
    r"\b(?:total|in\sall|payment|paid|pay|transfer(?:red)?|remit(?:ted|tance)?|wire[d]?|cheque|check|virement|règlement|reglement"
    r"|réglé|regle|paiement|payé|versement|viré|somme|montant|überweisung|überwiesen|zahlung|gezahlt|bezahlt|gesamt|betrag"
    r"|transferencia|pago|bonifico|pagamento|betaling|overgemaakt|sum|amount)\b",
    re.IGNORECASE,
)
PAYMENT_NUMBER = re.compile(
    r"\b(?:payment\sref(?:erence)?|end-?to-?end(?:\s?(?:id|ref(?:erence)?))?|e2e|transfer\s(?:ref(?:erence)?|no|number)"
    r"|che(?:que|ck)\s(?:no|number|#)|remittance\s(?:no|number|ref(?:erence)?)|our\sref(?:erence)?|virement\s(?:n°|no|réf(?:érence)?)"
    r"|réf(?:érence)?\s(?:du\s)?(?:virement|paiement|règlement)|chèque\s(?:n°|no)|notre\sréf(?:érence)?"
    r"|zahlungsreferenz|überweisungsreferenz|zahlungsnummer|unsere\sreferenz|transaction\s(?:id|no|number))"
    r"[\s.:#°]{1,3}(?P<reference>[A-Za-z0-9][\w/.-]{2,60}[A-Za-z0-9])",
    re.IGNORECASE,
)
"""The number of the payment behind the word for it."""
