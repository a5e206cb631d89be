"""From decisions to send to what is stored of them: notices with their items, and the messages, in bulk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from ar.core.access.models import User
from ar.core.calendars import local_day_start
from ar.core.db import among, bulk_insert, reserve_ids, table
from ar.core.outbox import Draft, MessageChannel, queue
from ar.core.render import RenderedMessage, Renderer
from ar.customers.models import Channel
from dunning import late, message, policies
from dunning.calls.models import TaskSource
from dunning.calls.tasks import TaskDraft, add_tasks, step_key
from dunning.case import CustomerFacts, LateTerms
from dunning.decision import Send
from dunning.facts import InFlight
from dunning.ladder import timed
from dunning.message import Charged, Extras, Seller
from dunning.models import DunningNotice, DunningNoticeItem
from dunning.steps import Attach, Copy, Signer
from dunning.texts.copies import copies_for, links_for
from dunning.texts.headers import Thread, courtesy_headers, earlier_messages, thread_headers
from dunning.texts.live import Texts, texts_in_force

LinkFor = Callable[[int, int], str]
"""The address of a customer's own page, from its account id and the epoch of its links."""


@dataclass(frozen=True)
class Means:
    """What a run needs from outside the database. `sender` is the address of sellers that have none of their own;
    `stop_for` gives the address by which a contact opts out of courtesy mail, `answer_to` the one at which the answers
    of an account are read, when it is not the sender's."""

    renderer: Renderer
    sender: str
    link_for: LinkFor
    in_flight: InFlight
    stop_for: Callable[[int], str]
    answer_to: Callable[[int], str | None] = field(default=lambda _account_id: None)


class Sending(NamedTuple):
    """A message to write: to whom, what, and the customer's local day it is for."""

    facts: CustomerFacts
    send: Send
    day: date

    @property
    def entry_ids(self) -> tuple[int, ...]:
        return tuple(line.ask.item.entry_id for line in self.send.lines)


class _Written(NamedTuple):
    """A message with everything that its text and its notice need."""

    notice_id: int
    sending: Sending
    seller: Seller
    terms: LateTerms | None
    charges: tuple[Charged, ...]
    signer: message.Signer | None
    copies: Mapping[int, int]
    earlier: Sequence[str]

    @property
    def key(self) -> str:
        facts, send, day = self.sending
        return message.message_key(facts.account_id, send.entity_id, send.step.key, day)


def write(session: Session, sendings: Sequence[Sending], *, now: datetime, means: Means) -> list[int]:
    """Store the notices of these messages with their items, and put the messages into the outbox; the notices' ids.

    Raises RuntimeError when one of them was in the outbox before: the run that decided it did not see its notice.
    """
    ids = list(reserve_ids(session, DunningNotice, len(sendings)))
    owners = _owners(session, sendings)
    written = _written(session, ids, sendings, owners)
    bulk_insert(session, DunningNotice, [_notice(one, now) for one in written])
    bulk_insert(session, DunningNoticeItem, [row for one in written for row in _items(one)])
    add_tasks(session, [_call(one) for one in written if one.sending.send.channel is Channel.PHONE], now=now)
    texts = texts_in_force(session)
    drafts = [draft for one in written for draft in _drafts(one, owners, means, texts)]
    texts.note_failures(session, now=now)
    queued = queue(session, drafts, now=now)
    if queued != len(drafts):
        raise RuntimeError(f"{len(drafts) - queued} reminders were in the outbox before their notices were written")
    return ids


def _written(
    session: Session, ids: Sequence[int], sendings: Sequence[Sending], owners: Mapping[int, User]
) -> list[_Written]:
    sellers = policies.sellers(session, sorted({one.send.entity_id for one in sendings}))
    terms = late.terms_for(
        session, [(one.facts.account_id, sellers[one.send.entity_id].country, one.day) for one in sendings]
    )
    attached = [one.entry_ids if one.send.step.attach is Attach.COPIES else () for one in sendings]
    threads = [Thread(one.facts.account_id, one.send.entity_id, frozenset(one.entry_ids)) for one in sendings]
    countries = {entity_id: seller.country for entity_id, seller in sellers.items()}
    charges = late.charges_for(session, [(one.facts, one.send, one.day) for one in sendings], countries)
    return [
        _Written(
            notice_id,
            one,
            sellers[one.send.entity_id],
            announced,
            charged,
            _signer(one, owners),
            copies,
            earlier,
        )
        for notice_id, one, announced, charged, copies, earlier in zip(
            ids,
            sendings,
            terms,
            charges,
            copies_for(session, attached),
            earlier_messages(session, threads),
            strict=True,
        )
    ]


def _owners(session: Session, sendings: Sequence[Sending]) -> dict[int, User]:
    """The collectors, by id, who sign one of these messages or get a copy of it."""
    wanted = {
        one.facts.owner_id
        for one in sendings
        if one.send.step.signer is Signer.OWNER or Copy.OWNER in one.send.step.copies
    }
    ids = sorted(owner for owner in wanted if owner is not None)
    if not ids:
        return {}
    query = select(table(User)).where(among(session, col(User.id), ids), col(User.active))
    return {row["id"]: User(**row) for row in session.connection().execute(query).mappings()}


def _signer(one: Sending, owners: Mapping[int, User]) -> message.Signer | None:
    owner = owners.get(one.facts.owner_id or 0) if one.send.step.signer is Signer.OWNER else None
    return message.Signer(owner.name, owner.email, None) if owner is not None else None


