"""What an agency or counsel is given: one archive of what is owed, the invoices, and all that was said about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial
from io import BytesIO, StringIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from sqlalchemy import ColumnElement, String, cast, literal, select, union_all
from sqlmodel import Session, col

from ar.core.clock import local_date
from ar.core.db import among
from ar.core.files import StoredFile, read, safe_name
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.money import plain
from ar.core.tabular import write_csv
from ar.customers.accounts import account
from ar.disputes.models import Dispute
from ar.ledger.items import ItemState, open_items
from dunning.attention.escalate import escalation
from dunning.calls.models import ContactEvent
from dunning.facts import DUNNED
from dunning.models import DunningNotice, Promise
from invoicing.models import FileFormat, Invoice, InvoiceFile
from invoicing.statements.facts import Show
from invoicing.statements.make import StatementFormat, make_statement

YEARS = timedelta(days=3 * 366)
"""How far back the statement reaches."""

MOST = 500
"""How many invoices' pages are put in, the oldest first."""


def make_dossier(kernel: Kernel, escalation_id: int, *, now: datetime) -> tuple[str, bytes]:
    """The archive's name and content: items.csv, history.csv, the statement, and the invoices' pages that there are.

    In the customer's language, as of today. Raises EscalationNotFoundError.
    """
    with kernel.database.reading() as session:
        customer = account(session, escalation(session, escalation_id).account_id)
        assert customer.id is not None
        today = local_date(now, customer.time_zone)
        say = partial(kernel.renderer.text, language=customer.language)
        items = [
            item
            for item in open_items(session, account_ids=[customer.id], as_of=today)
            if item.side == 1 and item.kind in DUNNED
        ]
        files = {
            "items.csv": _table([say(head) for head in _ITEM_HEADS], [_item(item, today=today) for item in items]),
            "history.csv": _table([say(head) for head in _HISTORY_HEADS], _history(session, customer.id)),
        }
        for number, stored in _pages(session, [item.entry_id for item in items]):
            files[f"invoices/{safe_name(number)}.pdf"] = read(stored, kernel.settings.files)
    since = today - YEARS
    statement = make_statement(
        kernel, customer.id, since=since, until=today, show=Show.MOVEMENTS, form=StatementFormat.PDF, now=now
    )
    files[statement.name] = statement.content
    return safe_name(f"{customer.code}-{today}.zip"), _zipped(files)


_ITEM_HEADS = (
    _("Invoice"),
    _("Issued"),
    _("Due"),
    _("Days late"),
    _("Currency"),
    _("Amount"),
    _("Open"),
    _("contested"),
)
_HISTORY_HEADS = (_("When"), _("What"), _("Result"), _("Note"), _("By"))


def _item(item: ItemState, *, today: date) -> list[str]:
    return [
        item.reference or str(item.entry_id),
        item.effective_on.isoformat(),
        item.due_on.isoformat(),
        str(max(0, (today - item.due_on).days)),
        item.currency,
        plain(item.amount_minor, item.currency),
        plain(item.open_minor, item.currency),
        plain(item.disputed_minor, item.currency),
    ]


def _history(session: Session, account_id: int) -> list[list[str]]:
    """Every reminder, contact, promise and dispute of the customer, the oldest first."""
    notice, event = DunningNotice, ContactEvent
    parts: Any = union_all(
        select(
            col(notice.written_at).label("at"), literal("reminder"), col(notice.step), literal(""), literal("system")
        ).where(col(notice.account_id) == account_id, col(notice.cancelled_at).is_(None)),
        select(col(event.at), _text(event.channel), _text(event.outcome), col(event.note), col(event.noted_by)).where(
            col(event.account_id) == account_id
        ),
        select(
            col(Promise.created_at),
            literal("promise"),
            _text(Promise.state),
            _text(Promise.due_on),
            col(Promise.made_by),
        ).where(col(Promise.account_id) == account_id),
        select(
            col(Dispute.opened_at),
            literal("dispute"),
            _text(Dispute.state),
            col(Dispute.reference),
            col(Dispute.opened_by),
        ).where(col(Dispute.account_id) == account_id),
    )
    rows = sorted(session.connection().execute(parts).all(), key=lambda row: row[0])
    return [[at.isoformat(timespec="minutes"), *(str(cell) for cell in rest)] for at, *rest in rows]


def _text(column: Any) -> ColumnElement[str]:
    return cast(col(column), String)


def _pages(session: Session, entry_ids: Sequence[int]) -> list[tuple[str, StoredFile]]:
    query = (
        select(col(Invoice.number), StoredFile)
        .join(InvoiceFile, col(InvoiceFile.invoice_id) == col(Invoice.id))
        .join(StoredFile, col(StoredFile.id) == col(InvoiceFile.file_id))
        .where(among(session, col(Invoice.entry_id), entry_ids), col(InvoiceFile.format) == FileFormat.PDF)
        .order_by(col(Invoice.id))
        .limit(MOST)
    )
    return [(number or "", stored) for number, stored in session.execute(query)]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    written = StringIO(newline="")
    write_csv(written, heads, rows)
    return written.getvalue().encode("utf-8-sig", "replace")


def _zipped(files: dict[str, bytes]) -> bytes:
    made = BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()
