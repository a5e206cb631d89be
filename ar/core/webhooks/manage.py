"""Subscriptions: made, changed, given a new secret, tried, removed; and their events told once more."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, update
from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.errors import ConflictError, DomainError, Fault, NotFoundError
from ar.core.settings import Settings
from ar.core.webhooks.address import checked_url
from ar.core.webhooks.events import PING, TYPE, secret_of
from ar.core.webhooks.models import DeliveryState, WebhookDelivery, WebhookSubscription
from ar.core.webhooks.spread import last_entry

MOST_SUBSCRIPTIONS = 50
MOST_TYPES = 50
ROTATION = timedelta(hours=24)
"""How long an old secret still signs beside the new one."""


class SubscriptionNotFoundError(NotFoundError):
    code = "webhook-not-found"


class DeliveryNotFoundError(NotFoundError):
    code = "webhook-delivery-not-found"


class EventTypeError(DomainError):
    """A kind of event that cannot be."""

    code = "bad-event-type"


class TooManySubscriptionsError(ConflictError):
    code = "too-many-webhooks"


def subscription(session: Session, subscription_id: int) -> WebhookSubscription:
    """Raises SubscriptionNotFoundError."""
    found = session.get(WebhookSubscription, subscription_id)
    if found is None:
        raise SubscriptionNotFoundError(f"There is no webhook {subscription_id}")
    return found


def subscribe(
    session: Session,
    settings: Settings,
    *,
    url: str,
    event_types: Sequence[str],
    description: str,
    include_change: bool,
    by: str,
    now: datetime,
) -> tuple[WebhookSubscription, str]:
    """A new subscription to what happens from now on, and its secret, which is not shown again.

    Raises WebhookUrlError, EventTypeError, TooManySubscriptionsError.
    """
    _check_types(event_types)
    if session.exec(select(func.count()).select_from(WebhookSubscription)).one() >= MOST_SUBSCRIPTIONS:
        raise TooManySubscriptionsError(f"There are {MOST_SUBSCRIPTIONS} webhooks already: remove one first")
    made = WebhookSubscription(
        url=checked_url(url, private=settings.webhooks_to_private),
        description=description,
        event_types=list(event_types),
        include_change=include_change,
        salt=secrets.token_hex(16),
        after_entry=last_entry(session),
        created_by=by,
        created_at=now,
    )
    session.add(made)
    session.flush()
    record(session, [Act(by, "webhook.added", f"webhook:{made.id}", _told(made))], now=now)
    return made, _secret(settings, made)


def change_subscription(
    session: Session, settings: Settings, subscription_id: int, change: dict[str, Any], *, by: str, now: datetime
) -> WebhookSubscription:
    """`change` holds those of url, event_types, description, include_change and active that become others. What
    happens while it is not active is not told later.

    Raises SubscriptionNotFoundError, WebhookUrlError, EventTypeError.
    """
    found = subscription(session, subscription_id)
    if "event_types" in change:
        _check_types(change["event_types"])
    if "url" in change:
        checked_url(change["url"], private=settings.webhooks_to_private)
    before = _told(found)
    for name in ("url", "event_types", "description", "include_change", "active"):
        setattr(found, name, change.get(name, getattr(found, name)))
    if change.get("active"):
        found.disabled_why = found.failing_since = None
    found.version += 1
    session.flush()
    acted = {"before": before, "after": _told(found)}
    record(session, [Act(by, "webhook.changed", f"webhook:{found.id}", acted)], now=now)
    return found


def new_secret(
    session: Session, settings: Settings, subscription_id: int, *, by: str, now: datetime
) -> tuple[WebhookSubscription, str]:
    """Another secret, shown this once; the old one signs beside it for ROTATION. Raises SubscriptionNotFoundError."""
    found = subscription(session, subscription_id)
    found.previous_salt, found.previous_until = found.salt, now + ROTATION
    found.salt = secrets.token_hex(16)
    found.version += 1
    session.flush()
    record(session, [Act(by, "webhook.secret-changed", f"webhook:{found.id}", {})], now=now)
    return found, _secret(settings, found)


def remove(session: Session, subscription_id: int, *, by: str, now: datetime) -> None:
    """No event more, and what was told is forgotten. Raises SubscriptionNotFoundError."""
    found = subscription(session, subscription_id)
    session.connection().execute(delete(WebhookDelivery).where(col(WebhookDelivery.subscription_id) == subscription_id))
    session.delete(found)
    record(session, [Act(by, "webhook.removed", f"webhook:{subscription_id}", _told(found))], now=now)


def ping(session: Session, subscription_id: int, *, by: str, now: datetime) -> None:
    """Have an event told to this subscription alone, whatever kinds it asks for. Raises SubscriptionNotFoundError."""
    subscription(session, subscription_id)
    record(session, [Act(by, PING, f"webhook:{subscription_id}", {})], now=now)


def replay(session: Session, subscription_id: int, delivery_id: int, *, by: str, now: datetime) -> WebhookDelivery:
    """Tell one event once more, under the same id. Raises SubscriptionNotFoundError, DeliveryNotFoundError."""
    subscription(session, subscription_id)
    found = session.get(WebhookDelivery, delivery_id, with_for_update=True)
    if found is None or found.subscription_id != subscription_id:
        raise DeliveryNotFoundError(f"Webhook {subscription_id} has no delivery {delivery_id}")
    found.state, found.attempts, found.next_at, found.ended_at = DeliveryState.PENDING, 0, now, None
    session.flush()
    acted = {"delivery_id": delivery_id}
    record(session, [Act(by, "webhook.replayed", f"webhook:{subscription_id}", acted)], now=now)
    return found


def replay_since(session: Session, subscription_id: int, since: datetime, *, by: str, now: datetime) -> int:
    """Tell once more all that failed of what happened after `since`; how many. Raises SubscriptionNotFoundError."""
    subscription(session, subscription_id)
    statement = (
        update(WebhookDelivery)
        .where(
            col(WebhookDelivery.subscription_id) == subscription_id,
            col(WebhookDelivery.state) == DeliveryState.FAILED,
            col(WebhookDelivery.queued_at) >= since,
        )
        .values(state=DeliveryState.PENDING, attempts=0, next_at=now, ended_at=None)
    )
    count = cast(CursorResult[Any], session.connection().execute(statement)).rowcount
    acted = {"since": since.isoformat(), "count": count}
    record(session, [Act(by, "webhook.replayed", f"webhook:{subscription_id}", acted)], now=now)
    return count


def forget(session: Session, *, before: datetime) -> None:
    """Delete the deliveries queued before then that have ended."""
    session.connection().execute(
        delete(WebhookDelivery).where(
            col(WebhookDelivery.queued_at) < before, col(WebhookDelivery.state) != DeliveryState.PENDING
        )
    )


def _check_types(event_types: Sequence[str]) -> None:
    faults = [
        Fault(f"/event_types/{at}", f"{kind[:80]!a} is no kind of event: write invoice.issued, invoice.* or *")
        for at, kind in enumerate(event_types)
        if len(kind) > 80 or not TYPE.fullmatch(kind)
    ]
    if len(event_types) > MOST_TYPES:
        faults.append(Fault("/event_types", f"at most {MOST_TYPES} kinds"))
    if faults:
        raise EventTypeError(faults[0].message, faults=faults)


def _told(found: WebhookSubscription) -> dict[str, Any]:
    return {
        "url": found.url,
        "event_types": list(found.event_types),
        "description": found.description,
        "include_change": found.include_change,
        "active": found.active,
    }


def _secret(settings: Settings, found: WebhookSubscription) -> str:
    assert found.id is not None
    return secret_of(settings.signing_key, found.id, found.salt)
