"""A plan proposed by us or asked for by the customer, agreed on, ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from sqlalchemy import RowMapping, func
from sqlmodel import Session, col, select

from ar.cash.checkout import in_flight
from ar.cash.mandates.creditor import creditor
from ar.cash.mandates.manage import living_mandate
from ar.cash.mandates.models import MandateState
from ar.cash.plans.limits import ApprovalError, Limit, waits, why_above
from ar.cash.plans.models import Instalment, PaymentPlan, PlanApproval, PlanItem, PlanState
from ar.cash.plans.policy import Bounds, bounds_of
from ar.cash.plans.schedule import Part, monthly
from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.db import among, bulk_update
from ar.core.errors import ConflictError, DomainError, Fault, NotFoundError
from ar.customers.accounts import account
from ar.customers.models import Account
from ar.ledger.allocate import locked_items
from ar.ledger.models import EntryKind

PLANNED = (EntryKind.INVOICE, EntryKind.LATE_CHARGE)
"""The kinds of debit that a plan may hold."""

MAX_INSTALMENTS = 60
MAX_MONTHS = 60


class PlanError(DomainError):
    """The plan cannot be as it is given; the faults say where."""

    code = "bad-plan"


class PlanNotFoundError(NotFoundError):
    code = "plan-not-found"


class PlanStateError(ConflictError):
    """The plan is in no state for that, or what it was made for has changed."""

    code = "plan-state"


@dataclass(frozen=True)
class PlanDraft:
    """What of which items is paid when. Without `parts`, `count` monthly instalments from `first_on`."""

    account_id: int
    entry_ids: Sequence[int]
    count: int = 0
    first_on: date | None = None
    parts: Sequence[tuple[date, int]] = ()
    collected: bool = False
    note: str = ""


def propose_plan(
    session: Session, draft: PlanDraft, *, by: str, now: datetime, limit: Limit | None = None
) -> PaymentPlan:
    """A plan for the customer to agree to; until it does, nothing is held back.

    Above the `limit` of who proposes it (see limits.py; None is without limit), it waits for another's approval.
    Raises AccountNotFoundError, ItemNotFoundError, PlanError.
    """
    made = _made(session, draft, None, by=by, now=now)
    assert made.id is not None
    last = session.exec(select(func.max(Instalment.due_on)).where(Instalment.plan_id == made.id)).one()
    today = local_date(now, account(session, draft.account_id).time_zone)
    why = why_above(session, made, limit, last_on=last, today=today) if limit is not None else None
    if why is not None:
        session.add(PlanApproval(plan_id=made.id, why=why, asked_by=by))
        _say(session, made, "plan.approval_wanted", {"why": why}, by=by, now=now)
    return made


def ask_plan(session: Session, draft: PlanDraft, *, by: str, now: datetime) -> PaymentPlan:
    """A plan that the customer asked for within the seller's bounds: agreed at once. Raises as propose_plan()."""
    rows = locked_items(session, sorted(set(draft.entry_ids)))
    entities = {row["entity_id"] for row in rows.values()}
    if len(entities) != 1:
        raise PlanError(
            "A plan is for invoices of one seller", faults=[Fault("/entry_ids", "choose some of one seller")]
        )
    made = _made(session, draft, bounds_of(session, entities.pop()), by=by, now=now)
    assert made.id is not None
    return agree(session, made.id, by=by, now=now)


def _made(session: Session, draft: PlanDraft, bounds: Bounds | None, *, by: str, now: datetime) -> PaymentPlan:
    customer = account(session, draft.account_id)
    today = local_date(now, customer.time_zone)
    rows = _checked_items(session, draft)
    first = next(iter(rows.values()))
    amount = sum(row["open_minor"] for row in rows.values())
    parts = _parts(draft, customer, amount)
    _check_parts(parts, amount, today=today)
    if bounds is not None:
        _check_bounds(parts, bounds, today=today)
    if draft.collected:
        _check_mandate(session, draft.account_id, first["entity_id"], first["currency"], parts[0].due_on, today)
    made = PaymentPlan(
        entity_id=first["entity_id"],
        account_id=draft.account_id,
        currency=first["currency"],
        amount_minor=amount,
        collected=draft.collected,
        state=PlanState.PROPOSED,
        note=draft.note,
        made_by=by,
        made_at=now,
    )
    session.add(made)
    session.flush()
    assert made.id is not None
    for entry_id, row in rows.items():
        open_minor = row["open_minor"]
        session.add(PlanItem(plan_id=made.id, entry_id=entry_id, amount_minor=open_minor, open_minor=open_minor))
    for part in parts:
        session.add(Instalment(plan_id=made.id, number=part.number, due_on=part.due_on, amount_minor=part.amount_minor))
    session.flush()
    change = {
        "amount_minor": amount,
        "currency": made.currency,
        "items": sorted(rows),
        "instalments": [[part.due_on.isoformat(), part.amount_minor] for part in parts],
    }
    _say(session, made, "plan.proposed", change, by=by, now=now)
    return made


