"""Documents over the API, on the console's page of the invoice, and on the customer's own pages."""

from __future__ import annotations

import hashlib

import pytest
from fastapi.testclient import TestClient

from ar.app import create_app
from ar.core import clock
from ar.core.access.links import portal_url
from ar.core.access.models import Role
from ar.core.jobs import run_due
from ar.core.kernel import Kernel
from ar.customers.accounts import account
from ar.customers.entities import entity
from ar.rota import ROTA
from invoicing.models import Invoice
from tests.invoicing.einvoice.test_make import issued
from tests.invoicing.make import customer
from tests.web import client


def work(kernel: Kernel) -> None:
    run_due(kernel, ROTA.handlers, now=clock.now(), limit=100)


def visiting(kernel: Kernel, account_id: int) -> TestClient:
    browser = TestClient(create_app(kernel), follow_redirects=False, raise_server_exceptions=False)
    browser.headers["accept"] = "text/html"
    browser.get(portal_url("", kernel.settings.signing_key, account_id, 1, now=clock.now()))
    return browser


def broken(kernel: Kernel) -> Invoice:
    return issued(kernel, vat=None)


def test_documents_by_api(kernel: Kernel) -> None:
    invoice = issued(kernel)
    address = f"/api/v1/invoices/{invoice.entry_id}/documents"
    with client(kernel, Role.COLLECTOR) as browser:
        assert browser.get(address).json() == {"state": "being made", "files": []}
        early = browser.get(f"{address}/pdf")
        assert (early.status_code, early.json()["code"]) == (409, "document-being-made")
        assert "being made" in early.json()["detail"]
        work(kernel)
        listed = browser.get(address).json()
        assert [(one["format"], one["valid"]) for one in listed["files"]] == [
            ("pdf", True),
            ("cii", True),
            ("ubl", True),
        ]
        for one in listed["files"]:
            file = browser.get(f"{address}/{one['format']}")
            assert hashlib.sha256(file.content).hexdigest() == one["sha256"]
            assert file.headers["content-type"] == one["media_type"]
            assert one["name"] in file.headers["content-disposition"]
            assert file.headers["cache-control"] == "no-store"
        assert browser.get(f"{address}/doc").status_code == 422
        assert browser.get("/api/v1/invoices/999/documents").json()["code"] == "no-document"


def test_failed_documents_by_api(kernel: Kernel) -> None:
    invoice = broken(kernel)
    work(kernel)
    address = f"/api/v1/invoices/{invoice.entry_id}/documents"
    with client(kernel, Role.CREDIT_MANAGER) as browser:
        failed = browser.get(address).json()["files"][1]
        assert (failed["valid"], failed["sha256"]) == (False, None)
        assert "BR-S-02" in {failure["rule"] for failure in failed["failures"]}
        answer = browser.get(f"{address}/cii")
        assert (answer.status_code, answer.json()["code"]) == (409, "document-failed")
        assert "BR-S-02" in answer.json()["detail"]
        with kernel.database.transaction() as session:
            entity(session, invoice.entity_id).vat_number = "FR40303265045"
        assert browser.post(address).status_code == 202
        work(kernel)
        assert browser.get(f"{address}/cii").status_code == 200
        assert browser.post(address).json()["code"] == "nothing-failed"
    with client(kernel, Role.COLLECTOR) as browser:
        assert browser.post(address).status_code == 403


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("being made", "failed its check", "Make them again", "are being made again", "Download")),
        ("fr", ("en préparation", "non conforme", "Les refaire", "sont refaits", "Télécharger")),
    ],
)
def test_the_invoices_page_tells_how_its_documents_stand(kernel: Kernel, language: str, said: tuple[str, ...]) -> None:
    invoice = broken(kernel)
    page = f"/invoices/{invoice.entry_id}"
    with client(kernel, Role.CREDIT_MANAGER, html=True) as browser:
        browser.post("/language", data={"language": language, "next": "/"})
        assert said[0] in browser.get(page).text
        work(kernel)
        shown = browser.get(page).text
        assert said[1] in shown
        assert "BR-S-02" in shown
        assert said[2] in shown
        assert f"{page}/documents/pdf" in shown
        assert f"{page}/documents/cii" not in shown
        with kernel.database.transaction() as session:
            entity(session, invoice.entity_id).vat_number = "FR40303265045"
        assert browser.post(f"{page}/documents").headers["location"] == page
        assert said[3] in browser.get(page).text
        work(kernel)
        shown = browser.get(page).text
        assert said[4] in shown
        assert said[2] not in shown
        file = browser.get(f"{page}/documents/pdf")
        assert file.content.startswith(b"%PDF-1.7")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_customer_has_its_own_documents_and_no_others(kernel: Kernel, language: str) -> None:
    invoice = issued(kernel, today=clock.today())
    with kernel.database.transaction() as session:
        account(session, invoice.account_id).language = language
        other = customer(session, "C2")
    link = f"/portal/invoices/{invoice.entry_id}/documents/pdf"
    browser, stranger = visiting(kernel, invoice.account_id), visiting(kernel, other)
    early = browser.get(link)
    assert early.status_code == 409
    assert "being made" in early.text
    assert link not in browser.get("/portal").text
    work(kernel)
    assert link in browser.get("/portal").text
    assert link in browser.get("/portal/history").text
    file = browser.get(link)
    assert file.content.startswith(b"%PDF")
    assert browser.get(link.replace("pdf", "ubl")).content.startswith(b"<?xml")
    foreign, missing = stranger.get(link), stranger.get(link.replace(f"/{invoice.entry_id}/", "/999999/"))
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.text == missing.text


def test_what_failed_is_no_document_to_the_customer(kernel: Kernel) -> None:
    invoice = broken(kernel)
    work(kernel)
    answer = visiting(kernel, invoice.account_id).get(f"/portal/invoices/{invoice.entry_id}/documents/ubl")
    assert answer.status_code == 404
    assert "BR-" not in answer.text


def test_a_customers_address_is_set_by_api_and_page_and_printed(kernel: Kernel) -> None:
    invoice = issued(kernel)
    with client(kernel, Role.CREDIT_MANAGER) as browser:
        address = f"/api/v1/accounts/{invoice.account_id}"
        changed = browser.patch(address, json={"street": "3 quai du Lac", "city": "Annecy"}, headers={"if-match": "*"})
        assert changed.json()["city"] == "Annecy"
        form = {"version": changed.json()["version"], "street": "4 quai du Lac", "postcode": "74000", "city": "Annecy"}
        assert browser.post(f"/customers/{invoice.account_id}/address", data=form).status_code == 303
        assert browser.post(f"/customers/{invoice.account_id}/address", data=form).status_code == 412
        assert "4 quai du Lac" in browser.get(f"/customers/{invoice.account_id}").text
        work(kernel)
        cii = browser.get(f"/api/v1/invoices/{invoice.entry_id}/documents/cii").text
        assert "<ram:LineOne>4 quai du Lac</ram:LineOne>" in cii
        new = {"code": "N1", "legal_name": "New", "country": "FR", "language": "fr", "currency": "EUR", "city": "Nice"}
        made = browser.post("/customers", data=new)
        assert browser.get(f"/api/v1/accounts/{made.headers['location'].split('/')[-1]}").json()["city"] == "Nice"
