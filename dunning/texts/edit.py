"""The words of reminders, written by staff: kept as versions, put in the place of the shipped ones, taken out again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlmodel import Session, col
from sqlmodel import select as models_of
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.audit import Act, record
from ar.core.errors import DomainError, Fault, NotFoundError
from ar.core.i18n import fill
from ar.core.render import Renderer
from ar.customers.models import LegalEntity
from dunning.steps import Tone
from dunning.texts.examine import Examined, examine
from dunning.texts.kinds import KINDS
from dunning.texts.models import MessageText, TextState
from dunning.texts.speak import Words
from dunning.tone.check import LEAST_SCORE

_RANKS = {tone: rank for rank, tone in enumerate(Tone)}


class TextNotFoundError(NotFoundError):
    code = "text-not-found"


class TextError(DomainError):
    """The text cannot be kept or sent as it stands; each fault names the part, and the line where there is one."""

    code = "bad-text"


@dataclass(frozen=True)
class TextDraft:
    """What somebody wrote. Without an `entity_id` it is for every seller that has no own."""

    kind: str
    language: str
    words: Words
    tone: Tone
    entity_id: int | None = None


def examined(renderer: Renderer, draft: TextDraft) -> Examined:
    """What is wrong with the draft, and how polite it is. Raises TextError for a kind or language there is not."""
    check_place(renderer, draft)
    return examine(renderer, draft.words, language=draft.language, tone=draft.tone, least_score=LEAST_SCORE)


def save_draft(session: Session, renderer: Renderer, draft: TextDraft, *, by: str, now: datetime) -> MessageText:
    """Keep the draft as the next version. One whose tone is refused is kept too: it cannot be published.

    Raises TextError for one that cannot be rendered or lacks what a reminder must say.
    """
    found = examined(renderer, draft)
    if found.faults:
        raise TextError("The text cannot be kept as it stands", faults=faults_of(found))
    _check_entity(session, draft.entity_id)
    newest = select(func.max(col(MessageText.version))).where(
        col(MessageText.kind) == draft.kind, col(MessageText.language) == draft.language
    )
    version = (session.connection().execute(newest).scalar() or 0) + 1
    row = MessageText(
        kind=draft.kind,
        language=draft.language,
        entity_id=draft.entity_id,
        version=version,
        subject=draft.words.subject,
        text=draft.words.text,
        html=draft.words.html,
        tone=draft.tone,
        created_by=by,
        created_at=now,
    )
    session.add(row)
    session.flush()
    _record(session, "text_written", row, by=by, now=now)
    return row


def publish(session: Session, renderer: Renderer, text_id: int, *, by: str, now: datetime) -> MessageText:
    """Send this version from now on; the one that was live is retired. A live one is left as it is.

    Raises TextNotFoundError, TextError when the tone is refused.
    """
    row = text_by_id(session, text_id, lock=True)
    if row.state is TextState.LIVE:
        return row
    found = examined(renderer, draft_of(row))
    if not found.passed:
        raise TextError("The text cannot be published as it stands", faults=faults_of(found))
    before = update(MessageText).where(
        col(MessageText.kind) == row.kind,
        col(MessageText.language) == row.language,
        col(MessageText.state) == TextState.LIVE,
        col(MessageText.entity_id).is_(None) if row.entity_id is None else col(MessageText.entity_id) == row.entity_id,
    )
    session.connection().execute(before.values(state=TextState.RETIRED))
    row.state, row.published_at, row.failure, row.failed_at = TextState.LIVE, now, None, None
    session.flush()
    _record(session, "text_published", row, by=by, now=now)
    return row


def withdraw(session: Session, text_id: int, *, by: str, now: datetime) -> MessageText:
    """Send the shipped words again instead of this text, or lay a draft aside. A retired one is left as it is."""
    row = text_by_id(session, text_id, lock=True)
    if row.state is not TextState.RETIRED:
        row.state = TextState.RETIRED
        session.flush()
        _record(session, "text_withdrawn", row, by=by, now=now)
    return row


def text_by_id(session: Session, text_id: int, *, lock: bool = False) -> MessageText:
    """Raises TextNotFoundError."""
    query = models_of(MessageText).where(col(MessageText.id) == text_id)
    row = session.exec(query.with_for_update() if lock else query).first()
    if row is None:
        raise TextNotFoundError(f"there is no text {text_id}")
    return row


def texts(
    *, kind: str | None = None, language: str | None = None, state: TextState | None = None
) -> SelectOfScalar[MessageText]:
    """The versions, for paging by id."""
    query = models_of(MessageText)
    for column, wanted in ((MessageText.kind, kind), (MessageText.language, language), (MessageText.state, state)):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    return query


def draft_of(row: MessageText) -> TextDraft:
    return TextDraft(row.kind, row.language, Words(row.subject, row.text, row.html), row.tone, row.entity_id)


def faults_of(found: Examined) -> list[Fault]:
    """What stands in the way, with its place, in English."""
    faults = []
    for one in found.faults:
        place = f"/{one.part}" if not one.line else f"/{one.part}, line {one.line}"
        faults.append(Fault(place, fill(one.message, dict(one.values))))
    for placed in found.findings:
        if placed.finding.refused:
            words = f"“{placed.finding.phrase}” ({placed.finding.offence.value}): say “{placed.finding.better}”"
            faults.append(Fault(f"/{placed.part}", words))
    return faults


def check_place(renderer: Renderer, draft: TextDraft) -> None:
    """Raises TextError for a kind or language there is not, or a tone firmer than the kind's."""
    faults = []
    if draft.kind not in KINDS:
        faults.append(Fault("/kind", f"is one of {', '.join(KINDS)}"))
    elif _RANKS[draft.tone] > _RANKS[KINDS[draft.kind]]:
        faults.append(Fault("/tone", f"of {draft.kind} is {KINDS[draft.kind].value} at the firmest"))
    languages = renderer.message_languages()
    if draft.language not in languages:
        faults.append(Fault("/language", f"is one of {', '.join(languages)}"))
    if faults:
        raise TextError("There is no such text", faults=faults)


def _check_entity(session: Session, entity_id: int | None) -> None:
    if entity_id is not None and session.get(LegalEntity, entity_id) is None:
        raise TextError("There is no such seller", faults=[Fault("/entity_id", f"there is no seller {entity_id}")])


def _record(session: Session, verb: str, row: MessageText, *, by: str, now: datetime) -> None:
    change = {"kind": row.kind, "language": row.language, "version": row.version, "entity_id": row.entity_id}
    record(session, [Act(by, f"dunning.{verb}", f"message_text:{row.id}", change)], now=now)


def live_of(session: Session, kinds: Sequence[str]) -> list[MessageText]:
    """The texts that are live, of these kinds."""
    query = models_of(MessageText).where(col(MessageText.state) == TextState.LIVE, col(MessageText.kind).in_(kinds))
    return list(session.exec(query))
