"""Pages' parts: a document's file to download, and the button that has failed ones made again."""

from typing import Annotated

from fastapi import APIRouter, Response

from ar.core.i18n import marked as _
from ar.core.web import Id, KernelDep, NowDep, Principal, SessionDep, allow, redirect
from invoicing.einvoice.api import file_response
from invoicing.einvoice.find import again, file_of
from invoicing.models import FileFormat

router = APIRouter(prefix="/invoices/{invoice_id}/documents", include_in_schema=False)


@router.get("/{format}", dependencies=[allow("invoices:read")])
def download(invoice_id: Id, format: FileFormat, session: SessionDep, kernel: KernelDep) -> Response:  # noqa: A002
    return file_response(kernel, file_of(session, invoice_id, format))


@router.post("")
def make_again(
    invoice_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("invoices:write")],
) -> Response:
    again(session, invoice_id, by=principal.actor, now=now)
    return redirect(kernel, principal, f"/invoices/{invoice_id}", done=_("The documents are being made again."))
