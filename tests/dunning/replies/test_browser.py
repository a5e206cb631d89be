"""The inbox, a message and the exchange with a customer in a real browser, in both languages, on desk and phone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Browser

from ar.core import clock
from ar.core.access.models import Role
from ar.core.db import Database
from ar.core.settings import Settings
from dunning.replies.take import take
from dunning.replies.understand import nobody_says
from tests.browser import faults, served, visit
from tests.dunning.replies.mails import mail
from tests.dunning.world import World
from tests.web import PASSWORD, user_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
TEXTS = [
    ("Hello,\nwe will pay 60.00 EUR of INV-1 tomorrow and the rest on the 28th.", "jo@bakery.example"),
    ("Our bank details have changed, please use the new IBAN.", "jo@bakery.example"),
    ("Two boxes of INV-1 arrived damaged. Please send a copy of the invoice.", "x@unknown.example"),
]


@pytest.mark.parametrize(("language", "width"), [("en", 1440), ("fr", 390)])
def test_a_reply_is_seen_and_followed(
    browser: Browser, database: Database, settings: Settings, language: str, width: int
) -> None:
    world = World(database, settings)
    with database.transaction() as session:
        account_id = world.customer(session, "BAKERY", email="jo@bakery.example")
        world.invoice(session, account_id, due=clock.today() - timedelta(days=10))
    for n, (text, sender) in enumerate(TEXTS):
        raw = mail(text, sender=sender, message_id=f"<m{n}@x.example>", at=clock.now())
        take(world.kernel, raw, likely=nobody_says, by="system", now=clock.now())
    user_in(world.kernel, Role.COLLECTOR)
    with served(world.kernel) as here, visit(browser, width=width, language=language) as page:
        base = here.settings.base_url
        page.goto(f"{base}/sign-in?language={language}")
        page.locator("input[type=email]").fill("collector@seller.example")
        page.locator("input[type=password]").fill(PASSWORD)
        page.locator("main form button").click()
        page.wait_for_url("**/")
        page.goto(f"{base}/replies")
        if language == "fr":
            page.locator("form.languages button[value=fr]").first.click()
            page.wait_for_selector("html[lang=fr]")
        assert page.locator(".proposal").count() >= 4
        assert faults(page) == []
        page.locator('form[action$="/accept"] button').last.click()
        page.wait_for_selector(".flash.good")
        page.goto(f"{base}/replies/3")
        assert faults(page) == []
        page.goto(f"{base}/customers/{account_id}")
        page.wait_for_selector('a[href="/replies/1"]')
        assert faults(page) == []
