"""The customer says what it has paid, and gets the receipt: kept once, its own alone, on a phone and in French too."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader
from sqlmodel import col, select

from ar.cash.models import Method
from ar.cash.receive import Receipt, Target, record_payment, take_back
from ar.cash.remittance.models import AdviceState, Channel, RemittanceAdvice, RemittanceLine
from ar.core import clock
from ar.core.access.links import portal_url
from ar.core.access.models import Role
from ar.core.kernel import Kernel
from tests.browser import faults, served, visit
from tests.ledger.make import customer, invoice, seller
from tests.selfservice.test_pages import token, visiting
from tests.web import client


@pytest.fixture
def company(kernel: Kernel) -> tuple[int, int, int, int, int]:
    """The seller, a customer with two invoices, and another customer: entity, account, items, other account."""
    today = clock.today()
    issued, due = today - timedelta(days=40), today - timedelta(days=10)
    with kernel.database.transaction() as session:
        entity = seller(session)
        mine, other = customer(session, "C1", "en"), customer(session, "C2", "fr")
        first = invoice(session, entity, mine, 100_000, on=issued, due=due, reference="MINE-0001")
        second = invoice(session, entity, mine, 50_000, on=issued, due=due, reference="MINE-0002")
        invoice(session, entity, other, 99_900, on=issued, due=due, reference="OTHER-777")
    return entity, mine, first, second, other


def form_for(entity: int, first: int, second: int, csrf: str) -> dict[str, str]:
    return {
        "csrf_token": csrf,
        "entity_id": str(entity),
        "currency": "EUR",
        "key": "k-1",
        f"paid-{first}": "980,00",
        f"off-{first}": "20",
        f"why-{first}": "2 % discount",
        f"paid-{second}": "500",
        f"amount-{entity}-EUR": "1 480,00",
        f"paid_on-{entity}-EUR": clock.today().isoformat(),
        f"reference-{entity}-EUR": "VIR-55",
    }


def test_what_was_paid_is_looked_over_kept_once_and_shown(kernel: Kernel, company: tuple[int, ...]) -> None:
    entity, mine, first, second, other = company
    browser = visiting(kernel, mine)
    page = browser.get("/portal/advice").text
    assert f'name="paid-{first}"' in page
    assert "OTHER-777" not in page
    good = form_for(entity, first, second, token(browser))
    check = browser.post("/portal/advice", data=good)
    assert check.status_code == 200
    assert "€1,480.00" in check.text
    with kernel.database.reading() as session:
        assert session.exec(select(RemittanceAdvice.id)).all() == []
    places = {browser.post("/portal/advice/confirm", data=good).headers["location"] for _ in range(2)}
    [place] = places
    shown = browser.get(place).text
    assert "MINE-0001" in shown
    assert "2 % discount" in shown
    assert "MINE-0002" in shown
    assert "awaiting the money" in shown
    assert visiting(kernel, other).get(place).status_code == 404
    assert place.partition("?")[0] in browser.get("/portal/history").text
    with kernel.database.reading() as session:
        [advice] = session.exec(select(RemittanceAdvice)).all()
        lines = session.exec(select(RemittanceLine).order_by(col(RemittanceLine.position))).all()
    assert (advice.account_id, advice.channel, advice.state) == (mine, Channel.PORTAL, AdviceState.OPEN)
    assert (advice.amount_minor, advice.entity_id, advice.reference) == (148_000, entity, "VIR-55")
    assert [(one.entry_id, one.gross_minor, one.deduction_minor, one.paid_minor) for one in lines] == [
        (first, 100_000, 2_000, 98_000),
        (second, None, 0, 50_000),
    ]


def test_what_cannot_be_is_told_on_the_form_and_nothing_is_kept(kernel: Kernel, company: tuple[int, ...]) -> None:
    entity, mine, first, second, _ = company
    browser = visiting(kernel, mine)
    good = form_for(entity, first, second, token(browser))
    wrong: list[tuple[dict[str, str], str]] = [
        ({f"amount-{entity}-EUR": "1480,01"}, "add up to 1480.00 EUR"),
        ({f"amount-{entity}-EUR": "1e9"}, "is not an amount"),
        ({f"amount-{entity}-EUR": ""}, "how much you paid"),
        ({f"paid_on-{entity}-EUR": "2026-02-31"}, "on which day"),
        ({f"paid_on-{entity}-EUR": "1990-01-01"}, "too far away"),
        ({f"why-{first}": ""}, "why something is taken off"),
        ({f"paid-{first}": "-5"}, "above zero"),
        ({f"paid-{second}": "500,01"}, "only 500.00 EUR"),
        ({"entity_id": "99"}, "begin again"),
        ({"currency": "USD"}, "begin again"),
        ({f"reference-{entity}-EUR": "x" * 81}, "At most 80"),
        ({f"reference-{entity}-EUR": "a\u2028b"}, "one line"),
        ({f"paid-{first}": "", f"off-{first}": "", f"paid-{second}": ""}, "at least one invoice"),
    ]
    for changes, told in wrong:
        for path in ("/portal/advice", "/portal/advice/confirm"):
            answer = browser.post(path, data=good | changes)
            assert answer.status_code == 422, changes
            assert told in answer.text, changes
    back = browser.post("/portal/advice/confirm", data=good | {"change": "1"})
    assert (back.status_code, 'value="980,00"' in back.text) == (200, True)
    assert browser.post("/portal/advice", data=good | {"csrf_token": "x"}).status_code == 403
    with kernel.database.reading() as session:
        assert session.exec(select(RemittanceAdvice.id)).all() == []


def words_of(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def test_the_receipt_says_what_was_paid_and_is_ones_own(kernel: Kernel, company: tuple[int, ...]) -> None:
    entity, mine, first, _, other = company
    with kernel.database.transaction() as session:
        came = Receipt(
            entity_id=entity,
            account_id=mine,
            amount_minor=70_000,
            currency="EUR",
            method=Method.CHEQUE,
            received_on=clock.today() - timedelta(days=2),
            targets=[Target(first, 60_000)],
            reference="CHQ 12 = <b>",
        )
        payment = record_payment(session, came, by="user:1", now=clock.now())
    path = f"/portal/payments/{payment.id}/receipt"
    browser = visiting(kernel, mine)
    assert path in browser.get("/portal/history").text
    answer = browser.get(path)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith("attachment")
    told = words_of(answer.content)
    for words in ("Receipt", "MINE-0001", "€600.00", "€400.00", "Cheque", "CHQ 12 = <b>", "€100.00", "€900.00"):
        assert words in told, words
    assert visiting(kernel, other).get(path).status_code == 404
    browser.cookies.clear()
    assert browser.get(path).status_code == 401
    with client(kernel, Role.CASH) as staff:
        french = words_of(staff.get(f"/api/v1/payments/{payment.id}/receipt.pdf").content)
        assert "MINE-0001" in french
    assert payment.id is not None
    with kernel.database.transaction() as session:
        take_back(session, payment.id, why="bounced", by="user:1", now=clock.now())
    assert visiting(kernel, mine).get(path).status_code == 404


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "fr"])
def test_on_a_phone(kernel: Kernel, browser: Browser, company: tuple[int, ...], language: str, tmp_path: Path) -> None:
    account_id = company[1] if language == "en" else company[4]
    with served(kernel) as here, visit(browser, width=390) as page:
        page.goto(portal_url(here.settings.base_url, here.settings.signing_key, account_id, 1, now=clock.now()))
        page.get_by_role("button", name="I have paid" if language == "en" else "J’ai payé").click()
        assert faults(page) == []
        page.screenshot(path=tmp_path / f"advice-{language}.png", full_page=True)
        page.locator("[name^=paid-]").first.fill("1000" if language == "en" else "999")
        page.locator("[name^=amount-]").fill("1000,00" if language == "en" else "999,00")
        page.click("button:has-text('Look it over'), button:has-text('Vérifier')")
        assert faults(page) == []
        page.screenshot(path=tmp_path / f"check-{language}.png", full_page=True)
        page.click("button:has-text('Yes, send it'), button:has-text('Oui, envoyer')")
        page.wait_for_url(re.compile("/portal/advices/"))
        assert faults(page) == []
        page.screenshot(path=tmp_path / f"kept-{language}.png", full_page=True)
