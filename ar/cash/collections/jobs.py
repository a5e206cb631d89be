"""What the rota does for collections: files on their day, quiet debits that count as paid, files laid into a folder."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from ar.cash.apply import learn
from ar.cash.collections.act import collection_by_id, locked_collection
from ar.cash.collections.days import add_target_days, noon
from ar.cash.collections.make import file_day, make_file
from ar.cash.collections.models import Collection, CollectionLine, CollectionState, LineState
from ar.cash.collections.notice import follow_notices
from ar.cash.collections.payments import learn_unbooked, locked_payments
from ar.cash.collections.sepa_file import GATEWAY
from ar.cash.mandates.models import CollectionAccount
from ar.cash.models import Payment
from ar.cash.payment_states import Facts, PaymentState
from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.errors import DomainError
from ar.core.files import StoredFile, read
from ar.core.kernel import Kernel
from ar.customers.models import LegalEntity

SILENT_DAYS = 30
"""After so long a debit that only the bank's credit would settle is parked for a person."""

_CHUNK = 100


def collect(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """Job: note which pre-notices left, make the files whose day has come, settle the debits that nobody returned."""
    words = []
    query = (
        select(
            col(Collection.id), col(Collection.collect_on), col(CollectionAccount.lead_days), col(LegalEntity.time_zone)
        )
        .join(CollectionAccount, col(CollectionAccount.bank_account_id) == col(Collection.bank_account_id))
        .join(LegalEntity, col(LegalEntity.id) == col(Collection.entity_id))
        .where(col(Collection.state) == CollectionState.APPROVED, col(Collection.problem) == "")
        .order_by(col(Collection.id))
    )
    with kernel.database.reading() as session:
        approved = session.connection().execute(query).all()
    for collection_id, collect_on, lead_days, zone in approved:
        assert collection_id is not None
        with kernel.database.transaction() as session:
            follow_notices(session, locked_collection(session, collection_id))
        if local_date(now, zone) >= file_day(collect_on, lead_days):
            words.append(f"collection {collection_id}: {make_file(kernel, collection_id, now=now)}")
    settled, parked = settle_quiet(kernel, now=now)
    return "; ".join([*words, f"{settled} debits settled, {parked} parked"])


def settle_quiet(kernel: Kernel, *, now: datetime) -> tuple[int, int]:
    """Settle the pending debits that nobody returned in the days that their account says; park those that only the
    bank's credit would settle and that it has not credited for SILENT_DAYS: how many of each.
    """
    query = (
        select(
            col(CollectionLine.payment_id),
            col(Collection.collect_on),
            col(CollectionAccount.settle_days),
            col(LegalEntity.time_zone),
        )
        .join(Payment, col(Payment.id) == col(CollectionLine.payment_id))
        .join(Collection, col(Collection.id) == col(CollectionLine.collection_id))
        .join(CollectionAccount, col(CollectionAccount.bank_account_id) == col(Collection.bank_account_id))
        .join(LegalEntity, col(LegalEntity.id) == col(Collection.entity_id))
        .where(
            col(Payment.state) == PaymentState.PENDING,
            col(Payment.gateway) == GATEWAY,
            col(CollectionLine.state) == LineState.IN_FILE,
            col(Collection.collect_on) < now.date(),
        )
        .order_by(col(CollectionLine.payment_id))
    )
    with kernel.database.reading() as session:
        pending = session.connection().execute(query).all()
    quiet: dict[int, datetime] = {}
    silent: list[int] = []
    for payment_id, collect_on, settle_days, zone in pending:
        if settle_days is not None and local_date(now, zone) > add_target_days(collect_on, settle_days):
            quiet[payment_id] = noon(collect_on, zone)
        elif settle_days is None and now - noon(collect_on, zone) > timedelta(days=SILENT_DAYS):
            silent.append(payment_id)
    ids = list(quiet)
    for start in range(0, len(ids), _CHUNK):
        with kernel.database.transaction() as session:
            _settle(session, ids[start : start + _CHUNK], quiet, now=now)
    with kernel.database.transaction() as session:
        found = [one for one in locked_payments(session, silent).values() if one.state is PaymentState.PENDING]
        doubts = Facts(doubts=frozenset({f"the bank has not credited it for {SILENT_DAYS} days"}))
        learn_unbooked(session, found, doubts, by="system", said="parked", now=now)
    return len(quiet), len(silent)


def _settle(session: Session, payment_ids: Sequence[int], quiet: dict[int, datetime], *, now: datetime) -> None:
    for payment_id, payment in locked_payments(session, payment_ids).items():
        if payment.state is PaymentState.PENDING:
            facts = Facts(succeeded_at=quiet[payment_id])
            learn(session, payment, facts, by="system", said="not returned in the time for it", now=now)


def drop_file(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """Job: lay a collection's file into the folder of the bank's program, under a passing name first."""
    folder = kernel.settings.collections_folder
    with kernel.database.reading() as session:
        found = collection_by_id(session, arguments["collection_id"])
        name, content = file_of(kernel, session, found)
    if folder is None:
        return "no folder is set"
    _put(folder, name, content)
    with kernel.database.transaction() as session:
        went_out(session, arguments["collection_id"], by="system", now=now)
    return f"{name} is in the folder"


def _put(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{name}.{secrets.token_hex(4)}"
    draft.write_bytes(content)
    draft.replace(folder / name)


class NoFileError(DomainError):
    """The collection's file is not made yet."""

    status = 404
    code = "no-collection-file"


def file_of(kernel: Kernel, session: Session, found: Collection) -> tuple[str, bytes]:
    """The name and content of a collection's file. Raises NoFileError."""
    stored = None if found.file_id is None else session.get(StoredFile, found.file_id)
    if stored is None:
        why = found.problem or "it is made on its day, once the collection is approved"
        raise NoFileError(f"There is no file of collection {found.message_id}: {why}")
    return stored.name, read(stored, kernel.settings.files)


def went_out(session: Session, collection_id: int, *, by: str, now: datetime) -> None:
    """Write down that somebody has the file; the first time is kept on the collection, each in the audit trail."""
    found = locked_collection(session, collection_id)
    found.out_at = found.out_at or now
    session.add(found)
    record(session, [Act(by, "collection.file_out", f"collection:{collection_id}", {})], now=now)
