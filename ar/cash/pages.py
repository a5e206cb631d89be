"""Pages: the payments, one payment with its history, and the forms that record, apply, refund and undo."""

import secrets
from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, col, select
from starlette.datastructures import FormData

from ar.cash.applying import apply_payment, unapply
from ar.cash.gateways import TEST_GATEWAY_PATH
from ar.cash.history import story
from ar.cash.models import Method, Payment
from ar.cash.payment_states import PaymentState
from ar.cash.receive import PaymentError, Receipt, Target, clear_doubts, record_payment, take_back
from ar.cash.refunds import refund
from ar.core.clock import local_date
from ar.core.errors import DomainError
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.money import currencies, typed_minor
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    NowDep,
    Once,
    Principal,
    Search,
    SessionDep,
    ShortText,
    allow,
    idempotent,
    page,
    paged,
    redirect,
)
from ar.customers.accounts import account, names_of, search
from ar.customers.entities import entities
from ar.customers.models import Account
from ar.ledger.items import ItemState, open_items

router = APIRouter(include_in_schema=False)

BY_HAND = tuple(method for method in Method if method is not Method.ONLINE)
_APPLIED = "item-"

AccountId = Annotated[int | None, Query(ge=1, le=2**63 - 1)]


async def form_of(request: Request) -> FormData:
    """The form as it was sent, for fields whose names are made of numbers."""
    return await request.form()


SentForm = Annotated[FormData, Depends(form_of)]


@router.get("/payments")
def payments(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("cash:read")],
    state: PaymentState | None = None,
    account_id: AccountId = None,
    cursor: Cursor = None,
) -> HTMLResponse:
    """Payments, the newest first."""
    query = select(Payment)
    if state is not None:
        query = query.where(col(Payment.state) == state)
    if account_id is not None:
        query = query.where(col(Payment.account_id) == account_id)
    found = paged(session, query, key=(col(Payment.id).desc(),), cursor=cursor, limit=50)
    return page(
        request,
        kernel,
        principal,
        "console/cash/list.html",
        tell=_teller(kernel, principal),
        found=found,
        names=names_of(session, [payment.account_id for payment in found.items]),
        state=state,
        account_id=account_id,
        states=list(PaymentState),
        may_write=principal.may("cash:write"),
    )


@router.get("/payments/new")
def new_payment(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    account_id: AccountId = None,
    q: Annotated[Search, Query()] = "",
) -> HTMLResponse:
    """First whose payment it is, then the payment."""
    if account_id is None:
        query = search(q).order_by(col(Account.legal_name)).limit(20)
        matches = list(session.exec(query).all()) if q else []
        return page(request, kernel, principal, "console/cash/whose.html", q=q, matches=matches)
    context = _form_context(session, account_id, today=local_date(now, "UTC"))
    return page(request, kernel, principal, "console/cash/record.html", given={}, error=None, **context)


@router.post("/payments")
def record(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
    sent: SentForm,
    account_id: Annotated[int, Form(ge=1, le=2**63 - 1)],
) -> Response:
    """Record the payment and show it; with a fault, the form again with what is wrong."""

    def act() -> Response:
        made = record_payment(session, _receipt(sent, account_id), by=principal.actor, now=now)
        return redirect(kernel, principal, f"/payments/{made.id}", done=_("The payment is recorded."))

    try:
        return _all_or_nothing(session, lambda: once(session, act))
    except DomainError as error:
        given = {name: value for name, value in sent.items() if isinstance(value, str)}
        context = _form_context(session, account_id, today=local_date(now, "UTC"))
        return page(
            request,
            kernel,
            principal,
            "console/cash/record.html",
            status=error.status,
            given=given,
            error=error,
            **context,
        )


@router.get("/payments/{payment_id}")
def payment(
    payment_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:read")],
) -> HTMLResponse:
    """One payment: what it is for, what it settled, all that was learnt of it, and what can be done."""
    told = story(session, payment_id)
    may_write = principal.may("cash:write")
    open_now = _payable(session, told.payment) if may_write and told.unapplied_minor else []
    page_at_test_gateway = ""
    if told.payment.gateway == "test" and told.payment.gateway_session:
        page_at_test_gateway = f"{TEST_GATEWAY_PATH}/pay/{told.payment.gateway_session}"
    elif told.payment.gateway == "test" and told.payment.gateway_intent:
        page_at_test_gateway = f"{TEST_GATEWAY_PATH}/intents/{told.payment.gateway_intent}"
    return page(
        request,
        kernel,
        principal,
        "console/cash/payment.html",
        told=told,
        tell=_teller(kernel, principal),
        payment=told.payment,
        account=account(session, told.payment.account_id),
        open_now=open_now,
        refundable_minor=told.payment.received_minor - told.payment.refunded_minor,
        today=local_date(now, "UTC"),
        may_write=may_write,
        key=secrets.token_urlsafe(16),
        at_test_gateway=page_at_test_gateway,
    )


@router.post("/payments/{payment_id}/allocations")
def apply_by_hand(
    payment_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
    sent: SentForm,
) -> Response:
    def act() -> Response:
        told = story(session, payment_id)
        apply_payment(session, payment_id, _targets(sent, told.payment.currency), by=principal.actor, now=now)
        return redirect(kernel, principal, f"/payments/{payment_id}", done=_("The payment is applied."))

    return once(session, act)


