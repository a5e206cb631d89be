"""What a person decides about a reply: whose it is, which proposals to follow, and when it is handled."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.errors import ConflictError, NotFoundError
from ar.customers.accounts import account
from dunning.replies.follow import FOLLOW, Changes, ProposalError
from dunning.replies.kinds import MatchedBy, ProposalState, ReplyState
from dunning.replies.models import Reply, ReplyProposal
from dunning.replies.take import propose_again
from dunning.replies.thread import contact_at
from dunning.replies.understand import Likely


class ReplyNotFoundError(NotFoundError):
    code = "reply-not-found"


class ProposalNotFoundError(NotFoundError):
    code = "proposal-not-found"


class ProposalDecidedError(ConflictError):
    """The proposal was dismissed, or is another one than before."""

    code = "proposal-decided"


def reply_by_id(session: Session, reply_id: int, *, lock: bool = False) -> Reply:
    """Raises ReplyNotFoundError."""
    found = session.get(Reply, reply_id, with_for_update=lock or None)
    if found is None:
        raise ReplyNotFoundError(f"There is no reply {reply_id}")
    return found


def assign(session: Session, reply_id: int, account_id: int, *, likely: Likely, by: str, now: datetime) -> Reply:
    """Set a reply to its customer, and propose anew in the light of its invoices. Nothing is done by itself.

    Raises ReplyNotFoundError, AccountNotFoundError, or ConflictError once something was done for another customer.
    """
    found = reply_by_id(session, reply_id, lock=True)
    account(session, account_id)
    if found.account_id == account_id:
        return found
    done = select(ReplyProposal.id).where(
        ReplyProposal.reply_id == reply_id,
        col(ReplyProposal.state).in_((ProposalState.ACCEPTED, ProposalState.DONE)),
    )
    if found.account_id is not None and session.exec(done).first() is not None:
        raise ProposalDecidedError("Something was done already for the customer that it was set to")
    found.account_id, found.matched_by = account_id, MatchedBy.PERSON
    found.contact_id = contact_at(session, account_id, found.sender)
    session.flush()
    propose_again(session, found, likely=likely, now=now)
    record(session, [Act(by, "reply.assigned", f"reply:{reply_id}", {"account": account_id})], now=now)
    return found


def handle(session: Session, reply_id: int, *, by: str, now: datetime) -> Reply:
    """A person is done with a reply: reminders wait for it no longer. Doing it twice changes nothing.

    Raises ReplyNotFoundError.
    """
    found = reply_by_id(session, reply_id, lock=True)
    if found.state is ReplyState.OPEN:
        found.state, found.handled_by, found.handled_at = ReplyState.HANDLED, by, now
        session.flush()
        record(session, [Act(by, "reply.handled", f"reply:{reply_id}", {})], now=now)
    return found


def dismiss(session: Session, proposal_id: int, *, by: str, now: datetime) -> ReplyProposal:
    """Lay a proposal aside; doing it twice changes nothing. Raises ProposalNotFoundError, ProposalDecidedError."""
    one, reply = _locked(session, proposal_id)
    if one.state is ProposalState.OPEN:
        _decided(session, one, reply, ProposalState.DISMISSED, {}, by=by, now=now)
    elif one.state is not ProposalState.DISMISSED:
        raise ProposalDecidedError("It was done already")
    return one


def accept(
    session: Session, proposal_id: int, *, by: str, now: datetime, changes: Changes | None = None
) -> ReplyProposal:
    """Do what is proposed; a second time does nothing more. With the last open proposal the reply is handled.

    Raises ProposalNotFoundError, ProposalDecidedError, ProposalError, or what the thing done raises.
    """
    one, reply = _locked(session, proposal_id)
    if one.state in (ProposalState.ACCEPTED, ProposalState.DONE):
        return one
    if one.state is ProposalState.DISMISSED:
        raise ProposalDecidedError("The proposal was laid aside")
    if reply.account_id is None:
        raise ProposalError("Say first whose message this is")
    result = FOLLOW[one.kind](session, reply, one, changes or Changes(), by, now)
    _decided(session, one, reply, ProposalState.ACCEPTED, result, by=by, now=now)
    return one


def _locked(session: Session, proposal_id: int) -> tuple[ReplyProposal, Reply]:
    """The proposal and its reply, which is locked first: proposals of one reply are decided one after the other."""
    owner = session.exec(select(ReplyProposal.reply_id).where(ReplyProposal.id == proposal_id)).first()
    if owner is None:
        raise ProposalNotFoundError(f"There is no proposal {proposal_id}")
    reply = reply_by_id(session, owner, lock=True)
    one = session.get(ReplyProposal, proposal_id, with_for_update=True, populate_existing=True)
    if one is None:
        raise ProposalNotFoundError(f"There is no proposal {proposal_id}")
    return one, reply


def _decided(
    session: Session,
    one: ReplyProposal,
    reply: Reply,
    state: ProposalState,
    result: dict[str, Any],
    *,
    by: str,
    now: datetime,
) -> None:
    one.state, one.result, one.decided_by, one.decided_at = state, result, by, now
    session.flush()
    verb = "accepted" if state is ProposalState.ACCEPTED else "dismissed"
    change = {"proposal": one.id, "kind": one.kind.value, "result": result}
    record(session, [Act(by, f"reply.proposal_{verb}", f"reply:{reply.id}", change)], now=now)
    open_left = select(ReplyProposal.id).where(
        ReplyProposal.reply_id == reply.id, ReplyProposal.state == ProposalState.OPEN
    )
    if state is ProposalState.ACCEPTED and session.exec(open_left).first() is None:
        assert reply.id is not None
        handle(session, reply.id, by=by, now=now)
