"""What the product asks of a gateway that knows its customers: methods kept, charges of them, transfers to them. Pure.

Amounts in minor units of ISO 4217. A call may raise GatewayRefusedError or GatewaySilentError; none is ever made
inside a transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, Self

from ar.cash.gateway import Checkout, Gateway, News


@dataclass(frozen=True)
class SetupRequest:
    """A page on which a customer leaves a method to be charged later. `key` is the setup's public id."""

    key: str
    customer: str
    methods: Sequence[str]
    language: str
    success_url: str
    cancel_url: str
    expires_at: int

    def stored(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> Self:
        return cls(**kept)


@dataclass(frozen=True)
class ChargeRequest:
    """A charge of a saved method, kept with its payment. `key` is the payment's public id.

    `absent`: the customer is not there to be asked for anything. Else `return_url` is where it comes back to after its
    bank asked it. `hold`: only authorise, to capture later.
    """

    key: str
    customer: str
    method: str
    kind: str
    mandate: str
    currency: str
    amount_minor: int
    description: str
    absent: bool
    return_url: str
    hold: bool

    def stored(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> Self:
        return cls(**kept)


@dataclass(frozen=True)
class TransferRequest:
    """A bank transfer to wait for, kept with its payment. `country` is where the account number is to be of."""

    key: str
    customer: str
    currency: str
    amount_minor: int
    country: str
    description: str

    def stored(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> Self:
        return cls(**kept)


@dataclass(frozen=True)
class Method:
    """What can be charged again, by the gateway's number for it; `kind` is 'card' or 'sepa_debit'."""

    number: str
    kind: str
    brand: str = ""
    last4: str = ""
    exp_month: int | None = None
    exp_year: int | None = None
    mandate: str | None = None
    mandate_reference: str = ""


class SetupStage(StrEnum):
    OPEN = "open"
    DONE = "done"
    ENDED = "ended"


@dataclass(frozen=True)
class Setup:
    """How the page for leaving a method stands, and the method once it was left."""

    stage: SetupStage
    customer: str = ""
    method: Method | None = None


@dataclass(frozen=True)
class Asked:
    """What came of a charge or a transfer that was asked for.

    `url`: where the customer must go to confirm it. `instructions`: where to transfer to (iban, bic, holder, reference,
    remaining_minor).
    """

    news: News
    url: str = ""
    instructions: Mapping[str, Any] = field(default_factory=dict)


class OnlineGateway(Gateway, Protocol):
    """A gateway that keeps customers, their methods and their account numbers, beside its payment pages."""

    def create_customer(self, *, key: str, name: str, reference: str) -> str:
        """The gateway's number for a customer; the same `key` gives the same one."""
        ...

    def create_setup(self, request: SetupRequest) -> Checkout:
        """A page to leave a method on; the same request gives the same page."""
        ...

    def fetch_setup(self, session: str) -> Setup:
        """How a page to leave a method on stands now."""
        ...

    def method_of(self, session: str) -> Setup:
        """The method that was left by paying on a payment page."""
        ...

    def detach(self, method: str) -> None:
        """Forget a method: it can be charged no more."""
        ...

    def charge(self, request: ChargeRequest) -> Asked:
        """Charge a saved method, once for a key. A decline is news, not an error."""
        ...

    def expect_transfer(self, request: TransferRequest) -> Asked:
        """Wait for a bank transfer; what has arrived already without a purpose is taken at once."""
        ...

    def fetch_intent(self, intent: str) -> Asked:
        """What the gateway knows of a charge or a transfer now."""
        ...

    def find_intent(self, *, customer: str, key: str, since: datetime) -> Asked | None:
        """The charge or transfer asked for under `key` since then, if the gateway ever got it."""
        ...

    def capture(self, *, intent: str, amount_minor: int, currency: str, key: str) -> News:
        """Take that much of what is authorised; the rest is released."""
        ...

    def cancel(self, intent: str) -> None:
        """Take no money by this intent any more. Refused when it is too late."""
        ...

    def cash_balance(self, customer: str) -> dict[str, int]:
        """What a customer transferred and no payment has taken: minor units by currency."""
        ...
