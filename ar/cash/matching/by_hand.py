"""A person decides what money is for: a proposal taken as it stands, or parts typed; a short payment claimed or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from ar.cash.matching.aliases import Came, confirm_payers
from ar.cash.matching.check import used
from ar.cash.matching.facts import Difference, Incoming, Proposal
from ar.cash.matching.gather import as_ordered, incoming_lines, incoming_payments, open_lines
from ar.cash.matching.models import CashApplication, MatchProposal
from ar.cash.matching.policy import as_facts, policy_of
from ar.cash.matching.record import ApplicationError, Wish, apply_lines, apply_unapplied
from ar.core.db import among
from ar.core.errors import ConflictError, Fault, NotFoundError
from ar.core.jobs import enqueue_all
from ar.core.money import plain
from ar.customers.entities import entity
from ar.ledger.models import OpenItem

CLAIM_JOB = "claim-deduction"


class NothingWaitsError(ConflictError):
    """The money was applied, ignored or taken meanwhile."""

    code = "nothing-waits"


class ProposalNotFoundError(NotFoundError):
    code = "proposal-not-found"


@dataclass(frozen=True, slots=True)
class Deduction:
    """What a customer kept back of an item, and why: one of the reasons for disputes, and its words."""

    entry_id: int
    amount_minor: int
    reason: str
    text: str = ""


def apply_line(
    session: Session,
    line_id: int,
    wanted: Proposal,
    *,
    deductions: Sequence[Deduction] = (),
    by: str,
    now: datetime,
) -> int:
    """Apply an open bank line as `wanted` says: the id of the application.

    Parts that add up to what the payer ordered in another currency are of that currency.
    Each deduction is claimed as a dispute over its part of the item, which stays open. What is let off must be within
    the legal entity's tolerance, or an earned discount. Raises NothingWaitsError, ApplicationError.
    """
    lines = open_lines(session, [line_id])
    incoming = _one(incoming_lines(lines, {}), f"Bank line {line_id}")
    ordered, total = as_ordered(incoming, lines[0]), sum(part.amount_minor for part in wanted.parts)
    if ordered is not None and total == ordered.amount_minor != incoming.amount_minor:
        incoming = ordered
    _check_let_off(session, incoming, wanted)
    _check_deductions(session, wanted, deductions)
    proposed = _kept(session, col(MatchProposal.bank_line_id) == line_id)
    done = apply_lines(session, [Wish(incoming, wanted, by, automatic=False)], seen={}, now=now)
    made = _made(done.applied, line_id)
    accounts = sorted({part.account_id for part in wanted.parts})
    confirm_payers(
        session, [Came(incoming.payer_iban, incoming.payer_name, account_id) for account_id in accounts], now=now
    )
    _remember(session, made, proposed)
    _claim(session, made, deductions, by=by, now=now)
    return made


def apply_rest(session: Session, payment_id: int, wanted: Proposal, *, by: str, now: datetime) -> int:
    """Apply the money that a payment has unapplied as `wanted` says: the id of the application.

    Raises NothingWaitsError, ApplicationError.
    """
    incoming = _one(incoming_payments(session, [payment_id]), f"Payment {payment_id}")
    _check_let_off(session, incoming, wanted)
    proposed = _kept(session, col(MatchProposal.payment_id) == payment_id)
    done = apply_unapplied(session, [Wish(incoming, wanted, by, automatic=False)], seen={}, now=now)
    made = _made(done.applied, payment_id)
    _remember(session, made, proposed)
    return made


def proposal_of(session: Session, *, line_id: int | None = None, payment_id: int | None = None, rank: int) -> Proposal:
    """A proposal that was kept for a bank line or a payment. Raises ProposalNotFoundError."""
    query = select(MatchProposal).where(MatchProposal.rank == rank)
    if line_id is not None:
        query = query.where(MatchProposal.bank_line_id == line_id)
    else:
        query = query.where(MatchProposal.payment_id == payment_id)
    found = session.exec(query).first()
    if found is None:
        raise ProposalNotFoundError(f"There is no proposal {rank} for this money: it may have been matched anew")
    return Proposal.restored(found.content)


def _one(found: Sequence[Incoming], what: str) -> Incoming:
    if not found:
        raise NothingWaitsError(f"{what} has no money that waits: it was applied or ignored, or there is none")
    return found[0]


def _made(applied: object, source_id: int) -> int:
    assert isinstance(applied, dict)
    if source_id not in applied:
        raise NothingWaitsError("Somebody else applied this money a moment ago: look again")
    return int(applied[source_id])


def _check_let_off(session: Session, incoming: Incoming, wanted: Proposal) -> None:
    """Raises ApplicationError for a difference that nobody may let off here."""
    seller = entity(session, incoming.entity_id)
    policy = as_facts(policy_of(session, incoming.entity_id), own=seller.currency, currency=incoming.currency)
    items = _items(session, [one.entry_id for one in wanted.residuals])
    faults = []
    for n, one in enumerate(wanted.residuals):
        item = items.get(one.entry_id)
        if item is None:
            continue
        most = {
            Difference.WRITE_OFF: min(policy.tolerance_minor, item.amount_minor * policy.tolerance_bp // 10_000),
            Difference.BANK_CHARGES: max(policy.charges_minor, incoming.charges_minor or 0),
            Difference.DISCOUNT: item.discount_minor,
        }[one.difference]
        if one.amount_minor > most:
            said = f"at most {plain(most, incoming.currency)} {incoming.currency}"
            faults.append(
                Fault(f"/residuals/{n}/amount_minor", f"{said} can be let off here; the ledger writes off more")
            )
    if faults:
        raise ApplicationError(f"The money was not applied: {faults[0].pointer} {faults[0].message}", faults=faults)


def _check_deductions(session: Session, wanted: Proposal, deductions: Sequence[Deduction]) -> None:
    """Raises ApplicationError for a deduction of more than the money leaves open, or twice of one item."""
    items, taken = _items(session, [one.entry_id for one in deductions]), used(wanted)
    faults = []
    for n, one in enumerate(deductions):
        item = items.get(one.entry_id)
        left = 0 if item is None else item.open_minor - item.disputed_minor - taken[one.entry_id]
        if not 0 < one.amount_minor <= left:
            faults.append(Fault(f"/deductions/{n}/amount_minor", f"is not within the {left} minor units left open"))
    if len({one.entry_id for one in deductions}) != len(deductions):
        faults.append(Fault("/deductions", "names an item twice"))
    if faults:
        raise ApplicationError(f"The money was not applied: {faults[0].pointer} {faults[0].message}", faults=faults)


def _items(session: Session, entry_ids: Sequence[int]) -> dict[int, OpenItem]:
    found = session.exec(select(OpenItem).where(among(session, col(OpenItem.entry_id), sorted(set(entry_ids)))))
    return {item.entry_id: item for item in found}


def _kept(session: Session, which: object) -> list[dict[str, object]]:
    """What had been proposed, as it is learnt from: parts and evidence."""
    query = select(MatchProposal.content).where(which).order_by(col(MatchProposal.rank))  # type: ignore[arg-type]
    return [{"parts": content["parts"], "evidence": content["evidence"]} for content in session.exec(query)]


def _remember(session: Session, application_id: int, proposed: list[dict[str, object]]) -> None:
    if proposed:
        made = session.get_one(CashApplication, application_id)
        made.content = made.content | {"proposed": proposed}
        session.add(made)
        session.flush()


def _claim(session: Session, application_id: int, deductions: Sequence[Deduction], *, by: str, now: datetime) -> None:
    wanted = {
        f"{CLAIM_JOB}:{application_id}:{one.entry_id}": {
            "entry_id": one.entry_id,
            "amount_minor": one.amount_minor,
            "reason": one.reason,
            "text": one.text,
            "by": by,
        }
        for one in deductions
    }
    enqueue_all(session, CLAIM_JOB, wanted, now=now)
