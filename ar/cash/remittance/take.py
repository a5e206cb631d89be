"""Taking an advice in: read, its customer and documents found, kept once, and set beside its money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import func
from sqlalchemy import select as columns
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from ar.cash.remittance.advice import Advice
from ar.cash.remittance.message import read_message
from ar.cash.remittance.models import AdviceState, Channel, RemittanceAdvice, RemittanceLine
from ar.cash.remittance.pairing import after_advice
from ar.cash.remittance.read import MAX_BYTES, Opened, Written, best_of, keys_of, open_mail
from ar.cash.remittance.whose import Document, Whose, entries_of, known_of, whose
from ar.core.audit import Act, record
from ar.core.db import among, bulk_insert, is_postgres, reserve_ids, table
from ar.core.files import FileRefusedError, store
from ar.core.kernel import Kernel
from ar.customers.accounts import account
from ar.customers.entities import entity
from ar.customers.models import Account, Contact, LegalEntity
from ar.ledger.models import OpenItem
from ar.ledger.references import reference_key

_DOUBTS = 40
_UNKNOWN_SHOWN = 10


@dataclass(frozen=True)
class Arrival:
    """How an advice came, and what is known of it beforehand. `digest` makes the same again the same advice."""

    channel: Channel
    by: str
    account_id: int | None = None
    entity_id: int | None = None
    sender: str = ""
    subject: str = ""
    message_id: str = ""
    digest: str | None = None


def take_message(session: Session, kernel: Kernel, raw: bytes, *, by: str, now: datetime) -> RemittanceAdvice:
    """The advice that an e-mail is, read and kept; the same e-mail again is the same advice.

    The files in it are read in processes of their own, for some seconds: call it with a session that has done nothing
    yet. Raises MessageRefusedError for what is no e-mail.
    """
    return take_opened(session, kernel, open_mail(read_message(raw)), channel=Channel.EMAIL, by=by, now=now)


def take_opened(
    session: Session,
    kernel: Kernel,
    came: Opened,
    *,
    channel: Channel,
    account_id: int | None = None,
    by: str,
    now: datetime,
) -> RemittanceAdvice:
    """The advice in what was opened, kept; the same again is the same advice. Raises AccountNotFoundError."""
    if account_id is not None:
        account(session, account_id)
    if (twin := _of_digest(session, came.digest)) is not None:
        return twin
    documents = _documents(session, keys_of(came.parts))
    senders = _accounts_of(session, came.sender)
    # First with all that it may name, to tell whose it is; then with that customer's documents alone.
    currency = _usual_currency(session, account_id)
    known = known_of(documents, account_id)
    advice, part = best_of(came.parts, known, currency=currency, near=now.date())
    found = whose(documents, [reference_key(line.reference) for line in advice.lines], senders, account_id)
    usual = currency if found.account_id is None else _usual_currency(session, found.account_id)
    own = known_of(documents, found.account_id)
    if (own, usual) != (known, currency):
        advice, part = best_of(came.parts, own, currency=usual, near=now.date())
    arrival = Arrival(
        channel,
        by,
        account_id=found.account_id,
        sender=came.sender or by,
        subject=came.subject,
        message_id=came.message_id,
        digest=came.digest,
    )
    kept = _kept(session, advice, arrival, found, documents, now=now)
    if part is not None and part.content:
        _keep_file(session, kernel, kept, part, by=by, now=now)
    assert kept.id is not None
    after_advice(session, [kept.id], by=by, now=now)
    return _fresh(session, kept.id)


def take_told(session: Session, advice: Advice, arrival: Arrival, *, now: datetime) -> RemittanceAdvice:
    """An advice whose fields are told one by one, kept. Raises AccountNotFoundError, EntityNotFoundError."""
    if arrival.account_id is not None:
        account(session, arrival.account_id)
    if arrival.entity_id is not None:
        entity(session, arrival.entity_id)
    if arrival.digest and (known := _of_digest(session, arrival.digest)) is not None:
        return known
    keys = {reference_key(line.reference) for line in advice.lines} - {""}
    documents = _documents(session, keys)
    found = whose(documents, keys, [], arrival.account_id)
    arrival = replace(arrival, account_id=found.account_id)
    kept = _kept(session, advice, arrival, found, documents, now=now)
    assert kept.id is not None
    after_advice(session, [kept.id], by=arrival.by, now=now)
    return _fresh(session, kept.id)


def _of_digest(session: Session, digest: str) -> RemittanceAdvice | None:
    return session.exec(select(RemittanceAdvice).where(RemittanceAdvice.digest == digest)).first()


def _fresh(session: Session, advice_id: int) -> RemittanceAdvice:
    query = select(RemittanceAdvice).where(RemittanceAdvice.id == advice_id)
    return session.exec(query.execution_options(populate_existing=True)).one()


def _documents(session: Session, keys: set[str]) -> list[Document]:
    """The open items that have one of `keys`."""
    query = columns(
        col(OpenItem.entry_id),
        col(OpenItem.entity_id),
        col(OpenItem.account_id),
        col(OpenItem.reference_key),
        col(OpenItem.reference),
        col(OpenItem.currency),
        col(OpenItem.side),
    ).where(among(session, col(OpenItem.reference_key), sorted(keys)), col(OpenItem.open_minor) > 0)
    return [Document(*row) for row in session.connection().execute(query.order_by(col(OpenItem.entry_id)))]


def _accounts_of(session: Session, sender: str) -> list[int]:
    """The accounts that have a contact of this address."""
    if not sender:
        return []
    query = select(Contact.account_id).where(func.lower(col(Contact.email)) == sender).distinct()
    return sorted(session.exec(query))


def _usual_currency(session: Session, account_id: int | None) -> str:
    """The currency of amounts that name none: the customer's, or the first seller's."""
    if account_id is not None:
        return session.exec(select(Account.currency).where(Account.id == account_id)).one()
    return session.exec(select(LegalEntity.currency).order_by(col(LegalEntity.id)).limit(1)).first() or "EUR"


def _kept(
    session: Session,
    advice: Advice,
    arrival: Arrival,
    found: Whose,
    documents: Sequence[Document],
    *,
    now: datetime,
) -> RemittanceAdvice:
    """The rows of an advice: its lines with the open items that they name, and all doubts."""
    entries = entries_of(documents, found.account_id)
    of_line = [_entry(entries.get(reference_key(line.reference), ()), advice.currency) for line in advice.lines]
    doubts = [*found.doubts, *advice.doubts, *_unknown(advice, of_line)]
    sellers = {one.entity_id for one in of_line if one is not None}
    amount = advice.amount_minor if advice.amount_minor is not None and advice.amount_minor > 0 else None
    if advice.amount_minor is not None and amount is None:
        doubts.append("The advice adds up to nothing to pay")
    values = {
        "digest": arrival.digest,
        "channel": arrival.channel,
        "state": AdviceState.OPEN,
        "entity_id": arrival.entity_id or (min(sellers) if len(sellers) == 1 else None),
        "account_id": found.account_id,
        "sender": arrival.sender[:320],
        "subject": arrival.subject[:400],
        "message_id": arrival.message_id[:255],
        "payer": advice.payer,
        "amount_minor": amount,
        "currency": advice.currency,
        "paid_on": _sane(advice.paid_on),
        "reference": advice.reference,
        "reference_key": reference_key(advice.reference)[:80],
        "text": advice.text,
        "doubts": [doubt[:400] for doubt in doubts[:_DOUBTS]],
        "paired_why": "",
        "taken_by": arrival.by,
        "taken_at": now,
        "decided_by": "",
    }
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    statement = insert(table(RemittanceAdvice)).values(**values).on_conflict_do_nothing(index_elements=["digest"])
    made = session.connection().execute(statement.returning(col(RemittanceAdvice.id))).scalar_one_or_none()
    if made is None:  # a twin at work at once was first
        twin = _of_digest(session, arrival.digest or "")
        assert twin is not None
        return twin
    ids = reserve_ids(session, RemittanceLine, len(advice.lines))
    rows = [
        {
            "id": number,
            "advice_id": made,
            "position": n,
            "reference": line.reference,
            "entry_id": None if item is None else item.entry_id,
            "document_on": _sane(line.document_on),
            "gross_minor": line.gross_minor,
            "deduction_minor": line.deduction_minor,
            "reason": line.reason,
            "paid_minor": line.paid_minor,
            "said": line.said,
        }
        for n, (number, line, item) in enumerate(zip(ids, advice.lines, of_line, strict=True), start=1)
    ]
    bulk_insert(session, RemittanceLine, rows)
    change = {
        "channel": arrival.channel.value,
        "account": found.account_id,
        "amount_minor": amount,
        "currency": advice.currency,
        "lines": len(rows),
    }
    record(session, [Act(arrival.by, "remittance.taken", f"remittance:{made}", change)], now=now)
    return _fresh(session, made)


def _entry(found: Sequence[Document], currency: str) -> Document | None:
    """The one item that a reference names; None where there is none, or more than one."""
    fitting = [one for one in found if currency in ("", one.currency)]
    return fitting[0] if len(fitting) == 1 else None


def _sane(day: date | None) -> date | None:
    return day if day is not None and 1990 <= day.year <= 2200 else None


def _unknown(advice: Advice, of_line: Sequence[Document | None]) -> list[str]:
    """A doubt for the documents named that are not open, or not one alone."""
    missing = [
        line.reference for line, item in zip(advice.lines, of_line, strict=True) if item is None and line.reference
    ]
    if not missing:
        return []
    shown = ", ".join(missing[:_UNKNOWN_SHOWN])
    more = f" and {len(missing) - _UNKNOWN_SHOWN} more" if len(missing) > _UNKNOWN_SHOWN else ""
    return [f"Not found among the open documents: {shown}{more}"]


def _keep_file(
    session: Session, kernel: Kernel, kept: RemittanceAdvice, part: Written, *, by: str, now: datetime
) -> None:
    """Store the file that the advice was read from; one that the store does not take leaves a doubt."""
    try:
        stored = store(
            session,
            kernel.settings.files,
            name=part.name or "advice",
            content=part.content,
            media_type=part.media_type,
            subject_ref=f"remittance:{kept.id}",
            stored_by=by,
            max_bytes=MAX_BYTES,
            now=now,
        )
    except FileRefusedError as error:
        kept.doubts = [*kept.doubts, f"The file was read and not kept: {error.message}"[:400]]
    else:
        kept.file_id = stored.id
    session.add(kept)
    session.flush()


def lines_of(session: Session, advice_ids: Sequence[int]) -> Mapping[int, list[RemittanceLine]]:
    """The lines of each of these advices, in order."""
    query = (
        select(RemittanceLine)
        .where(among(session, col(RemittanceLine.advice_id), advice_ids))
        .order_by(col(RemittanceLine.advice_id), col(RemittanceLine.position))
    )
    found: dict[int, list[RemittanceLine]] = {advice_id: [] for advice_id in advice_ids}
    for line in session.exec(query):
        found[line.advice_id].append(line)
    return found
