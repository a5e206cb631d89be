"""Which gateway an installation uses: Stripe where there is a key, else the built-in test gateway."""

from __future__ import annotations

import hashlib

from ar.cash.online.gateway import OnlineGateway
from ar.cash.stripe_gateway import StripeGateway
from ar.core.settings import Settings

TEST_GATEWAY_PATH = "/test-gateway"


def open_gateway(settings: Settings) -> OnlineGateway:
    """The gateway of these settings; nothing is asked of it yet."""
    if settings.stripe_secret_key:
        return StripeGateway("stripe", settings.stripe_secret_key.get_secret_value(), settings.stripe_api_base)
    base = settings.stripe_api_base or settings.base_url.rstrip("/") + TEST_GATEWAY_PATH
    return StripeGateway("test", stand_in_key(settings), base)


def gateway_name(settings: Settings) -> str:
    """What payments and events of this gateway are kept under."""
    return "stripe" if settings.stripe_secret_key else "test"


def expects_live(settings: Settings) -> bool:
    """Whether the key moves real money, so that messages of the other mode are refused."""
    key = settings.stripe_secret_key.get_secret_value() if settings.stripe_secret_key else ""
    return key.startswith(("sk_live_", "rk_live_"))


def stand_in_key(settings: Settings) -> str:
    """The API key that the test gateway takes, made from the installation's own secret."""
    return "sk_test_" + hashlib.sha256(f"test gateway:{settings.webhook_secret}".encode()).hexdigest()[:32]
