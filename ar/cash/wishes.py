"""What a customer wishes to pay online, checked alike however it is paid: items, parts of them, or on account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func
from sqlmodel import Session, col, select

from ar.cash.gateway import Line
from ar.cash.gateway_amounts import check_least, to_gateway
from ar.cash.models import Payment, PaymentTarget
from ar.cash.payment_states import UNFINISHED
from ar.cash.receive import PaymentError, Target, checked_targets
from ar.core.db import among
from ar.core.errors import ConflictError, Fault
from ar.core.i18n import marked as _
from ar.core.money import MAX_MINOR, exponent
from ar.customers.accounts import AccountNotFoundError
from ar.customers.entities import entity
from ar.customers.models import Account
from ar.ledger.allocate import locked_items

MAX_LINES = 100
ON_ACCOUNT = _("On account")


class AlreadyPayingError(ConflictError):
    """A payment of the same items is under way: paying again would pay twice."""

    code = "already-paying"


@dataclass(frozen=True)
class OnAccount:
    """An amount that is meant for nothing yet: it stays in the customer's credit with that seller."""

    entity_id: int
    currency: str
    amount_minor: int


@dataclass(frozen=True)
class Wish:
    """What one customer wishes to pay: parts of open items, and an amount on account."""

    account_id: int
    targets: Sequence[Target]
    on_account: OnAccount | None = None

    @property
    def amount_minor(self) -> int:
        return sum(target.amount_minor for target in self.targets) + (
            self.on_account.amount_minor if self.on_account else 0
        )

    def is_of(self, payment: Payment, targets: Sequence[PaymentTarget]) -> bool:
        """Whether a payment is for this very wish."""
        return payment.amount_minor == self.amount_minor and {(t.entry_id, t.amount_minor) for t in targets} == {
            (t.entry_id, t.amount_minor) for t in self.targets
        }


@dataclass(frozen=True)
class Checked:
    """A wish that can be: to whom, in what currency, how much, and its lines in words."""

    entity_id: int
    currency: str
    amount_minor: int
    lines: Sequence[Line]


def locked_wish(session: Session, wish: Wish) -> Checked:
    """The wish, its account and items locked until this transaction ends, and checked but for what is in flight.

    Raises PaymentError, OverAllocationError, ItemNotFoundError, AccountNotFoundError, EntityNotFoundError,
    NotPayableOnlineError, CurrencyError.
    """
    targets, extra = wish.targets, wish.on_account
    lock_account(session, wish.account_id)
    if not (targets or extra) or len(targets) > MAX_LINES or len({t.entry_id for t in targets}) != len(targets):
        raise PaymentError(f"Choose from 1 to {MAX_LINES} items to pay, each once, or an amount on account")
    parts = [target.amount_minor for target in targets] + ([extra.amount_minor] if extra else [])
    if any(not 0 < part <= MAX_MINOR for part in parts):
        raise PaymentError("The amounts to pay must be above zero and within range")
    items = locked_items(session, sorted(target.entry_id for target in targets))
    if extra is not None:
        exponent(extra.currency)
        seller, currency = entity(session, extra.entity_id).id, extra.currency
    else:
        first = items[targets[0].entry_id]
        seller, currency = first["entity_id"], first["currency"]
    assert seller is not None
    checked_targets(session, wish.account_id, seller, currency, targets)
    for part in parts:
        to_gateway(part, currency)
    check_least(sum(parts), currency)
    lines = [Line(items[t.entry_id]["reference"] or f"#{t.entry_id}", t.amount_minor) for t in targets]
    lines += [Line(ON_ACCOUNT, extra.amount_minor)] if extra else []
    return Checked(seller, currency, sum(parts), lines)


def lock_account(session: Session, account_id: int) -> None:
    """Whoever wishes to pay for an account at once waits here for the first. Raises AccountNotFoundError."""
    query = select(Account.id).where(Account.id == account_id).with_for_update()
    if session.exec(query).first() is None:
        raise AccountNotFoundError(f"There is no account {account_id}")


def check_free(session: Session, wish: Wish) -> None:
    """Raises AlreadyPayingError when payments under way leave less of the items, locked before, than is wished."""
    flying = in_flight(session, [wish.account_id])
    items = locked_items(session, sorted(target.entry_id for target in wish.targets))
    faults = [
        Fault(f"/targets/{n}/amount_minor", "a payment of this is under way")
        for n, target in enumerate(wish.targets)
        if items[target.entry_id]["open_minor"] - flying.get(target.entry_id, 0) < target.amount_minor
    ]
    if faults:
        raise AlreadyPayingError(
            "A payment of this is under way already: please wait until it is through, so that nothing is paid twice",
            faults=faults,
        )


def unfinished(session: Session, account_id: int) -> list[tuple[Payment, list[PaymentTarget]]]:
    """Payments of an account that a gateway was asked for and that may yet bring money, with what they are for."""
    query = (
        select(Payment, PaymentTarget)
        .join(PaymentTarget, col(PaymentTarget.payment_id) == col(Payment.id), isouter=True)
        .where(
            Payment.account_id == account_id,
            col(Payment.state).in_(UNFINISHED),
            col(Payment.request).is_not(None),
            col(Payment.parked).is_(False),
        )
        .order_by(col(Payment.id), col(PaymentTarget.id))
    )
    found: dict[int | None, tuple[Payment, list[PaymentTarget]]] = {}
    for payment, target in session.exec(query):
        _, targets = found.setdefault(payment.id, (payment, []))
        targets += [target] if target is not None else []
    return list(found.values())


def in_flight(session: Session, account_ids: Sequence[int]) -> dict[int, int]:
    """What payments that have not ended mean for each open item of these accounts: entry id -> minor units."""
    if len(account_ids) == 1:
        rows = session.connection().execute(_FLYING_OF_ONE, {"account_id": account_ids[0]})
    else:
        rows = session.connection().execute(_flying(among(session, col(Payment.account_id), account_ids)))
    return {entry_id: int(minor) for entry_id, minor in rows}


def _flying(whose: ColumnElement[bool]) -> Any:
    return (
        select(PaymentTarget.entry_id, func.sum(col(PaymentTarget.amount_minor)))
        .join(Payment, col(Payment.id) == col(PaymentTarget.payment_id))
        .where(whose, col(Payment.state).in_(UNFINISHED), col(Payment.entry_id).is_(None))
        .group_by(col(PaymentTarget.entry_id))
    )


_FLYING_OF_ONE = _flying(col(Payment.account_id) == bindparam("account_id"))
"""Made once: the customer's page asks for it at every visit."""


def describe(lines: Sequence[Line], seller: str) -> str:
    """A payment in one line, for the customer's bank statement and the gateway's own pages."""
    names = [line.name for line in lines]
    return f"{seller}: {', '.join(names[:5])}{' ...' if len(names) > 5 else ''}"[:300]
