"""Posting what is due: claimed for a while and committed, posted outside any transaction, then recorded.

A sender that dies between the two lets its claim run out, and the event goes again under the same id: at least once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlmodel import Session, col, select

from ar.core import clock
from ar.core.audit import Act, AuditEntry, record
from ar.core.db import among
from ar.core.kernel import Kernel
from ar.core.mail import nothing
from ar.core.webhooks.address import AddressForbiddenError, look_up
from ar.core.webhooks.events import event_id, headers, payload, secret_of
from ar.core.webhooks.models import DeliveryState, WebhookDelivery, WebhookSubscription
from ar.core.webhooks.spread import spread

BACKOFF = tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 300, 600, 840, 1200, 1440))
"""How long an event waits after each attempt that failed: three days in all, then it is given up."""

DISABLED_AFTER = timedelta(days=5)
"""A subscription that took nothing for so long is told no more until a person says so."""

LEASE = timedelta(minutes=10)
PATIENCE = 60.0
TIMEOUT = 10.0
BATCH = 100
_READ = 2000
_GONE = 410


@dataclass(frozen=True)
class _Claimed:
    delivery_id: int
    subscription_id: int
    url: str
    secrets: tuple[str, ...]
    message_id: str
    body: bytes
    attempts: int


@dataclass(frozen=True)
class Answer:
    """What came of one attempt: the status (None when there was no answer) and the words."""

    status: int | None
    words: str

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def send_webhooks(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """Make the deliveries of what happened, and post what is due. A job."""
    with kernel.database.transaction() as session:
        more = spread(session, now=now)
    while more:
        with kernel.database.transaction() as session:
            more = spread(session, now=now)
    watch = clock.stopwatch()
    told = failed = 0
    while watch() < PATIENCE:
        taken, refused = send_batch(kernel, now=now, watch=watch)
        told, failed = told + taken, failed + refused
        if taken + refused == 0:
            break
    return f"{told} told, {failed} not taken" if told or failed else "nothing to tell"


def send_batch(
    kernel: Kernel, *, now: datetime, watch: Callable[[], float], at: Callable[[str], None] = nothing
) -> tuple[int, int]:
    """How many of the events due were taken, and how many not. One that cannot be reached is not asked again in a
    batch; `at` is called at the points claim, before-post, after-post and before-record."""
    with kernel.database.transaction() as session:
        claimed = _claim(session, kernel, now=now)
    at("claim")
    answers: dict[int, Answer] = {}
    silent: set[int] = set()
    private = kernel.settings.webhooks_to_private
    with httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client:
        for one in claimed:
            if one.subscription_id in silent or watch() > PATIENCE:
                continue
            at("before-post")
            answer = answers[one.delivery_id] = _post(client, one, now=now, private=private)
            at("after-post")
            if answer.status is None:
                silent.add(one.subscription_id)
    at("before-record")
    with kernel.database.transaction() as session:
        _record(session, claimed, answers, now=now)
    taken = sum(answer.taken for answer in answers.values())
    return taken, len(answers) - taken


def _claim(session: Session, kernel: Kernel, *, now: datetime) -> list[_Claimed]:
    """What is due, of active subscriptions, put off by LEASE while it is posted."""
    query = (
        select(WebhookDelivery, WebhookSubscription)
        .join(WebhookSubscription, col(WebhookSubscription.id) == col(WebhookDelivery.subscription_id))
        .where(
            col(WebhookDelivery.state) == DeliveryState.PENDING,
            col(WebhookDelivery.next_at) <= now,
            col(WebhookSubscription.active),
        )
        .order_by(col(WebhookDelivery.next_at), col(WebhookDelivery.id))
        .limit(BATCH)
        .with_for_update(skip_locked=True, of=WebhookDelivery)
    )
    due = session.exec(query).all()
    wanted = sorted({delivery.entry_id for delivery, _ in due})
    entries = {
        entry.id: entry for entry in session.exec(select(AuditEntry).where(among(session, col(AuditEntry.id), wanted)))
    }
    claimed = []
    for delivery, subscription in due:
        entry = entries[delivery.entry_id]
        change = entry.change or {} if subscription.include_change else None
        body = payload(delivery.entry_id, entry.action, entry.subject, entry.actor, entry.at, change)
        delivery.next_at, delivery.attempts = now + LEASE, delivery.attempts + 1
        assert delivery.id is not None
        assert subscription.id is not None
        claimed.append(
            _Claimed(
                delivery.id,
                subscription.id,
                subscription.url,
                _secrets(kernel, subscription, now=now),
                event_id(delivery.entry_id),
                body,
                delivery.attempts,
            )
        )
    return claimed


def _secrets(kernel: Kernel, subscription: WebhookSubscription, *, now: datetime) -> tuple[str, ...]:
    salts = [subscription.salt]
    if subscription.previous_salt and subscription.previous_until and subscription.previous_until > now:
        salts.append(subscription.previous_salt)
    assert subscription.id is not None
    return tuple(secret_of(kernel.settings.signing_key, subscription.id, salt) for salt in salts)


def _post(client: httpx.Client, one: _Claimed, *, now: datetime, private: bool) -> Answer:
    try:
        target = look_up(one.url, private=private)
        told = headers(one.secrets, one.message_id, one.body, now=now) | {"Host": target.host_header}
        extensions = {"sni_hostname": target.server_name}
        with client.stream("POST", target.url, content=one.body, headers=told, extensions=extensions) as response:
            words = next(response.iter_raw(_READ), b"")
            return Answer(response.status_code, _short(words.decode("utf-8", "replace")))
    except AddressForbiddenError as error:
        return Answer(None, _short(str(error)))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Answer(None, _short(f"{type(error).__name__}: {error}"))


def _record(session: Session, claimed: Sequence[_Claimed], answers: Mapping[int, Answer], *, now: datetime) -> None:
    """Each answer onto its delivery; those not asked are given back; the standing of each subscription."""
    by_id = {one.delivery_id: one for one in claimed}
    query = select(WebhookDelivery).where(among(session, col(WebhookDelivery.id), sorted(by_id)))
    for delivery in session.exec(query.with_for_update()):
        assert delivery.id is not None
        answer = answers.get(delivery.id)
        if answer is None:
            delivery.next_at, delivery.attempts = now + BACKOFF[0], max(0, delivery.attempts - 1)
            continue
        delivery.status, delivery.answer = answer.status, answer.words
        attempts = by_id[delivery.id].attempts
        if answer.taken:
            delivery.state, delivery.ended_at = DeliveryState.DELIVERED, now
        elif attempts > len(BACKOFF):
            delivery.state, delivery.ended_at = DeliveryState.FAILED, now
        else:
            delivery.next_at = now + BACKOFF[attempts - 1]
    wanted = sorted({one.subscription_id for one in claimed})
    subscriptions = select(WebhookSubscription).where(among(session, col(WebhookSubscription.id), wanted))
    acts = []
    for subscription in session.exec(subscriptions.with_for_update()):
        asked = [one.delivery_id for one in claimed if one.subscription_id == subscription.id]
        got = [answers[delivery_id] for delivery_id in asked if delivery_id in answers]
        if why := _standing(subscription, got, now=now):
            subscription.active, subscription.disabled_why = False, why
            acts.append(Act("system", "webhook.disabled", f"webhook:{subscription.id}", {"reason": why}))
    record(session, acts, now=now)


def _standing(subscription: WebhookSubscription, answers: Sequence[Answer], *, now: datetime) -> str:
    """Why the subscription is to be told no more, or nothing; notes since when it takes nothing."""
    if not answers:
        return ""
    if any(answer.taken for answer in answers):
        subscription.failing_since = None
        return ""
    subscription.failing_since = subscription.failing_since or now
    if any(answer.status == _GONE for answer in answers):
        return "it answered 410: gone"
    if now - subscription.failing_since >= DISABLED_AFTER:
        return f"it took nothing for {DISABLED_AFTER.days} days"
    return ""


def _short(words: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())[:300]
