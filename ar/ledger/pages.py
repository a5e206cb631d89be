"""Pages: the overview that a CFO opens the day with, and an account's ledger inside the customer's file."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from ar.core.clock import local_date
from ar.core.web import Day, Id, KernelDep, NowDep, Principal, SessionDep, TodayDep, allow, page
from ar.customers.accounts import account, names_of
from ar.customers.entities import entities, entity
from ar.ledger.ageing import ageing, totals
from ar.ledger.figures import kpis
from ar.ledger.items import open_items
from ar.ledger.rates import rates_on
from ar.ledger.statement import statements
from ar.ledger.trend import trend

router = APIRouter(include_in_schema=False)

TOP = 8


@router.get("/")
def overview(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("kpis:read")],
    as_of: Annotated[Day | None, Query()] = None,
    entity_id: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> HTMLResponse:
    """DSO, ADD, CEI and ageing as of any day, how they moved, and who owes most."""
    if entity_id is not None:
        entity(session, entity_id)
    day = as_of or today
    currency = kernel.settings.reporting_currency
    now, before = (
        kpis(session, as_of=each, currency=currency, entity_id=entity_id)
        for each in (day, day.replace(day=1) - timedelta(days=1))
    )
    rates = rates_on(session, day)
    target = now.basis.currency
    late = sorted(
        (
            (rates.convert(row.overdue, row.currency, target), row)
            for row in ageing(session, as_of=day, entity_id=entity_id)
            if row.overdue and row.currency not in now.basis.left_out
        ),
        key=lambda pair: -pair[0],
    )[:TOP]
    return page(
        request,
        kernel,
        principal,
        "console/ledger/overview.html",
        as_of=day,
        now=now,
        before=before,
        points=trend(session, as_of=day, currency=now.basis.currency, entity_id=entity_id),
        late=late,
        names=names_of(session, [row.account_id for _, row in late]),
        entities=entities(session),
        entity_id=entity_id,
    )


@router.get("/customers/{account_id}/cards/ledger")
def ledger_card(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("ledger:read")],
) -> HTMLResponse:
    """What the customer owes and what happened lately: a card of its file."""
    found = account(session, account_id)
    today = local_date(now, found.time_zone)
    return page(
        request,
        kernel,
        principal,
        "console/ledger/_card.html",
        account=found,
        today=today,
        items=open_items(session, account_ids=[account_id], as_of=today),
        aged=totals(ageing(session, as_of=today, account_ids=[account_id])),
        statements=statements(session, account_id, since=today - timedelta(days=90), until=today),
        sellers={one.id: one for one in entities(session)},
    )
