"""The facts that matching goes by, read for a whole chunk at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from sqlalchemy import ColumnElement, or_
from sqlalchemy import select as rows_of
from sqlmodel import Session, col, select

from ar.cash.bank.models import BankLine, LineState
from ar.cash.bank.readers.facts import Line
from ar.cash.checkout import in_flight
from ar.cash.matching.aliases import known_payers
from ar.cash.matching.candidates import Lookups
from ar.cash.matching.directory import directory
from ar.cash.matching.facts import Advised, Expected, Incoming, Item
from ar.cash.matching.models import AliasKind
from ar.cash.models import Payment
from ar.core.db import among, prefer_indexes, table
from ar.customers.models import AccountIdentifier
from ar.ledger.models import OpenItem

Expectations = Callable[[Session, Sequence[int]], Mapping[int, Sequence[Expected]]]
"""The sums that customers said would come, by account: told by those who keep promises and plans."""

_entry, _account, _open = attrgetter("entry_id"), attrgetter("account_id"), attrgetter("open_minor")


@dataclass(slots=True)
class Seen:
    """What was open of each item that was looked at, in minor units, whatever payments are in flight."""

    open_minor: dict[int, int] = field(default_factory=dict)


def open_lines(session: Session, line_ids: Sequence[int]) -> list[BankLine]:
    """Those of these bank lines that are open and brought money, the oldest first."""
    query = select(BankLine).where(
        among(session, col(BankLine.id), line_ids), BankLine.state == LineState.OPEN, BankLine.amount_minor > 0
    )
    return list(session.exec(query.order_by(col(BankLine.id))).all())


def incoming_of(line: BankLine | Line, *, number: int, entity_id: int, advice: tuple[Advised, ...] = ()) -> Incoming:
    """The money of a bank line, stored or just read, under `number`, with what advices say of it."""
    said = (*line.remittance.split("\n"), line.structured_reference, line.end_to_end_id)
    return Incoming(
        id=number,
        entity_id=entity_id,
        amount_minor=line.amount_minor,
        currency=line.currency,
        received_on=line.booked_on,
        payer_name=line.counterparty_name,
        payer_iban=line.counterparty_iban,
        texts=tuple(text for text in said if text),
        charges_minor=line.charges_minor,
        advice=advice,
    )


def incoming_lines(lines: Sequence[BankLine], advice: Mapping[int, tuple[Advised, ...]]) -> list[Incoming]:
    """The money of these stored bank lines, with what advices say of it."""
    return [
        incoming_of(line, number=line.id, entity_id=line.entity_id, advice=advice.get(line.id, ()))
        for line in lines
        if line.id is not None
    ]


def as_ordered(incoming: Incoming, line: BankLine) -> Incoming | None:
    """The same money as its payer ordered it, in another currency than the account's; None where that is not so."""
    if line.original_minor is None or line.original_currency in (None, line.currency):
        return None
    assert line.original_currency is not None
    return replace(incoming, amount_minor=line.original_minor, currency=line.original_currency, charges_minor=None)


def incoming_payments(session: Session, payment_ids: Sequence[int]) -> list[Incoming]:
    """The money of those of these payments that settles nothing yet, the oldest first."""
    query = (
        rows_of(table(Payment), col(OpenItem.open_minor), col(OpenItem.effective_on))
        .join(table(OpenItem), col(OpenItem.entry_id) == col(Payment.entry_id))
        .where(among(session, col(Payment.id), payment_ids), col(OpenItem.open_minor) > 0)
        .order_by(col(Payment.id))
    )
    return [
        Incoming(
            id=row["id"],
            entity_id=row["entity_id"],
            amount_minor=row["open_minor"],
            currency=row["currency"],
            received_on=row["effective_on"],
            texts=tuple(text for text in (row["note"], row["reference"]) if text),
            account_id=row["account_id"],
        )
        for row in session.connection().execute(query).mappings()
    ]


def lookups(session: Session, seen: Seen, expected: Expectations) -> Lookups:
    """Where the engine looks facts up, in this transaction; what it saw open is noted in `seen`."""
    known = directory(session)
    prefer_indexes(session)

    def items(which: ColumnElement[bool]) -> list[Item]:
        query = rows_of(*(table(OpenItem).c[name] for name in Item._fields)).where(which, col(OpenItem.open_minor) > 0)
        rows = session.connection().execute(query).all()
        found = list(map(Item._make, rows))
        seen.open_minor.update(zip(map(_entry, found), map(_open, found), strict=True))
        flying = in_flight(session, sorted(set(map(_account, found))))
        return [_less(item, flying.get(item.entry_id, 0)) for item in found] if flying else found

    def by_reference(keys: Collection[str]) -> list[Item]:
        wanted = sorted(keys)
        quoted = among(session, col(OpenItem.reference_key), wanted)
        ordered = among(session, col(OpenItem.purchase_order), wanted)
        return items(or_(quoted, ordered & (col(OpenItem.purchase_order) != "")))

    def open_items(accounts: Collection[int]) -> Iterable[Item]:
        return items(among(session, col(OpenItem.account_id), sorted(accounts)))

    return Lookups(
        by_reference=by_reference,
        by_iban=lambda ibans: _by_iban(session, ibans),
        by_alias=lambda names: known_payers(session, AliasKind.NAME, names),
        by_number=known.numbered,
        nearest=known.names.nearest,
        payers=known.of,
        members=known.members,
        open_items=open_items,
        expected=lambda accounts: expected(session, sorted(accounts)),
    )


def _less(item: Item, flying: int) -> Item:
    return item._replace(open_minor=max(0, item.open_minor - flying)) if flying else item


def _by_iban(session: Session, ibans: Collection[str]) -> dict[str, dict[int, int]]:
    """Per account number: what was learnt of it, and the customers that are registered with it."""
    found = known_payers(session, AliasKind.IBAN, ibans)
    query = rows_of(col(AccountIdentifier.value), col(AccountIdentifier.account_id)).where(
        col(AccountIdentifier.scheme) == "iban", among(session, col(AccountIdentifier.value), sorted(ibans))
    )
    for value, account_id in session.connection().execute(query):
        known = found.setdefault(value, {})
        known[account_id] = known.get(account_id, 0) + 1
    return found
