"""Reports of mail servers carried over to the contacts they are about: an address that is bad is written to no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.db import among
from ar.core.mail import parse_address
from ar.core.mailreports import Report, ReportKind
from ar.core.outbox import Arrival, OutboxMessage
from ar.core.outbox.arrivals import News, note_arrivals
from ar.core.outbox.find import known_as
from ar.customers.models import Contact

_ARRIVAL = {
    ReportKind.FAILED: Arrival.BOUNCED,
    ReportKind.DELAYED: Arrival.DELAYED,
    ReportKind.DELIVERED: Arrival.DELIVERED,
}


def apply_report(session: Session, report: Report, *, now: datetime) -> OutboxMessage | None:
    """The message that `report` is about, noted with what came back; None when no message of ours is named.

    A failure for good marks the contacts that have the address we wrote to as bounced.
    """
    return apply_reports(session, [report], now=now).get(report.message_id)


def apply_reports(session: Session, reports: Sequence[Report], *, now: datetime) -> dict[str, OutboxMessage]:
    """The messages that `reports` are about, by Message-ID, each noted with what came back."""
    found = known_as(session, [report.message_id for report in reports])
    known = [(report, found[report.message_id]) for report in reports if report.message_id in found]
    note_arrivals(
        session,
        [News(message.digest, _ARRIVAL[report.kind], _told(report)) for report, message in known],
        now=now,
    )
    bad = {parse_address(message.recipient)[1].lower() for report, message in known if report.bad_address}
    _mark(session, sorted(bad), now=now)
    return found


def _told(report: Report) -> str:
    return report.words or report.status or report.kind.value


def _mark(session: Session, addresses: Sequence[str], *, now: datetime) -> None:
    if not addresses:
        return
    query = (
        select(Contact)
        .where(among(session, func.lower(col(Contact.email)), addresses), col(Contact.bounced_at).is_(None))
        .order_by(col(Contact.id))
        .with_for_update()
    )
    acts = []
    for contact in session.exec(query):
        contact.bounced_at = now
        acts.append(Act("system", "contact.bounced", f"account:{contact.account_id}", {"contact_id": contact.id}))
    record(session, acts, now=now)
