"""The forms of orders and subscriptions in a real browser, in both languages, on desk and phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from ar.core.access.models import Role
from ar.core.kernel import Kernel
from tests.browser import complaints, faults, served, visit
from tests.invoicing.make import customer, seller
from tests.web import PASSWORD, user_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize(("language", "width"), [("en", 1440), ("fr", 390)])
def test_an_order_is_typed_and_a_part_of_it_delivered(
    browser: Browser, kernel: Kernel, language: str, width: int
) -> None:
    with kernel.database.transaction() as session:
        seller(session)
        buyer = customer(session)
    user_in(kernel, Role.CREDIT_MANAGER)
    with served(kernel) as here, visit(browser, width=width, language=language) as page:
        page.goto(f"{here.settings.base_url}/sign-in?language={language}")
        page.locator("input[type=email]").fill("credit_manager@seller.example")
        page.locator("input[type=password]").fill(PASSWORD)
        page.locator("main form button").click()
        page.wait_for_url("**/")
        page.goto(f"{here.settings.base_url}/orders/new?account_id={buyer}")
        if language == "fr":
            page.locator("form.languages button[value=fr]").first.click()
            page.wait_for_selector("html[lang=fr]")
            page.goto(f"{here.settings.base_url}/orders/new?account_id={buyer}")
        assert faults(page) == []
        page.locator("button[value=lines]").click()
        page.wait_for_selector("#line-6")
        page.locator("#reference").fill("A1")
        for name, value in {"description": "Oak board", "quantity": "2,5", "unit_price": "12.50"}.items():
            page.locator(f"#lines-4-{name}").fill(value)
        page.locator("button[value=accept]").click()
        page.wait_for_selector("#lines-0-tax_rate-error")
        assert [told for told in complaints(page) if "422" not in told] == []
        assert faults(page) == []
        page.locator("#lines-0-tax_rate").fill("5,5")
        page.locator("button[value=accept]").click()
        page.wait_for_selector(".flash.good")
        page.locator("details:has([name=lines-1-quantity]) summary").click()
        assert faults(page) == []
        page.locator("[name=lines-1-quantity]").fill("1,5")
        page.locator("button[value=parts]").click()
        page.wait_for_selector(".flash.good")
        assert "1.5" in page.locator("table.data").first.inner_text()
        page.goto(f"{here.settings.base_url}/plans/new")
        assert faults(page) == []
