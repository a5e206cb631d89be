"""Writing messages into the outbox, in bulk, each wanted once per dedup key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from ar.core.db import among, is_postgres
from ar.core.errors import DomainError, Fault
from ar.core.files import StoredFile
from ar.core.mail import MAX_ATTACHED_BYTES, digest_of
from ar.core.outbox.check import faults_of
from ar.core.outbox.models import MessageChannel, MessageState, OutboxMessage

_FAULTS_SHOWN = 20


class DraftError(DomainError):
    """A message cannot be sent as it is written; the faults point to the draft and its field, as in /3/subject."""

    code = "bad-message"


@dataclass(frozen=True)
class Draft:
    """A message to be sent. `purpose` names its guard; `subject_ref` what it is about, such as 'notice:12'.

    By e-mail: `headers` are extra ones, such as List-Unsubscribe; `attachments` are ids of stored files, read at
    sending. By SMS: `recipient` is a number as in E.164, `sender` a number or a name, empty for the installation's.
    By letter: `recipient` holds the lines of the address, `sender` the code of the legal entity. On the portal: the
    account reads it. All but e-mail carry `body_text` alone. `send_after` None means at once.
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
    channel: MessageChannel = MessageChannel.EMAIL


def queue(session: Session, drafts: Sequence[Draft], *, now: datetime) -> int:
    """How many of `drafts` were put into the outbox; one whose dedup key is known already is left out.

    Raises DraftError when any of them could not be sent, or would smuggle in a header: then none is queued.
    """
    faults = [Fault(f"/{at}/{name}", wrong) for at, draft in enumerate(drafts) for name, wrong in faults_of(draft)]
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
        "digest": digest_of(draft.dedup_key),
        "channel": draft.channel,
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
