"""Taking a message in: read, set into its thread, understood, kept once with its proposals, the safe ones done.

Reading and understanding take moments and happen before the transaction that keeps it. The same message again, from
whichever way, is the same reply.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from ar.cash.remittance.message import MAX_BYTES, Mail
from ar.cash.remittance.read import Opened, open_mail
from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.db import among, is_postgres, table
from ar.core.files import store_unlooked
from ar.core.kernel import Kernel
from ar.core.mailreports import Report, ReportKind, read_report
from ar.customers.accounts import account
from ar.customers.bounced import apply_report
from ar.customers.models import Account
from dunning.replies.around import around_of
from dunning.replies.kinds import NOBODY, MatchedBy, ProposalKind, ProposalState, ReplyKind, ReplyState
from dunning.replies.letter import Letter, read_letter
from dunning.replies.models import Reply, ReplyProposal
from dunning.replies.nature import nature_of
from dunning.replies.propose import Around, Proposed, propose
from dunning.replies.safe import do_safe
from dunning.replies.thread import Place, place_of
from dunning.replies.understand import Likely, understand

_REPORTED = {
    ReportKind.FAILED: ReplyKind.BOUNCE,
    ReportKind.DELAYED: ReplyKind.DELAY,
    ReportKind.DELIVERED: ReplyKind.RECEIPT,
}
_REPORTS = frozenset(_REPORTED.values())


@dataclass(frozen=True)
class Read:
    """A letter, where it belongs, and what it says."""

    letter: Letter
    place: Place
    on: date
    kind: ReplyKind
    sureness: int = 0
    back_on: date | None = None
    proposed: tuple[Proposed, ...] = ()
    advice: Opened | None = None
    doubts: tuple[str, ...] = field(default=())


def take(kernel: Kernel, raw: bytes, *, likely: Likely, by: str, now: datetime) -> Reply:
    """The reply that a message is, kept; the same message again is the same reply.

    Raises MessageRefusedError for what is no message, or one that cannot be read.
    """
    letter = read_letter(raw)
    with kernel.database.reading() as session:
        known = _of_digest(session, letter.digest)
        read = None if known else read_in(session, kernel, letter, likely=likely, now=now)
    if read is None:
        assert known is not None
        return known
    report = read_report(raw) if read.kind in _REPORTS else None
    if report is not None:
        read = replace(read, kind=_REPORTED[report.kind])
    if any(one.kind is ProposalKind.REMITTANCE for one in read.proposed):
        told = Mail(letter.message_id, letter.sender, letter.subject, letter.text, letter.files)
        read = replace(read, advice=open_mail(told))
    with kernel.database.transaction() as session:
        return _keep(session, kernel, raw, read, report=report, by=by, now=now)


def take_unread(kernel: Kernel, raw: bytes, why: str, *, size: int, by: str, now: datetime) -> Reply:
    """A message that cannot be read, kept for a person to look at, with the reason; `raw` may be its beginning only."""
    digest = hashlib.sha256(raw).hexdigest()
    letter = Letter(digest, "", (), "", "", (), "", None, "")
    read = Read(letter, Place(f"mail:{digest[:40]}"), now.date(), ReplyKind.UNREADABLE, doubts=(why[:400],))
    with kernel.database.transaction() as session:
        known = _of_digest(session, digest)
        return known or _keep(session, kernel, raw[:MAX_BYTES], read, report=None, by=by, now=now, size=size)


def read_in(session: Session, kernel: Kernel, letter: Letter, *, likely: Likely, now: datetime) -> Read:
    """What `letter` is and says, in the light of the customer that it belongs to. Changes nothing."""
    place = place_of(session, kernel.settings, letter)
    customer = session.get(Account, place.account_id) if place.account_id else None
    zone, country = (customer.time_zone, customer.country) if customer else ("UTC", "FR")
    on = local_date(min(letter.sent_at or now, now), zone)
    nature = nature_of(letter, on=on, ours=place.ours, country=country)
    if nature.kind is not None:
        waits = _until_back(letter, nature.back_on) if nature.kind is ReplyKind.OUT_OF_OFFICE else ()
        return Read(letter, place, on, nature.kind, 100, nature.back_on, waits, doubts=place.doubts)
    text = letter.text or letter.subject
    meant = understand(text, on=on, likely=likely, country=country)
    if nature.away and not any(one.kind is not ReplyKind.QUESTION for one in meant.findings):
        waits = _until_back(letter, nature.back_on)
        return Read(letter, place, on, ReplyKind.OUT_OF_OFFICE, 80, nature.back_on, waits, doubts=place.doubts)
    around = around_of(session, place, on=on) if place.account_id else Around(on)
    proposed = propose(text, meant.findings, around)
    return Read(letter, place, on, meant.kind, meant.sureness, None, tuple(proposed), doubts=place.doubts)


def _until_back(letter: Letter, back_on: date | None) -> tuple[Proposed, ...]:
    if back_on is None:
        return ()
    return (Proposed(ProposalKind.WAIT, 90, 0, min(len(letter.text), 200), {"until": back_on.isoformat()}),)


def _of_digest(session: Session, digest: str) -> Reply | None:
    return session.exec(select(Reply).where(Reply.digest == digest)).first()


def _keep(
    session: Session,
    kernel: Kernel,
    raw: bytes,
    read: Read,
    *,
    report: Report | None,
    by: str,
    now: datetime,
    size: int | None = None,
) -> Reply:
    """The rows of a reply, its file and its proposals; what is safe is done."""
    letter, place = read.letter, read.place
    human = read.kind not in NOBODY and read.kind is not ReplyKind.UNREADABLE
    waits = human or read.kind is ReplyKind.UNREADABLE or bool(read.proposed)
    values = {
        "digest": letter.digest,
        "message_id": letter.message_id,
        "thread": place.thread,
        "outbox_id": place.outbox_id,
        "account_id": place.account_id,
        "contact_id": place.contact_id,
        "matched_by": place.matched_by,
        "suggested": list(place.suggested),
        "sender": letter.sender,
        "sender_name": letter.sender_name,
        "subject": letter.subject,
        "text": letter.text,
        "sent_at": letter.sent_at,
        "received_at": now,
        "written_on": read.on,
        "kind": read.kind,
        "sureness": read.sureness,
        "human": human,
        "state": ReplyState.OPEN if waits else ReplyState.HANDLED,
        "back_on": read.back_on,
        "files": [
            {"name": file.name[:150], "media_type": file.media_type[:100], "size": len(file.content)}
            for file in letter.files
        ],
        "doubts": list(read.doubts),
        "size": len(raw) if size is None else size,
        "taken_by": by,
        "handled_by": "" if waits else "system",
        "handled_at": None if waits else now,
    }
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    statement = insert(table(Reply)).values(**values).on_conflict_do_nothing(index_elements=["digest"])
    made = session.connection().execute(statement.returning(col(Reply.id))).scalar_one_or_none()
    if made is None:  # a twin at work at once was first
        twin = _of_digest(session, letter.digest)
        assert twin is not None
        return twin
    reply = session.exec(select(Reply).where(Reply.id == made)).one()
    stored = store_unlooked(
        session,
        kernel.settings.files,
        name=f"reply-{made}.eml",
        content=raw,
        subject_ref=f"reply:{made}",
        stored_by=by,
        now=now,
    )
    reply.file_id = stored.id
    proposals = _proposals(session, made, read.proposed)
    change = {"kind": read.kind.value, "account": place.account_id, "matched_by": place.matched_by.value}
    record(session, [Act(by, "reply.taken", f"reply:{made}", change)], now=now)
    if report is not None:
        message = apply_report(session, report, now=now)
        reply.outbox_id = message.id if message else None
        reply.account_id = message.account_id if message else None
        reply.matched_by = MatchedBy.THREAD if message else MatchedBy.NOBODY
        reply.doubts = [*reply.doubts, report.words[:400]] if report.words else reply.doubts
    if human:
        do_safe(session, kernel, reply, proposals, advice=read.advice, to_answer=place.to_answer, now=now)
    session.flush()
    return reply


def _proposals(session: Session, reply_id: int, proposed: Sequence[Proposed], *, first: int = 1) -> list[ReplyProposal]:
    rows = [
        ReplyProposal(
            reply_id=reply_id,
            position=n,
            kind=one.kind,
            state=ProposalState.OPEN,
            sureness=one.sureness,
            quote_start=one.start,
            quote_end=one.end,
            data=dict(one.data),
            result={},
        )
        for n, one in enumerate(proposed, start=first)
    ]
    session.add_all(rows)
    session.flush()
    return rows


def propose_again(session: Session, reply: Reply, *, likely: Likely, now: datetime) -> None:
    """Propose anew for a reply whose customer a person has told, for its invoices are known now. Nothing of it is done
    by itself; open proposals make place for the new ones."""
    assert reply.id is not None
    assert reply.account_id is not None
    customer = account(session, reply.account_id)
    reply.written_on = local_date(min(reply.sent_at or reply.received_at, now), customer.time_zone)
    if not reply.human:
        return
    standing = proposals_of(session, [reply.id])[reply.id]
    for one in standing:
        if one.state is ProposalState.OPEN:
            session.delete(one)
    session.flush()
    first = 1 + max((one.position for one in standing if one.state is not ProposalState.OPEN), default=0)
    text = reply.text or reply.subject
    place = Place(reply.thread, reply.account_id, reply.contact_id, reply.matched_by, reply.outbox_id)
    meant = understand(text, on=reply.written_on, likely=likely, country=customer.country)
    _proposals(
        session, reply.id, propose(text, meant.findings, around_of(session, place, on=reply.written_on)), first=first
    )


def proposals_of(session: Session, reply_ids: Sequence[int]) -> dict[int, list[ReplyProposal]]:
    """The proposals of each of these replies, in order."""
    query = (
        select(ReplyProposal)
        .where(among(session, col(ReplyProposal.reply_id), list(reply_ids)))
        .order_by(col(ReplyProposal.reply_id), col(ReplyProposal.position))
    )
    found: dict[int, list[ReplyProposal]] = {reply_id: [] for reply_id in reply_ids}
    for one in session.exec(query):
        found[one.reply_id].append(one)
    return found
