"""A statement ties to the ledger to the last unit, speaks the customer's language, and shows nothing of another's."""

from __future__ import annotations

import csv
import re
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO, StringIO

import pikepdf
import pytest
from pikepdf import pdfa
from pypdf import PdfReader
from sqlmodel import Session

from ar.core.access.models import Role
from ar.core.kernel import Kernel
from ar.customers.accounts import AccountDraft, AccountNotFoundError, open_account
from ar.customers.entities import EntityDraft, add_bank_account, found_entity
from ar.ledger.ageing import ageing
from ar.ledger.allocate import Share, allocate
from ar.ledger.items import mark_disputed, open_items
from ar.ledger.models import EntryKind
from ar.ledger.post import Posting, post
from invoicing.statements import make
from invoicing.statements.facts import Show, StatementPeriodError, StatementTooLongError
from invoicing.statements.make import NoSellerError, StatementFormat, make_statement
from tests.invoicing.einvoice.make import HOSTILE
from tests.invoicing.einvoice.test_pdf import NOT_KNOWN_TO_THE_VALIDATOR
from tests.invoicing.make import NOW, TODAY
from tests.web import client

SINCE = TODAY - timedelta(days=60)


def seller(session: Session, code: str) -> int:
    draft = EntityDraft(code, f"Seller {code}", "FR", "EUR", "fr", street="14 rue des Ébénistes", city="Lyon")
    made = found_entity(session, draft, by="system", now=NOW)
    assert made.id is not None
    iban = {"FR1": "FR1420041010050500013M02606", "FR2": "DE89370400440532013000"}[code]
    add_bank_account(session, made.id, iban=iban, holder=f"Seller {code}", currency="EUR", by="system", now=NOW)
    return made.id


def account(session: Session, code: str, language: str, name: str = "Nordlicht") -> int:
    made = open_account(session, AccountDraft(code, name, "DE", language, "EUR"), by="system", now=NOW)
    assert made.id is not None
    return made.id


def posted(
    session: Session,
    entity_id: int,
    account_id: int,
    kind: EntryKind,
    minor: int,
    days: int,
    reference: str,
    currency: str = "EUR",
) -> int:
    """One entry `days` days before today."""
    on = TODAY - timedelta(days=days)
    due = on + timedelta(days=20) if kind is EntryKind.INVOICE else None
    given = Posting(entity_id, account_id, kind, minor, currency, on, due_on=due, source="test", reference=reference)
    return post(session, [given], now=NOW)[0]


def text_of(made: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(made)).pages).split())


def rows_of(made: bytes) -> list[list[str]]:
    return list(csv.reader(StringIO(made.decode("utf-8-sig"))))


