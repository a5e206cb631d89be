"""Stripe's words read as facts: sessions, charges, disputes, and the events that carry them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ar.cash.gateway import News
from ar.cash.gateway_amounts import from_gateway
from ar.cash.payment_states import Dispute, Facts, Stage
from ar.core.errors import DomainError

_SUCCEEDED = ("checkout.session.completed", "checkout.session.async_payment_succeeded")
_ENDED = {
    "checkout.session.async_payment_failed": "the bank refused the debit",
    "checkout.session.expired": "the payment page expired",
}
_DISPUTES = (
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)


class EventError(DomainError):
    """The message is none of Stripe's: something it must say is missing or of another kind."""

    status = 400
    code = "bad-event"


def instant(seconds: Any) -> datetime:
    """Epoch seconds as an instant. Raises EventError for what is none."""
    if not isinstance(seconds, int) or not 0 <= seconds < 2**33:
        raise EventError("a Stripe event carries its time in epoch seconds")
    return datetime.fromtimestamp(seconds, UTC)


def read_event(event: Mapping[str, Any]) -> News | None:
    """What an event tells, or None for one that tells nothing of a payment of ours. Raises EventError."""
    kind, at = _text(event, "type"), instant(event.get("created"))
    data = event.get("data")
    thing = data.get("object") if isinstance(data, Mapping) else None
    if not isinstance(thing, Mapping):
        raise EventError("a Stripe event carries its object in data.object")
    if kind in _SUCCEEDED:
        return _from_session(thing, _paid_facts(thing, at))
    if kind in _ENDED:
        return _from_session(thing, Facts(asked=True, failed_at=at), said=_ENDED[kind])
    if kind == "payment_intent.payment_failed":
        error = thing.get("last_payment_error") or {}
        said = f"an attempt failed: {str(error.get('message') or 'no reason given')[:200]}"
        return News(Facts(asked=True), _public_id(thing), intent=_text(thing, "id"), said=said)
    if kind == "charge.refunded":
        currency = _currency(thing)
        facts = Facts(asked=True, refunded_minor=from_gateway(_amount(thing, "amount_refunded"), currency))
        return News(facts, _public_id(thing), intent=_id(thing.get("payment_intent")), said="refunded")
    if kind in _DISPUTES:
        return _from_dispute(thing, at)
    return None


def read_session(
    session: Mapping[str, Any], charge: Mapping[str, Any] | None, disputes: Sequence[Mapping[str, Any]]
) -> News:
    """What a session, its latest charge and that charge's disputes tell when asked for now. Raises EventError."""
    at = instant((charge or session).get("created"))
    status, failed = session.get("status"), bool(charge and charge.get("status") == "failed")
    if status == "expired":
        facts, said = Facts(asked=True, failed_at=at), "the payment page expired"
    elif status == "complete" and failed:
        facts, said = Facts(asked=True, failed_at=at), "the bank refused the debit"
    elif status == "complete":
        facts, said = _paid_facts(session, at), ""
    else:
        facts, said = Facts(asked=True), ""
    known: dict[str, Dispute] = {}
    for dispute in disputes:
        found = _from_dispute(dispute, instant(dispute.get("created")))
        known.update(found.facts.disputes if found else {})
    refunded = from_gateway(_amount(charge, "amount_refunded"), _currency(charge)) if charge else 0
    told = Facts(
        asked=True,
        processing_at=facts.processing_at,
        succeeded_at=facts.succeeded_at,
        failed_at=facts.failed_at,
        refunded_minor=refunded,
        disputes=known,
        doubts=facts.doubts,
    )
    return _from_session(session, told, said=said)


def _paid_facts(session: Mapping[str, Any], at: datetime) -> Facts:
    """A completed session is paid only when it says so: a debit that is on its way says unpaid."""
    status = session.get("payment_status")
    if status == "paid":
        return Facts(asked=True, succeeded_at=at)
    if status == "unpaid":
        return Facts(asked=True, processing_at=at)
    return Facts(asked=True, doubts=frozenset({f"the gateway says {str(status)[:40]!r} where paid or unpaid is meant"}))


def _from_session(session: Mapping[str, Any], facts: Facts, said: str = "") -> News:
    currency = _currency(session)
    reference = session.get("client_reference_id")
    return News(
        facts,
        public_id=reference if _plain(reference) else _public_id(session),
        session=_text(session, "id"),
        intent=_id(session.get("payment_intent")),
        amount_minor=from_gateway(_amount(session, "amount_total"), currency),
        currency=currency,
        said=said,
    )


def _from_dispute(dispute: Mapping[str, Any], at: datetime) -> News | None:
    status = _text(dispute, "status")
    if status.startswith("warning") or status == "prevented":
        return None  # an inquiry takes no money
    stage = {"won": Stage.WON, "lost": Stage.LOST}.get(status, Stage.OPEN)
    amount = from_gateway(_amount(dispute, "amount"), _currency(dispute))
    facts = Facts(asked=True, disputes={_text(dispute, "id"): Dispute(stage, amount, at)})
    said = f"disputed: {str(dispute.get('reason') or 'no reason given')[:100]}"
    return News(facts, _public_id(dispute), intent=_id(dispute.get("payment_intent")), said=said)


def _public_id(thing: Mapping[str, Any]) -> str | None:
    metadata = thing.get("metadata")
    found = metadata.get("payment") if isinstance(metadata, Mapping) else None
    return found if _plain(found) else None


def _id(thing: Any) -> str | None:
    """The id of what may be expanded, an id, or nothing."""
    found = thing.get("id") if isinstance(thing, Mapping) else thing
    return found if _plain(found) else None


def _text(thing: Mapping[str, Any], name: str) -> str:
    found = thing.get(name)
    if not _plain(found):
        raise EventError(f"a Stripe object says its {name}")
    return str(found)


def _plain(found: Any) -> bool:
    """Whether it is an id or a word, as Stripe writes them."""
    return isinstance(found, str) and 0 < len(found) <= 255 and found.isascii() and found.isprintable()


def _amount(thing: Mapping[str, Any], name: str) -> int:
    found = thing.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= 10**15:
        raise EventError(f"a Stripe object says its {name} in minor units")
    return found


def _currency(thing: Mapping[str, Any]) -> str:
    return _text(thing, "currency").upper()
