"""What is learnt of payers: the numbers and names that money for a customer came under, right or wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, literal
from sqlalchemy import select as rows_of
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from ar.cash.matching.models import AliasKind, PayerAlias
from ar.cash.matching.names import alias_key
from ar.core.audit import Act, record
from ar.core.db import UtcDateTime, among, is_postgres, listed, table
from ar.core.errors import NotFoundError
from ar.customers.accounts import account


class AliasNotFoundError(NotFoundError):
    code = "payer-alias-not-found"


def payer_keys(iban: str, name: str) -> list[tuple[AliasKind, str]]:
    """What a payer is recognised by: its account number, and its name as alias_key() writes it."""
    known = [(AliasKind.IBAN, iban), (AliasKind.NAME, alias_key(name))]
    return [(kind, value) for kind, value in known if value]


@dataclass(frozen=True, slots=True)
class Came:
    """Money for a customer, and the account number and name that it came under."""

    iban: str
    name: str
    account_id: int


def confirm_payers(session: Session, seen: Iterable[Came], *, now: datetime) -> None:
    """This money was right for these customers: remember under what it came."""
    _count(session, seen, "confirmed", now=now)


def doubt_payers(session: Session, seen: Iterable[Came], *, now: datetime) -> None:
    """This money was not for these customers after all."""
    _count(session, seen, "refused", now=now)


def _count(session: Session, seen: Iterable[Came], which: str, *, now: datetime) -> None:
    counted = Counter(
        (kind, value, came.account_id) for came in seen for kind, value in payer_keys(came.iban, came.name)
    )
    if not counted:
        return
    session.flush()
    given = sorted(counted.items())  # in one order, lest two wait for each other
    keys = ["kind", "value", "account_id"]
    insert = postgresql.insert(PayerAlias) if is_postgres(session) else sqlite.insert(PayerAlias)
    again = {which: table(PayerAlias).c[which] + insert.excluded[which], "seen_at": insert.excluded.seen_at}
    if is_postgres(session):
        columns = list(zip(*((*alias, times) for alias, times in given), strict=True))
        rows = func.unnest(*map(listed, columns)).table_valued(*keys, "times").render_derived()
        seen_at = bindparam("seen_at", now, type_=UtcDateTime)
        none = literal(0)
        counts = (rows.c.times, none) if which == "confirmed" else (none, rows.c.times)
        told = rows_of(rows.c.kind, rows.c.value, rows.c.account_id, *counts, seen_at)
        insert = insert.from_select([*keys, "confirmed", "refused", "seen_at"], told)
        session.connection().execute(insert.on_conflict_do_update(index_elements=keys, set_=again))
        return
    first = {"confirmed": 0, "refused": 0, "seen_at": now}
    session.connection().execute(
        insert.on_conflict_do_update(index_elements=keys, set_=again),
        [{**dict(zip(keys, alias, strict=True)), **first, which: times} for alias, times in given],
    )


def aliases_of(session: Session, account_id: int) -> Sequence[PayerAlias]:
    """What a customer's money came under, the most often right first. Raises AccountNotFoundError."""
    account(session, account_id)
    query = select(PayerAlias).where(PayerAlias.account_id == account_id)
    return session.exec(query.order_by(col(PayerAlias.confirmed).desc(), col(PayerAlias.id))).all()


def teach(
    session: Session, account_id: int, *, iban: str = "", name: str = "", by: str, now: datetime
) -> Sequence[PayerAlias]:
    """Remember that money from this account number, or under this name, is for this customer.

    The customer's aliases. Raises AccountNotFoundError.
    """
    account(session, account_id)
    confirm_payers(session, [Came(iban, name, account_id)], now=now)
    record(session, [Act(by, "payer_alias.taught", f"account:{account_id}", {"iban": iban, "name": name})], now=now)
    return aliases_of(session, account_id)


def forget_alias(session: Session, alias_id: int, *, by: str, now: datetime) -> None:
    """Recognise nobody by this alias any more. Raises AliasNotFoundError."""
    found = session.get(PayerAlias, alias_id)
    if found is None:
        raise AliasNotFoundError(f"There is no payer alias {alias_id}")
    session.delete(found)
    change = {"kind": found.kind.value, "value": found.value}
    record(session, [Act(by, "payer_alias.forgotten", f"account:{found.account_id}", change)], now=now)


def known_payers(session: Session, kind: AliasKind, values: Collection[str]) -> dict[str, dict[int, int]]:
    """Per alias, the customers that money under it was for: how often that was right less how often wrong."""
    query = select(PayerAlias.value, PayerAlias.account_id, PayerAlias.confirmed - PayerAlias.refused).where(
        PayerAlias.kind == kind, among(session, col(PayerAlias.value), sorted(values))
    )
    found: dict[str, dict[int, int]] = {}
    for value, account_id, trust in session.exec(query):
        found.setdefault(value, {})[account_id] = trust
    return found
