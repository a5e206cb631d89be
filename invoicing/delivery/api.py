"""JSON: how customers want their documents, each attempt to deliver one with its proof, letters, uploads, statuses."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlmodel import col

from ar.core.files import headers_of, read
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    Limit,
    NowDep,
    Page,
    Principal,
    SessionDep,
    TodayDep,
    allow,
    paged,
)
from invoicing.delivery.act import came_back, settled
from invoicing.delivery.deposit import hear
from invoicing.delivery.find import deliveries_of, listed, order, proof, search
from invoicing.delivery.models import DeliveryState, PrintBatch, Route, UploadState, UploadTask
from invoicing.delivery.plan import deliver_again
from invoicing.delivery.preferences import drop_preference, preferences_of, set_preference
from invoicing.delivery.prints import batch_of, file_of_batch, hand_over, letters_of, make_batch, search_batches
from invoicing.delivery.shapes import (
    AgainIn,
    BackIn,
    BatchDetailOut,
    BatchIn,
    BatchOut,
    DeliveryOut,
    DoneIn,
    PreferenceIn,
    PreferencesOut,
    ProofOut,
    ReasonIn,
    StatusIn,
    TaskOut,
    batch_out,
    delivery_out,
    preferences_out,
    proof_out,
    task_out,
)
from invoicing.delivery.sites import complete_task, refuse_task, search_tasks, take_task, task
from invoicing.delivery.states import Status, StatusError

router = APIRouter(prefix="/api/v1", tags=["deliveries"])

AccountFilter = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only of this account")]
Writer = Annotated[Principal, allow("deliveries:write")]
Reading = allow("deliveries:read")


@router.get("/deliveries", summary="List deliveries", dependencies=[Reading])
def get_deliveries(
    session: SessionDep,
    state: Annotated[DeliveryState | None, Query(description="Only in this state")] = None,
    route: Annotated[Route | None, Query(description="Only by this way")] = None,
    account_id: AccountFilter = None,
    waiting: Annotated[bool, Query(description="Only those that wait for a person")] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[DeliveryOut]:
    """Attempts to deliver documents, the newest first."""
    query = search(state, route, account_id, waiting=waiting)
    found = paged(session, query, key=order(), cursor=cursor, limit=limit)
    items = [delivery_out(one) for one in listed(session, found.items)]
    return Page[DeliveryOut](items=items, next_cursor=found.next_cursor)


@router.get("/deliveries/{delivery_id}", summary="Read a delivery's proof", dependencies=[Reading])
def get_delivery(delivery_id: Id, session: SessionDep) -> ProofOut:
    """What was sent, to whom, with which digests, and all that happened to it."""
    return proof_out(proof(session, delivery_id))


@router.get("/invoices/{invoice_id}/deliveries", summary="List an invoice's deliveries", dependencies=[Reading])
def get_invoice_deliveries(invoice_id: Id, session: SessionDep) -> Page[DeliveryOut]:
    """The attempts to deliver one invoice or credit note, the newest first; an imported one has none."""
    items = [delivery_out(one) for one in listed(session, deliveries_of(session, invoice_id))]
    return Page[DeliveryOut](items=items)


@router.post("/deliveries/{delivery_id}/again", status_code=201, summary="Deliver a document again")
def post_again(
    delivery_id: Id, body: AgainIn, session: SessionDep, kernel: KernelDep, now: NowDep, principal: Writer
) -> ProofOut:
    """A new attempt with the same files, by the same way or another. What is valid of it goes out."""
    made = deliver_again(session, kernel, delivery_id, route=body.route, by=principal.actor, now=now)
    assert made.id is not None
    return proof_out(proof(session, made.id))


@router.post("/deliveries/{delivery_id}/came-back", summary="Record that a delivery came back")
def post_came_back(delivery_id: Id, body: BackIn, session: SessionDep, now: NowDep, principal: Writer) -> ProofOut:
    """An e-mail bounced or a letter was returned. Addresses that bounced are not written to until they are changed."""
    came_back(session, delivery_id, reason=body.reason, contact_id=body.contact_id, by=principal.actor, now=now)
    return proof_out(proof(session, delivery_id))


@router.post("/deliveries/{delivery_id}/settled", summary="Say that a delivery has arrived")
def post_settled(delivery_id: Id, body: ReasonIn, session: SessionDep, now: NowDep, principal: Writer) -> ProofOut:
    """A person knows that the document reached the customer, and how."""
    settled(session, delivery_id, reason=body.reason, by=principal.actor, now=now)
    return proof_out(proof(session, delivery_id))


@router.post("/deliveries/{delivery_id}/statuses", summary="Tell a platform's status")
def post_status(
    delivery_id: Id, body: StatusIn, session: SessionDep, now: NowDep, today: TodayDep, principal: Writer
) -> ProofOut:
    """What an approved platform says of a document, by a connector. Heard once for each id, in any order."""
    if body.at.tzinfo is None:
        raise StatusError("the instant has no time zone: write it as 2026-03-17T10:00:00Z")
    status = Status(body.code, body.at, body.reason_code, body.reason, body.id)
    hear(session, delivery_id, status, by=principal.actor, today=today, now=now)
    return proof_out(proof(session, delivery_id))


@router.get("/accounts/{account_id}/delivery-preferences", summary="List delivery preferences", dependencies=[Reading])
def get_preferences(account_id: Id, session: SessionDep) -> PreferencesOut:
    """How the account wants its documents. Without any: by e-mail to its billing contact, else on its page."""
    return preferences_out(preferences_of(session, account_id))


@router.put("/accounts/{account_id}/delivery-preferences", summary="Set a delivery preference")
def put_preference(
    account_id: Id, body: PreferenceIn, session: SessionDep, now: NowDep, principal: Writer
) -> PreferencesOut:
    """Set the one for this kind of document and seller; the others stay. It holds for documents issued from now on."""
    set_preference(session, account_id, body.draft(), by=principal.actor, now=now)
    return preferences_out(preferences_of(session, account_id))


@router.delete("/accounts/{account_id}/delivery-preferences/{preference_id}", summary="Drop a delivery preference")
def delete_preference(
    account_id: Id, preference_id: Id, session: SessionDep, now: NowDep, principal: Writer
) -> PreferencesOut:
    """Have the more general one hold again."""
    drop_preference(session, account_id, preference_id, by=principal.actor, now=now)
    return preferences_out(preferences_of(session, account_id))


@router.get("/print-batches", summary="List print batches", dependencies=[Reading])
def get_batches(
    session: SessionDep,
    entity_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only of this seller")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[BatchOut]:
    """Batches of letters, the newest first."""
    found = paged(session, search_batches(entity_id), key=(col(PrintBatch.id).desc(),), cursor=cursor, limit=limit)
    return found.map(BatchOut.model_validate)


@router.post("/print-batches", status_code=201, summary="Make a print batch")
def post_batch(body: BatchIn, kernel: KernelDep, now: NowDep, today: TodayDep, principal: Writer) -> BatchDetailOut:
    """Merge the letters of a seller that wait, at most 500. 409 when none does."""
    batch = make_batch(kernel, body.entity_id, day=body.day or today, by=principal.actor, now=now)
    assert batch.id is not None
    with kernel.database.reading() as session:
        return batch_out(batch, letters_of(session, batch.id))


@router.get("/print-batches/{batch_id}", summary="Read a print batch", dependencies=[Reading])
def get_batch(batch_id: Id, session: SessionDep) -> BatchDetailOut:
    """One batch, and which letter is on which pages."""
    return batch_out(batch_of(session, batch_id), letters_of(session, batch_id))


FILES = {
    200: {"content": {"application/pdf": {}, "text/csv": {}}, "description": "The file, always the same bytes"},
}


@router.get(
    "/print-batches/{batch_id}/pdf",
    summary="Download a print batch",
    dependencies=[Reading],
    response_class=Response,
    responses={200: FILES[200]},
)
def get_batch_pdf(batch_id: Id, session: SessionDep, kernel: KernelDep) -> Response:
    """The letters in one PDF, each with its address page before it."""
    stored = file_of_batch(session, batch_id, listing=False)
    return Response(read(stored, kernel.settings.files), headers=headers_of(stored))


@router.get(
    "/print-batches/{batch_id}/manifest",
    summary="Download a print batch's manifest",
    dependencies=[Reading],
    response_class=Response,
    responses={200: FILES[200]},
)
def get_batch_manifest(batch_id: Id, session: SessionDep, kernel: KernelDep) -> Response:
    """Which letter is on which pages, its address and its digest, as CSV."""
    stored = file_of_batch(session, batch_id, listing=True)
    return Response(read(stored, kernel.settings.files), headers=headers_of(stored))


@router.post("/print-batches/{batch_id}/handed-over", summary="Hand over a print batch")
def post_handed_over(batch_id: Id, session: SessionDep, now: NowDep, principal: Writer) -> BatchDetailOut:
    """The printer or the post has it: its letters are sent. Saying so twice changes nothing."""
    batch = hand_over(session, batch_id, by=principal.actor, now=now)
    return batch_out(batch, letters_of(session, batch_id))


@router.get("/upload-tasks", summary="List upload tasks", dependencies=[Reading])
def get_tasks(
    session: SessionDep,
    state: Annotated[UploadState | None, Query(description="Only in this state")] = None,
    account_id: AccountFilter = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[TaskOut]:
    """Documents for customers' purchasing portals, the newest first. Their files are the invoice's documents."""
    key = (col(UploadTask.id).desc(),)
    return paged(session, search_tasks(state, account_id), key=key, cursor=cursor, limit=limit).map(task_out)


@router.get("/upload-tasks/{task_id}", summary="Read an upload task", dependencies=[Reading])
def get_task(task_id: Id, session: SessionDep) -> TaskOut:
    """One task, with what to type on the site."""
    return task_out(task(session, task_id))


@router.post("/upload-tasks/{task_id}/take", summary="Take an upload task")
def post_take(task_id: Id, session: SessionDep, now: NowDep, principal: Writer) -> TaskOut:
    """Say who does it. 409 when another has taken it."""
    return task_out(take_task(session, task_id, by=principal.actor, now=now))


@router.post("/upload-tasks/{task_id}/complete", summary="Complete an upload task")
def post_complete(task_id: Id, body: DoneIn, session: SessionDep, now: NowDep, principal: Writer) -> TaskOut:
    """The portal took the document, under its own reference."""
    return task_out(complete_task(session, task_id, reference=body.reference, by=principal.actor, now=now))


@router.post("/upload-tasks/{task_id}/refuse", summary="Refuse an upload task")
def post_refuse(task_id: Id, body: ReasonIn, session: SessionDep, now: NowDep, principal: Writer) -> TaskOut:
    """The portal did not take the document, and why."""
    return task_out(refuse_task(session, task_id, reason=body.reason, by=principal.actor, now=now))
