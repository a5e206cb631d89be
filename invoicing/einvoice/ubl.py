"""An issued document in UBL 2.1: as Peppol BIS Billing 3 where it may be called so, else as EN 16931. Pure."""

from __future__ import annotations

from invoicing.draft import Place
from invoicing.einvoice.facts import EN16931, AdjustmentFacts, DocumentFacts, LineFacts, Party, Period
from invoicing.einvoice.xmltree import Tree
from invoicing.models import TaxCategory
from invoicing.totals import decimal_text

PEPPOL = f"{EN16931}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
_NOT_KNOWN = "NA"
"""What Peppol has stand for a purchase order where only the seller's own number of the order is known."""

PEPPOL_PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
_OASIS = "urn:oasis:names:specification:ubl:schema:xsd:"
_PARTS = {"cac": f"{_OASIS}CommonAggregateComponents-2", "cbc": f"{_OASIS}CommonBasicComponents-2"}


def claims_peppol(facts: DocumentFacts) -> bool:
    """Whether the document may call itself Peppol BIS Billing 3: both parties have an address on that network
    (PEPPOL-EN16931-R010, R020), and the buyer can tell what was ordered (R003).

    Between two French parties it goes to a French platform, which wants each legal mention as a note of its own.
    """
    reachable = facts.seller.endpoint is not None and facts.buyer.endpoint is not None
    return reachable and not facts.within_france and bool(facts.buyer_reference or facts.purchase_order)


def build_ubl(facts: DocumentFacts) -> bytes:
    """The document as XML: an Invoice, or a CreditNote."""
    name = "Invoice" if facts.is_invoice else "CreditNote"
    root = Tree.root(f":{name}", {"": f"{_OASIS}{name}-2"} | _PARTS)
    peppol = claims_peppol(facts)
    root.text("cbc:CustomizationID", PEPPOL if peppol else EN16931)
    root.text("cbc:ProfileID", PEPPOL_PROCESS if peppol else facts.process)
    root.text("cbc:ID", facts.number)
    root.text("cbc:IssueDate", facts.issue_on.isoformat())
    if facts.is_invoice:
        root.text("cbc:DueDate", facts.due_on.isoformat())
    root.text(f"cbc:{name}TypeCode", facts.type_code)
    for note in _notes(facts, peppol):
        root.text("cbc:Note", note)
    root.text("cbc:DocumentCurrencyCode", facts.currency)
    root.text("cbc:TaxCurrencyCode", facts.tax_currency)
    root.text("cbc:BuyerReference", facts.buyer_reference)
    _period(root, facts.period)
    if facts.purchase_order or facts.order_reference:
        order = root.node("cac:OrderReference")
        order.text("cbc:ID", facts.purchase_order or _NOT_KNOWN)
        order.text("cbc:SalesOrderID", facts.order_reference)
    for earlier in facts.earlier:
        reference = root.node("cac:BillingReference/cac:InvoiceDocumentReference")
        reference.text("cbc:ID", earlier.number)
        reference.text("cbc:IssueDate", earlier.issue_on.isoformat())
    _party(root.node("cac:AccountingSupplierParty/cac:Party"), facts.seller, with_vat=facts.taxable, with_contact=True)
    _party(root.node("cac:AccountingCustomerParty/cac:Party"), facts.buyer, with_vat=facts.taxable, with_contact=False)
    _delivery(root, facts)
    _payment(root, facts)
    for one in facts.adjustments:
        written = root.node("cac:AllowanceCharge")
        _adjustment(written, one, facts)
        _category(written.node("cac:TaxCategory"), one.category, one.rate_bp)
    _totals(root, facts)
    for line in facts.lines:
        _line(root.node(f"cac:{name}Line"), line, facts)
    return root.written()


def _period(parent: Tree, period: Period | None) -> None:
    if period is None:
        return
    written = parent.node("cac:InvoicePeriod")
    written.text("cbc:StartDate", period.first.isoformat() if period.first else None)
    written.text("cbc:EndDate", period.last.isoformat() if period.last else None)


