"""A company with open invoices and bank lines, and the files that advices come in, for the tests of this package."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date
from email.message import EmailMessage

from openpyxl import Workbook
from sqlmodel import Session

from ar.cash.bank.models import BankLine, BankStatement, LineState
from ar.customers.accounts import ContactDraft, add_contact
from ar.customers.models import BankAccount
from tests.ledger.make import NOW, customer, invoice, seller

DAY = date(2026, 2, 27)


def company(session: Session, *amounts: int, code: str = "C1", email: str = "payables@customer.example") -> list[int]:
    """The seller, a customer with a contact, and its invoices FR1-2026-000101 and so on: their ids."""
    entity, account = seller(session), customer(session, code)
    add_contact(session, account, ContactDraft(email=email, language="en"), by="system", now=NOW)
    return [entity, account, *invoices(session, entity, account, *amounts)]


def invoices(session: Session, entity: int, account: int, *amounts: int, first: int = 101) -> list[int]:
    return [
        invoice(session, entity, account, minor, on=date(2026, 1, 5), reference=f"FR1-2026-{first + n:06}")
        for n, minor in enumerate(amounts)
    ]


def bank_lines(session: Session, entity: int, *told: Mapping[str, object]) -> list[BankLine]:
    """Open lines on a new bank account, one for each of `told`, which say what is not usual."""
    number = session.connection().exec_driver_sql("SELECT count(*) FROM bank_account").scalar_one()
    bank = BankAccount(entity_id=entity, iban=f"FR00TEST{number:04}", holder="Seller", currency="EUR")
    session.add(bank)
    session.flush()
    assert bank.id is not None
    statement = BankStatement(
        bank_account_id=bank.id,
        format="camt.053",
        digest=f"{number:064}",
        currency="EUR",
        lines_read=len(told),
        lines_added=len(told),
        imported_by="user:1",
        imported_at=NOW,
    )
    session.add(statement)
    session.flush()
    lines = [
        BankLine(
            **{  # type: ignore[arg-type]
                "statement_id": statement.id,
                "bank_account_id": bank.id,
                "entity_id": entity,
                "identity": f"{number}-{n}",
                "booked_on": DAY,
                "amount_minor": 150_000,
                "currency": "EUR",
                "state": LineState.OPEN,
            }
            | dict(one)
        )
        for n, one in enumerate(told)
    ]
    session.add_all(lines)
    session.flush()
    return lines


def eml(
    text: str,
    *,
    html: str = "",
    files: dict[str, bytes] | None = None,
    sender: str = "Payables <payables@customer.example>",
    subject: str = "Payment",
    number: str = "1",
) -> bytes:
    """An e-mail as it comes."""
    message = EmailMessage()
    message["from"], message["subject"], message["message-id"] = sender, subject, f"<{number}@customer.example>"
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    for name, content in (files or {}).items():
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def xlsx(*rows: list[object]) -> bytes:
    """A workbook of one sheet."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


REMADV = (
    "UNB+UNOC:3+PAYER:14+SELLER:14+260312:1000+REF1'UNH+1+REMADV:D:96A:UN'BGM+481+RA4711+9'"
    "DTM+137:20260310:102'DTM+138:20260312:102'RFF+PQ:E2E-4711'NAD+PR+4012345::9++Nordlicht Werkzeuge?: Werk'"
    "CUX+2:EUR:11'DOC+380+FR1-2026-000101'MOA+9:1000.00:EUR'MOA+12:980.00:EUR'MOA+52:20.00:EUR'DTM+137:20260105:102'"
    "AJT+3'FTX+AAI+++two boxes broken'DOC+381+AV-1'MOA+12:80.00:EUR'UNS+S'MOA+12:900.00:EUR'UNT+18+1'UNZ+1+REF1'"
)
