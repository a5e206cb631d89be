"""A customer on its own pages: what it sees, what it may do, and that nothing of another customer is ever there."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from ar.app import create_app
from ar.core import clock
from ar.core.access.links import portal_url
from ar.core.kernel import Kernel
from ar.customers.models import Account, LegalEntity
from ar.disputes.models import Dispute
from dunning.models import Promise, PromiseItem, PromiseSource, PromiseState
from tests.ledger.make import customer, invoice, seller

CANARY = "OTHER-777"


@pytest.fixture
def company(kernel: Kernel) -> tuple[int, int, int, int]:
    """Two customers with an overdue invoice each: account, item, the other's account, the other's item."""
    today = clock.today()
    issued, due = today - timedelta(days=40), today - timedelta(days=10)
    with kernel.database.transaction() as session:
        entity = seller(session)
        mine, other = customer(session, "C1", "en"), customer(session, "C2", "fr")
        item = invoice(session, entity, mine, 120_050, on=issued, due=due, reference="MINE-1")
        foreign = invoice(session, entity, other, 99_900, on=issued, due=due, reference=CANARY)
    return mine, item, other, foreign


def visiting(kernel: Kernel, account_id: int) -> TestClient:
    """A browser in which the account's link was opened."""
    browser = TestClient(create_app(kernel), follow_redirects=False, raise_server_exceptions=False)
    browser.headers["accept"] = "text/html"
    url = portal_url("", kernel.settings.signing_key, account_id, 1, now=clock.now())
    answer = browser.get(url)
    assert (answer.status_code, answer.headers["location"]) == (303, "/portal")
    return browser


def token(browser: TestClient) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/portal").text)
    assert found is not None
    return found[1]


def test_the_page_shows_what_is_open_in_the_customers_language(kernel: Kernel, company: tuple[int, ...]) -> None:
    mine, _, other, _ = company
    page = visiting(kernel, mine).get("/portal").text
    assert "MINE-1" in page
    assert "€1,200.50" in page
    assert CANARY not in page
    french = visiting(kernel, other).get("/portal").text
    assert "Vos factures ouvertes" in french
    assert CANARY in french


def test_a_language_chosen_stays_chosen(kernel: Kernel, company: tuple[int, ...]) -> None:
    browser = visiting(kernel, company[0])
    form = {"csrf_token": token(browser), "language": "fr", "next": "//evil.example"}
    answer = browser.post("/portal/language", data=form)
    assert answer.headers["location"] == "/portal"
    assert "Vos factures ouvertes" in browser.get("/portal").text


def test_a_part_may_be_promised(kernel: Kernel, company: tuple[int, ...]) -> None:
    mine, item, _, _ = company
    browser = visiting(kernel, mine)
    day = (clock.today() + timedelta(days=7)).isoformat()
    form = {"csrf_token": token(browser), "due_on": day, "entry": str(item)}
    for wrong in ("0", "99999999", "soon", "-3"):
        assert browser.post("/portal/promise", data=form | {"amount": wrong}).status_code == 422
    assert browser.post("/portal/promise", data=form | {"amount": "300,25"}).headers["location"].endswith("promised")
    with kernel.database.reading() as session:
        assert [made.amount_minor for made in session.exec(select(Promise))] == [30_025]


def test_contesting_and_promising_are_kept_and_acknowledged(kernel: Kernel, company: tuple[int, ...]) -> None:
    mine, item, _, _ = company
    browser = visiting(kernel, mine)
    contest = f"/portal/invoices/{item}/contest"
    assert "MINE-1" in browser.get(contest).text
    form = {"csrf_token": token(browser), "reason": "quantity", "text": "two boxes short", "amount": "200,50"}
    assert browser.post(contest, data=form | {"amount": "9999"}).status_code == 422
    assert browser.post(contest, data=form).headers["location"] == "/portal?done=contested"
    day = (clock.today() + timedelta(days=7)).isoformat()
    promise = {"csrf_token": token(browser), "due_on": day, "entry": str(item)}
    assert browser.post("/portal/promise", data=promise | {"due_on": "2001-01-01"}).status_code == 422
    assert browser.post("/portal/promise", data=promise).headers["location"] == "/portal?done=promised"
    with kernel.database.reading() as session:
        [dispute], [made] = session.exec(select(Dispute)).all(), session.exec(select(Promise)).all()
        assert (dispute.amount_minor, dispute.opened_by) == (20_050, f"customer:{mine}")
        assert (made.amount_minor, made.made_by, made.source) == (100_000, f"customer:{mine}", PromiseSource.PORTAL)
    told = browser.get("/portal/history").text
    assert "we are looking into it" in told
    assert "noted" in told


