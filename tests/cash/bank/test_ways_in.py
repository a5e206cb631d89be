"""Bank files by API, by folder and by command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from ar.cash.bank.folder import JOB, folder_of, read_folder
from ar.cash.bank.models import LineState
from ar.core.access.models import Role
from ar.core.audit import AuditEntry
from ar.core.kernel import Kernel
from ar.rota import ROTA
from tests.cash.bank.make import DAY, IBAN, NOW, Entry, Tx, camt, counted, found, mt940
from tests.web import client

FILE = camt(
    [
        Entry("100.00", reference="R1", transactions=[Tx(name="Nordlicht 100%", text=["F-17"])]),
        Entry("40.00", "DBIT", "R2"),
        Entry("5.00", reference="R3", on=DAY - timedelta(days=1)),
    ],
    opening="10.00",
    closing="75.00",
)


def send(browser: TestClient, content: bytes, name: str = "statement.xml", **form: str) -> Any:
    return browser.post("/api/v1/bank/files", files={"file": (name, content)}, data=form)


def test_upload_list_and_close_of_the_day(kernel: Kernel) -> None:
    account_id = found(kernel.database)
    with client(kernel, Role.CASH) as browser:
        answer = send(browser, FILE, name="misleading.pdf")
        assert answer.status_code == 201
        [one] = answer.json()["statements"]
        assert (one["read"], one["added"], one["known"], one["gaps"], one["format"]) == (3, 3, 0, [], "camt.053")
        again = send(browser, FILE).json()
        assert (again["file_id"], again["statements"][0]["added"]) == (None, 0)

        [statement] = browser.get("/api/v1/bank/statements", params={"account": account_id}).json()["items"]
        assert (statement["closing_minor"], statement["difference_minor"], statement["gap_minor"]) == (7_500, 0, 0)
        assert browser.get(f"/api/v1/bank/statements/{statement['id']}").json() == statement
        assert browser.get("/api/v1/bank/statements", params={"account": 99}).json()["items"] == []

        def amounts(**query: str | int) -> list[int]:
            listed = browser.get("/api/v1/bank/lines", params=query)
            assert listed.status_code == 200
            return [line["amount_minor"] for line in listed.json()["items"]]

        assert amounts() == [-4_000, 10_000, 500]
        assert amounts(account=account_id, state="open") == [10_000, 500]
        assert amounts(since=str(DAY)) == [-4_000, 10_000]
        assert amounts(until=str(DAY - timedelta(days=1))) == [500]
        assert amounts(q="f-17") == amounts(q="nordlicht") == amounts(q="100%") == [10_000]
        assert amounts(q="%17") == amounts(statement=99) == []
        first = browser.get("/api/v1/bank/lines", params={"limit": 2}).json()
        rest = browser.get("/api/v1/bank/lines", params={"limit": 2, "cursor": first["next_cursor"]}).json()
        assert [line["amount_minor"] for line in rest["items"]] == [500]

        told = browser.get("/api/v1/bank/days", params={"account": account_id, "day": str(DAY)}).json()
        assert (told["opening_minor"], told["in_minor"], told["out_minor"]) == (1_500, 10_000, 4_000)
        assert (told["closing_minor"], told["difference_minor"], told["open_minor"]) == (7_500, 0, 10_000)
        assert browser.get("/api/v1/bank/days", params={"account": 99, "day": str(DAY)}).status_code == 404


def test_a_gap_between_statements_is_listed(kernel: Kernel) -> None:
    found(kernel.database)
    later = DAY + timedelta(days=1)
    with client(kernel, Role.CASH) as browser:
        send(browser, FILE)
        send(browser, camt([Entry("5.00", on=later)], opening="80.00", closing="86.00", on=later, reference="S2"))
        listed = browser.get("/api/v1/bank/statements").json()["items"]
    assert [(one["gap_minor"], one["difference_minor"]) for one in listed] == [(500, 100), (0, 0)]


def test_a_line_is_put_aside_and_opened_again(kernel: Kernel) -> None:
    found(kernel.database)
    with client(kernel, Role.CASH) as browser:
        send(browser, FILE)
        lines = browser.get("/api/v1/bank/lines").json()["items"]
        path = f"/api/v1/bank/lines/{next(one['id'] for one in lines if one['state'] == 'open')}"
        aside = browser.post(f"{path}/ignore", json={"why": "a refund of tax"})
        assert (aside.status_code, aside.json()["state"], aside.json()["state_reason"]) == (
            200,
            "ignored",
            "a refund of tax",
        )
        assert aside.json()["decided_by"].startswith("user:")
        assert browser.post(f"{path}/ignore", json={"why": "twice"}).status_code == 409
        again = browser.post(f"{path}/reopen", json={"why": "it was an invoice"})
        assert (again.json()["state"], again.json()["state_reason"]) == ("open", "")
        assert browser.get(path).json() == again.json()
        assert browser.post("/api/v1/bank/lines/999/ignore", json={"why": "x"}).status_code == 404
    with client(kernel, Role.AUDITOR) as browser:
        assert browser.post(f"{path}/ignore", json={"why": "x"}).status_code == 403
    with kernel.database.reading() as session:
        acts = session.exec(select(AuditEntry).where(col(AuditEntry.subject) == f"bank_line:{path.rpartition('/')[2]}"))
        told = [(one.action, (one.change or {})["why"]) for one in acts]
    assert told == [("bank_line.ignored", "a refund of tax"), ("bank_line.reopened", "it was an invoice")]


def test_accounts_are_registered_by_iban_or_number(kernel: Kernel) -> None:
    found(kernel.database)
    given = {"entity_id": 1, "holder": "Werkstatt", "currency": "USD"}
    with client(kernel, Role.ADMIN) as browser:

        def post(**more: str) -> Any:
            return browser.post("/api/v1/bank/accounts", json=given | more)

        made = post(number="0975-312468")
        assert (made.status_code, made.json()["number"], made.json()["is_iban"]) == (201, "0975312468", False)
        assert post(number="0975312468").status_code == 409
        assert post(iban="DE00").status_code == 422
        assert post().status_code == 422
        assert post(number="--").status_code == 422
        assert (
            browser.post("/api/v1/bank/accounts", json=given | {"entity_id": 99, "number": "123456"}).status_code == 404
        )
        listed = browser.get("/api/v1/bank/accounts").json()["items"]
        assert [(one["number"], one["is_iban"]) for one in listed] == [(IBAN, True), ("0975312468", False)]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "bad-bank-file"),
        (b"%PDF-1.7 nothing", 422, "bad-bank-file"),
        (mt940([], account="FR1420041010050500013M02606"), 422, "unknown-bank-account"),
        (camt([Entry("1e9")]), 422, "bad-bank-file"),
    ],
)
def test_a_bad_upload_is_a_problem(kernel: Kernel, content: bytes, status: int, code: str) -> None:
    found(kernel.database)
    with client(kernel, Role.CASH) as browser:
        answer = send(browser, content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_table_is_told_its_account(kernel: Kernel) -> None:
    found(kernel.database)
    table = b"booking_date,amount,text\n2026-03-12,12.50,F-17\n"
    with client(kernel, Role.CASH) as browser:
        assert send(browser, table).status_code == 422
        answer = send(browser, table, account="DE89 3704 0044 0532 0130 00", currency="EUR", profile="neutral")
        assert (answer.status_code, answer.json()["statements"][0]["added"]) == (201, 1)
        assert send(browser, table, profile="nothing").json()["code"] == "bad-profile"


def put(folder: Path, name: str, content: bytes, *, age: float = 3600) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (NOW.timestamp() - age,) * 2)
    return path


def test_the_watched_folder(kernel: Kernel) -> None:
    found(kernel.database)
    folder = folder_of(kernel.settings)
    assert read_folder(kernel, {}, NOW) == "0 bank files taken, 0 refused"
    put(folder, "good.xml", FILE)
    put(folder, "bad.xml", FILE[:-40])
    left = [put(folder, "half.xml", FILE, age=1), put(folder, ".hidden", FILE), put(folder, "up.part", FILE)]
    assert read_folder(kernel, {}, NOW) == "1 bank files taken, 1 refused"
    assert len(counted(kernel)) == 3
    assert sorted(path for path in folder.iterdir() if path.is_file()) == sorted(left)
    [done] = (folder / "done").iterdir()
    assert (done.name.endswith("good.xml"), done.read_bytes()) == (True, FILE)
    why, bad = sorted((folder / "refused").iterdir(), key=lambda path: path.suffix)
    assert "well-formed" in why.read_text()
    assert (bad.read_bytes(), why.name) == (FILE[:-40], f"{bad.name}.txt")
    put(folder, "good.xml", FILE)
    assert read_folder(kernel, {}, NOW) == "1 bank files taken, 0 refused"
    assert len(list((folder / "done").iterdir())) == 2
    assert [state for _, state, _ in counted(kernel)].count(LineState.OPEN) == 2
    assert any(entry.name == JOB for entry in ROTA.entries)


def amiable(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ar.cli", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), **environment},
        timeout=120,
    )


def test_read_needs_no_installation(tmp_path: Path) -> None:
    (tmp_path / "statement").write_bytes(FILE)
    shown = amiable("bank", "read", "statement", "--json", cwd=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    [one] = json.loads(shown.stdout)["statements"]
    assert (one["account"], one["currency"], one["format"]) == (IBAN, "EUR", "camt.053")
    assert (one["opening_balance_minor"], one["opening_balance_date"]) == (1_000, "2026-03-12")
    assert (one["closing_balance_minor"], one["closing_balance_currency"]) == (7_500, "EUR")
    line = one["lines"][0]
    assert (line["booking_date"], line["amount_minor"], line["currency"]) == ("2026-03-12", 10_000, "EUR")
    assert (line["status"], line["counterparty_name"], line["remittance"]) == ("booked", "Nordlicht 100%", "F-17")
    assert [path.name for path in tmp_path.iterdir()] == ["statement"]
    plain = amiable("bank", "read", "statement", cwd=tmp_path)
    assert "Nordlicht 100%" in plain.stdout
    (tmp_path / "bad").write_bytes(FILE[:-40])
    refused = amiable("bank", "read", "bad", "--json", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "bad-bank-file" in refused.stderr


def test_import_by_command(kernel: Kernel, tmp_path: Path) -> None:
    found(kernel.database)
    (tmp_path / "statement").write_bytes(FILE)
    where = {
        "AMIABLE_DATABASE_URL": kernel.settings.database_url,
        "AMIABLE_VAR_DIR": str(kernel.settings.var_dir),
    }
    first = amiable("bank", "import", "statement", "--json", cwd=tmp_path, **where)
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["statements"][0]["added"] == 3
    second = amiable("bank", "import", "statement", cwd=tmp_path, **where)
    assert "0 added, 3 known" in second.stdout.replace("\n", " ")
    assert len(counted(kernel)) == 3
