"""A customer signs a mandate, takes it back, and agrees on a plan: on its pages, in a real browser too."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Browser
from sqlmodel import select

from ar.cash.mandates.creditor import set_creditor
from ar.cash.mandates.models import Mandate, MandateState
from ar.cash.plans.manage import PlanDraft, propose_plan
from ar.cash.plans.models import PaymentPlan, PlanState
from ar.cash.plans.policy import Bounds, set_policy
from ar.core import clock
from ar.core.access.links import portal_url
from ar.core.kernel import Kernel
from ar.customers.models import LegalEntity
from ar.ledger.models import OpenItem
from tests.browser import faults, served, visit
from tests.ledger.make import customer, invoice, seller
from tests.selfservice.test_pages import token, visiting

IBAN = "DE89 3704 0044 0532 0130 00"


@pytest.fixture
def company(kernel: Kernel) -> tuple[int, int, int]:
    """A seller that collects and offers plans, and two customers with an overdue invoice: entity, mine, the other's."""
    today, now = clock.today(), clock.now()
    with kernel.database.transaction() as session:
        entity = seller(session)
        mine, other = customer(session, "C1", "en"), customer(session, "C2", "fr")
        for account in (mine, other):
            for n in range(2):
                on, due = today - timedelta(days=40), today - timedelta(days=10 - n)
                invoice(session, entity, account, 120_050 + n, on=on, due=due, reference=f"INV-{account}-{n}")
        set_creditor(session, entity, identifier="FR72ZZZ123456", notice_days=14, by="user:1", now=now)
        set_policy(session, entity, Bounds(offered=True, max_instalments=4), by="user:1", now=now)
    return entity, mine, other


def test_a_mandate_is_read_signed_seen_and_taken_back(kernel: Kernel, company: tuple[int, int, int]) -> None:
    entity, mine, other = company
    browser = visiting(kernel, mine)
    page = browser.get("/portal/direct-debit").text
    for part in ("FR72ZZZ123456", "refund must be claimed within 8 weeks", "Seller FR1"):
        assert part in page
    assert "business-to-business transactions" in browser.get("/portal/direct-debit?scheme=b2b").text
    form = {"csrf_token": token(browser), "entity_id": str(entity), "name": "Zoé Petit", "iban": IBAN}
    assert browser.post("/portal/direct-debit/sign", data=form).status_code == 422
    wrong = browser.post("/portal/direct-debit/sign", data=form | {"agreed": "true", "iban": IBAN[:-1] + "1"})
    assert wrong.status_code == 422
    assert "is not a valid IBAN" in wrong.text
    done = browser.post("/portal/direct-debit/sign", data=form | {"agreed": "true"})
    assert done.headers["location"] == "/portal/direct-debit?done=signed"
    with kernel.database.reading() as session:
        made = session.exec(select(Mandate)).one()
        assert made.state is MandateState.ACTIVE
        assert made.consent is not None
        assert made.consent["from"] == "testclient"
    page = browser.get("/portal/direct-debit").text
    assert made.reference in page
    assert made.iban not in page
    again = browser.post("/portal/direct-debit/sign", data=form | {"agreed": "true"})
    assert again.status_code == 409
    stranger = visiting(kernel, other)
    theirs = {"csrf_token": token(stranger)}
    assert stranger.post(f"/portal/direct-debit/{made.id}/revoke", data=theirs).status_code == 404
    assert made.reference not in stranger.get("/portal/direct-debit").text
    browser.post(f"/portal/direct-debit/{made.id}/revoke", data=form)
    with kernel.database.reading() as session:
        assert session.exec(select(Mandate.state)).one() is MandateState.CANCELLED


def test_a_plan_is_asked_for_within_bounds_and_followed(kernel: Kernel, company: tuple[int, int, int]) -> None:
    _, mine, other = company
    browser = visiting(kernel, mine)
    assert f"INV-{mine}-0" in browser.get("/portal/plan").text
    today = clock.today("Europe/Paris")
    form = {"csrf_token": token(browser), "count": "3", "first_on": (today + timedelta(days=5)).isoformat()}
    assert browser.post("/portal/plan", data=form).status_code == 422
    with kernel.database.reading() as session:
        entries = session.exec(select(OpenItem.entry_id).where(OpenItem.account_id == mine)).all()
        foreign = session.exec(select(OpenItem.entry_id).where(OpenItem.account_id == other)).all()
    assert browser.post("/portal/plan", data=form | {"entry": str(foreign[0])}).status_code == 422
    assert browser.post("/portal/plan", data=form | {"entry": str(entries[0]), "count": "5"}).status_code == 422
    done = browser.post("/portal/plan", data=form | {"entry": [str(entry) for entry in entries]})
    assert done.headers["location"] == "/portal/plan?done=agreed"
    with kernel.database.reading() as session:
        assert session.exec(select(PaymentPlan.state)).one() is PlanState.AGREED
    assert "€2,401.01" in browser.get("/portal/plan").text


def test_a_proposed_plan_is_agreed_to_by_its_customer_alone(kernel: Kernel, company: tuple[int, int, int]) -> None:
    _, mine, other = company
    with kernel.database.transaction() as session:
        entries = session.exec(select(OpenItem.entry_id).where(OpenItem.account_id == mine)).all()
        draft = PlanDraft(mine, entries, count=2, first_on=clock.today() + timedelta(days=9))
        made = propose_plan(session, draft, by="user:1", now=clock.now())
    stranger, browser = visiting(kernel, other), visiting(kernel, mine)
    path = f"/portal/plan/{made.id}/agree"
    assert stranger.post(path, data={"csrf_token": token(stranger)}).status_code == 404
    assert "please agree" in browser.get("/portal/plan").text
    assert browser.post(path, data={"csrf_token": token(browser)}).status_code == 303
    again = browser.post(path, data={"csrf_token": token(browser)})
    assert again.status_code == 409


@pytest.mark.browser
@pytest.mark.parametrize(("width", "language"), [(390, "fr"), (1280, "en")])
def test_both_pages_in_a_browser(
    kernel: Kernel, browser: Browser, company: tuple[int, int, int], width: int, language: str
) -> None:
    _, mine, other = company
    with kernel.database.transaction() as session:
        [firm] = session.exec(select(LegalEntity)).all()
        firm.street, firm.postcode, firm.city = "1 rue du Port", "44000", "Nantes"
        session.add(firm)
    account = mine if language == "en" else other
    words = {"en": ("Direct debit", "Pay in instalments"), "fr": ("Prélèvement", "Payer en plusieurs fois")}[language]
    with served(kernel) as here, visit(browser, width=width, language=language) as page:
        page.goto(portal_url(here.settings.base_url, here.settings.signing_key, account, 1, now=clock.now()))
        page.click(f"nav.tabs >> text={words[0]}")
        assert page.inner_text("h1") == words[0]
        assert faults(page) == []
        page.fill("input[name=iban]", IBAN)
        page.check("input[name=agreed]")
        page.click("form[action='/portal/direct-debit/sign'] button")
        page.wait_for_selector(".badge.good")
        assert faults(page) == []
        page.click("nav.tabs a[href='/portal/plan']")
        assert faults(page) == []
        page.select_option("select[name=count]", "3")
        page.fill("input[name=first_on]", (clock.today() + timedelta(days=20)).isoformat())
        page.check("input[name=collected]")
        page.click("form[action='/portal/plan'] button")
        page.wait_for_selector("table")
        assert page.inner_text("h1") == words[1]
        assert page.locator("table tbody tr").count() == 3
        assert faults(page) == []
