"""Print batches: the letters of a seller that are planned, merged once and stored; handing them over is the proof."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.audit import Act, record
from ar.core.db import among, bulk_insert
from ar.core.errors import ConflictError, NotFoundError
from ar.core.files import StoredFile, read, store
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.customers.entities import entity
from ar.customers.models import Account
from invoicing.delivery.letters import Letter, Merged, manifest, merge
from invoicing.delivery.models import Delivery, DeliveryState, PrintBatch, PrintLetter, Route
from invoicing.delivery.record import note
from invoicing.models import Invoice

MOST_LETTERS = 500
"""Letters of one batch; what is left goes into the next."""

MAX_BYTES = 512 * 2**20
_PDF, _CSV = "application/pdf", "text/csv"


class BatchNotFoundError(NotFoundError):
    code = "print-batch-not-found"


class NothingToPrintError(ConflictError):
    """No letter of this seller is waiting."""

    code = "nothing-to-print"


class BatchStateError(ConflictError):
    code = "print-batch-state"


def make_batch(kernel: Kernel, entity_id: int, *, day: date, by: str, now: datetime) -> PrintBatch:
    """The batch just made of the letters of a seller that were planned until now, named after `day`.

    The PDF is made outside any transaction; letters that another batch took meanwhile are its own. Raises
    EntityNotFoundError, NothingToPrintError, or FileDamagedError for a document that the store has lost.
    """
    with kernel.database.reading() as session:
        letters = _waiting(session, kernel, entity_id)
        seller = entity(session, entity_id)
    if not letters:
        raise NothingToPrintError(f"No letter of {seller.name} is waiting to be printed")
    merged = merge(letters, title=f"{seller.code} {day.isoformat()}", made_at=now)
    with kernel.database.transaction() as session:
        held = select(Delivery).where(among(session, col(Delivery.id), [one.delivery_id for one in letters]))
        found = {one.id: one for one in session.exec(held.with_for_update()) if one.id is not None}
        if any(found[one.delivery_id].state is not DeliveryState.PLANNED for one in letters) or _printed(
            session, [one.delivery_id for one in letters]
        ):
            raise BatchStateError("Some of these letters went another way meanwhile: make the batch again")
        return _keep(session, kernel, entity_id, letters, merged, day=day, by=by, now=now)


def _keep(
    session: Session,
    kernel: Kernel,
    entity_id: int,
    letters: Sequence[Letter],
    merged: Merged,
    *,
    day: date,
    by: str,
    now: datetime,
) -> PrintBatch:
    listed = manifest(letters, merged.places)
    name = f"letters-{day.isoformat()}"
    files = [
        store(
            session,
            kernel.settings.files,
            name=f"{name}{suffix}",
            content=content,
            media_type=media_type,
            subject_ref=f"legal_entity:{entity_id}",
            stored_by=by,
            max_bytes=MAX_BYTES,
            now=now,
        )
        for suffix, content, media_type in ((".pdf", merged.content, _PDF), (".csv", listed, _CSV))
    ]
    assert files[0].id is not None
    assert files[1].id is not None
    batch = PrintBatch(
        entity_id=entity_id,
        day=day,
        letters=len(letters),
        pages=merged.pages,
        pdf_file_id=files[0].id,
        manifest_file_id=files[1].id,
        made_at=now,
        made_by=by,
    )
    session.add(batch)
    session.flush()
    rows = [
        {
            "batch_id": batch.id,
            "position": position,
            "delivery_id": letter.delivery_id,
            "first_page": first,
            "pages": pages,
        }
        for position, (letter, (first, pages)) in enumerate(zip(letters, merged.places, strict=True), start=1)
    ]
    bulk_insert(session, PrintLetter, rows)
    change = {"after": {"letters": batch.letters, "pages": batch.pages, "sha256": files[0].sha256}}
    record(session, [Act(by, "print_batch.made", f"print_batch:{batch.id}", change)], now=now)
    return batch


def _printed(session: Session, delivery_ids: Sequence[int]) -> bool:
    query = select(PrintLetter.delivery_id).where(among(session, col(PrintLetter.delivery_id), delivery_ids)).limit(1)
    return session.exec(query).first() is not None


def _waiting(session: Session, kernel: Kernel, entity_id: int) -> list[Letter]:
    """The letters of a seller that are in no batch yet, the first planned first."""
    seller = entity(session, entity_id)
    taken = select(PrintLetter.delivery_id)
    query = (
        select(Delivery, Invoice.number, Account)
        .join(Invoice, col(Invoice.id) == col(Delivery.invoice_id))
        .join(Account, col(Account.id) == col(Delivery.account_id))
        .where(
            col(Delivery.entity_id) == entity_id,
            col(Delivery.route) == Route.PAPER,
            col(Delivery.state) == DeliveryState.PLANNED,
            col(Delivery.id).not_in(taken),
        )
        .order_by(col(Delivery.id))
        .limit(MOST_LETTERS)
    )
    rows = session.exec(query).all()
    wanted = {made.id: next(one for one in made.files if one["format"] == "pdf") for made, _number, _buyer in rows}
    ids = [one["file_id"] for one in wanted.values()]
    files = {one.id: one for one in session.exec(select(StoredFile).where(among(session, col(StoredFile.id), ids)))}
    sender = " · ".join(
        part for part in (seller.name, seller.street, " ".join(p for p in (seller.postcode, seller.city) if p)) if part
    )
    letters = []
    for made, number, buyer in rows:
        stored = files[wanted[made.id]["file_id"]]
        language = kernel.renderer.language(buyer.language)
        words = kernel.renderer.text(_("Please find %(number)s on the next page."), language=language, number=number)
        letters.append(
            Letter(
                delivery_id=made.id or 0,
                number=number or "",
                sender=sender,
                seller_country=seller.country,
                recipient=buyer.legal_name,
                street=buyer.street or "",
                place=" ".join(part for part in (buyer.postcode, buyer.city) if part),
                country=buyer.country,
                language=language,
                words=words,
                sha256=stored.sha256,
                content=read(stored, kernel.settings.files),
            )
        )
    return letters


def search_batches(entity_id: int | None = None) -> SelectOfScalar[PrintBatch]:
    """A query for the batches, of one seller where it is given."""
    query = select(PrintBatch)
    return query if entity_id is None else query.where(col(PrintBatch.entity_id) == entity_id)


def batch_of(session: Session, batch_id: int) -> PrintBatch:
    """Raises BatchNotFoundError."""
    found = session.get(PrintBatch, batch_id)
    if found is None:
        raise BatchNotFoundError(f"There is no print batch {batch_id}")
    return found


def file_of_batch(session: Session, batch_id: int, *, listing: bool) -> StoredFile:
    """The merged PDF of a batch or, for `listing`, its manifest. Raises BatchNotFoundError."""
    found = batch_of(session, batch_id)
    return session.get_one(StoredFile, found.manifest_file_id if listing else found.pdf_file_id)


def letters_of(session: Session, batch_id: int) -> list[tuple[PrintLetter, Delivery, str]]:
    """The letters of a batch in their order, each with its delivery and the document's number."""
    query = (
        select(PrintLetter, Delivery, Invoice.number)
        .join(Delivery, col(Delivery.id) == col(PrintLetter.delivery_id))
        .join(Invoice, col(Invoice.id) == col(Delivery.invoice_id))
        .where(col(PrintLetter.batch_id) == batch_id)
        .order_by(col(PrintLetter.position))
    )
    return [(letter, made, number or "") for letter, made, number in session.exec(query)]


def hand_over(session: Session, batch_id: int, *, by: str, now: datetime) -> PrintBatch:
    """The batch, handed to the printer or the post: its letters are sent. Doing it twice changes nothing.

    Raises BatchNotFoundError.
    """
    batch = session.get(PrintBatch, batch_id, populate_existing=True, with_for_update=True)
    if batch is None:
        raise BatchNotFoundError(f"There is no print batch {batch_id}")
    if batch.handed_at is not None:
        return batch
    batch.handed_at, batch.handed_by = now, by
    for letter, made, _number in letters_of(session, batch_id):
        if made.state is DeliveryState.PLANNED:
            detail = f"batch {batch_id}, letter {letter.position}"
            note(session, made, "handed-over", source="paper", by=by, now=now, state=DeliveryState.SENT, detail=detail)
    record(session, [Act(by, "print_batch.handed_over", f"print_batch:{batch_id}", {})], now=now)
    return batch
