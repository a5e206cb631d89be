"""The pure rules: every billable quantity ends in one place, milestones make the order, periods touch each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.billing.decision import cutoff, decide
from invoicing.billing.facts import OrderFacts, Rule
from invoicing.billing.models import Alignment, Basis, Cadence, Every, Grouping
from invoicing.billing.periods import PlanFacts, PlanLine, add_months, charges, due_periods, next_on, periods
from invoicing.draft import Place
from invoicing.models import SupplyKind, TaxCategory
from invoicing.orders.amounts import Group, LineFacts, line_amount, stage_parts, unbilled_minor
from invoicing.totals import MILLION, line_net, totals
from tests.invoicing.billing.make import say

TODAY = date(2026, 3, 16)
TAXES = [
    (TaxCategory.STANDARD, 2000, ""),
    (TaxCategory.STANDARD, 550, ""),
    (TaxCategory.EXEMPT, 0, "VATEX-EU-132"),
    (TaxCategory.EXEMPT, 0, "VATEX-EU-143"),
    (TaxCategory.NOT_SUBJECT, 0, ""),
]
DAYS = st.dates(date(2026, 1, 1), TODAY)


@st.composite
def line_facts(draw: st.DrawFn, number: int) -> LineFacts:
    quantity = draw(st.integers(1, 5)) * MILLION
    price = draw(st.integers(1, 500)) * MILLION // 10
    category, rate, exemption = draw(st.sampled_from(TAXES))
    delivered = draw(st.integers(0, quantity // MILLION)) * MILLION
    discount = draw(st.none() | st.integers(0, line_net(quantity, price, "EUR") // 2))
    return LineFacts(
        id=number,
        position=number,
        supply=SupplyKind.GOODS,
        description="Work",
        quantity=quantity,
        unit="C62",
        unit_price=price,
        category=category,
        rate_bp=rate,
        billed=draw(st.integers(0, delivered // MILLION)) * MILLION,
        delivered=delivered,
        delivered_on=draw(DAYS) if delivered else None,
        discount_bp=draw(st.none() | st.integers(1, 10_000)) if discount is None else None,
        discount_left_minor=discount,
        exemption=exemption,
        family=draw(st.sampled_from(["", "wood", "oil"])),
        purchase_order=draw(st.sampled_from(["", "PO-1"])),
    )


@st.composite
def orders(draw: st.DrawFn) -> list[OrderFacts]:
    grouping = draw(st.sampled_from(Grouping))
    cadence = Cadence.MONTH_END if grouping is Grouping.MONTH else draw(st.sampled_from(Cadence))
    rule = Rule(
        grouping,
        consolidated=draw(st.booleans()),
        basis=draw(st.sampled_from(Basis)),
        cadence=cadence,
        month_day=draw(st.integers(1, 31)) if cadence is Cadence.MONTH_DAY else None,
        needs_purchase_order=draw(st.booleans()),
        needs_site=draw(st.booleans()),
        minimum_minor=draw(st.sampled_from([0, 0, 5_000])),
    )
    found = []
    for n in range(draw(st.integers(1, 4))):
        lines = [draw(line_facts(10 * n + m + 1)) for m in range(draw(st.integers(1, 4)))]
        found.append(
            OrderFacts(
                id=n + 1,
                entity_id=draw(st.integers(1, 2)),
                account_id=1,
                reference=f"A{n}",
                currency="EUR",
                language="en",
                accepted_on=draw(DAYS),
                lines=lines,
                rule=rule,
                terms=draw(st.sampled_from(["", "net 10"])),
                purchase_order=draw(st.sampled_from(["", "PO-2"])),
                site=draw(st.sampled_from([None, Place("Lyon", "FR"), Place("Lille", "FR")])),
            )
        )
    return found


@given(given=orders())
def test_every_billable_quantity_ends_in_exactly_one_place(given: list[OrderFacts]) -> None:
    made = decide(given, today=TODAY, say=say)
    rule = given[0].rule
    lines = {line.id: (order, line) for order in given for line in order.lines}
    held = {int(one.subject.removeprefix("order:")) for one in made.held}
    billed = Counter(take.line_id for one in made.invoices for take in one.takes)
    waits = Counter(take.line_id for take in made.waiting)
    for number, (order, line) in lines.items():
        billable = line.left if rule.basis is Basis.ACCEPTANCE else line.delivered - line.billed
        places = billed[number] + waits[number]
        assert places <= 1
        if billable:
            assert places == 1 or order.id in held
        else:
            assert places == 0
    for one in made.invoices:
        sums = totals(one.draft.lines, "EUR")
        taken = [lines[take.line_id] for take in one.takes]
        assert len({(order.entity_id, order.terms) for order, _ in taken}) == 1
        nets = [line_amount(line, take.quantity, "EUR") for (_, line), take in zip(taken, one.takes, strict=True)]
        assert list(sums.lines) == nets
        assert sums.net_minor >= rule.minimum_minor
        for order, line in taken:
            assert not (rule.needs_purchase_order and not (line.purchase_order or order.purchase_order))
            assert not (rule.needs_site and order.site is None)
        if rule.grouping is Grouping.ORDER or not rule.consolidated:
            assert len({order.id for order, _ in taken}) == 1
        if rule.grouping is Grouping.LINE:
            assert len(taken) == 1
        if rule.grouping is Grouping.FAMILY:
            assert len({line.family for _, line in taken}) == 1


@pytest.mark.parametrize(
    ("cadence", "day", "today", "last"),
    [
        (Cadence.AT_ONCE, None, date(2026, 3, 16), date(2026, 3, 16)),
        (Cadence.MONTH_END, None, date(2026, 3, 16), date(2026, 2, 28)),
        (Cadence.MONTH_END, None, date(2026, 3, 31), date(2026, 3, 31)),
        (Cadence.MONTH_DAY, 15, date(2026, 3, 16), date(2026, 3, 15)),
        (Cadence.MONTH_DAY, 17, date(2026, 3, 16), date(2026, 2, 17)),
        (Cadence.MONTH_DAY, 31, date(2026, 3, 16), date(2026, 2, 28)),
        (Cadence.MONTH_DAY, 31, date(2028, 2, 29), date(2028, 2, 29)),
    ],
)
def test_the_last_day_that_a_rule_bills(cadence: Cadence, day: int | None, today: date, last: date) -> None:
    assert cutoff(Rule(cadence=cadence, month_day=day), today) == last


def group(n: int) -> Group:
    return Group(TaxCategory.STANDARD, 100 * (n + 1), "", SupplyKind.GOODS)


@given(
    amounts=st.lists(st.integers(1, 10**9), min_size=1, max_size=5), cuts=st.lists(st.integers(1, 10**4), max_size=8)
)
def test_milestones_make_the_order_exactly(amounts: list[int], cuts: list[int]) -> None:
    groups = {group(n): minor for n, minor in enumerate(amounts)}
    whole, stages = sum(amounts), []
    for cut in cuts:
        if cut < whole:
            stages.append(cut)
            whole -= cut
    stages.append(whole)
    parts = stage_parts(stages, groups)
    assert [sum(part.values()) for part in parts] == stages
    assert all(minor > 0 for part in parts for minor in part.values())
    for one, minor in groups.items():
        assert sum(part.get(one, 0) for part in parts) == minor


@given(line=line_facts(1), cuts=st.lists(st.integers(1, 3), max_size=5))
def test_a_discount_in_amount_is_given_once_over_all_parts(line: LineFacts, cuts: list[int]) -> None:
    given_away, left, started = 0, line.discount_left_minor, line.left > 0
    while line.left:
        quantity = min(line.left, (cuts.pop() if cuts else 5) * MILLION)
        net, gross = line_amount(line, quantity, "EUR"), line_net(quantity, line.unit_price, "EUR")
        if left is None:
            break
        given_away += gross - net
        line = replace(line, billed=line.billed + quantity, discount_left_minor=left - given_away)
    if left is not None and started:
        assert given_away == left
    assert unbilled_minor([line], [], "EUR") >= 0


STARTS = st.dates(date(2024, 1, 1), date(2028, 12, 31))


@given(every=st.sampled_from(Every), alignment=st.sampled_from(Alignment), starts=STARTS, days=st.integers(0, 900))
def test_periods_touch_and_never_overlap(every: Every, alignment: Alignment, starts: date, days: int) -> None:
    ends = starts + timedelta(days=days)
    found = list(periods(every, alignment, starts, ends))
    assert found[0].first == starts
    assert found[-1].last == ends
    assert all(two.first == one.last + timedelta(days=1) for one, two in pairwise(found))
    assert sum((one.last - one.first).days + 1 for one in found) == days + 1
    assert all(one.whole_first <= one.first <= one.last <= one.whole_last for one in found)
    if alignment is Alignment.ANNIVERSARY:
        assert all(one.first == add_months(starts, n * 12) for n, one in enumerate(found) if every is Every.YEAR)
    else:
        assert all(one.whole_first.day == 1 for one in found)
    unended = list(islice(periods(every, alignment, starts, None), len(found)))
    assert [one.first for one in unended] == [one.first for one in found]


def test_a_plan_of_the_31st_does_not_drift_and_leap_years_are_known() -> None:
    found = list(islice(periods(Every.MONTH, Alignment.ANNIVERSARY, date(2028, 1, 31), None), 4))
    assert [one.first.isoformat() for one in found] == ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"]
    yearly = list(islice(periods(Every.YEAR, Alignment.ANNIVERSARY, date(2028, 2, 29), None), 5))
    assert [one.first.isoformat() for one in yearly[1::3]] == ["2029-02-28", "2032-02-29"]
    quarter = next(periods(Every.QUARTER, Alignment.CALENDAR, date(2026, 2, 15), None))
    assert (quarter.first, quarter.last, quarter.whole_days) == (date(2026, 2, 15), date(2026, 3, 31), 90)


@given(
    starts=STARTS,
    every=st.sampled_from(Every),
    in_advance=st.booleans(),
    changes=st.lists(st.integers(1, 400), max_size=3, unique=True),
    runs=st.lists(st.integers(0, 800), min_size=1, max_size=5),
)
def test_whenever_runs_come_each_period_is_billed_once(
    starts: date, every: Every, in_advance: bool, changes: list[int], runs: list[int]
) -> None:
    prices = [(starts, MILLION)] + [(starts + timedelta(days=n), n * MILLION) for n in sorted(changes)]
    billed: set[date] = set()

    def plan() -> PlanFacts:
        work = PlanLine("Hosting", MILLION, "C62", TaxCategory.STANDARD, 2000, tuple(prices))
        return PlanFacts(
            1,
            1,
            1,
            "S1",
            "EUR",
            "en",
            every,
            Alignment.CALENDAR,
            in_advance,
            starts,
            None,
            [work],
            frozenset(billed),
            Rule(),
        )

    for today in (starts + timedelta(days=n) for n in sorted(runs)):
        for period in due_periods(plan(), today=today):
            assert period.first not in billed
            lines = charges(plan(), period, say=say)
            assert lines[0].period_from == period.first
            assert lines[-1].period_to == period.last
            billed.add(period.first)
        following = next_on(plan())
        assert following is not None
        assert following > today
