"""From a bank file to the receipts: read, matched, suggested, decided, undone, thanked, tied to the balance."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from ar.cash.bank.models import BankLine, LineState
from ar.cash.matching.models import CashApplication
from ar.cash.models import Payment
from ar.core import clock
from ar.core.access.models import Role
from ar.core.audit import verify
from ar.core.kernel import Kernel
from ar.core.outbox.models import OutboxMessage
from ar.customers.accounts import ContactDraft, add_contact
from ar.customers.entities import add_bank_account
from ar.customers.notes import PURPOSE
from ar.ledger.models import OpenItem
from tests.invoicing.delivery.make import worked
from tests.ledger.make import customer, invoice, seller
from tests.web import client

IBAN = "FR1420041010050500013M02606"
NOON = datetime(2026, 3, 16, 12, tzinfo=UTC)
STATEMENT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-03-16T06:00:00Z</CreDtTm></GrpHdr>
<Stmt><Id>S1</Id><CreDtTm>2026-03-16T06:00:00Z</CreDtTm><Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-03-16</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{closing}</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-03-16</Dt></Dt></Bal>{entries}</Stmt></BkToCstmrStmt></Document>"""
ENTRY = """<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-03-16</Dt></BookgDt><ValDt><Dt>2026-03-16</Dt></ValDt><AcctSvcrRef>R{n}</AcctSvcrRef>
<NtryDtls><TxDtls><RltdPties><Dbtr><Pty><Nm>{name}</Nm></Pty></Dbtr></RltdPties>
<RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"""
ENTRIES = (
    ("120.00", "CRDT", "CUSTOMER ALDER", "FACTURE FR1-2026-000001"),
    ("300.00", "CRDT", "CUSTOMER BIRCH", "FR1-2026-000002 et FR1-2026-000003"),
    ("75.00", "CRDT", "CUSTOMER CEDAR", "reglement"),
    ("40.00", "CRDT", "SOMEBODY ELSE", "loyer mars"),
    ("12.50", "DBIT", "THE BANK", "frais"),
)


def statement_file() -> bytes:
    entries = [
        ENTRY.format(n=n, amount=amount, side=side, name=name, text=text)
        for n, (amount, side, name, text) in enumerate(ENTRIES)
    ]
    return STATEMENT.format(iban=IBAN, closing="1522.50", entries="".join(entries)).encode()


def company(session: Session) -> dict[str, int]:
    """A seller with a bank account; three customers with mailboxes, of whom CEDAR has two invoices of one amount."""
    fr = seller(session)
    add_bank_account(session, fr, iban=IBAN, holder="Seller", currency="EUR", by="system", now=NOON)
    ids = {}
    for name in ("ALDER", "BIRCH", "CEDAR"):
        ids[name] = customer(session, code=name)
        contact = ContactDraft(name="Zoé Petit", email=f"billing@{name.lower()}.example", roles=("billing",))
        add_contact(session, ids[name], contact, by="system", now=NOON)
    owed = (("ALDER", 120_00), ("BIRCH", 100_00), ("BIRCH", 200_00), ("CEDAR", 75_00), ("CEDAR", 75_00))
    for n, (name, amount) in enumerate(owed, start=1):
        invoice(session, fr, ids[name], amount, on=date(2026, 2, n), reference=f"FR1-2026-{n:06}")
    return ids


def left(kernel: Kernel) -> dict[str, int]:
    with kernel.database.reading() as session:
        query = select(OpenItem.reference, OpenItem.open_minor).where(OpenItem.side == 1, OpenItem.open_minor > 0)
        return dict(session.exec(query.order_by(col(OpenItem.entry_id))).all())


