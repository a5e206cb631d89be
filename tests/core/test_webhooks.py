"""Webhooks out: every entry of the audit trail is told, signed, at least once, and only where it may go."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from ar.core.access.models import Role
from ar.core.audit import Act, AuditEntry, record
from ar.core.clock import stopwatch
from ar.core.db import Database
from ar.core.kernel import Kernel
from ar.core.webhooks import manage, send
from ar.core.webhooks.address import AddressForbiddenError, WebhookUrlError, checked_url, look_up
from ar.core.webhooks.events import sign, wanted
from ar.core.webhooks.models import DeliveryState, WebhookDelivery, WebhookSubscription
from ar.core.webhooks.send import BACKOFF, DISABLED_AFTER, LEASE, send_batch, send_webhooks
from ar.core.webhooks.spread import spread
from tests.core.outboxes import NOW
from tests.smtp import closed_port
from tests.web import client
from tests.webhooks import Receiver, receiver


@pytest.fixture
def hooks() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def local(kernel: Kernel) -> Kernel:
    """An installation that may post to this machine."""
    return replace(kernel, settings=kernel.settings.model_copy(update={"webhooks_to_private": True}))


def subscribed(kernel: Kernel, url: str, *types: str, include_change: bool = False) -> tuple[int, str]:
    with kernel.database.transaction() as session:
        made, secret = manage.subscribe(
            session,
            kernel.settings,
            url=url,
            event_types=types,
            description="",
            include_change=include_change,
            by="user:1",
            now=NOW,
        )
        assert made.id is not None
        return made.id, secret


def happen(kernel: Kernel, *actions: str) -> None:
    with kernel.database.transaction() as session:
        change = {"name": "Zoé <x>"}
        record(session, [Act("user:3", action, f"thing:{n}", change) for n, action in enumerate(actions)], now=NOW)


def tell(kernel: Kernel, minutes: float = 0) -> str:
    return send_webhooks(kernel, {}, NOW + timedelta(minutes=minutes))


def deliveries(database: Database) -> list[WebhookDelivery]:
    with database.reading() as session:
        found = session.exec(select(WebhookDelivery).order_by(col(WebhookDelivery.id))).all()
        session.expunge_all()
    return list(found)


def hook(database: Database, subscription_id: int) -> WebhookSubscription:
    with database.reading() as session:
        found = manage.subscription(session, subscription_id)
        session.expunge_all()
    return found


def test_the_signature_is_that_of_the_standard() -> None:
    """The example that the specification's libraries are tested with."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signed = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_every_event_is_told_signed_to_those_who_ask_for_it(local: Kernel, hooks: Receiver) -> None:
    happen(local, "invoice.issued")  # before there is anybody to tell
    _, secret = subscribed(local, hooks.url("/all"))
    subscribed(local, hooks.url("/some"), "invoice.*", "dispute.opened", include_change=True)
    happen(local, "invoice.issued", "dispute.opened", "dispute.closed")
    tell(local)
    assert hooks.types("/all") == [
        "webhook.added",
        "webhook.added",
        "invoice.issued",
        "dispute.opened",
        "dispute.closed",
    ]
    assert hooks.types("/some") == ["invoice.issued", "dispute.opened"]
    mine = [one for one in hooks.heard if one.path == "/all"]
    assert all(one.proved_by(secret) for one in mine)
    assert not any(replace(one, body=one.body + b" ").proved_by(secret) for one in mine)
    assert mine[2].headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert mine[2].headers["webhook-id"] == mine[2].event["data"]["id"]
    assert mine[2].event["data"] | {"id": ""} == {"id": "", "subject": "thing:0", "actor": "user:3"}
    assert [one.event["data"]["change"] for one in hooks.heard if one.path == "/some"] == [{"name": "Zoé <x>"}] * 2
    assert tell(local) == "nothing to tell"
    assert len(hooks.heard) == 7


def test_what_is_not_taken_is_tried_for_three_days_and_given_up(local: Kernel, hooks: Receiver) -> None:
    subscription_id, _ = subscribed(local, hooks.url(), "thing.*")
    hooks.statuses["/hook"] = 500
    happen(local, "thing.done")
    minutes = 0.0
    for wait in BACKOFF:
        tell(local, minutes)
        tell(local, minutes + wait.total_seconds() / 60 - 0.1)
        minutes += wait.total_seconds() / 60
    tell(local, minutes)
    assert 3 * 24 * 60 <= minutes <= 3.5 * 24 * 60
    [one] = deliveries(local.database)
    assert (one.state, one.attempts, one.status, len(hooks.heard)) == (DeliveryState.FAILED, 10, 500, len(BACKOFF) + 1)
    assert one.answer is not None
    assert one.answer.startswith("no pe")
    assert len({heard.headers["webhook-id"] for heard in hooks.heard}) == 1
    hooks.statuses.clear()
    with local.database.transaction() as session:
        assert manage.replay_since(session, subscription_id, NOW, by="user:1", now=NOW) == 1
    tell(local, minutes)
    assert [one.state for one in deliveries(local.database)] == [DeliveryState.DELIVERED]
    assert len({heard.headers["webhook-id"] for heard in hooks.heard}) == 1