def _checked_items(session: Session, draft: PlanDraft) -> dict[int, RowMapping]:
    """The items, locked: open, uncontested, of this customer, one seller and one currency, in no other plan."""
    wanted = sorted(set(draft.entry_ids))
    if not wanted or len(wanted) != len(draft.entry_ids) or len(wanted) > 200:
        raise PlanError("Name from 1 to 200 items, each once", faults=[Fault("/entry_ids", "from 1 to 200, each once")])
    rows = locked_items(session, wanted)
    flying = in_flight(session, [draft.account_id])
    taken = _in_plans(session, wanted)
    first = rows[wanted[0]]
    faults = []
    for at, entry_id in enumerate(draft.entry_ids):
        row, wrong = rows[entry_id], ""
        if row["account_id"] != draft.account_id or row["side"] != 1 or row["kind"] not in PLANNED:
            wrong = "is not an invoice of this customer"
        elif (row["entity_id"], row["currency"]) != (first["entity_id"], first["currency"]):
            wrong = "is of another seller or currency: make a plan for each"
        elif not row["open_minor"]:
            wrong = "is paid"
        elif row["disputed_minor"]:
            wrong = "is contested: settle that first"
        elif entry_id in flying:
            wrong = "has a payment under way: wait for it"
        elif entry_id in taken:
            wrong = f"is in plan {taken[entry_id]}: end that one first"
        if wrong:
            faults.append(Fault(f"/entry_ids/{at}", f"item {row['reference'] or entry_id} {wrong}"))
    if faults:
        raise PlanError(f"The plan cannot be so: {faults[0].message}", faults=faults)
    return rows


def _in_plans(session: Session, entry_ids: Sequence[int]) -> dict[int, int]:
    """The plan, proposed or agreed, that each of these items is in."""
    query = (
        select(PlanItem.entry_id, PlanItem.plan_id)
        .join(PaymentPlan, col(PaymentPlan.id) == col(PlanItem.plan_id))
        .where(
            among(session, col(PlanItem.entry_id), entry_ids),
            col(PaymentPlan.state).in_((PlanState.PROPOSED, PlanState.AGREED)),
        )
    )
    return dict(session.exec(query).all())


def _parts(draft: PlanDraft, customer: Account, amount: int) -> list[Part]:
    if draft.parts:
        if len(draft.parts) > MAX_INSTALMENTS:
            raise PlanError(f"At most {MAX_INSTALMENTS} instalments", faults=[Fault("/instalments", "too many")])
        return [Part(n + 1, day, minor) for n, (day, minor) in enumerate(sorted(draft.parts))]
    if not 1 <= draft.count <= MAX_INSTALMENTS or draft.first_on is None:
        raise PlanError(
            f"Say how many instalments, 1 to {MAX_INSTALMENTS}, and the first day",
            faults=[Fault("/count", "is needed")],
        )
    return monthly(amount, draft.count, first_on=draft.first_on, country=customer.country)


def _check_parts(parts: Sequence[Part], amount: int, *, today: date) -> None:
    faults = []
    if any(part.amount_minor <= 0 for part in parts):
        faults.append(Fault("/instalments", "each is above zero"))
    if sum(part.amount_minor for part in parts) != amount:
        total = sum(part.amount_minor for part in parts)
        faults.append(Fault("/instalments", f"they sum to {total} minor units where {amount} are open"))
    if parts[0].due_on < today:
        faults.append(Fault("/first_on", "is over"))
    if parts[-1].due_on > today + relativedelta(months=MAX_MONTHS):
        faults.append(Fault("/instalments", f"the last is within {MAX_MONTHS} months"))
    if len({part.due_on for part in parts}) != len(parts):
        faults.append(Fault("/instalments", "each on a day of its own"))
    if faults:
        raise PlanError(f"The plan cannot be so: {faults[0].message}", faults=faults)


def _check_bounds(parts: Sequence[Part], bounds: Bounds, *, today: date) -> None:
    """What customers may ask for by themselves."""
    faults = []
    if not bounds.offered:
        faults.append(Fault("", "plans are agreed with us: please ask"))
    if len(parts) > bounds.max_instalments:
        faults.append(Fault("/count", f"at most {bounds.max_instalments} instalments"))
    if parts[0].due_on > today + timedelta(days=31):
        faults.append(Fault("/first_on", "the first is within a month"))
    if parts[-1].due_on > today + relativedelta(months=bounds.max_months):
        faults.append(Fault("/count", f"all is paid within {bounds.max_months} months"))
    if min(part.amount_minor for part in parts) < bounds.min_instalment_minor:
        faults.append(Fault("/count", "the instalments would be too small: choose fewer"))
    if faults:
        raise PlanError(f"This plan cannot be agreed on here: {faults[0].message}", faults=faults)


