"""An issued document in UBL 2.1: as Peppol BIS Billing 3 where it may be called so, else as EN 16931. Pure."""

from __future__ import annotations

from invoicing.einvoice.facts import EN16931, TYPE_CODES, UNIT, DocumentFacts, LineFacts, Party
from invoicing.einvoice.xmltree import Tree
from invoicing.models import TaxCategory
from invoicing.totals import decimal_text

PEPPOL = f"{EN16931}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
PEPPOL_PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
_OASIS = "urn:oasis:names:specification:ubl:schema:xsd:"
_PARTS = {"cac": f"{_OASIS}CommonAggregateComponents-2", "cbc": f"{_OASIS}CommonBasicComponents-2"}


def claims_peppol(facts: DocumentFacts) -> bool:
    """Whether the document may call itself Peppol BIS Billing 3: both parties have an address on that network
    (PEPPOL-EN16931-R010, R020), and the buyer can tell what was ordered (R003).

    Between two French parties it goes to a French platform, which wants each legal mention as a note of its own.
    """
    reachable = facts.seller.endpoint is not None and facts.buyer.endpoint is not None
    within_france = facts.seller.country == facts.buyer.country == "FR"
    return reachable and not within_france and bool(facts.buyer_reference or facts.purchase_order)


def build_ubl(facts: DocumentFacts) -> bytes:
    """The document as XML: an Invoice, or a CreditNote."""
    name = "Invoice" if facts.is_invoice else "CreditNote"
    root = Tree.root(f":{name}", {"": f"{_OASIS}{name}-2"} | _PARTS)
    peppol = claims_peppol(facts)
    root.text("cbc:CustomizationID", PEPPOL if peppol else EN16931)
    root.text("cbc:ProfileID", PEPPOL_PROCESS if peppol else None)
    root.text("cbc:ID", facts.number)
    root.text("cbc:IssueDate", facts.issue_on.isoformat())
    if facts.is_invoice:
        root.text("cbc:DueDate", facts.due_on.isoformat())
    root.text(f"cbc:{name}TypeCode", TYPE_CODES[facts.kind])
    for note in _notes(facts, peppol):
        root.text("cbc:Note", note)
    root.text("cbc:DocumentCurrencyCode", facts.currency)
    root.text("cbc:BuyerReference", facts.buyer_reference)
    root.text("cac:OrderReference/cbc:ID", facts.purchase_order)
    if facts.corrects is not None:
        corrected = root.node("cac:BillingReference/cac:InvoiceDocumentReference")
        corrected.text("cbc:ID", facts.corrects.number)
        corrected.text("cbc:IssueDate", facts.corrects.issue_on.isoformat())
    _party(root.node("cac:AccountingSupplierParty/cac:Party"), facts.seller, with_vat=facts.taxable, with_contact=True)
    _party(root.node("cac:AccountingCustomerParty/cac:Party"), facts.buyer, with_vat=facts.taxable, with_contact=False)
    _delivery(root, facts)
    _payment(root, facts)
    _totals(root, facts)
    for line in facts.lines:
        _line(root.node(f"cac:{name}Line"), line, facts)
    return root.written()


def _notes(facts: DocumentFacts, peppol: bool) -> list[str]:
    """The notes with their subjects, as EN 16931 writes them in UBL; Peppol takes one only (PEPPOL-EN16931-R002)."""
    if peppol:
        return ["\n".join(note.text for note in facts.notes)]
    return [f"#{note.subject}#{note.text}" if note.subject else note.text for note in facts.notes]


def _party(written: Tree, party: Party, *, with_vat: bool, with_contact: bool) -> None:
    if party.endpoint is not None:
        written.text("cbc:EndpointID", party.endpoint.value, schemeID=party.endpoint.scheme)
    address = written.node("cac:PostalAddress")
    address.text("cbc:StreetName", party.street)
    address.text("cbc:CityName", party.city)
    address.text("cbc:PostalZone", party.postcode)
    address.text("cac:Country/cbc:IdentificationCode", party.country)
    if with_vat and party.vat_number:
        scheme = written.node("cac:PartyTaxScheme")
        scheme.text("cbc:CompanyID", party.vat_number)
        scheme.text("cac:TaxScheme/cbc:ID", "VAT")
    legal = written.node("cac:PartyLegalEntity")
    legal.text("cbc:RegistrationName", party.name)
    if party.registration is not None:
        legal.text("cbc:CompanyID", party.registration.value, schemeID=party.registration.scheme)
    if with_contact and (party.email or party.phone):
        contact = written.node("cac:Contact")
        contact.text("cbc:Name", party.name)
        contact.text("cbc:Telephone", party.phone)
        contact.text("cbc:ElectronicMail", party.email)


