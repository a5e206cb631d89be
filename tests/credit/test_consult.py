"""Credit asked against the ledger: exposure, groups, sellers, currencies, lateness, and many orders at once."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from ar.core.db import Database
from ar.core.money import CurrencyError
from ar.credit.consult import Asked, CreditAnswer, Unbilled, consult, consult_all, group_of, lock
from ar.credit.holds import CreditHoldError, CreditHoldLiftedError, CreditHoldNotFoundError, lift_hold, place_hold
from ar.credit.limits import LimitDraft, LimitError, set_limit
from ar.credit.models import HoldReason, WithoutLimit
from ar.credit.rules import CreditRuleError, RuleDraft, set_rule, standing_rules
from ar.customers.accounts import AccountNotFoundError
from ar.customers.entities import EntityNotFoundError
from ar.ledger.allocate import Share, allocate
from ar.ledger.items import mark_disputed
from ar.ledger.models import EntryKind, ExchangeRate
from tests.credit.make import NOW, TODAY, WHY, customer, limit, name_of
from tests.ledger.make import invoice, posted, seller

DAY = timedelta(days=1)


def codes(answer: CreditAnswer) -> list[str]:
    return [reason.code for reason in answer.reasons]


def ask(session: Session, account_id: int, minor: int, currency: str = "EUR", **more: int) -> CreditAnswer:
    return consult(session, account_id, amount_minor=minor, currency=currency, today=TODAY, **more)


def test_exposure_is_what_the_ledger_has_open_less_credits_and_what_is_ordered(database: Database) -> None:
    with database.transaction() as session:
        entity, buyer, other = seller(session), customer(session, "C1"), customer(session, "C2")
        limit(session, buyer, 50_000)
        bill = invoice(session, entity, buyer, 30_000, on=date(2026, 3, 1), due=date(2026, 4, 1))
        invoice(session, entity, buyer, 9_000, on=TODAY + DAY, due=date(2026, 5, 1), reference="INV-2")  # tomorrow's
        invoice(session, entity, other, 7_777, on=date(2026, 3, 1), reference="INV-3")
        assert ask(session, buyer, 20_000).granted
        over = ask(session, buyer, 20_001)
        assert (over.granted, codes(over), over.limit_minor, over.exposure_minor) == (
            False,
            ["over-limit"],
            50_000,
            30_000,
        )
        payment = posted(session, entity, buyer, EntryKind.PAYMENT, 10_000, on=TODAY)
        assert ask(session, buyer, 0).exposure_minor == 20_000  # unapplied cash counts at once
        allocate(session, [Share(bill, payment, 10_000)], on=TODAY, source="test", now=NOW)
        answer = ask(session, buyer, 1_000, unbilled_minor=5_000)
        assert (answer.exposure_minor, answer.free_minor, answer.order_minor) == (25_000, 25_000, 1_000)
        assert codes(answer) == ["within-limit"]
        assert answer.standings[0].owed_minor == 20_000
        posted(session, entity, buyer, EntryKind.CREDIT_NOTE, 25_000, on=TODAY, reference="CN-1")
        assert ask(session, buyer, 55_000).granted  # in credit by 50.00
        assert consult(session, buyer, amount_minor=0, currency="EUR", today=date(2026, 3, 15)).exposure_minor == 30_000


def test_a_group_shares_its_limit_and_a_seller_may_have_one_of_its_own(database: Database) -> None:
    with database.transaction() as session:
        first, second = seller(session, "FR1"), seller(session, "FR2")
        holding = customer(session, "H")
        child = customer(session, "C1", parent=holding)
        grandchild = customer(session, "C2", parent=child)
        stranger = customer(session, "X")
        limit(session, holding, 100_000, group=True)
        invoice(session, first, child, 40_000, on=date(2026, 3, 1), reference="A")
        invoice(session, second, holding, 30_000, on=date(2026, 3, 1), reference="B")
        answer = ask(session, grandchild, 30_001, entity_id=first)
        assert (answer.granted, answer.exposure_minor) == (False, 70_000)
        assert answer.reasons[0].data["holder"] == name_of(session, holding)
        assert ask(session, grandchild, 30_000).granted
        assert codes(ask(session, stranger, 10**9)) == ["no-limit"]
        assert group_of(session, [grandchild], today=TODAY) == sorted([holding, child, grandchild])
        assert group_of(session, [stranger], today=TODAY) == [stranger]

        limit(session, child, 45_000, entity_id=first)
        assert codes(ask(session, child, 6_000, entity_id=first)) == ["over-limit"]
        assert ask(session, child, 6_000, entity_id=second).limit_minor == 100_000
        assert codes(ask(session, child, 6_000)) == ["over-limit"]  # of no seller in particular: all are asked
        unbilled = [
            Unbilled(child, second, "EUR", 5_000),
            Unbilled(grandchild, None, "EUR", 1_000),
            Unbilled(stranger, first, "EUR", 99_000),
        ]
        asked = [
            Asked(child, 5_000, "EUR", first),
            Asked(grandchild, 24_000, "EUR", second),
            Asked(child, 1, "EUR", second),
        ]
        answers = consult_all(session, asked, unbilled=unbilled, today=TODAY)
        assert [one.granted for one in answers] == [True, True, True]
        assert [sorted(s.exposure_minor for s in one.standings) for one in answers] == [
            [40_000, 76_000],
            [76_000],
            [76_000],
        ]
        # A limit of the holding's own, beside the group's, does not concern its children.
        limit(session, holding, 0)
        assert ask(session, child, 1_000, entity_id=second).granted
        assert not ask(session, holding, 1_000).granted
        lock(session, [grandchild, child])


def test_amounts_are_converted_and_a_missing_rate_grants_nothing(database: Database) -> None:
    with database.transaction() as session:
        entity, buyer, unlimited = seller(session), customer(session, "C1"), customer(session, "C2")
        for code, rate in (("USD", "1.25"), ("JPY", "160")):
            session.add(ExchangeRate(currency=code, rate_on=TODAY - DAY, per_euro=Decimal(rate), source="test"))
        limit(session, buyer, 100_000, "USD")
        invoice(session, entity, buyer, 40_000, on=date(2026, 3, 1), reference="A")  # USD 500.00
        invoice(session, entity, buyer, 16_000, on=date(2026, 3, 1), reference="B", currency="JPY")  # USD 125.00
        answer = ask(session, buyer, 30_000)  # USD 375.00
        assert (answer.granted, answer.currency, answer.exposure_minor, answer.order_minor) == (
            True,
            "USD",
            62_500,
            37_500,
        )
        assert not ask(session, buyer, 30_001).granted
        invoice(session, entity, buyer, 100, on=date(2026, 3, 1), reference="C", currency="GBP")
        missing = ask(session, buyer, 100)
        assert (missing.granted, codes(missing)) == (False, ["no-rate"])
        assert missing.reasons[0].data == {"currency": "GBP"}
        assert codes(ask(session, unlimited, 100, "GBP")) == ["no-limit"]  # nothing to convert, nothing missing
        with pytest.raises(CurrencyError):
            ask(session, buyer, 100, "XXQ")
        with pytest.raises(AccountNotFoundError):
            ask(session, 999_999, 100)


def test_lateness_refuses_where_the_segment_says_so(database: Database) -> None:
    with database.transaction() as session:
        entity = seller(session)
        buyer, plain = customer(session, "C1", segment="retail"), customer(session, "C2", segment="key")
        for account_id, reference in ((buyer, "A"), (plain, "B")):
            invoice(session, entity, account_id, 10_000, on=date(2026, 1, 1), due=TODAY - 31 * DAY, reference=reference)
        assert ask(session, buyer, 100).days_late == 31
        assert ask(session, buyer, 100).granted  # off until somebody sets a rule
        set_rule(session, RuleDraft("retail", overdue_days=30, overdue_minor=9_999, currency="EUR"), by="u", now=NOW)
        assert codes(ask(session, buyer, 100)) == ["overdue-days", "overdue-amount"]
        assert codes(ask(session, plain, 100)) == ["no-limit"]
        set_rule(session, RuleDraft("retail", overdue_days=31, overdue_minor=10_000, currency="EUR"), by="u", now=NOW)
        assert codes(ask(session, buyer, 100)) == ["no-limit"]
        set_rule(session, RuleDraft(None, WithoutLimit.REFUSE, overdue_days=0), by="u", now=NOW)
        assert codes(ask(session, plain, 100)) == ["overdue-days", "limit-missing"]
        assert [(row.segment, row.overdue_days) for row in standing_rules(session)] == [(None, 0), ("retail", 31)]

        # What is contested is not late, and what is in the customer's credit covers the oldest.
        set_rule(session, RuleDraft("retail", overdue_days=0), by="u", now=NOW)
        older = invoice(session, entity, buyer, 4_000, on=date(2026, 1, 1), due=TODAY - 50 * DAY, reference="OLD")
        assert ask(session, buyer, 100).days_late == 50
        mark_disputed(session, older, 4_000, on=TODAY, source="test")
        late = ask(session, buyer, 100)
        assert (late.days_late, late.overdue_minor) == (31, 10_000)
        posted(session, entity, buyer, EntryKind.PAYMENT, 10_000, on=TODAY)
        paid = ask(session, buyer, 100)
        assert (paid.days_late, paid.overdue_minor, paid.granted) == (0, 0, True)
        assert consult(session, buyer, amount_minor=0, currency="EUR", today=TODAY - DAY).days_late == 49


def test_holds_and_limits_are_events_that_stay(database: Database) -> None:
    with database.transaction() as session:
        seller(session)
        buyer = customer(session, "C1")
        limit(session, buyer, 10_000, until=TODAY)
        first = place_hold(session, buyer, reason=HoldReason.REVIEW, words=" look ", by="user:2", now=NOW)
        second = place_hold(session, buyer, reason=HoldReason.INSOLVENCY, words="court", by="user:2", now=NOW)
        held = ask(session, buyer, 100)
        assert codes(held) == ["on-hold", "on-hold"]
        assert [reason.data["words"] for reason in held.reasons] == ["look", "court"]
        assert first.id is not None
        lift_hold(session, first.id, words="looked", by="user:3", now=NOW)
        with pytest.raises(CreditHoldLiftedError):
            lift_hold(session, first.id, words="again", by="user:3", now=NOW)
        lifting = lift_hold(session, second.id or 0, words="plan", by="user:3", now=NOW)
        for wrong in (lifting.id or 0, 999_999):
            with pytest.raises(CreditHoldNotFoundError):
                lift_hold(session, wrong, words="?", by="user:3", now=NOW)
        with pytest.raises(CreditHoldError):
            place_hold(session, buyer, reason=HoldReason.OTHER, words="  ", by="user:2", now=NOW)
        assert codes(ask(session, buyer, 100)) == ["within-limit"]
        ended = consult(session, buyer, amount_minor=100, currency="EUR", today=TODAY + DAY)
        assert (codes(ended), ended.limit_minor) == (["limit-ended"], None)
        limit(session, buyer, None)
        assert codes(consult(session, buyer, amount_minor=1, currency="EUR", today=TODAY + DAY)) == ["no-limit"]
    for statement in (
        "UPDATE credit_limit SET amount_minor = 1",
        "DELETE FROM credit_hold_event",
        "DELETE FROM credit_limit",
    ):
        with pytest.raises(IntegrityError, match="posted rows do not change"), database.transaction() as session:
            session.connection().execute(text(statement))


def test_what_cannot_be_set(database: Database) -> None:
    with database.transaction() as session:
        buyer = customer(session, "C1")
        for draft, pointer in (
            (LimitDraft(buyer, -1, "EUR", WHY, TODAY), "/amount_minor"),
            (LimitDraft(buyer, 1, "XXQ", WHY, TODAY), "/currency"),
            (LimitDraft(buyer, 1, "EUR", " ", TODAY), "/reason"),
            (LimitDraft(buyer, 1, "EUR", WHY, TODAY, TODAY - DAY), "/valid_to"),
        ):
            with pytest.raises(LimitError) as refused:
                set_limit(session, draft, by="user:2", now=NOW)
            assert [fault.pointer for fault in refused.value.faults] == [pointer]
        with pytest.raises(EntityNotFoundError):
            set_limit(session, LimitDraft(buyer, 1, "EUR", WHY, TODAY, entity_id=9), by="user:2", now=NOW)
        with pytest.raises(AccountNotFoundError):
            set_limit(session, LimitDraft(buyer + 1, 1, "EUR", WHY, TODAY), by="user:2", now=NOW)
        for rule, pointer in (
            (RuleDraft("retail", overdue_minor=1), "/currency"),
            (RuleDraft("retail", overdue_minor=1, currency="XXQ"), "/currency"),
            (RuleDraft("retail", overdue_minor=-1, currency="EUR"), "/overdue_minor"),
            (RuleDraft("retail", overdue_days=-1), "/overdue_days"),
            (RuleDraft(" "), "/segment"),
        ):
            with pytest.raises(CreditRuleError) as wrong:
                set_rule(session, rule, by="user:2", now=NOW)
            assert [fault.pointer for fault in wrong.value.faults] == [pointer]


def test_a_thousand_orders_take_as_many_queries_as_one(database: Database) -> None:
    with database.transaction() as session:
        entity = seller(session)
        holding = customer(session, "H")
        buyers = [customer(session, f"C{n}", parent=holding) for n in range(20)]
        limit(session, holding, 10**9, group=True)
        for n, buyer in enumerate(buyers):
            invoice(session, entity, buyer, 100, on=date(2026, 3, 1), reference=f"INV-{n}")
        counts = []
        for asked in ([Asked(buyers[0], 1, "EUR")], [Asked(buyers[n % 20], 1, "EUR") for n in range(1000)]):
            run: list[str] = []
            listener = lambda _c, _cursor, statement, *_rest: run.append(statement)  # noqa: B023, E731
            event.listen(database.engine, "before_cursor_execute", listener)
            answers = consult_all(session, asked, today=TODAY)
            event.remove(database.engine, "before_cursor_execute", listener)
            counts.append(len(run))
            assert {one.exposure_minor for one in answers} == {2_000}
            assert len(answers) == len(asked)
        assert counts[0] == counts[1] <= 12
        assert consult_all(session, [], today=TODAY) == []