@pytest.mark.parametrize("status", [0, 301, 302, 400, 404, 429, 503])
def test_only_an_answer_of_200_to_299_takes_it(local: Kernel, hooks: Receiver, status: int) -> None:
    subscribed(local, hooks.url(), "thing.*")
    hooks.statuses["/hook"] = status
    happen(local, "thing.done")
    tell(local)
    assert [heard.path for heard in hooks.heard] == ["/hook"], "no redirect is followed"
    [one] = deliveries(local.database)
    assert (one.state, one.status, one.attempts) == (DeliveryState.PENDING, status or None, 1)
    hooks.statuses.clear()
    tell(local, 1)
    assert [one.state for one in deliveries(local.database)] == [DeliveryState.DELIVERED]


def test_one_that_is_not_there_holds_up_no_other(local: Kernel, hooks: Receiver) -> None:
    subscribed(local, f"http://127.0.0.1:{closed_port()}/", "thing.*")
    subscribed(local, hooks.url(), "thing.*")
    happen(local, *["thing.done"] * 5)
    tell(local)
    assert len(hooks.heard) == 5
    waiting = [one for one in deliveries(local.database) if one.state is DeliveryState.PENDING]
    assert sorted(one.attempts for one in waiting) == [0, 0, 0, 0, 1]


def test_one_that_is_gone_or_fails_for_long_is_switched_off(local: Kernel, hooks: Receiver) -> None:
    gone, _ = subscribed(local, hooks.url("/gone"), "thing.*")
    failing, _ = subscribed(local, hooks.url("/failing"), "thing.*")
    hooks.statuses = {"/gone": 410, "/failing": 500}
    happen(local, "thing.done")
    tell(local)
    assert (hook(local.database, gone).active, hook(local.database, failing).active) == (False, True)
    minutes = DISABLED_AFTER.total_seconds() / 60
    happen(local, "thing.done")
    tell(local, minutes)
    assert hook(local.database, failing).disabled_why == "it took nothing for 5 days"
    count = len(hooks.heard)
    happen(local, "thing.done")
    tell(local, minutes + 60)
    assert len(hooks.heard) == count
    with local.database.reading() as session:
        query = select(AuditEntry.subject).where(col(AuditEntry.action) == "webhook.disabled")
        assert session.exec(query).all() == [f"webhook:{gone}", f"webhook:{failing}"]


class Killed(BaseException):
    """A process that ends where it stands."""


@pytest.mark.parametrize("point", ["claim", "before-post", "after-post", "before-record"])
def test_a_sender_killed_anywhere_tells_again_under_the_same_id(local: Kernel, hooks: Receiver, point: str) -> None:
    subscribed(local, hooks.url(), "thing.*")
    happen(local, "thing.done")
    with local.database.transaction() as session:
        spread(session, now=NOW)

    def die(here: str) -> None:
        if here == point:
            raise Killed

    with pytest.raises(Killed):
        send_batch(local, now=NOW, watch=stopwatch(), at=die)
    before = len(hooks.heard)
    assert before == (point in ("after-post", "before-record"))
    assert send_batch(local, now=NOW + timedelta(minutes=1), watch=stopwatch()) == (0, 0), "it is another's for a while"
    assert send_batch(local, now=NOW + LEASE, watch=stopwatch()) == (1, 0)
    assert len(hooks.heard) == before + 1
    assert len({one.headers["webhook-id"] for one in hooks.heard}) == 1
    assert [one.state for one in deliveries(local.database)] == [DeliveryState.DELIVERED]


def test_a_new_secret_signs_beside_the_old_one_for_a_day(local: Kernel, hooks: Receiver) -> None:
    subscription_id, old = subscribed(local, hooks.url(), "thing.*")
    with local.database.transaction() as session:
        _, new = manage.new_secret(session, local.settings, subscription_id, by="user:1", now=NOW)
    assert new != old
    happen(local, "thing.done")
    tell(local, 23 * 60)
    happen(local, "thing.done")
    tell(local, 25 * 60)
    assert [(one.proved_by(old), one.proved_by(new)) for one in hooks.heard] == [(True, True), (False, True)]


