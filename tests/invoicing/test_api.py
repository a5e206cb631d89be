"""Invoices and imports by API and on pages, as a signed-in person and as a program meet them."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from sqlmodel import Session, select

from ar.core.access.models import Role
from ar.core.kernel import Kernel
from ar.ledger.models import Entry
from invoicing.imports.profiles import FIELDS
from tests.invoicing.make import customer, seller
from tests.web import client

HEAD = ",".join(FIELDS)
GOOD = "C7,Moulin du Lac,compta@moulin.example,fr,FR,EUR,F-1,2026-01-05,2026-02-04,1234.50,,"
BAD = 'C7,"=cmd()",,,,,F-2,2026-01-05,soon,10,,'
LINE = {"description": "Table", "quantity": "2", "unit_price": "450.00", "tax_rate": "20"}


@pytest.fixture(autouse=True)
def company(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        seller(session)
        customer(session)


def once(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def draft(**changes: Any) -> dict[str, Any]:
    return {"entity_id": 1, "account_id": 1, "lines": [LINE], **changes}


def upload(*rows: str) -> dict[str, Any]:
    return {"file": ("may.csv", "\n".join([HEAD, *rows]).encode(), "text/csv")}


def entries(session: Session) -> int:
    return len(session.exec(select(Entry.id)).all())


def test_an_invoice_is_issued_once_for_a_key(kernel: Kernel) -> None:
    web = client(kernel, Role.CREDIT_MANAGER)
    first = web.post("/api/v1/invoices", json=draft(), headers=once("a"))
    again = web.post("/api/v1/invoices", json=draft(), headers=once("a"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    told = first.json()
    assert told["number"].endswith("-000001")
    assert (told["net_minor"], told["tax_minor"], told["amount_minor"], told["open_minor"]) == (
        90000,
        18000,
        108000,
        108000,
    )
    [written] = told["lines"]
    assert written.items() >= (LINE | {"unit_price": "450", "tax_category": "S", "net_minor": 90000}).items()
    assert (written["unit"], written["adjustments"], told["adjustments"]) == ("C62", [], [])
    with kernel.database.reading() as session:
        assert entries(session) == 1
    changed = web.post("/api/v1/invoices", json=draft(note="other"), headers=once("a"))
    assert changed.status_code == 422 or changed.status_code == 409
    assert web.post("/api/v1/invoices", json=draft()).json()["code"] == "idempotency-key-missing"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"lines": []}, "/lines"),
        ({"lines": [LINE | {"quantity": "1e9"}]}, "/lines/0/quantity"),
        ({"lines": [LINE | {"quantity": "0"}]}, "/lines/0/quantity"),
        ({"lines": [LINE | {"tax_rate": "-5"}]}, "/lines/0/tax_rate"),
        ({"lines": [LINE | {"tax_category": "ZZ"}]}, "/lines/0/tax_category"),
        ({"lines": [LINE | {"tax_category": "AE"}]}, "/lines/0/tax_rate"),
        ({"due_on": "2001-01-01"}, "/due_on"),
        ({"issue_on": "2999-01-01"}, "/issue_on"),
        ({"series": "no"}, "/series"),
        ({"surprise": 1}, "/surprise"),
    ],
)
def test_a_refusal_points_at_the_fault_and_leaves_nothing(
    kernel: Kernel, changes: dict[str, Any], pointer: str
) -> None:
    web = client(kernel, Role.CREDIT_MANAGER)
    answer = web.post("/api/v1/invoices", json=draft(**changes), headers=once("a"))
    assert answer.status_code == 422
    assert pointer in [fault["pointer"] for fault in answer.json()["faults"]]
    with kernel.database.reading() as session:
        assert entries(session) == 0


def test_invoices_are_listed_read_and_credited(kernel: Kernel) -> None:
    web = client(kernel, Role.CREDIT_MANAGER)
    web.post("/api/v1/imports/invoices", files=upload(GOOD)).raise_for_status()
    made = web.post("/api/v1/invoices", json=draft(), headers=once("a")).json()
    listed = web.get("/api/v1/invoices", params={"limit": 1}).json()
    assert [one["id"] for one in listed["items"]] == [made["id"]]
    rest = web.get("/api/v1/invoices", params={"limit": 1, "cursor": listed["next_cursor"]}).json()
    assert [(one["number"], one["issued_here"], one["state"]) for one in rest["items"]] == [("F-1", False, "overdue")]

    def numbers(**given: Any) -> list[str]:
        return [one["number"] for one in web.get("/api/v1/invoices", params=given).json()["items"]]

    assert numbers(state="overdue") == ["F-1"]
    assert numbers(state="paid") == []
    assert numbers(account_id=1) == [made["number"]]
    assert numbers(entity_id=9) == []
    assert numbers(due_to="2026-02-04") == ["F-1"]
    assert numbers(due_from="2026-02-05") == [made["number"]]
    assert numbers(number="F-1") == ["F-1"]

    before = web.get(f"/api/v1/invoices/{made['id']}")
    body = {"reason": "one came damaged", "lines": [LINE | {"quantity": "1"}]}
    note = web.post(f"/api/v1/invoices/{made['id']}/credit-notes", json=body, headers=once("b"))
    assert note.status_code == 201
    assert (note.json()["kind"], note.json()["corrects_id"], note.json()["open_minor"]) == (
        "credit_note",
        made["id"],
        0,
    )
    after = web.get(f"/api/v1/invoices/{made['id']}")
    assert after.headers["etag"] != before.headers["etag"]
    assert (after.json()["open_minor"], len(after.json()["credit_notes"])) == (54000, 1)
    assert numbers(kind="credit_note") == [note.json()["number"]]
    missing = web.get("/api/v1/invoices/999999")
    assert (missing.status_code, missing.json()["code"]) == (404, "invoice-not-found")


def test_allowances_and_credits_of_lines_and_amounts(kernel: Kernel) -> None:
    web = client(kernel, Role.CREDIT_MANAGER)
    off = {"reason": "Trade discount", "percent": "10"}
    freight = {"reason": "Freight", "amount_minor": 3000, "charge": True}
    place = {"name": "Depot", "city": "Lyon", "country": "FR"}
    body = draft(lines=[LINE | {"adjustments": [off], "unit": "EA"}], adjustments=[freight], deliver_to=place)
    made = web.post("/api/v1/invoices", json=body, headers=once("a")).json()
    assert (made["net_minor"], made["amount_minor"], made["deliver_to"]["city"]) == (84000, 100800, "Lyon")
    assert [(one["reason"], one["percent"], one["amount_minor"]) for one in made["lines"][0]["adjustments"]] == [
        ("Trade discount", "10", 9000)
    ]
    assert [(one["reason"], one["charge"], one["amount_minor"]) for one in made["adjustments"]] == [
        ("Freight", True, 3000)
    ]
    path = f"/api/v1/invoices/{made['id']}/credit-notes"

    def credit(key: str, **given: Any) -> Any:
        return web.post(path, json={"reason": "damaged", **given}, headers=once(key))

    one = credit("b", of_lines=[{"position": 1, "quantity": "1"}])
    assert (one.status_code, one.json()["net_minor"]) == (201, 42000)
    some = credit("c", amount_minor=10000)
    assert (some.status_code, some.json()["amount_minor"], some.json()["corrects"]["number"]) == (
        201,
        10000,
        made["number"],
    )
    for given, pointer in (
        ({"of_lines": [{"position": 1, "quantity": "2"}]}, "/of_lines/0/quantity"),
        ({"of_lines": [{"position": 2}]}, "/of_lines/0/position"),
        ({"amount_minor": 5, "of_lines": [{"position": 1}]}, "/amount_minor"),
        ({}, "/lines"),
    ):
        refused = credit("d" + pointer + str(len(given)), **given)
        assert refused.status_code == 422, given
        assert [fault["pointer"] for fault in refused.json()["faults"]] == [pointer]
    assert "Trade discount 10.00%" in web.get(f"/invoices/{made['id']}", headers={"accept": "text/html"}).text
    form = {
        "reason": "rest",
        "quantity": ["1"],
        "idempotency_key": "e",
    }
    page = web.post(f"/invoices/{made['id']}/credit-notes", data=form)
    assert page.status_code == 409, "more than is left, for 100.00 were credited by amount"
    form |= {"quantity": [""], "amount": "404.00", "idempotency_key": "f"}
    assert web.post(f"/invoices/{made['id']}/credit-notes", data=form).status_code == 303
    assert web.get(f"/api/v1/invoices/{made['id']}").json()["open_minor"] == 0


def test_a_file_is_imported_and_its_refused_rows_given_back(kernel: Kernel) -> None:
    web = client(kernel, Role.ADMIN)
    answer = web.post("/api/v1/imports/invoices", files=upload(GOOD, BAD), data={"entity": "FR1"})
    assert answer.status_code == 201
    told = answer.json()
    assert (told["accepted"], told["refused"], told["unchanged"], told["file_name"]) == (1, 1, 0, "may.csv")
    assert told["refusals"] == [
        {
            "row_number": 3,
            "column_name": "due_date",
            "value": "soon",
            "reason": "is not a date: write it like 2026-12-31",
        }
    ]
    assert web.get("/api/v1/imports").json()["items"] == [{k: v for k, v in told.items() if k != "refusals"}]
    assert web.get(f"/api/v1/imports/{told['id']}").json() == told
    assert web.get(f"/api/v1/imports/{told['id']}/refusals").json()["items"] == told["refusals"]
    sheet = web.get(f"/api/v1/imports/{told['id']}/refused.csv")
    assert "attachment" in sheet.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(sheet.content.decode("utf-8-sig"))))
    assert rows[1][1] == "'=cmd()"
    assert web.post("/api/v1/imports/invoices", files=upload(GOOD, BAD)).json()["unchanged"] == 1


def test_a_bad_file_is_a_clear_refusal(kernel: Kernel) -> None:
    web = client(kernel, Role.ADMIN)
    for content, code in ((b"", "bad-file"), (b"%PDF", "bad-file"), (b"a,b\n1,2", "bad-file")):
        answer = web.post("/api/v1/imports/invoices", files={"file": ("x.csv", content, "text/csv")})
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    wrong = web.post("/api/v1/imports/invoices", files=upload(GOOD), data={"profile": "sap"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "bad-profile")
    assert web.get("/api/v1/imports").json()["items"] == []
    assert web.get("/api/v1/imports/7").status_code == 404


def test_who_may_not_import_or_issue(kernel: Kernel) -> None:
    web = client(kernel, Role.AUDITOR)
    assert web.post("/api/v1/imports/invoices", files=upload(GOOD)).status_code == 403
    assert web.post("/api/v1/invoices", json=draft(), headers=once("a")).status_code == 403
    assert web.get("/api/v1/invoices").status_code == 200


def test_the_pages_show_what_was_imported_and_issued(kernel: Kernel) -> None:
    web = client(kernel, Role.ADMIN, html=True)
    assert 'name="file"' in web.get("/imports").text
    sent = web.post("/imports", files=upload(GOOD, BAD), data={"profile": "neutral", "entity": "FR1"})
    assert sent.status_code == 303
    report = web.get(sent.headers["location"])
    assert "is not a date" in report.text
    assert web.get(sent.headers["location"] + "/refused.csv").status_code == 200
    refused = web.post("/imports", files={"file": ("x.csv", b"%PDF", "text/csv")}, data={"entity": "FR1"})
    assert refused.status_code == 422
    assert "a PDF document" in refused.text
    assert "may.csv" in web.get("/imports").text

    issued = web.post("/api/v1/invoices", json=draft(), headers=once("a")).json()
    listed = web.get("/invoices").text
    assert "F-1" in listed
    assert issued["number"] in listed
    assert "F-1" not in web.get("/invoices", params={"state": "paid", "due_from": "x"}).text
    shown = web.get(f"/invoices/{issued['id']}").text
    assert "Table" in shown
    form = {"reason": "not wanted", "idempotency_key": f"credit-{issued['id']}"}
    credited = web.post(f"/invoices/{issued['id']}/credit-notes", data=form)
    assert credited.status_code == 303
    assert "FR1-CN-" in web.get(credited.headers["location"]).text
    assert web.get("/invoices/999999").status_code == 404


def test_an_imported_invoice_has_its_page(kernel: Kernel) -> None:
    web = client(kernel, Role.SALES, html=True)
    admin = client(kernel, Role.ADMIN)
    admin.post("/api/v1/imports/invoices", files=upload(GOOD)).raise_for_status()
    [item] = admin.get("/api/v1/invoices").json()["items"]
    shown = web.get(f"/invoices/{item['id']}")
    assert shown.status_code == 200
    assert "imported without its lines" in shown.text
    assert "Moulin du Lac" in shown.text
