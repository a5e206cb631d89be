"""JSON: the words of reminders, as staff write them: checked, previewed, kept, published, withdrawn."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlmodel import col

from ar.cash.checkout import in_flight
from ar.core.access.links import ASK_PATH
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    Limit,
    NowDep,
    Once,
    Page,
    Principal,
    SessionDep,
    allow,
    idempotent,
    paged,
)
from dunning.texts import edit
from dunning.texts.kinds import KINDS
from dunning.texts.models import MessageText, TextState
from dunning.texts.preview import preview
from dunning.texts.shapes import (
    CheckOut,
    DraftIn,
    KindName,
    LanguageCode,
    PreviewIn,
    PreviewOut,
    TextOut,
    VariableOut,
    VariablesOut,
    WordsOut,
    check_out,
)
from dunning.texts.shipped import shipped_words
from dunning.texts.variables import variables

router = APIRouter(prefix="/api/v1", tags=["dunning"])

KindQuery = Annotated[KindName, Query(description="A kind of reminder, such as reminder_friendly")]
LanguageQuery = Annotated[LanguageCode, Query(description="The language, such as en")]


@router.get("/message-texts", summary="List the texts of reminders", dependencies=[allow("dunning:read")])
def get_texts(
    session: SessionDep,
    kind: Annotated[KindName | None, Query(description="Only of this kind")] = None,
    language: Annotated[LanguageCode | None, Query(description="Only in this language")] = None,
    state: Annotated[TextState | None, Query(description="Only in this state")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[TextOut]:
    """The versions that staff wrote, the newest first."""
    query = edit.texts(kind=kind, language=language, state=state)
    found = paged(session, query, key=(col(MessageText.id).desc(),), cursor=cursor, limit=limit)
    return found.map(TextOut.model_validate)


@router.get("/message-texts/variables", summary="What a text may name", dependencies=[allow("dunning:read")])
def get_variables(kind: KindQuery = "reminder_friendly") -> VariablesOut:
    """The names that a text of this kind may use, what each means, and an example."""
    return VariablesOut(items=[VariableOut.of(one) for one in variables(kind)])


@router.get("/message-texts/shipped", summary="The shipped words", dependencies=[allow("dunning:read")])
def get_shipped(kernel: KernelDep, kind: KindQuery, language: LanguageQuery = "en") -> WordsOut:
    """The words that go out where staff wrote none: a good place to begin."""
    if kind not in KINDS:
        raise edit.TextNotFoundError(f"there is no kind of reminder {kind!a}")
    words = shipped_words(kernel.renderer, kind, language)
    return WordsOut(subject=words.subject, text=words.text, html=words.html)


@router.post("/message-texts/check", summary="Check a text", dependencies=[allow("dunning:read")])
def post_check(body: DraftIn, kernel: KernelDep) -> CheckOut:
    """Try a text on samples and judge its tone. Nothing is kept."""
    return check_out(edit.examined(kernel.renderer, body.draft()))


@router.post("/message-texts/preview", summary="Preview a text", dependencies=[allow("dunning:read")])
def post_preview(body: PreviewIn, session: SessionDep, kernel: KernelDep, now: NowDep) -> PreviewOut:
    """The text as a customer would read it, with the invoices it has. Nothing is kept, and nothing is sent."""
    draft = body.draft()
    edit.check_place(kernel.renderer, draft)
    link = f"{kernel.settings.base_url}{ASK_PATH}"
    found = preview(session, kernel.renderer, draft, body.account_id, now=now, link=link, in_flight=in_flight)
    told = found.message
    return PreviewOut(subject=told.subject, text=told.text, html=told.html, on=found.on, made_up=found.made_up)


@router.post("/message-texts", status_code=201, summary="Keep a text", response_model=TextOut)
def post_text(
    body: DraftIn,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    """Keep a text as the next version, a draft: it is sent from the day it is published."""

    def act() -> TextOut:
        kept = edit.save_draft(session, kernel.renderer, body.draft(), by=principal.actor, now=now)
        return TextOut.model_validate(kept)

    return once(session, act)


@router.get("/message-texts/{text_id}", summary="One text of reminders", dependencies=[allow("dunning:read")])
def get_text(text_id: Id, session: SessionDep) -> TextOut:
    """One version of a text."""
    return TextOut.model_validate(edit.text_by_id(session, text_id))


@router.post("/message-texts/{text_id}/publish", summary="Publish a text")
def post_publish(
    text_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
) -> TextOut:
    """Send this version from now on, in the place of the shipped words or of the version before it."""
    return TextOut.model_validate(edit.publish(session, kernel.renderer, text_id, by=principal.actor, now=now))


@router.post("/message-texts/{text_id}/withdraw", summary="Withdraw a text")
def post_withdraw(
    text_id: Id, session: SessionDep, now: NowDep, principal: Annotated[Principal, allow("dunning:write")]
) -> TextOut:
    """Send the shipped words again, or lay a draft aside."""
    return TextOut.model_validate(edit.withdraw(session, text_id, by=principal.actor, now=now))
