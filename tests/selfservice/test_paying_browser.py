"""The ways to pay in a real browser on a phone: a card is left, automatic payment turned on, a transfer begun."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import Browser
from sqlmodel import select

from ar.cash.autopay.models import Autopay
from ar.core import clock
from ar.core.access.links import portal_url
from ar.core.kernel import Kernel
from tests.browser import faults, plain_faults, served, visit
from tests.ledger.make import customer, invoice, seller


def test_a_customer_leaves_a_card_and_has_its_invoices_paid(browser: Browser, kernel: Kernel) -> None:
    day = clock.today() - timedelta(days=40)
    with kernel.database.transaction() as session:
        entity, account = seller(session), customer(session)
        invoice(session, entity, account, 120_050, on=day, reference="INV-1")
    with served(kernel) as here, visit(browser, width=390) as page:
        page.set_default_timeout(60_000)
        base = here.settings.base_url
        page.goto(portal_url(base, here.settings.signing_key, account, 1, now=clock.now()))
        page.click("text=Paying")
        page.click("text=Add a card or bank account")
        assert plain_faults(page) == []
        page.click("text=A card that pays")
        page.wait_for_url("**/portal/methods?done=kept")
        page.fill("#limit", "1500")
        page.check("#agree-1")
        page.click("text=Turn it on")
        page.wait_for_url("**/portal/methods?done=on")
        assert faults(page) == []
        page.goto(base + "/portal")
        assert "Card ending in 4242" in page.content()
        page.goto(base + "/portal/amount")
        page.fill("#amount", "12.50")
        page.select_option("#way", "transfer")
        page.click("text=Go on")
        page.wait_for_url("**/portal/transfers")
        assert faults(page) == []
    with kernel.database.reading() as session:
        [made] = session.exec(select(Autopay)).all()
        assert (made.limit_minor, made.notice_days) == (150_000, 3)
