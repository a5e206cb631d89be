"""The documents in a real browser: on the invoice's page and the customer's, in both languages, on desk and phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from ar.core import clock
from ar.core.access.links import portal_url
from ar.core.access.models import Role
from ar.core.kernel import Kernel
from ar.customers.accounts import account
from tests.browser import faults, served, visit
from tests.invoicing.einvoice.test_make import issued
from tests.invoicing.einvoice.test_web import work
from tests.web import PASSWORD, user_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize(("language", "width"), [("en", 1440), ("fr", 390)])
def test_the_page_is_downloaded_in_a_browser(browser: Browser, kernel: Kernel, language: str, width: int) -> None:
    failed = language == "fr"
    invoice = issued(kernel, vat=None if failed else "FR40303265045", today=clock.today())
    user_in(kernel, Role.CREDIT_MANAGER)
    with kernel.database.transaction() as session:
        account(session, invoice.account_id).language = language
    work(kernel)
    with served(kernel) as here, visit(browser, width=width, language=language) as page:
        page.goto(f"{here.settings.base_url}/sign-in?language={language}")
        page.locator("input[type=email]").fill("credit_manager@seller.example")
        page.locator("input[type=password]").fill(PASSWORD)
        page.locator("main form button").click()
        page.wait_for_url("**/")
        page.goto(f"{here.settings.base_url}/invoices/{invoice.entry_id}")
        if language == "fr":
            page.locator("form.languages button[value=fr]").first.click()
            page.wait_for_selector("html[lang=fr]")
        assert faults(page) == []
        with page.expect_download() as taken:
            page.locator("a[download]").first.click()
        assert taken.value.suggested_filename == f"{invoice.number}.pdf"
        assert page.locator("a[download]").count() == (1 if failed else 3)
        link = portal_url(here.settings.base_url, here.settings.signing_key, invoice.account_id, 1, now=clock.now())
        page.goto(link)
        assert faults(page) == []
        with page.expect_download() as taken:
            page.locator("a[download]").first.click()
        assert taken.value.path().read_bytes().startswith(b"%PDF")
