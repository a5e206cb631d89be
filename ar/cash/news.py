"""What a gateway tells, taken in: checked against what was asked, then learnt."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, col, select

from ar.cash.apply import learn
from ar.cash.gateway import News
from ar.cash.models import Flow, Payment
from ar.cash.payment_states import Facts, PaymentState, merge
from ar.core.jobs import enqueue
from ar.core.money import plain

LOOK_JOB = "look-into-payment"
KEEP_JOB = "keep-method"
"""Jobs that ask the gateway for what its news only hint at: refunds of a part, and the method that was left."""


def payment_of(session: Session, gateway: str, news: News) -> Payment | None:
    """The payment that the news are of, locked: by our own name for it first, else by the gateway's."""
    ways = [
        (col(Payment.public_id), news.public_id),
        (col(Payment.gateway_session), news.session),
        (col(Payment.gateway_intent), news.intent),
    ]
    for column, value in ways:
        if value is None:
            continue
        query = select(Payment).where(column == value, Payment.gateway == gateway).with_for_update()
        found = session.exec(query.execution_options(populate_existing=True)).first()
        if found is not None:
            return found
    return None


def take(session: Session, payment: Payment, news: News, *, by: str, now: datetime) -> PaymentState:
    """Learn the news of a locked payment: the state. News that contradict what was asked are doubts, not facts."""
    doubts = set()
    asked = (payment.amount_minor, payment.currency)
    if news.amount_minor is not None and news.currency is not None and (news.amount_minor, news.currency) != asked:
        said = f"{plain(news.amount_minor, news.currency)} {news.currency}"
        doubts.add(f"the gateway says {said} where {plain(*asked)} {payment.currency} was asked")
    if news.session is not None and payment.gateway_session not in (None, news.session):
        doubts.add("the gateway has two payment pages for this payment")
    if doubts:
        told = replace(
            news.facts,
            succeeded_at=None,
            processing_at=None,
            authorised_at=None,
            captured_minor=None,
            funded_minor=0,
            doubts=frozenset(doubts),
        )
        return learn(session, payment, told, by=by, said=news.said, now=now)
    facts = news.facts
    if news.attempt is not None and payment.flow is Flow.CHARGE:
        facts = merge(facts, Facts(failed_at=news.attempt.at, failure=news.attempt.code))
    if news.session is not None:
        payment.gateway_session = news.session
    if news.intent is not None and payment.gateway_intent is None:
        payment.gateway_intent = news.intent
    state = learn(session, payment, facts, by=by, said=news.said, now=now)
    if news.look:
        enqueue(
            session,
            LOOK_JOB,
            {"payment_id": payment.id},
            dedup_key=f"{LOOK_JOB}:{payment.id}:{now.isoformat()}",
            now=now,
        )
    if state in (PaymentState.PENDING, PaymentState.SETTLED) and (payment.request or {}).get("save"):
        enqueue(session, KEEP_JOB, {"payment_id": payment.id}, dedup_key=f"{KEEP_JOB}:{payment.public_id}", now=now)
    return state
