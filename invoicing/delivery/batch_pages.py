"""Pages: the print batches, one of them with its files, and the button that makes one."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import col

from ar.core.access.users import actor_names
from ar.core.errors import DomainError
from ar.core.files import headers_of, read
from ar.core.i18n import marked as _
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    NowDep,
    Principal,
    SessionDep,
    TodayDep,
    allow,
    page,
    paged,
    redirect,
)
from ar.customers.entities import entities
from invoicing.delivery.models import PrintBatch
from invoicing.delivery.prints import batch_of, file_of_batch, hand_over, letters_of, make_batch, search_batches

router = APIRouter(prefix="/print-batches", include_in_schema=False)

Writer = Annotated[Principal, allow("deliveries:write")]
Reader = Annotated[Principal, allow("deliveries:read")]


@router.get("")
def batches(
    request: Request, session: SessionDep, kernel: KernelDep, principal: Reader, cursor: Cursor = None
) -> HTMLResponse:
    found = paged(session, search_batches(), key=(col(PrintBatch.id).desc(),), cursor=cursor, limit=50)
    return page(
        request,
        kernel,
        principal,
        "console/delivery/batches.html",
        found=found,
        sellers=entities(session),
        may_write=principal.may("deliveries:write"),
    )


@router.post("")
def make(
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Writer,
    entity_id: Annotated[int, Form(ge=1, le=2**63 - 1)],
) -> Response:
    """Merge the letters that wait, and show the batch."""
    try:
        batch = make_batch(kernel, entity_id, day=today, by=principal.actor, now=now)
    except DomainError as error:
        return redirect(kernel, principal, "/print-batches", done=error.message, kind="warn")
    return redirect(kernel, principal, f"/print-batches/{batch.id}", done=_("The letters are ready to print."))


@router.get("/{batch_id}")
def one_batch(
    batch_id: Id, request: Request, session: SessionDep, kernel: KernelDep, principal: Reader
) -> HTMLResponse:
    batch = batch_of(session, batch_id)
    return page(
        request,
        kernel,
        principal,
        "console/delivery/batch.html",
        batch=batch,
        seller=next(one for one in entities(session) if one.id == batch.entity_id),
        letters=letters_of(session, batch_id),
        people=actor_names(session, [batch.made_by, batch.handed_by]),
        may_write=principal.may("deliveries:write"),
    )


@router.get("/{batch_id}/pdf", dependencies=[allow("deliveries:read")])
def download_pdf(batch_id: Id, session: SessionDep, kernel: KernelDep) -> Response:
    stored = file_of_batch(session, batch_id, listing=False)
    return Response(read(stored, kernel.settings.files), headers=headers_of(stored))


@router.get("/{batch_id}/manifest", dependencies=[allow("deliveries:read")])
def download_manifest(batch_id: Id, session: SessionDep, kernel: KernelDep) -> Response:
    stored = file_of_batch(session, batch_id, listing=True)
    return Response(read(stored, kernel.settings.files), headers=headers_of(stored))


@router.post("/{batch_id}/handed-over")
def handed_over(batch_id: Id, session: SessionDep, kernel: KernelDep, now: NowDep, principal: Writer) -> Response:
    hand_over(session, batch_id, by=principal.actor, now=now)
    return redirect(kernel, principal, f"/print-batches/{batch_id}", done=_("Noted: the letters are on their way."))