@router.post("/payments/{payment_id}/allocations/{allocation_id}/undo")
def undo(
    payment_id: Id,
    allocation_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> Response:
    def act() -> Response:
        unapply(session, payment_id, allocation_id, why="undone on the payment's page", by=principal.actor, now=now)
        return redirect(kernel, principal, f"/payments/{payment_id}", done=_("Undone: both sides are open again."))

    return once(session, act)


@router.post("/payments/{payment_id}/refunds")
def give_back(
    payment_id: Id,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
    amount: Annotated[str, Form(max_length=40)],
    note: Annotated[ShortText, Form()],
) -> Response:
    with kernel.database.reading() as session:
        currency = story(session, payment_id).payment.currency
    minor = typed_minor(amount, currency)
    key = f"{principal.actor}:{once.key}"
    given = refund(kernel, payment_id, amount_minor=minor, note=note, key=key, by=principal.actor, now=now)
    done = _("The refund is made.") if given.state == "done" else _("The refund is asked; the answer is awaited.")
    return redirect(kernel, principal, f"/payments/{payment_id}", done=done)


@router.post("/payments/{payment_id}/reversals")
def take_back_by_hand(
    payment_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
    mistake: Annotated[ShortText, Form()],
) -> Response:
    def act() -> Response:
        take_back(session, payment_id, why=mistake, by=principal.actor, now=now)
        return redirect(kernel, principal, f"/payments/{payment_id}", done=_("The payment is taken back."))

    return once(session, act)


@router.post("/payments/{payment_id}/decisions")
def decide_by_hand(
    payment_id: Id,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
    why: Annotated[ShortText, Form()],
) -> Response:
    def act() -> Response:
        clear_doubts(session, payment_id, why=why, by=principal.actor, now=now)
        return redirect(kernel, principal, f"/payments/{payment_id}", done=_("Thank you: the payment is decided."))

    return once(session, act)


@router.get("/customers/{account_id}/cards/payments")
def payments_card(
    account_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    principal: Annotated[Principal, allow("cash:read")],
) -> HTMLResponse:
    """The customer's last payments: a card of its file."""
    found = account(session, account_id)
    query = select(Payment).where(Payment.account_id == account_id).order_by(col(Payment.id).desc()).limit(10)
    return page(
        request,
        kernel,
        principal,
        "console/cash/_card.html",
        account=found,
        payments=list(session.exec(query).all()),
        may_write=principal.may("cash:write"),
    )


def _teller(kernel: Kernel, principal: Principal) -> Callable[[str], str]:
    """Says a payment's reason in the reader's language; what a gateway wrote stays as it is."""
    return kernel.renderer.catalogues[kernel.renderer.language(principal.language)].gettext


def _receipt(sent: FormData, account_id: int) -> Receipt:
    """The form as a receipt. Raises PaymentError, AmountError, CurrencyError."""
    text = {name: value.strip() for name, value in sent.items() if isinstance(value, str)}
    currency = text.get("currency", "")
    try:
        received_on = date.fromisoformat(text.get("received_on", ""))
        entity_id, method = int(text.get("entity_id", "")[:19]), Method(text.get("method", ""))
    except ValueError:
        raise PaymentError("Say to whom the money came, how, and on which day") from None
    ways: dict[str, Callable[[], list[Target] | None]] = {
        "law": lambda: None,
        "items": lambda: _targets(sent, currency),
        "account": list,
    }
    way = ways.get(text.get("for", "law"))
    if way is None or len(text.get("reference", "")) > 60 or len(text.get("note", "")) > 200:
        raise PaymentError("The reference takes 60 characters, the note 200")
    return Receipt(
        entity_id=entity_id,
        account_id=account_id,
        amount_minor=typed_minor(text.get("amount", ""), currency),
        currency=currency,
        method=method,
        received_on=received_on,
        targets=way(),
        reference=text.get("reference", ""),
        note=text.get("note", ""),
    )


def _targets(sent: Mapping[str, Any], currency: str) -> list[Target]:
    """The amounts entered beside items, in fields named item-<entry id>."""
    found = []
    for name, value in sent.items():
        number = name.removeprefix(_APPLIED)
        if name.startswith(_APPLIED) and number.isascii() and number.isdigit() and len(number) < 19 and value.strip():
            found.append(Target(int(number), typed_minor(value, currency)))
    return found


def _form_context(session: Session, account_id: int, *, today: date) -> dict[str, Any]:
    owed = [item for item in open_items(session, account_ids=[account_id], as_of=date.max) if item.side == 1]
    return {
        "account": account(session, account_id),
        "items": owed,
        "entities": entities(session),
        "currencies": currencies(),
        "methods": BY_HAND,
        "today": today,
        "key": secrets.token_urlsafe(16),
    }


def _payable(session: Session, paid: Payment) -> list[ItemState]:
    """What the payment could settle."""
    items = open_items(session, account_ids=[paid.account_id], as_of=date.max)
    fits = (1, paid.entity_id, paid.currency)
    return [item for item in items if (item.side, item.entity_id, item.currency) == fits]


def _all_or_nothing(session: Session, act: Callable[[], Response]) -> Response:
    """What `act` answers; when it raises, nothing it wrote stays, and the session can go on."""
    with session.begin_nested():
        return act()
