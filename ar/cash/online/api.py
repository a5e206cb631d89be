"""JSON: saved methods and charges of them, pages and transfers asked for by staff, captures; what autopay does."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select

from ar.cash.api import PaymentOut, TargetIn, WhyIn
from ar.cash.autopay.agree import autopays_of, remove_with_autopay, turn_off
from ar.cash.autopay.models import Autopay, AutopayItem, AutopayState
from ar.cash.checkout import PageWish, open_page
from ar.cash.history import payment_by_id
from ar.cash.models import Method
from ar.cash.online.capture import capture, release
from ar.cash.online.charge import ChargeWish, charge_saved
from ar.cash.online.methods import make_default, methods_of
from ar.cash.online.models import MethodKind
from ar.cash.online.transfers import start_transfer, virtual_accounts
from ar.cash.receive import Target
from ar.cash.wishes import OnAccount, Wish
from ar.core.kernel import Kernel
from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    Limit,
    Minor,
    NowDep,
    Number,
    Once,
    Page,
    Principal,
    SessionDep,
    allow,
    example,
    idempotent,
    paged,
)
from ar.customers.accounts import account

router = APIRouter(prefix="/api/v1", tags=["payments"])

METHOD = {
    "id": 3,
    "account_id": 17,
    "gateway": "stripe",
    "kind": "card",
    "brand": "visa",
    "last4": "4242",
    "exp_month": 12,
    "exp_year": 2034,
    "mandate_reference": "",
    "unusable": "",
    "is_default": True,
    "consented_at": "2026-03-12T09:30:00Z",
}
AUTOPAY = {
    "id": 5,
    "account_id": 17,
    "saved_method_id": 3,
    "currency": "EUR",
    "limit_minor": 500_000,
    "offset_days": 0,
    "notice_days": 3,
    "started_at": "2026-03-12T09:30:00Z",
    "ended_at": None,
    "ended_why": "",
}
ITEM = {
    "id": 8,
    "autopay_id": 5,
    "account_id": 17,
    "entry_id": 41,
    "amount_minor": 120_000,
    "pay_on": "2026-04-11",
    "state": "announced",
    "why": "",
    "attempts": 0,
    "payment_id": None,
}


class MethodOut(BaseModel):
    model_config = example(METHOD)

    id: int
    account_id: int
    gateway: str
    kind: MethodKind
    brand: str
    last4: str
    exp_month: int | None
    exp_year: int | None
    mandate_reference: str
    unusable: str = Field(description="Why the gateway takes it no more")
    is_default: bool
    consented_at: datetime


class OnAccountIn(BaseModel):
    model_config = example({"entity_id": 1, "currency": "EUR", "amount_minor": 50_000}) | ConfigDict(extra="forbid")

    entity_id: Number
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    amount_minor: Minor


class WishIn(BaseModel):
    model_config = example({"targets": [{"entry_id": 41, "amount_minor": 60_000}]}) | ConfigDict(extra="forbid")

    targets: Annotated[list[TargetIn], Field(max_length=100)] = Field(
        default_factory=list, description="Items, or parts of them"
    )
    on_account: OnAccountIn | None = Field(default=None, description="What is meant for nothing yet")

    def wish(self, account_id: int) -> Wish:
        extra = self.on_account
        return Wish(
            account_id,
            [Target(one.entry_id, one.amount_minor) for one in self.targets],
            OnAccount(extra.entity_id, extra.currency, extra.amount_minor) if extra else None,
        )


class ChargeIn(WishIn):
    model_config = example(
        {"method_id": 3, "targets": [{"entry_id": 41, "amount_minor": 60_000}], "hold": False}
    ) | ConfigDict(extra="forbid")

    method_id: Number
    hold: bool = Field(default=False, description="Only authorise, to capture all or a part later")


class PageIn(WishIn):
    model_config = example({"targets": [{"entry_id": 41, "amount_minor": 60_000}], "hold": True}) | ConfigDict(
        extra="forbid"
    )

    hold: bool = Field(default=False, description="Only authorise, to capture all or a part later")


class AskedOut(BaseModel):
    model_config = example({"payment_id": 7, "state": "started", "failure": "", "url": "https://pay.example/c/1"})

    payment_id: int
    state: str
    failure: str = Field(description="The gateway's code, where it was declined")
    url: str = Field(description="Where the customer must go, or nothing")


class CaptureIn(BaseModel):
    model_config = example({"amount_minor": 60_000}) | ConfigDict(extra="forbid")

    amount_minor: Minor


class VirtualAccountOut(BaseModel):
    model_config = example(
        {
            "currency": "EUR",
            "iban": "FR7620041010050500013M02606",
            "bic": "TESTFRP1",
            "holder": "Seller",
            "balance_minor": 500,
        }
    )

    currency: str
    iban: str
    bic: str
    holder: str
    balance_minor: int = Field(description="What arrived and no payment has taken")


class AutopayOut(BaseModel):
    model_config = example(AUTOPAY)

    id: int
    account_id: int
    saved_method_id: int
    currency: str
    limit_minor: int
    offset_days: int = Field(description="Day of payment, counted from the due date")
    notice_days: int
    started_at: datetime
    ended_at: datetime | None
    ended_why: str


class AutopayItemOut(BaseModel):
    model_config = example(ITEM)

    id: int
    autopay_id: int
    account_id: int
    entry_id: int
    amount_minor: int
    pay_on: date
    state: AutopayState
    why: str
    attempts: int
    payment_id: int | None


@router.get("/accounts/{account_id}/payment-methods", summary="Saved methods", dependencies=[allow("cash:read")])
def get_methods(account_id: Id, session: SessionDep) -> list[MethodOut]:
    """What a customer left to be charged, its default first. Only the last digits of it are known here."""
    account(session, account_id)
    return [MethodOut.model_validate(one) for one in methods_of(session, account_id)]


@router.post("/accounts/{account_id}/payment-methods/{method_id}/default", summary="Make a method the default")
def post_default(
    account_id: Id,
    method_id: Id,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> MethodOut:
    """Offer this one first from now on."""
    return MethodOut.model_validate(make_default(session, account_id, method_id, by=principal.actor, now=now))


@router.delete("/accounts/{account_id}/payment-methods/{method_id}", status_code=204, summary="Remove a saved method")
def delete_method(
    account_id: Id,
    method_id: Id,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> None:
    """Charge it no more; the gateway forgets it, and autopay by it ends."""
    remove_with_autopay(session, account_id, method_id, by=principal.actor, now=now)


@router.post("/accounts/{account_id}/charges", status_code=201, summary="Charge a saved method")
def post_charge(
    account_id: Id,
    body: ChargeIn,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
    once: Annotated[Once, idempotent()],
) -> AskedOut:
    """Charge items, parts of them, or an amount on account, the customer not being there. A decline is an answer."""
    assert once.key is not None
    key = f"{principal.actor}:{once.key}"[:200]
    wanted = ChargeWish(body.wish(account_id), body.method_id, by=principal.actor, hold=body.hold, key=key)
    done = charge_saved(kernel, wanted, now=now)
    return AskedOut(payment_id=done.payment_id, state=done.state.value, failure=done.failure, url=done.url)


@router.post("/accounts/{account_id}/payment-pages", status_code=201, summary="Open a payment page")
def post_page(
    account_id: Id,
    body: PageIn,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> AskedOut:
    """A page for the customer to pay on, to be sent to it; the same wish gives the same page while it is open."""
    base = kernel.settings.base_url.rstrip("/")
    with kernel.database.reading() as session:
        language = kernel.renderer.language(account(session, account_id).language)
    page = PageWish(
        body.wish(account_id),
        Method.ONLINE,
        language,
        f"{base}/pay",
        f"{base}/pay",
        hold=body.hold,
        by=principal.actor,
    )
    payment_id, url = open_page(kernel, page, now=now)
    return _asked(kernel, payment_id, url)


@router.post("/accounts/{account_id}/transfers", status_code=201, summary="Await a bank transfer")
def post_transfer(
    account_id: Id,
    body: WishIn,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> PaymentOut:
    """Await a transfer to an account number of the customer's own; the payment's instructions say where it goes."""
    payment_id = start_transfer(kernel, body.wish(account_id), by=principal.actor, now=now)
    with kernel.database.reading() as session:
        return PaymentOut.model_validate(payment_by_id(session, payment_id))


@router.get(
    "/accounts/{account_id}/virtual-accounts", summary="Account numbers to pay to", dependencies=[allow("cash:read")]
)
def get_virtual_accounts(account_id: Id, session: SessionDep) -> list[VirtualAccountOut]:
    """The account numbers that a customer alone was given, and what lies there unused."""
    account(session, account_id)
    return [VirtualAccountOut.model_validate(one) for one in virtual_accounts(session, account_id)]


@router.post("/payments/{payment_id}/captures", status_code=201, summary="Capture an authorised payment")
def post_capture(
    payment_id: Id,
    body: CaptureIn,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> AskedOut:
    """Take that much of what is authorised, once; the rest is released to the customer."""
    capture(kernel, payment_id, amount_minor=body.amount_minor, by=principal.actor, now=now)
    return _asked(kernel, payment_id)


@router.post("/payments/{payment_id}/releases", status_code=201, summary="Release an authorised payment")
def post_release(
    payment_id: Id,
    body: WhyIn,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> AskedOut:
    """Take nothing of what is authorised."""
    release(kernel, payment_id, why=body.why, by=principal.actor, now=now)
    return _asked(kernel, payment_id)


@router.get("/accounts/{account_id}/autopay", summary="Autopay of an account", dependencies=[allow("cash:read")])
def get_account_autopay(account_id: Id, session: SessionDep) -> list[AutopayOut]:
    """All that the customer agreed to: what is on first, then the newest."""
    account(session, account_id)
    return [AutopayOut.model_validate(one) for one in autopays_of(session, account_id)]


@router.post("/accounts/{account_id}/autopay/{autopay_id}/end", summary="Turn autopay off")
def post_autopay_end(
    account_id: Id,
    autopay_id: Id,
    session: SessionDep,
    now: NowDep,
    principal: Annotated[Principal, allow("cash:write")],
) -> AutopayOut:
    """Pay nothing by it any more. Only the customer turns it on."""
    return AutopayOut.model_validate(turn_off(session, account_id, autopay_id, by=principal.actor, now=now))


@router.get("/autopay", summary="List autopay", dependencies=[allow("cash:read")])
def get_autopay(
    session: SessionDep,
    on: Annotated[bool | None, Query(description="Only what is on, or only what is off")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[AutopayOut]:
    """What customers agreed to, the newest first; `ended_why` charge_failed and method_unusable want a person."""
    query = select(Autopay)
    if on is not None:
        query = query.where(col(Autopay.ended_at).is_(None) if on else col(Autopay.ended_at).is_not(None))
    found = paged(session, query, key=(col(Autopay.id).desc(),), cursor=cursor, limit=limit)
    return found.map(AutopayOut.model_validate)


@router.get("/autopay-items", summary="List what autopay pays", dependencies=[allow("cash:read")])
def get_autopay_items(
    session: SessionDep,
    account_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only this account's")] = None,
    state: AutopayState | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[AutopayItemOut]:
    """Invoices that autopay is to pay, paid, or did not pay, with the reason; the newest first."""
    query = select(AutopayItem)
    if account_id is not None:
        query = query.where(col(AutopayItem.account_id) == account_id)
    if state is not None:
        query = query.where(col(AutopayItem.state) == state)
    found = paged(session, query, key=(col(AutopayItem.id).desc(),), cursor=cursor, limit=limit)
    return found.map(AutopayItemOut.model_validate)


def _asked(kernel: Kernel, payment_id: int, url: str = "") -> AskedOut:
    with kernel.database.reading() as session:
        payment = payment_by_id(session, payment_id)
        return AskedOut(payment_id=payment_id, state=payment.state.value, failure=payment.failure, url=url)
