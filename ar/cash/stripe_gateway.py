"""Stripe, by its own library: the only module that imports it, and only when it is first used (it takes seconds)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ar.cash.gateway import Checkout, CheckoutRequest, GatewayRefusedError, GatewaySilentError, News
from ar.cash.gateway_amounts import to_gateway
from ar.cash.stripe_events import read_session

if TYPE_CHECKING:
    from stripe import StripeClient

_EXPANDED = ["payment_intent.latest_charge"]
_TIMEOUT = (5.0, 25.0)
"""Seconds to connect, and to wait for an answer: a customer is waiting too."""


@dataclass(frozen=True)
class StripeGateway:
    """Stripe Checkout at `api_base` (empty: Stripe itself; else the test gateway)."""

    name: str
    api_key: str
    api_base: str = ""

    def create_checkout(self, request: CheckoutRequest) -> Checkout:
        with self._asking() as client:
            made = client.v1.checkout.sessions.create(
                _session_parameters(request),  # type: ignore[arg-type]
                {"idempotency_key": request.key},
            )
        if made.url is None:
            raise GatewayRefusedError("The payment page is closed already")
        return Checkout(session=made.id, url=made.url)

    def fetch(self, session: str) -> News:
        with self._asking() as client:
            found = client.v1.checkout.sessions.retrieve(session, {"expand": _EXPANDED}).to_dict()
            intent = found.get("payment_intent")
            charge = intent.get("latest_charge") if isinstance(intent, dict) else None
            disputes: list[dict[str, Any]] = []
            if isinstance(intent, dict) and charge and charge.get("disputed"):
                listed = client.v1.disputes.list({"payment_intent": intent["id"], "limit": 100})
                disputes = [dispute.to_dict() for dispute in listed.data]
        return read_session(found, charge, disputes)

    def expire(self, session: str) -> None:
        with self._asking() as client:
            client.v1.checkout.sessions.expire(session)

    def refund(self, *, intent: str, amount_minor: int, currency: str, key: str) -> str:
        with self._asking() as client:
            made = client.v1.refunds.create(
                {
                    "payment_intent": intent,
                    "amount": to_gateway(amount_minor, currency),
                    "metadata": {"refund": key},
                },
                {"idempotency_key": key},
            )
        if made.status in ("failed", "canceled"):
            raise GatewayRefusedError(f"The gateway did not refund: {made.failure_reason or made.status}")
        return str(made.id)

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
            if error.http_status is None or error.http_status == 409 or error.http_status >= 500:
                raise GatewaySilentError("The payment service is busy: look again in a few minutes") from error
            said = error.user_message or str(error)
            raise GatewayRefusedError(f"The payment service refused: {said[:300]}") from error
        finally:
            http.close()  # type: ignore[no-untyped-call]


def warm() -> None:
    """Load the library ahead of the first payment, which would wait seconds for it."""
    import stripe  # noqa: F401


def _session_parameters(request: CheckoutRequest) -> dict[str, Any]:
    currency = request.currency.lower()
    return {
        "mode": "payment",
        "client_reference_id": request.key,
        "metadata": {"payment": request.key},
        "payment_intent_data": {"metadata": {"payment": request.key}},
        "payment_method_types": list(request.methods),
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": currency,
                    "unit_amount": to_gateway(line.amount_minor, request.currency),
                    "product_data": {"name": line.name},
                },
            }
            for line in request.lines
        ],
        "locale": request.language,
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
        "expires_at": request.expires_at,
    }
