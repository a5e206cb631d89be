"""A run of billing: whom to bill what, decided and recorded chunk by chunk.

A chunk of customers is one transaction: invoices, what they bill, holds and audit are written together or not at all. A
chunk that fails is halved until the one bad customer is alone; that one is parked and shown, and all the others have
gone through. What is billed is taken off what is billable in the same transaction: a run may be repeated, come twice at
once or be killed at any place, and nothing is billed twice or left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from traceback import format_exc

import structlog
from sqlalchemy import delete, union
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.calendars import zone_info
from ar.core.clock import local_date
from ar.core.db import Database, among, table
from ar.core.errors import NotFoundError
from ar.core.halving import error_words, halving
from ar.core.kernel import Kernel
from ar.customers.models import LegalEntity
from invoicing.billing.decision import decide
from invoicing.billing.facts import OrderFacts, Outcome
from invoicing.billing.gather import gather_orders, gather_plans
from invoicing.billing.models import BillingParked, BillingPlan, BillingRun
from invoicing.billing.periods import PlanFacts
from invoicing.billing.record import write
from invoicing.billing.subscribe import propose
from invoicing.orders.find import COUNTED
from invoicing.orders.models import SalesOrder
from invoicing.terms.words import Say

EVENING = 20
"""The hour, where the seller is, from which the day's billing is done: what was delivered by then is on it."""

_log = structlog.get_logger()


class RunNotFoundError(NotFoundError):
    code = "billing-run-not-found"


@dataclass(frozen=True)
class RunReport:
    """How many invoices were issued and drafted, how many orders and plans held, lines waiting, customers parked."""

    run_id: int
    issued: int = 0
    drafted: int = 0
    held: int = 0
    waiting: int = 0
    parked: tuple[int, ...] = ()

    def __str__(self) -> str:
        words = f"{self.issued} issued, {self.drafted} drafted, {self.held} held back, {self.waiting} lines waiting"
        return f"{words}, {len(self.parked)} customers parked" if self.parked else words


def bill(kernel: Kernel, *, by: str, now: datetime, from_hour: int = 0, size: int = 100) -> RunReport:
    """Bill every customer what is due on its seller's local day at `now`, `size` of them in a transaction.

    Sellers for whom it is not yet `from_hour` are left for later.
    """
    with kernel.database.transaction() as session:
        run_id = open_run(session, by=by, now=now)
    return carry_out(kernel, run_id, by=by, now=now, from_hour=from_hour, size=size)


def open_run(session: Session, *, by: str, now: datetime) -> int:
    """The id of a run that is about to be carried out, shown from now on."""
    run = BillingRun(started_at=now, started_by=by)
    session.add(run)
    session.flush()
    assert run.id is not None
    record(session, [Act(by, "billing_run.started", f"billing_run:{run.id}", {})], now=now)
    return run.id


def run_of(session: Session, run_id: int) -> BillingRun:
    """Raises RunNotFoundError."""
    found = session.get(BillingRun, run_id)
    if found is None:
        raise RunNotFoundError(f"There is no billing run {run_id}")
    return found


def carry_out(kernel: Kernel, run_id: int, *, by: str, now: datetime, from_hour: int = 0, size: int = 100) -> RunReport:
    """Do the work of a run, and note what came of it. Doing it again bills nothing twice."""
    with kernel.database.reading() as session:
        days = seller_days(session, now=now, from_hour=from_hour)
        due, parked = whose_turn(session, days)
    say: Say = kernel.renderer.text
    counts: Counter[str] = Counter()
    failed: list[int] = []

    def act(session: Session, account_ids: Sequence[int]) -> Counter[str]:
        return bill_accounts(session, account_ids, days, run_id=run_id, by=by, now=now, say=say)

    def park(account_id: int, error: Exception) -> None:
        failed.append(account_id)
        _park(kernel.database, account_id, error, now=now)

    for chunk in [*_chunks(due, size), *([account_id] for account_id in parked)]:
        for made in halving(kernel.database, chunk, act, park):
            counts.update(made)
    names = ("issued", "drafted", "held", "waiting")
    with kernel.database.transaction() as session:
        run = session.get_one(BillingRun, run_id)
        for name in names:
            setattr(run, name, getattr(run, name) + counts[name] if name in ("issued", "drafted") else counts[name])
        run.parked, run.finished_at = len(failed), now
    return RunReport(
        run_id, counts["issued"], counts["drafted"], counts["held"], counts["waiting"], parked=tuple(failed)
    )


