"""Notices on the customer's page: messages of the channel `portal`, shown until they are put away."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import text
from sqlmodel import Session, col, select

from ar.core.outbox import Arrival, MessageState, OutboxMessage
from ar.core.outbox.arrivals import News, note_arrivals
from ar.core.outbox.find import MessageNotFoundError
from ar.core.web import Id, SessionDep
from selfservice.frame import VisitDep

MOST = 3

router = APIRouter(include_in_schema=False)


def notices_of(session: Session, account_id: int) -> list[OutboxMessage]:
    """The newest notices of the account that were not put away yet."""
    query = (
        select(OutboxMessage)
        .where(
            text("channel = 'portal' AND arrival IS NULL"),  # as the index has it
            col(OutboxMessage.account_id) == account_id,
            col(OutboxMessage.state) == MessageState.SENT,
        )
        .order_by(col(OutboxMessage.id).desc())
    )
    return list(session.exec(query.limit(MOST)))


@router.post("/portal/notices/{notice_id}/seen")
def put_away(notice_id: Id, session: SessionDep, visit: VisitDep) -> Response:
    """Show it no more; it has arrived."""
    visitor = visit.by(session)
    found = session.get(OutboxMessage, notice_id)
    if found is None or found.account_id != visitor.account_id or found.channel != "portal":
        raise MessageNotFoundError("There is no such notice of yours")
    note_arrivals(session, [News(found.digest, Arrival.DELIVERED, "put away by the customer")], now=visit.now)
    return RedirectResponse("/portal", 303)
