"""Stripe's words read as facts: sessions, charges, disputes, and the events that carry them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ar.cash.gateway import FailedAttempt, News
from ar.cash.gateway_amounts import from_gateway
from ar.cash.payment_states import Dispute, Facts, Stage, merge
from ar.core.errors import DomainError

_SUCCEEDED = ("checkout.session.completed", "checkout.session.async_payment_succeeded")
_ENDED = {
    "checkout.session.async_payment_failed": "the bank refused the debit",
    "checkout.session.expired": "the payment page expired",
}
_INTENTS = frozenset(
    f"payment_intent.{happened}"
    for happened in (
        "amount_capturable_updated",
        "canceled",
        "partially_funded",
        "payment_failed",
        "processing",
        "requires_action",
        "succeeded",
    )
)
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
    if thing.get("mode") == "setup":
        return None
    if kind in _SUCCEEDED:
        return _from_session(thing, _paid_facts(thing, at))
    if kind in _ENDED:
        return _from_session(thing, Facts(asked=True, failed_at=at), said=_ENDED[kind])
    if kind in _INTENTS:
        return read_intent(thing, at=at, happened=kind.partition(".")[2])
    if kind == "charge.refunded":
        return _from_refund(thing)
    if kind in _DISPUTES:
        return _from_dispute(thing, at)
    return None


def read_session(
    session: Mapping[str, Any],
    charge: Mapping[str, Any] | None,
    disputes: Sequence[Mapping[str, Any]],
    refunds: Sequence[Mapping[str, Any]] = (),
) -> News:
    """What a session, its latest charge, its disputes and refunds tell when asked for now. Raises EventError."""
    at = instant((charge or session).get("created"))
    status, failed = session.get("status"), bool(charge and charge.get("status") == "failed")
    intent = session.get("payment_intent")
    if status == "expired":
        facts, said = Facts(asked=True, failed_at=at), "the payment page expired"
    elif status == "complete" and isinstance(intent, Mapping) and intent.get("capture_method") == "manual":
        facts, said = read_intent(intent, at=at).facts, ""
    elif status == "complete" and failed:
        facts, said = Facts(asked=True, failed_at=at), "the bank refused the debit"
    elif status == "complete":
        facts, said = _paid_facts(session, at), ""
    else:
        facts, said = Facts(asked=True), ""
    return _from_session(session, merge(facts, _since(charge, disputes, refunds)), said=said)


def read_intent(
    intent: Mapping[str, Any],
    *,
    at: datetime,
    happened: str = "",
    charge: Mapping[str, Any] | None = None,
    disputes: Sequence[Mapping[str, Any]] = (),
    refunds: Sequence[Mapping[str, Any]] = (),
) -> News:
    """What a payment intent tells, as of `at`, with its latest charge, its disputes and refunds where they were asked
    for too. `happened` is the event that brought it, as in 'succeeded'; without one its status is believed.

    Raises EventError.
    """
    currency, amount = _currency(intent), _amount(intent, "amount")
    status = happened or str(intent.get("status") or "")
    facts, attempt, said = Facts(asked=True), None, ""
    if status == "succeeded":
        manual = intent.get("capture_method") == "manual"
        captured = from_gateway(_amount(intent, "amount_received"), currency) if manual else None
        facts = Facts(asked=True, succeeded_at=at, captured_minor=captured)
    elif status == "processing":
        facts = Facts(asked=True, processing_at=at)
    elif status in ("requires_capture", "amount_capturable_updated"):
        facts, said = Facts(asked=True, authorised_at=at), "authorised"
    elif status == "canceled":
        why = intent.get("cancellation_reason")
        facts, said = Facts(asked=True, failed_at=at, failure=str(why) if _plain(why) else "canceled"), "cancelled"
    elif status in ("requires_payment_method", "payment_failed"):
        error = intent.get("last_payment_error")
        if isinstance(error, Mapping):
            attempt = FailedAttempt(at, decline_of(error))
            said = f"an attempt failed: {str(error.get('message') or 'no reason given')[:200]}"
        elif happened:
            attempt, said = FailedAttempt(at, ""), "an attempt failed: no reason given"
    else:
        funded = amount - remaining(intent, amount)
        if funded > 0:
            facts = Facts(asked=True, processing_at=at, funded_minor=from_gateway(funded, currency))
            said = "a part of the transfer has arrived"
    return News(
        merge(facts, _since(charge, disputes, refunds)),
        public_id=_public_id(intent),
        intent=_text(intent, "id"),
        amount_minor=from_gateway(amount, currency),
        currency=currency,
        said=said,
        attempt=attempt,
    )


def remaining(intent: Mapping[str, Any], amount: int) -> int:
    """What an intent still waits for by bank transfer, as the gateway writes amounts; all of it unless it says so."""
    action = intent.get("next_action")
    told = action.get("display_bank_transfer_instructions") if isinstance(action, Mapping) else None
    return _amount(told, "amount_remaining") if isinstance(told, Mapping) else amount


def decline_of(error: Mapping[str, Any]) -> str:
    """The code of a payment's error: the bank's where it gave one, else the gateway's; '' when neither did."""
    codes = [code for name in ("decline_code", "code") if _plain(code := error.get(name))]
    return str(codes[0])[:60] if codes else ""