def test_by_api(local: Kernel, hooks: Receiver) -> None:
    with client(local, Role.ADMIN) as browser:
        body = {"url": hooks.url(), "event_types": ["thing.*"], "description": "ERP"}
        made = browser.post("/api/v1/webhooks", json=body)
        assert made.status_code == 201
        path = f"/api/v1/webhooks/{made.json()['id']}"
        shown = browser.get(path)
        assert "secret" not in shown.json()
        assert made.json()["secret"] not in browser.get("/api/v1/webhooks").text
        assert browser.post(f"{path}/ping").status_code == 202
        happen(local, "thing.done", "other.done")
        send_webhooks(local, {}, datetime.fromisoformat(made.json()["created_at"]) + timedelta(minutes=1))
        assert hooks.types() == ["webhook.pinged", "thing.done"]
        assert hooks.heard[0].proved_by(made.json()["secret"])
        told = browser.get(f"{path}/deliveries", params={"state": "delivered"}).json()["items"]
        assert [(one["event_type"], one["status"]) for one in told] == [("thing.done", 204), ("webhook.pinged", 204)]
        again = browser.post(f"{path}/deliveries/{told[0]['id']}/replay").json()
        assert (again["state"], again["event_id"]) == ("pending", told[0]["event_id"])
        assert browser.post(f"{path}/deliveries/99999/replay").status_code == 404
        assert browser.post(f"{path}/replay", json={"since": "2026-01-01T00:00:00Z"}).json() == {"count": 0}
        assert browser.patch(path, json={"active": False}).status_code == 428
        off = browser.patch(path, json={"active": False}, headers={"if-match": shown.headers["etag"]})
        assert (off.json()["active"], off.json()["version"]) == (False, 2)
        secret = browser.post(f"{path}/secret").json()["secret"]
        assert secret != made.json()["secret"]
        assert browser.delete(path).status_code == 204
        assert browser.get(path).status_code == 404
    assert deliveries(local.database) == []
    for role in (Role.CREDIT_MANAGER, Role.AUDITOR):
        with client(local, role) as browser:
            assert browser.post("/api/v1/webhooks", json=body).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://erp.example/"},
        {"url": "https://127.0.0.1/"},
        {"url": "https://localhost/"},
        {"url": "https://[::1]/"},
        {"url": "https://[::ffff:10.0.0.1]/"},
        {"url": "https://[64:ff9b::a00:1]/"},
        {"url": "https://169.254.169.254/latest/meta-data"},
        {"url": "https://10.1.2.3/"},
        {"url": "https://0x7f.1/"},
        {"url": "https://2130706433/"},
        {"url": "https://0/"},
        {"url": "https://user:pass@erp.example/"},
        {"url": "https://erp.example:99999/"},
        {"url": "https://erp.exam\\ple/"},
        {"url": "https://é.example/"},
        {"url": "https://"},
        {"url": "ftp://erp.example/"},
        {"url": "file:///etc/passwd"},
        {"url": "https://erp.example/", "event_types": ["Invoice.*"]},
        {"url": "https://erp.example/", "event_types": ["invoice.*.x"]},
        {"url": "https://erp.example/", "event_types": ["a"] * 51},
        {"url": "https://erp.example/", "description": "a\nb"},
    ],
)
def test_addresses_and_kinds_that_are_refused(kernel: Kernel, body: dict[str, Any]) -> None:
    with client(kernel, Role.ADMIN) as browser:
        assert browser.post("/api/v1/webhooks", json=body).status_code == 422
        assert browser.get("/api/v1/webhooks").json()["items"] == []


def test_a_name_that_leads_into_our_network_is_not_called(
    kernel: Kernel, hooks: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it led to when it was set up: the name is looked up at each attempt."""
    asked = []

    def private(host: str, port: int, **kwargs: Any) -> list[Any]:
        asked.append(host)
        public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", port))
        return [public, (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.8", port))]

    subscribed(kernel, "https://erp.example/hook", "thing.*")
    happen(kernel, "thing.done")
    monkeypatch.setattr(socket, "getaddrinfo", private)
    with kernel.database.transaction() as session:
        spread(session, now=NOW)
    if not kernel.database.is_postgres:  # whose driver looks up names of its own
        asked.clear()
    assert send_batch(kernel, now=NOW, watch=stopwatch()) == (0, 1)
    [one] = deliveries(kernel.database)
    assert (one.status, one.answer) == (None, "erp.example leads into a private network")
    assert "erp.example" in asked


def test_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    target = look_up("https://1.1.1.1:8443/x?y=1", private=False)
    assert target.url == "https://1.1.1.1:8443/x?y=1"
    assert (target.host_header, target.server_name) == ("1.1.1.1:8443", "1.1.1.1")
    with pytest.raises(AddressForbiddenError):
        look_up("https://127.0.0.1/", private=False)
    assert look_up("http://localhost:99/", private=True).host_header == "localhost:99"
    with pytest.raises(WebhookUrlError):
        checked_url("http://erp.example/", private=True)


@pytest.mark.parametrize(
    ("types", "action", "told"),
    [
        ((), "a.b", True),
        (("*",), "a.b", True),
        (("a.*",), "a.b", True),
        (("a.*",), "ab.c", False),
        (("a.b",), "a.b.c", False),
        (("a.b.*",), "a.b.c", True),
    ],
)
def test_kinds(types: tuple[str, ...], action: str, told: bool) -> None:
    assert wanted(types, action) is told


def test_old_deliveries_are_forgotten_and_waiting_ones_kept(local: Kernel, hooks: Receiver) -> None:
    subscribed(local, hooks.url("/a"), "thing.*")
    subscribed(local, hooks.url("/b"), "thing.*")
    hooks.statuses["/b"] = 500
    happen(local, "thing.done")
    tell(local)
    with local.database.transaction() as session:
        manage.forget(session, before=NOW + timedelta(days=1))
    assert [one.state for one in deliveries(local.database)] == [DeliveryState.PENDING]
    assert send.TIMEOUT <= send.PATIENCE
