"""What all of the test gateway's objects share; refunds, disputes and events."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from typing import Any

from ar.cash.standin import parameters as p
from ar.cash.standin.parameters import RefusedError
from ar.cash.standin.store import Kept

API_VERSION = "2026-10-28.endive"
DAY = 24 * 3600
DISPUTE_FEE = 2000

_LETTERS = string.ascii_letters + string.digits


REFUND: Mapping[str, p.Check] = {
    "payment_intent": p.text(255),
    "charge": p.text(255),
    "amount": p.whole,
    "reason": p.one_of("duplicate", "fraudulent", "requested_by_customer"),
    "metadata": p.metadata,
    "expand": p.several(p.text(100), 4),
}


def new_id(prefix: str, size: int = 24) -> str:
    return f"{prefix}_" + "".join(secrets.choice(_LETTERS) for _ in range(size))


def shown(thing: Mapping[str, Any], kept: Kept, expand: list[str] | None = None) -> dict[str, Any]:
    """An object as the API answers it: without our own notes, and with what was asked to be expanded."""
    answer = {name: value for name, value in thing.items() if not name.startswith("_")}
    wanted: dict[str, list[str]] = {}
    for path in expand or []:
        name, _, rest = path.partition(".")
        if name not in answer:
            raise RefusedError(f"This property cannot be expanded ({path[:60]}).", param="expand")
        wanted.setdefault(name, []).extend([rest] if rest else [])
    for name, inner in wanted.items():
        found = kept.get(answer[name]) if isinstance(answer[name], str) else None
        if found is not None:
            answer[name] = shown(found, kept, inner)
    return answer


def listing(url: str, things: list[dict[str, Any]], kept: Kept, expand: list[str] | None, *, more: bool = False) -> Any:
    """A list as the API answers it; paths to expand begin with 'data.'."""
    inner = [path.removeprefix("data.") for path in expand or []]
    return {"object": "list", "data": [shown(one, kept, inner) for one in things], "has_more": more, "url": url}


def new_refund(sent: Mapping[str, Any], charge: dict[str, Any], kept: Kept, *, at: int) -> dict[str, Any]:
    """A refund of a charge, both written. Raises RefusedError for more than is left."""
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = sent.get("amount", left)
    if charge["disputed"]:
        raise RefusedError(f"Charge {charge['id']} has been charged back; cannot issue a refund.", kept=True)
    if charge["status"] != "succeeded" or left == 0:
        said = "has already been refunded." if left == 0 else "has not been paid."
        raise RefusedError(
            f"Charge {charge['id']} {said}", code="charge_already_refunded" if left == 0 else None, kept=True
        )
    if not 0 < amount <= left:
        raise RefusedError(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount", kept=True
        )
    charge |= {"amount_refunded": charge["amount_refunded"] + amount, "refunded": amount == left}
    refund = {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": at,
        "currency": charge["currency"],
        "failure_reason": None,
        "metadata": sent.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "reason": sent.get("reason"),
        "status": "succeeded",
    }
    kept.put(charge)
    kept.put(refund)
    return refund


def new_dispute(charge: dict[str, Any], kept: Kept, *, at: int) -> dict[str, Any]:
    """The whole charge taken back by the payer's bank: a chargeback to answer, or a debit returned for good."""
    debit = charge["payment_method_details"]["type"] == "sepa_debit"
    charge |= {"disputed": True}
    fee = 0 if debit else DISPUTE_FEE
    withdrawn = {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": -charge["amount_captured"],
        "currency": charge["currency"],
        "fee": fee,
        "net": -charge["amount_captured"] - fee,
        "type": "adjustment",
    }
    dispute = {
        "id": new_id("du"),
        "object": "dispute",
        "amount": charge["amount_captured"],
        "balance_transactions": [withdrawn],
        "charge": charge["id"],
        "created": at,
        "currency": charge["currency"],
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": "debit_not_authorized" if debit else "general",
        "status": "lost" if debit else "needs_response",
    }
    kept.put(charge)
    kept.put(dispute)
    return dispute


def new_event(kind: str, thing: Mapping[str, Any], *, at: int) -> dict[str, Any]:
    return {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": at,
        "data": {"object": {name: value for name, value in thing.items() if not name.startswith("_")}},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
