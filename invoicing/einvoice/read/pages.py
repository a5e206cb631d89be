"""The form on the page of imports that takes in an electronic invoice."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import Response

from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.core.web import KernelDep, NowDep, Principal, Search, SessionDep, TodayDep, allow, page, redirect
from invoicing.einvoice.read.original import MAX_FILE_BYTES
from invoicing.einvoice.read.take import Outcome, examine, take_in

router = APIRouter(include_in_schema=False)


@router.post("/imports/einvoices")
def bring_in(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("import:write")],
    einvoice: Annotated[UploadFile, File()],
    account: Annotated[Search, Form()] = "",
    create_accounts: Annotated[bool, Form()] = False,
) -> Response:
    """Take it in and show it; a file that is refused is told with each rule that it fails."""
    try:
        examined = examine(einvoice.file.read(MAX_FILE_BYTES + 1))
        with session.begin_nested():
            taken = take_in(
                session,
                kernel.settings.files,
                examined,
                file_name=einvoice.filename or "",
                account_code=account or None,
                create_accounts=create_accounts,
                by=principal.actor,
                today=today,
                now=now,
            )
    except DomainError as error:
        return page(
            request, kernel, principal, "console/invoicing/einvoice_refused.html", status=error.status, error=error
        )
    done = _("It was taken in before: nothing changed.") if taken.outcome is Outcome.UNCHANGED else _("It is taken in.")
    return redirect(kernel, principal, f"/invoices/{taken.entry_id}", done=done)
