"""What is billed today, grouped by each customer's rule, and what is held because something is missing. Pure.

Every quantity that is billable ends in exactly one place: on one invoice, held with its order, or waiting.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from ar.core.calendars import month_end
from ar.core.i18n import marked as _
from invoicing.billing.facts import Held, OrderFacts, Outcome, Proposed, Reason, Rule, Take
from invoicing.billing.models import Basis, Cadence, Grouping
from invoicing.billing.stages import deposit_lines, staged
from invoicing.draft import InvoiceDraft
from invoicing.models import InvoiceStage, TaxCategory
from invoicing.orders.amounts import LineFacts, adjustments_of, discount_share
from invoicing.terms.words import Say
from invoicing.totals import Line, TotalsError, totals


@dataclass(frozen=True)
class Entry:
    """A quantity of a line that may be billed since a day."""

    order: OrderFacts
    line: LineFacts
    quantity: int
    since: date

    @property
    def take(self) -> Take:
        return Take(self.order.id, self.line.id, self.quantity, discount_share(self.line, self.quantity))

    @property
    def purchase_order(self) -> str:
        return self.line.purchase_order or self.order.purchase_order


def decide(orders: Sequence[OrderFacts], *, today: date, say: Say) -> Outcome:
    """What to bill of `orders` as of `today`, the sellers' local day; `say` puts words into the customer's language."""
    invoices: list[Proposed] = []
    held: list[Held] = []
    waiting: list[Take] = []
    groups: dict[tuple[Any, ...], list[Entry]] = defaultdict(list)
    for order in orders:
        entries = list(_billable(order))
        stages = [
            stage for stage in order.stages if stage.ready_on and stage.ready_on <= today and not stage.invoice_id
        ]
        due = [entry for entry in entries if entry.since <= cutoff(order.rule, today)]
        waiting += [entry.take for entry in entries if entry not in due]
        if not due and not stages:
            continue
        if reasons := [*missing(order, [entry.line for entry in due]), *_unsettled(order, due)]:
            held.append(Held(f"order:{order.id}", order.account_id, tuple(reasons)))
            continue
        invoices += staged(order, stages, say=say)
        for entry in due:
            groups[_key(entry)].append(entry)
    for group in groups.values():
        for part in _apart(group):
            made, reason = _invoice(part, say=say)
            if reason is not None:
                ids = {entry.order.id: entry.order.account_id for entry in part}
                held += [Held(f"order:{order_id}", account_id, (reason,)) for order_id, account_id in ids.items()]
            elif made is None:
                waiting += [entry.take for entry in part]
            else:
                invoices.append(made)
    return Outcome(tuple(invoices), tuple(_joined(held)), tuple(waiting))


def cutoff(rule: Rule, today: date) -> date:
    """The last day whose sales the rule bills by `today`: that day itself, or the last billing day of a month."""
    if rule.cadence is Cadence.AT_ONCE:
        return today
    before = today.replace(day=1) - timedelta(days=1)
    if rule.cadence is Cadence.MONTH_END:
        return today if month_end(today) == today else before
    assert rule.month_day is not None
    here = today.replace(day=min(rule.month_day, month_end(today).day))
    return here if here <= today else before.replace(day=min(rule.month_day, before.day))


def _billable(order: OrderFacts) -> Iterator[Entry]:
    """What of the order's lines may be billed: what is accepted or delivered by its rule, less what is billed already.

    An order with milestones is billed by them. One with a deposit is billed whole, by its final invoice, once all of it
    is delivered.
    """
    if order.has_milestones:
        return
    if order.deposits:
        if all(line.delivered == line.quantity for line in order.lines) and any(line.left for line in order.lines):
            since = max(line.delivered_on or order.accepted_on for line in order.lines)
            yield from (Entry(order, line, line.left, since) for line in order.lines if line.left)
        return
    for line in order.lines:
        if order.rule.basis is Basis.ACCEPTANCE:
            quantity, since = line.left, order.accepted_on
        else:
            quantity, since = line.delivered - line.billed, line.delivered_on or order.accepted_on
        if quantity > 0:
            yield Entry(order, line, quantity, since)


def missing(order: OrderFacts, lines: Sequence[LineFacts]) -> Iterator[Reason]:
    """What the customer's rule wants on an invoice, or groups by, and the order does not give."""
    rule = order.rule
    if rule.needs_purchase_order or rule.grouping is Grouping.PURCHASE_ORDER:
        without = [line.position for line in lines if not (line.purchase_order or order.purchase_order)]
        if without or (not lines and not order.purchase_order):
            words = _("The purchase order number is missing: enter it on the order, or on each of its lines.")
            yield Reason("purchase-order-missing", words, {"lines": without})
    if rule.needs_buyer_reference and not order.buyer_reference:
        words = _("The buyer reference is missing: enter it on the order. The customer wants it on every invoice.")
        yield Reason("buyer-reference-missing", words)
    if (rule.needs_site or rule.grouping is Grouping.SITE) and order.site is None:
        yield Reason("site-missing", _("The site is missing: enter on the order where it is delivered to."))


def _unsettled(order: OrderFacts, due: Sequence[Entry]) -> Iterator[Reason]:
    """What keeps a final invoice from taking the deposits off."""
    if not due:
        return
    for stage in order.deposits:
        if stage.invoice_id is None or stage.number is None:
            words = _("The deposit is not issued yet: approve its draft first, then the final invoice takes it off.")
            yield Reason("deposit-not-issued", words)
        elif stage.credited:
            words = _("The deposit %(number)s was credited: cancel the rest of the order and invoice it by hand.")
            yield Reason("deposit-credited", words, {"number": stage.number})


