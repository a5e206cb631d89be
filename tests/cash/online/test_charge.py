"""Charging what a customer left: paid, declined, asked about, lost on the way, and never twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ar.cash.gateway import GatewaySilentError
from ar.cash.models import Method
from ar.cash.online.charge import Charged, ChargeWish, charge_saved
from ar.cash.online.methods import MethodNotFoundError, MethodUnusableError, make_default, methods_of, remove
from ar.cash.online.models import MethodKind, SavedMethod
from ar.cash.payment_states import PaymentState
from ar.cash.receive import PaymentError, PaymentKeyReusedError, Target
from ar.cash.wishes import AlreadyPayingError, OnAccount, Wish
from tests.cash.serving import free_port
from tests.cash.shopping import Shop
from tests.ledger.make import customer


def charge(
    shop: Shop,
    method: SavedMethod,
    *targets: tuple[int, int],
    present: bool = False,
    key: str | None = None,
    on_account: OnAccount | None = None,
) -> Charged:
    assert method.id is not None
    wish = Wish(shop.account, [Target(*target) for target in targets], on_account)
    url = "http://shop.example/back" if present else None
    return charge_saved(
        shop.kernel, ChargeWish(wish, method.id, "user:1", return_url=url, key=key), now=shop.gateway.clock()
    )


def test_a_card_is_left_and_charged_without_its_holder(shop: Shop) -> None:
    card = shop.leave("leave_card")
    assert (card.kind, card.brand, card.last4, card.is_default) == (MethodKind.CARD, "visa", "4242", True)
    assert card.consented_by == f"customer:{shop.account}"
    done = charge(shop, card, (shop.items[0], 1000), (shop.items[1], 500))
    assert (done.state, done.failure, done.url) == (PaymentState.SETTLED, "", "")
    assert (shop.open(), shop.taken()) == ([0, 1500], 1500)
    shop.hear()
    assert (shop.states(), shop.open()) == ([PaymentState.SETTLED], [0, 1500])
    assert shop.payments()[0].method is Method.CARD


@pytest.mark.parametrize(
    ("left", "failure"),
    [
        ("leave_declined", "generic_decline"),
        ("leave_insufficient", "insufficient_funds"),
        ("leave_expired", "expired_card"),
        ("leave_authenticate", "authentication_required"),
    ],
)
def test_a_decline_is_told_with_its_code_and_frees_the_invoice(shop: Shop, left: str, failure: str) -> None:
    card = shop.leave(left)
    done = charge(shop, card, (shop.items[0], 1000))
    assert (done.state, done.failure) == (PaymentState.FAILED, failure)
    shop.hear()
    assert (shop.states(), shop.open()[0], shop.taken()) == ([PaymentState.FAILED], 1000, 0)
    shop.press(shop.pay((shop.items[0], 1000)), "card")
    shop.hear()
    assert (shop.states()[-1], shop.open()[0]) == (PaymentState.SETTLED, 0)


@pytest.mark.parametrize(("answer", "state"), [("confirm", PaymentState.SETTLED), ("refuse", PaymentState.FAILED)])
def test_a_customer_that_is_there_is_sent_to_its_bank(shop: Shop, answer: str, state: PaymentState) -> None:
    card = shop.leave("leave_authenticate")
    done = charge(shop, card, (shop.items[0], 1000), present=True)
    assert done.state is PaymentState.STARTED
    assert "/intents/" in done.url
    assert shop.intent_act(answer).headers["location"] == "http://shop.example/back"
    shop.hear()
    assert shop.states() == [state]
    assert shop.payments()[0].failure == ("" if answer == "confirm" else "payment_intent_authentication_failure")


def test_a_charge_that_nobody_confirms_is_cancelled_in_time(shop: Shop) -> None:
    card = shop.leave("leave_authenticate")
    url = charge(shop, card, (shop.items[0], 1000), present=True).url
    shop.reconcile(minutes=30)
    assert shop.states() == [PaymentState.STARTED]
    shop.reconcile(minutes=40)
    assert shop.states() == [PaymentState.FAILED]
    shop.intent_act("confirm")
    assert (url != "", shop.taken()) == (True, 0)


def test_another_way_to_pay_cancels_the_charge_that_waits_to_be_confirmed(shop: Shop) -> None:
    card = shop.leave("leave_authenticate")
    charge(shop, card, (shop.items[0], 1000), present=True)
    shop.press(shop.pay((shop.items[0], 1000)), "card")
    shop.intent_act("confirm", 0)
    shop.hear()
    assert shop.states() == [PaymentState.FAILED, PaymentState.SETTLED]
    assert (shop.taken(), shop.open()[0]) == (1000, 0)


@pytest.mark.parametrize("arrives", [True, False])
def test_an_answer_lost_on_the_way_never_charges_twice(shop: Shop, arrives: bool) -> None:
    """Guarantee 9: the charge was made or was not, its answer was lost; the clock moves on; it ends, charged once."""
    card = shop.leave("leave_card")
    connected = shop.kernel
    shop.wire.cut = True
    if not arrives:
        nowhere = connected.settings.model_copy(update={"stripe_api_base": f"http://127.0.0.1:{free_port()}"})
        shop.kernel = replace(connected, settings=nowhere)
    with pytest.raises(GatewaySilentError):
        charge(shop, card, (shop.items[0], 1000))
    assert shop.states() == [PaymentState.UNKNOWN]
    with pytest.raises(AlreadyPayingError):
        charge(shop, card, (shop.items[0], 1000))
    with pytest.raises(AlreadyPayingError):
        shop.pay((shop.items[0], 1000))
    shop.wire.cut, shop.kernel = False, connected
    assert "1 ended" in shop.reconcile(minutes=15)
    assert shop.states() == [PaymentState.SETTLED if arrives else PaymentState.FAILED]
    assert (shop.taken(), shop.open()[0]) == ((1000, 0) if arrives else (0, 1000))
    shop.hear()
    for _ in range(6):
        shop.reconcile(days=5)
    assert shop.taken() == (1000 if arrives else 0)


def test_a_direct_debit_is_pending_then_paid_then_returned_weeks_later(shop: Shop) -> None:
    account = shop.leave("leave_debit")
    assert (account.kind, account.last4) == (MethodKind.SEPA_DEBIT, "3000")
    assert account.mandate is not None
    assert account.mandate_reference
    assert charge(shop, account, (shop.items[0], 1000)).state is PaymentState.PENDING
    shop.hear()
    assert (shop.states(), shop.open()[0]) == ([PaymentState.PENDING], 1000)
    shop.reconcile(hours=2)
    shop.hear()
    assert (shop.states(), shop.open()[0]) == ([PaymentState.SETTLED], 0)
    shop.gateway.clock.move(days=40)
    shop.intent_act("take_back")
    shop.hear()
    assert (shop.states(), shop.open()[0]) == ([PaymentState.DISPUTED], 1000)


def test_a_direct_debit_that_the_bank_refuses_days_later_has_failed(shop: Shop) -> None:
    account = shop.leave("leave_debit_refused")
    charge(shop, account, (shop.items[0], 1000))
    shop.gateway.clock.move(days=4)
    shop.reconcile(hours=1)
    [payment] = shop.payments()
    assert (payment.state, payment.failure) == (PaymentState.FAILED, "payment_intent_payment_attempt_failed")
    shop.hear()
    assert (shop.states(), shop.open()[0]) == ([PaymentState.FAILED], 1000)


def test_the_same_key_charges_once_and_for_another_thing_is_refused(shop: Shop) -> None:
    card = shop.leave("leave_card")
    first = charge(shop, card, (shop.items[0], 600), key="k1")
    assert charge(shop, card, (shop.items[0], 600), key="k1") == first
    with pytest.raises(PaymentKeyReusedError):
        charge(shop, card, (shop.items[1], 700), key="k1")
    assert shop.taken() == 600


def test_an_amount_on_account_stays_in_credit(shop: Shop) -> None:
    card = shop.leave("leave_card")
    entity = shop.entity()
    charge(shop, card, on_account=OnAccount(entity, "EUR", 5000))
    assert (shop.open(), shop.credit()) == ([1000, 2000], 5000)
    charge(shop, card, (shop.items[0], 1000), on_account=OnAccount(entity, "EUR", 250))
    assert (shop.open(), shop.credit()) == ([0, 2000], 5250)
    with pytest.raises(PaymentError):
        charge(shop, card, (shop.items[1], 10), on_account=OnAccount(entity, "USD", 100))


def test_a_method_is_its_customers_alone_and_gone_once_removed(shop: Shop) -> None:
    first, second = shop.leave("leave_card"), shop.leave("leave_debit")
    assert (first.id, second.id) != (None, None)
    database, now = shop.kernel.database, shop.gateway.clock()
    with database.transaction() as session:
        stranger = customer(session, "C2")
    with pytest.raises(MethodNotFoundError), database.transaction() as session:
        make_default(session, stranger, first.id or 0, by="x", now=now)
    with database.transaction() as session:
        make_default(session, shop.account, second.id or 0, by="customer:1", now=now)
    with database.reading() as session:
        assert [one.id for one in methods_of(session, shop.account)] == [second.id, first.id]
    with database.transaction() as session:
        remove(session, shop.account, second.id or 0, by="customer:1", now=now)
    shop.run_jobs()
    with database.reading() as session:
        [left] = methods_of(session, shop.account)
        assert (left.id, left.is_default) == (first.id, True)
    with pytest.raises(MethodNotFoundError):
        charge(shop, second, (shop.items[0], 1000))
    told = [event["type"] for event in shop.gateway.told()]
    assert ("payment_method.detached" in told, "mandate.updated" in told) == (True, True)
    shop.hear()
    assert shop.payments() == []


def test_a_mandate_that_ended_or_a_card_that_expired_is_not_charged(shop: Shop) -> None:
    account = shop.leave("leave_debit")
    shop.ask(f"payment_methods/{account.gateway_method}/detach")
    shop.hear()
    with pytest.raises(MethodNotFoundError):
        charge(shop, account, (shop.items[0], 1000))
    card = shop.leave("leave_card")
    shop.gateway.clock.at += timedelta(days=366 * 9)
    with pytest.raises(MethodUnusableError, match="expired"):
        charge(shop, card, (shop.items[0], 1000))
    assert shop.payments() == []


def test_what_a_customer_pays_with_on_a_page_is_kept_when_it_agrees(shop: Shop) -> None:
    shop.press(shop.pay((shop.items[0], 1000), save=True), "card")
    shop.hear()
    shop.run_jobs()
    with shop.kernel.database.reading() as session:
        [card] = methods_of(session, shop.account)
    assert charge(shop, card, (shop.items[1], 2000)).state is PaymentState.SETTLED
    shop.press(shop.pay_more(), "card")
    shop.hear()
    shop.run_jobs()
    with shop.kernel.database.reading() as session:
        assert len(methods_of(session, shop.account)) == 1
