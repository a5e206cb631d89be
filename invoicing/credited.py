"""What a credit note takes back of an invoice: all of it, some of its lines, or an amount.

What it takes back carries the invoice's own tax, and its own allowances and charges in proportion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func
from sqlmodel import Session, col, select

from ar.core.db import MAX_ID
from ar.core.errors import DomainError, Fault
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.money import exponent
from ar.customers.accounts import account
from ar.ledger.allocate import locked_items
from invoicing.documents import adjustments_of, document_of, entry_ids_of, lines_of
from invoicing.models import (
    DocumentKind,
    Invoice,
    InvoiceAdjustment,
    InvoiceLine,
    InvoiceState,
    InvoiceTax,
    SupplyKind,
    TaxCategory,
)
from invoicing.parts import part_of
from invoicing.totals import MILLION, Adjustment, Line, Tax, decimal_text, half_up


class CreditError(DomainError):
    """What is to be credited is not on the invoice, or was credited before; the faults say which."""

    code = "bad-credit"


@dataclass(frozen=True)
class LinePart:
    """A line of the invoice to be credited, by its position: all that is left of it, or a quantity in millionths."""

    position: int
    quantity_millionths: int | None = None


@dataclass(frozen=True)
class Credited:
    """The lines of a credit note, and what is taken off or added to all of them."""

    lines: Sequence[Line]
    adjustments: Sequence[Adjustment] = ()


def locked_invoice(session: Session, entry_id: int) -> Invoice:
    """The document of an invoice, its ledger entries held so that two credit notes do not cross.

    Raises ItemNotFoundError, or CreditError for an invoice that was imported, whose lines are not known.
    """
    document = document_of(session, entry_id)
    locked_items(session, entry_ids_of(session, document) if document else [entry_id])
    if document is None or document.kind is not DocumentKind.INVOICE:
        raise CreditError(f"Ledger entry {entry_id} has no invoice with lines: give the lines to credit")
    return document


def whole(session: Session, invoice: Invoice) -> Credited:
    """All of the invoice, line by line."""
    adjusted = adjustments_of(session, invoice)
    lines = [_own(row, adjusted) for row in lines_of(session, invoice)]
    return Credited(lines, _adjustments(adjusted, None))


def of_lines(session: Session, invoice: Invoice, parts: Sequence[LinePart]) -> Credited:
    """Lines of the invoice, each at its own price. Raises CreditError for what is not there, or not there any more."""
    rows = {row.position: row for row in lines_of(session, invoice)}
    adjusted, before = adjustments_of(session, invoice), _credited_before(session, invoice)
    faults, lines, net = [], [], 0
    for n, part in enumerate(parts):
        row = rows.get(part.position)
        if row is None:
            faults.append(Fault(f"/of_lines/{n}/position", f"the invoice has no line {part.position}"))
            continue
        left = row.quantity_millionths - before[part.position]
        wanted = left if part.quantity_millionths is None else part.quantity_millionths
        sign = 1 if row.quantity_millionths > 0 else -1
        if not 0 < wanted * sign <= left * sign:
            told = f"of line {part.position} a quantity of {decimal_text(left, 6)} can still be credited"
            faults.append(Fault(f"/of_lines/{n}/quantity", told))
            continue
        before[part.position] += wanted
        lines.append(_scaled(_own(row, adjusted), wanted))
        net += half_up(row.net_minor * wanted, row.quantity_millionths)
    if faults:
        raise CreditError(f"The invoice was not credited: {faults[0].message}", faults=faults)
    of_all = sum(row.net_minor for row in rows.values())
    return Credited(lines, _in_proportion(_adjustments(adjusted, None), net, of_all))


def by_amount(session: Session, invoice: Invoice, gross_minor: int, words: str) -> Credited:
    """`gross_minor` of the invoice, or one minor unit less, over its own rates in proportion to what is left of each.

    `words` is what each line says. There are no lines where no rate can hold the amount.
    """
    parts, _left = part_of(gross_minor, _taxes_left(session, invoice))
    supplies = {row.supply for row in lines_of(session, invoice)}
    supply = SupplyKind.SERVICES if supplies == {SupplyKind.SERVICES} else SupplyKind.GOODS
    return Credited([line for part in parts for line in _priced(words, part, invoice.currency, supply)])


def worded_amount(session: Session, kernel: Kernel, invoice: Invoice, gross_minor: int) -> Credited:
    """The same in words of the customer's language. Raises CreditError for an amount that no rate can hold."""
    language = account(session, invoice.account_id).language
    words = kernel.renderer.text(_("Credit on invoice %(number)s"), language=language, number=invoice.number)
    found = by_amount(session, invoice, gross_minor, words)
    if not found.lines:
        message = "so little cannot be credited with its tax: choose an amount of some cents more"
        raise CreditError(f"The invoice was not credited: {message}", faults=[Fault("/amount_minor", message)])
    return found


