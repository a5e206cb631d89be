"""The statement as the customer's file in the console asks for it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from ar.core.clock import local_date
from ar.core.web import Day, Id, KernelDep, NowDep, Principal, SessionDep, TodayDep, allow, page
from ar.customers.accounts import account
from invoicing.statements.api import USUAL, period, statement_response
from invoicing.statements.facts import Show
from invoicing.statements.make import StatementFormat, make_statement

router = APIRouter(prefix="/customers/{account_id}", include_in_schema=False)


@router.get("/cards/statement")
def card(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("ledger:read")],
) -> HTMLResponse:
    """The form that asks for a statement: a card of the customer's file."""
    found = account(session, account_id)
    today = local_date(now, found.time_zone)
    return page(
        request,
        kernel,
        principal,
        "console/invoicing/_statement.html",
        account=found,
        since=today - USUAL,
        until=today,
    )


@router.get("/statement", dependencies=[allow("ledger:read")])
def download(
    account_id: Id,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    form: Annotated[StatementFormat, Query(alias="format")] = StatementFormat.PDF,
    since: Annotated[Day | None, Query()] = None,
    until: Annotated[Day | None, Query()] = None,
    show: Annotated[Show, Query()] = Show.MOVEMENTS,
) -> Response:
    first, last = period(since, until, today)
    made = make_statement(kernel, account_id, since=first, until=last, show=show, form=form, now=now)
    return statement_response(made)
