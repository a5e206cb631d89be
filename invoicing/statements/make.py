"""A statement of account as a file: the same facts as pages, or for a spreadsheet. Nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import partial
from io import StringIO

from ar.core.errors import DomainError
from ar.core.files import safe_name
from ar.core.kernel import Kernel
from ar.core.tabular import write_csv
from invoicing.einvoice.words import Say
from invoicing.statements.facts import Show, StatementFacts, StatementTooLongError
from invoicing.statements.gather import gather
from invoicing.statements.sheet import sheet
from invoicing.statements.table import heads, rows
from invoicing.typeset import typeset

MOST_PRINTED = 2_000
"""Lines: some fifty pages. A spreadsheet takes what there is."""


class StatementFormat(StrEnum):
    PDF = "pdf"
    CSV = "csv"


MEDIA_TYPES = {StatementFormat.PDF: "application/pdf", StatementFormat.CSV: "text/csv; charset=utf-8"}


class NoSellerError(DomainError):
    """There is no legal entity yet, so nobody whose statement it could be."""

    status = 409
    code = "no-legal-entity"


@dataclass(frozen=True)
class StatementFile:
    name: str
    media_type: str
    content: bytes


def make_statement(
    kernel: Kernel,
    account_id: int,
    *,
    since: date,
    until: date,
    show: Show,
    form: StatementFormat,
    now: datetime,
) -> StatementFile:
    """The statement of an account from `since` to the end of `until`, in the customer's language.

    Raises AccountNotFoundError, StatementPeriodError, StatementTooLongError for pages without end, NoSellerError.
    """
    with kernel.database.reading() as session:
        facts = gather(session, kernel, account_id, since=since, until=until, show=show)
    if not facts.sections:
        raise NoSellerError("There is no legal entity yet: found one first")
    say = partial(kernel.renderer.text, language=facts.language)
    content = _printed(facts, say, now) if form is StatementFormat.PDF else _tabular(facts, say)
    name = safe_name(f"{say('Statement of account')}-{facts.account_code}-{until}.{form.value}".replace(" ", "-"))
    return StatementFile(name, MEDIA_TYPES[form], content)


def _printed(facts: StatementFacts, say: Say, now: datetime) -> bytes:
    if facts.rows > MOST_PRINTED:
        raise StatementTooLongError(
            f"The statement has {facts.rows:,} lines; {MOST_PRINTED:,} are printed at most. Choose a shorter period, "
            "or the spreadsheet"
        )
    return typeset("statement", sheet(facts, say), {}, made_at=now)


def _tabular(facts: StatementFacts, say: Say) -> bytes:
    written = StringIO(newline="")
    write_csv(written, heads(facts, say), rows(facts, say))
    return written.getvalue().encode("utf-8-sig", "replace")
