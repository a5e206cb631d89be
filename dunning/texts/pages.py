"""Pages: which words go out for each kind and language, and one text being written, checked, previewed, published."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, col

from ar.cash.checkout import in_flight
from ar.core.access.links import ASK_PATH
from ar.core.db import MAX_ID
from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.core.i18n import own_name
from ar.core.kernel import Kernel
from ar.core.web import Id, KernelDep, NowDep, Principal, SessionDep, allow, page, redirect
from ar.core.web.types import one_line, several_lines
from ar.customers.entities import entities
from dunning.steps import Tone
from dunning.texts import edit
from dunning.texts.examine import PARTS, Examined, PlacedFinding
from dunning.texts.kinds import KINDS
from dunning.texts.models import MessageText
from dunning.texts.preview import Preview, preview
from dunning.texts.sandbox import MAX_SOURCE, Part, TextFault
from dunning.texts.shipped import shipped_words
from dunning.texts.speak import Words
from dunning.texts.variables import VARIABLES

router = APIRouter(include_in_schema=False)

PATH = "/messages/texts"
_VERSIONS = 20


@dataclass(frozen=True)
class Piece:
    """A stretch of a part's source; with what offends in it, when something does."""

    text: str
    found: PlacedFinding | None


@router.get(PATH)
def message_texts(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("dunning:read")],
) -> HTMLResponse:
    """Each kind of reminder in each language, and whose words go out."""
    live: dict[tuple[str, str], list[MessageText]] = {}
    for row in edit.live_of(session, list(KINDS)):
        live.setdefault((row.kind, row.language), []).append(row)
    languages = [(code, own_name(code)) for code in kernel.renderer.message_languages()]
    rows = [(kind, [(code, live.get((kind, code), [])) for code, _name in languages]) for kind in KINDS]
    failed = [row for found in live.values() for row in found if row.failure]
    return page(
        request, kernel, principal, "console/texts/list.html", rows=rows, text_languages=languages, failed=failed
    )


@router.get(PATH + "/{kind}/{language}")
def message_text(
    kind: str,
    language: str,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("dunning:read")],
    version: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
) -> HTMLResponse:
    """A version, or the one that is live, or the shipped words, ready to be changed."""
    _check_place(kernel, kind, language)
    versions = _versions(session, kind, language)
    shown: MessageText | None
    if version is not None:
        shown = edit.text_by_id(session, version)
        if (shown.kind, shown.language) != (kind, language):
            raise edit.TextNotFoundError(f"there is no text {version} of {kind}")
    else:
        shown = next((row for row in versions if row.state == "live"), None)
    draft = (
        edit.draft_of(shown)
        if shown
        else edit.TextDraft(kind, language, shipped_words(kernel.renderer, kind, language), KINDS[kind])
    )
    return _page(request, session, kernel, principal, draft, shown=shown, versions=versions)


@router.post(PATH + "/{kind}/{language}")
def write_text(
    kind: str,
    language: str,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    subject: Annotated[str, Form(max_length=1000)] = "",
    text: Annotated[str, Form(max_length=2 * MAX_SOURCE)] = "",
    html: Annotated[str, Form(max_length=2 * MAX_SOURCE)] = "",
    tone: Annotated[Tone, Form()] = Tone.FRIENDLY,
    entity_id: Annotated[str, Form(max_length=19, pattern=r"^\d*$")] = "",
    account_id: Annotated[str, Form(max_length=19, pattern=r"^\d*$")] = "",
    action: Annotated[Literal["check", "save"], Form()] = "check",
) -> Response:
    """Check the text and show what was found, with a customer's own invoices where one is named; or keep it."""
    _check_place(kernel, kind, language)
    error: DomainError | None = None
    previewed: Preview | None = None
    words = Words(subject, text.replace("\r\n", "\n"), html.replace("\r\n", "\n"))
    draft = edit.TextDraft(kind, language, words, tone, _number(entity_id))
    try:
        draft = edit.TextDraft(kind, language, _typed(words), tone, _number(entity_id))
        if action == "save":
            kept = edit.save_draft(session, kernel.renderer, draft, by=principal.actor, now=now)
            return redirect(kernel, principal, _path(kept), done=_("Kept as a draft: publish it when it is ready."))
        edit.check_place(kernel.renderer, draft)
        account = _number(account_id)
        if account is not None:
            link = f"{kernel.settings.base_url}{ASK_PATH}"
            previewed = preview(session, kernel.renderer, draft, account, now=now, link=link, in_flight=in_flight)
    except DomainError as refused:
        error = refused
    return _page(request, session, kernel, principal, draft, error=error, previewed=previewed, account_id=account_id)


