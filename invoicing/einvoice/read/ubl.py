"""Reads an Invoice or a CreditNote of UBL 2.1, as Peppol carries it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from invoicing.einvoice.facts import Number
from invoicing.einvoice.read import values
from invoicing.einvoice.read.told import ToldAdjustment, ToldInvoice, ToldLine, ToldParty, ToldSums, refused
from invoicing.einvoice.read.tree import Node
from invoicing.models import FileFormat, SupplyKind, TaxCategory
from invoicing.totals import ONE, Adjustment, Line, Tax

_OASIS = "urn:oasis:names:specification:ubl:schema:xsd:"
NAMESPACES = {"cac": f"{_OASIS}CommonAggregateComponents-2", "cbc": f"{_OASIS}CommonBasicComponents-2"}
_SUBJECT = "#"


def read_ubl(root: etree._Element) -> ToldInvoice:
    """What the document says. Raises EInvoiceRefusedError."""
    top = Node(root, NAMESPACES)
    name = etree.QName(root).localname
    seller, buyer = (top.first(f"cac:Accounting{who}Party/cac:Party") for who in ("Supplier", "Customer"))
    if not (seller and buyer):
        raise refused("the invoice lacks its seller or its buyer")
    currency = values.known_currency(top.text("cbc:DocumentCurrencyCode"))
    kind, stage = values.kind(top.text(f"cbc:{name}TypeCode"))
    due = top.text("cbc:DueDate") or top.text("cac:PaymentMeans/cbc:PaymentDueDate")
    supply, stage = values.frame(top.text("cbc:ProfileID"), stage)
    order = top.text("cac:OrderReference/cbc:ID")
    return ToldInvoice(
        syntax=FileFormat.UBL,
        kind=kind,
        stage=stage,
        number=top.text("cbc:ID"),
        issue_on=values.needed_day(top.text("cbc:IssueDate"), "BT-2"),
        due_on=values.day(due, "BT-9"),
        supplied_on=values.day(top.text("cac:Delivery/cbc:ActualDeliveryDate"), "BT-72"),
        period_from=values.day(top.text("cac:InvoicePeriod/cbc:StartDate"), "BT-73"),
        period_to=values.day(top.text("cac:InvoicePeriod/cbc:EndDate"), "BT-74"),
        currency=currency,
        seller=_party(seller),
        buyer=_party(buyer),
        lines=[_line(one, name, currency, supply) for one in top.all(f"cac:{name}Line")],
        adjustments=[_document_adjustment(one, currency) for one in top.all("cac:AllowanceCharge")],
        taxes=list(_taxes(top, currency)),
        sums=_sums(top, currency),
        corrects=top.text("cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID"),
        buyer_reference=values.short(top.text("cbc:BuyerReference"), 60, "BT-10"),
        purchase_order=values.short("" if order == "NA" else order, 60, "BT-13"),
        order_reference=values.short(top.text("cac:OrderReference/cbc:SalesOrderID"), 60, "BT-14"),
        note="\n".join(one.value for one in top.all("cbc:Note") if not one.value.startswith(_SUBJECT))[:2000],
    )


def _party(party: Node) -> ToldParty:
    numbers = [
        Number(one.value, one.attribute("schemeID") or None)
        for path in ("cac:PartyIdentification/cbc:ID", "cac:PartyLegalEntity/cbc:CompanyID", "cbc:EndpointID")
        for one in party.all(path)
    ]
    vat = (
        scheme.text("cbc:CompanyID")
        for scheme in party.all("cac:PartyTaxScheme")
        if scheme.text("cac:TaxScheme/cbc:ID") == "VAT"
    )
    address = "cac:PostalAddress"
    name = party.text("cac:PartyLegalEntity/cbc:RegistrationName") or party.text("cac:PartyName/cbc:Name")
    return ToldParty(
        name=values.short(name, 200, "BT-27, BT-44"),
        country=party.text(f"{address}/cac:Country/cbc:IdentificationCode"),
        street=values.short(party.text(f"{address}/cbc:StreetName"), 200, "BT-35, BT-50"),
        postcode=values.short(party.text(f"{address}/cbc:PostalZone"), 20, "BT-38, BT-53"),
        city=values.short(party.text(f"{address}/cbc:CityName"), 100, "BT-37, BT-52"),
        vat_number=next(vat, ""),
        numbers=tuple(numbers),
    )


def _line(given: Node, name: str, currency: str, supply: SupplyKind) -> ToldLine:
    quantity = "cbc:InvoicedQuantity" if name == "Invoice" else "cbc:CreditedQuantity"
    base = values.fraction(given.text("cac:Price/cbc:BaseQuantity") or "1", "BT-149")
    if base <= 0:
        raise refused("a price is for a quantity of zero [BT-149]")
    each = values.fraction(given.text("cac:Price/cbc:PriceAmount"), "BT-146") / base
    tax = "cac:Item/cac:ClassifiedTaxCategory"
    line = Line(
        description=values.short(given.text("cac:Item/cbc:Name"), 1000, "BT-153"),
        quantity_millionths=values.millionths(values.fraction(given.text(quantity), "BT-129"), "BT-129"),
        unit_price_millionths=values.millionths(each, "BT-146"),
        category=values.category(given.text(f"{tax}/cbc:ID")),
        rate_bp=values.basis_points(given.text(f"{tax}/cbc:Percent"), "BT-152"),
        adjustments=tuple(_adjustment(one, currency) for one in given.all("cac:AllowanceCharge")),
        unit=values.short(given.scheme(quantity, "unitCode") or ONE, 3, "BT-130"),
        item_code=values.short(given.text("cac:Item/cac:SellersItemIdentification/cbc:ID"), 60, "BT-155"),
        order_line=values.short(given.text("cac:OrderLineReference/cbc:LineID"), 60, "BT-132"),
        period_from=values.day(given.text("cac:InvoicePeriod/cbc:StartDate"), "BT-134"),
        period_to=values.day(given.text("cac:InvoicePeriod/cbc:EndDate"), "BT-135"),
        supply=supply,
    )
    return ToldLine(line, values.minor(given.text("cbc:LineExtensionAmount"), currency, "BT-131"))


def _adjustment(given: Node, currency: str) -> Adjustment:
    code = given.text("cbc:AllowanceChargeReasonCode")
    return Adjustment(
        reason=values.short(given.text("cbc:AllowanceChargeReason"), 200, "BT-97, BT-104, BT-139, BT-144") or code,
        amount_minor=values.minor(given.text("cbc:Amount"), currency, "BT-92, BT-99, BT-136, BT-141"),
        charge=given.text("cbc:ChargeIndicator") in ("true", "1"),
    )


def _document_adjustment(given: Node, currency: str) -> ToldAdjustment:
    base = values.minor(given.text("cbc:BaseAmount"), currency, "BT-93, BT-100")
    category = values.category(given.text("cac:TaxCategory/cbc:ID"))
    rate = values.basis_points(given.text("cac:TaxCategory/cbc:Percent"), "BT-96, BT-103")
    return ToldAdjustment(_adjustment(given, currency), base, Tax(category, rate, 0, 0))


def _total(top: Node, currency: str) -> Node | None:
    """The VAT in the document's currency; another may stand beside it, in the seller's."""
    return next((one for one in top.all("cac:TaxTotal") if one.scheme("cbc:TaxAmount", "currencyID") == currency), None)


def _taxes(top: Node, currency: str) -> Iterator[Tax]:
    total = _total(top, currency)
    for row in total.all("cac:TaxSubtotal") if total else ():
        category = values.category(row.text("cac:TaxCategory/cbc:ID"))
        rate = values.basis_points(row.text("cac:TaxCategory/cbc:Percent"), "BT-119")
        yield Tax(
            category=category,
            rate_bp=0 if category is TaxCategory.NOT_SUBJECT else rate,
            net_minor=values.minor(row.text("cbc:TaxableAmount"), currency, "BT-116"),
            tax_minor=values.minor(row.text("cbc:TaxAmount"), currency, "BT-117"),
            exemption=values.short(row.text("cac:TaxCategory/cbc:TaxExemptionReasonCode"), 30, "BT-121"),
        )


def _sums(top: Node, currency: str) -> ToldSums:
    total = _total(top, currency)

    def told(name: str, term: str) -> int:
        return values.minor(top.text(f"cac:LegalMonetaryTotal/cbc:{name}"), currency, term)

    return ToldSums(
        lines_minor=told("LineExtensionAmount", "BT-106"),
        allowances_minor=told("AllowanceTotalAmount", "BT-107"),
        charges_minor=told("ChargeTotalAmount", "BT-108"),
        net_minor=told("TaxExclusiveAmount", "BT-109"),
        tax_minor=values.minor(total.text("cbc:TaxAmount") if total else "", currency, "BT-110"),
        total_minor=told("TaxInclusiveAmount", "BT-112"),
        prepaid_minor=told("PrepaidAmount", "BT-113"),
        rounding_minor=told("PayableRoundingAmount", "BT-114"),
        payable_minor=told("PayableAmount", "BT-115"),
    )
