"""From decisions to send to what is stored of them: notices with their items, and the messages, in bulk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlmodel import Session

from ar.core.access.models import User
from ar.core.db import among, bulk_insert, reserve_ids, table
from ar.core.outbox import Draft, queue
from ar.core.render import Renderer
from dunning import late, message, policies
from dunning.case import CustomerFacts, LateTerms
from dunning.decision import Send
from dunning.facts import InFlight
from dunning.message import Charged, Extras, Seller
from dunning.models import DunningNotice, DunningNoticeItem
from dunning.steps import Signer

LinkFor = Callable[[int, int], str]
"""The address of a customer's own page, from its account id and the epoch of its links."""


@dataclass(frozen=True)
class Means:
    """What a run needs from outside the database. `sender` is the address of sellers that have none of their own."""

    renderer: Renderer
    sender: str
    link_for: LinkFor
    in_flight: InFlight


class Sending(NamedTuple):
    """A message to write: to whom, what, and the customer's local day it is for."""

    facts: CustomerFacts
    send: Send
    day: date


class _Written(NamedTuple):
    """A message with everything that its text and its notice need."""

    notice_id: int
    sending: Sending
    seller: Seller
    terms: LateTerms | None
    charges: tuple[Charged, ...]
    signer: message.Signer | None

    @property
    def key(self) -> str:
        facts, send, day = self.sending
        return message.message_key(facts.account_id, send.entity_id, send.step.key, day)


def write(session: Session, sendings: Sequence[Sending], *, now: datetime, means: Means) -> list[int]:
    """Store the notices of these messages with their items, and put the messages into the outbox; the notices' ids.

    Raises RuntimeError when one of them was in the outbox before: the run that decided it did not see its notice.
    """
    ids = list(reserve_ids(session, DunningNotice, len(sendings)))
    written = _written(session, ids, sendings)
    bulk_insert(session, DunningNotice, [_notice(one, now) for one in written])
    bulk_insert(session, DunningNoticeItem, [row for one in written for row in _items(one)])
    drafts = [_draft(one, means) for one in written]
    queued = queue(session, drafts, now=now)
    if queued != len(drafts):
        raise RuntimeError(f"{len(drafts) - queued} reminders were in the outbox before their notices were written")
    return ids


def _written(session: Session, ids: Sequence[int], sendings: Sequence[Sending]) -> list[_Written]:
    sellers = policies.sellers(session, sorted({one.send.entity_id for one in sendings}))
    terms = late.terms_for(
        session, [(one.facts.account_id, sellers[one.send.entity_id].country, one.day) for one in sendings]
    )
    countries = {entity_id: seller.country for entity_id, seller in sellers.items()}
    charges = late.charges_for(session, [(one.facts, one.send, one.day) for one in sendings], countries)
    signers = _signers(session, sendings)
    return [
        _Written(
            notice_id,
            one,
            sellers[one.send.entity_id],
            announced,
            charged,
            signers.get(one.facts.owner_id) if one.send.step.signer is Signer.OWNER else None,
        )
        for notice_id, one, announced, charged in zip(ids, sendings, terms, charges, strict=True)
    ]


def _signers(session: Session, sendings: Sequence[Sending]) -> dict[int | None, message.Signer]:
    """The collectors who sign, by id, of the messages that one shall sign."""
    wanted = {one.facts.owner_id for one in sendings if one.send.step.signer is Signer.OWNER}
    user = table(User).c
    query = select(user.id, user.name, user.email).where(
        among(session, user.id, sorted(owner for owner in wanted if owner is not None)), user.active
    )
    return {row.id: message.Signer(row.name, row.email, None) for row in session.connection().execute(query)}


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


def _draft(one: _Written, means: Means) -> Draft:
    facts, send, day = one.sending
    assert facts.contact is not None
    language = means.renderer.language(facts.contact.language or facts.language)
    given = message.context(
        send,
        facts,
        one.seller,
        link=means.link_for(facts.account_id, facts.epoch),
        terms=one.terms,
        today=day,
        extras=Extras(one.signer, one.charges),
    )
    rendered = means.renderer.message(send.step.kind, language=language, **given)
    return Draft(
        dedup_key=one.key,
        purpose=message.PURPOSE,
        account_id=facts.account_id,
        subject_ref=f"notice:{one.notice_id}",
        recipient=facts.contact.email,
        sender=message.mailbox(one.seller.name, one.seller.email or means.sender),
        language=language,
        subject=rendered.subject,
        body_text=rendered.text,
        body_html=rendered.html,
    )
