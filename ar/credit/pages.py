"""Pages: the card "Credit" of a customer's file with its forms, and the rules of segments."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import TypeAdapter
from pydantic import ValidationError as Invalid
from sqlmodel import Session

from ar.core.access.users import actor_names
from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.money import currencies, typed_minor
from ar.core.web import (
    Day,
    Id,
    KernelDep,
    NowDep,
    Principal,
    Search,
    SessionDep,
    ShortText,
    TodayDep,
    allow,
    page,
    redirect,
)
from ar.credit.consult import consult
from ar.credit.history import history
from ar.credit.holds import lift_hold, place_hold, standing_holds
from ar.credit.limits import LimitDraft, LimitError, set_limit
from ar.credit.models import HoldReason, WithoutLimit
from ar.credit.rules import RuleDraft, set_rule, standing_rules
from ar.credit.shapes import Words
from ar.credit.words import told
from ar.customers.accounts import account, segments
from ar.customers.entities import entities

router = APIRouter(include_in_schema=False)

RULES = "/admin/credit-rules"
HISTORY_ROWS = 8
LIMIT_BLANK = dict.fromkeys(("amount", "valid_from", "valid_to", "entity_id", "covers_group", "reason"), "")
RULE_BLANK = {"segment": "", "without_limit": "accept", "overdue_days": "", "overdue": "", "currency": ""}
_DAY = TypeAdapter(Day)


class DayError(DomainError):
    """What was typed is not a day."""

    code = "bad-day"


def _day(text: str) -> date | None:
    try:
        return _DAY.validate_python(text) if text else None
    except Invalid:
        raise DayError(_("That is not a day.")) from None


@router.get("/customers/{account_id}/cards/credit")
def credit_card(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("credit:read")],
) -> HTMLResponse:
    """The card of a customer's file."""
    return _credit(request, session, kernel, principal, account_id, today=today, template="console/credit/_card.html")


@router.get("/customers/{account_id}/credit")
def credit_page(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("credit:read")],
) -> HTMLResponse:
    """The same as a page of its own: where a form that went wrong is shown again."""
    return _credit(request, session, kernel, principal, account_id, today=today)


def _credit(
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    account_id: int,
    *,
    today: date,
    template: str = "console/credit/customer.html",
    given: dict[str, str] | None = None,
    error: DomainError | None = None,
) -> HTMLResponse:
    found = account(session, account_id)
    answer = consult(session, account_id, amount_minor=0, currency=found.currency, today=today)
    events = history(session, account_id, limit=HISTORY_ROWS)
    return page(
        request,
        kernel,
        principal,
        template,
        status=error.status if error else 200,
        flashes=[("bad", error.message)] if error else [],
        account=found,
        answer=answer,
        against=[
            told(kernel.renderer, one, language=principal.language) for one in answer.reasons if not answer.granted
        ],
        holds=standing_holds(session, [account_id]).get(account_id, []),
        events=events,
        people=actor_names(session, [event.by for event in events]),
        sellers=[(one.id, one.name) for one in entities(session)],
        currencies=currencies(),
        reasons=[reason.value for reason in HoldReason],
        given=LIMIT_BLANK | {"currency": found.currency, "valid_from": today.isoformat()} | (given or {}),
        may_write=principal.may("credit:write"),
    )