def _check_mandate(
    session: Session, account_id: int, entity_id: int, currency: str, first_on: date, today: date
) -> None:
    """Instalments can be debited: there is a mandate, and time to tell of the first."""
    mandate = living_mandate(session, account_id, entity_id)
    if currency != "EUR" or mandate is None or mandate.state is not MandateState.ACTIVE:
        message = "instalments are collected in euros, from a customer with a mandate in force"
        raise PlanError(message, faults=[Fault("/collected", message)])
    earliest = today + timedelta(days=1 + (mandate.notice_days or creditor(session, entity_id).notice_days))
    if first_on < earliest:
        message = f"a debit is announced before: the first instalment is on {earliest} or later"
        raise PlanError(f"The plan cannot be collected so: {message}", faults=[Fault("/first_on", message)])


def agree(session: Session, plan_id: int, *, by: str, now: datetime) -> PaymentPlan:
    """The customer says yes: while it keeps to the plan, nobody reminds it of the items.

    Raises PlanNotFoundError, PlanStateError when something was paid or contested since it was proposed.
    """
    found = locked_plan(session, plan_id)
    if found.state is not PlanState.PROPOSED:
        raise PlanStateError(f"The plan is {found.state.value}: it cannot be agreed on")
    if waits(session, plan_id):
        raise PlanStateError("The plan waits for the approval of another person")
    items = list(session.exec(select(PlanItem).where(PlanItem.plan_id == plan_id)))
    rows = locked_items(session, sorted(item.entry_id for item in items))
    for item in items:
        row = rows[item.entry_id]
        if row["open_minor"] != item.amount_minor or row["disputed_minor"]:
            raise PlanStateError("Something was paid or contested since the plan was proposed: make a new one")
    found.state, found.agreed_by, found.agreed_at = PlanState.AGREED, by, now
    _say(session, found, "plan.agreed", {}, by=by, now=now)
    return found


def approve(session: Session, plan_id: int, *, by: str, limit: Limit, now: datetime) -> PaymentPlan:
    """The plan approved by another person, whose own limit covers it: the customer may agree now.

    Raises PlanNotFoundError, PlanStateError, ApprovalError.
    """
    found = locked_plan(session, plan_id)
    asked = session.get(PlanApproval, plan_id, with_for_update=True)
    if found.state is not PlanState.PROPOSED or asked is None or asked.approved_at is not None:
        raise PlanStateError("The plan waits for nobody's approval")
    last = session.exec(select(func.max(Instalment.due_on)).where(Instalment.plan_id == plan_id)).one()
    why = why_above(session, found, limit, last_on=last, today=local_date(found.made_at, "UTC"))
    if by in (asked.asked_by, found.made_by):
        raise ApprovalError("Another person than who proposed the plan approves it")
    if why is not None:
        raise ApprovalError(f"The plan is above what you may grant: {why}")
    asked.approved_by, asked.approved_at = by, now
    session.add(asked)
    _say(session, found, "plan.approved", {}, by=by, now=now)
    return found


def end_plan(session: Session, plan_id: int, *, why: str, by: str, now: datetime) -> PaymentPlan:
    """Take back a proposal (cancelled), or end an agreed plan before it is paid: its items are asked for again.

    Raises PlanNotFoundError, PlanStateError.
    """
    found = locked_plan(session, plan_id)
    if found.state not in (PlanState.PROPOSED, PlanState.AGREED):
        raise PlanStateError(f"The plan is {found.state.value} already")
    over = PlanState.CANCELLED if found.state is PlanState.PROPOSED else PlanState.ENDED
    close(session, found, over, why=why, by=by, now=now)
    return found


def close(session: Session, found: PaymentPlan, over: PlanState, *, why: str, by: str, now: datetime) -> None:
    """A locked plan is over."""
    found.state, found.state_reason, found.over_at = over, why[:400], now
    _say(session, found, f"plan.{over.value}", {"why": why}, by=by, now=now)


def locked_plan(session: Session, plan_id: int) -> PaymentPlan:
    """The plan, locked until this transaction ends. Raises PlanNotFoundError."""
    query = select(PaymentPlan).where(PaymentPlan.id == plan_id).with_for_update()
    found = session.exec(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise PlanNotFoundError(f"There is no plan {plan_id}")
    return found


def mark(session: Session, plan_id: int, numbers: Sequence[int], column: str, *, now: datetime) -> None:
    """Note on these instalments of a plan that they were reminded of, met or missed."""
    query = select(Instalment.id).where(Instalment.plan_id == plan_id, among(session, col(Instalment.number), numbers))
    bulk_update(session, Instalment, [{"id": number, column: now} for number in session.exec(query)])


def _say(session: Session, found: PaymentPlan, action: str, change: dict[str, Any], *, by: str, now: datetime) -> None:
    session.add(found)
    session.flush()
    record(session, [Act(by, action, f"plan:{found.id}", change | {"account": found.account_id})], now=now)
