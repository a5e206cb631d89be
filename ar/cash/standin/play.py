"""What happens on the test gateway's payment page, and at the banks behind it: each act is told by an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ar.cash.standin.cash import fund
from ar.cash.standin.customers import leave_card, leave_debit
from ar.cash.standin.intents import attempt, set_charge
from ar.cash.standin.objects import new_dispute, new_event
from ar.cash.standin.parameters import RefusedError
from ar.cash.standin.sessions import session_intent
from ar.cash.standin.setups import keep, new_setup_intent
from ar.cash.standin.store import Kept

Act = Callable[[dict[str, Any], Kept, float], None]
"""Takes the session or the intent, the store's transaction and the time in epoch seconds."""


def pay_by_card(session: dict[str, Any], kept: Kept, at: float) -> None:
    """The card is taken: paid at once, or only authorised where the seller asked for that."""
    _need_open(session)
    number = None
    if session.get("_usage") == "off_session" and session["customer"]:
        number = leave_card("pm_card_visa", session["customer"], kept, at=int(at))["id"]
    intent = session_intent(session, kept, at=int(at))
    intent = attempt(intent, kept, method="card", status="succeeded", at=int(at), number=number)
    _complete(session, intent, "paid" if intent["status"] == "succeeded" else "unpaid", kept, at)


def decline_card(session: dict[str, Any], kept: Kept, at: float) -> None:
    """The card is declined; the page stays open for another try."""
    _need_open(session)
    intent = attempt(session_intent(session, kept, at=int(at)), kept, method="card", status="failed", at=int(at))
    kept.emit(new_event("payment_intent.payment_failed", intent, at=int(at)), at=at)


def debit(*, pays: bool, answer_seconds: float) -> Act:
    """A SEPA debit is given: on its way now, paid or refused by the bank after a while."""

    def act(session: dict[str, Any], kept: Kept, at: float) -> None:
        _need_open(session)
        if "sepa_debit" not in session["payment_method_types"]:
            raise RefusedError("This payment page does not take SEPA direct debits.")
        number = mandate = None
        if session.get("_usage") == "off_session" and session["customer"]:
            method, signed = leave_debit("pays" if pays else "bank_refuses", session["customer"], kept, at=int(at))
            number, mandate = method["id"], signed["id"]
        intent = session_intent(session, kept, at=int(at))
        intent = attempt(
            intent, kept, method="sepa_debit", status="pending", at=int(at), number=number, mandate=mandate
        )
        _complete(session, intent, "unpaid", kept, at)
        kept.later(session["id"], "bank_pays" if pays else "bank_refuses", due_at=at + answer_seconds)

    return act


def leave(*, card: str = "", debit: str = "") -> Act:
    """On a page that takes no money: a card is left, or a bank account."""

    def act(session: dict[str, Any], kept: Kept, at: float) -> None:
        _need_open(session)
        if session["mode"] != "setup" or ("card" if card else "sepa_debit") not in session["payment_method_types"]:
            raise RefusedError("This page does not take that.")
        made = new_setup_intent(
            session["customer"], session["_intent_metadata"], session["payment_method_types"], at=int(at)
        )
        done = keep(made, kept, at=at, card=card, debit=debit)
        closed = session | {"setup_intent": done["id"], "status": "complete", "url": None}
        kept.put(closed)
        kept.emit(new_event("checkout.session.completed", closed, at=int(at)), at=at)

    return act


def bank_answers(*, pays: bool) -> Act:
    """The bank's word on a debit that is on its way."""

    def act(session: dict[str, Any], kept: Kept, at: float) -> None:
        intent, charge = _charge_of(session, kept)
        if charge is None or charge["status"] != "pending":
            return
        intent = set_charge(intent, charge, kept, status="succeeded" if pays else "failed", why="bank_refuses")
        told = session | {"payment_intent": intent["id"], "payment_status": "paid" if pays else "unpaid"}
        kept.put(told)
        if pays:
            kept.emit(new_event("checkout.session.async_payment_succeeded", told, at=int(at)), at=at)
            return
        kept.emit(new_event("payment_intent.payment_failed", intent, at=int(at)), at=at)
        kept.emit(new_event("checkout.session.async_payment_failed", told, at=int(at)), at=at)

    return act


