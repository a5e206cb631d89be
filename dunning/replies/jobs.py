"""What the rota does for replies: reads the mailbox, and forgets what is kept too long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from ar.cash.remittance.message import MAX_BYTES, MessageRefusedError
from ar.core.audit import Act, record
from ar.core.db import among
from ar.core.files import StoredFile, remove_unnamed
from ar.core.kernel import Kernel
from dunning.replies.mailbox import Fetched, ImapMailbox, OpenMailbox
from dunning.replies.models import Mailbox, Reply
from dunning.replies.take import take, take_unread
from dunning.replies.understand import Likely

MOST_AT_ONCE = 200
_FORGOTTEN_AT_ONCE = 500
FORGOTTEN = "(forgotten)"


def mailbox_reader(likely: Likely) -> Callable[[Kernel, dict[str, Any], datetime], str]:
    """The job that reads the mailbox of the settings, with this model."""

    def read_mailbox(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
        """Take in what came since the last time. A message is noted as read once it is kept: a process that dies in
        between reads it again, and knows it. Raises MailboxError."""
        url = kernel.settings.imap_url
        if url is None:
            return "no mailbox is set"
        mailbox = ImapMailbox.from_url(url.get_secret_value(), done_folder=kernel.settings.imap_done_folder)
        with mailbox.opened() as box:
            return _read(kernel, mailbox, box, likely, now=now)

    return read_mailbox


def _read(kernel: Kernel, mailbox: ImapMailbox, box: OpenMailbox, likely: Likely, *, now: datetime) -> str:
    validity = box.uid_validity
    with kernel.database.reading() as session:
        known = session.get(Mailbox, mailbox.name)
    last = known.last_uid if known is not None and known.uid_validity == validity else 0
    counted: Counter[str] = Counter()
    for uid in box.uids_after(last)[:MOST_AT_ONCE]:
        fetched = box.fetch(uid, max_bytes=MAX_BYTES)
        if fetched is not None:
            counted[_take(kernel, fetched, likely, now=now).kind.value] += 1
        # First on the server: should that fail, the message is looked at again, and known.
        if fetched is not None:
            box.done(uid)
        _note_read(kernel, Mailbox(name=mailbox.name, uid_validity=validity, last_uid=uid, read_at=now))
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counted.items())) or "nothing new"


def _note_read(kernel: Kernel, far: Mailbox) -> None:
    with kernel.database.transaction() as session:
        session.merge(far)


def _take(kernel: Kernel, fetched: Fetched, likely: Likely, *, now: datetime) -> Reply:
    if fetched.size > MAX_BYTES:
        why = f"The message has {fetched.size:,} bytes; at most {MAX_BYTES:,} are taken. Its beginning is kept"
        return take_unread(kernel, fetched.raw, why, size=fetched.size, by="system", now=now)
    try:
        return take(kernel, fetched.raw, likely=likely, by="system", now=now)
    except MessageRefusedError as error:
        return take_unread(kernel, fetched.raw, error.message, size=fetched.size, by="system", now=now)


def forget_replies(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """Blank the words, addresses and files of messages that are older than the settings say; that there was one, of
    which kind, and what was done for it, stays."""
    before = now - timedelta(days=kernel.settings.replies_kept_days)
    with kernel.database.transaction() as session:
        digests = _forget(session, before=before, now=now)
    with kernel.database.transaction() as session:
        remove_unnamed(session, kernel.settings.files, digests)
    return f"{len(digests)} messages forgotten"


def _forget(session: Session, *, before: datetime, now: datetime) -> list[str]:
    query = (
        select(Reply.id)
        .where(col(Reply.file_id).is_not(None), col(Reply.received_at) < before)
        .order_by(col(Reply.received_at))
        .limit(_FORGOTTEN_AT_ONCE)
    )
    ids = [found for found in session.exec(query) if found is not None]
    if not ids:
        return []
    refs = [f"reply:{number}" for number in ids]
    digests = list(session.exec(select(StoredFile.sha256).where(among(session, col(StoredFile.subject_ref), refs))))
    blank: dict[str, Any] = {
        "text": "",
        "sender": "",
        "sender_name": "",
        "subject": FORGOTTEN,
        "files": [],
        "file_id": None,
    }
    connection = session.connection()
    connection.execute(update(Reply).where(among(session, col(Reply.id), ids)).values(**blank))
    owned = among(session, col(StoredFile.subject_ref), refs)
    connection.execute(delete(StoredFile).where(owned))
    record(session, [Act("system", "reply.forgotten", "reply", {"replies": len(ids)})], now=now)
    return digests
