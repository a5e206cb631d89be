"""Batches made: letters claimed and their guards asked, set into one PDF outside any transaction, then kept.

A process that dies in between leaves its letters claimed; after a while they are `uncertain` and shown to a person, and
no batch holds them: nothing is printed twice.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import Any, cast

from sqlalchemy import CursorResult, update
from sqlmodel import Session, col

from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.db import among
from ar.core.errors import ConflictError
from ar.core.files import store
from ar.core.kernel import Kernel
from ar.core.mail import Fate, FateKind, nothing
from ar.core.outbox import Guard, MessageChannel, MessageState, OutboxMessage
from ar.core.outbox.claim import Change, claim, id_of, outcome, update_rows
from ar.core.rota import local_days_due, window
from ar.customers.entities import entities
from ar.customers.models import LegalEntity
from dunning.letters.models import LetterBatch
from dunning.letters.sheet import BatchFacts, LetterFacts, checksum, sheet
from invoicing.einvoice import parties
from invoicing.logos.change import logos_for
from invoicing.typeset import TypesetError, typeset

MAKE_JOB = "make-letters"
MAKE_NOW_JOB = "make-letters-now"

HOUR = 15
"""The hour, at the seller's, when the letters of its business day are taken."""

MOST_LETTERS = 200
"""Letters of one batch; what is left goes into the next."""

MAX_BYTES = 256 * 2**20


class LettersLostError(ConflictError):
    """Some of the letters were taken out of our hands while the PDF was made: none of this batch is kept."""

    code = "letters-lost"


