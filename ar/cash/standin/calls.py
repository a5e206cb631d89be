"""Each call of the test gateway's API: its path, the parameters it knows, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ar.cash.standin import cash, charging, customers, objects, play, sessions, setups
from ar.cash.standin.desk import Desk
from ar.cash.standin.objects import listing, shown
from ar.cash.standin.parameters import Check, RefusedError, several, text
from ar.cash.standin.store import Kept

_EXPAND: Mapping[str, Check] = {"expand": several(text(100), 4)}
_LISTING: Mapping[str, Check] = {
    "payment_intent": text(255),
    "charge": text(255),
    "limit": text(3),
    "starting_after": text(255),
    **_EXPAND,
}


@dataclass(frozen=True)
class Asked:
    """A call: its parameters, checked; the parts of its path; the store's transaction; when."""

    values: Mapping[str, Any]
    path: Mapping[str, str]
    kept: Kept
    desk: Desk
    at: float

    def thing(self, kind: str) -> dict[str, Any]:
        """What the path names. Raises RefusedError for what is not there."""
        return self.found(self.path["number"], kind, "id", status=404)

    def found(self, number: str, kind: str, param: str, *, status: int = 400) -> dict[str, Any]:
        found = self.kept.get(number)
        if found is None or found["object"] != kind:
            said = f"No such {kind}: '{number[:100]}'"
            raise RefusedError(said, status=status, code="resource_missing", param=param)
        return found

    def shown(self, thing: Mapping[str, Any]) -> dict[str, Any]:
        return shown(thing, self.kept, self.values.get("expand"))


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    do: Callable[[Asked], dict[str, Any]]
    known: Mapping[str, Check]
    required: Sequence[str] = ()


def _create_session(asked: Asked) -> dict[str, Any]:
    if "customer" in asked.values:
        asked.found(asked.values["customer"], "customer", "customer")
    session = sessions.new_session(asked.values, page=f"{asked.desk.base_url}/pay", at=int(asked.at))
    asked.kept.put(session)
    asked.kept.later(session["id"], "expires", due_at=session["expires_at"])
    return asked.shown(session)


def _expire_session(asked: Asked) -> dict[str, Any]:
    return asked.shown(play.expire(asked.thing("checkout.session"), asked.kept, asked.at))


def _create_refund(asked: Asked) -> dict[str, Any]:
    values, kept = asked.values, asked.kept
    if ("charge" in values) == ("payment_intent" in values):
        raise RefusedError("One of the following params should be provided: `payment_intent` or `charge`.")
    number = values.get("charge")
    if number is None:
        number = asked.found(values["payment_intent"], "payment_intent", "payment_intent")["latest_charge"] or ""
    charge = asked.found(number, "charge", "charge")
    refund = objects.new_refund(values, charge, kept, at=int(asked.at))
    kept.emit(objects.new_event("charge.refunded", charge, at=int(asked.at)), at=asked.at)
    return asked.shown(refund)


def _create_customer(asked: Asked) -> dict[str, Any]:
    return asked.shown(customers.new_customer(asked.values, asked.kept, at=int(asked.at)))


def _detach(asked: Asked) -> dict[str, Any]:
    return asked.shown(customers.detach(asked.thing("payment_method"), asked.kept, at=int(asked.at)))


def _create_setup(asked: Asked) -> dict[str, Any]:
    if "customer" in asked.values:
        asked.found(asked.values["customer"], "customer", "customer")
    return asked.shown(setups.create(asked.values, asked.kept, at=asked.at))


def _confirm_setup(asked: Asked) -> dict[str, Any]:
    return asked.shown(setups.confirm(asked.thing("setup_intent"), asked.values, asked.kept, at=asked.at))


def _cancel_setup(asked: Asked) -> dict[str, Any]:
    return asked.shown(setups.cancel(asked.thing("setup_intent"), asked.values, asked.kept))


def _create_intent(asked: Asked) -> dict[str, Any]:
    desk = asked.desk
    made = charging.create(
        asked.values, asked.kept, base_url=desk.base_url, answer_seconds=desk.answer_seconds, at=asked.at
    )
    return asked.shown(made)