def _notice(one: _Written, now: datetime) -> dict[str, Any]:
    facts, send, day = one.sending
    assert facts.contact is not None
    return {
        "id": one.notice_id,
        "account_id": facts.account_id,
        "entity_id": send.entity_id,
        "step": send.step.key,
        "cycle": day,
        "policy": send.policy.label,
        "contact_id": facts.contact.id,
        "channel": send.channel,
        "late": not send.step.courtesy,
        "message_key": one.key,
        "charges": [charge._asdict() for charge in one.charges] or None,
        "to_book": any(charge.book_minor for charge in one.charges),
        "written_at": now,
    }


def _items(one: _Written) -> Iterator[dict[str, Any]]:
    for line in one.sending.send.lines:
        yield {
            "notice_id": one.notice_id,
            "entry_id": line.ask.item.entry_id,
            "step": line.step.key,
            "offset_days": line.step.offset_days,
            "amount_minor": line.ask.amount_minor,
            "noticed_on": one.sending.day,
        }


def _call(one: _Written) -> TaskDraft:
    facts, send, day = one.sending
    return TaskDraft(
        key=step_key(facts.account_id, send.entity_id, send.step.key, day),
        account_id=facts.account_id,
        source=TaskSource.STEP,
        due_on=day,
        entity_id=send.entity_id,
        notice_id=one.notice_id,
        contact_id=facts.contact.id if facts.contact else None,
        entry_ids=one.sending.entry_ids,
    )


def _drafts(one: _Written, owners: Mapping[int, User], means: Means, texts: Texts) -> Iterator[Draft]:
    """The message, by its channel, and its copies; nothing for a call, which a person makes."""
    facts, send, _ = one.sending
    if send.channel is Channel.PHONE:
        return
    channel = MessageChannel(send.channel.value)
    draft = _draft(one, channel, means, texts)
    yield draft
    if channel is MessageChannel.EMAIL:
        for name, address in _copied(facts, send, owners):
            key = f"{one.key}:copy:{hashlib.sha256(address.encode()).hexdigest()[:12]}"
            recipient = message.mailbox(name, address)
            yield replace(draft, dedup_key=key, purpose=message.COPY_PURPOSE, recipient=recipient, headers={})


def _draft(one: _Written, channel: MessageChannel, means: Means, texts: Texts) -> Draft:
    facts, send, day = one.sending
    kind, wanted = send.step.kind, (facts.contact.language if facts.contact else None) or facts.language
    language = means.renderer.message_language(kind, wanted)
    link = means.link_for(facts.account_id, facts.epoch)
    missing = send.lines if send.step.attach is Attach.COPIES else ()
    linked = {
        line.ask.item.entry_id: line.ask.item.reference for line in missing if line.ask.item.entry_id not in one.copies
    }
    given = message.context(
        send,
        facts,
        one.seller,
        link=link,
        terms=one.terms,
        today=day,
        extras=Extras(one.signer, one.charges, links_for(link, linked)),
    )
    if channel is MessageChannel.SMS:
        spoken = RenderedMessage("", means.renderer.sms(kind, language=language, **given), "")
    else:
        spoken = texts.render(means.renderer, kind, language=language, entity_id=send.entity_id, context=given)
    sender = message.mailbox(one.seller.name, one.seller.email or means.sender)
    if channel is MessageChannel.LETTER:
        sender = one.seller.code
    elif channel is MessageChannel.SMS:
        sender = ""
    by_mail = channel is MessageChannel.EMAIL
    return Draft(
        dedup_key=one.key,
        purpose=message.PURPOSE,
        account_id=facts.account_id,
        subject_ref=f"notice:{one.notice_id}",
        recipient=message.recipient(facts, channel),
        sender=sender,
        language=language,
        subject=spoken.subject,
        body_text=spoken.text,
        body_html=spoken.html if by_mail else "",
        headers=_headers(one, sender, means) if by_mail else {},
        send_after=_best_hour(one.sending) if by_mail else None,
        attachments=list(dict.fromkeys(one.copies.values())) if by_mail else (),
        channel=channel,
    )


def _best_hour(sending: Sending) -> datetime | None:
    """The hour of the day at which the customer is used to act, where the policy goes by such habits; None for now."""
    facts, send, day = sending
    if facts.hour is None or not timed(send.policy, facts):
        return None
    return local_day_start(day, facts.zone, hour=facts.hour)


def _headers(one: _Written, sender: str, means: Means) -> dict[str, str]:
    """The thread that the message goes on with, and for a courtesy word the way out of them."""
    facts, send, _ = one.sending
    headers = thread_headers(one.earlier)
    answer_to = means.answer_to(facts.account_id)
    if answer_to is not None:
        headers["Reply-To"] = answer_to
    if send.step.courtesy and facts.contact is not None:
        headers |= courtesy_headers(means.stop_for(facts.contact.id), mailbox=answer_to or sender)
    return headers


def _copied(facts: CustomerFacts, send: Send, owners: Mapping[int, User]) -> list[tuple[str, str]]:
    """Names and addresses of those who get a copy, each once, the one written to left out."""
    found: dict[str, str] = {}
    for copy in send.step.copies:
        if copy is Copy.OWNER:
            owner = owners.get(facts.owner_id or 0)
            if owner is not None:
                found.setdefault(owner.email, owner.name)
            continue
        for person in facts.copied:
            if person.email and copy.value in person.roles:
                found.setdefault(person.email, person.name)
    own = facts.contact.email if facts.contact else ""
    return [(name, address) for address, name in found.items() if address != own]
