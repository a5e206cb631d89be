"""The company's figures as of any past day: the facts of ar.ledger.kpis gathered from the ledger, in one currency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import case, func, select
from sqlmodel import Session, col

from ar.ledger.ageing import AgeingRow, ageing, bucket_names, totals
from ar.ledger.items import balances, marks_after
from ar.ledger.kpis import COUNTBACK_MONTHS, PERIOD_DAYS, Aged, Basis, Facts, Figures, MonthSales, compute
from ar.ledger.models import Entry, EntryKind
from ar.ledger.rates import Rates, rates_on


def kpis(session: Session, *, as_of: date, currency: str, entity_id: int | None = None) -> Figures:
    """The figures as of the end of `as_of`, over the PERIOD_DAYS up to it, of one legal entity or of all.

    Told in `currency`. A currency without a rate is left out and named in the basis; where no other is left,
    the figures are told in the currency that most is owed in.
    """
    period_from = as_of - timedelta(days=PERIOD_DAYS - 1)
    aged = totals(ageing(session, as_of=as_of, entity_id=entity_id))
    opening = _receivables(session, period_from - timedelta(days=1), entity_id)
    disputed = _disputed(session, as_of, entity_id)
    flows = _flows(session, as_of, entity_id)
    used = set(aged) | set(opening) | {flow.currency for flow in flows}
    rates = rates_on(session, as_of)
    target, left_out = _choose_currency(currency, used, rates, aged)
    flows = [flow for flow in flows if flow.currency not in left_out]
    recent = [flow for flow in flows if flow.day >= period_from]

    def told(minor: int, source: str) -> int:
        return 0 if source in left_out else rates.convert(minor, source, target)

    def summed(amounts: Iterable[tuple[str, int]]) -> int:
        by_currency: dict[str, int] = defaultdict(int)
        for code, minor in amounts:
            by_currency[code] += minor
        return sum(told(minor, code) for code, minor in by_currency.items())

    told_ageing = Aged(
        currency=target,
        buckets={
            name: summed((code, row.buckets[n]) for code, row in aged.items()) for n, name in enumerate(bucket_names())
        },
        credits=summed((code, row.credits) for code, row in aged.items()),
    )
    facts = Facts(
        closing=told_ageing.total,
        closing_current=told_ageing.buckets["not_due"],
        opening=summed(opening.items()),
        disputed=summed(disputed.items()),
        sales=summed((flow.currency, flow.sales) for flow in recent),
        write_offs=summed((flow.currency, flow.write_offs) for flow in recent),
        months=_months(flows, told, as_of),
    )
    converted = used - set(left_out) | {target}
    basis = Basis(
        as_of=as_of,
        period_from=period_from,
        currency=target,
        rate_dates=rates.dates(converted) if len(converted) > 1 else {},
        left_out=tuple(left_out),
        receivables_minor=facts.closing,
        disputed_minor=facts.disputed,
        sales_minor=facts.sales,
    )
    return compute(facts, told_ageing, basis)


@dataclass(frozen=True)
class _Flow:
    """Credit sales and write-offs (net of what was taken back) of one day in one currency."""

    currency: str
    day: date
    sales: int
    write_offs: int


def _flows(session: Session, as_of: date, entity_id: int | None) -> list[_Flow]:
    nature = func.coalesce(col(Entry.reversed_kind), col(Entry.kind))
    sign = case((col(Entry.kind) == EntryKind.REVERSAL, -1), else_=1)
    signed = sign * col(Entry.amount_minor)
    sales = case((nature == EntryKind.INVOICE, signed), (nature == EntryKind.CREDIT_NOTE, -signed), else_=0)
    lost = case((nature == EntryKind.WRITE_OFF, signed), else_=0)
    query = (
        select(col(Entry.currency), col(Entry.effective_on), func.sum(sales), func.sum(lost))
        .where(
            col(Entry.effective_on) <= as_of,
            col(Entry.effective_on) > as_of - timedelta(days=31 * COUNTBACK_MONTHS),
            col(Entry.kind).in_([EntryKind.INVOICE, EntryKind.CREDIT_NOTE, EntryKind.WRITE_OFF, EntryKind.REVERSAL]),
        )
        .group_by(col(Entry.currency), col(Entry.effective_on))
    )
    if entity_id is not None:
        query = query.where(col(Entry.entity_id) == entity_id)
    return [
        _Flow(currency, day, int(sold), int(written_off))
        for currency, day, sold, written_off in session.connection().execute(query)
    ]


def _receivables(session: Session, as_of: date, entity_id: int | None) -> dict[str, int]:
    """Receivables at the end of a day by currency, credits taken off."""
    found = balances(as_of)
    query = select(found.c.currency, func.sum(found.c.side * found.c.open_minor)).group_by(found.c.currency)
    if entity_id is not None:
        query = query.where(found.c.entity_id == entity_id)
    return {currency: int(minor) for currency, minor in session.connection().execute(query)}


def _disputed(session: Session, as_of: date, entity_id: int | None) -> dict[str, int]:
    """What is contested of the items open at the end of a day, by currency."""
    found, marks = balances(as_of), marks_after(as_of)
    contested = found.c.disputed_minor - func.coalesce(marks.c.minor, 0)
    query = (
        select(found.c.currency, func.sum(contested))
        .select_from(found)
        .outerjoin(marks, marks.c.entry_id == found.c.entry_id)
        .where(contested > 0)
        .group_by(found.c.currency)
    )
    if entity_id is not None:
        query = query.where(found.c.entity_id == entity_id)
    return {currency: int(minor) for currency, minor in session.connection().execute(query)}


def _choose_currency(wanted: str, used: set[str], rates: Rates, aged: dict[str, AgeingRow]) -> tuple[str, list[str]]:
    """The currency to tell the figures in, and those in use that cannot be converted to it."""
    if used <= {wanted}:
        return wanted, []
    if rates.known(wanted) and (known := {code for code in used if rates.known(code)}):
        return wanted, sorted(used - known)
    main = max(sorted(used), key=lambda code: aged[code].total if code in aged else 0)
    return main, sorted(used - {main})


def _months(flows: Sequence[_Flow], told: Callable[[int, str], int], as_of: date) -> tuple[MonthSales, ...]:
    """Sales by calendar month, newest first; the month of `as_of` counts its days so far."""
    by_month: dict[tuple[int, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for flow in flows:
        by_month[flow.day.year, flow.day.month][flow.currency] += flow.sales
    months = []
    first = as_of.replace(day=1)
    days = as_of.day
    for _ in range(COUNTBACK_MONTHS):
        sold = by_month[first.year, first.month]
        months.append(MonthSales(sum(told(minor, code) for code, minor in sold.items()), days))
        last = first - timedelta(days=1)
        first, days = last.replace(day=1), last.day
    return tuple(months)
