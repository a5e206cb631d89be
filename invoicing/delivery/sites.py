"""Documents for a customer's own purchasing portal: a task for a person or a connector, with what to type there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.errors import ConflictError, DomainError, Fault, NotFoundError
from ar.core.money import plain
from ar.customers.entities import entity
from invoicing.delivery.models import (
    Delivery,
    DeliveryPreference,
    DeliveryState,
    UploadState,
    UploadTask,
)
from invoicing.delivery.record import locked, note
from invoicing.models import Invoice


class TaskNotFoundError(NotFoundError):
    code = "upload-task-not-found"


class TaskStateError(ConflictError):
    """The task has ended already."""

    code = "upload-task-state"


class TaskError(DomainError):
    code = "bad-upload-task"


def open_task(session: Session, made: Delivery, document: Invoice, preference: DeliveryPreference) -> None:
    """Write the task of a delivery, its fields filled from the document."""
    assert made.id is not None
    values = site_values(document, entity(session, document.entity_id).name)
    session.add(
        UploadTask(
            delivery_id=made.id,
            account_id=made.account_id,
            site_name=preference.site_name,
            site_url=preference.site_url,
            fields=[
                {
                    "label": one["label"],
                    "value": one.get("text", "") if one["source"] == "text" else values[one["source"]],
                }
                for one in preference.site_fields
            ],
        )
    )
    session.flush()


def site_values(document: Invoice, seller: str) -> Mapping[str, str]:
    """What each source of a field says of a document: days in ISO form, amounts as plain decimals."""
    return {
        "number": document.number or "",
        "order": document.purchase_order,
        "reference": document.buyer_reference,
        "issue_on": document.issue_on.isoformat(),
        "due_on": document.due_on.isoformat(),
        "total": plain(document.total_minor, document.currency),
        "net": plain(document.net_minor, document.currency),
        "tax": plain(document.tax_minor, document.currency),
        "currency": document.currency,
        "seller": seller,
    }


def search_tasks(state: UploadState | None = None, account_id: int | None = None) -> SelectOfScalar[UploadTask]:
    """A query for the tasks in that state and of that account, where given."""
    query = select(UploadTask)
    if state is not None:
        query = query.where(col(UploadTask.state) == state)
    if account_id is not None:
        query = query.where(col(UploadTask.account_id) == account_id)
    return query


def task(session: Session, task_id: int) -> UploadTask:
    """Raises TaskNotFoundError."""
    found = session.get(UploadTask, task_id)
    if found is None:
        raise TaskNotFoundError(f"There is no upload task {task_id}")
    return found


def task_of(session: Session, delivery_id: int) -> UploadTask | None:
    """The task of a delivery, where it has one."""
    return session.exec(select(UploadTask).where(col(UploadTask.delivery_id) == delivery_id)).first()


def take_task(session: Session, task_id: int, *, by: str, now: datetime) -> UploadTask:
    """The task, in the hands of `by`. Raises TaskNotFoundError, or TaskStateError when another has taken it."""
    found, made = _held(session, task_id)
    if found.state is UploadState.TAKEN and found.taken_by != by:
        raise TaskStateError(f"Somebody else has taken this task: {found.taken_by}")
    if found.state is UploadState.OPEN:
        found.state, found.taken_by = UploadState.TAKEN, by
        note(session, made, "taken", source="upload", by=by, now=now)
    return found


def complete_task(session: Session, task_id: int, *, reference: str, by: str, now: datetime) -> UploadTask:
    """The task, done: the portal took the document under `reference`. Raises TaskNotFoundError or TaskStateError."""
    found, made = _held(session, task_id)
    if not reference:
        told = "give the reference under which the portal took it"
        raise TaskError(told, faults=[Fault("/reference", told)])
    found.state, found.ended_at, found.reference = UploadState.DONE, now, reference
    found.taken_by = found.taken_by or by
    note(
        session,
        made,
        "uploaded",
        source="upload",
        by=by,
        now=now,
        state=DeliveryState.DELIVERED,
        detail=f"{found.site_name}: {reference}",
    )
    return found


def refuse_task(session: Session, task_id: int, *, reason: str, by: str, now: datetime) -> UploadTask:
    """The task, ended because the portal would not take the document. Raises TaskNotFoundError or TaskStateError."""
    found, made = _held(session, task_id)
    if not reason:
        told = "say why the portal did not take it"
        raise TaskError(told, faults=[Fault("/reason", told)])
    found.state, found.ended_at, found.reason = UploadState.REFUSED, now, reason
    note(session, made, "refused", source="upload", by=by, now=now, state=DeliveryState.REFUSED, detail=reason)
    return found


def _held(session: Session, task_id: int) -> tuple[UploadTask, Delivery]:
    """The task and its delivery, which is locked. Raises TaskNotFoundError, or TaskStateError for one that ended."""
    known = task(session, task_id)
    made = locked(session, known.delivery_id)
    session.refresh(known)
    if known.state in (UploadState.DONE, UploadState.REFUSED):
        raise TaskStateError(f"This task has ended: {known.state.value}")
    return known, made
