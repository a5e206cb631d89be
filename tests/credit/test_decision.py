"""The decision on an order, over all facts that there can be; and which limit holds on a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ar.core.render import Renderer
from ar.credit.decision import CreditAnswer, CreditFacts, Held, Late, Reason, Rule, Standing, decide, late_of
from ar.credit.limits import in_force
from ar.credit.models import CreditLimit, HoldReason, WithoutLimit
from ar.credit.words import all_told, kept_reasons, told

TODAY = date(2026, 3, 16)
AMOUNTS = st.integers(0, 10**9)
STANDINGS = st.builds(
    Standing,
    limit_id=st.integers(1, 99),
    amount_minor=AMOUNTS,
    currency=st.sampled_from(["EUR", "JPY"]),
    owed_minor=st.integers(-(10**9), 10**9),
    ordered_minor=AMOUNTS,
    order_minor=AMOUNTS,
    holder=st.sampled_from(["", "Holding"]),
    seller=st.sampled_from(["", "Seller"]),
)
HOLDS = st.builds(Held, st.integers(1, 9), st.sampled_from(HoldReason), st.just("they stopped"), st.just(TODAY))
DAYS = st.dates(date(2025, 1, 1), TODAY - timedelta(days=1))
LATES = st.one_of(st.just(Late(0, "EUR")), st.builds(Late, st.integers(1, 10**9), st.just("EUR"), DAYS))
RULES = st.builds(
    Rule,
    st.sampled_from(WithoutLimit),
    st.none() | st.integers(0, 400),
    st.none() | AMOUNTS,
    st.just("EUR"),
)
FACTS = st.builds(
    CreditFacts,
    account_id=st.just(17),
    currency=st.just("EUR"),
    order_minor=AMOUNTS,
    exposure_minor=AMOUNTS,
    standings=st.lists(STANDINGS, max_size=4),
    ended_on=st.none() | DAYS,
    holds=st.lists(HOLDS, max_size=2),
    late=LATES,
    rule=RULES,
    rates_missing=st.lists(st.just("USD"), max_size=1),
)


def blocked(facts: CreditFacts) -> set[str]:
    """Why an order is refused, told again in another way."""
    found = {"on-hold"} if facts.holds else set()
    if facts.rates_missing:
        found.add("no-rate")
    if any(one.owed_minor + one.ordered_minor + one.order_minor > one.amount_minor for one in facts.standings):
        found.add("over-limit")
    if facts.ended_on is not None:
        found.add("limit-ended")
    elif not facts.standings and facts.rule.without_limit is WithoutLimit.REFUSE:
        found.add("limit-missing")
    late, rule = facts.late, facts.rule
    if rule.overdue_days is not None and late.since and late.since + timedelta(days=rule.overdue_days) < TODAY:
        found.add("overdue-days")
    if rule.overdue_minor is not None and late.minor > rule.overdue_minor:
        found.add("overdue-amount")
    return found


@given(FACTS)
def test_an_order_is_granted_when_nothing_speaks_against_it_and_every_reason_is_told(facts: CreditFacts) -> None:
    answer = decide(facts, today=TODAY)
    against = blocked(facts)
    codes = {reason.code for reason in answer.reasons}
    assert answer.granted == (not against)
    assert codes == (against or {"within-limit" if facts.standings else "no-limit"})
    assert sum(reason.code == "on-hold" for reason in answer.reasons) == len(facts.holds)
    over = [one for one in facts.standings if one.left_minor < 0]
    assert sum(reason.code == "over-limit" for reason in answer.reasons) == len(over)
    assert answer.standings == tuple(facts.standings)


@given(FACTS)
def test_the_tightest_limit_is_told(facts: CreditFacts) -> None:
    answer = decide(facts, today=TODAY)
    if not facts.standings:
        assert (answer.limit_minor, answer.free_minor) == (None, None)
        assert (answer.exposure_minor, answer.currency) == (facts.exposure_minor, "EUR")
        return
    assert answer.limit_minor is not None
    assert answer.free_minor == answer.limit_minor - answer.exposure_minor
    assert answer.free_minor - answer.order_minor == min(one.left_minor for one in facts.standings)


@given(FACTS, st.integers(1, 10**9))
def test_more_debt_a_hold_or_a_lower_limit_never_grants_what_was_refused(facts: CreditFacts, more: int) -> None:
    before = decide(facts, today=TODAY).granted
    worse = [
        replace(facts, standings=[replace(one, owed_minor=one.owed_minor + more) for one in facts.standings]),
        replace(facts, standings=[replace(one, amount_minor=one.amount_minor - more) for one in facts.standings]),
        replace(facts, standings=[replace(one, order_minor=one.order_minor + more) for one in facts.standings]),
        replace(facts, holds=[*facts.holds, Held(9, HoldReason.OTHER, "wait", TODAY)]),
        replace(facts, late=replace(facts.late, minor=facts.late.minor + more)),
    ]
    for changed in worse:
        assert before or not decide(changed, today=TODAY).granted


@given(FACTS)
def test_an_answer_is_kept_as_json_and_told_again(facts: CreditFacts) -> None:
    answer = decide(facts, today=TODAY)
    kept = answer.as_json()
    assert kept_reasons(kept) == list(answer.reasons)
    assert (kept["granted"], kept["as_of"]) == (answer.granted, "2026-03-16")


@given(st.lists(st.tuples(DAYS, st.integers(1, 1000)), max_size=6), st.integers(0, 4000))
def test_credit_is_set_against_the_oldest_of_what_is_late(overdue: list[tuple[date, int]], credit: int) -> None:
    kept, since = late_of(overdue, credit)
    assert kept == max(0, sum(minor for _, minor in overdue) - credit)
    assert (since is None) == (kept == 0)
    if since is not None:
        assert sum(minor for day, minor in overdue if day < since) <= credit
        assert sum(minor for day, minor in overdue if day <= since) > credit


def test_reasons_in_words(renderer: Renderer) -> None:
    facts = CreditFacts(17, "EUR", 900_000, 0, standings=[Standing(4, 5_000_000, "EUR", 4_000_000, 620_000, 900_000)])
    answer = decide(facts, today=TODAY)
    assert all_told(renderer, answer.reasons, language="en") == (
        "The limit is €50,000.00; €46,200.00 is owed or ordered; this order of €9,000.00 would go €5,200.00 above it"
    )
    held = Held(3, HoldReason.INSOLVENCY, "safeguard at 100 %", date(2026, 3, 1))
    [reason] = decide(replace(facts, standings=[], holds=[held]), today=TODAY).reasons
    assert (
        told(renderer, reason, language="fr")
        == "Le crédit est bloqué depuis le 1er mars 2026\u00a0: safeguard at 100 %"
    )
    assert told(renderer, Reason("no-limit", "No credit limit is set for this customer"), language="fr").startswith(
        "Aucun"
    )


def test_each_kind_of_limit_has_its_sentence(renderer: Renderer) -> None:
    said = set()
    for holder in ("", "Holding"):
        for seller in ("", "Seller"):
            for owed in (0, 200):
                standing = Standing(1, 100, "EUR", owed, 0, 0, holder=holder, seller=seller)
                [reason] = decide(CreditFacts(1, "EUR", 0, 0, standings=[standing]), today=TODAY).reasons
                for language in ("en", "fr"):
                    sentence = told(renderer, reason, language=language)
                    assert (holder in sentence, seller in sentence) == (True, True)
                    said.add(sentence)
    assert len(said) == 16


# -- which limit holds -----------------------------------------------------------------------------------------------


def limit(number: int, amount: int | None, since: date, until: date | None = None, **scope: Any) -> CreditLimit:
    return CreditLimit(
        id=number,
        account_id=1,
        currency="EUR",
        amount_minor=amount,
        valid_from=since,
        valid_to=until,
        reason="x",
        set_by="user:1",
        set_at=datetime(2026, 1, 1),
        **scope,
    )


JANUARY, JUNE, DECEMBER = date(2026, 1, 1), date(2026, 6, 1), date(2026, 12, 1)


@pytest.mark.parametrize(
    ("rows", "holds", "ended"),
    [
        ([], None, None),
        ([limit(1, 100, JANUARY)], 100, None),
        ([limit(1, 100, DECEMBER)], None, None),  # it has not begun
        ([limit(1, 100, JANUARY), limit(2, 50, JANUARY)], 50, None),  # the newest
        ([limit(2, 50, JANUARY), limit(1, 100, JUNE)], 50, None),  # the newest, not the last to begin
        ([limit(1, 100, JANUARY), limit(2, 900, JANUARY, JUNE)], 900, None),  # on its last day
        ([limit(1, 100, JANUARY), limit(2, 900, JANUARY, date(2026, 5, 31))], 100, None),  # a raise for a while
        ([limit(1, 100, JANUARY, date(2026, 5, 31))], None, date(2026, 5, 31)),
        ([limit(1, 100, JANUARY), limit(2, None, JUNE)], None, None),  # taken back
        ([limit(1, 100, JANUARY, date(2026, 5, 31)), limit(2, None, JUNE)], None, None),
        ([limit(1, None, JANUARY), limit(2, 70, JUNE)], 70, None),
        ([limit(1, 0, JANUARY)], 0, None),  # nothing on credit is a limit too
    ],
)
def test_the_newest_valid_limit_holds(rows: list[CreditLimit], holds: int | None, ended: date | None) -> None:
    found = in_force(rows, today=JUNE)
    assert [one.amount_minor for one in found.standing.values()] == ([] if holds is None else [holds])
    assert list(found.ended.values()) == ([] if ended is None else [ended])


def test_limits_of_other_scopes_stand_beside_one_another() -> None:
    rows = [
        limit(1, 100, JANUARY),
        limit(2, 200, JANUARY, entity_id=1),
        limit(3, 300, JANUARY, entity_id=2),
        limit(4, 400, JANUARY, covers_group=True),
    ]
    assert sorted(one.amount_minor or 0 for one in in_force(rows, today=JUNE).standing.values()) == [100, 200, 300, 400]


def test_days_late_are_told() -> None:
    facts = CreditFacts(1, "EUR", 0, 0, late=Late(500, "EUR", TODAY - timedelta(days=12)))
    answer: CreditAnswer = decide(facts, today=TODAY)
    assert (answer.days_late, answer.overdue_minor, answer.granted) == (12, 500, True)
