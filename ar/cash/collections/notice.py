"""Customers told of a debit before its day: amount, day, creditor, mandate and invoices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from ar.cash.collections.act import collection_by_id, waiting_lines
from ar.cash.collections.models import Collection, CollectionLine, CollectionState, LineState
from ar.cash.mandates.creditor import creditor
from ar.cash.mandates.manage import masked
from ar.cash.mandates.models import Mandate
from ar.cash.models import PaymentTarget
from ar.core.clock import local_date
from ar.core.db import among, bulk_update
from ar.core.kernel import Kernel
from ar.core.outbox import MessageState, OutboxMessage
from ar.customers.entities import entity
from ar.customers.notes import write_note
from ar.ledger.models import OpenItem

KIND = "debit_prenotice"
MESSAGE = "message"
NOBODY = "there is nobody to write to: tell the customer by letter, and note the day"

_CHUNK = 50


def tell_collection(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """Job: write the pre-notice of each line of an approved collection into the outbox, once: how many, in words."""
    collection_id = arguments["collection_id"]
    with kernel.database.reading() as session:
        waiting = waiting_lines(session, collection_id)
        ids = [line.id for line in waiting if line.id and not line.told_by and line.told_on is None]
    written = 0
    for start in range(0, len(ids), _CHUNK):
        with kernel.database.transaction() as session:
            found = collection_by_id(session, collection_id)
            query = select(CollectionLine).where(
                among(session, col(CollectionLine.id), ids[start : start + _CHUNK]),
                CollectionLine.state == LineState.WAITING,
            )
            lines = list(session.exec(query.order_by(col(CollectionLine.id))))
            if found.state is CollectionState.APPROVED:
                written += _tell(session, kernel, found, lines, now=now)
    return f"{written} of {len(ids)} customers written to"


def _tell(
    session: Session, kernel: Kernel, found: Collection, lines: Sequence[CollectionLine], *, now: datetime
) -> int:
    query = select(Mandate).where(among(session, col(Mandate.id), [line.mandate_id for line in lines]))
    mandates = {mandate.id: mandate for mandate in session.exec(query)}
    invoices = invoices_of(session, [line.payment_id for line in lines])
    identifier = creditor(session, found.entity_id).identifier
    written = 0
    for line in lines:
        mandate = mandates[line.mandate_id]
        told = write_note(
            session,
            kernel,
            KIND,
            account_id=line.account_id,
            entity_id=found.entity_id,
            about=about(line),
            now=now,
            debit={
                "amount_minor": line.amount_minor,
                "on": found.collect_on,
                "iban": masked(mandate.iban),
                "mandate": mandate.reference,
                "identifier": identifier,
            },
            invoices=invoices[line.payment_id],
        )
        line.told_by, line.reason = (MESSAGE, "") if told else ("", NOBODY)
        session.add(line)
        written += told
    return written


def about(line: CollectionLine) -> str:
    """What messages of a line are about."""
    return f"collection_line:{line.id}"


def invoices_of(session: Session, payment_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """What each payment is meant for, the oldest due first: references and minor units, for a message."""
    query = (
        select(PaymentTarget.payment_id, OpenItem.reference, PaymentTarget.amount_minor)
        .join(OpenItem, col(OpenItem.entry_id) == col(PaymentTarget.entry_id))
        .where(among(session, col(PaymentTarget.payment_id), payment_ids))
        .order_by(col(OpenItem.due_on), col(OpenItem.entry_id))
    )
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for payment_id, reference, minor in session.exec(query):
        found[payment_id].append({"reference": reference, "amount_minor": minor})
    return found


def follow_notices(session: Session, found: Collection) -> int:
    """Note the day on which each pre-notice left: how many did since. One that did not leave told nobody."""
    lines = {f"note:{KIND}:{about(line)}": line for line in waiting_lines(session, found.id or 0)}
    unknown = {key: line for key, line in lines.items() if line.told_on is None and line.told_by == MESSAGE}
    query = select(OutboxMessage.dedup_key, OutboxMessage.state, OutboxMessage.ended_at).where(
        among(session, col(OutboxMessage.dedup_key), sorted(unknown)), col(OutboxMessage.ended_at).is_not(None)
    )
    zone = entity(session, found.entity_id).time_zone
    rows = []
    for key, state, ended_at in session.exec(query):
        left = state is MessageState.SENT and ended_at is not None
        on = local_date(ended_at, zone) if left and ended_at else None
        why = "" if left else f"the message to the customer is {MessageState(state).value}"
        rows.append({"id": unknown[key].id, "told_on": on, "reason": why})
    bulk_update(session, CollectionLine, rows)
    session.expire_all()
    return sum(row["told_on"] is not None for row in rows)
