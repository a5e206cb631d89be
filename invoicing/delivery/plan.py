"""From a document whose files are made to an attempt to deliver it: gathered, decided, recorded in one transaction.

A job does this, and again a person who sends a document once more. What goes to the outside is only wished for here: an
e-mail in the outbox, a job for the platform, a task for a person.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from ar.core.jobs import enqueue
from ar.core.kernel import Kernel
from ar.customers.accounts import account, contacts_of
from invoicing.delivery.decide import Facts, Paper, Person, Wish, decide
from invoicing.delivery.mail import queue_messages
from invoicing.delivery.models import (
    Delivery,
    DeliveryPreference,
    DeliveryState,
    Papers,
    Route,
    UploadState,
    UploadTask,
)
from invoicing.delivery.preferences import preference_for
from invoicing.delivery.record import DeliveryStateError, locked, note
from invoicing.delivery.sites import open_task
from invoicing.einvoice.find import DocumentFile, list_files
from invoicing.models import Invoice

DEPOSIT_JOB = "deposit-delivery"


def plan_delivery(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """The job: plan the delivery of the document `invoice_id`, unless it was. Says what came of it.

    One whose files failed a rule is planned anew when they were made again.
    """
    with kernel.database.transaction() as session:
        document = session.get_one(Invoice, int(arguments["invoice_id"]), with_for_update=True)
        files = list_files(session, document)
        last = newest(session, document)
        if not files:
            return f"{document.number}: its files are not made"
        made_at = files[0].made.made_at
        if last is not None and (last.made_at >= made_at or last.state is not DeliveryState.FAILED):
            return f"{document.number}: planned before"
        made = attempt(session, kernel, document, files, last, route=None, by="system", now=now)
        return f"{document.number}: {made.route.value} {made.state.value}"


def deliver_again(
    session: Session, kernel: Kernel, delivery_id: int, *, route: Route | None, by: str, now: datetime
) -> Delivery:
    """A new attempt with the same files, by the same way or by `route`; the attempt before is superseded.

    What is valid goes out, also of a document of which a file failed a rule. Raises DeliveryNotFoundError, or
    DeliveryStateError for an attempt that is not the last one.
    """
    before = locked(session, delivery_id)
    document = session.get_one(Invoice, before.invoice_id, with_for_update=True)
    last = newest(session, document)
    if last is None or last.id != delivery_id or before.state is DeliveryState.SUPERSEDED:
        raise DeliveryStateError("This is not the last attempt: send the last one again")
    files = list_files(session, document)
    return attempt(session, kernel, document, files, before, route=route or before.route, by=by, now=now)


def newest(session: Session, document: Invoice) -> Delivery | None:
    """The last attempt to deliver a document."""
    query = select(Delivery).where(col(Delivery.invoice_id) == document.id).order_by(col(Delivery.attempt).desc())
    return session.exec(query.limit(1)).first()


def attempt(
    session: Session,
    kernel: Kernel,
    document: Invoice,
    files: list[DocumentFile],
    before: Delivery | None,
    *,
    route: Route | None,
    by: str,
    now: datetime,
) -> Delivery:
    """The attempt just planned in place of `before`; with `route`, a person's choice of the way."""
    assert document.id is not None
    preference = preference_for(session, document.account_id, document.entity_id, Papers(document.kind.value))
    plan = decide(_gather(session, kernel, document, files, preference, route))
    if before is not None:
        supersede(session, before, by=by, now=now)
    made = Delivery(
        invoice_id=document.id,
        attempt=before.attempt + 1 if before else 1,
        entity_id=document.entity_id,
        account_id=document.account_id,
        route=plan.route,
        state=plan.state,
        recipients=list(plan.recipients),
        files=list(plan.files),
        made_at=files[0].made.made_at,
        planned_at=now,
        planned_by=by,
        changed_at=now,
    )
    session.add(made)
    session.flush()
    source = "system" if by == "system" else "person"
    note(session, made, plan.code or "planned", source=source, by=by, now=now, state=plan.state, detail=plan.detail)
    made.reason = plan.detail[:400] or plan.code
    if plan.state is DeliveryState.PLANNED:
        _dispatch(session, kernel, made, document, preference, by=by, now=now)
    return made


def supersede(session: Session, before: Delivery, *, by: str, now: datetime) -> None:
    """End an attempt whose place another takes: what of it is still to be sent or done is not."""
    source = "system" if by == "system" else "person"
    note(session, before, "superseded", source=source, by=by, now=now, state=DeliveryState.SUPERSEDED)
    open_states = [UploadState.OPEN, UploadState.TAKEN]
    query = select(UploadTask).where(col(UploadTask.delivery_id) == before.id, col(UploadTask.state).in_(open_states))
    for task in session.exec(query):
        task.state, task.ended_at, task.reason = UploadState.REFUSED, now, "another attempt took its place"
    session.flush()


def _gather(
    session: Session,
    kernel: Kernel,
    document: Invoice,
    files: list[DocumentFile],
    preference: DeliveryPreference | None,
    route: Route | None,
) -> Facts:
    buyer = account(session, document.account_id)
    people = [
        Person(
            contact_id=one.id or 0,
            name=one.name,
            email=one.email or "",
            language=kernel.renderer.language(one.language or buyer.language),
            roles=one.roles,
            reachable=one.email is not None and one.bounced_at is None,
        )
        for one in contacts_of(session, document.account_id)
    ]
    papers = [
        Paper(
            format=one.made.format.value,
            file_id=one.stored.id if one.stored else None,
            name=one.stored.name if one.stored else "",
            size=one.stored.size if one.stored else 0,
            sha256=one.stored.sha256 if one.stored else "",
            rules=[failure["rule"] for failure in one.made.failures or ()],
        )
        for one in files
    ]
    return Facts(
        wish=_wish(preference, route),
        people=people,
        papers=papers,
        has_address=bool(buyer.street and buyer.city),
        by_hand=route is not None,
    )


def _wish(preference: DeliveryPreference | None, route: Route | None) -> Wish | None:
    """What the customer wants; of a person's other choice of the way, to whom it goes is kept."""
    if preference is None:
        return None if route is None else Wish(route)
    same = route is None or route is preference.route
    return Wish(
        route=route or preference.route,
        formats=preference.formats if same else (),
        roles=preference.roles or ("billing",),
        copy_roles=preference.copy_roles,
        site_name=preference.site_name,
    )


def _dispatch(
    session: Session,
    kernel: Kernel,
    made: Delivery,
    document: Invoice,
    preference: DeliveryPreference | None,
    *,
    by: str,
    now: datetime,
) -> None:
    """Wish for what the way needs."""
    match made.route:
        case Route.EMAIL | Route.LINK:
            queue_messages(session, kernel, made, document, now=now)
        case Route.PORTAL:
            note(session, made, "published", source="portal", by=by, now=now, state=DeliveryState.SENT)
        case Route.UPLOAD:
            assert preference is not None
            open_task(session, made, document, preference)
        case Route.PLATFORM:
            arguments = {"delivery_id": made.id}
            enqueue(session, DEPOSIT_JOB, arguments, dedup_key=f"{DEPOSIT_JOB}/{made.id}", now=now)
        case Route.PAPER:
            pass  # the next print batch takes it
