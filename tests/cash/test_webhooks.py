"""Guarantees 7, 8 and 10: webhooks converge, are authentic, and paid means settled."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from ar.cash.gateway import News
from ar.cash.models import Method, Payment, WebhookEvent
from ar.cash.payment_states import PaymentState
from ar.cash.receive import PaymentError, Receipt, clear_doubts, record_payment
from ar.cash.signatures import SignatureError, sign, verify
from ar.cash.stripe_events import EventError, read_event
from ar.cash.webhooks import receive
from ar.core import clock
from ar.core.db import Database
from ar.core.kernel import Kernel
from ar.core.settings import Settings
from ar.ledger.models import Entry, EntryKind
from tests.cash.paying import BASE, DAY, digest, event, first_invoice_open, session_of, signed, started, stories, utc
from tests.ledger.make import NOW, seller
from tests.web import client

EXPECTED = {
    "debit paid, returned weeks later": (PaymentState.DISPUTED, 1000, 0, 0),
    "debit paid, then failed": (PaymentState.FAILED, 1000, 0, 0),
    "debit refused": (PaymentState.FAILED, 1000, 0, 0),
    "declined, then paid, refunded in part twice": (PaymentState.SETTLED, 500, 0, 500),
    "charged back and won": (PaymentState.SETTLED, 0, 0, 0),
    "an inquiry takes nothing": (PaymentState.SETTLED, 0, 0, 0),
    "disputed in part": (PaymentState.UNKNOWN, 0, 0, 0),
    "expired": (PaymentState.FAILED, 1000, 0, 0),
    "another amount": (PaymentState.UNKNOWN, 1000, 0, 0),
}


def tell(session: Session, settings: Settings, told: dict[str, Any]) -> str:
    payload, signature = signed(told, settings.webhook_secret, at=NOW)
    return receive(session, settings, payload, signature, now=NOW + timedelta(seconds=5))


def shuffled(story: list[dict[str, Any]], luck: random.Random) -> list[dict[str, Any]]:
    several = [told for told in story for _ in range(luck.randint(1, 3))]
    luck.shuffle(several)
    return several


@pytest.mark.parametrize("name", EXPECTED)
def test_any_order_and_any_repetition_come_to_one_state(database: Database, settings: Settings, name: str) -> None:
    """Guarantee 7: 200 shuffles over all stories; the seed is printed."""
    seed = 20260301
    luck = random.Random(seed)
    with database.transaction() as session:
        entity = seller(session)
    found = set()
    for n in range(25):
        known = luck.choice([PaymentState.STARTED, PaymentState.INTENDED])
        with database.transaction() as session:
            payment = started(session, entity, str(n), state=known)
            for told in stories(str(n))[name] if n == 0 else shuffled(stories(str(n))[name], luck):
                tell(session, settings, told)
            found.add(digest(session, payment))
    assert len(found) == 1, f"seed {seed}: {found}"
    [(state, owed, credit, refunded, parked, _)] = found
    assert (state, owed, credit, refunded) == EXPECTED[name]
    assert parked is (name in ("another amount", "disputed in part"))


def test_each_event_in_a_transaction_of_its_own_comes_to_the_same(database: Database, settings: Settings) -> None:
    luck = random.Random(7)
    with database.transaction() as session:
        entity = seller(session)
    for n, (name, expected) in enumerate(EXPECTED.items()):
        key = f"own-{n}"
        with database.transaction() as session:
            payment = started(session, entity, key, state=PaymentState.INTENDED)
        for told in shuffled(stories(key)[name], luck):
            with database.transaction() as session:
                tell(session, settings, told)
        with database.reading() as session:
            assert digest(session, payment)[:4] == expected


def test_paid_means_settled(database: Database, settings: Settings) -> None:
    """Guarantee 10: unpaid is pending; weeks later the debit comes back and the invoice is open again."""
    with database.transaction() as session:
        payment = started(session, seller(session), "x", state=PaymentState.STARTED)
    seen = []
    for told in stories("x")["debit paid, returned weeks later"]:
        with database.transaction() as session:
            tell(session, settings, told)
        with database.reading() as session:
            seen.append((digest(session, payment)[0], first_invoice_open(session, payment)))
    assert seen == [(PaymentState.PENDING, 1000), (PaymentState.SETTLED, 0), (PaymentState.DISPUTED, 1000)]
    with database.reading() as session:
        entries = session.exec(select(Entry).order_by(Entry.id)).all()  # type: ignore[arg-type]
        days = [(entry.kind, entry.effective_on) for entry in entries]
    assert days == [
        (EntryKind.INVOICE, date(2026, 1, 5)),
        (EntryKind.PAYMENT, date(2026, 3, 6)),
        (EntryKind.REVERSAL, date(2026, 4, 10)),
    ]


def test_what_is_paid_twice_over_stays_as_credit(database: Database, settings: Settings) -> None:
    with database.transaction() as session:
        payment = started(session, seller(session), "x", state=PaymentState.STARTED)
    with database.transaction() as session:
        receipt = Receipt(
            payment.entity_id, payment.account_id, 800, "EUR", Method.BANK_TRANSFER, date(2026, 2, 20), reference="W"
        )
        record_payment(session, receipt, by="user:1", now=NOW)
    with database.transaction() as session:
        tell(session, settings, stories("x")["an inquiry takes nothing"][0])
    with database.reading() as session:
        assert digest(session, payment)[:3] == (PaymentState.SETTLED, 0, 800)


@pytest.mark.parametrize(
    ("name", "decided"),
    [
        ("another amount", (PaymentState.FAILED, 1000, 0)),
        ("disputed in part", (PaymentState.SETTLED, 0, 0)),
    ],
)
def test_a_parked_payment_is_decided_by_a_person(
    database: Database, settings: Settings, name: str, decided: tuple[PaymentState, int, int]
) -> None:
    with database.transaction() as session:
        payment = started(session, seller(session), "x", state=PaymentState.STARTED)
        for told in stories("x")[name]:
            tell(session, settings, told)
    assert payment.id is not None
    with database.transaction() as session:
        clear_doubts(session, payment.id, why="looked at the gateway", by="user:1", now=NOW)
    with database.reading() as session:
        found = digest(session, payment)
        assert (found[:3], found[4]) == (decided, False)
    with pytest.raises(PaymentError), database.transaction() as session:
        clear_doubts(session, payment.id, why="again", by="user:1", now=NOW)


def test_a_chargeback_that_comes_first_waits_for_its_payment(database: Database, settings: Settings) -> None:
    with database.transaction() as session:
        payment = started(session, seller(session), "x", state=PaymentState.STARTED)
    completed, dispute = (stories("x")["charged back and won"][n] for n in (0, 1))
    with database.transaction() as session:
        assert tell(session, settings, dispute).startswith("waits")
    with database.transaction() as session:
        tell(session, settings, completed)
    with database.reading() as session:
        assert digest(session, payment)[0] is PaymentState.DISPUTED
        kept = session.exec(select(WebhookEvent)).all()
        assert all(one.applied_at is not None and one.payment_id == payment.id for one in kept)


def test_events_of_others_are_kept_and_change_nothing(database: Database, settings: Settings) -> None:
    with database.transaction() as session:
        started(session, seller(session), "x", state=PaymentState.STARTED)
    told = [
        event(1, "customer.created", BASE, {"id": "cus_1"}, name="o"),
        event(2, "checkout.session.completed", BASE, session_of("stranger", "paid"), name="o"),
        event(3, "checkout.session.completed", BASE, session_of("x", "paid", currency="xxx"), name="o"),
        event(4, "checkout.session.completed", BASE, session_of("x", "paid", amount_total="12"), name="o"),
        event(5, "charge.refunded", BASE, {"id": "ch_1"}, name="o"),
    ]
    for one in told:
        with database.transaction() as session:
            tell(session, settings, one)
    with database.reading() as session:
        assert session.exec(select(Payment.state)).all() == [PaymentState.STARTED]
        assert len(session.exec(select(WebhookEvent.id)).all()) == len(told)


def forgeries(settings: Settings) -> dict[str, tuple[bytes, str | None]]:
    """Messages that must not be taken in, each all but right."""
    now = clock.now()
    at, secret = int(now.timestamp()), settings.webhook_secret
    payload, good = signed(stories("x")["expired"][0], secret, at=now)
    live = json.dumps(json.loads(payload) | {"livemode": True}).encode()
    body = json.loads(payload)

    def mine(raw: bytes) -> tuple[bytes, str]:
        return raw, sign(raw, secret, at=at)

    return {
        "no signature": (payload, None),
        "empty signature": (payload, ""),
        "another secret": (payload, sign(payload, "whsec_other", at=at)),
        "stale": (payload, sign(payload, secret, at=at - 301 - 60)),
        "future": (payload, sign(payload, secret, at=at + 301 + 60)),
        "time changed": (payload, good.replace(f"t={at}", f"t={at + 1}")),
        "two times": (payload, f"t={at}," + good),
        "re-serialised": (json.dumps(body, indent=1).encode(), good),
        "one byte more": (payload + b" ", good),
        "wrong mode": (live, sign(live, secret, at=at)),
        "not ASCII": (payload, good + ",v1=\u00e9"),
        "scheme v0": (payload, good.replace("v1=", "v0=")),
        "huge number as time": (payload, good.replace(f"t={at}", "t=" + "9" * 400)),
        "not JSON": mine(b"{"),
        "not an object": mine(b"[]"),
        "UTF-16": mine(json.dumps(body).encode("utf-16")),
        "not UTF-8": mine(b'{"object":"event","id":"\xff"}'),
        "no id": mine(json.dumps(body | {"id": None}).encode()),
        "NUL in the id": mine(json.dumps(body | {"id": "evt_\x00"}).encode()),
        "surrogate in the type": mine(json.dumps(body | {"type": "\ud800"}).encode()),
        "endless time": mine(json.dumps(body).replace(str(body["created"]), "1e400").encode()),
        "deep": mine(b'{"object":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        "too large": mine(json.dumps(body | {"x": "x" * 600_000}).encode()),
    }


def test_only_the_gateways_own_words_are_taken(kernel: Kernel, database: Database) -> None:
    """Guarantee 8."""
    with database.transaction() as session:
        started(session, seller(session), "x", state=PaymentState.STARTED)
    with client(kernel) as gateway:
        for name, (payload, signature) in forgeries(kernel.settings).items():
            answer = _post(gateway, payload, signature)
            assert answer.status_code == 400, f"{name}: {answer.status_code} {answer.text}"
        with database.reading() as session:
            assert session.exec(select(WebhookEvent.id)).all() == []
            assert session.exec(select(Payment.state)).all() == [PaymentState.STARTED]
        right = signed(stories("x")["expired"][0], kernel.settings.webhook_secret, at=clock.now())
        for outcome in ("the payment page expired: failed", "known already"):
            answer = _post(gateway, *right)
            assert (answer.status_code, answer.json()) == (200, {"outcome": outcome})
    with database.reading() as session:
        assert len(session.exec(select(WebhookEvent.id)).all()) == 1


def _post(gateway: TestClient, payload: bytes, signature: str | None) -> Any:
    headers = {"content-type": "application/json"}
    if signature is None:
        return gateway.post("/webhooks/stripe", content=payload, headers=headers)
    told = headers | {"stripe-signature": signature}
    raw = [(name.encode(), value.encode("utf-8")) for name, value in told.items()]
    return gateway.post("/webhooks/stripe", content=payload, headers=raw)


def test_a_second_signature_is_looked_at_too() -> None:
    good = sign(b"{}", "s", at=BASE)
    verify(b"{}", good.replace("v1=", "v1=00,v1="), "s", now=utc(BASE))
    verify(b"{}", good, "s", now=utc(BASE + 300))
    for moved in (-301, 301):
        with pytest.raises(SignatureError):
            verify(b"{}", good, "s", now=utc(BASE + moved))


def test_an_event_is_read_for_what_it_says() -> None:
    news = read_event(stories("x")["debit refused"][0])
    assert isinstance(news, News)
    assert (news.public_id, news.session, news.intent) == ("pay_x", "cs_x", "pi_x")
    assert (news.amount_minor, news.currency) == (1000, "EUR")
    assert news.facts.processing_at == utc(BASE)
    assert read_event(event(1, "price.created", BASE + DAY, {}, name="x")) is None
    with pytest.raises(EventError):
        read_event({"type": "x", "created": "soon", "data": {}})
