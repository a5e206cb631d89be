"""Choosing another policy for one customer, or for one of its invoices; or none at all."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.errors import DomainError, Fault, NotFoundError
from ar.customers.accounts import account
from ar.ledger.models import OpenItem
from dunning.holds import reconsider
from dunning.models import DunningChoice
from dunning.policies import policies_in_force
from dunning.policy import NO_POLICY


class ChoiceError(DomainError):
    """The choice cannot be made as given; faults say where."""

    code = "bad-policy-choice"


class ChoiceNotFoundError(NotFoundError):
    code = "policy-choice-not-found"


def choose(
    session: Session, account_id: int, policy: str, *, entry_id: int | None, reason: str, by: str, now: datetime
) -> DunningChoice:
    """Give the customer, or one of its items, the policy of that name from now on; NO_POLICY for no automatic word.

    A choice made before for the same is ended. Raises AccountNotFoundError, or ChoiceError for a name that is not in
    force, an item that is not the customer's, or a reason that is empty.
    """
    account(session, account_id)
    faults = []
    if policy != NO_POLICY and policy not in policies_in_force(session, now=now).by_name:
        faults.append(Fault("/policy", f"no policy named {policy[:60]!r} is in force"))
    if not reason.strip():
        faults.append(Fault("/reason", "say why: the reason is shown to colleagues"))
    if entry_id is not None:
        item = session.get(OpenItem, entry_id)
        if item is None or item.account_id != account_id:
            faults.append(Fault("/entry_id", f"item {entry_id} is not one of this customer"))
    if faults:
        raise ChoiceError(faults[0].message, faults=faults)
    standing = select(DunningChoice).where(
        DunningChoice.account_id == account_id,
        col(DunningChoice.ended_at).is_(None),
        col(DunningChoice.entry_id).is_(None) if entry_id is None else DunningChoice.entry_id == entry_id,
    )
    for earlier in session.exec(standing.with_for_update()):
        earlier.ended_at, earlier.ended_by = now, by
    session.flush()
    made = DunningChoice(
        account_id=account_id,
        entry_id=entry_id,
        policy=policy,
        reason=reason.strip()[:400],
        made_by=by,
        created_at=now,
    )
    session.add(made)
    session.flush()
    reconsider(session, account_id)
    change = {"policy": policy, "entry_id": entry_id, "reason": made.reason}
    record(session, [Act(by, "dunning.policy_chosen", f"account:{account_id}", change)], now=now)
    return made


def end_choice(session: Session, choice_id: int, *, by: str, now: datetime) -> DunningChoice:
    """Go back to the usual policy; ending what has ended changes nothing. Raises ChoiceNotFoundError."""
    made = session.get(DunningChoice, choice_id, with_for_update=True)
    if made is None:
        raise ChoiceNotFoundError(f"there is no choice of a policy {choice_id}")
    if made.ended_at is None:
        made.ended_at, made.ended_by = now, by
        reconsider(session, made.account_id)
        record(
            session, [Act(by, "dunning.policy_unchosen", f"account:{made.account_id}", {"choice": choice_id})], now=now
        )
    return made
