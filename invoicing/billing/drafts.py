"""Drafts between the run that made them and the customer: approved or not, issued, or discarded with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.db import among, bulk_update
from ar.core.errors import ConflictError, ForbiddenError
from invoicing.billing.gather import plan_facts
from invoicing.billing.models import BillingDocument, BillingPlan, BillingPlanPeriod
from invoicing.billing.periods import next_on
from invoicing.billing.rules import pick, rules_for
from invoicing.documents import InvoiceNotFoundError
from invoicing.draft import InvoiceDraft, approve, discard, draft_all, locked_drafts
from invoicing.issue import issue_all
from invoicing.models import Invoice, InvoiceLine, InvoiceState, InvoiceTax
from invoicing.orders.amounts import state_of, unbilled_minor
from invoicing.orders.find import COUNTED, lines_of, stages_of
from invoicing.orders.models import OrderBilling, OrderLine, OrderStage, OrderState, SalesOrder


class OwnDraftError(ForbiddenError):
    """Who wrote a draft by hand does not approve it where the customer's rule wants approval."""

    code = "own-draft"


class NotApprovedError(ConflictError):
    """The customer's rule wants the draft approved first."""

    code = "not-approved"


@dataclass(frozen=True)
class DraftDetail:
    """A draft whole. `needs_approval` as long as the rule wants one and nobody gave it; `orders` is what it bills."""

    document: Invoice
    lines: Sequence[InvoiceLine]
    taxes: Sequence[InvoiceTax]
    needs_approval: bool
    orders: Sequence[SalesOrder]


def drafts(*, account_id: int | None = None) -> SelectOfScalar[Invoice]:
    """The documents that are drafts, of one account if given."""
    query = select(Invoice).where(col(Invoice.state) == InvoiceState.DRAFT)
    return query if account_id is None else query.where(col(Invoice.account_id) == account_id)


def draft_detail(session: Session, document_id: int) -> DraftDetail:
    """Raises InvoiceNotFoundError, also for a document that is issued."""
    document = session.get(Invoice, document_id)
    if document is None or document.state is not InvoiceState.DRAFT:
        raise InvoiceNotFoundError(f"There is no draft {document_id}")
    of_it = col(InvoiceLine.invoice_id) == document_id
    lines = session.exec(select(InvoiceLine).where(of_it).order_by(col(InvoiceLine.position))).all()
    taxes = session.exec(select(InvoiceTax).where(col(InvoiceTax.invoice_id) == document_id)).all()
    ids = _orders_billed(session, document_id)
    orders = session.exec(select(SalesOrder).where(among(session, col(SalesOrder.id), ids))).all() if ids else []
    return DraftDetail(document, lines, taxes, document_id in unapproved(session, [document]), orders)


def unapproved(session: Session, documents: Sequence[Invoice]) -> set[int]:
    """The ids of those drafts that want an approval they do not have: by their run's rule, or by hand, by today's."""
    waiting = [one for one in documents if one.approved_at is None and one.id is not None]
    ids = [one.id for one in waiting if one.id is not None]
    if not ids:
        return set()
    query = select(BillingDocument).where(among(session, col(BillingDocument.invoice_id), ids))
    by_run = {row.invoice_id: row.approval for row in session.exec(query)}
    rules = rules_for(session, sorted({one.account_id for one in waiting}))
    return {
        one.id
        for one in waiting
        if one.id is not None and by_run.get(one.id, pick(rules, one.account_id, one.entity_id).approval)
    }


def draft_by_hand(session: Session, draft: InvoiceDraft, *, by: str, today: date, now: datetime) -> int:
    """The document id of a draft that a person wrote. Raises as draft_all() does."""
    [document_id] = draft_all(session, [draft], by=by, today=today, now=now)
    return document_id


def approve_drafts(session: Session, document_ids: Sequence[int], *, by: str, now: datetime) -> None:
    """Say of drafts that they may be issued. Raises InvoiceNotFoundError, IssuedError, OwnDraftError."""
    documents = locked_drafts(session, document_ids)
    query = select(BillingDocument.invoice_id).where(among(session, col(BillingDocument.invoice_id), document_ids))
    by_run = set(session.exec(query))
    own = [one.id for one in documents if one.created_by == by and one.id not in by_run]
    if own and set(own) & unapproved(session, documents):
        raise OwnDraftError(f"You wrote draft {own[0]} yourself: somebody else who may approve it looks at it")
    approve(session, document_ids, by=by, now=now)


def issue_drafts(session: Session, document_ids: Sequence[int], *, by: str, today: date, now: datetime) -> None:
    """Issue drafts, in that order. Raises InvoiceNotFoundError, IssuedError, NotApprovedError: then none is issued."""
    documents = locked_drafts(session, document_ids)
    if waiting := unapproved(session, documents):
        raise NotApprovedError(f"Draft {min(waiting)} is not approved yet: have it approved first")
    issue_all(session, document_ids, by=by, today=today, now=now)


def discard_draft(session: Session, document_id: int, *, reason: str, by: str, now: datetime) -> None:
    """Delete a draft; what it billed is billable again. Raises InvoiceNotFoundError, IssuedError."""
    order_ids = _orders_billed(session, document_id)
    locked = select(SalesOrder).where(among(session, col(SalesOrder.id), order_ids)).order_by(col(SalesOrder.id))
    orders = session.exec(locked.with_for_update().execution_options(populate_existing=True)).all() if order_ids else []
    locked_drafts(session, [document_id])
    connection = session.connection()
    connection.execute(delete(OrderBilling).where(col(OrderBilling.invoice_id) == document_id))
    stages = session.exec(select(OrderStage).where(col(OrderStage.invoice_id) == document_id)).all()
    for stage in stages:
        stage.invoice_id = None
    plan_ids = list(
        session.exec(select(BillingPlanPeriod.plan_id).where(col(BillingPlanPeriod.invoice_id) == document_id))
    )
    connection.execute(delete(BillingPlanPeriod).where(col(BillingPlanPeriod.invoice_id) == document_id))
    connection.execute(delete(BillingDocument).where(col(BillingDocument.invoice_id) == document_id))
    session.flush()
    discard(session, document_id, reason=reason, by=by, now=now)
    _give_back(session, orders)
    plans = session.exec(select(BillingPlan).where(among(session, col(BillingPlan.id), plan_ids))).all()
    bulk_update(
        session, BillingPlan, [{"id": plan.id, "next_on": next_on(plan)} for plan in plan_facts(session, plans)]
    )


def _orders_billed(session: Session, document_id: int) -> list[int]:
    line = OrderLine
    by_lines = select(line.order_id).join(OrderBilling, col(OrderBilling.order_line_id) == col(line.id))
    by_stage = select(OrderStage.order_id).where(col(OrderStage.invoice_id) == document_id)
    found = set(session.exec(by_lines.where(col(OrderBilling.invoice_id) == document_id).distinct()))
    return sorted(found | set(session.exec(by_stage)))


def _give_back(session: Session, orders: Sequence[SalesOrder]) -> None:
    """Reckon anew where the orders stand; one that was cancelled meanwhile stays so."""
    open_ = [one for one in orders if one.state in {*COUNTED, OrderState.BILLED} and one.id is not None]
    lines = lines_of(session, [one.id for one in open_ if one.id is not None])
    stages = stages_of(session, [(one.id, one.accepted_on) for one in open_ if one.id is not None])
    for one in open_:
        assert one.id is not None
        own = stages.get(one.id, [])
        one.state = state_of(lines[one.id], own)
        one.unbilled_minor = unbilled_minor(lines[one.id], own, one.currency)
    session.flush()
