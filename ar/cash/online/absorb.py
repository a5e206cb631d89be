"""What came of a charge or a transfer, written to its payment: news, where the customer must go, where to transfer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from ar.cash.models import Flow, Payment
from ar.cash.news import take
from ar.cash.online.gateway import Asked
from ar.cash.online.models import VirtualAccount
from ar.cash.payment_states import PaymentState
from ar.core.db import is_postgres, table


def absorb(session: Session, payment: Payment, asked: Asked, *, by: str, now: datetime) -> PaymentState:
    """Take the answer to a charge or a transfer into its locked payment: the state."""
    payment.checkout_url = asked.url or None
    if asked.instructions:
        payment.instructions = dict(asked.instructions)
        _keep_account_number(session, payment, now=now)
    payment.polled_at = now
    return take(session, payment, asked.news, by=by, now=now)


def _keep_account_number(session: Session, payment: Payment, *, now: datetime) -> None:
    """The account number is the customer's own and stays: kept once, for whatever it transfers later."""
    told = payment.instructions or {}
    if payment.flow is not Flow.TRANSFER or not told.get("iban"):
        return
    row = {
        "account_id": payment.account_id,
        "gateway": payment.gateway,
        "currency": payment.currency,
        "iban": told["iban"],
        "bic": told.get("bic", ""),
        "holder": told.get("holder", ""),
        "created_at": now,
    }
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    known = ["account_id", "gateway", "currency"]
    statement = (
        insert(table(VirtualAccount))
        .values(**row)
        .on_conflict_do_update(index_elements=known, set_={name: row[name] for name in ("iban", "bic", "holder")})
    )
    session.connection().execute(statement)