def _confirm_intent(asked: Asked) -> dict[str, Any]:
    return asked.shown(charging.confirm(asked.thing("payment_intent"), asked.values, asked.kept, at=asked.at))


def _capture_intent(asked: Asked) -> dict[str, Any]:
    return asked.shown(charging.capture(asked.thing("payment_intent"), asked.values, asked.kept, at=asked.at))


def _cancel_intent(asked: Asked) -> dict[str, Any]:
    return asked.shown(charging.cancel(asked.thing("payment_intent"), asked.values, asked.kept, at=asked.at))


def _list_intents(asked: Asked) -> dict[str, Any]:
    found, more = charging.listed(asked.values, asked.kept)
    return listing("/v1/payment_intents", found, asked.kept, asked.values.get("expand"), more=more)  # type: ignore[no-any-return]


def _list_of_intent(kind: str) -> Callable[[Asked], dict[str, Any]]:
    def do(asked: Asked) -> dict[str, Any]:
        found = asked.kept.of_intent(asked.values.get("payment_intent", ""), kind)
        return listing(f"/v1/{kind}s", found, asked.kept, asked.values.get("expand"))  # type: ignore[no-any-return]

    return do


def _close_dispute(asked: Asked) -> dict[str, Any]:
    return asked.shown(play.close_dispute(asked.thing("dispute"), "lost", asked.kept, asked.at))


def _cash_balance(asked: Asked) -> dict[str, Any]:
    balance = dict(cash.balance_of(asked.thing("customer")["id"], asked.kept))
    del balance["id"]
    return balance


def _fund(asked: Asked) -> dict[str, Any]:
    values = asked.values
    made = cash.fund(
        asked.thing("customer")["id"],
        values["amount"],
        values["currency"].lower(),
        asked.kept,
        at=int(asked.at),
        reference=values.get("reference", ""),
    )
    return asked.shown(made)


def _read(path: str, kind: str) -> Call:
    return Call("GET", f"{path}/{{number}}", lambda asked: asked.shown(asked.thing(kind)), _EXPAND)


CALLS: Sequence[Call] = (
    Call("POST", "checkout/sessions", _create_session, sessions.SESSION, ["mode", "success_url"]),
    Call("POST", "checkout/sessions/{number}/expire", _expire_session, _EXPAND),
    Call("POST", "customers", _create_customer, customers.CUSTOMER),
    Call("GET", "customers/{number}/cash_balance", _cash_balance, _EXPAND),
    Call("POST", "test_helpers/customers/{number}/fund_cash_balance", _fund, cash.FUND, ["amount", "currency"]),
    Call("POST", "payment_methods/{number}/detach", _detach, _EXPAND),
    Call("POST", "setup_intents", _create_setup, setups.SETUP),
    Call("POST", "setup_intents/{number}/confirm", _confirm_setup, setups.CONFIRM),
    Call("POST", "setup_intents/{number}/cancel", _cancel_setup, setups.CANCEL),
    Call("GET", "payment_intents", _list_intents, charging.INTENTS),
    Call("POST", "payment_intents", _create_intent, charging.INTENT, ["amount", "currency"]),
    Call("POST", "payment_intents/{number}/confirm", _confirm_intent, charging.CONFIRM),
    Call("POST", "payment_intents/{number}/capture", _capture_intent, charging.CAPTURE),
    Call("POST", "payment_intents/{number}/cancel", _cancel_intent, charging.CANCEL),
    Call("POST", "refunds", _create_refund, objects.REFUND),
    Call("GET", "refunds", _list_of_intent("refund"), _LISTING),
    Call("GET", "disputes", _list_of_intent("dispute"), _LISTING),
    Call("POST", "disputes/{number}/close", _close_dispute, _EXPAND),
    _read("checkout/sessions", "checkout.session"),
    _read("customers", "customer"),
    _read("payment_methods", "payment_method"),
    _read("mandates", "mandate"),
    _read("setup_intents", "setup_intent"),
    _read("payment_intents", "payment_intent"),
    _read("charges", "charge"),
    _read("refunds", "refund"),
    _read("disputes", "dispute"),
)
