"""Paying online against the test gateway on a real port, by Stripe's real library: guarantees 4, 9 and 10."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta

import httpx
import pytest
from sqlmodel import select

from ar.app import create_app
from ar.cash.checkout import AlreadyPayingError, in_flight, start
from ar.cash.gateway import GatewayRefusedError, GatewaySilentError
from ar.cash.gateway_amounts import NotPayableOnlineError
from ar.cash.gateways import TEST_GATEWAY_PATH
from ar.cash.models import Method, Payment, PaymentRefund, RefundState
from ar.cash.payment_states import PaymentState
from ar.cash.receive import PaymentError, Target, clear_doubts
from ar.cash.reconcile import returned
from ar.cash.refunds import refund
from ar.core import clock
from ar.core.errors import DomainError
from ar.core.kernel import Kernel
from ar.ledger.allocate import OverAllocationError
from ar.ledger.models import Entry, EntryKind, OpenItem
from tests.cash.serving import free_port, served
from tests.cash.shopping import Shop
from tests.ledger.make import customer, invoice, seller


def test_a_card_pays_two_invoices_and_one_of_them_in_part(shop: Shop) -> None:
    first, second = shop.items
    url = shop.pay((first, 1000), (second, 500))
    assert shop.states() == [PaymentState.STARTED]
    with shop.kernel.database.reading() as session:
        assert in_flight(session, [shop.account]) == {first: 1000, second: 500}
    page = httpx.get(url).text
    assert "INV-1000" in page
    assert "€15.00" in page
    shop.press(url, "card")
    shop.hear()
    shop.hear()
    assert shop.states() == [PaymentState.SETTLED]
    assert shop.open() == [0, 1500]
    with shop.kernel.database.reading() as session:
        assert in_flight(session, [shop.account]) == {}


def test_the_customers_return_need_not_wait_for_the_webhook(shop: Shop) -> None:
    url = shop.pay((shop.items[0], 1000))
    page = url.rsplit("/", 1)[1]
    now = shop.gateway.clock()
    assert returned(shop.kernel, account_id=shop.account, session_id=page, now=now) is PaymentState.STARTED
    shop.press(url, "card")
    assert returned(shop.kernel, account_id=shop.account, session_id=page, now=now) is PaymentState.SETTLED
    shop.hear()
    assert (shop.states(), shop.open()[0]) == ([PaymentState.SETTLED], 0)
    with pytest.raises(DomainError):
        returned(shop.kernel, account_id=shop.account + 1, session_id=page, now=now)


def test_a_debit_is_pending_until_the_bank_answers(shop: Shop) -> None:
    url = shop.pay((shop.items[0], 1000), method=Method.SEPA_DEBIT)
    shop.press(url, "sepa")
    shop.hear()
    assert (shop.states(), shop.open()[0]) == ([PaymentState.PENDING], 1000)
    with pytest.raises(AlreadyPayingError):
        shop.pay((shop.items[0], 1000))
    assert "1 ended" in shop.reconcile(days=3)
    assert (shop.states(), shop.open()[0]) == ([PaymentState.SETTLED], 0)


def test_pressing_twice_is_one_page_and_another_wish_closes_it(shop: Shop) -> None:
    first, second = shop.items
    url = shop.pay((first, 1000))
    assert shop.pay((first, 1000)) == url
    other = shop.pay((first, 1000), (second, 2000))
    assert other != url
    assert shop.states() == [PaymentState.FAILED, PaymentState.STARTED]
    shop.press(url, "card")
    assert shop.charges() == 0


def test_a_page_that_was_paid_meanwhile_is_not_paid_again(shop: Shop) -> None:
    first, second = shop.items
    shop.press(shop.pay((first, 1000)), "card")
    with pytest.raises(OverAllocationError):
        shop.pay((first, 1000), (second, 2000))
    assert (shop.states(), shop.open()) == ([PaymentState.SETTLED], [0, 2000])


def test_ten_at_once_open_one_page(shop: Shop) -> None:
    barrier = threading.Barrier(10)

    def press(_: int) -> str:
        barrier.wait()
        return shop.pay((shop.items[0], 1000))

    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(press, range(10)))) == 1
    assert shop.states() == [PaymentState.STARTED]


def test_an_answer_lost_after_the_page_was_made_ends_without_a_double_charge(shop: Shop) -> None:
    """Guarantee 9: the gateway did it, its answer was lost."""
    shop.wire.cut = True
    with pytest.raises(GatewaySilentError):
        shop.pay((shop.items[0], 1000))
    assert shop.states() == [PaymentState.UNKNOWN]
    assert "1 without an answer" in shop.reconcile(minutes=15)
    shop.wire.cut = False
    assert "1 ended" in shop.reconcile(minutes=15)
    assert shop.states() == [PaymentState.FAILED]
    url = shop.pay((shop.items[0], 1000))
    shop.press(url, "card")
    shop.hear()
    assert shop.states() == [PaymentState.FAILED, PaymentState.SETTLED]
    assert (shop.charges(), shop.open()[0]) == (1, 0)


def test_an_answer_lost_is_found_again_by_the_same_wish(shop: Shop) -> None:
    shop.wire.cut = True
    with pytest.raises(GatewaySilentError):
        shop.pay((shop.items[0], 1000))
    shop.wire.cut = False
    shop.press(shop.pay((shop.items[0], 1000)), "card")
    shop.hear()
    assert (shop.states(), shop.charges(), shop.open()[0]) == ([PaymentState.SETTLED], 1, 0)


def test_a_gateway_silent_for_days_parks_the_payment_for_a_person(shop: Shop) -> None:
    shop.wire.cut = True
    with pytest.raises(GatewaySilentError):
        shop.pay((shop.items[0], 1000))
    for _ in range(5):
        shop.reconcile(days=1)
    [payment] = shop.payments()
    assert (payment.state, payment.parked) == (PaymentState.UNKNOWN, True)
    assert "3 days" in payment.reason
    assert payment.id is not None
    with shop.kernel.database.transaction() as session:
        clear_doubts(session, payment.id, why="nothing at the gateway", by="user:1", now=shop.gateway.clock())
    assert shop.states() == [PaymentState.FAILED]


@pytest.mark.parametrize("act", ["", "card", "declined", "sepa", "sepa_refused"])
def test_whatever_happens_unheard_every_payment_ends(shop: Shop, act: str) -> None:
    """Guarantee 9: no webhook ever comes, the clock moves on for 30 days, every payment ends."""
    url = shop.pay((shop.items[0], 1000))
    if act:
        shop.press(url, act)
    for _ in range(6):
        shop.reconcile(days=5)
    ended = PaymentState.SETTLED if act in ("card", "sepa") else PaymentState.FAILED
    assert shop.states() == [ended]
    assert shop.open()[0] == (0 if ended is PaymentState.SETTLED else 1000)
    shop.hear()
    assert shop.states() == [ended]


def test_money_taken_back_is_seen_and_the_invoice_open_again(shop: Shop) -> None:
    url = shop.pay((shop.items[0], 1000))
    shop.press(url, "card")
    shop.hear()
    shop.gateway.clock.move(days=20)
    shop.press(url, "take_back")
    shop.hear()
    assert (shop.states(), shop.open()[0]) == ([PaymentState.DISPUTED], 1000)
    shop.gateway.clock.move(days=20)
    shop.press(url, "win_back")
    shop.hear()
    assert (shop.states(), shop.open()[0]) == ([PaymentState.SETTLED], 0)


def test_refunds_go_back_by_the_way_they_came(shop: Shop) -> None:
    url = shop.pay((shop.items[0], 1000))
    shop.press(url, "card")
    shop.hear()
    [payment] = shop.payments()
    assert payment.id is not None

    def give(amount: int, key: str) -> PaymentRefund:
        assert payment.id is not None
        now = shop.gateway.clock.move(minutes=1)
        return refund(shop.kernel, payment.id, amount_minor=amount, note="paid twice", key=key, by="user:1", now=now)

    assert give(300, "k1").state is RefundState.DONE
    assert give(300, "k1").state is RefundState.DONE
    assert shop.open()[0] == 300
    with pytest.raises(PaymentError):
        give(701, "k2")
    shop.wire.cut = True
    assert give(200, "k3").state is RefundState.UNKNOWN
    shop.wire.cut = False
    with pytest.raises(PaymentError):
        give(501, "k4")
    assert "1 refunds finished" in shop.reconcile(minutes=10)
    assert shop.open()[0] == 500
    give(500, "k5")
    shop.hear()
    assert (shop.states(), shop.open()[0]) == ([PaymentState.REFUNDED], 1000)
    assert len([told for told in shop.gateway.told() if told["type"] == "charge.refunded"]) == 3
    with shop.kernel.database.reading() as session:
        refunds = session.exec(select(Entry.amount_minor).where(Entry.kind == EntryKind.REFUND)).all()
        assert sorted(refunds) == [200, 300, 500]


def test_what_the_gateway_refuses_is_failed_at_once(shop: Shop) -> None:
    with shop.kernel.database.transaction() as session:
        item = invoice(session, seller(session, "BIG"), shop.account, 100_000_000, on=date(2026, 1, 1), reference="BIG")
    with pytest.raises(GatewayRefusedError, match="no more than"):
        shop.pay((item, 100_000_000))
    assert (shop.states(), shop.charges()) == ([PaymentState.FAILED], 0)


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([], PaymentError),
        ([(0, 1000), (0, 1000)], PaymentError),
        ([(0, 0)], PaymentError),
        ([(0, 49)], NotPayableOnlineError),
        ([(0, 1001)], OverAllocationError),
        ([(9, 1)], DomainError),
    ],
)
def test_wishes_that_cannot_be(shop: Shop, targets: list[tuple[int, int]], expected: type[DomainError]) -> None:
    items = {**dict(enumerate(shop.items)), 9: 2**62}
    with pytest.raises(expected):
        shop.pay(*[(items[n], amount) for n, amount in targets])
    assert shop.payments() == []


def test_an_amount_that_cannot_be_said_exactly_is_not_asked(shop: Shop) -> None:
    with shop.kernel.database.transaction() as session:
        entity = seller(session, "KW1", "KWD")
        item = invoice(session, entity, shop.account, 5124, on=date(2026, 1, 1), reference="KW", currency="KWD")
    with pytest.raises(NotPayableOnlineError):
        shop.pay((item, 5124))
    assert shop.payments() == []
    url = shop.pay((item, 5120))
    shop.press(url, "card")
    shop.hear()
    assert shop.states() == [PaymentState.SETTLED]


@contextmanager
def whole_service(kernel: Kernel) -> Iterator[Kernel]:
    """The product itself on a real port, with the test gateway mounted in it."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    connected = Kernel(kernel.settings.model_copy(update={"base_url": base}), kernel.database, kernel.renderer)
    app = create_app(connected)
    with served(app, port):
        yield connected
    for mount in app.routes:
        if getattr(mount, "path", "") == TEST_GATEWAY_PATH:
            mount.app.close()  # type: ignore[attr-defined]


