"""The built-in test gateway of an installation without a Stripe key, ready to be mounted at TEST_GATEWAY_PATH."""

from __future__ import annotations

from ar.cash.gateways import TEST_GATEWAY_PATH, stand_in_key
from ar.cash.standin.app import StandIn
from ar.cash.standin.postman import by_http
from ar.core import clock
from ar.core.kernel import Kernel


def stand_in(kernel: Kernel) -> StandIn | None:
    """The test gateway, telling this service's own webhook; None where Stripe, or another gateway, is set."""
    settings = kernel.settings
    if settings.stripe_secret_key or settings.stripe_api_base:
        return None
    base = settings.base_url.rstrip("/")
    return StandIn(
        base_url=base + TEST_GATEWAY_PATH,
        api_key=stand_in_key(settings),
        webhook_secret=settings.webhook_secret,
        file=settings.var_dir / "test-gateway.db",
        deliver=by_http(f"{base}/webhooks/stripe"),
        renderer=kernel.renderer,
        clock=clock.now,
    )