def make_letters(guards: Mapping[str, Guard]) -> Callable[[Kernel, dict[str, Any], datetime], str]:
    """The job of the rota: the letters of each seller whose HOUR of a business day has come, in one batch each."""

    def make(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
        since, until = window(arguments)
        with kernel.database.reading() as session:
            due = [
                one
                for one in entities(session)
                if local_days_due(one.time_zone, one.country, since=since, until=until, hour=HOUR)
            ]
        return _made(kernel, guards, due, by="system", now=now)

    return make


def make_letters_now(guards: Mapping[str, Guard]) -> Callable[[Kernel, dict[str, Any], datetime], str]:
    """The job that a person asks for: the letters that wait, of every seller or of the one given."""

    def make(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
        wanted = arguments.get("entity_id")
        with kernel.database.reading() as session:
            due = [one for one in entities(session) if wanted in (None, one.id)]
        return _made(kernel, guards, due, by=str(arguments.get("by", "system")), now=now)

    return make


def _made(
    kernel: Kernel, guards: Mapping[str, Guard], sellers: Sequence[LegalEntity], *, by: str, now: datetime
) -> str:
    made = [batch for one in sellers if (batch := make_batch(kernel, guards, one, by=by, now=now)) is not None]
    letters = sum(batch.letters for batch in made)
    return f"{letters} letters in {len(made)} batches" if made else "no letter to print"


def make_batch(
    kernel: Kernel,
    guards: Mapping[str, Guard],
    seller: LegalEntity,
    *,
    by: str,
    now: datetime,
    duplex: bool = True,
    at: Callable[[str], None] = nothing,
) -> LetterBatch | None:
    """The batch of the letters of `seller` that are due, or None when none is wanted.

    A letter that cannot be set fails alone. `at` is called at the points claim and before-record. Raises
    LettersLostError.
    """
    worker = f"letters:{secrets.token_hex(8)}"
    with kernel.database.transaction() as session:
        claimed = claim(
            session,
            guards,
            Counter(),
            channel=MessageChannel.LETTER,
            now=now,
            limit=MOST_LETTERS,
            worker=worker,
            sender=seller.code,
        )
        logos = logos_for(session, kernel.settings.files, {seller.id: seller.name} if seller.id else {})
    at("claim")
    if not claimed:
        return None
    facts = BatchFacts(
        parties.seller(seller),
        kernel.renderer.language(seller.language),
        logos.get(seller.id) if seller.id else None,
        local_date(now, seller.time_zone),
        duplex,
        [_letter(kernel, message) for message in claimed],
    )
    content, good, bad = _set(kernel, facts, now=now)
    at("before-record")
    with kernel.database.transaction() as session:
        return _keep(session, kernel, seller, claimed, content, good, bad, worker=worker, by=by, now=now)


def _letter(kernel: Kernel, message: OutboxMessage) -> LetterFacts:
    return LetterFacts(
        message.digest,
        message.recipient.split("\n"),
        kernel.renderer.language(message.language),
        message.subject,
        message.body_text,
    )


def _set(kernel: Kernel, facts: BatchFacts, *, now: datetime) -> tuple[bytes, BatchFacts, dict[str, str]]:
    """The PDF, the facts of the letters that are in it, and why others are not, by digest.

    Only when the whole cannot be set is each letter tried alone.
    """

    def typeset_of(letters: Sequence[LetterFacts]) -> tuple[bytes, BatchFacts]:
        given = BatchFacts(facts.seller, facts.seller_language, facts.logo, facts.day, facts.duplex, letters)
        return typeset("letters", sheet(given, say), {}, made_at=now), given

    def say(language: str) -> Callable[..., str]:
        return partial(kernel.renderer.text, language=language)

    try:
        return *typeset_of(facts.letters), {}
    except TypesetError:
        bad: dict[str, str] = {}
        for letter in facts.letters:
            try:
                typeset_of([letter])
            except TypesetError as error:
                bad[letter.digest] = f"it cannot be printed: {error}"[:300]
        return *typeset_of([letter for letter in facts.letters if letter.digest not in bad]), bad


def _keep(
    session: Session,
    kernel: Kernel,
    seller: LegalEntity,
    claimed: Sequence[OutboxMessage],
    content: bytes,
    facts: BatchFacts,
    bad: Mapping[str, str],
    *,
    worker: str,
    by: str,
    now: datetime,
) -> LetterBatch | None:
    failed: list[Change] = [
        (id_of(one), outcome(Fate(FateKind.REFUSED, bad[one.digest]), one.attempts, now)[1])
        for one in claimed
        if one.digest in bad
    ]
    update_rows(session, failed, col(OutboxMessage.claimed_by) == worker)
    if not facts.letters:
        return None
    stored = store(
        session,
        kernel.settings.files,
        name=f"letters-{seller.code}-{facts.day.isoformat()}.pdf",
        content=content,
        media_type="application/pdf",
        subject_ref=f"legal_entity:{seller.id}",
        stored_by=by,
        max_bytes=MAX_BYTES,
        now=now,
    )
    assert seller.id is not None
    assert stored.id is not None
    batch = LetterBatch(
        entity_id=seller.id,
        day=facts.day,
        letters=len(facts.letters),
        pages=_pages(content),
        duplex=facts.duplex,
        file_id=stored.id,
        checksum=checksum(facts.letters),
        made_at=now,
        made_by=by,
    )
    session.add(batch)
    session.flush()
    held = (
        update(OutboxMessage)
        .where(
            among(session, col(OutboxMessage.id), [id_of(one) for one in claimed if one.digest not in bad]),
            col(OutboxMessage.state) == MessageState.CLAIMED,
            col(OutboxMessage.claimed_by) == worker,
        )
        .values(carrier_ref=reference(batch), outcome=f"in the batch of letters {batch.id}")
    )
    if cast(CursorResult[Any], session.connection().execute(held)).rowcount != batch.letters:
        raise LettersLostError("Some letters were given up while their batch was made: it is not kept")
    change = {"letters": batch.letters, "pages": batch.pages, "checksum": batch.checksum}
    record(session, [Act(by, "letters.made", f"letter_batch:{batch.id}", change)], now=now)
    return batch


def reference(batch: LetterBatch) -> str:
    """What the messages of `batch` have as carrier_ref."""
    return f"letters:{batch.id}"


def _pages(content: bytes) -> int:
    import pikepdf

    with pikepdf.open(BytesIO(content)) as made:
        return len(made.pages)
