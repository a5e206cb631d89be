"""The facts of billing, for many customers with a handful of queries; their orders and plans are locked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from ar.core.db import among, table
from ar.customers.models import Account
from invoicing.billing.facts import OrderFacts, Rule
from invoicing.billing.models import BillingPlan, BillingPlanLine, BillingPlanPeriod, BillingPlanPrice
from invoicing.billing.periods import PlanFacts, PlanLine
from invoicing.billing.rules import pick, rules_for
from invoicing.orders.find import COUNTED, lines_of, site_of, stages_of
from invoicing.orders.models import SalesOrder


class Customers:
    """What is known of the customers of a chunk: language, currency and rules."""

    def __init__(self, session: Session, account_ids: Sequence[int]) -> None:
        columns = table(Account).columns
        query = select_columns(columns.id, columns.language, columns.currency)
        rows = session.connection().execute(query.where(among(session, columns.id, account_ids)))
        self._known: dict[int, tuple[str, str]] = {row.id: (row.language, row.currency) for row in rows}
        self._rules = rules_for(session, account_ids)

    def language(self, account_id: int) -> str:
        return self._known[account_id][0]

    def rule(self, account_id: int, entity_id: int, currency: str) -> Rule:
        """The rule in force; its least amount is in the account's currency, and asks nothing in another."""
        rule = pick(self._rules, account_id, entity_id)
        if currency == self._known[account_id][1] or not rule.minimum_minor:
            return rule
        return Rule(**{**rule.__dict__, "minimum_minor": 0})


def gather_orders(session: Session, account_ids: Sequence[int], entity_ids: Sequence[int]) -> list[OrderFacts]:
    """The orders of these accounts and sellers that are accepted and not wholly billed, locked, the first one first."""
    query = (
        select(SalesOrder)
        .where(
            among(session, col(SalesOrder.account_id), account_ids),
            among(session, col(SalesOrder.entity_id), entity_ids),
            col(SalesOrder.state).in_(COUNTED),
        )
        .order_by(col(SalesOrder.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    orders = session.exec(query).all()
    ids = [one.id for one in orders if one.id is not None]
    lines = lines_of(session, ids)
    stages = stages_of(session, [(one.id, one.accepted_on) for one in orders if one.id is not None])
    known = Customers(session, sorted({one.account_id for one in orders}))
    return [
        OrderFacts(
            id=one.id,
            entity_id=one.entity_id,
            account_id=one.account_id,
            reference=one.reference,
            currency=one.currency,
            language=known.language(one.account_id),
            accepted_on=one.accepted_on,
            lines=lines[one.id],
            rule=known.rule(one.account_id, one.entity_id, one.currency),
            stages=stages.get(one.id, ()),
            terms=one.terms,
            purchase_order=one.purchase_order,
            buyer_reference=one.buyer_reference,
            site=site_of(one),
            note=one.note,
        )
        for one in orders
        if one.id is not None and one.accepted_on is not None
    ]


def gather_plans(session: Session, account_ids: Sequence[int], days: Mapping[int, date]) -> list[PlanFacts]:
    """The plans of these accounts that have a period to bill by their seller's day of `days`, locked."""
    query = (
        select(BillingPlan)
        .where(
            among(session, col(BillingPlan.account_id), account_ids),
            among(session, col(BillingPlan.entity_id), sorted(days)),
            col(BillingPlan.next_on) <= max(days.values()),
        )
        .order_by(col(BillingPlan.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    plans = [plan for plan in session.exec(query) if plan.next_on and plan.next_on <= days[plan.entity_id]]
    return plan_facts(session, plans)


def plan_facts(session: Session, plans: Sequence[BillingPlan]) -> list[PlanFacts]:
    """The plans with their lines, prices and the periods that are billed."""
    ids = [plan.id for plan in plans if plan.id is not None]
    if not ids:
        return []
    known = Customers(session, sorted({plan.account_id for plan in plans}))
    lines = _plan_lines(session, ids)
    billed: dict[int, set[date]] = defaultdict(set)
    periods = select(BillingPlanPeriod).where(among(session, col(BillingPlanPeriod.plan_id), ids))
    for period in session.exec(periods):
        billed[period.plan_id].add(period.period_from)
    return [
        PlanFacts(
            id=plan.id,
            entity_id=plan.entity_id,
            account_id=plan.account_id,
            reference=plan.reference,
            currency=plan.currency,
            language=known.language(plan.account_id),
            every=plan.every,
            alignment=plan.alignment,
            in_advance=plan.in_advance,
            starts_on=plan.starts_on,
            ends_on=plan.ends_on,
            lines=lines[plan.id],
            billed=frozenset(billed[plan.id]),
            rule=known.rule(plan.account_id, plan.entity_id, plan.currency),
            terms=plan.terms,
            purchase_order=plan.purchase_order,
            buyer_reference=plan.buyer_reference,
            note=plan.note,
        )
        for plan in plans
        if plan.id is not None
    ]


def _plan_lines(session: Session, plan_ids: Sequence[int]) -> dict[int, list[PlanLine]]:
    prices: dict[int, list[tuple[date, int]]] = defaultdict(list)
    line = BillingPlanLine
    priced = select(BillingPlanPrice).join(line, col(line.id) == col(BillingPlanPrice.line_id))
    priced = priced.where(among(session, col(line.plan_id), plan_ids)).order_by(col(BillingPlanPrice.valid_from))
    for price in session.exec(priced):
        prices[price.line_id].append((price.valid_from, price.unit_price_millionths))
    found: dict[int, list[PlanLine]] = defaultdict(list)
    query = select(line).where(among(session, col(line.plan_id), plan_ids))
    for row in session.exec(query.order_by(col(line.plan_id), col(line.position))):
        found[row.plan_id].append(
            PlanLine(
                description=row.description,
                quantity=row.quantity_millionths,
                unit=row.unit,
                category=row.tax_category,
                rate_bp=row.tax_rate_bp,
                prices=tuple(prices[row.id or 0]),
                supply=row.supply,
                item_code=row.item_code,
                exemption=row.exemption,
            )
        )
    return found
