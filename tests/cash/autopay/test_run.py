"""Autopay lived day by day: notice, payment, failure, its end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, select

from ar.cash.autopay.agree import AutopayError, autopays_of, items_of, remove_with_autopay, turn_off, turn_on
from ar.cash.autopay.models import Autopay, AutopayItem, AutopayState
from ar.cash.autopay.run import run_autopay
from ar.cash.online.models import SavedMethod
from ar.cash.payment_states import PaymentState
from ar.core.outbox.models import OutboxMessage
from ar.customers.accounts import ContactDraft, add_contact
from ar.disputes.claim import open_dispute
from ar.disputes.models import Reason
from tests.cash.shopping import Shop


def agree(shop: Shop, method: SavedMethod, *, limit: int = 1500, notice: int | None = None, offset: int = 0) -> Autopay:
    assert method.id is not None
    with shop.kernel.database.transaction() as session:
        return turn_on(
            session,
            shop.kernel,
            account_id=shop.account,
            method_id=method.id,
            currency="EUR",
            limit_minor=limit,
            offset_days=offset,
            notice_days=notice,
            by=f"customer:{shop.account}",
            now=shop.gateway.clock(),
        )


def reachable(shop: Shop) -> None:
    with shop.kernel.database.transaction() as session:
        draft = ContactDraft(name="Zoe", email="zoe@customer.example")
        add_contact(session, shop.account, draft, by="user:1", now=shop.gateway.clock())


def live(shop: Shop, days: int) -> None:
    """So many days pass, with a run each hour of daylight that matters, and all that it begins."""
    for _ in range(days):
        now = shop.gateway.clock.move(days=1)
        arguments = {"since": (now - timedelta(days=1)).isoformat(), "scheduled_for": now.isoformat()}
        run_autopay(shop.kernel, arguments, now)
        shop.run_jobs()


def items(shop: Shop) -> list[tuple[AutopayState, str, int]]:
    with shop.kernel.database.reading() as session:
        query = select(AutopayItem).order_by(col(AutopayItem.entry_id))
        return [(one.state, one.why, one.attempts) for one in session.exec(query)]


def mails(shop: Shop) -> list[str]:
    with shop.kernel.database.reading() as session:
        query = select(OutboxMessage.dedup_key).order_by(col(OutboxMessage.id))
        return [key.split(":")[1] for key in session.exec(query) if key.startswith("note:autopay")]


def test_notice_then_payment_once_within_the_limit(shop: Shop) -> None:
    reachable(shop)
    agree(shop, shop.leave("leave_card"))
    live(shop, 4)
    assert items(shop) == [(AutopayState.ANNOUNCED, "", 0), (AutopayState.SKIPPED, "above_limit", 0)]
    assert (mails(shop), shop.taken()) == (["autopay_notice"], 0)
    live(shop, 8)
    assert items(shop) == [(AutopayState.PAID, "", 1), (AutopayState.SKIPPED, "above_limit", 0)]
    assert (shop.states(), shop.open(), shop.taken()) == ([PaymentState.SETTLED], [0, 2000], 1000)
    shop.hear()
    assert (mails(shop), shop.open()) == (["autopay_notice"], [0, 2000])
    with shop.kernel.database.reading() as session:
        text = session.exec(
            select(OutboxMessage.body_text).where(col(OutboxMessage.subject).contains("INV-1000"))
        ).one()
    assert "card ending in 4242" in text
    assert "INV-2000" in text


def test_a_debit_has_its_pre_notice_of_fourteen_days(shop: Shop) -> None:
    reachable(shop)
    made = agree(shop, shop.leave("leave_debit"))
    assert made.notice_days == 14
    live(shop, 13)
    assert shop.payments() == []
    live(shop, 6)
    assert shop.states() == [PaymentState.PENDING]
    shop.reconcile(hours=3)
    live(shop, 4)
    assert items(shop)[0] == (AutopayState.PAID, "", 1)
    assert shop.taken() == 1000


def test_failures_are_told_tried_again_a_few_times_and_end_it(shop: Shop) -> None:
    reachable(shop)
    agree(shop, shop.leave("leave_insufficient"))
    live(shop, 30)
    assert items(shop)[0] == (AutopayState.FAILED, "insufficient_funds", 3)
    assert mails(shop) == ["autopay_notice", "autopay_failed", "autopay_failed", "autopay_failed"]
    assert shop.states() == [PaymentState.FAILED] * 3
    with shop.kernel.database.reading() as session:
        [ended] = autopays_of(session, shop.account)
        assert (ended.ended_why, ended.ended_by) == ("charge_failed", "system")
        texts = session.exec(
            select(OutboxMessage.body_text).where(col(OutboxMessage.dedup_key).startswith("note:autopay_failed"))
        ).all()
    assert all("there was not enough money on the account" in text for text in texts)
    live(shop, 5)
    assert len(shop.payments()) == 3


def test_what_the_bank_will_never_take_is_tried_once(shop: Shop) -> None:
    reachable(shop)
    agree(shop, shop.leave("leave_expired"))
    live(shop, 20)
    assert (items(shop)[0], len(shop.payments())) == ((AutopayState.FAILED, "expired_card", 1), 1)


def test_contested_and_paid_invoices_are_left_alone(shop: Shop) -> None:
    reachable(shop)
    agree(shop, shop.leave("leave_card"), limit=5000)
    live(shop, 2)
    now = shop.gateway.clock()
    with shop.kernel.database.transaction() as session:
        open_dispute(
            session,
            entry_id=shop.items[1],
            amount_minor=1500,
            reason=Reason.PRICE,
            text="too much",
            by="customer:1",
            today=now.date(),
            now=now,
        )
    shop.press(shop.pay((shop.items[0], 1000)), "card")
    shop.hear()
    live(shop, 10)
    assert items(shop) == [(AutopayState.SKIPPED, "paid_meanwhile", 0), (AutopayState.PAID, "", 1)]
    assert (shop.open(), shop.taken()) == ([0, 1500], 1500)


def test_what_is_being_paid_already_waits(shop: Shop) -> None:
    reachable(shop)
    agree(shop, shop.leave("leave_card"))
    live(shop, 3)
    shop.press(shop.pay((shop.items[0], 1000)), "sepa")
    shop.hear()
    run = {"since": shop.gateway.clock().isoformat(), "scheduled_for": shop.gateway.clock.move(hours=1).isoformat()}
    run_autopay(shop.kernel, run, shop.gateway.clock())
    live(shop, 6)
    shop.reconcile(minutes=20)
    live(shop, 3)
    assert shop.taken() == 1000
    assert items(shop)[0][0] is AutopayState.SKIPPED


def test_nobody_to_tell_is_nothing_paid(shop: Shop) -> None:
    agree(shop, shop.leave("leave_card"), limit=9000)
    live(shop, 12)
    assert {why for _, why, _ in items(shop)} == {"no_notice"}
    assert shop.payments() == []


def test_turned_off_or_its_method_removed_nothing_is_paid(shop: Shop) -> None:
    reachable(shop)
    card = shop.leave("leave_card")
    first = agree(shop, card)
    live(shop, 2)
    now = shop.gateway.clock()
    with shop.kernel.database.transaction() as session:
        turn_off(session, shop.account, first.id or 0, by="customer:1", now=now)
    live(shop, 5)
    assert (shop.payments(), items(shop)[0][1]) == ([], "autopay_off")
    agree(shop, card)
    with shop.kernel.database.transaction() as session:
        remove_with_autopay(session, shop.account, card.id or 0, by="customer:1", now=now)
    live(shop, 10)
    assert shop.payments() == []
    with shop.kernel.database.reading() as session:
        assert [one.ended_why for one in autopays_of(session, shop.account)] == ["method_removed", "turned_off"]


def test_an_answer_lost_is_found_out_and_charged_once(shop: Shop) -> None:
    reachable(shop)
    agree(shop, shop.leave("leave_card"))
    live(shop, 3)
    shop.wire.cut = True
    live(shop, 4)
    assert shop.states() == [PaymentState.UNKNOWN]
    shop.wire.cut = False
    shop.reconcile(minutes=15)
    live(shop, 6)
    assert (items(shop)[0], shop.taken()) == ((AutopayState.PAID, "", 1), 1000)


def test_money_taken_back_weeks_later_ends_it(shop: Shop) -> None:
    reachable(shop)
    agree(shop, shop.leave("leave_card"))
    live(shop, 9)
    shop.intent_act("take_back")
    shop.hear()
    live(shop, 1)
    assert (items(shop)[0], mails(shop)[-1]) == ((AutopayState.FAILED, "disputed", 1), "autopay_failed")
    with shop.kernel.database.reading() as session:
        assert autopays_of(session, shop.account)[0].ended_why == "charge_failed"
        assert len(items_of(session, shop.account)) == 2


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"notice": 61}, {"offset": 31}, {"notice": 1}])
def test_what_cannot_be_agreed_is_refused(shop: Shop, wrong: dict[str, int]) -> None:
    account = shop.leave("leave_debit")
    with pytest.raises(AutopayError):
        agree(shop, account, **wrong)
    with shop.kernel.database.reading() as session:
        assert autopays_of(session, shop.account) == []


def test_a_new_agreement_takes_the_place_of_the_old(shop: Shop) -> None:
    card = shop.leave("leave_card")
    agree(shop, card, limit=100)
    agree(shop, card, limit=200)
    with shop.kernel.database.reading() as session:
        assert [(one.limit_minor, one.ended_why) for one in autopays_of(session, shop.account)] == [
            (200, ""),
            (100, "replaced"),
        ]
