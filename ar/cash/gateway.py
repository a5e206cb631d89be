"""What the product asks of a payment gateway, whoever it is. Amounts in minor units of ISO 4217."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol, Self, TypeVar

from ar.cash.payment_states import Facts
from ar.core.errors import DomainError

Order = TypeVar("Order", contravariant=True)


class GatewayRefusedError(DomainError):
    """The gateway said no: nothing was made there, and asking the same again gives the same answer."""

    status = 422
    code = "gateway-refused"


class GatewaySilentError(DomainError):
    """No answer, or none that tells what became of the call: it may have been done."""

    status = 503
    code = "gateway-silent"


@dataclass(frozen=True)
class Line:
    """One line of the payment page: what is paid, in the customer's words, and how much of it."""

    name: str
    amount_minor: int


@dataclass(frozen=True)
class CheckoutRequest:
    """All that a payment page is made from, kept with the payment: the very same is asked again after silence.

    `key` is the payment's public id, the gateway's idempotency key. `expires_at` is in epoch seconds. `customer` is
    the gateway's number of the payer, needed to `save` what it pays with. `hold`: only authorise, to capture later.
    """

    key: str
    currency: str
    lines: Sequence[Line]
    methods: Sequence[str]
    language: str
    success_url: str
    cancel_url: str
    expires_at: int
    customer: str = ""
    save: bool = False
    hold: bool = False

    def stored(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> Self:
        return cls(**{**kept, "lines": [Line(**line) for line in kept["lines"]]})


@dataclass(frozen=True)
class Checkout:
    """A payment page made by the gateway."""

    session: str
    url: str


@dataclass(frozen=True)
class FailedAttempt:
    """A try to pay that failed, when, and the gateway's code of why."""

    at: datetime
    code: str


@dataclass(frozen=True)
class News:
    """What a gateway tells of one payment: which it is, what it says is due, and the facts.

    `amount_minor` and `currency` are given where the message states the payment's whole amount; they must agree
    with what was asked before the facts are believed. `attempt` is a try to pay that failed: an end for a charge of a
    saved method, none on a page, where the customer may try again. `look`: it tells too little, ask for more.
    """

    facts: Facts
    public_id: str | None = None
    session: str | None = None
    intent: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    said: str = ""
    attempt: FailedAttempt | None = None
    look: bool = False


class Named(Protocol):
    """Whoever moves money for us. Every call may raise GatewayRefusedError or GatewaySilentError.

    None is ever made inside a transaction.
    """

    @property
    def name(self) -> str:
        """What its payments and events are kept under."""
        ...


class PaymentPages(Named, Protocol):
    """A gateway with payment pages, which tells at once what became of them."""

    def create_checkout(self, request: CheckoutRequest) -> Checkout:
        """A payment page; the same request gives the same page."""
        ...

    def fetch(self, session: str) -> News:
        """What the gateway knows of a payment page now."""
        ...

    def expire(self, session: str) -> None:
        """Close a payment page that nobody has paid on. Refused when it was paid on, or is closed."""
        ...


class Refunding(Named, Protocol):
    """A gateway that gives money back by the way it came."""

    def refund(self, *, intent: str, amount_minor: int, currency: str, key: str) -> str:
        """Give money back: the refund's id. The same `key` gives the same refund."""
        ...


class Gateway(PaymentPages, Refunding, Protocol):
    """A payment gateway online: pages, news and refunds."""


class Writing(Named, Protocol[Order]):
    """A way of collecting that asks nothing and hears nothing: orders go out as a file, and a bank's statement answers.

    It has no pages to fetch, and gives nothing back: what it brought is refunded by hand.
    """

    def write(self, order: Order) -> bytes:
        """The file that asks for `order`; the same order gives the same file. Raises GatewayRefusedError."""
        ...
