"""Money that is authorised: captured in part or in full, released, or forgotten until it lapses."""

from __future__ import annotations

import pytest

from ar.cash.checkout import PageWish, open_page
from ar.cash.gateway import GatewaySilentError
from ar.cash.models import Method
from ar.cash.online.capture import capture, release
from ar.cash.online.charge import ChargeWish, charge_saved
from ar.cash.payment_states import PaymentState
from ar.cash.receive import PaymentError, Target
from ar.cash.refunds import refund
from ar.cash.wishes import Wish
from tests.cash.shopping import Shop


def hold(shop: Shop, *targets: tuple[int, int]) -> int:
    card = shop.leave("leave_card")
    assert card.id is not None
    wish = Wish(shop.account, [Target(*target) for target in targets])
    done = charge_saved(shop.kernel, ChargeWish(wish, card.id, "user:1", hold=True), now=shop.gateway.clock())
    assert done.state is PaymentState.PENDING
    return done.payment_id


def take(shop: Shop, payment_id: int, amount: int) -> PaymentState:
    return capture(shop.kernel, payment_id, amount_minor=amount, by="user:1", now=shop.gateway.clock())


def test_a_part_is_captured_the_rest_released_and_the_books_follow(shop: Shop) -> None:
    payment_id = hold(shop, (shop.items[0], 1000), (shop.items[1], 2000))
    shop.hear()
    assert (shop.states(), shop.open(), shop.taken()) == ([PaymentState.PENDING], [1000, 2000], 0)
    with pytest.raises(PaymentError):
        take(shop, payment_id, 3001)
    assert take(shop, payment_id, 1300) is PaymentState.SETTLED
    shop.hear()
    [payment] = shop.payments()
    assert (payment.amount_minor, payment.received_minor) == (3000, 1300)
    assert (payment.state, shop.open(), shop.taken()) == (PaymentState.SETTLED, [0, 1700], 1300)
    with pytest.raises(PaymentError):
        take(shop, payment_id, 1300)


def test_what_was_captured_is_the_most_that_is_refunded(shop: Shop) -> None:
    payment_id = hold(shop, (shop.items[0], 1000))
    take(shop, payment_id, 600)
    now = shop.gateway.clock.move(minutes=1)

    def give(amount: int, key: str) -> None:
        refund(shop.kernel, payment_id, amount_minor=amount, note="n", key=key, by="user:1", now=now)

    with pytest.raises(PaymentError):
        give(601, "k1")
    give(200, "k2")
    shop.hear()
    shop.run_jobs()
    assert (shop.states(), shop.open()[0], shop.payments()[0].refunded_minor) == ([PaymentState.SETTLED], 600, 200)
    give(400, "k3")
    assert (shop.states(), shop.open()[0]) == ([PaymentState.REFUNDED], 1000)


def test_all_is_released(shop: Shop) -> None:
    payment_id = hold(shop, (shop.items[0], 1000))
    state = release(shop.kernel, payment_id, why="not delivered", by="user:1", now=shop.gateway.clock())
    assert (state, shop.open()[0], shop.taken()) == (PaymentState.FAILED, 1000, 0)
    shop.hear()
    assert shop.states() == [PaymentState.FAILED]
    with pytest.raises(PaymentError):
        take(shop, payment_id, 1)


def test_an_answer_lost_to_a_capture_is_found_out(shop: Shop) -> None:
    payment_id = hold(shop, (shop.items[0], 1000))
    shop.wire.cut = True
    with pytest.raises(GatewaySilentError):
        take(shop, payment_id, 400)
    shop.wire.cut = False
    assert shop.states() == [PaymentState.PENDING]
    shop.reconcile(minutes=15)
    assert (shop.states(), shop.open()[0], shop.taken()) == ([PaymentState.SETTLED], 600, 400)


def test_a_customer_authorises_on_a_page(shop: Shop) -> None:
    page = PageWish(
        Wish(shop.account, [Target(shop.items[0], 1000)]),
        Method.ONLINE,
        "en",
        "http://shop.example/done",
        "http://shop.example/back",
        hold=True,
        by="user:1",
    )
    payment_id, url = open_page(shop.kernel, page, now=shop.gateway.clock())
    shop.press(url, "card")
    shop.hear()
    shop.reconcile(minutes=15)
    [payment] = shop.payments()
    assert (payment.state, payment.authorised_at is not None) == (PaymentState.PENDING, True)
    assert take(shop, payment_id, 250) is PaymentState.SETTLED
    shop.hear()
    shop.reconcile(minutes=15)
    assert (shop.states(), shop.open()[0], shop.taken()) == ([PaymentState.SETTLED], 750, 250)
