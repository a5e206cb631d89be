"""An issued document in UN/CEFACT's Cross Industry Invoice, as the profile EN 16931 of Factur-X has it. Pure."""

from __future__ import annotations

from datetime import date

from invoicing.draft import Place
from invoicing.einvoice.facts import EN16931, AdjustmentFacts, DocumentFacts, LineFacts, Party, Period
from invoicing.einvoice.xmltree import Tree
from invoicing.models import TaxCategory
from invoicing.totals import decimal_text

_STANDARD = "urn:un:unece:uncefact:data:standard:"
NAMESPACES = {
    "rsm": f"{_STANDARD}CrossIndustryInvoice:100",
    "ram": f"{_STANDARD}ReusableAggregateBusinessInformationEntity:100",
    "qdt": f"{_STANDARD}QualifiedDataType:100",
    "udt": f"{_STANDARD}UnqualifiedDataType:100",
}
_DAY = "102"
"""UNTDID 2379: the year, the month, the day."""


def build_cii(facts: DocumentFacts) -> bytes:
    """The document as XML."""
    root = Tree.root("rsm:CrossIndustryInvoice", NAMESPACES)
    context = root.node("rsm:ExchangedDocumentContext")
    context.text("ram:BusinessProcessSpecifiedDocumentContextParameter/ram:ID", facts.process)
    context.text("ram:GuidelineSpecifiedDocumentContextParameter/ram:ID", EN16931)
    document = root.node("rsm:ExchangedDocument")
    document.text("ram:ID", facts.number)
    document.text("ram:TypeCode", facts.type_code)
    _day(document.node("ram:IssueDateTime"), "udt", facts.issue_on)
    for note in facts.notes:
        written = document.node("ram:IncludedNote")
        written.text("ram:Content", note.text)
        written.text("ram:SubjectCode", note.subject)
    trade = root.node("rsm:SupplyChainTradeTransaction")
    for line in facts.lines:
        _line(trade.node("ram:IncludedSupplyChainTradeLineItem"), line, facts)
    _agreement(trade.node("ram:ApplicableHeaderTradeAgreement"), facts)
    _delivery(trade.node("ram:ApplicableHeaderTradeDelivery"), facts)
    _settlement(trade.node("ram:ApplicableHeaderTradeSettlement"), facts)
    return root.written()


def _day(parent: Tree, prefix: str, day: date) -> None:
    parent.text(f"{prefix}:DateTimeString", f"{day:%Y%m%d}", format=_DAY)


def _rate(category: TaxCategory, rate_bp: int) -> str | None:
    return None if category is TaxCategory.NOT_SUBJECT else decimal_text(rate_bp, 2)


def _line(item: Tree, line: LineFacts, facts: DocumentFacts) -> None:
    item.text("ram:AssociatedDocumentLineDocument/ram:LineID", str(line.position))
    product = item.node("ram:SpecifiedTradeProduct")
    product.text("ram:SellerAssignedID", line.item_code)
    product.text("ram:Name", line.description)
    agreement = item.node("ram:SpecifiedLineTradeAgreement")
    agreement.text("ram:BuyerOrderReferencedDocument/ram:LineID", line.order_line)
    price = decimal_text(line.unit_price_millionths, 6)
    agreement.text("ram:NetPriceProductTradePrice/ram:ChargeAmount", price)
    quantity = decimal_text(line.quantity_millionths, 6)
    item.text("ram:SpecifiedLineTradeDelivery/ram:BilledQuantity", quantity, unitCode=line.unit)
    settlement = item.node("ram:SpecifiedLineTradeSettlement")
    tax = settlement.node("ram:ApplicableTradeTax")
    tax.text("ram:TypeCode", "VAT")
    tax.text("ram:CategoryCode", line.category.value)
    tax.text("ram:RateApplicablePercent", _rate(line.category, line.rate_bp))
    _period(settlement, line.period)
    for one in line.adjustments:
        _adjustment(settlement.node("ram:SpecifiedTradeAllowanceCharge"), one, facts)
    summation = "ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount"
    settlement.text(summation, facts.amount(line.net_minor))


def _period(parent: Tree, period: Period | None) -> None:
    if period is None:
        return
    billed = parent.node("ram:BillingSpecifiedPeriod")
    for name, day in (("ram:StartDateTime", period.first), ("ram:EndDateTime", period.last)):
        if day is not None:
            _day(billed.node(name), "udt", day)


def _adjustment(written: Tree, one: AdjustmentFacts, facts: DocumentFacts, *, with_tax: bool = False) -> None:
    written.text("ram:ChargeIndicator/udt:Indicator", "true" if one.charge else "false")
    if one.percent_bp is not None:
        written.text("ram:CalculationPercent", decimal_text(one.percent_bp, 2))
        written.text("ram:BasisAmount", facts.amount(one.base_minor))
    written.text("ram:ActualAmount", facts.amount(one.amount_minor))
    written.text("ram:Reason", one.reason)
    if with_tax:
        tax = written.node("ram:CategoryTradeTax")
        tax.text("ram:TypeCode", "VAT")
        tax.text("ram:CategoryCode", one.category.value)
        tax.text("ram:RateApplicablePercent", _rate(one.category, one.rate_bp))


def _agreement(agreement: Tree, facts: DocumentFacts) -> None:
    agreement.text("ram:BuyerReference", facts.buyer_reference)
    _party(agreement.node("ram:SellerTradeParty"), facts.seller, with_vat=facts.taxable, with_contact=True)
    _party(agreement.node("ram:BuyerTradeParty"), facts.buyer, with_vat=facts.taxable, with_contact=False)
    agreement.text("ram:SellerOrderReferencedDocument/ram:IssuerAssignedID", facts.order_reference)
    agreement.text("ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID", facts.purchase_order)


