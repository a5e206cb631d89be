"""A collection proposed: the due items of the customers who want to be debited, each spoken for by a payment."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from ar.cash.checkout import in_flight
from ar.cash.collections.choose import Debtor, Due, LeftOut, choose
from ar.cash.collections.days import add_target_days, is_target_day, next_target_day
from ar.cash.collections.models import Collection, CollectionLine, CollectionState, LineState
from ar.cash.collections.payments import intend
from ar.cash.mandates.creditor import collection_account, creditor
from ar.cash.mandates.models import Mandate, MandateState, Scheme
from ar.cash.plans.facts import collectable, planned_parts
from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.db import among, bulk_insert, reserve_ids
from ar.core.errors import DomainError, Fault
from ar.customers.entities import entity
from ar.ledger.allocate import locked_items
from ar.ledger.models import EntryKind, OpenItem

COLLECTED = (EntryKind.INVOICE, EntryKind.LATE_CHARGE)
"""The kinds of debit that are collected."""


class CollectionError(DomainError):
    """The collection cannot be proposed as asked; the faults say why."""

    code = "bad-collection"


class NothingToCollectError(DomainError):
    """No item is due of a customer with a mandate, or each is left out; the message says how many and why."""

    code = "nothing-to-collect"


def propose(
    session: Session,
    *,
    bank_account_id: int,
    scheme: Scheme,
    collect_on: date,
    items_until: date | None,
    by: str,
    now: datetime,
) -> tuple[Collection, list[LeftOut]]:
    """The collection of what is due on or before `items_until` (the collection day when not given), and what is left
    out of it and why. Two at once never take the same item: the items are locked first.

    Raises NoCreditorError, CollectionError, NothingToCollectError.
    """
    account, _bank = collection_account(session, bank_account_id)
    seller = entity(session, account.entity_id)
    notice_days = creditor(session, account.entity_id).notice_days
    today = local_date(now, seller.time_zone)
    until = items_until or collect_on
    _check_days(today, collect_on, until, account.lead_days)
    debtors = _debtors(session, account.entity_id, scheme, notice_days)
    items = _items(session, account.entity_id, [debtor.account_id for debtor in debtors], until)
    debits, left_out = choose(debtors, items, today=today, collect_on=collect_on)
    if not debits:
        raise NothingToCollectError(_nothing(debtors, left_out, until))
    made = Collection(
        message_id=f"COL{collect_on:%Y%m%d}-{secrets.token_hex(6).upper()}",
        entity_id=account.entity_id,
        bank_account_id=bank_account_id,
        scheme=scheme,
        collect_on=collect_on,
        items_until=until,
        state=CollectionState.PROPOSED,
        proposed_by=by,
        proposed_at=now,
    )
    session.add(made)
    session.flush()
    payments = intend(session, debits, entity_id=account.entity_id, by=by, now=now)
    rows = [
        {
            "collection_id": made.id,
            "mandate_id": debit.debtor.mandate_id,
            "account_id": debit.debtor.account_id,
            "payment_id": payment["id"],
            "end_to_end_id": payment["public_id"],
            "amount_minor": debit.amount_minor,
            "state": LineState.WAITING,
            "reason": "",
            "told_by": "",
        }
        for debit, payment in zip(debits, payments, strict=True)
    ]
    keys = reserve_ids(session, CollectionLine, len(rows))
    bulk_insert(session, CollectionLine, [{"id": key, **row} for key, row in zip(keys, rows, strict=True)])
    total = sum(debit.amount_minor for debit in debits)
    change = {"message_id": made.message_id, "collect_on": collect_on, "debits": len(debits), "total_minor": total}
    record(session, [Act(by, "collection.proposed", f"collection:{made.id}", change)], now=now)
    return made, left_out


def _check_days(today: date, collect_on: date, until: date, lead_days: int) -> None:
    faults = []
    if not is_target_day(collect_on):
        better = next_target_day(collect_on)
        faults.append(Fault("/collect_on", f"banks are closed then; the next day that they collect on is {better}"))
    earliest = add_target_days(today, lead_days + 1)
    if not earliest <= collect_on <= today + timedelta(days=366):
        faults.append(
            Fault("/collect_on", f"the bank wants the file {lead_days} TARGET days before: {earliest} at best")
        )
    if until > collect_on:
        faults.append(Fault("/items_until", "nothing is collected before it is due"))
    if faults:
        raise CollectionError(f"The collection cannot be so: {faults[0].message}", faults=faults)


def _debtors(session: Session, entity_id: int, scheme: Scheme, notice_days: int) -> list[Debtor]:
    """The customers with a mandate in force who want their due items collected, and what they have in credit."""
    query = select(Mandate.account_id, Mandate.id, Mandate.limit_minor, Mandate.notice_days).where(
        Mandate.entity_id == entity_id,
        Mandate.scheme == scheme,
        Mandate.state == MandateState.ACTIVE,
        col(Mandate.automatic),
    )
    rows = session.exec(query.order_by(col(Mandate.account_id))).all()
    credits_of = select(OpenItem.account_id, func.sum(col(OpenItem.open_minor))).where(
        among(session, col(OpenItem.account_id), [account_id for account_id, *_ in rows]),
        OpenItem.entity_id == entity_id,
        OpenItem.currency == "EUR",
        OpenItem.side == -1,
        OpenItem.open_minor > 0,
    )
    credit = {number: int(minor) for number, minor in session.exec(credits_of.group_by(col(OpenItem.account_id)))}
    return [
        Debtor(account_id, mandate_id, limit, agreed or notice_days, credit.get(account_id, 0))
        for account_id, mandate_id, limit, agreed in rows
        if mandate_id is not None
    ]


def _items(session: Session, entity_id: int, account_ids: Sequence[int], until: date) -> list[Due]:
    """What these customers owe, due on or before `until` or by instalments until then; locked."""
    parts = collectable(session, account_ids, until=until)
    query = select(OpenItem.entry_id).where(
        among(session, col(OpenItem.account_id), account_ids),
        OpenItem.entity_id == entity_id,
        OpenItem.currency == "EUR",
        OpenItem.side == 1,
        OpenItem.open_minor > 0,
        col(OpenItem.kind).in_(COLLECTED),
        (col(OpenItem.due_on) <= until) | among(session, col(OpenItem.entry_id), sorted(parts)),
    )
    rows = locked_items(session, sorted(session.exec(query)))
    flying = in_flight(session, account_ids)
    planned = planned_parts(session, account_ids)
    return [
        Due(
            entry_id,
            row["account_id"],
            row["due_on"],
            row["open_minor"],
            row["disputed_minor"],
            flying.get(entry_id, 0),
            planned.get(entry_id, (0, until))[0],
            parts.get(entry_id, 0),
        )
        for entry_id, row in rows.items()
        if row["open_minor"]
    ]


def _nothing(debtors: Sequence[Debtor], left_out: Sequence[LeftOut], until: date) -> str:
    if not debtors:
        return "No customer has a mandate in force for this creditor and scheme"
    why: dict[str, int] = defaultdict(int)
    for one in left_out:
        why[one.reason] += 1
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(why.items()))
    return f"Nothing is to be collected of what is due until {until}" + (f": {told}" if told else "")