@router.post("/customers/{account_id}/credit/limits")
def new_limit(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("credit:write")],
    limit_currency: Annotated[ShortText, Form()],
    limit_reason: Annotated[Words, Form()],
    limit_valid_from: Annotated[Search, Form()] = "",
    limit_amount: Annotated[str, Form(max_length=40)] = "",
    limit_valid_to: Annotated[Search, Form()] = "",
    limit_entity_id: Annotated[int, Form(ge=0, le=2**63 - 1)] = 0,
    limit_group: Annotated[bool, Form()] = False,
) -> Response:
    """Set a limit; without an amount take back the one before. With a fault, the form again with what is wrong."""
    given = {
        "amount": limit_amount,
        "currency": limit_currency,
        "valid_from": limit_valid_from,
        "valid_to": limit_valid_to,
        "entity_id": str(limit_entity_id),
        "covers_group": "1" if limit_group else "",
        "reason": limit_reason,
    }
    try:
        first = _day(limit_valid_from)
        if first is None:
            raise LimitError(_("A limit has a first day."))
        draft = LimitDraft(
            account_id=account_id,
            amount_minor=typed_minor(limit_amount, limit_currency) if limit_amount.strip() else None,
            currency=limit_currency,
            reason=limit_reason,
            valid_from=first,
            valid_to=_day(limit_valid_to),
            entity_id=limit_entity_id or None,
            covers_group=limit_group,
        )
        set_limit(session, draft, by=principal.actor, now=now)
    except DomainError as error:
        return _credit(request, session, kernel, principal, account_id, today=today, given=given, error=error)
    done = _("The limit is set.") if limit_amount.strip() else _("The limit is taken back.")
    return redirect(kernel, principal, f"/customers/{account_id}", done=done)


@router.post("/customers/{account_id}/credit/holds")
def new_hold(
    account_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("credit:write")],
    hold_reason: Annotated[HoldReason, Form()],
    hold_words: Annotated[Words, Form()],
) -> Response:
    place_hold(session, account_id, reason=hold_reason, words=hold_words, by=principal.actor, now=now)
    done = _("Credit is on hold: no order of this customer is granted until somebody lifts it.")
    return redirect(kernel, principal, f"/customers/{account_id}", done=done)


@router.post("/customers/{account_id}/credit/holds/{hold_id}/lift")
def lift(
    account_id: Id,
    hold_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    today: TodayDep,
    principal: Annotated[Principal, allow("credit:write")],
    words: Annotated[Words, Form()],
) -> Response:
    try:
        lift_hold(session, hold_id, account_id=account_id, words=words, by=principal.actor, now=now)
    except DomainError as error:
        return _credit(request, session, kernel, principal, account_id, today=today, error=error)
    return redirect(kernel, principal, f"/customers/{account_id}", done=_("The hold is lifted."))


@router.get(RULES)
def rules_page(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("credit:read")],
) -> HTMLResponse:
    return _rules(request, session, kernel, principal)


@router.post(RULES)
def new_rule(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("credit:write")],
    without_limit: Annotated[WithoutLimit, Form()],
    segment: Annotated[Search, Form()] = "",
    overdue_days: Annotated[str, Form(max_length=10)] = "",
    overdue: Annotated[str, Form(max_length=40)] = "",
    currency: Annotated[Search, Form(max_length=3)] = "",
) -> Response:
    """Set the rule of a segment; with a fault, the page again with what is wrong."""
    given: dict[str, str] = {
        "segment": segment,
        "without_limit": without_limit.value,
        "overdue_days": overdue_days,
        "overdue": overdue,
        "currency": currency,
    }
    try:
        draft = RuleDraft(
            segment=segment or None,
            without_limit=without_limit,
            overdue_days=_days(overdue_days),
            overdue_minor=typed_minor(overdue, currency) if overdue.strip() else None,
            currency=currency if overdue.strip() else None,
        )
        set_rule(session, draft, by=principal.actor, now=now)
    except DomainError as error:
        return _rules(request, session, kernel, principal, given=given, error=error)
    return redirect(kernel, principal, RULES, done=_("The rule is set, and holds from now on."))


def _days(text: str) -> int | None:
    digits = text.strip()
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit()):
        raise DayError(_("Days are a whole number."))
    return int(digits)


def _rules(
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    *,
    given: dict[str, str] | None = None,
    error: DomainError | None = None,
) -> HTMLResponse:
    rows = standing_rules(session)
    context: dict[str, Any] = {
        "rows": rows,
        "people": actor_names(session, [row.set_by for row in rows]),
        "segments": segments(session),
        "currencies": currencies(),
        "given": given or RULE_BLANK,
        "may_write": principal.may("credit:write"),
    }
    flashes = [("bad", error.message)] if error else []
    status = error.status if error else 200
    return page(request, kernel, principal, "console/credit/rules.html", status=status, flashes=flashes, **context)
