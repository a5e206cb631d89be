"""How well promises are kept, and who may promise by itself."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session

from ar.core.access.models import Role
from ar.customers.accounts import change_account
from dunning.kept import Per, TrustSpentError, kept_rates, require_trust
from dunning.promises import Part, broken_promises, judge, promise
from tests.dunning.world import DUE, MORNING, World
from tests.web import user_in

TODAY = MORNING.date()
EARLIER = MORNING - timedelta(days=20)


def promised(world: World, session: Session, account: int, minor: int, *, paid: int = 0) -> int:
    entry = world.invoice(session, account, minor, due=DUE)
    promise(session, account, items=[Part(entry)], due_on=EARLIER.date(), by="user:1", now=EARLIER)
    if paid:
        world.pay(session, account, entry, paid, on=EARLIER.date())
    return entry


def test_the_rate_by_count_and_amount(world: World) -> None:
    owner = user_in(world.kernel, Role.COLLECTOR)
    with world.database.transaction() as session:
        jo, ann = world.customer(session, "JO"), world.customer(session, "ANN")
        change_account(session, jo, {"owner_id": owner}, by="user:1", now=MORNING)
        promised(world, session, jo, 3_000, paid=3_000)
        promised(world, session, jo, 1_000, paid=400)
        promised(world, session, ann, 500)
        alive = world.invoice(session, ann, 700, due=DUE)
        promise(session, ann, items=[Part(alive)], due_on=TODAY, by="user:1", now=MORNING)
        judge(session, now=MORNING)
        session.flush()
        [total] = kept_rates(session, since=TODAY, until=TODAY)
        assert (total.number, total.currency, total.matured, total.kept) == (None, "EUR", 3, 1)
        assert (total.matured_minor, total.kept_minor) == (4_500, 3_000)
        assert (total.by_count, total.by_amount) == (Decimal("33.33"), Decimal("66.67"))
        by_customer = {
            rate.number: rate.by_count for rate in kept_rates(session, since=TODAY, until=TODAY, per=Per.CUSTOMER)
        }
        assert by_customer == {jo: Decimal(50), ann: Decimal(0)}
        by_collector = {
            rate.number: rate.matured for rate in kept_rates(session, since=TODAY, until=TODAY, per=Per.COLLECTOR)
        }
        assert by_collector == {owner: 2, None: 1}
        assert kept_rates(session, since=TODAY, until=TODAY, owner_id=owner)[0].matured == 2
        assert kept_rates(session, since=TODAY, until=TODAY, account_id=ann)[0].kept == 0
        assert kept_rates(session, since=TODAY + timedelta(days=1), until=TODAY + timedelta(days=9)) == []


def test_broken_promises_are_told_with_their_days(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        entry = promised(world, session, jo, 1_000)
        assert broken_promises(session, [jo], since=TODAY) == {}
        judge(session, now=MORNING)
        assert broken_promises(session, [jo, 999], since=TODAY) == {jo: [([entry], EARLIER.date(), TODAY)]}
        assert broken_promises(session, [jo], since=TODAY + timedelta(days=1)) == {}


def test_after_two_broken_promises_a_person_takes_the_next(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        promised(world, session, jo, 1_000)
        judge(session, now=MORNING)
        require_trust(session, jo, now=MORNING)
        promised(world, session, jo, 1_000)
        judge(session, now=MORNING)
        with pytest.raises(TrustSpentError):
            require_trust(session, jo, now=MORNING)
        require_trust(session, jo, now=MORNING + timedelta(days=91))