def test_the_whole_walk_over_one_port(kernel: Kernel) -> None:
    """Intent, page, card, signed webhook by HTTP, ledger: in the service as it is shipped."""
    with kernel.database.transaction() as session:
        account = customer(session)
        item = invoice(session, seller(session), account, 1000, on=date(2026, 1, 1))
    with whole_service(kernel) as service:
        url = start(
            service,
            account_id=account,
            targets=[Target(item, 1000)],
            method=Method.ONLINE,
            language="fr",
            success_url=service.settings.base_url + "/health",
            cancel_url=service.settings.base_url + "/health",
            now=clock.now(),
        )
        page = httpx.get(url)
        assert "Passerelle de test" in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert httpx.post(url, data={"act": "card"}).headers["location"].endswith("/health")
        assert until(lambda: _state(service) is PaymentState.SETTLED)
    with kernel.database.reading() as session:
        assert session.exec(select(OpenItem.open_minor).where(OpenItem.entry_id == item)).one() == 0


def _state(kernel: Kernel) -> PaymentState:
    with kernel.database.reading() as session:
        return PaymentState(session.exec(select(Payment.state)).one())


def until(true: Callable[[], bool], *, seconds: float = 10) -> bool:
    """Whether it comes true in time."""
    pause, end = threading.Event(), clock.now() + timedelta(seconds=seconds)
    while not true():
        if clock.now() > end:
            return False
        pause.wait(0.03)
    return True
