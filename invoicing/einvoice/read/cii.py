"""Reads UN/CEFACT's Cross Industry Invoice, as Factur-X and ZUGFeRD carry it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from invoicing.einvoice.cii import NAMESPACES
from invoicing.einvoice.facts import Number
from invoicing.einvoice.read import values
from invoicing.einvoice.read.told import ToldAdjustment, ToldInvoice, ToldLine, ToldParty, ToldSums, refused
from invoicing.einvoice.read.tree import Node
from invoicing.models import FileFormat, SupplyKind, TaxCategory
from invoicing.totals import ONE, Adjustment, Line, Tax

_DAY = "udt:DateTimeString"
_PERIOD = "ram:BillingSpecifiedPeriod"


def read_cii(root: etree._Element) -> ToldInvoice:
    """What the document says. Raises EInvoiceRefusedError."""
    top = Node(root, NAMESPACES)
    trade = top.first("rsm:SupplyChainTradeTransaction")
    agreement = trade and trade.first("ram:ApplicableHeaderTradeAgreement")
    delivery = trade and trade.first("ram:ApplicableHeaderTradeDelivery")
    settlement = trade and trade.first("ram:ApplicableHeaderTradeSettlement")
    seller = agreement and agreement.first("ram:SellerTradeParty")
    buyer = agreement and agreement.first("ram:BuyerTradeParty")
    if not (trade and agreement and delivery and settlement and seller and buyer):
        raise refused("the invoice lacks its seller, its buyer or its sums")
    currency = values.known_currency(settlement.text("ram:InvoiceCurrencyCode"))
    kind, stage = values.kind(top.text("rsm:ExchangedDocument/ram:TypeCode"))
    process = top.text("rsm:ExchangedDocumentContext/ram:BusinessProcessSpecifiedDocumentContextParameter/ram:ID")
    supply, stage = values.frame(process, stage)
    items = trade.all("ram:IncludedSupplyChainTradeLineItem")
    referenced = "ram:InvoiceReferencedDocument/ram:IssuerAssignedID"
    return ToldInvoice(
        syntax=FileFormat.CII,
        kind=kind,
        stage=stage,
        number=top.text("rsm:ExchangedDocument/ram:ID"),
        issue_on=values.needed_day(top.text(f"rsm:ExchangedDocument/ram:IssueDateTime/{_DAY}"), "BT-2"),
        due_on=values.day(settlement.text(f"ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime/{_DAY}"), "BT-9"),
        supplied_on=values.day(
            delivery.text(f"ram:ActualDeliverySupplyChainEvent/ram:OccurrenceDateTime/{_DAY}"), "BT-72"
        ),
        period_from=values.day(settlement.text(f"{_PERIOD}/ram:StartDateTime/{_DAY}"), "BT-73"),
        period_to=values.day(settlement.text(f"{_PERIOD}/ram:EndDateTime/{_DAY}"), "BT-74"),
        currency=currency,
        seller=_party(seller),
        buyer=_party(buyer),
        lines=[_line(item, currency, supply) for item in items],
        adjustments=[
            _document_adjustment(one, currency) for one in settlement.all("ram:SpecifiedTradeAllowanceCharge")
        ],
        taxes=list(_taxes(settlement, currency)),
        sums=_sums(settlement, currency),
        corrects=settlement.text(referenced),
        buyer_reference=values.short(agreement.text("ram:BuyerReference"), 60, "BT-10"),
        purchase_order=values.short(
            agreement.text("ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID"), 60, "BT-13"
        ),
        order_reference=values.short(
            agreement.text("ram:SellerOrderReferencedDocument/ram:IssuerAssignedID"), 60, "BT-14"
        ),
        note="\n".join(
            note.text("ram:Content")
            for note in top.all("rsm:ExchangedDocument/ram:IncludedNote")
            if not note.text("ram:SubjectCode")
        )[:2000],
    )


def _party(party: Node) -> ToldParty:
    numbers = [Number(one.value) for one in party.all("ram:ID")]
    numbers += [Number(one.value, one.attribute("schemeID")) for one in party.all("ram:GlobalID")]
    for path in ("ram:SpecifiedLegalOrganization/ram:ID", "ram:URIUniversalCommunication/ram:URIID"):
        if value := party.text(path):
            numbers.append(Number(value, party.scheme(path) or None))
    registered = party.all("ram:SpecifiedTaxRegistration/ram:ID")
    address = "ram:PostalTradeAddress"
    return ToldParty(
        name=values.short(party.text("ram:Name"), 200, "BT-27, BT-44"),
        country=party.text(f"{address}/ram:CountryID"),
        street=values.short(party.text(f"{address}/ram:LineOne"), 200, "BT-35, BT-50"),
        postcode=values.short(party.text(f"{address}/ram:PostcodeCode"), 20, "BT-38, BT-53"),
        city=values.short(party.text(f"{address}/ram:CityName"), 100, "BT-37, BT-52"),
        vat_number=next((one.value for one in registered if one.attribute("schemeID") == "VA"), ""),
        numbers=tuple(numbers),
    )


def _line(item: Node, currency: str, supply: SupplyKind) -> ToldLine:
    price = "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice"
    settlement = item.first("ram:SpecifiedLineTradeSettlement")
    quantity = "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity"
    if settlement is None:
        raise refused("a line lacks its sums [BG-25]")
    base = values.fraction(item.text(f"{price}/ram:BasisQuantity") or "1", "BT-149")
    if base <= 0:
        raise refused("a price is for a quantity of zero [BT-149]")
    each = values.fraction(item.text(f"{price}/ram:ChargeAmount"), "BT-146") / base
    tax = "ram:ApplicableTradeTax"
    adjustments = [_adjustment(one, currency) for one in settlement.all("ram:SpecifiedTradeAllowanceCharge")]
    line = Line(
        description=values.short(item.text("ram:SpecifiedTradeProduct/ram:Name"), 1000, "BT-153"),
        quantity_millionths=values.millionths(values.fraction(item.text(quantity), "BT-129"), "BT-129"),
        unit_price_millionths=values.millionths(each, "BT-146"),
        category=values.category(settlement.text(f"{tax}/ram:CategoryCode")),
        rate_bp=values.basis_points(settlement.text(f"{tax}/ram:RateApplicablePercent"), "BT-152"),
        adjustments=tuple(adjustments),
        unit=values.short(item.scheme(quantity, "unitCode") or ONE, 3, "BT-130"),
        item_code=values.short(item.text("ram:SpecifiedTradeProduct/ram:SellerAssignedID"), 60, "BT-155"),
        order_line=values.short(
            item.text("ram:SpecifiedLineTradeAgreement/ram:BuyerOrderReferencedDocument/ram:LineID"), 60, "BT-132"
        ),
        period_from=values.day(settlement.text(f"{_PERIOD}/ram:StartDateTime/{_DAY}"), "BT-134"),
        period_to=values.day(settlement.text(f"{_PERIOD}/ram:EndDateTime/{_DAY}"), "BT-135"),
        supply=supply,
    )
    net = settlement.text("ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount")
    return ToldLine(line, values.minor(net, currency, "BT-131"))


def _adjustment(given: Node, currency: str) -> Adjustment:
    code = given.text("ram:ReasonCode")
    return Adjustment(
        reason=values.short(given.text("ram:Reason"), 200, "BT-97, BT-104, BT-139, BT-144") or code,
        amount_minor=values.minor(given.text("ram:ActualAmount"), currency, "BT-92, BT-99, BT-136, BT-141"),
        charge=given.text("ram:ChargeIndicator/udt:Indicator") in ("true", "1"),
    )


def _document_adjustment(given: Node, currency: str) -> ToldAdjustment:
    base = values.minor(given.text("ram:BasisAmount"), currency, "BT-93, BT-100")
    category = values.category(given.text("ram:CategoryTradeTax/ram:CategoryCode"))
    rate = values.basis_points(given.text("ram:CategoryTradeTax/ram:RateApplicablePercent"), "BT-96, BT-103")
    return ToldAdjustment(_adjustment(given, currency), base, Tax(category, rate, 0, 0))


def _taxes(settlement: Node, currency: str) -> Iterator[Tax]:
    for row in settlement.all("ram:ApplicableTradeTax"):
        category = values.category(row.text("ram:CategoryCode"))
        rate = values.basis_points(row.text("ram:RateApplicablePercent"), "BT-119")
        yield Tax(
            category=category,
            rate_bp=0 if category is TaxCategory.NOT_SUBJECT else rate,
            net_minor=values.minor(row.text("ram:BasisAmount"), currency, "BT-116"),
            tax_minor=values.minor(row.text("ram:CalculatedAmount"), currency, "BT-117"),
            exemption=values.short(row.text("ram:ExemptionReasonCode"), 30, "BT-121"),
        )


def _sums(settlement: Node, currency: str) -> ToldSums:
    sums = settlement.first("ram:SpecifiedTradeSettlementHeaderMonetarySummation")
    if sums is None:
        raise refused("the invoice lacks its sums [BG-22]")
    tax = [one.value for one in sums.all("ram:TaxTotalAmount") if one.attribute("currencyID") in ("", currency)]

    def told(name: str, term: str) -> int:
        return values.minor(sums.text(f"ram:{name}"), currency, term)

    return ToldSums(
        lines_minor=told("LineTotalAmount", "BT-106"),
        allowances_minor=told("AllowanceTotalAmount", "BT-107"),
        charges_minor=told("ChargeTotalAmount", "BT-108"),
        net_minor=told("TaxBasisTotalAmount", "BT-109"),
        tax_minor=values.minor(tax[0] if tax else "", currency, "BT-110"),
        total_minor=told("GrandTotalAmount", "BT-112"),
        prepaid_minor=told("TotalPrepaidAmount", "BT-113"),
        rounding_minor=told("RoundingAmount", "BT-114"),
        payable_minor=told("DuePayableAmount", "BT-115"),
    )
