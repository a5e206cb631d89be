"""How a text would read to a customer: on its next message, else on what it has open, else on a sample."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from ar.core.clock import local_date
from ar.core.render import RenderedMessage, Renderer
from ar.customers.accounts import account
from dunning import late, message, policies
from dunning.case import ContactFacts, CustomerFacts
from dunning.decision import Line, Send, asks
from dunning.facts import InFlight, gather
from dunning.steps import Step
from dunning.texts.edit import TextDraft, TextError, faults_of
from dunning.texts.examine import Examined
from dunning.texts.samples import sample
from dunning.texts.sandbox import TextRefusedError
from dunning.texts.speak import make_ready, speak
from dunning.worklist.told import foreseen

_NOBODY = ContactFacts(0, "", "")


@dataclass(frozen=True)
class Preview:
    """`on` is the day it would leave at the earliest; None when it shows invoices of which nothing is due to be said,
    or, with `made_up`, a sample."""

    message: RenderedMessage
    on: date | None
    made_up: bool


def preview(
    session: Session,
    renderer: Renderer,
    draft: TextDraft,
    account_id: int,
    *,
    now: datetime,
    link: str,
    in_flight: InFlight,
) -> Preview:
    """The draft as the customer would read it at `now`, with `link` for its page.

    Raises AccountNotFoundError, and TextError when the draft cannot be rendered.
    """
    found = account(session, account_id)
    assert found.id is not None
    [facts] = gather(session, [found.id], now=now, in_flight=in_flight)
    facts = replace(facts, contact=facts.contact or _NOBODY)
    today = local_date(now, found.time_zone)
    on, send = _next_message(session, facts, draft, now=now, today=today)
    given = _given(session, facts, send, link, on or today)
    try:
        spoken = make_ready(renderer, draft.words, draft.language)
        return Preview(speak(renderer, spoken, given), on, send is None)
    except TextRefusedError as error:
        failed = Examined((error.fault,), (), 0, (), None)
        raise TextError("The text cannot be filled in", faults=faults_of(failed)) from error


def _next_message(
    session: Session, facts: CustomerFacts, draft: TextDraft, *, now: datetime, today: date
) -> tuple[date | None, Send | None]:
    in_force = policies.policies_in_force(session, now=now)
    coming = foreseen(facts, in_force, today=today)
    if coming is not None:
        return coming[0], coming[1]
    open_now = [ask for ask in asks(facts) if ask.amount_minor]
    if not open_now:
        return None, None
    entity_id = open_now[0].item.entity_id
    policy = in_force.of(entity_id) or in_force.company
    step = Step("preview", 1, draft.kind, draft.tone)
    lines = tuple(Line(ask, step) for ask in open_now if ask.item.entity_id == entity_id)
    return None, Send(facts.account_id, entity_id, step, policy, lines)


def _given(session: Session, facts: CustomerFacts, send: Send | None, link: str, day: date) -> dict[str, Any]:
    if send is None:
        return sample() | {"customer": facts, "contact": facts.contact, "link": link}
    seller = policies.sellers(session, [send.entity_id])[send.entity_id]
    [terms] = late.terms_for(session, [(facts.account_id, seller.country, day)])
    return message.context(send, facts, seller, link=link, terms=terms, today=day)
