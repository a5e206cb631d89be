"""An account's number at a gateway: made there when it is first needed."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, select

from ar.cash.online.gateway import OnlineGateway
from ar.cash.online.models import GatewayCustomer
from ar.core.db import is_postgres, table
from ar.core.kernel import Kernel
from ar.customers.accounts import account


def known_number(session: Session, gateway: str, account_id: int) -> str | None:
    """The gateway's number for an account, if it has one."""
    query = select(GatewayCustomer.number).where(
        GatewayCustomer.account_id == account_id, GatewayCustomer.gateway == gateway
    )
    return session.exec(query).first()


def account_of(session: Session, gateway: str, number: str) -> int | None:
    """Whose number it is."""
    query = select(GatewayCustomer.account_id).where(
        GatewayCustomer.number == number, GatewayCustomer.gateway == gateway
    )
    return session.exec(query).first()


def customer_number(kernel: Kernel, gateway: OnlineGateway, account_id: int, *, now: datetime) -> str:
    """The gateway's number for an account, asked for outside any transaction when there is none yet.

    Two at once ask under one key and get one number. Raises AccountNotFoundError, GatewayRefusedError,
    GatewaySilentError.
    """
    with kernel.database.reading() as session:
        known = known_number(session, gateway.name, account_id)
        customer = account(session, account_id)
        name, code = customer.legal_name, customer.code
    if known is not None:
        return known
    told = hashlib.sha256(f"{name}\n{code}\n{kernel.settings.base_url}".encode()).hexdigest()[:16]
    number = gateway.create_customer(key=f"customer-{account_id}-{told}", name=name, reference=code)
    with kernel.database.transaction() as session:
        insert = postgresql.insert if is_postgres(session) else sqlite.insert
        row = {"account_id": account_id, "gateway": gateway.name, "number": number, "created_at": now}
        statement = insert(table(GatewayCustomer)).values(**row)
        session.connection().execute(statement.on_conflict_do_nothing(index_elements=["account_id", "gateway"]))
        found = known_number(session, gateway.name, account_id)
    assert found is not None
    return found
