"""The customer's promise: which invoices, or how much of them, and by when."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from ar.core.errors import DomainError
from ar.core.money import typed_minor
from ar.core.web import Day, SessionDep
from dunning.kept import require_trust
from dunning.models import PromiseSource
from dunning.promises import Part, promise, spread
from selfservice.frame import VisitDep, shown
from selfservice.notify import acknowledge_promise
from selfservice.position import positions
from selfservice.visits import Visit, Visitor

router = APIRouter(include_in_schema=False)


@router.get("/portal/promise")
def promise_form(request: Request, session: SessionDep, visit: VisitDep) -> HTMLResponse:
    visitor = visit.by(session)
    return promise_page(request, session, visit, visitor)


def promise_page(
    request: Request,
    session: SessionDep,
    visit: Visit,
    visitor: Visitor,
    *,
    error: DomainError | None = None,
) -> HTMLResponse:
    found = positions(session, visitor.account_id)
    return shown(
        request,
        visit,
        visitor,
        "portal/promise.html",
        found[0].seller,
        positions=found,
        today=visitor.today,
        latest=visitor.today + timedelta(days=60),
        error=error,
        status_code=200 if error is None else error.status,
    )


@router.post("/portal/promise")
def make_promise(
    request: Request,
    session: SessionDep,
    visit: VisitDep,
    due_on: Annotated[Day, Form()],
    entry: Annotated[list[int] | None, Form(max_length=100)] = None,
    amount: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Promise to pay the chosen invoices, or an amount of them, by a day: until then nobody reminds of it."""
    visitor = visit.by(session)
    try:
        require_trust(session, visitor.account_id, now=visit.now)
        made = promise(
            session,
            visitor.account_id,
            items=_promised(session, visitor, entry or [], amount),
            due_on=due_on,
            by=visitor.actor,
            now=visit.now,
            source=PromiseSource.PORTAL,
        )
    except DomainError as error:
        session.rollback()
        return promise_page(request, session, visit, visitor, error=error)
    acknowledge_promise(session, visit.kernel, made, now=visit.now)
    return RedirectResponse("/portal?done=promised", 303)


def _promised(session: Session, visitor: Visitor, chosen: Sequence[int], amount: str) -> list[Part]:
    """The chosen invoices whole, or the amount that was typed, spread over them with the oldest first.

    Raises AmountError, PromiseError.
    """
    if not amount.strip():
        return [Part(entry_id) for entry_id in chosen]
    rows = [row for found in positions(session, visitor.account_id) for row in found.invoices if row.entry_id in chosen]
    rows.sort(key=lambda row: (row.due_on, row.entry_id))
    minor = typed_minor(amount, rows[0].currency) if rows else 0
    return spread([(row.entry_id, row.payable_minor) for row in rows], minor)
