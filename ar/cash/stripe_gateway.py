"""Stripe, by its own library: the only module that imports it, and only when it is first used (it takes seconds)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ar.cash.gateway import Checkout, CheckoutRequest, GatewayRefusedError, GatewaySilentError, News
from ar.cash.gateway_amounts import from_gateway
from ar.cash.online import parameters
from ar.cash.online.gateway import Asked, ChargeRequest, Setup, SetupRequest, TransferRequest
from ar.cash.online.read import read_instructions, read_paid_method, read_setup, redirect_of
from ar.cash.stripe_events import instant, read_intent, read_session

if TYPE_CHECKING:
    from stripe import StripeClient

_TIMEOUT = (5.0, 25.0)
"""Seconds to connect, and to wait for an answer: a customer is waiting too."""


@dataclass(frozen=True)
class StripeGateway:
    """Stripe at `api_base` (empty: Stripe itself; else the test gateway)."""

    name: str
    api_key: str
    api_base: str = ""

    def create_checkout(self, request: CheckoutRequest) -> Checkout:
        return self._page(parameters.payment_page(request), request.key)

    def fetch(self, session: str) -> News:
        with self._asking() as client:
            expand: Any = {"expand": ["payment_intent.latest_charge"]}
            found = client.v1.checkout.sessions.retrieve(session, expand).to_dict()
            intent = found.get("payment_intent")
            charge = intent.get("latest_charge") if isinstance(intent, dict) else None
            disputes, refunds = _since(client, intent["id"], charge) if isinstance(intent, dict) else ([], [])
        return read_session(found, charge, disputes, refunds)

    def expire(self, session: str) -> None:
        with self._asking() as client:
            client.v1.checkout.sessions.expire(session)

    def refund(self, *, intent: str, amount_minor: int, currency: str, key: str) -> str:
        sent: Any = parameters.refund(intent, amount_minor, currency, key)
        with self._asking() as client:
            made = client.v1.refunds.create(sent, {"idempotency_key": key})
        if made.status in ("failed", "canceled"):
            raise GatewayRefusedError(f"The gateway did not refund: {made.failure_reason or made.status}")
        return str(made.id)

    def create_customer(self, *, key: str, name: str, reference: str) -> str:
        sent: Any = parameters.customer(name, reference)
        with self._asking() as client:
            return str(client.v1.customers.create(sent, {"idempotency_key": key}).id)

    def create_setup(self, request: SetupRequest) -> Checkout:
        return self._page(parameters.setup_page(request), request.key)

    def fetch_setup(self, session: str) -> Setup:
        expand: Any = {"expand": ["setup_intent.payment_method", "setup_intent.mandate"]}
        with self._asking() as client:
            return read_setup(client.v1.checkout.sessions.retrieve(session, expand).to_dict())

    def method_of(self, session: str) -> Setup:
        expand: Any = {"expand": ["payment_intent.payment_method", "payment_intent.latest_charge"]}
        with self._asking() as client:
            return read_paid_method(client.v1.checkout.sessions.retrieve(session, expand).to_dict())

    def detach(self, method: str) -> None:
        with self._asking() as client:
            client.v1.payment_methods.detach(method)

    def charge(self, request: ChargeRequest) -> Asked:
        return self._intend(parameters.charge(request), request.key)

    def expect_transfer(self, request: TransferRequest) -> Asked:
        return self._intend(parameters.transfer(request), request.key)

    def fetch_intent(self, intent: str) -> Asked:
        expand: Any = {"expand": ["latest_charge"]}
        with self._asking() as client:
            return _told(client, client.v1.payment_intents.retrieve(intent, expand).to_dict())

    def find_intent(self, *, customer: str, key: str, since: datetime) -> Asked | None:
        wanted: Any = {
            "customer": customer,
            "created": {"gte": int(since.timestamp())},
            "limit": 100,
            "expand": ["data.latest_charge"],
        }
        with self._asking() as client:
            for found in client.v1.payment_intents.list(wanted).auto_paging_iter():
                told = found.to_dict()
                if (told.get("metadata") or {}).get("payment") == key:
                    return _told(client, told)
        return None

    def capture(self, *, intent: str, amount_minor: int, currency: str, key: str) -> News:
        sent: Any = parameters.capture(amount_minor, currency)
        with self._asking() as client:
            return _told(
                client, client.v1.payment_intents.capture(intent, sent, {"idempotency_key": key}).to_dict()
            ).news

    def cancel(self, intent: str) -> None:
        with self._asking() as client:
            client.v1.payment_intents.cancel(intent)

    def cash_balance(self, customer: str) -> dict[str, int]:
        with self._asking() as client:
            available = client.v1.customers.cash_balance.retrieve(customer).to_dict().get("available") or {}
        return {code.upper(): from_gateway(amount, code.upper()) for code, amount in available.items()}

    def _page(self, sent: Any, key: str) -> Checkout:
        with self._asking() as client:
            made = client.v1.checkout.sessions.create(sent, {"idempotency_key": key})
        if made.url is None:
            raise GatewayRefusedError("The payment page is closed already")
        return Checkout(session=made.id, url=made.url)

    def _intend(self, sent: Any, key: str) -> Asked:
        """A payment intent confirmed as it is made; a declined one is told with the error that tells of it."""
        import stripe

        with self._asking() as client:
            try:
                made: Any = client.v1.payment_intents.create(sent, {"idempotency_key": key}).to_dict()
            except stripe.CardError as declined:
                body = declined.json_body if isinstance(declined.json_body, dict) else {}
                made = (body.get("error") or {}).get("payment_intent")
                if not isinstance(made, dict):
                    raise
            return _told(client, made)

    @contextmanager
    def _asking(self) -> Iterator[StripeClient]:
        """A client for one conversation, its errors told as ours: refused for certain, or fate unknown."""
        import stripe

        http = stripe.RequestsClient(timeout=_TIMEOUT)
        bases: Any = {"api": self.api_base} if self.api_base else None
        try:
            yield stripe.StripeClient(self.api_key, http_client=http, max_network_retries=1, base_addresses=bases)
        except (stripe.APIConnectionError, stripe.APIError) as error:
            raise GatewaySilentError(
                "The payment service did not answer: please look again in a few minutes"
            ) from error
        except stripe.StripeError as error:
            if error.http_status is None or error.http_status in (409, 429) or error.http_status >= 500:
                raise GatewaySilentError("The payment service is busy: look again in a few minutes") from error
            said = error.user_message or str(error)
            raise GatewayRefusedError(f"The payment service refused: {said[:300]}") from error
        finally:
            http.close()  # type: ignore[no-untyped-call]


def _since(client: StripeClient, intent: str, charge: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The disputes and refunds of a charge, asked for where it says that there are some."""
    if not isinstance(charge, Mapping):
        return [], []
    wanted: Any = {"payment_intent": intent, "limit": 100}
    disputes = client.v1.disputes.list(wanted).data if charge.get("disputed") else []
    refunds = client.v1.refunds.list(wanted).data if charge.get("amount_refunded") else []
    return [one.to_dict() for one in disputes], [one.to_dict() for one in refunds]


def _told(client: StripeClient, intent: dict[str, Any]) -> Asked:
    """An intent as news; what it says of its charge is asked for when it came unexpanded."""
    charge = intent.get("latest_charge")
    if isinstance(charge, str):
        charge = client.v1.charges.retrieve(charge).to_dict()
    disputes, refunds = _since(client, intent["id"], charge)
    at = instant((charge or intent).get("created"))
    if intent.get("status") == "canceled" and intent.get("canceled_at"):
        at = instant(intent["canceled_at"])
    news = read_intent(intent, at=at, charge=charge, disputes=disputes, refunds=refunds)
    return Asked(news, redirect_of(intent), read_instructions(intent))


def warm() -> None:
    """Load the library ahead of the first payment, which would wait seconds for it."""
    import stripe  # noqa: F401
