"""Jobs between deliveries and the platform: documents and statuses out, statuses in; each told once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.db import among
from ar.core.errors import DomainError, NotFoundError
from ar.core.files import StoredFile, read
from ar.core.jobs import Job, enqueue_all
from ar.core.kernel import Kernel
from ar.core.money import plain
from ar.customers.accounts import account, identifiers_of
from ar.customers.entities import entity
from ar.disputes.claim import DisputeError, open_dispute
from invoicing.delivery.models import Delivery, DeliveryEvent, DeliveryState, PlatformFile, Route
from invoicing.delivery.platform import Deposit, platform_of, read_status
from invoicing.delivery.record import DeliveryStateError, delivery, locked, note
from invoicing.delivery.states import (
    CONTESTING,
    STATUSES,
    Status,
    check_status,
    disputed_for,
    further,
    standing,
)
from invoicing.documents import entry_ids_of
from invoicing.models import DocumentKind, Invoice

REPORT_JOB = "report-status"
BY_PLATFORM = "platform"
_log = structlog.get_logger()


def deposit_delivery(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """The job: hand the document of a delivery to the platform, unless that was done. Says what came of it.

    A process that dies between the two hands it over again under the same key, which a platform takes once.
    """
    with kernel.database.reading() as session:
        found = delivery(session, int(arguments["delivery_id"]))
        if found.state is not DeliveryState.PLANNED:
            return f"delivery {found.id}: {found.state.value} already"
        deposit = _deposit(session, kernel, found)
    place = platform_of(kernel.settings).deposit(deposit)
    with kernel.database.transaction() as session:
        held = locked(session, int(arguments["delivery_id"]))
        if held.state is DeliveryState.PLANNED:
            state = DeliveryState.SENT
            note(session, held, "deposited", source="platform", by="system", now=now, state=state, detail=place)
    return f"delivery {arguments['delivery_id']}: {place}"


def _deposit(session: Session, kernel: Kernel, found: Delivery) -> Deposit:
    document = session.get_one(Invoice, found.invoice_id)
    seller, buyer = entity(session, found.entity_id), account(session, found.account_id)
    envelope = {
        "delivery": found.id,
        "document": document.number,
        "kind": document.kind.value,
        "issued_on": document.issue_on.isoformat(),
        "currency": document.currency,
        "total": plain(document.total_minor, document.currency),
        "seller": {"name": seller.name, "registration": seller.registration, "vat_number": seller.vat_number},
        "buyer": {
            "name": buyer.legal_name,
            "identifiers": {one.scheme: one.value for one in identifiers_of(session, found.account_id)},
        },
    }
    [file] = found.files
    stored = session.get_one(StoredFile, file["file_id"])
    assert found.id is not None
    return Deposit(found.id, envelope | {"format": file["format"]}, file["name"], read(stored, kernel.settings.files))


def read_platform(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """The rota's job: hear every status that the platform left, each once; put bad files aside with the reason."""
    platform = platform_of(kernel.settings)
    heard = wrong = 0
    for told in platform.unread():
        try:
            number, status = read_status(told.content)
            with kernel.database.transaction() as session:
                hear(session, number, status, by=BY_PLATFORM, today=now.date(), now=now)
                _remember(session, told.place, told.sha256, "", now=now)
            reason = ""
            heard += 1
        except (DomainError, IntegrityError) as error:
            reason = error.message if isinstance(error, DomainError) else "it was read by another process"
            with kernel.database.transaction() as session:
                _remember(session, told.place, told.sha256, reason, now=now)
            _log.warning("a file of the platform was put aside", name=told.place, reason=reason)
            wrong += 1
        platform.settle(told, reason)
    return f"{heard} statuses heard, {wrong} files put aside"


def _remember(session: Session, name: str, sha256: str, wrong: str, *, now: datetime) -> None:
    """Note a file by its content; one that came before, under whatever name, is noted once."""
    known = session.exec(select(PlatformFile).where(col(PlatformFile.sha256) == sha256)).first()
    if known is None:
        plain_name = name.encode("utf-8", "replace").decode()[:200]
        session.add(PlatformFile(name=plain_name, sha256=sha256, wrong=wrong[:400], read_at=now))
        session.flush()


def put_aside(session: Session, *, limit: int) -> list[PlatformFile]:
    """The last files of the platform that could not be read, the newest first."""
    query = select(PlatformFile).where(col(PlatformFile.wrong) != "").order_by(col(PlatformFile.id).desc())
    return list(session.exec(query.limit(limit)))


def hear(session: Session, delivery_id: int, status: Status, *, by: str, today: date, now: datetime) -> bool:
    """Keep what a platform told of a delivery, once: False when it was known. 207 and 210 open a dispute.

    Where the delivery stands follows from all that was told, whatever the order. Raises DeliveryNotFoundError,
    StatusError, or DeliveryStateError for a delivery that did not go by a platform.
    """
    check_status(status)
    found = locked(session, delivery_id)
    if found.route is not Route.PLATFORM:
        raise DeliveryStateError(f"Delivery {delivery_id} did not go by a platform")
    outside_id = f"{delivery_id}/{status.outside_id or f'{status.code}/{status.happened_at.isoformat()}'}"[:120]
    query = select(DeliveryEvent.code, DeliveryEvent.at, DeliveryEvent.outside_id).where(
        col(DeliveryEvent.delivery_id) == delivery_id,
        col(DeliveryEvent.source) == "platform",
        col(DeliveryEvent.code).in_(list(STATUSES)),
    )
    known = session.exec(query).all()
    if outside_id in [name for _code, _at, name in known]:
        return False
    stands = standing([*((code, at) for code, at, _name in known), (status.code, status.happened_at)])
    assert stands is not None
    state, code = stands
    note(
        session,
        found,
        status.code,
        source="platform",
        by=by,
        now=now,
        state=state if further(found.state, state) else None,
        detail=status.detail,
        outside_id=outside_id,
        at=status.happened_at,
    )
    found.status_code = code
    session.flush()
    if status.code in CONTESTING:
        _contest(session, found, status, by=by, today=today, now=now)
    return True


