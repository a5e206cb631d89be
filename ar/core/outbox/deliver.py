"""Sending what is queued: claim, ask the guards, commit; send outside any transaction; record what came of it.

Each channel has a carrier and a pass of its own: one that is down or slow holds up no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import structlog
from sqlmodel import Session, col, select

from ar.core import clock
from ar.core.db import Database, among
from ar.core.errors import DomainError
from ar.core.files import FileDamagedError, StoredFile, read
from ar.core.kernel import Kernel
from ar.core.mail import Attachment, Carrier, Fate, FateKind, Mail, Send, nothing
from ar.core.outbox.claim import Change, Guard, claim, give_up_lost, id_of, outcome, update_rows
from ar.core.outbox.models import MessageChannel, MessageState, OutboxMessage

PATIENCE = 240.0
"""Seconds after which a sender starts no further message of its batches and gives back those that are left: all its
channels together, and well below LOST_AFTER."""

CHUNK = 100
"""Messages claimed at once. A sender that dies leaves at most two such chunks uncertain."""

_RECORD_SECONDS = 1.0
_NOT_YET = Fate(FateKind.UNREACHED, "its sender stopped before its turn")
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


class _Chunk(NamedTuple):
    """The ids that were claimed, and how many messages were due: those cancelled at the claim count too."""

    ids: Sequence[int]
    seen: int


_NOTHING = _Chunk((), 0)


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
        sender = _Sender(kernel, channel, guards, now=now, worker=worker, at=at)
        sender.send_due(carrier, limit, patience=PATIENCE / len(carriers))
        if sender.unreachable:
            unreachable.append(sender.unreachable)
        more = more or (sender.tally.total() >= limit and not sender.unreachable)
        total += sender.tally
    return DeliveryReport(**total, unreachable="; ".join(unreachable), more=more)


def _files(session: Session, messages: Sequence[OutboxMessage]) -> dict[int, StoredFile]:
    """What is known of the files that go along with `messages`, by id; each is read when its turn comes."""
    wanted = sorted({file_id for message in messages for file_id in message.attachments})
    found = session.exec(select(StoredFile).where(among(session, col(StoredFile.id), wanted))).all() if wanted else ()
    session.expunge_all()
    return {one.id: one for one in found if one.id is not None}


class _Sender:
    """The messages of one channel, claimed CHUNK by CHUNK. While one chunk is sent, a second thread writes down what
    became of the one before and claims the next: the carrier and the database are waited for at the same time.

    Of each claimed message the fate is known at any moment, and in the end all are written down.
    """

    def __init__(
        self,
        kernel: Kernel,
        channel: MessageChannel,
        guards: Mapping[str, Guard],
        *,
        now: datetime,
        worker: str,
        at: Callable[[str], None],
    ) -> None:
        self.tally: Counter[str] = Counter()
        self.unreachable = ""
        self._database: Database = kernel.database
        self._files_url = kernel.settings.files
        self._channel = channel
        self._guards = guards
        self._now = now
        self._worker = worker
        self._at = at
        self._files: dict[int, StoredFile] = {}
        self._messages: dict[int, OutboxMessage] = {}
        self._fates: dict[int, Fate] = {}
        self._writing: Future[None] | None = None

    def send_due(self, carrier: Carrier, limit: int, *, patience: float) -> None:
        """Send until nothing is due, `limit` is reached, nobody lets us in, or `patience` (seconds) is over."""
        watch = clock.stopwatch()
        chunk, left = self._claim(min(CHUNK, limit)), limit
        if not chunk.seen:
            return
        with ThreadPoolExecutor(1, "outbox") as helper:
            try:
                with carrier.connect() as send:
                    while chunk.seen:
                        left -= chunk.seen
                        goes_on = left > 0 and chunk.seen == CHUNK and watch() < patience
                        coming = helper.submit(self._claim, min(CHUNK, left)) if goes_on else None
                        self._send_all(chunk.ids, send, helper, watch, patience)
                        chunk = coming.result() if coming and not self.unreachable else _NOTHING
            finally:
                helper.submit(self._write_rest).result()
                if self._writing is not None:
                    self._writing.result()

    def _claim(self, count: int) -> _Chunk:
        tally: Counter[str] = Counter()
        with self._database.transaction() as session:
            claimed = claim(
                session,
                self._guards,
                tally,
                channel=self._channel,
                now=self._now,
                limit=count,
                worker=self._worker,
            )
            files = _files(session, claimed)
            self._at("guard")
        self._files |= files
        for message in claimed:
            self._messages[id_of(message)] = message
            self._fates[id_of(message)] = _NOT_YET
        self.tally += tally
        self._at("claim")
        return _Chunk([id_of(message) for message in claimed], len(claimed) + tally.total())

    def _send_all(
        self, ids: Sequence[int], send: Send, helper: ThreadPoolExecutor, watch: Callable[[], float], patience: float
    ) -> None:
        done: list[int] = []
        written = watch()
        for message_id in ids:
            if watch() > patience:
                break
            self._fates[message_id] = Fate(FateKind.UNKNOWN, "its sender was interrupted")
            fate = self._fates[message_id] = self._send(send, self._messages[message_id])
            if fate.kind is FateKind.UNREACHED:
                self.unreachable = fate.words
                break
            done.append(message_id)
            if watch() - written > _RECORD_SECONDS:
                self._hand_on(done, helper)
                done, written = [], watch()
        self._hand_on(done, helper)

    def _hand_on(self, ids: Sequence[int], helper: ThreadPoolExecutor) -> None:
        """Have these fates written down. Raises what went wrong with those before: then nothing more is sent."""
        if self._writing is not None:
            self._writing.result()
        self._writing = helper.submit(self._write, {message_id: self._fates.pop(message_id) for message_id in ids})

    def _write_rest(self) -> None:
        fates, self._fates = self._fates, {}
        self._write(fates)

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
            self.tally[way] += 1
            changes.append((message_id, change))
        ours = {"state": MessageState.CLAIMED, "claimed_by": self._worker, "claimed_at": self._now}
        with self._database.transaction() as session:
            update_rows(session, changes, ours)
