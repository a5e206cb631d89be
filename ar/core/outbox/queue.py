"""Writing messages into the outbox, in bulk, each wanted once per dedup key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from ar.core.db import among, is_postgres, table
from ar.core.errors import DomainError, Fault
from ar.core.files import StoredFile
from ar.core.mail import MAX_ATTACHED_BYTES, AddressError, header_fault, parse_address, text_fault
from ar.core.outbox.models import MessageState, OutboxMessage

MAX_BODY = 500_000
"""The longest text or HTML of a message, in characters."""

_FAULTS_SHOWN = 20


class DraftError(DomainError):
    """A message cannot be sent as it is written; the faults point to the draft and its field, as in /3/subject."""

    code = "bad-message"


@dataclass(frozen=True)
class Draft:
    """A message to be sent. `purpose` names its guard; `subject_ref` what it is about, such as 'notice:12'.

    `headers` are extra ones, such as List-Unsubscribe. `attachments` are ids of stored files, read at sending.
    `send_after` None means at once.
    """

    dedup_key: str
    purpose: str
    account_id: int | None
    subject_ref: str
    recipient: str
    sender: str
    language: str
    subject: str
    body_text: str
    body_html: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: Sequence[int] = ()
    send_after: datetime | None = None


_LONGEST: dict[str, int] = {
    column.name: longest
    for column in table(OutboxMessage).columns
    if (longest := getattr(column.type, "length", None)) and column.name in Draft.__dataclass_fields__
}


def queue(session: Session, drafts: Sequence[Draft], *, now: datetime) -> int:
    """How many of `drafts` were put into the outbox; one whose dedup key is known already is left out.

    Raises DraftError when any of them could not be sent, or would smuggle in a header: then none is queued.
    """
    faults = [fault for at, draft in enumerate(drafts) for fault in _faults(at, draft)]
    faults += _file_faults(session, drafts)
    if faults:
        raise DraftError(
            f"{len(faults)} faults in the messages to send; the first: {faults[0].message}",
            faults=faults[:_FAULTS_SHOWN],
        )
    if not drafts:
        return 0
    session.flush()
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    statement = insert(OutboxMessage).on_conflict_do_nothing(index_elements=["dedup_key"])
    connection = session.connection()
    rows = [_row(draft, now) for draft in drafts]
    result = connection.execute(statement, rows, execution_options={"preserve_rowcount": True})
    return cast(CursorResult[Any], result).rowcount


def _row(draft: Draft, now: datetime) -> dict[str, Any]:
    return {
        "dedup_key": draft.dedup_key,
        "purpose": draft.purpose,
        "account_id": draft.account_id,
        "subject_ref": draft.subject_ref,
        "recipient": draft.recipient,
        "sender": draft.sender,
        "language": draft.language,
        "subject": draft.subject,
        "body_text": draft.body_text,
        "body_html": draft.body_html,
        "headers": dict(draft.headers),
        "attachments": list(draft.attachments),
        "state": MessageState.QUEUED,
        "queued_at": now,
        "send_after": draft.send_after or now,
    }


def _file_faults(session: Session, drafts: Sequence[Draft]) -> list[Fault]:
    """What is wrong with the files to attach: one that is not stored, or too much together."""
    wanted = sorted({file_id for draft in drafts for file_id in draft.attachments})
    if not wanted:
        return []
    query = select(StoredFile.id, StoredFile.size).where(among(session, col(StoredFile.id), wanted))
    sizes = {file_id: size for file_id, size in session.exec(query) if file_id is not None}
    faults = []
    for at, draft in enumerate(drafts):
        if any(file_id not in sizes for file_id in draft.attachments):
            faults.append(Fault(f"/{at}/attachments", "a file to attach is not stored"))
        elif sum(sizes[file_id] for file_id in draft.attachments) > MAX_ATTACHED_BYTES:
            told = f"the files have more than {MAX_ATTACHED_BYTES // 2**20} MB together: send a link instead"
            faults.append(Fault(f"/{at}/attachments", told))
    return faults


def _faults(at: int, draft: Draft) -> Iterator[Fault]:
    for name, longest in _LONGEST.items():
        value = getattr(draft, name)
        wrong = text_fault(value, one_line=True)
        if len(value) > longest:
            wrong = f"is longer than {longest} characters"
        if wrong:
            yield Fault(f"/{at}/{name}", f"{name} {wrong}")
    for name in ("recipient", "sender"):
        try:
            parse_address(getattr(draft, name))
        except AddressError as error:
            yield Fault(f"/{at}/{name}", error.message)
    for name in ("body_text", "body_html"):
        value = getattr(draft, name)
        wrong = text_fault(value, one_line=False) if len(value) <= MAX_BODY else f"is longer than {MAX_BODY} characters"
        if wrong:
            yield Fault(f"/{at}/{name}", f"{name} {wrong}")
    for name, value in draft.headers.items():
        wrong = header_fault(name, value)
        if wrong:
            yield Fault(f"/{at}/headers", wrong)
