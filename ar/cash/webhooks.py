"""What the gateway posts to us: proved, kept once, and applied in the same transaction, in any order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from ar.cash.gateway import News
from ar.cash.gateways import expects_live, gateway_name
from ar.cash.models import Payment, WebhookEvent
from ar.cash.news import payment_of, take
from ar.cash.online.hear import hear
from ar.cash.signatures import verify
from ar.cash.stripe_events import EventError, instant, read_event
from ar.core.db import is_postgres, table
from ar.core.errors import DomainError
from ar.core.settings import Settings

MAX_PAYLOAD = 512 * 1024


class WebhookRefusedError(DomainError):
    """The message is not taken in: it is too large, or of the wrong mode."""

    status = 400
    code = "bad-webhook"


def receive(session: Session, settings: Settings, payload: bytes, signature: str | None, *, now: datetime) -> str:
    """Take in one webhook: what came of it, in words. Raises SignatureError, EventError, WebhookRefusedError (400).

    The same event again changes nothing. An event that speaks of a payment not known yet is kept, and applied when
    the payment's own news name the gateway's number for it.
    """
    if len(payload) > MAX_PAYLOAD:
        raise WebhookRefusedError("The message is larger than any event")
    verify(payload, signature, settings.webhook_secret, now=now)
    event = _read(payload)
    if event.get("livemode") is not expects_live(settings):
        raise WebhookRefusedError("The event is of the other mode: live and test endpoints have keys of their own")
    gateway = gateway_name(settings)
    kept = _keep(session, gateway, event, payload, now=now)
    if kept is None:
        return "known already"
    outcome = _apply(session, kept, event, now=now)
    session.flush()
    return outcome


def _read(payload: bytes) -> dict[str, Any]:
    try:
        event = json.loads(payload.decode())
    except (ValueError, RecursionError):
        raise EventError("The message is not JSON") from None
    if not isinstance(event, dict) or event.get("object") != "event":
        raise EventError("The message is no event")
    for name, most in (("id", 255), ("type", 120)):
        if (
            not isinstance(event.get(name), str)
            or not event[name].isascii()
            or not 0 < len(event[name]) <= most
            or not event[name].isprintable()
        ):
            raise EventError(f"The event says no {name}")
    instant(event.get("created"))
    return event


def _keep(
    session: Session, gateway: str, event: Mapping[str, Any], payload: bytes, *, now: datetime
) -> WebhookEvent | None:
    """The event's row, or None when it is there already; a twin at work at once waits here for the first."""
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    row = {
        "gateway": gateway,
        "event_id": event["id"],
        "type": event["type"],
        "created_at": instant(event["created"]),
        "payload": payload.decode(),
        "received_at": now,
        "outcome": "",
    }
    statement = (
        insert(table(WebhookEvent))
        .values(**row)
        .on_conflict_do_nothing(index_elements=["gateway", "event_id"])
        .returning(col(WebhookEvent.id))
    )
    made = session.connection().execute(statement).scalar_one_or_none()
    return None if made is None else session.exec(select(WebhookEvent).where(WebhookEvent.id == made)).one()


def _apply(session: Session, kept: WebhookEvent, event: Mapping[str, Any], *, now: datetime) -> str:
    try:
        news = read_event(event)
        heard = hear(session, kept.gateway, event, now=now) if news is None else None
    except DomainError as unreadable:
        return _done(session, kept, f"could not be read: {unreadable}", now=now)
    if news is None:
        return _done(session, kept, heard or "tells nothing of a payment", now=now)
    payment = payment_of(session, kept.gateway, news)
    if payment is None:
        kept.gateway_intent = news.intent
        if news.intent is not None and news.public_id is None:
            kept.outcome = "waits: no payment is known by this intent yet"
            session.add(kept)
            return kept.outcome
        return _done(session, kept, "not a payment of ours", now=now)
    outcome = _learn(session, kept, payment, news, now=now)
    if payment.gateway_intent is not None:
        _apply_waiting(session, payment, now=now)
    return outcome


def _learn(session: Session, kept: WebhookEvent, payment: Payment, news: News, *, now: datetime) -> str:
    state = take(session, payment, news, by=f"gateway:{kept.gateway}", now=now)
    kept.payment_id = payment.id
    return _done(session, kept, f"{news.said or kept.type}: {state.value}", now=now)


def _apply_waiting(session: Session, payment: Payment, *, now: datetime) -> None:
    """Events that came before this payment was known by the gateway's number for it."""
    query = select(WebhookEvent).where(
        WebhookEvent.gateway_intent == payment.gateway_intent,
        WebhookEvent.gateway == payment.gateway,
        col(WebhookEvent.applied_at).is_(None),
    )
    for waiting in session.exec(query.order_by(col(WebhookEvent.id))).all():
        news = read_event(json.loads(waiting.payload))
        if news is not None:
            _learn(session, waiting, payment, news, now=now)


def _done(session: Session, kept: WebhookEvent, outcome: str, *, now: datetime) -> str:
    kept.applied_at, kept.outcome = now, outcome[:400]
    session.add(kept)
    return kept.outcome
