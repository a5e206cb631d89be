"""Sending what is queued: claim, ask the guards, commit; send outside any transaction; record what came of it.

Each channel has a carrier and a pass of its own: one that is down or slow holds up no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import and_
from sqlmodel import Session, col, select

from ar.core import clock
from ar.core.db import Database, among, table
from ar.core.errors import DomainError
from ar.core.files import FileDamagedError, StoredFile, read
from ar.core.kernel import Kernel
from ar.core.mail import Attachment, Carrier, Fate, FateKind, Mail, Send, nothing
from ar.core.outbox.claim import Change, Guard, claim, give_up_lost, id_of, outcome, update_rows
from ar.core.outbox.models import MessageChannel, MessageState, OutboxMessage

PATIENCE = 240.0
"""Seconds after which a sender starts no further message of its batches and gives back those that are left: all its
channels together, and well below LOST_AFTER."""

_RECORD_EVERY = 100
_RECORD_SECONDS = 1.0
_log = structlog.get_logger()


@dataclass(frozen=True)
class DeliveryReport:
    """How many messages took each way. `unreachable` holds the words of a server that did not let us in; `more` says
    that a channel whose server did had as many due as were asked for, so that there may be others."""

    sent: int = 0
    later: int = 0
    failed: int = 0
    uncertain: int = 0
    cancelled: int = 0
    given_back: int = 0
    lost: int = 0
    unreachable: str = ""
    more: bool = False

    @property
    def handled(self) -> int:
        """How many of the due messages were taken up: fewer than the limit when no more were due."""
        return self.sent + self.later + self.failed + self.uncertain + self.cancelled + self.given_back

    def __str__(self) -> str:
        counts = {
            "sent": self.sent,
            "to be tried again": self.later,
            "failed": self.failed,
            "uncertain": self.uncertain + self.lost,
            "cancelled": self.cancelled,
            "given back": self.given_back,
        }
        words = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing to send"
        return f"{words}; server not reached: {self.unreachable}" if self.unreachable else words


def deliver(
    kernel: Kernel,
    carriers: Mapping[MessageChannel, Carrier],
    guards: Mapping[str, Guard],
    *,
    now: datetime,
    limit: int,
    worker: str,
    at: Callable[[str], None] = nothing,
) -> DeliveryReport:
    """Send up to `limit` messages of each of these channels that are due, oldest first, over one connection each.

    Any number of senders may run at once. `worker` names this one in the rows that it claims; `at` is called at
    the points guard, claim and before-record, as the carrier's own is at before-data and after-data.
    """
    total: Counter[str] = Counter()
    unreachable: list[str] = []
    more = False
    with kernel.database.transaction() as session:
        total["lost"] = give_up_lost(session, now)
    for channel, carrier in carriers.items():
        watch = clock.stopwatch()
        tally: Counter[str] = Counter()
        with kernel.database.transaction() as session:
            claimed = claim(session, guards, tally, channel=channel, now=now, limit=limit, worker=worker)
            files = _files(session, claimed)
            at("guard")
        at("claim")
        batch = _Batch(kernel, worker, now, claimed, files, tally, at)
        if claimed:
            try:
                with carrier.connect() as send:
                    batch.send_all(send, watch, PATIENCE / len(carriers))
            finally:
                batch.record()
        if batch.unreachable:
            unreachable.append(batch.unreachable)
        more = more or (tally.total() >= limit and not batch.unreachable)
        total += tally
    return DeliveryReport(**total, unreachable="; ".join(unreachable), more=more)


def _files(session: Session, messages: Sequence[OutboxMessage]) -> dict[int, StoredFile]:
    """What is known of the files that go along with `messages`, by id; each is read when its turn comes."""
    wanted = sorted({file_id for message in messages for file_id in message.attachments})
    found = session.exec(select(StoredFile).where(among(session, col(StoredFile.id), wanted))).all() if wanted else ()
    session.expunge_all()
    return {one.id: one for one in found if one.id is not None}


class _Batch:
    """Claimed messages and what is known of each: written down every few messages, and at the end in any case."""

    def __init__(
        self,
        kernel: Kernel,
        worker: str,
        now: datetime,
        messages: Sequence[OutboxMessage],
        files: Mapping[int, StoredFile],
        tally: Counter[str],
        at: Callable[[str], None],
    ) -> None:
        self.unreachable = ""
        self._database: Database = kernel.database
        self._files_url = kernel.settings.files
        self._files = files
        self._worker = worker
        self._now = now
        self._messages = {id_of(message): message for message in messages}
        self._tally = tally
        self._at = at
        self._fates = dict.fromkeys(self._messages, Fate(FateKind.UNREACHED, "its sender stopped before its turn"))

    def send_all(self, send: Send, watch: Callable[[], float], patience: float) -> None:
        """Send until all have gone, the server cannot be reached, or `patience` (seconds) is over."""
        done: list[int] = []
        recorded = watch()
        for message_id, message in self._messages.items():
            if watch() > patience:
                break
            self._fates[message_id] = Fate(FateKind.UNKNOWN, "its sender was interrupted")
            fate = self._fates[message_id] = self._send(send, message)
            if fate.kind is FateKind.UNREACHED:
                self.unreachable = fate.words
                break
            done.append(message_id)
            if len(done) >= _RECORD_EVERY or watch() - recorded > _RECORD_SECONDS:
                self._write({message_id: self._fates.pop(message_id) for message_id in done})
                done, recorded = [], watch()

    def record(self) -> None:
        """Write down all that is not yet written."""
        self._write(self._fates)
        self._fates = {}

    def _send(self, send: Send, message: OutboxMessage) -> Fate:
        try:
            attachments = [self._attached(file_id) for file_id in message.attachments]
        except DomainError as error:  # a file is lost or altered: nothing has gone out
            return Fate(FateKind.REFUSED, error.message)
        except Exception as error:  # whatever a store of files raises while it cannot be reached
            _log.exception("a file to attach could not be read", message_id=message.id)
            return Fate(FateKind.LATER, f"a file to attach could not be read: {type(error).__name__}")
        mail = Mail(
            key=message.dedup_key,
            sender=message.sender,
            recipient=message.recipient,
            subject=message.subject,
            text=message.body_text,
            html=message.body_html,
            headers=message.headers,
            date=self._now,
            attachments=attachments,
        )
        try:
            return send(mail)
        except DomainError as error:  # what the row holds cannot be made into a message: nothing has gone out
            return Fate(FateKind.REFUSED, error.message)

    def _attached(self, file_id: int) -> Attachment:
        """Raises FileDamagedError when the store gives back another content than was put there."""
        stored = self._files.get(file_id)
        if stored is None:
            raise FileDamagedError(f"file {file_id} is not stored any more")
        return Attachment(stored.name, stored.media_type, read(stored, self._files_url))

    def _write(self, fates: Mapping[int, Fate]) -> None:
        """Each outcome onto its row, unless the row was taken out of our hands meanwhile."""
        if not fates:
            return
        self._at("before-record")
        changes: list[Change] = []
        for message_id, fate in fates.items():
            way, change = outcome(fate, self._messages[message_id].attempts, self._now)
            self._tally[way] += 1
            changes.append((message_id, change))
        target = table(OutboxMessage)
        ours = and_(
            target.c.state == MessageState.CLAIMED,
            target.c.claimed_by == self._worker,
            target.c.claimed_at == self._now,
        )
        with self._database.transaction() as session:
            update_rows(session, changes, ours)
