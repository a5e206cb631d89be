"""The customer says what it has paid: amount, day, which invoices, what it took off and why; looked over, then kept."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import select
from starlette.datastructures import FormData

from ar.cash.remittance.advice import Advice, Line
from ar.cash.remittance.models import AdviceState, Channel, RemittanceAdvice
from ar.cash.remittance.take import Arrival, lines_of, take_told
from ar.core.errors import DomainError, Fault, NotFoundError
from ar.core.i18n import fill
from ar.core.i18n import marked as _
from ar.core.money import AmountError, plain, typed_minor
from ar.core.web import Id, SessionDep
from ar.core.web.types import one_line
from selfservice.frame import VisitDep, shown
from selfservice.position import OpenInvoice, Position, positions, sellers
from selfservice.visits import Visit, Visitor

router = APIRouter(include_in_schema=False)

_FIELDS = ("entity_id", "currency", "key", "change")
_NUMBERED = ("amount-", "paid_on-", "reference-", "paid-", "off-", "why-")
_EARLIEST = timedelta(days=400)
_LATEST = timedelta(days=31)


class SaidError(DomainError):
    """What was typed cannot be: a sentence that is marked for translation, and what fills its places."""

    code = "bad-remittance"

    def __init__(self, sentence: str, *, field: str = "", **values: str) -> None:
        message = fill(sentence, values)
        super().__init__(message, faults=[Fault(f"/{field}", message)] if field else [])
        self.sentence, self.values = sentence, values


@dataclass(frozen=True)
class Said:
    """What the customer typed, read."""

    entity_id: int
    advice: Advice
    digest: str


async def form_of(request: Request) -> FormData:
    """The form as it was sent, for fields whose names are made of numbers."""
    return await request.form()


SentForm = Annotated[FormData, Depends(form_of)]


def read_form(form: Mapping[str, str], found: Sequence[Position], visitor: Visitor) -> Said:
    """The advice that a form says. Raises SaidError for amounts and days that cannot be, or do not add up."""
    position, currency = _place(form, found)
    lines = tuple(line for row in position.invoices if (line := _line(form, row, currency)) is not None)
    if not lines:
        raise SaidError(_("Say for at least one invoice how much of the payment is for it"))
    mark = f"{position.seller.id}-{currency}"
    amount = _amount(form, f"amount-{mark}", currency)
    told = sum(line.paid_minor or 0 for line in lines)
    if amount is None or amount <= 0:
        raise SaidError(_("Say how much you paid"), field=f"amount-{mark}")
    if told != amount:
        raise SaidError(
            _("The invoices add up to %(told)s, the payment is %(amount)s: please look at them again"),
            field=f"amount-{mark}",
            told=f"{plain(told, currency)} {currency}",
            amount=f"{plain(amount, currency)} {currency}",
        )
    advice = Advice(
        lines,
        amount,
        currency,
        _day(form, f"paid_on-{mark}", visitor.today),
        _text(form, f"reference-{mark}", 80),
        visitor.name[:200],
    )
    key = _text(form, "key", 80)
    digest = hashlib.sha256(f"{visitor.actor}|{key}".encode()).hexdigest()
    return Said(position.seller.id, advice, digest)


def _place(form: Mapping[str, str], found: Sequence[Position]) -> tuple[Position, str]:
    for position in found:
        if str(position.seller.id) == form.get("entity_id") and form.get("currency") in position.owed:
            return position, form["currency"]
    raise SaidError(_("These invoices are not open any more: please begin again"))


def _line(form: Mapping[str, str], row: OpenInvoice, currency: str) -> Line | None:
    """What of the payment is for one invoice; None for nothing."""
    if row.currency != currency:
        return None
    paid, off = _amount(form, f"paid-{row.entry_id}", currency), _amount(form, f"off-{row.entry_id}", currency)
    reason = _text(form, f"why-{row.entry_id}", 200)
    if not paid and not off:
        return None
    if paid is None or paid <= 0 or (off or 0) < 0:
        raise SaidError(_("%(reference)s: the amount paid must be above zero"), reference=row.reference)
    if paid + (off or 0) > row.open_minor:
        raise SaidError(
            _("%(reference)s: only %(amount)s is open"),
            reference=row.reference,
            amount=f"{plain(row.open_minor, currency)} {currency}",
        )
    if off and not reason:
        raise SaidError(_("%(reference)s: please say why something is taken off"), reference=row.reference)
    gross = paid + off if off else None
    return Line(row.reference, paid, gross, off or 0, reason, row.effective_on)


def _amount(form: Mapping[str, str], name: str, currency: str) -> int | None:
    typed = form.get(name, "").strip()
    if not typed:
        return None
    if len(typed) > 30:
        raise SaidError(_("That is too long for an amount"))
    try:
        return typed_minor(typed, currency)
    except AmountError:
        raise SaidError(_("%(typed)s is not an amount, such as 1234.50"), field=name, typed=typed) from None


def _day(form: Mapping[str, str], name: str, today: date) -> date:
    try:
        day = date.fromisoformat(form.get(name, ""))
    except ValueError:
        raise SaidError(_("Say on which day you paid")) from None
    if not today - _EARLIEST <= day <= today + _LATEST:
        raise SaidError(_("That day is too far away"))
    return day


def _text(form: Mapping[str, str], name: str, longest: int) -> str:
    typed = form.get(name, "").strip()
    if len(typed) > longest:
        raise SaidError(_("At most %(count)s characters can be kept"), count=str(longest))
    try:
        return one_line(typed)
    except ValueError:
        raise SaidError(_("Write it on one line, without special characters")) from None


def _strings(form: FormData) -> dict[str, str]:
    """The fields of a form that are words: its own, and those named after a seller and currency or an item."""
    return {
        name: value
        for name, value in form.items()
        if isinstance(value, str) and (name in _FIELDS or name.startswith(_NUMBERED))
    }


def _form_page(
    request: Request,
    visit: Visit,
    visitor: Visitor,
    found: Sequence[Position],
    given: Mapping[str, str],
    error: SaidError | None = None,
) -> HTMLResponse:
    say = visit.kernel.renderer.text
    return shown(
        request,
        visit,
        visitor,
        "portal/advice.html",
        found[0].seller,
        positions=found,
        today=visitor.today,
        earliest=visitor.today - _EARLIEST,
        latest=visitor.today + _LATEST,
        given=given,
        key=given.get("key") or secrets.token_urlsafe(12),
        error=say(error.sentence, language=visitor.language, **error.values) if error else "",
        status_code=200 if error is None else error.status,
    )


@router.get("/portal/advice")
def advice_form(request: Request, session: SessionDep, visit: VisitDep) -> HTMLResponse:
    visitor = visit.by(session)
    return _form_page(request, visit, visitor, positions(session, visitor.account_id), {})


@router.post("/portal/advice")
def look_over(request: Request, session: SessionDep, visit: VisitDep, form: SentForm) -> HTMLResponse:
    """What was typed, to be looked over and confirmed; or the form again, with what is wrong. Keeps nothing."""
    visitor, given = visit.by(session), _strings(form)
    found = positions(session, visitor.account_id)
    try:
        said = read_form(given, found, visitor)
    except SaidError as error:
        return _form_page(request, visit, visitor, found, given, error)
    return shown(
        request,
        visit,
        visitor,
        "portal/advice_check.html",
        sellers(session)[said.entity_id],
        advice=said.advice,
        given=given,
    )


@router.post("/portal/advice/confirm")
def confirm(request: Request, session: SessionDep, visit: VisitDep, form: SentForm) -> Response:
    """Keep it, once, and show it."""
    visitor, given = visit.by(session), _strings(form)
    found = positions(session, visitor.account_id)
    if given.get("change"):
        return _form_page(request, visit, visitor, found, given)
    try:
        said = read_form(given, found, visitor)
    except SaidError as error:
        return _form_page(request, visit, visitor, found, given, error)
    arrival = Arrival(
        Channel.PORTAL,
        visitor.actor,
        account_id=visitor.account_id,
        entity_id=said.entity_id,
        sender=visitor.actor,
        digest=said.digest,
    )
    kept = take_told(session, said.advice, arrival, now=visit.now)
    return RedirectResponse(f"/portal/advices/{kept.id}?done=kept", 303)


class OwnAdviceNotFoundError(NotFoundError):
    code = "remittance-not-found"


@router.get("/portal/advices/{advice_id}")
def own_advice(advice_id: Id, request: Request, session: SessionDep, visit: VisitDep, done: str = "") -> HTMLResponse:
    """What the customer said, as it was kept."""
    visitor = visit.by(session)
    query = select(RemittanceAdvice).where(
        RemittanceAdvice.id == advice_id,
        RemittanceAdvice.account_id == visitor.account_id,
        RemittanceAdvice.channel == Channel.PORTAL,
    )
    advice = session.exec(query).first()
    if advice is None:
        raise OwnAdviceNotFoundError("There is no such payment that you told us of")
    seller = sellers(session)[advice.entity_id] if advice.entity_id else next(iter(sellers(session).values()))
    return shown(
        request,
        visit,
        visitor,
        "portal/advice_kept.html",
        seller,
        advice=advice,
        lines=lines_of(session, [advice_id])[advice_id],
        arrived=advice.state in (AdviceState.PAIRED, AdviceState.USED),
        done=done == "kept",
    )
