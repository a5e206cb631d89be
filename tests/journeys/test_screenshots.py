"""What each reader sees: the main pages of a small lived company, in two languages, on a desk and on a phone.

With AMIABLE_SCREENSHOTS=docs/images the README's pictures are drawn anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from rich.console import Console
from sqlmodel import col, select

from ar.core import clock
from ar.core.access.links import portal_url
from ar.core.kernel import Kernel
from ar.core.outbox import OutboxMessage
from ar.core.settings import Settings
from ar.customers.accounts import account
from ar.demo import command
from ar.demo.engine import last_lived
from tests.browser import faults, plain_faults, served, visit

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PICTURES = os.environ.get("AMIABLE_SCREENSHOTS")
CUSTOMERS, MONTHS = (120, 14) if PICTURES else (25, 6)
"""The pictures are of a company that has a history; the checks need none."""

DESK, PHONE = 1440, 390
LANGUAGES = ("en", "fr")


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kernel, str]]:
    """The company, served, and the password of all its users."""
    folder = tmp_path_factory.mktemp("company")
    settings = command.demo_settings(Settings(var_dir=folder, argon2_memory_kib=8, argon2_rounds=1), port=8000)
    kernel, password, _ = command.make(
        settings, customers=CUSTOMERS, months=MONTHS, seed=1, now=clock.now(), out=Console(file=StringIO())
    )
    with served(kernel) as here:
        yield here, password
    kernel.database.engine.dispose()


def shoot(page: Page, name: str, *, height: int = 900) -> None:
    """Draw the top of the page, when pictures are asked for."""
    if PICTURES:
        size = page.viewport_size
        assert size is not None
        page.set_viewport_size({"width": size["width"], "height": height})
        page.screenshot(path=Path(PICTURES) / f"{name}.png")
        page.set_viewport_size(size)


def sign_in(page: Page, kernel: Kernel, email: str, password: str) -> None:
    page.goto(kernel.settings.base_url + "/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.locator("main form button").click()
    page.wait_for_url(re.compile(r"127\.0\.0\.1:\d+/$"))


def speak(page: Page, language: str) -> None:
    if page.locator("html").get_attribute("lang") != language:
        page.locator(f"form.languages button[value={language}]").first.click()
        page.wait_for_selector(f"html[lang={language}]")


def look(page: Page, kernel: Kernel, path: str, title: str, language: str) -> None:
    """Open a page at both widths: it bears its title in the language, and has no fault.

    axe looks at the English page on a desk and the French one on a phone: it is slow, and they share their markup.
    """
    wanted = kernel.renderer.text(title, language=language)
    for width in (PHONE, DESK):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(kernel.settings.base_url + path)
        expect(page.locator(".lazy")).to_have_count(0)  # every card of a customer's file has come
        assert page.title().partition(" · ")[0] == wanted
        assert page.locator("h1").inner_text() == wanted
        with_axe = (language, width) in (("en", DESK), ("fr", PHONE))
        assert (faults if with_axe else plain_faults)(page) == [], f"{path} in {language} at {width} pixels"


@dataclass(frozen=True)
class Shown:
    """The customer to show, and the link to its pages."""

    id: int
    name: str
    link: str


def shown_customer(kernel: Kernel) -> Shown:
    now = clock.now()
    with kernel.database.reading() as session:
        chosen = account(session, command.portal_account(session, as_of=last_lived(now)))
        assert chosen.id is not None
        settings = kernel.settings
        link = portal_url(settings.base_url, settings.signing_key, chosen.id, chosen.portal_epoch, now=now)
        return Shown(chosen.id, chosen.legal_name, link)


STAFF = {
    "cfo@demo.example": (
        ("/", "Overview", "overview"),
        ("/customers", "Customers", None),
        ("/forecast", "Forecast", None),
    ),
    "collector2@demo.example": (("/worklist", "Work-list", "worklist"),),
    "admin@demo.example": (("/admin/users", "Users", None), ("/admin/audit", "Audit trail", None)),
}


@pytest.mark.parametrize("email", STAFF)
def test_what_the_staff_sees(browser: Browser, lived: tuple[Kernel, str], email: str) -> None:
    kernel, password = lived
    chosen = shown_customer(kernel)
    with visit(browser) as page:
        sign_in(page, kernel, email, password)
        for language in LANGUAGES:
            speak(page, language)
            for path, title, picture in STAFF[email]:
                look(page, kernel, path, title, language)
                if picture and language == "en":
                    shoot(page, picture, height=800)
            if email.startswith("collector"):
                look(page, kernel, f"/customers/{chosen.id}", chosen.name, language)
                if language == "en":
                    shoot(page, "customer", height=1000)


def test_what_a_customer_sees(browser: Browser, lived: tuple[Kernel, str]) -> None:
    kernel, _ = lived
    with visit(browser) as page:
        page.goto(shown_customer(kernel).link)
        for language in reversed(LANGUAGES):
            speak(page, language)
            look(page, kernel, "/portal", "Your open invoices", language)
            look(page, kernel, "/portal/history", "My account", language)
        page.set_viewport_size({"width": PHONE, "height": 844})
        page.goto(kernel.settings.base_url + "/portal")
        shoot(page, "portal-phone", height=844)
        page.locator("input[name=entry]:not([disabled])").first.check()
        page.get_by_role("button", name="Pay what is ticked").click()
        page.wait_for_url(re.compile("/test-gateway/"))
        page.set_viewport_size({"width": 900, "height": 900})
        assert page.title().startswith("Pay ")
        assert faults(page) == []
        shoot(page, "payment", height=800)
        page.get_by_role("button", name="Pay by card", exact=True).click()
        page.wait_for_url(re.compile(r"/portal\?done=paid"))
        assert page.get_by_text("Thank you: your payment went through").is_visible()
        assert faults(page) == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_reminder_reads_well(browser: Browser, lived: tuple[Kernel, str], dark: bool) -> None:
    kernel, _ = lived
    query = select(OutboxMessage.body_html).where(
        col(OutboxMessage.dedup_key).contains(":friendly:"), col(OutboxMessage.language) == "en"
    )
    with kernel.database.reading() as session:
        reminder = session.exec(query.order_by(col(OutboxMessage.id).desc())).first()
    assert reminder is not None
    for width in (720, PHONE):
        with visit(browser, width=width, dark=dark) as page:
            page.set_content(reminder)
            assert page.locator("a").first.is_visible()
            assert faults(page) == []
            if width == 720 and not dark:
                shoot(page, "reminder", height=680)