def _key(entry: Entry) -> tuple[Any, ...]:
    """What two entries share when they go on one invoice."""
    order, rule = entry.order, entry.order.rule
    head = (order.entity_id, order.account_id, order.currency, order.terms, order.buyer_reference, rule.grouping)
    alone = order.id if order.deposits or not rule.consolidated else None
    if order.deposits or rule.grouping is Grouping.ORDER:
        return (*head, order.id)
    own: Any = {
        Grouping.PURCHASE_ORDER: entry.purchase_order,
        Grouping.SITE: order.site,
        Grouping.FAMILY: entry.line.family,
        Grouping.MONTH: (entry.since.year, entry.since.month),
        Grouping.LINE: entry.line.id,
    }[rule.grouping]
    return (*head, own, alone)


def _apart(group: Sequence[Entry]) -> list[list[Entry]]:
    """The group as it may stand on one invoice: category O alone, one reason for each VAT category (EN 16931)."""
    reasons: dict[TaxCategory, list[str]] = defaultdict(list)
    parts: dict[tuple[bool, int], list[Entry]] = defaultdict(list)
    for entry in group:
        known, line = reasons[entry.line.category], entry.line
        if line.exemption not in known:
            known.append(line.exemption)
        parts[line.category is TaxCategory.NOT_SUBJECT, known.index(line.exemption)].append(entry)
    return list(parts.values())


def _invoice(part: Sequence[Entry], *, say: Say) -> tuple[Proposed | None, Reason | None]:
    """The invoice of the entries; nothing when it is below the least amount; or why it cannot be."""
    order = part[0].order
    orders = {entry.order.id for entry in part}
    lines = [_line(entry, several=len(orders) > 1, say=say) for entry in part]
    taken_off = deposit_lines(order, say=say) if order.deposits else []
    try:
        sums = totals([*lines, *taken_off], order.currency)
    except TotalsError as error:
        words = _("It cannot be invoiced as it is: %(fault)s")
        return None, Reason("not-invoiceable", words, {"fault": error.faults[0].message})
    if not order.deposits and sums.net_minor < order.rule.minimum_minor:
        return None, None
    draft = _header(part, [*lines, *taken_off])
    if order.deposits:
        preceding = [stage.invoice_id for stage in order.deposits if stage.invoice_id is not None]
        draft = replace(draft, stage=InvoiceStage.FINAL, preceding=preceding)
    return Proposed(draft, order.rule.approval, tuple(entry.take for entry in part)), None


def _line(entry: Entry, *, several: bool, say: Say) -> Line:
    """The invoice's line; with `several` orders on the invoice it names its own."""
    line, order = entry.line, entry.order
    told = line.description
    if several:
        names = [name for name in (order.reference, entry.purchase_order) if name]
        told = f"{told[:850]} ({', '.join(names)})"
    reason = say(_("Trade discount"), language=order.language) if line.discount_bp or line.discount_left_minor else ""
    return Line(
        told,
        entry.quantity,
        line.unit_price,
        line.category,
        line.rate_bp,
        adjustments_of(line, entry.quantity, reason=reason),
        unit=line.unit,
        item_code=line.item_code,
        order_line=line.order_line,
        exemption=line.exemption,
        supply=line.supply,
    )


def _header(part: Sequence[Entry], lines: Sequence[Line]) -> InvoiceDraft:
    """What the entries have in common; what they do not is told line by line or left out."""
    order = part[0].order
    references = {entry.order.reference for entry in part}
    purchase_orders = {entry.purchase_order for entry in part}
    sites = {entry.order.site for entry in part}
    notes = {entry.order.note for entry in part}
    supplied_on, period_from, period_to = _supplied(part)
    return InvoiceDraft(
        entity_id=order.entity_id,
        account_id=order.account_id,
        lines=lines,
        currency=order.currency,
        terms=order.terms,
        supplied_on=supplied_on,
        period_from=period_from,
        period_to=period_to,
        buyer_reference=order.buyer_reference,
        purchase_order=purchase_orders.pop() if len(purchase_orders) == 1 else "",
        order_reference=references.pop() if len(references) == 1 else "",
        deliver_to=sites.pop() if len(sites) == 1 else None,
        note=notes.pop() if len(notes) == 1 else "",
    )


def _supplied(part: Sequence[Entry]) -> tuple[date | None, date | None, date | None]:
    """The one day of supply, or the period it lies in: that month for a monthly invoice."""
    if part[0].order.rule.grouping is Grouping.MONTH and not part[0].order.deposits:
        since = part[0].since
        return None, since.replace(day=1), month_end(since)
    days = {entry.line.delivered_on for entry in part if entry.line.delivered_on}
    if len(days) > 1:
        return None, min(days), max(days)
    return (days.pop() if days else None), None, None


def _joined(held: Sequence[Held]) -> Iterator[Held]:
    """One for each subject, with all its reasons."""
    found: dict[str, Held] = {}
    for one in held:
        known = found.get(one.subject)
        more = [reason for reason in one.reasons if known is None or reason not in known.reasons]
        found[one.subject] = replace(one, reasons=(*known.reasons, *more)) if known else one
    yield from found.values()
