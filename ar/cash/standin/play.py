"""What happens on the test gateway's payment page, and at the banks behind it: each act is told by an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ar.cash.standin.objects import charge_intent, new_dispute, new_event, set_charge
from ar.cash.standin.parameters import RefusedError
from ar.cash.standin.store import Kept

Act = Callable[[dict[str, Any], Kept, float], None]
"""Takes the session, the store's transaction and the time in epoch seconds."""


def pay_by_card(session: dict[str, Any], kept: Kept, at: float) -> None:
    """The card is taken: paid at once."""
    _need_open(session)
    intent = charge_intent(session, kept, method="card", status="succeeded", at=int(at))
    _complete(session, intent, "paid", kept, at)


def decline_card(session: dict[str, Any], kept: Kept, at: float) -> None:
    """The card is declined; the page stays open for another try."""
    _need_open(session)
    intent = charge_intent(session, kept, method="card", status="failed", at=int(at))
    kept.emit(new_event("payment_intent.payment_failed", intent, at=int(at)), at=at)


def debit(*, pays: bool, answer_seconds: float) -> Act:
    """A SEPA debit is given: on its way now, paid or refused by the bank after a while."""

    def act(session: dict[str, Any], kept: Kept, at: float) -> None:
        _need_open(session)
        if "sepa_debit" not in session["payment_method_types"]:
            raise RefusedError("This payment page does not take SEPA direct debits.")
        intent = charge_intent(session, kept, method="sepa_debit", status="pending", at=int(at))
        _complete(session, intent, "unpaid", kept, at)
        kept.later(session["id"], "bank_pays" if pays else "bank_refuses", due_at=at + answer_seconds)

    return act


def bank_answers(*, pays: bool) -> Act:
    """The bank's word on a debit that is on its way."""

    def act(session: dict[str, Any], kept: Kept, at: float) -> None:
        intent, charge = _charge_of(session, kept)
        if charge is None or charge["status"] != "pending":
            return
        intent = set_charge(intent, charge, kept, status="succeeded" if pays else "failed")
        told = session | {"payment_intent": intent["id"], "payment_status": "paid" if pays else "unpaid"}
        kept.put(told)
        if pays:
            kept.emit(new_event("checkout.session.async_payment_succeeded", told, at=int(at)), at=at)
            return
        kept.emit(new_event("payment_intent.payment_failed", intent, at=int(at)), at=at)
        kept.emit(new_event("checkout.session.async_payment_failed", told, at=int(at)), at=at)

    return act


def take_back(session: dict[str, Any], kept: Kept, at: float) -> None:
    """The payer's bank takes the money back, weeks later: a chargeback, or a debit returned."""
    _, charge = _charge_of(session, kept)
    if charge is None or charge["status"] != "succeeded" or charge["disputed"]:
        raise RefusedError("There is nothing that could be taken back.")
    dispute = new_dispute(charge, kept, at=int(at))
    kept.emit(new_event("charge.dispute.created", dispute, at=int(at)), at=at)


def win_back(session: dict[str, Any], kept: Kept, at: float) -> None:
    """A chargeback is decided for the seller: the money comes again."""
    _, charge = _charge_of(session, kept)
    for dispute in kept.of_intent(charge["payment_intent"], "dispute") if charge else []:
        if dispute["status"] == "needs_response":
            kept.put(dispute | {"status": "won"})
            kept.emit(new_event("charge.dispute.closed", dispute | {"status": "won"}, at=int(at)), at=at)
            return
    raise RefusedError("There is no open chargeback.")


def expire(session: dict[str, Any], kept: Kept, at: float) -> dict[str, Any]:
    """Close an open session for good: the session as it is then."""
    if session["status"] != "open":
        raise RefusedError(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{session['status']}`.",
            kept=True,
        )
    closed = session | {"status": "expired", "url": None}
    kept.put(closed)
    kept.emit(new_event("checkout.session.expired", closed, at=int(at)), at=at)
    return closed


def expire_if_open(session: dict[str, Any], kept: Kept, at: float) -> None:
    """The page's time is over."""
    if session["status"] == "open":
        expire(session, kept, at)


def charge_status(session: dict[str, Any], kept: Kept) -> dict[str, Any] | None:
    """The latest charge of a session, if there is one."""
    return _charge_of(session, kept)[1]


def _charge_of(session: dict[str, Any], kept: Kept) -> tuple[dict[str, Any], dict[str, Any] | None]:
    intent = (kept.get(session["payment_intent"]) if session["payment_intent"] else None) or {}
    return intent, kept.get(intent["latest_charge"]) if intent.get("latest_charge") else None


def _need_open(session: dict[str, Any]) -> None:
    if session["status"] != "open":
        raise RefusedError("This payment page is closed.")


def _complete(session: dict[str, Any], intent: dict[str, Any], payment_status: str, kept: Kept, at: float) -> None:
    done = session | {
        "payment_intent": intent["id"],
        "payment_status": payment_status,
        "status": "complete",
        "url": None,
    }
    kept.put(done)
    kept.emit(new_event("checkout.session.completed", done, at=int(at)), at=at)