def seller_days(session: Session, *, now: datetime, from_hour: int = 0) -> dict[int, date]:
    """The local day at `now` of each seller for whom it is `from_hour` or later."""
    sellers = session.exec(select(LegalEntity))
    return {
        seller.id: local_date(now, seller.time_zone)
        for seller in sellers
        if seller.id is not None and now.astimezone(zone_info(seller.time_zone)).hour >= from_hour
    }


def whose_turn(session: Session, days: Mapping[int, date]) -> tuple[list[int], list[int]]:
    """Accounts with something that may be billed by the sellers of `days`, and apart from them the parked: ids."""
    if not days:
        return [], []
    sellers = sorted(days)
    ordered = select_columns(col(SalesOrder.account_id)).where(
        col(SalesOrder.state).in_(COUNTED), among(session, col(SalesOrder.entity_id), sellers)
    )
    planned = select_columns(col(BillingPlan.account_id)).where(
        col(BillingPlan.next_on) <= max(days.values()), among(session, col(BillingPlan.entity_id), sellers)
    )
    found = union(ordered, planned).subquery()
    parked = table(BillingParked).columns.account_id
    query = select_columns(found.c[0], parked).outerjoin(table(BillingParked), parked == found.c[0])
    rows = session.connection().execute(query.order_by(found.c[0])).all()
    return [row[0] for row in rows if row[1] is None], [row[0] for row in rows if row[1] is not None]


def bill_accounts(
    session: Session,
    account_ids: Sequence[int],
    days: Mapping[int, date],
    *,
    run_id: int,
    by: str,
    now: datetime,
    say: Say,
) -> Counter[str]:
    """Decide for these customers and record it all; how much was issued, drafted, held, and is waiting."""
    orders = gather_orders(session, account_ids, sorted(days))
    plans = gather_plans(session, account_ids, days)
    outcomes = [
        _decide([o for o in orders if o.entity_id == seller], [p for p in plans if p.entity_id == seller], day, say)
        for seller, day in sorted(days.items())
    ]
    whole = Outcome(
        tuple(one for outcome in outcomes for one in outcome.invoices),
        tuple(one for outcome in outcomes for one in outcome.held),
        tuple(one for outcome in outcomes for one in outcome.waiting),
    )
    counts = write(session, whole, orders, plans, days, run_id=run_id, by=by, now=now)
    forget_parked = delete(BillingParked).where(among(session, col(BillingParked.account_id), list(account_ids)))
    session.connection().execute(forget_parked)
    return counts


def _decide(orders: Sequence[OrderFacts], plans: Sequence[PlanFacts], day: date, say: Say) -> Outcome:
    made, subscribed = decide(orders, today=day, say=say), propose(plans, today=day, say=say)
    return Outcome((*made.invoices, *subscribed.invoices), (*made.held, *subscribed.held), made.waiting)


def _chunks(ids: Sequence[int], size: int) -> list[Sequence[int]]:
    return [ids[at : at + size] for at in range(0, len(ids), size)]


def _park(database: Database, account_id: int, error: Exception, *, now: datetime) -> None:
    _log.error("billing.parked", account_id=account_id, trace=format_exc())
    words = error_words(error)
    with database.transaction() as session:
        session.connection().execute(delete(BillingParked).where(col(BillingParked.account_id) == account_id))
        session.add(BillingParked(account_id=account_id, error=words[:1000], parked_at=now))
        record(session, [Act("system", "billing.parked", f"account:{account_id}", {"error": words[:200]})], now=now)