def _adjustment(written: Tree, one: AdjustmentFacts, facts: DocumentFacts) -> None:
    currency = facts.currency
    written.text("cbc:ChargeIndicator", "true" if one.charge else "false")
    written.text("cbc:AllowanceChargeReason", one.reason)
    if one.percent_bp is not None:
        written.text("cbc:MultiplierFactorNumeric", decimal_text(one.percent_bp, 2))
    written.text("cbc:Amount", facts.amount(one.amount_minor), currencyID=currency)
    if one.percent_bp is not None:
        written.text("cbc:BaseAmount", facts.amount(one.base_minor), currencyID=currency)


def _notes(facts: DocumentFacts, peppol: bool) -> list[str]:
    """The notes with their subjects, as EN 16931 writes them in UBL; Peppol takes one only (PEPPOL-EN16931-R002)."""
    if peppol:
        return ["\n".join(note.text for note in facts.notes)]
    return [f"#{note.subject}#{note.text}" if note.subject else note.text for note in facts.notes]


def _party(written: Tree, party: Party, *, with_vat: bool, with_contact: bool) -> None:
    if party.endpoint is not None:
        written.text("cbc:EndpointID", party.endpoint.value, schemeID=party.endpoint.scheme)
    _address(written.node("cac:PostalAddress"), party)
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


def _address(address: Tree, place: Party | Place) -> None:
    address.text("cbc:StreetName", place.street)
    address.text("cbc:CityName", place.city)
    address.text("cbc:PostalZone", place.postcode)
    address.text("cac:Country/cbc:IdentificationCode", place.country)


def _delivery(root: Tree, facts: DocumentFacts) -> None:
    place = facts.deliver_to
    across = any(tax.category is TaxCategory.INTRA_COMMUNITY for tax in facts.taxes)
    if facts.supplied_on is None and place is None and not across:
        return
    delivery = root.node("cac:Delivery")
    if facts.supplied_on is not None:
        delivery.text("cbc:ActualDeliveryDate", facts.supplied_on.isoformat())
    if place is not None:
        _address(delivery.node("cac:DeliveryLocation/cac:Address"), place)
        delivery.text("cac:DeliveryParty/cac:PartyName/cbc:Name", place.name)
    elif across:
        country = "cac:DeliveryLocation/cac:Address/cac:Country/cbc:IdentificationCode"
        delivery.text(country, facts.buyer.country)


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
    if facts.tax_currency is not None and facts.tax_accounting_minor is not None:
        told = facts.amount(facts.tax_accounting_minor, facts.tax_currency)
        root.text("cac:TaxTotal/cbc:TaxAmount", told, currencyID=facts.tax_currency)
    sums = root.node("cac:LegalMonetaryTotal")
    sums.text("cbc:LineExtensionAmount", facts.amount(facts.lines_minor), currencyID=currency)
    sums.text("cbc:TaxExclusiveAmount", facts.amount(facts.net_minor), currencyID=currency)
    sums.text("cbc:TaxInclusiveAmount", facts.amount(facts.total_minor), currencyID=currency)
    for name, charge in (("cbc:AllowanceTotalAmount", False), ("cbc:ChargeTotalAmount", True)):
        if any(one.charge is charge for one in facts.adjustments):
            sums.text(name, facts.amount(facts.adjusted_minor(charge=charge)), currencyID=currency)
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
    written.text(quantity, decimal_text(line.quantity_millionths, 6), unitCode=line.unit)
    written.text("cbc:LineExtensionAmount", facts.amount(line.net_minor), currencyID=currency)
    _period(written, line.period)
    written.text("cac:OrderLineReference/cbc:LineID", line.order_line)
    for one in line.adjustments:
        _adjustment(written.node("cac:AllowanceCharge"), one, facts)
    item = written.node("cac:Item")
    item.text("cbc:Name", line.description)
    item.text("cac:SellersItemIdentification/cbc:ID", line.item_code)
    _category(item.node("cac:ClassifiedTaxCategory"), line.category, line.rate_bp)
    written.text("cac:Price/cbc:PriceAmount", decimal_text(line.unit_price_millionths, 6), currencyID=currency)
