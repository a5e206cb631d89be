"""Whose a message is: by the message of ours that it answers, by the address that it went to, by who sent it.

Never by what it says. Where these contradict each other, or say nothing, a person decides.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from ar.core.db import among
from ar.core.mail import AddressError, parse_address
from ar.core.outbox import OutboxMessage, known_as
from ar.core.settings import Settings
from ar.customers.models import Account, Contact, LegalEntity
from dunning.replies.kinds import MatchedBy
from dunning.replies.letter import Letter
from dunning.replies.models import Reply
from dunning.replies.tokens import account_named

MOST_SUGGESTED = 5
_EVERYBODYS = re.compile(
    r"(?:gmail|googlemail|outlook|hotmail|live|yahoo|icloud|me|msn|aol|gmx|proton|protonmail)\.[a-z.]{2,6}"
    r"|(?:orange|wanadoo|free|sfr|laposte)\.(?:fr|net)|web\.de|t-online\.de|libero\.it"
)
"""Domains in which anybody may have an address."""


@dataclass(frozen=True)
class Place:
    """Where a message belongs. `ours` says that it is a message of our own; `to_answer` that it answers an answer that
    we wrote by ourselves."""

    thread: str
    account_id: int | None = None
    contact_id: int | None = None
    matched_by: MatchedBy = MatchedBy.NOBODY
    outbox_id: int | None = None
    suggested: tuple[int, ...] = ()
    ours: bool = False
    to_answer: bool = False
    doubts: tuple[str, ...] = ()


ANSWER_PURPOSE = "reply.answer"
"""The purpose, in the outbox, of answers that go out by themselves."""


def place_of(session: Session, settings: Settings, letter: Letter) -> Place:
    """Where `letter` belongs."""
    ids = [f"<{one}>" for one in (letter.message_id, *letter.parents) if one]
    known = known_as(session, ids)
    parent = next((known[f"<{one}>"] for one in letter.parents if f"<{one}>" in known), None)
    earlier = _earlier(session, letter.parents)
    thread = _thread(session, letter, parent, earlier)
    if (letter.message_id and f"<{letter.message_id}>" in known) or letter.sender in _own_senders(session, settings):
        return Place(thread, ours=True)
    senders = _contacts(session, letter.sender)
    candidate, how = _candidate(session, settings, letter, parent, earlier)
    outbox_id = parent.id if parent else None
    to_answer = parent is not None and parent.purpose == ANSWER_PURPOSE
    if candidate is not None and (not senders or candidate in senders):
        return Place(thread, candidate, senders.get(candidate), how, outbox_id, to_answer=to_answer)
    if candidate is not None:
        doubt = "It answers a message to one customer, and its sender is a contact of another"
        suggested = tuple(dict.fromkeys([candidate, *senders]))[:MOST_SUGGESTED]
        return Place(thread, suggested=suggested, outbox_id=outbox_id, to_answer=to_answer, doubts=(doubt,))
    if len(senders) == 1:
        [(account_id, contact_id)] = senders.items()
        return Place(thread, account_id, contact_id, MatchedBy.SENDER)
    suggested = tuple(senders)[:MOST_SUGGESTED] or _of_domain(session, letter.sender)
    return Place(thread, suggested=suggested)


def contact_at(session: Session, account_id: int, sender: str) -> int | None:
    """The contact of the account who has that address."""
    return _contacts(session, sender).get(account_id)


def _candidate(
    session: Session, settings: Settings, letter: Letter, parent: OutboxMessage | None, earlier: Sequence[Reply]
) -> tuple[int | None, MatchedBy]:
    """The account that the thread, or else the address written to, names."""
    if parent is not None and parent.account_id is not None:
        return parent.account_id, MatchedBy.THREAD
    for one in earlier:  # goes on where the same person wrote before
        if one.account_id is not None and one.sender == letter.sender:
            return one.account_id, MatchedBy.THREAD
    named = account_named(settings, letter.recipients)
    if named is not None and session.get(Account, named) is not None:
        return named, MatchedBy.TOKEN
    return None, MatchedBy.NOBODY


def _earlier(session: Session, parents: Sequence[str]) -> list[Reply]:
    """The messages that came in before and are answered by this one, the nearest first."""
    query = select(Reply).where(among(session, col(Reply.message_id), list(parents)))
    found = {one.message_id: one for one in session.exec(query)}
    return [found[one] for one in parents if one in found]


def _thread(session: Session, letter: Letter, parent: OutboxMessage | None, earlier: Sequence[Reply]) -> str:
    """The name of the exchange: by the reply or the message of ours that began it, else by the oldest one named."""
    if earlier:
        return earlier[0].thread
    if parent is not None and parent.purpose == ANSWER_PURPOSE:
        answered = session.get(Reply, int(parent.subject_ref.partition(":")[2] or 0))
        if answered is not None:
            return answered.thread
    if parent is not None:
        return f"outbox:{parent.id}"
    root = letter.parents[-1] if letter.parents else letter.message_id or letter.digest
    return f"mail:{hashlib.sha256(root.encode('utf-8', 'replace')).hexdigest()[:40]}"


def _contacts(session: Session, sender: str) -> dict[int, int]:
    """The accounts that have a contact of this address, each with the first such contact."""
    if not sender:
        return {}
    query = (
        select(Contact.account_id, func.min(col(Contact.id)))
        .where(func.lower(col(Contact.email)) == sender)
        .group_by(col(Contact.account_id))
        .order_by(col(Contact.account_id))
    )
    return {account_id: contact_id for account_id, contact_id in session.exec(query) if contact_id is not None}


def _of_domain(session: Session, sender: str) -> tuple[int, ...]:
    """The accounts with a contact in the sender's domain, unless everybody has addresses there: a suggestion only."""
    domain = sender.rpartition("@")[2]
    if not domain or _EVERYBODYS.fullmatch(domain):
        return ()
    pattern = "%@" + domain.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    query = select(Contact.account_id).where(func.lower(col(Contact.email)).like(pattern, escape="\\")).distinct()
    return tuple(session.exec(query.order_by(col(Contact.account_id)).limit(MOST_SUGGESTED)))


def _own_senders(session: Session, settings: Settings) -> set[str]:
    """The addresses that our own messages come from."""
    told = [one for one in session.exec(select(LegalEntity.email)) if one]
    found = set()
    for text in (*told, settings.mail_from, settings.reply_address):
        try:
            found.add(parse_address(text)[1].lower())
        except AddressError:
            continue
    return found