def _contest(session: Session, found: Delivery, status: Status, *, by: str, today: date, now: datetime) -> None:
    """Open a dispute on all that is open and uncontested of the invoice; a credit note has nothing to contest."""
    document = session.get_one(Invoice, found.invoice_id)
    if document.kind is not DocumentKind.INVOICE:
        return
    words = f"{status.code}: {status.detail}" if status.detail else status.code
    for entry_id in entry_ids_of(session, document):
        try:
            open_dispute(
                session,
                entry_id=entry_id,
                amount_minor=None,
                reason=disputed_for(status.reason_code),
                text=words,
                by=by,
                today=today,
                now=now,
            )
        except DisputeError:  # paid, or contested already
            continue


class NotByPlatformError(NotFoundError):
    """No platform has this document: there is nobody to tell."""

    code = "not-by-platform"


def report_cashed(
    session: Session,
    document_id: int,
    amounts: Sequence[Mapping[str, str]],
    *,
    cashed_on: date,
    by: str,
    now: datetime,
) -> bool:
    """Have the platform told that a document was cashed (212), once for each day: False when that was told before.

    `amounts` are what was cashed by rate of VAT: [{"rate": "20", "net": "100.00", "tax": "20.00", "currency": "EUR"}].
    Raises NotByPlatformError when the document did not go by a platform.
    """
    query = (
        select(Delivery.id)
        .where(col(Delivery.invoice_id) == document_id, col(Delivery.route) == Route.PLATFORM)
        .order_by(col(Delivery.attempt).desc())
    )
    number = session.exec(query.limit(1)).first()
    if number is None:
        raise NotByPlatformError(f"Document {document_id} did not go by a platform")
    status = Status("212", now)
    told = {"amounts": [dict(one) for one in amounts], "cashed_on": cashed_on.isoformat()}
    return report(session, number, status, told, name=f"cashed/{cashed_on.isoformat()}", by=by, now=now)


def report(
    session: Session,
    delivery_id: int,
    status: Status,
    told: Mapping[str, Any],
    *,
    name: str,
    by: str,
    now: datetime,
) -> bool:
    """Have the platform told a status of ours; False when `name` was told of this delivery before.

    Raises StatusError, DeliveryNotFoundError or DeliveryStateError.
    """
    check_status(status)
    found = locked(session, delivery_id)
    if found.route is not Route.PLATFORM:
        raise DeliveryStateError(f"Delivery {delivery_id} did not go by a platform")
    return report_all(session, [Report(delivery_id, found.account_id, status, told, name)], by=by, now=now) == 1


@dataclass(frozen=True)
class Report:
    """A status of ours for the platform; `name` tells it from others of the same delivery."""

    delivery_id: int
    account_id: int
    status: Status
    told: Mapping[str, Any]
    name: str


def report_all(session: Session, reports: Sequence[Report], *, by: str, now: datetime) -> int:
    """Have the platform told many statuses, of deliveries that went by it: how many were not told before."""
    bodies = {
        f"{REPORT_JOB}/{one.delivery_id}/{one.name}"[:160]: {
            "delivery": one.delivery_id,
            "code": one.status.code,
            "at": one.status.happened_at.isoformat(),
            "reason_code": one.status.reason_code,
            "reason": one.status.reason,
            "name": one.name,
            **one.told,
        }
        for one in reports
    }
    accounts = {one.delivery_id: one.account_id for one in reports}
    known = set(session.exec(select(Job.dedup_key).where(among(session, col(Job.dedup_key), list(bodies)))))
    fresh = {key: body for key, body in bodies.items() if key not in known}
    wanted = enqueue_all(session, REPORT_JOB, {key: {"status": body} for key, body in fresh.items()}, now=now)
    acts = [
        Act(by, "delivery.status_asked", f"account:{accounts[body['delivery']]}", {"after": body})
        for body in fresh.values()
    ]
    record(session, acts, now=now)
    return wanted


def report_status(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """The job: hand a status of ours to the platform, and note that it was told."""
    body = arguments["status"]
    code, number = body["code"], int(body["delivery"])
    outside_id = f"{number}/told/{code}/{body['name']}"[:120]
    with kernel.database.reading() as session:
        known = select(DeliveryEvent.id).where(col(DeliveryEvent.outside_id) == outside_id)
        event = session.exec(known).first()
    if event is not None:
        return f"delivery {number}: {code} told before"
    key = re.sub(r"[^0-9A-Za-z-]", "-", outside_id)
    place = platform_of(kernel.settings).report(key, body)
    with kernel.database.transaction() as session:
        found = locked(session, number)
        note(
            session,
            found,
            f"told-{code}",
            source="system",
            by="system",
            now=now,
            detail=place,
            outside_id=outside_id,
        )
    return f"delivery {number}: {code} told, {place}"
