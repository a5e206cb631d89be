"""Advices by the API: taken in as files and as fields, listed, downloaded, decided; by whoever may."""

from __future__ import annotations

from typing import Any

import pytest

from ar.core.access.models import Role
from ar.core.kernel import Kernel
from tests.cash.remittance.make import REMADV, bank_lines, company, eml, xlsx
from tests.web import client

CSV = b"Invoice;Amount\nFR1-2026-000101;1.000,00\nFR1-2026-000102;500,00\nTotal;1.500,00\n"


@pytest.fixture
def ids(kernel: Kernel) -> list[int]:
    """The seller, the customer, its two invoices."""
    with kernel.database.transaction() as session:
        return company(session, 100_000, 50_000)


def upload(web: Any, content: bytes, name: str, **more: str) -> Any:
    return web.post("/api/v1/remittances/files", files={"file": (name, content)}, data=more)


def key(name: str) -> dict[str, str]:
    return {"idempotency-key": name}


def test_files_of_every_kind_are_taken_in(kernel: Kernel, ids: list[int]) -> None:
    _, account, first, second = ids
    table = xlsx(["Invoice", "Amount"], ["FR1-2026-000101", 1000], ["FR1-2026-000102", 500])
    with client(kernel, Role.CASH) as web:
        for content, name in ((CSV, "a.csv"), (table, "a.xlsx"), (eml("see file", files={"x.csv": CSV}), "a.eml")):
            made = upload(web, content, name)
            assert made.status_code == 201, made.text
            told = made.json()
            assert (told["account_id"], told["amount_minor"], told["has_file"]) == (account, 150_000, True)
            assert [line["entry_id"] for line in told["lines"]] == [first, second]
        again = upload(web, CSV, "other.csv").json()
        remadv = upload(web, REMADV.encode(), "a.edi").json()
        assert (remadv["reference"], remadv["lines"][0]["reason"]) == ("E2E-4711", "two boxes broken")
        assert remadv["doubts"] == ["Not found among the open documents: AV-1"]
        listed = web.get("/api/v1/remittances", params={"account_id": account, "state": "open"}).json()["items"]
        assert len(listed) == 4
        assert again["id"] in {one["id"] for one in listed}
        file = web.get(f"/api/v1/remittances/{again['id']}/file")
        assert (file.content, file.headers["x-content-type-options"]) == (CSV, "nosniff")
        assert file.headers["content-disposition"].startswith("attachment")
        for bad in (b"", b"\0\0", b"%PDF-1.7", b"PK\x03\x04", b"<html><script></script></html>"):
            assert upload(web, bad, "x").status_code in (413, 415, 422)
        assert upload(web, CSV + b"\n", "a.csv", account_id="999").status_code == 404


def test_fields_are_taken_in_and_people_decide(kernel: Kernel, ids: list[int]) -> None:
    entity, account, first, _ = ids
    body = {
        "amount_minor": 98_000,
        "currency": "EUR",
        "paid_on": "2026-03-12",
        "reference": "CHQ-1001",
        "lines": [
            {"reference": "fr1 2026 000101", "gross_minor": 100_000, "deduction_minor": 2_000, "paid_minor": 98_000}
        ],
    }
    with client(kernel, Role.CASH) as web:
        made = web.post("/api/v1/remittances", json=body, headers=key("a"))
        assert made.status_code == 201, made.text
        told = made.json()
        assert (told["account_id"], told["lines"][0]["entry_id"], told["doubts"]) == (account, first, [])
        assert web.post("/api/v1/remittances", json=body, headers=key("a")).json()["id"] == told["id"]
        assert web.post("/api/v1/remittances", json=body | {"amount_minor": 1}, headers=key("a")).status_code == 422
        off = web.post("/api/v1/remittances", json=body | {"amount_minor": 1}, headers=key("b")).json()
        assert off["doubts"] == ["The lines add up to 980.00 EUR, the payment is 0.01 EUR"]
        for wrong in ({"entity_id": 999}, {"account_id": 999}):
            assert (
                web.post(
                    "/api/v1/remittances", json=body | wrong, headers=key(repr(wrong).replace(" ", ""))
                ).status_code
                == 404
            )
        refused: list[dict[str, Any]] = [
            {"currency": "XXX"},
            {"lines": []},
            {"amount_minor": 0},
            {"paid_on": "0001-01-01"},
        ]
        for n, change in enumerate(refused):
            assert web.post("/api/v1/remittances", json=body | change, headers=key(f"r{n}")).status_code == 422
        with kernel.database.transaction() as session:
            [line] = bank_lines(session, entity, {"amount_minor": 97_000})
        place = f"/api/v1/remittances/{told['id']}"
        assert web.get(f"{place}/file").status_code == 404
        paired = web.post(f"{place}/pairing", json={"bank_line_id": line.id}, headers=key("c")).json()
        assert (paired["state"], paired["bank_line_id"], paired["paired_why"]) == ("paired", line.id, "paired by hand")
        assert web.post(f"{place}/refusal", json={"why": "no"}, headers=key("d")).status_code == 409
        assert web.post(f"{place}/release", json={"why": "wrong"}, headers=key("e")).json()["state"] == "open"
        assert web.post(f"{place}/refusal", json={"why": "no"}, headers=key("f")).json()["state"] == "refused"
        assert web.post(f"{place}/pairing", json={"bank_line_id": line.id}, headers=key("g")).status_code == 409
        assert web.post(f"{place}/pairing", json={"bank_line_id": 999}, headers=key("h")).status_code == 409
        assert web.get("/api/v1/remittances/999").status_code == 404


def test_who_reads_does_not_write(kernel: Kernel, ids: list[int]) -> None:
    with client(kernel, Role.AUDITOR) as web:
        assert web.get("/api/v1/remittances").status_code == 200
        assert upload(web, CSV, "a.csv").status_code == 403
    with client(kernel, Role.SALES) as web:
        assert web.get("/api/v1/remittances").status_code == 403