def debit_answered(*, pays: bool) -> Act:
    """The bank's word on a debit of a kept account."""

    def act(intent: dict[str, Any], kept: Kept, at: float) -> None:
        charge = kept.get(intent["latest_charge"])
        if charge is None or charge["status"] != "pending":
            return
        told = set_charge(intent, charge, kept, status="succeeded" if pays else "failed", why="bank_refuses")
        happened = "succeeded" if pays else "payment_failed"
        kept.emit(new_event(f"payment_intent.{happened}", told, at=int(at)), at=at)

    return act


def take_back(thing: dict[str, Any], kept: Kept, at: float) -> None:
    """The payer's bank takes the money back, weeks later: a chargeback, or a debit returned."""
    _, charge = _charge_of(thing, kept)
    if charge is None or charge["status"] != "succeeded" or charge["disputed"]:
        raise RefusedError("There is nothing that could be taken back.")
    dispute = new_dispute(charge, kept, at=int(at))
    kept.emit(new_event("charge.dispute.created", dispute, at=int(at)), at=at)
    kept.emit(new_event("charge.dispute.funds_withdrawn", dispute, at=int(at)), at=at)


def win_back(thing: dict[str, Any], kept: Kept, at: float) -> None:
    """A chargeback is decided for the seller: the money comes again."""
    won = close_dispute(_open_dispute(thing, kept), "won", kept, at)
    kept.emit(new_event("charge.dispute.funds_reinstated", won, at=int(at)), at=at)


def lose(thing: dict[str, Any], kept: Kept, at: float) -> None:
    """A chargeback is decided for the customer: the money is gone."""
    close_dispute(_open_dispute(thing, kept), "lost", kept, at)


def close_dispute(dispute: dict[str, Any], status: str, kept: Kept, at: float) -> dict[str, Any]:
    """A dispute that is decided, written and told. Raises RefusedError for one that was decided before."""
    if dispute["status"] not in ("needs_response", "under_review"):
        raise RefusedError("This dispute is already closed.", kept=True)
    closed = dispute | {"status": status}
    kept.put(closed)
    kept.emit(new_event("charge.dispute.closed", closed, at=int(at)), at=at)
    return closed


def _open_dispute(thing: dict[str, Any], kept: Kept) -> dict[str, Any]:
    _, charge = _charge_of(thing, kept)
    for dispute in kept.of_intent(charge["payment_intent"], "dispute") if charge else []:
        if dispute["status"] == "needs_response":
            return dispute
    raise RefusedError("There is no open chargeback.")


def transfer(*, part: int) -> Act:
    """A transfer arrives for an intent that waits for one: all that is missing, or one `part`th of it."""

    def act(intent: dict[str, Any], kept: Kept, at: float) -> None:
        if intent["status"] != "requires_action" or "_reference" not in intent:
            raise RefusedError("No transfer is awaited.")
        left = intent["amount"] - intent.get("_funded", 0)
        amount = max(1, left // part)
        fund(intent["customer"], amount, intent["currency"], kept, at=int(at), reference=intent["_reference"])

    return act


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


def charge_status(thing: dict[str, Any], kept: Kept) -> dict[str, Any] | None:
    """The latest charge of a session or an intent, if there is one."""
    return _charge_of(thing, kept)[1]


def _charge_of(thing: dict[str, Any], kept: Kept) -> tuple[dict[str, Any], dict[str, Any] | None]:
    if thing["object"] == "payment_intent":
        intent = thing
    else:
        intent = (kept.get(thing["payment_intent"]) if thing["payment_intent"] else None) or {}
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
