"""JSON: electronic invoices made elsewhere, taken in one by one."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from ar.core.web import KernelDep, NowDep, Once, Principal, SessionDep, ShortText, TodayDep, allow, idempotent
from invoicing.einvoice.read.original import MAX_FILE_BYTES
from invoicing.einvoice.read.take import Outcome, Taken, examine, take_in
from invoicing.models import DocumentKind

router = APIRouter(prefix="/api/v1/imports", tags=["imports"])

TAKEN: dict[str, Any] = {
    "outcome": "imported",
    "invoice_id": 42,
    "account_id": 7,
    "number": "2026-0117",
    "kind": "invoice",
}


class TakenOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [TAKEN]})

    outcome: Outcome = Field(description="unchanged: this very file was taken in before")
    invoice_id: int
    account_id: int
    number: str
    kind: DocumentKind


def taken_out(taken: Taken) -> TakenOut:
    return TakenOut(
        outcome=taken.outcome,
        invoice_id=taken.entry_id,
        account_id=taken.account_id,
        number=taken.number,
        kind=taken.kind,
    )


@router.post("/einvoices", status_code=201, summary="Take in an electronic invoice", response_model=TakenOut)
def post_einvoice(
    file: Annotated[UploadFile, File(description="Factur-X or ZUGFeRD (PDF), CII or UBL (XML)")],
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("import:write")],
    once: Annotated[Once, idempotent(required=False)],
    account: Annotated[
        ShortText | None, Form(description="Code of the customer's account, when no number of it says which")
    ] = None,
    create_accounts: Annotated[bool, Form(description="Open an account for a customer that has none")] = False,
) -> Response:
    """An invoice or credit note made elsewhere, by one of your legal entities: owed from then on under its number.

    It must meet its XSD, the rules of EN 16931 and its own arithmetic; the file is kept as it came. The same file
    again changes nothing.
    """
    examined = examine(file.file.read(MAX_FILE_BYTES + 1))  # before the session is used: it takes a while

    def act() -> TakenOut:
        return taken_out(
            take_in(
                session,
                kernel.settings.files,
                examined,
                file_name=file.filename or "",
                account_code=account,
                create_accounts=create_accounts,
                by=principal.actor,
                today=today,
                now=now,
            )
        )

    return once(session, act)
