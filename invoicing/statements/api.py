"""An account's statement to download, as a PDF or for a spreadsheet."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from ar.core.files import download_headers
from ar.core.web import Day, Id, KernelDep, NowDep, TodayDep, allow
from invoicing.statements.facts import Show
from invoicing.statements.make import StatementFile, StatementFormat, make_statement

router = APIRouter(prefix="/api/v1", tags=["ledger"])

USUAL = timedelta(days=90)
"""How long before the last day a statement begins when no first day is given."""

Since = Annotated[Day | None, Query(description="The first day; 90 days before the last when not given")]
Until = Annotated[Day | None, Query(description="The last day; today when not given")]
Shown = Annotated[Show, Query(description="What happened in the period, or what is open at its end")]


def period(since: date | None, until: date | None, today: date) -> tuple[date, date]:
    """The days asked for, and the usual ones where none are."""
    last = until or today
    return since or last - USUAL, last


def statement_response(made: StatementFile) -> Response:
    """The file, to be saved."""
    return Response(made.content, headers=download_headers(made.name, made.media_type))


@router.get(
    "/accounts/{account_id}/statement.{format}",
    summary="Download a statement of account",
    dependencies=[allow("ledger:read")],
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}, "text/csv": {}}, "description": "The statement"}},
)
def get_statement(
    account_id: Id,
    format: StatementFormat,  # noqa: A002
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    since: Since = None,
    until: Until = None,
    show: Shown = Show.MOVEMENTS,
) -> Response:
    """What was owed, what happened and what is owed, for each seller and currency, in the customer's language."""
    first, last = period(since, until, today)
    return statement_response(
        make_statement(kernel, account_id, since=first, until=last, show=show, form=format, now=now)
    )