def test_from_the_bank_file_to_the_receipts(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)
    with kernel.database.transaction() as session:
        ids = company(session)
    with client(kernel, Role.CASH) as desk:
        uploaded = desk.post("/api/v1/bank/files", files={"file": ("march.xml", statement_file(), "application/xml")})
        assert uploaded.status_code in (200, 201), uploaded.text
        again = desk.post("/api/v1/bank/files", files={"file": ("march.xml", statement_file(), "application/xml")})
        assert again.status_code in (200, 201), again.text
        worked(kernel, NOON)
        assert left(kernel) == {"FR1-2026-000004": 75_00, "FR1-2026-000005": 75_00}

        waiting = {one["counterparty_name"]: one for one in desk.get("/api/v1/cash/lines").json()["items"]}
        assert set(waiting) == {"CUSTOMER CEDAR", "SOMEBODY ELSE"}
        twins = waiting["CUSTOMER CEDAR"]["proposals"]
        assert {part["reference"] for one in twins for part in one["parts"]} >= {"FR1-2026-000004", "FR1-2026-000005"}

        chosen = next(one for one in twins if one["parts"][0]["reference"] == "FR1-2026-000005")
        path = f"/api/v1/cash/lines/{waiting['CUSTOMER CEDAR']['id']}/applications"
        made = desk.post(path, json={"rank": chosen["rank"]}, headers={"Idempotency-Key": "k1"})
        assert made.status_code == 201, made.text
        assert left(kernel) == {"FR1-2026-000004": 75_00}
        undo = f"/api/v1/cash/applications/{made.json()['id']}/undo"
        assert desk.post(undo, json={"why": "the older one"}, headers={"Idempotency-Key": "k2"}).status_code == 200
        assert left(kernel) == {"FR1-2026-000004": 75_00, "FR1-2026-000005": 75_00}
        parts = [{**chosen["parts"][0], "entry_id": _entry(kernel, "FR1-2026-000004")}]
        del parts[0]["reference"]
        assert desk.post(path, json={"parts": parts}, headers={"Idempotency-Key": "k3"}).status_code == 201
        assert left(kernel) == {"FR1-2026-000005": 75_00}

        rent = waiting["SOMEBODY ELSE"]["id"]
        ignored = desk.post(
            f"/api/v1/bank/lines/{rent}/ignore", json={"why": "the rent of a tenant"}, headers={"Idempotency-Key": "k4"}
        )
        assert ignored.status_code == 200, ignored.text
        day = desk.get("/api/v1/bank/days", params={"account": _account(kernel), "day": "2026-03-16"}).json()
        assert (day["difference_minor"], day["open_minor"]) == (0, 0), json.dumps(day)
        figures: dict[str, Any] = desk.get(
            "/api/v1/cash/figures", params={"first": "2026-03-16", "last": "2026-03-16"}
        ).json()
        assert (figures["came_in"], figures["applied_untouched"], figures["error_rate"]) == (4, 2, 0.0)

    worked(kernel, NOON + timedelta(minutes=5))
    with kernel.database.reading() as session:
        states = session.exec(select(BankLine.state).order_by(col(BankLine.id))).all()
        applied, ignored_ = LineState.APPLIED, LineState.IGNORED
        assert list(states) == [applied, applied, applied, ignored_, ignored_]
        assert len(session.exec(select(CashApplication)).all()) == 4
        mails = session.exec(select(OutboxMessage).where(OutboxMessage.purpose == PURPOSE)).all()
        texts = {mail.recipient: mail.body_text for mail in mails}
        thanked = ["billing@alder.example", "billing@birch.example", "billing@cedar.example"]
        assert sorted(mail.recipient for mail in mails) == thanked, "what was undone is not thanked for"
        assert "FR1-2026-000002" in texts["billing@birch.example"]
        assert "FR1-2026-000003" in texts["billing@birch.example"]
        assert "FR1-2026-000001" not in texts["billing@birch.example"]
        paid = session.exec(select(Payment).where(Payment.account_id == ids["BIRCH"])).one()
        assert paid.amount_minor == 300_00
        assert verify(session) == []


def _entry(kernel: Kernel, reference: str) -> int:
    with kernel.database.reading() as session:
        return session.exec(select(OpenItem.entry_id).where(OpenItem.reference == reference)).one()


def _account(kernel: Kernel) -> int:
    with kernel.database.reading() as session:
        return session.exec(select(BankLine.bank_account_id)).first() or 0


def test_a_file_is_matched_before_it_is_stored(kernel: Kernel, tmp_path: Path, capsys: Any) -> None:
    from rich.console import Console

    from ar.cash.matching.command import run

    with kernel.database.transaction() as session:
        company(session)
    file = tmp_path / "march.xml"
    file.write_bytes(statement_file())
    run(
        kernel, file, lambda _session, _accounts: {}, profile=None, account="", currency="", as_json=True,
        out=Console(),
    )  # fmt: skip
    told = json.loads(capsys.readouterr().out)["lines"]
    assert [one["verdict"] for one in told][:2] == ["apply", "apply"]
    assert told[0]["proposals"][0]["parts"][0]["reference"] == "FR1-2026-000001"
    assert told[0]["proposals"][0]["reasons"]
    assert len(told) == 4
    assert [one["verdict"] for one in told][2:] != ["apply", "apply"]
    with kernel.database.reading() as session:
        assert session.exec(select(BankLine)).all() == []
        assert session.exec(select(Payment)).all() == []