@router.post(PATH + "/versions/{text_id}/publish")
def publish_text(
    text_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> Response:
    row = edit.text_by_id(session, text_id)
    try:
        edit.publish(session, kernel.renderer, text_id, by=principal.actor, now=now)
    except DomainError as error:
        return _page(request, session, kernel, principal, edit.draft_of(row), shown=row, error=error)
    return redirect(kernel, principal, _path(row), done=_("Published: reminders say it from now on."))


@router.post(PATH + "/versions/{text_id}/withdraw")
def withdraw_text(
    text_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> Response:
    row = edit.withdraw(session, text_id, by=principal.actor, now=now)
    return redirect(kernel, principal, _path(row), done=_("Withdrawn."))


def _page(
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    draft: edit.TextDraft,
    *,
    shown: MessageText | None = None,
    versions: Sequence[MessageText] | None = None,
    error: DomainError | None = None,
    previewed: Preview | None = None,
    account_id: str = "",
) -> HTMLResponse:
    found = _found(kernel, draft, error)
    say, language = kernel.renderer.text, principal.language
    ranks = list(Tone)
    return page(
        request,
        kernel,
        principal,
        "console/texts/text.html",
        status=error.status if error else 200,
        error=error,
        draft=draft,
        shown=shown,
        versions=_versions(session, draft.kind, draft.language) if versions is None else versions,
        found=found,
        faults=[(one.part, one.line, _told(kernel, one, language)) for one in found.faults] if found else [],
        pieces={part: pieces(draft.words.part(part), found, part) for part in PARTS} if found else {},
        previewed=previewed,
        account_id=account_id,
        sellers=[(one.id, one.name) for one in entities(session)],
        tones=[tone.value for tone in ranks[: ranks.index(KINDS[draft.kind]) + 1]],
        own_name=own_name(draft.language),
        variables=[(one.name, say(one.meaning, language=language), one.sample) for one in VARIABLES],
        may_act=principal.may("dunning:write"),
    )


def _found(kernel: Kernel, draft: edit.TextDraft, error: DomainError | None) -> Examined | None:
    """What is to be said of the draft; nothing when it has no place, of which the error tells."""
    try:
        return edit.examined(kernel.renderer, draft)
    except DomainError:
        if error is None:
            raise
        return None


def _told(kernel: Kernel, fault: TextFault, language: str) -> str:
    return kernel.renderer.text(fault.message, language=language, **dict(fault.values))


def pieces(source: str, found: Examined, part: Part) -> list[Piece]:
    """The source of a part, cut where something offends."""
    made: list[Piece] = []
    at = 0
    placed = [one for one in found.findings if one.part == part and one.placed]
    for one in sorted(placed, key=lambda one: one.finding.start):
        if one.finding.start >= at:
            made += [Piece(source[at : one.finding.start], None), Piece(one.finding.phrase, one)]
            at = one.finding.end
    return [piece for piece in [*made, Piece(source[at:], None)] if piece.text]


def _versions(session: Session, kind: str, language: str) -> list[MessageText]:
    query = edit.texts(kind=kind, language=language).order_by(col(MessageText.id).desc()).limit(_VERSIONS)
    return list(session.exec(query))


def _check_place(kernel: Kernel, kind: str, language: str) -> None:
    if kind not in KINDS or language not in kernel.renderer.message_languages():
        raise edit.TextNotFoundError("there is no such kind of reminder, or not in this language")


def _path(row: MessageText) -> str:
    return f"{PATH}/{row.kind}/{row.language}?version={row.id}"


def _number(typed: str) -> int | None:
    number = int(typed) if typed else 0
    return number if 0 < number <= MAX_ID else None


def _typed(words: Words) -> Words:
    """The text as it was typed. Raises TextError for what no message can hold."""
    try:
        one_line(words.subject)
        for part in (words.text, words.html):
            several_lines(part)
    except ValueError as error:
        raise edit.TextError(f"The text {error}") from None
    return words