def test_a_customer_that_broke_its_word_twice_is_asked_to_speak_with_a_person(
    kernel: Kernel, company: tuple[int, ...]
) -> None:
    mine, item, _, _ = company
    now = clock.now()
    with kernel.database.transaction() as session:
        entity = session.exec(select(LegalEntity.id)).one()
        for _ in range(2):
            broken = Promise(
                account_id=mine,
                entity_id=entity or 0,
                currency="EUR",
                amount_minor=100,
                due_on=now.date(),
                state=PromiseState.BROKEN,
                made_by=f"customer:{mine}",
                created_at=now,
                judged_at=now,
            )
            session.add(broken)
            session.flush()
            session.add(PromiseItem(promise_id=broken.id or 0, entry_id=item, amount_minor=100, open_minor=100))
    browser = visiting(kernel, mine)
    day = (clock.today() + timedelta(days=7)).isoformat()
    answer = browser.post("/portal/promise", data={"csrf_token": token(browser), "due_on": day, "entry": str(item)})
    assert (answer.status_code, "agree on this with you in person" in answer.text) == (422, True)


def test_another_customers_invoice_answers_as_a_missing_one(kernel: Kernel, company: tuple[int, ...]) -> None:
    mine, _, _, foreign = company
    browser = visiting(kernel, mine)
    form = {"csrf_token": token(browser), "reason": "price", "text": "x", "entry": str(foreign)}
    due_on = (clock.today() + timedelta(days=3)).isoformat()
    missing = browser.get("/portal/invoices/424242/contest")
    for answer in (
        browser.get(f"/portal/invoices/{foreign}/contest"),
        browser.post(f"/portal/invoices/{foreign}/contest", data=form),
    ):
        assert answer.status_code == missing.status_code == 404
        assert CANARY not in answer.text
    for path, data in (("/portal/pay", form), ("/portal/promise", form | {"due_on": due_on})):
        answer = browser.post(path, data=data)
        assert 400 <= answer.status_code < 500, path
        assert CANARY not in answer.text
    assert browser.get("/portal/paid?session=cs_test_of_somebody_else").status_code == 404
    with kernel.database.reading() as session:
        assert session.exec(select(Dispute)).all() == []
        assert session.exec(select(Promise)).all() == []


def test_nothing_opens_without_a_link_that_holds(kernel: Kernel, company: tuple[int, ...]) -> None:
    mine = company[0]
    browser = visiting(kernel, mine)
    with kernel.database.transaction() as session:
        account = session.get(Account, mine)
        assert account is not None
        account.portal_epoch += 1
    for path in ("/portal", "/portal/history", "/portal/promise"):
        assert browser.get(path).status_code == 401, path
        assert TestClient(create_app(kernel)).get(path).status_code == 401, path
    stale = portal_url("", kernel.settings.signing_key, mine, 1, now=clock.now())
    old = portal_url("", kernel.settings.signing_key, mine, 2, now=clock.now() - timedelta(days=400))
    forged = portal_url("", "another key", mine, 2, now=clock.now())
    for url in (stale, old, forged, "/pay/x", "/pay/é"):
        assert browser.get(url).status_code == 404, url


def test_forms_need_their_token_and_their_own_site(kernel: Kernel, company: tuple[int, ...]) -> None:
    mine, item, _, _ = company
    browser = visiting(kernel, mine)
    good = {"csrf_token": token(browser), "due_on": clock.today().isoformat(), "entry": str(item)}
    assert browser.post("/portal/promise", data=good | {"csrf_token": "x"}).status_code == 403
    assert browser.post("/portal/promise", data=good, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert browser.post("/portal/leave", data=good).status_code == 200
    assert browser.get("/portal").status_code == 401


def test_the_customer_keeps_its_own_statement(kernel: Kernel, company: tuple[int, ...]) -> None:
    mine, _, other, _ = company
    browser = visiting(kernel, mine)
    assert 'action="/portal/statement"' in browser.get("/portal/history").text
    answer = browser.get("/portal/statement?format=csv&show=open")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "MINE-1" in answer.text
    assert CANARY not in answer.text
    assert browser.get("/portal/statement").content.startswith(b"%PDF-")
    assert CANARY in visiting(kernel, other).get("/portal/statement?format=csv").text
    browser.cookies.clear()
    assert browser.get("/portal/statement").status_code == 401
