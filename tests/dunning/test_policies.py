from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from ar.customers.accounts import change_account
from ar.customers.models import AccountKind
from dunning.case import LateTerms
from dunning.late import late_terms, terms_for
from dunning.models import DunningPolicy
from dunning.policies import PolicyExistsError, Scope, add_policy, policies_in_force, seed_policies
from dunning.policy import FRIENDLY_FIVE
from invoicing.law.contract import RateDraft, agree_rate
from invoicing.law.table import LawDraft, add_law
from invoicing.models import LawKind
from tests.dunning.world import MORNING, World


def test_the_shipped_policy_holds_until_another_is_in_force(world: World) -> None:
    later = MORNING + timedelta(days=1)
    second = replace(FRIENDLY_FIVE, version=2, per_week=2)
    with world.database.transaction() as session:
        assert policies_in_force(session, now=MORNING).company == FRIENDLY_FIVE
        seed_policies(session, now=MORNING)
        seed_policies(session, now=MORNING)
        assert session.connection().execute(select(func.count()).select_from(DunningPolicy)).scalar_one() == 2
        add_policy(session, second, active_from=later, by="user:1", now=MORNING)
        assert policies_in_force(session, now=MORNING).company == FRIENDLY_FIVE
        assert policies_in_force(session, now=later).company == second
        with pytest.raises(PolicyExistsError):
            add_policy(session, second, active_from=later, by="user:1", now=MORNING)


def test_a_seller_may_have_its_own(world: World) -> None:
    own = replace(FRIENDLY_FIVE, name="own", steps=FRIENDLY_FIVE.steps[1:])
    with world.database.transaction() as session:
        add_policy(session, own, scope=Scope(world.entity_id), active_from=MORNING, by="user:1", now=MORNING)
        jo = world.customer(session, "JO")
        world.invoice(session, jo, due=MORNING.date() + timedelta(days=2))
        found = policies_in_force(session, now=MORNING)
        assert (found.of(world.entity_id), found.of(99)) == (own, FRIENDLY_FIVE)
    assert world.run().sent == 0  # its own has no courtesy step


def test_terms_of_the_law_are_those_of_the_day_and_country(world: World) -> None:
    with world.database.transaction() as session:
        for first, last, percent in (
            (date(2026, 1, 1), date(2026, 6, 30), "12.15"),
            (date(2026, 7, 1), date(2026, 12, 31), "12"),
        ):
            rate = LawDraft("FR", LawKind.INTEREST, percent, first, last, "the test's own")
            add_law(session, rate, by="user:1", now=MORNING)
        assert late_terms(session, "FR", on=date(2026, 6, 30)) == LateTerms(
            Decimal("12.15"), 4_000, "EUR", "the test's own"
        )
        found = late_terms(session, "FR", on=date(2026, 7, 1))
        assert found is not None
        assert found.interest_percent == 12
        assert late_terms(session, "FR", on=date(2027, 1, 1)) is None
        assert late_terms(session, "US", on=date(2026, 7, 1)) is None
        assert late_terms(session, "DE", on=date(2026, 7, 1)) is None


def test_a_contracts_rate_is_announced_and_a_consumer_is_told_of_none(world: World) -> None:
    day = date(2026, 6, 30)
    with world.database.transaction() as session:
        plain, agreed, private = (world.customer(session, code) for code in ("C1", "C2", "C3"))
        agree_rate(session, RateDraft(agreed, "9", day, "contract, article 7"), by="user:1", now=MORNING)
        change_account(session, private, {"kind": AccountKind.CONSUMER}, by="user:1", now=MORNING)
        asked = [(agreed, "FR", day), (private, "FR", day), (plain, "FR", day), (agreed, "FR", day - timedelta(days=1))]
        by_contract, nothing, by_law, before = terms_for(session, asked)
        assert by_contract == LateTerms(Decimal(9), 4_000, "EUR", "contract, article 7")
        assert nothing is None
        assert by_law == before == late_terms(session, "FR", on=day)
        assert terms_for(session, []) == []
