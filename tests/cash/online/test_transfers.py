"""Bank transfers to an account number of the customer's own: awaited, in parts, unasked, and given up."""

from __future__ import annotations

import pytest

from ar.cash.gateway import GatewaySilentError
from ar.cash.gateway_amounts import NotPayableOnlineError
from ar.cash.models import Payment
from ar.cash.online.customers import known_number
from ar.cash.online.transfers import awaited, spend_balance, start_transfer, virtual_accounts
from ar.cash.payment_states import PaymentState
from ar.cash.receive import Target
from ar.cash.wishes import AlreadyPayingError, OnAccount, Wish
from tests.cash.shopping import Shop


def await_transfer(shop: Shop, *targets: tuple[int, int]) -> Payment:
    wish = Wish(shop.account, [Target(*target) for target in targets])
    start_transfer(shop.kernel, wish, by="customer:1", now=shop.gateway.clock())
    return shop.payments()[-1]


def number(shop: Shop) -> str:
    with shop.kernel.database.reading() as session:
        found = known_number(session, "test", shop.account)
    assert found is not None
    return found


def balance(shop: Shop) -> int:
    with shop.kernel.database.reading() as session:
        [one] = virtual_accounts(session, shop.account)
        return one.balance_minor


def test_a_transfer_is_awaited_with_an_account_number_of_the_customers_own(shop: Shop) -> None:
    payment = await_transfer(shop, (shop.items[0], 1000))
    assert payment.state is PaymentState.STARTED
    told = payment.instructions or {}
    assert told["iban"].startswith("FR")
    assert int("".join(str(int(c, 36)) for c in told["iban"][4:] + told["iban"][:4])) % 97 == 1
    assert (told["remaining_minor"], bool(told["reference"])) == (1000, True)
    with shop.kernel.database.reading() as session:
        assert [one.iban for one in virtual_accounts(session, shop.account)] == [told["iban"]]
        assert [one.id for one in awaited(session, shop.account)] == [payment.id]
    assert await_transfer(shop, (shop.items[0], 1000)).id == payment.id
    shop.intent_act("transfer")
    shop.hear()
    assert (shop.states(), shop.open()[0]) == ([PaymentState.SETTLED], 0)


def test_half_of_it_is_pending_and_the_rest_settles_it(shop: Shop) -> None:
    await_transfer(shop, (shop.items[0], 1000))
    shop.intent_act("transfer_half")
    shop.hear()
    [payment] = shop.payments()
    assert (payment.state, payment.funded_minor, shop.open()[0]) == (PaymentState.PENDING, 500, 1000)
    with pytest.raises(AlreadyPayingError):
        shop.pay((shop.items[0], 1000))
    shop.intent_act("transfer")
    shop.reconcile(minutes=20)
    assert (shop.states(), shop.open()[0], shop.taken()) == ([PaymentState.SETTLED], 0, 1000)
    shop.hear()
    assert (shop.states(), shop.open()[0]) == ([PaymentState.SETTLED], 0)


def test_paying_by_card_instead_gives_the_transfer_up(shop: Shop) -> None:
    await_transfer(shop, (shop.items[0], 1000))
    shop.press(shop.pay((shop.items[0], 1000)), "card")
    shop.hear()
    assert shop.states() == [PaymentState.FAILED, PaymentState.SETTLED]
    assert (shop.intent_act("transfer", 0).status_code, shop.taken()) == (303, 1000)


def test_money_that_comes_unasked_pays_what_is_due_and_the_rest_is_shown(shop: Shop) -> None:
    await_transfer(shop, (shop.items[0], 1000))
    shop.intent_act("transfer")
    shop.hear()
    shop.gateway.clock.move(seconds=5)
    shop.ask(f"test_helpers/customers/{number(shop)}/fund_cash_balance", amount="2500", currency="eur")
    shop.hear()
    assert balance(shop) == 2500
    shop.gateway.clock.move(seconds=5)
    shop.run_jobs()
    shop.hear()
    assert (shop.open(), shop.states()) == ([0, 0], [PaymentState.SETTLED, PaymentState.SETTLED])
    assert balance(shop) == 500
    shop.gateway.clock.move(seconds=5)
    arguments = {"account_id": shop.account, "currency": "EUR"}
    assert spend_balance(shop.kernel, arguments, shop.gateway.clock()).startswith("0 payments")
    assert (shop.taken(), shop.credit()) == (3000, 0)


def test_an_answer_lost_is_found_again_and_one_that_never_comes_is_given_up(shop: Shop) -> None:
    await_transfer(shop, (shop.items[0], 1000))
    shop.wire.cut = True
    with pytest.raises(GatewaySilentError):
        await_transfer(shop, (shop.items[1], 2000))
    shop.wire.cut = False
    shop.reconcile(minutes=15)
    assert shop.states() == [PaymentState.STARTED, PaymentState.STARTED]
    for _ in range(7):
        shop.reconcile(days=5)
    assert shop.states() == [PaymentState.FAILED, PaymentState.FAILED]
    assert {payment.failure for payment in shop.payments()} == {"canceled"}


def test_only_euros_are_transferred(shop: Shop) -> None:
    wish = Wish(shop.account, [], OnAccount(shop.entity(), "USD", 1000))
    with pytest.raises(NotPayableOnlineError):
        start_transfer(shop.kernel, wish, by="customer:1", now=shop.gateway.clock())
    assert shop.payments() == []
