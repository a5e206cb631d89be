"""What is done at once: copies to the contact who asked, an end to courtesy mail, an advice put beside the money.

Only for a known contact of the customer, and only when the words are clear. An advice moves no money; copies go to the
address that we have of the contact, not to the one that the message claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from ar.cash.remittance.models import Channel
from ar.cash.remittance.read import Opened
from ar.cash.remittance.take import take_opened
from ar.core.jobs import enqueue
from ar.core.kernel import Kernel
from ar.customers.accounts import opt_out
from ar.customers.models import Contact
from dunning.facts import lock_accounts
from dunning.replies.kinds import ProposalKind, ProposalState, ReplyKind, ReplyState
from dunning.replies.models import Reply, ReplyProposal
from dunning.replies.propose import AT_ONCE

COPIES_JOB = "answer-reply"
_APART = timedelta(hours=24)
_MOST_A_DAY = 3
_DONE_WITH = frozenset({ReplyKind.COPY, ReplyKind.UNSUBSCRIBE, ReplyKind.REMITTANCE})
"""Kinds of which nothing is left for a person once the safe things are done."""


def do_safe(
    session: Session,
    kernel: Kernel,
    reply: Reply,
    proposals: Sequence[ReplyProposal],
    *,
    advice: Opened | None,
    to_answer: bool,
    now: datetime,
) -> None:
    """Do what is safe of `proposals`, and close the reply when nothing is left for a person."""
    known = reply.account_id is not None and reply.contact_id is not None
    for one in proposals:
        if one.kind is ProposalKind.REMITTANCE and advice is not None:
            taken = take_opened(
                session, kernel, advice, channel=Channel.EMAIL, account_id=reply.account_id, by="system", now=now
            )
            _done(one, {"advice_id": taken.id}, now=now)
        elif not known or one.sureness < AT_ONCE:
            continue
        elif one.kind is ProposalKind.OPT_OUT:
            assert reply.account_id is not None
            assert reply.contact_id is not None
            opt_out(session, reply.account_id, reply.contact_id, by="system", now=now)
            _done(one, {"contact_id": reply.contact_id}, now=now)
        elif one.kind is ProposalKind.COPY and not to_answer and may_answer(session, reply, now=now):
            want_copies(session, one, contact_id=reply.contact_id or 0, by="system", now=now)
            _done(one, {"contact_id": reply.contact_id}, now=now)
            session.flush()
    if reply.kind in _DONE_WITH and proposals and all(one.state is ProposalState.DONE for one in proposals):
        reply.state, reply.handled_by, reply.handled_at = ReplyState.HANDLED, "system", now


def _done(one: ReplyProposal, result: dict[str, int | None], *, now: datetime) -> None:
    one.state, one.result, one.decided_by, one.decided_at = ProposalState.DONE, result, "system", now


def want_copies(session: Session, one: ReplyProposal, *, contact_id: int, by: str, now: datetime) -> bool:
    """Have the copies of a proposal sent to the contact, once."""
    arguments = {"reply_id": one.reply_id, "proposal_id": one.id, "contact_id": contact_id, "by": by}
    return enqueue(session, COPIES_JOB, arguments, dedup_key=f"{COPIES_JOB}:{one.id}", now=now)


def may_answer(session: Session, reply: Reply, *, now: datetime) -> bool:
    """Whether an answer may go out by itself: none in this thread for 24 hours, and few to this customer.

    What answers an automatic answer of ours never gets another (the caller knows that): two machines that answer each
    other end with the first answer.
    """
    contact = session.get(Contact, reply.contact_id)
    if contact is None or contact.bounced_at is not None or (contact.email or "").lower() != reply.sender:
        return False
    assert reply.account_id is not None
    lock_accounts(session, [reply.account_id])  # two letters at once: the second sees what the first was answered
    query = (
        select(col(Reply.thread))
        .join(ReplyProposal, col(ReplyProposal.reply_id) == col(Reply.id))
        .where(
            col(Reply.account_id) == reply.account_id,
            col(ReplyProposal.kind) == ProposalKind.COPY,
            col(ReplyProposal.state) == ProposalState.DONE,
            col(ReplyProposal.decided_at) > now - _APART,
        )
    )
    answered = list(session.connection().execute(query).scalars())
    return len(answered) < _MOST_A_DAY and reply.thread not in answered
