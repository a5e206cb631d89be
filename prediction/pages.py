"""Pages: the forecast, with the model's record beside the naive method's."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session, col, select

from ar.core.db import among
from ar.core.web import Cursor, KernelDep, Principal, SessionDep, allow, page, paged
from ar.customers.accounts import names_of
from ar.ledger.models import OpenItem
from prediction.lists import at_stake, key_of, last_scoring, ranked
from prediction.models import Prediction
from prediction.register import ModelMissingError, latest_model

router = APIRouter(include_in_schema=False)

Show = Literal["due", "overdue"]


@router.get("/forecast")
def forecast(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("prediction:read")],
    show: Annotated[Show, Query()] = "due",
    cursor: Cursor = None,
) -> HTMLResponse:
    """Which open invoices have most at stake, and how far the model behind that can be trusted."""
    try:
        model = latest_model(session)
    except ModelMissingError:
        model = None
    scoring = last_scoring(session)
    rows: list[Prediction] = []
    next_cursor = None
    if scoring is not None:
        stake = at_stake(session, scoring, overdue=show == "overdue", currency=kernel.settings.reporting_currency)
        found = paged(session, ranked(stake), key=key_of(stake), cursor=cursor, limit=25)
        rows, next_cursor = found.items, found.next_cursor
    return page(
        request,
        kernel,
        principal,
        "console/prediction/forecast.html",
        model=model,
        scoring=scoring,
        rows=rows,
        items=_items(session, [row.entry_id for row in rows]),
        names=names_of(session, sorted({row.account_id for row in rows})),
        next_cursor=next_cursor,
        show=show,
    )


def _items(session: Session, entry_ids: list[int]) -> dict[int, Any]:
    query = select(OpenItem).where(among(session, col(OpenItem.entry_id), entry_ids))
    return {item.entry_id: item for item in session.exec(query)}