def _delivery(root: Tree, facts: DocumentFacts) -> None:
    across = any(tax.category is TaxCategory.INTRA_COMMUNITY for tax in facts.taxes)
    if facts.supplied_on is None and not across:
        return
    delivery = root.node("cac:Delivery")
    if facts.supplied_on is not None:
        delivery.text("cbc:ActualDeliveryDate", facts.supplied_on.isoformat())
    if across:
        place = "cac:DeliveryLocation/cac:Address/cac:Country/cbc:IdentificationCode"
        delivery.text(place, facts.buyer.country)


def _payment(root: Tree, facts: DocumentFacts) -> None:
    if facts.payment_means is not None and facts.bank is not None:
        means = root.node("cac:PaymentMeans")
        means.text("cbc:PaymentMeansCode", facts.payment_means)
        means.text("cbc:PaymentID", facts.number)
        account = means.node("cac:PayeeFinancialAccount")
        account.text("cbc:ID", facts.bank.iban)
        account.text("cbc:Name", facts.bank.holder)
        account.text("cac:FinancialInstitutionBranch/cbc:ID", facts.bank.bic)
    root.text("cac:PaymentTerms/cbc:Note", facts.terms)


def _totals(root: Tree, facts: DocumentFacts) -> None:
    currency = facts.currency
    total = root.node("cac:TaxTotal")
    total.text("cbc:TaxAmount", facts.amount(facts.tax_minor), currencyID=currency)
    for tax in facts.taxes:
        row = total.node("cac:TaxSubtotal")
        row.text("cbc:TaxableAmount", facts.amount(tax.net_minor), currencyID=currency)
        row.text("cbc:TaxAmount", facts.amount(tax.tax_minor), currencyID=currency)
        category = row.node("cac:TaxCategory")
        _category(category, tax.category, tax.rate_bp, code=tax.reason_code, reason=tax.reason)
    sums = root.node("cac:LegalMonetaryTotal")
    sums.text("cbc:LineExtensionAmount", facts.amount(facts.net_minor), currencyID=currency)
    sums.text("cbc:TaxExclusiveAmount", facts.amount(facts.net_minor), currencyID=currency)
    sums.text("cbc:TaxInclusiveAmount", facts.amount(facts.total_minor), currencyID=currency)
    sums.text("cbc:PayableAmount", facts.amount(facts.total_minor), currencyID=currency)


def _category(written: Tree, category: TaxCategory, rate_bp: int, *, code: str = "", reason: str = "") -> None:
    written.text("cbc:ID", category.value)
    if category is not TaxCategory.NOT_SUBJECT:
        written.text("cbc:Percent", decimal_text(rate_bp, 2))
    written.text("cbc:TaxExemptionReasonCode", code)
    written.text("cbc:TaxExemptionReason", reason)
    written.text("cac:TaxScheme/cbc:ID", "VAT")


def _line(written: Tree, line: LineFacts, facts: DocumentFacts) -> None:
    currency = facts.currency
    written.text("cbc:ID", str(line.position))
    quantity = "cbc:InvoicedQuantity" if facts.is_invoice else "cbc:CreditedQuantity"
    written.text(quantity, decimal_text(line.quantity_millionths, 6), unitCode=UNIT)
    written.text("cbc:LineExtensionAmount", facts.amount(line.net_minor), currencyID=currency)
    item = written.node("cac:Item")
    item.text("cbc:Name", line.description)
    _category(item.node("cac:ClassifiedTaxCategory"), line.category, line.rate_bp)
    written.text("cac:Price/cbc:PriceAmount", decimal_text(line.unit_price_millionths, 6), currencyID=currency)