def test_a_statement(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """One company on each database: sums, languages, formulas, formats, limits, an account where nothing moved."""

    def made(account_id: int, show: Show, form: StatementFormat, since: date = SINCE, until: date = TODAY) -> bytes:
        asked = {"since": since, "until": until, "show": show, "form": form, "now": NOW}
        return make_statement(kernel, account_id, **asked).content  # type: ignore[arg-type]

    with kernel.database.transaction() as session:
        lonely = account(session, "LONE", "en")
    with pytest.raises(NoSellerError):
        made(lonely, Show.OPEN, StatementFormat.PDF)
    with kernel.database.transaction() as session:
        first, second = seller(session, "FR1"), seller(session, "FR2")
        mine, other = account(session, "C1", "fr"), account(session, "C2", "en", "=HYPERLINK(1)")
        old = posted(session, first, mine, EntryKind.INVOICE, 100_000, 90, reference="F-1")
        late = posted(session, first, mine, EntryKind.INVOICE, 50_050, 40, reference="F-2")
        posted(session, first, mine, EntryKind.INVOICE, 7_000, 5, reference="F-3")
        paid = posted(session, first, mine, EntryKind.PAYMENT, 120_000, 30, reference="VIR 1")
        shares = [Share(old, paid, 100_000), Share(late, paid, 15_000)]
        allocate(session, shares, on=TODAY - timedelta(days=30), source="test", now=NOW)
        mark_disputed(session, late, 1_050, on=TODAY - timedelta(days=3), source="test")
        posted(session, second, mine, EntryKind.INVOICE, 900, 2, reference="G-1", currency="JPY")
        posted(session, second, other, EntryKind.INVOICE, 1_234, 2, reference="@cmd|' /C calc'!A0")
        for n, hostile in enumerate(HOSTILE):
            named = re.sub(r"[\x00-\x1f]", " ", hostile)[:60].encode("utf-8", "ignore").decode()
            posted(session, second, other, EntryKind.INVOICE, 100 + n, 2, reference=named)

    # The movements begin and end with what the ledger says, entry by entry.
    told = rows_of(made(mine, Show.MOVEMENTS, StatementFormat.CSV))
    assert told[0] == ["Vendeur", "Devise", "Jour", "Écriture", "Pièce", "Échéance", "Montant", "Solde"]
    assert [row[3:5] + row[6:] for row in told[1:]] == [
        ["Report à nouveau", "", "", "1000.00"],
        ["Facture", "F-2", "500.50", "1500.50"],
        ["Paiement", "VIR 1", "-1200.00", "300.50"],
        ["Facture", "F-3", "70.00", "370.50"],
        ["Solde", "", "", "370.50"],
        ["Report à nouveau", "", "", "0"],
        ["Facture", "G-1", "900", "900"],
        ["Solde", "", "", "900"],
    ]
    with kernel.database.reading() as session:
        items = open_items(session, account_ids=[mine], as_of=TODAY)
        aged = ageing(session, as_of=TODAY, account_ids=[mine])
    euros = sum(item.side * item.open_minor for item in items if item.currency == "EUR")
    assert euros == 37_050 == next(row.total for row in aged if row.currency == "EUR")

    # The open items sum to the same; the contested part and the credit are there.
    listed = rows_of(made(mine, Show.OPEN, StatementFormat.CSV))[1:]
    assert sum(int(Decimal(row[7]) * 100) for row in listed if row[1] == "EUR") == euros
    assert [row[4:] for row in listed if row[4] == "F-2"] == [["F-2", "2026-02-24", "500.50", "350.50", "10.50"]]
    assert [row[7] for row in listed if row[4] == "VIR 1"] == ["-50.00"]

    # On paper: PDF/A, in French, each seller on a page of its own with its letterhead and its bank.
    page = made(mine, Show.MOVEMENTS, StatementFormat.PDF)
    report = pdfa.validate_written(BytesIO(page), "3b")
    assert [f for f in report.findings if not any(t in f.message for t in NOT_KNOWN_TO_THE_VALIDATOR)] == []
    assert len(PdfReader(BytesIO(page)).pages) == 2
    words = text_of(page)
    for said in (
        "Relevé de compte",
        "Seller FR1",
        "Seller FR2",
        "370,50",
        "Report à nouveau",
        "FR14 2004",
        "Page 1 sur 2",
    ):
        assert said in words
    assert "DE89" not in words, "its account is in euros, and yen are owed"
    opened = text_of(made(mine, Show.OPEN, StatementFormat.PDF))
    assert "contesté" in opened
    assert "F-1" not in opened

    # The other customer: in English, hostile texts that are text, and nothing of the first.
    english = text_of(made(other, Show.MOVEMENTS, StatementFormat.PDF))
    assert "Statement of account" in english
    assert "=HYPERLINK(1)" in english
    assert "F-2" not in english
    cells = [cell for row in rows_of(made(other, Show.MOVEMENTS, StatementFormat.CSV)) for cell in row]
    assert "'@cmd|' /C calc'!A0" in cells
    assert not any(cell.startswith(("=", "@", "+")) for cell in cells)

    # Where nothing moved, it says so; what cannot be is refused in words.
    empty = text_of(made(lonely, Show.MOVEMENTS, StatementFormat.PDF))
    assert "Balance due €0.00" in empty
    assert len(rows_of(made(lonely, Show.OPEN, StatementFormat.CSV))) == 1
    with pytest.raises(AccountNotFoundError):
        made(999_999, Show.OPEN, StatementFormat.CSV)
    with pytest.raises(StatementPeriodError):
        made(mine, Show.OPEN, StatementFormat.CSV, since=TODAY, until=SINCE)
    monkeypatch.setattr(make, "MOST_PRINTED", 3)
    with pytest.raises(StatementTooLongError):
        made(mine, Show.MOVEMENTS, StatementFormat.PDF)

    # Over the wire.
    with client(kernel, Role.COLLECTOR) as browser:
        until = f"until={TODAY}&since={SINCE}"
        answer = browser.get(f"/api/v1/accounts/{mine}/statement.csv?{until}&show=open")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert 'filename="Relev_-de-compte-C1-2026-03-16.csv"' in answer.headers["content-disposition"]
        assert rows_of(answer.content)[1:] == listed
        pdf = browser.get(f"/api/v1/accounts/{lonely}/statement.pdf?{until}")
        with pikepdf.open(BytesIO(pdf.content)) as document:
            assert len(document.pages) == 1
        assert browser.get(f"/api/v1/accounts/{mine}/statement.xls").status_code == 422
        assert browser.get("/api/v1/accounts/999999/statement.pdf").status_code == 404
        backwards = browser.get(f"/api/v1/accounts/{mine}/statement.pdf?since={TODAY}&until={SINCE}")
        assert (backwards.status_code, backwards.json()["code"]) == (422, "bad-period")
        assert f'action="/customers/{mine}/statement"' in browser.get(f"/customers/{mine}/cards/statement").text
        shown = browser.get(f"/customers/{mine}/statement?{until}&format=csv&show=open")
        assert rows_of(shown.content)[1:] == listed