def _since(
    charge: Mapping[str, Any] | None,
    disputes: Sequence[Mapping[str, Any]],
    refunds: Sequence[Mapping[str, Any]],
) -> Facts:
    """What became of money that came in: refunds and disputes."""
    known: dict[str, Dispute] = {}
    for dispute in disputes:
        found = _from_dispute(dispute, instant(dispute.get("created")))
        known.update(found.facts.disputes if found else {})
    if charge is None:
        return Facts(asked=True, disputes=known)
    currency = _currency(charge)
    if _captured_in_part(charge):
        given = sum(_amount(one, "amount") for one in refunds if one.get("status") in ("succeeded", "pending"))
        return Facts(asked=True, refunded_minor=from_gateway(given, currency), disputes=known)
    return Facts(asked=True, refunded_minor=from_gateway(_amount(charge, "amount_refunded"), currency), disputes=known)


def _captured_in_part(charge: Mapping[str, Any]) -> bool:
    """Whether a part was released: then the charge may count as refunded what never came, and refunds are asked for."""
    captured = charge.get("amount_captured")
    return isinstance(captured, int) and 0 < captured < _amount(charge, "amount")


def _from_refund(charge: Mapping[str, Any]) -> News:
    intent, public_id = _id(charge.get("payment_intent")), _public_id(charge)
    if _captured_in_part(charge):
        return News(Facts(asked=True), public_id, intent=intent, said="refunded, or released in part", look=True)
    return News(_since(charge, (), ()), public_id, intent=intent, said="refunded")


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
    currency, reason = _currency(dispute), dispute.get("reason")
    amount = from_gateway(_amount(dispute, "amount"), currency)
    told = Dispute(stage, amount, at, _fee(dispute, currency), str(reason)[:60] if _plain(reason) else "")
    facts = Facts(asked=True, disputes={_text(dispute, "id"): told})
    said = f"disputed: {told.reason or 'no reason given'}"
    return News(facts, _public_id(dispute), intent=_id(dispute.get("payment_intent")), said=said)


def _fee(dispute: Mapping[str, Any], currency: str) -> int:
    """What the gateway charges for the dispute, in minor units, where it says so in the payment's currency."""
    moves = dispute.get("balance_transactions")
    fees = [
        move.get("fee")
        for move in (moves if isinstance(moves, list) else [])
        if isinstance(move, Mapping) and str(move.get("currency")).upper() == currency
    ]
    return from_gateway(max(0, sum(fee for fee in fees if isinstance(fee, int))), currency)


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