def _own(row: InvoiceLine, adjusted: Sequence[InvoiceAdjustment]) -> Line:
    """A line of the invoice as a credit note takes it back."""
    return Line(
        row.description,
        row.quantity_millionths,
        row.unit_price_millionths,
        row.tax_category,
        row.tax_rate_bp,
        adjustments=_adjustments(adjusted, row.position),
        unit=row.unit,
        item_code=row.item_code,
        order_line=row.order_line,
        period_from=row.period_from,
        period_to=row.period_to,
        exemption=row.exemption,
        supply=row.supply,
        corrects_position=row.position,
    )


def _scaled(line: Line, quantity_millionths: int) -> Line:
    adjustments = _in_proportion(line.adjustments, quantity_millionths, line.quantity_millionths)
    return replace(line, quantity_millionths=quantity_millionths, adjustments=adjustments)


def _adjustments(adjusted: Sequence[InvoiceAdjustment], position: int | None) -> tuple[Adjustment, ...]:
    """Those of a line, or of the document, whose parts by category and rate are one again."""
    percents: dict[tuple[str, bool, int], None] = {}
    amounts: dict[tuple[str, bool], int] = defaultdict(int)
    for one in adjusted:
        if one.line_position == position and one.percent_bp is not None:
            percents[one.reason, one.charge, one.percent_bp] = None
        elif one.line_position == position:
            amounts[one.reason, one.charge] += one.amount_minor
    return (
        *(Adjustment(reason, percent_bp=percent_bp, charge=charge) for reason, charge, percent_bp in percents),
        *(Adjustment(reason, amount_minor=minor, charge=charge) for (reason, charge), minor in amounts.items()),
    )


def _in_proportion(adjustments: Sequence[Adjustment], part: int, whole: int) -> tuple[Adjustment, ...]:
    """Amounts as much smaller as `part` is than `whole`; percentages stay what they are."""
    shares = (
        one if one.amount_minor is None else replace(one, amount_minor=half_up(one.amount_minor * part, whole))
        for one in adjustments
    )
    return tuple(one for one in shares if one.amount_minor != 0)


def _credited_before(session: Session, invoice: Invoice) -> dict[int, int]:
    """What credit notes took back of each line, in millionths of its unit."""
    line = InvoiceLine
    query = (
        select(line.corrects_position, func.sum(line.quantity_millionths))
        .join(Invoice, col(Invoice.id) == col(line.invoice_id))
        .where(
            col(Invoice.corrects_entry_id) == invoice.entry_id,
            col(Invoice.state) == InvoiceState.ISSUED,
            col(line.corrects_position).is_not(None),
        )
        .group_by(col(line.corrects_position))
    )
    found: dict[int, int] = defaultdict(int)
    found.update({position: int(taken) for position, taken in session.exec(query) if position is not None})
    return found


def _priced(words: str, part: Tax, currency: str, supply: SupplyKind) -> Iterator[Line]:
    """One line of quantity 1 for a net amount; several of one rate where its price would not go into the database."""
    unit = MILLION // 10 ** exponent(currency)
    most = MAX_ID // unit
    for start in range(0, part.net_minor, most):
        price = min(most, part.net_minor - start) * unit
        yield Line(words, MILLION, price, part.category, part.rate_bp, exemption=part.exemption, supply=supply)


def _taxes_left(session: Session, invoice: Invoice) -> list[Tax]:
    """The tax breakdown of an invoice, less that of its credit notes."""
    left: dict[tuple[TaxCategory, int, str], list[int]] = defaultdict(lambda: [0, 0])
    query = (
        select(InvoiceTax, Invoice.kind)
        .join(Invoice, col(Invoice.id) == col(InvoiceTax.invoice_id))
        .where(
            (col(Invoice.id) == invoice.id) | (col(Invoice.corrects_entry_id) == invoice.entry_id),
            col(Invoice.state) == InvoiceState.ISSUED,
        )
    )
    for tax, kind in session.exec(query):
        sign = 1 if kind is DocumentKind.INVOICE else -1
        sums = left[tax.category, tax.rate_bp, tax.exemption]
        sums[0] += sign * tax.net_minor
        sums[1] += sign * tax.tax_minor
    return [
        Tax(category, rate, net, on_it, exemption) for (category, rate, exemption), (net, on_it) in sorted(left.items())
    ]