def _party(written: Tree, party: Party, *, with_vat: bool, with_contact: bool) -> None:
    written.text("ram:Name", party.name)
    if party.registration is not None:
        number = party.registration
        written.text("ram:SpecifiedLegalOrganization/ram:ID", number.value, schemeID=number.scheme)
    if with_contact and (party.email or party.phone):
        contact = written.node("ram:DefinedTradeContact")
        contact.text("ram:PersonName", party.name)
        contact.text("ram:TelephoneUniversalCommunication/ram:CompleteNumber", party.phone)
        contact.text("ram:EmailURIUniversalCommunication/ram:URIID", party.email)
    _address(written.node("ram:PostalTradeAddress"), party)
    if party.endpoint is not None:
        endpoint = party.endpoint
        written.text("ram:URIUniversalCommunication/ram:URIID", endpoint.value, schemeID=endpoint.scheme)
    if with_vat:
        written.text("ram:SpecifiedTaxRegistration/ram:ID", party.vat_number, schemeID="VA")


def _address(address: Tree, place: Party | Place) -> None:
    address.text("ram:PostcodeCode", place.postcode)
    address.text("ram:LineOne", place.street)
    address.text("ram:CityName", place.city)
    address.text("ram:CountryID", place.country)


def _delivery(delivery: Tree, facts: DocumentFacts) -> None:
    """The supply; goods are taken to go to the buyer, which a sale to another EU country must say (BR-IC-12)."""
    place = facts.deliver_to
    if place is not None:
        party = delivery.node("ram:ShipToTradeParty")
        party.text("ram:Name", place.name)
        _address(party.node("ram:PostalTradeAddress"), place)
    elif any(tax.category is TaxCategory.INTRA_COMMUNITY for tax in facts.taxes):
        delivery.text("ram:ShipToTradeParty/ram:PostalTradeAddress/ram:CountryID", facts.buyer.country)
    if facts.supplied_on is not None:
        _day(delivery.node("ram:ActualDeliverySupplyChainEvent/ram:OccurrenceDateTime"), "udt", facts.supplied_on)


def _settlement(settlement: Tree, facts: DocumentFacts) -> None:
    means = facts.payment_means
    if means is not None:
        settlement.text("ram:PaymentReference", facts.number)
    settlement.text("ram:TaxCurrencyCode", facts.tax_currency)
    settlement.text("ram:InvoiceCurrencyCode", facts.currency)
    if means is not None and facts.bank is not None:
        paying = settlement.node("ram:SpecifiedTradeSettlementPaymentMeans")
        paying.text("ram:TypeCode", means)
        account = paying.node("ram:PayeePartyCreditorFinancialAccount")
        account.text("ram:IBANID", facts.bank.iban)
        account.text("ram:AccountName", facts.bank.holder)
        paying.text("ram:PayeeSpecifiedCreditorFinancialInstitution/ram:BICID", facts.bank.bic)
    for tax in facts.taxes:
        row = settlement.node("ram:ApplicableTradeTax")
        row.text("ram:CalculatedAmount", facts.amount(tax.tax_minor))
        row.text("ram:TypeCode", "VAT")
        row.text("ram:ExemptionReason", tax.reason)
        row.text("ram:BasisAmount", facts.amount(tax.net_minor))
        row.text("ram:CategoryCode", tax.category.value)
        row.text("ram:ExemptionReasonCode", tax.reason_code)
        row.text("ram:RateApplicablePercent", _rate(tax.category, tax.rate_bp))
    _period(settlement, facts.period)
    for one in facts.adjustments:
        _adjustment(settlement.node("ram:SpecifiedTradeAllowanceCharge"), one, facts, with_tax=True)
    terms = settlement.node("ram:SpecifiedTradePaymentTerms")
    terms.text("ram:Description", facts.terms)
    if facts.is_invoice:
        _day(terms.node("ram:DueDateDateTime"), "udt", facts.due_on)
    _sums(settlement.node("ram:SpecifiedTradeSettlementHeaderMonetarySummation"), facts)
    for earlier in facts.earlier:
        referenced = settlement.node("ram:InvoiceReferencedDocument")
        referenced.text("ram:IssuerAssignedID", earlier.number)
        _day(referenced.node("ram:FormattedIssueDateTime"), "qdt", earlier.issue_on)


def _sums(sums: Tree, facts: DocumentFacts) -> None:
    sums.text("ram:LineTotalAmount", facts.amount(facts.lines_minor))
    for name, charge in (("ram:ChargeTotalAmount", True), ("ram:AllowanceTotalAmount", False)):
        if any(one.charge is charge for one in facts.adjustments):
            sums.text(name, facts.amount(facts.adjusted_minor(charge=charge)))
    sums.text("ram:TaxBasisTotalAmount", facts.amount(facts.net_minor))
    sums.text("ram:TaxTotalAmount", facts.amount(facts.tax_minor), currencyID=facts.currency)
    if facts.tax_currency is not None and facts.tax_accounting_minor is not None:
        told = facts.amount(facts.tax_accounting_minor, facts.tax_currency)
        sums.text("ram:TaxTotalAmount", told, currencyID=facts.tax_currency)
    sums.text("ram:GrandTotalAmount", facts.amount(facts.total_minor))
    sums.text("ram:DuePayableAmount", facts.amount(facts.total_minor))
