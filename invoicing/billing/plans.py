"""Subscriptions: entering one, changing its price from a day on, ending it, mending its references."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.audit import Act, record
from ar.core.errors import ConflictError, DomainError, Fault, NotFoundError
from ar.core.i18n import marked as _
from ar.core.money import exponent
from ar.customers.accounts import account
from ar.customers.entities import entity
from invoicing import terms
from invoicing.billing.gather import plan_facts
from invoicing.billing.models import (
    Alignment,
    BillingPlan,
    BillingPlanLine,
    BillingPlanPeriod,
    BillingPlanPrice,
    Every,
)
from invoicing.billing.periods import bill_on, next_on, periods
from invoicing.models import Invoice, SupplyKind, TaxCategory
from invoicing.terms import TermsError
from invoicing.totals import ONE, Line, totals


class PlanError(DomainError):
    """The plan cannot be so; the faults say where and why."""

    code = "bad-billing-plan"


class PlanConflictError(ConflictError):
    """There is another plan under that reference."""

    code = "plan-reference-taken"


class PlanNotFoundError(NotFoundError):
    code = "billing-plan-not-found"


@dataclass(frozen=True)
class PlanLineDraft:
    """What is billed for a whole period."""

    description: str
    quantity_millionths: int
    unit_price_millionths: int
    category: TaxCategory
    rate_bp: int
    supply: SupplyKind = SupplyKind.SERVICES
    unit: str = ONE
    item_code: str = ""
    exemption: str = ""


@dataclass(frozen=True)
class PlanDraft:
    """A subscription to bill from `starts_on` to `ends_on`, or without end."""

    entity_id: int
    account_id: int
    reference: str
    lines: Sequence[PlanLineDraft]
    every: Every
    starts_on: date
    ends_on: date | None = None
    in_advance: bool = True
    alignment: Alignment = Alignment.CALENDAR
    currency: str | None = None
    terms: str = ""
    purchase_order: str = ""
    buyer_reference: str = ""
    note: str = ""


@dataclass(frozen=True)
class PlanDetail:
    """A plan whole; `prices` are by the id of its line, `periods` with the invoice of each, the last one first."""

    plan: BillingPlan
    lines: Sequence[BillingPlanLine]
    prices: Mapping[int, Sequence[BillingPlanPrice]]
    periods: Sequence[tuple[BillingPlanPeriod, Invoice]]


def add_plan(session: Session, draft: PlanDraft, *, by: str, now: datetime) -> BillingPlan:
    """The plan of that reference: added now, or the one that came before with the same content.

    Raises EntityNotFoundError, AccountNotFoundError, CurrencyError, TotalsError, PlanError, PlanConflictError.
    """
    digest = hashlib.sha256(json.dumps(asdict(draft), sort_keys=True, default=str).encode()).hexdigest()
    if known := _known(session, draft, digest):
        return known
    entity(session, draft.entity_id)
    currency = draft.currency or account(session, draft.account_id).currency
    exponent(currency)
    totals([_line(line) for line in draft.lines], currency)
    if faults := _faults(draft):
        raise PlanError(f"The plan was not added: {faults[0].message}", faults=faults)
    plan = BillingPlan(
        entity_id=draft.entity_id,
        account_id=draft.account_id,
        reference=draft.reference,
        digest=digest,
        every=draft.every,
        alignment=draft.alignment,
        in_advance=draft.in_advance,
        starts_on=draft.starts_on,
        ends_on=draft.ends_on,
        next_on=_first_on(draft),
        currency=currency,
        terms=str(terms.parse(draft.terms)) if draft.terms else "",
        purchase_order=draft.purchase_order,
        buyer_reference=draft.buyer_reference,
        note=draft.note,
        entered_by=by,
        entered_at=now,
    )
    try:
        with session.begin_nested():
            session.add(plan)
            session.flush()
    except IntegrityError:  # somebody else added it meanwhile
        known = _known(session, draft, digest)
        if known is None:
            raise
        return known
    assert plan.id is not None
    _write_lines(session, plan.id, draft)
    change = {"plan": plan.id, "reference": plan.reference}
    record(session, [Act(by, "billing_plan.added", f"account:{plan.account_id}", change)], now=now)
    return plan


def _known(session: Session, draft: PlanDraft, digest: str) -> BillingPlan | None:
    query = select(BillingPlan).where(
        col(BillingPlan.entity_id) == draft.entity_id, col(BillingPlan.reference) == draft.reference
    )
    known = session.exec(query).first()
    if known is not None and known.digest != digest:
        raise PlanConflictError(
            f"There is another plan under the reference {draft.reference}: number {known.id}",
            faults=[Fault("/reference", _("this reference is taken by another plan"))],
        )
    return known


def _line(line: PlanLineDraft) -> Line:
    return Line(
        line.description,
        line.quantity_millionths,
        line.unit_price_millionths,
        line.category,
        line.rate_bp,
        exemption=line.exemption,
        supply=line.supply,
    )


def _faults(draft: PlanDraft) -> list[Fault]:
    faults = []
    if draft.ends_on is not None and draft.ends_on < draft.starts_on:
        faults.append(Fault("/ends_on", _("a plan does not end before it starts")))
    for n, line in enumerate(draft.lines):
        if line.quantity_millionths < 0:
            faults.append(Fault(f"/lines/{n}/quantity", _("what is subscribed to is above zero")))
    try:
        terms.parse(draft.terms or "net 30")
    except TermsError as error:
        faults.append(Fault("/terms", error.message))
    return faults


def _first_on(draft: PlanDraft) -> date:
    first = next(periods(draft.every, draft.alignment, draft.starts_on, draft.ends_on))
    return bill_on(first, in_advance=draft.in_advance)


def _write_lines(session: Session, plan_id: int, draft: PlanDraft) -> None:
    rows = [
        BillingPlanLine(
            plan_id=plan_id,
            position=position,
            supply=line.supply,
            description=line.description,
            item_code=line.item_code,
            quantity_millionths=line.quantity_millionths,
            unit=line.unit,
            tax_category=line.category,
            tax_rate_bp=line.rate_bp,
            exemption=line.exemption,
        )
        for position, line in enumerate(draft.lines, start=1)
    ]
    session.add_all(rows)
    session.flush()
    session.add_all(
        BillingPlanPrice(line_id=row.id, valid_from=draft.starts_on, unit_price_millionths=line.unit_price_millionths)
        for row, line in zip(rows, draft.lines, strict=True)
        if row.id is not None
    )
    session.flush()


def plan(session: Session, plan_id: int) -> BillingPlan:
    """Raises PlanNotFoundError."""
    found = session.get(BillingPlan, plan_id)
    if found is None:
        raise PlanNotFoundError(f"There is no billing plan {plan_id}")
    return found


def search_plans(*, account_id: int | None = None, entity_id: int | None = None) -> SelectOfScalar[BillingPlan]:
    query = select(BillingPlan)
    if account_id is not None:
        query = query.where(col(BillingPlan.account_id) == account_id)
    return query if entity_id is None else query.where(col(BillingPlan.entity_id) == entity_id)


def plan_detail(session: Session, plan_id: int) -> PlanDetail:
    """Raises PlanNotFoundError."""
    found = plan(session, plan_id)
    lines = _lines(session, plan_id)
    of_it = select(BillingPlanPrice).join(BillingPlanLine, col(BillingPlanLine.id) == col(BillingPlanPrice.line_id))
    of_it = of_it.where(col(BillingPlanLine.plan_id) == plan_id).order_by(col(BillingPlanPrice.valid_from))
    prices: dict[int, list[BillingPlanPrice]] = {line.id: [] for line in lines if line.id is not None}
    for price in session.exec(of_it):
        prices[price.line_id].append(price)
    billed = select(BillingPlanPeriod, Invoice).join(Invoice, col(Invoice.id) == col(BillingPlanPeriod.invoice_id))
    billed = billed.where(col(BillingPlanPeriod.plan_id) == plan_id).order_by(col(BillingPlanPeriod.period_from).desc())
    return PlanDetail(found, lines, prices, [(period, document) for period, document in session.exec(billed)])


def change_price(
    session: Session,
    plan_id: int,
    position: int,
    *,
    unit_price_millionths: int,
    valid_from: date,
    by: str,
    now: datetime,
) -> BillingPlan:
    """The plan, its line at `position` having another price for a whole period from a day on.

    Raises PlanNotFoundError, PlanError for a day that is billed already or has a price of its own.
    """
    found = _locked(session, plan_id)
    line = next((line for line in _lines(session, plan_id) if line.position == position), None)
    if line is None or line.id is None:
        raise PlanError("No price was changed", faults=[Fault("/position", f"the plan has no line {position}")])
    faults = [] if unit_price_millionths >= 0 else [Fault("/unit_price", _("a price is not negative"))]
    if valid_from <= (_billed_to(session, plan_id) or found.starts_on):
        later = _("this day is billed already, or the plan starts then: choose a later one")
        faults.append(Fault("/valid_from", later))
    elif session.get(BillingPlanPrice, (line.id, valid_from)) is not None:
        faults.append(Fault("/valid_from", _("there is a price from that day on already")))
    if faults:
        raise PlanError(f"No price was changed: {faults[0].message}", faults=faults)
    session.add(BillingPlanPrice(line_id=line.id, valid_from=valid_from, unit_price_millionths=unit_price_millionths))
    told = {"position": position, "valid_from": valid_from, "unit_price_millionths": unit_price_millionths}
    return _changed(session, found, "price_changed", told, by=by, now=now)


def end_plan(session: Session, plan_id: int, *, ends_on: date, by: str, now: datetime) -> BillingPlan:
    """The plan, its last day set. Raises PlanNotFoundError, PlanError for a day before what is billed."""
    found = _locked(session, plan_id)
    if ends_on < max(_billed_to(session, plan_id) or found.starts_on, found.starts_on):
        message = _("the plan is billed beyond that day: choose a later one, and credit what is too much")
        raise PlanError(f"The plan was not ended: {message}", faults=[Fault("/ends_on", message)])
    found.ends_on = ends_on
    return _changed(session, found, "ended", {"ends_on": ends_on}, by=by, now=now)


def mend_plan(
    session: Session, plan_id: int, *, purchase_order: str | None, buyer_reference: str | None, by: str, now: datetime
) -> BillingPlan:
    """The plan with its references for the invoices to come; None leaves as it is. Raises PlanNotFoundError."""
    found = _locked(session, plan_id)
    found.purchase_order = found.purchase_order if purchase_order is None else purchase_order
    found.buyer_reference = found.buyer_reference if buyer_reference is None else buyer_reference
    told = {"purchase_order": found.purchase_order, "buyer_reference": found.buyer_reference}
    return _changed(session, found, "mended", told, by=by, now=now)


def _locked(session: Session, plan_id: int) -> BillingPlan:
    query = select(BillingPlan).where(col(BillingPlan.id) == plan_id).with_for_update()
    found = session.exec(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise PlanNotFoundError(f"There is no billing plan {plan_id}")
    return found


def _lines(session: Session, plan_id: int) -> list[BillingPlanLine]:
    query = select(BillingPlanLine).where(col(BillingPlanLine.plan_id) == plan_id)
    return list(session.exec(query.order_by(col(BillingPlanLine.position))))


def _billed_to(session: Session, plan_id: int) -> date | None:
    query = select(BillingPlanPeriod).where(col(BillingPlanPeriod.plan_id) == plan_id)
    last = session.exec(query.order_by(col(BillingPlanPeriod.period_from).desc()).limit(1)).first()
    return last.period_to if last else None


def _changed(
    session: Session, found: BillingPlan, verb: str, told: Mapping[str, object], *, by: str, now: datetime
) -> BillingPlan:
    session.flush()
    [facts] = plan_facts(session, [found])
    found.next_on = next_on(facts)
    found.version += 1
    session.flush()
    change = {"plan": found.id, "reference": found.reference, **told}
    record(session, [Act(by, f"billing_plan.{verb}", f"account:{found.account_id}", change)], now=now)
    return found
