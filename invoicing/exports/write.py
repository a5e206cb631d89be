"""The receivables journal as a file: CSV for any bookkeeping, or the French FEC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from functools import partial
from typing import TextIO

from sqlmodel import Session

from ar.core.errors import DomainError, Fault
from ar.core.money import plain
from ar.core.tabular import write_csv
from ar.customers.models import LegalEntity
from ar.ledger.rates import rates_over
from invoicing.exports.accounts import Chart
from invoicing.exports.gather import postings
from invoicing.exports.journal import JournalLine, entry_lines
from invoicing.exports.lettering import Lettered, lettering

CSV_COLUMNS = (
    "journal",
    "journal_name",
    "entry_number",
    "entry_date",
    "account",
    "account_name",
    "customer_code",
    "customer_name",
    "reference",
    "label",
    "debit",
    "credit",
    "currency",
    "foreign_amount",
    "foreign_currency",
    "posted_on",
    "letter",
    "lettered_on",
)
FEC_COLUMNS = (
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "CompAuxNum",
    "CompAuxLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "Debit",
    "Credit",
    "EcritureLet",
    "DateLet",
    "ValidDate",
    "Montantdevise",
    "Idevise",
)
"""The eighteen fields of article A47 A-1 of the Livre des procédures fiscales, in their order."""


class JournalFormat(StrEnum):
    CSV = "csv"
    FEC = "fec"


class PeriodError(DomainError):
    """The period has no day."""

    code = "bad-period"


def write_journal(
    out: TextIO,
    session: Session,
    seller: LegalEntity,
    *,
    first: date,
    last: date,
    chart: Chart,
    form: JournalFormat,
) -> None:
    """Write the journal of `seller` from `first` to `last`, both included, to `out`, line by line.

    Raises PeriodError; RateMissingError, on the way, for a day whose amounts cannot be told in the seller's currency.
    """
    if last < first:
        message = f"the last day, {last}, lies before the first, {first}"
        raise PeriodError(f"There is no such period: {message}", faults=[Fault("/last", message)])
    assert seller.id is not None
    lettered = lettering(session, entity_id=seller.id, as_of=last)
    written = _lines(session, seller, first=first, last=last, chart=chart)
    lines = ((line, lettered.get(line.entry_id) if line.entry_id else None) for line in written)
    if form is JournalFormat.CSV:
        write_csv(out, CSV_COLUMNS, (_csv(line, letter, seller.currency) for line, letter in lines))
        return
    out.write("\t".join(FEC_COLUMNS) + "\r\n")
    for line, letter in lines:
        out.write("\t".join(" ".join(cell.split()) for cell in _fec(line, letter, seller.currency)) + "\r\n")


def file_name(seller: LegalEntity, last: date, form: JournalFormat) -> str:
    """`journal-FR1-2026-03-31.csv`; of a FEC the name that the tax office wants: SIREN, FEC, last day."""
    if form is JournalFormat.CSV:
        return f"journal-{seller.code}-{last}.csv"
    siren = "".join(filter(str.isdigit, seller.registration or ""))[:9]
    return f"{siren or seller.code}FEC{last:%Y%m%d}.txt"


def _lines(session: Session, seller: LegalEntity, *, first: date, last: date, chart: Chart) -> Iterator[JournalLine]:
    assert seller.id is not None
    rates_of = rates_over(session, first, last)
    for number, posting in enumerate(postings(session, entity_id=seller.id, first=first, last=last), start=1):
        rates = rates_of(posting.effective_on)
        into = partial(rates.convert, source=posting.currency, target=seller.currency)
        yield from entry_lines(number, posting, chart, currency=seller.currency, convert=into)


def _csv(line: JournalLine, letter: Lettered | None, currency: str) -> list[str]:
    return [
        line.journal.number,
        line.journal.name,
        str(line.number),
        line.effective_on.isoformat(),
        line.account.number,
        line.account.name,
        line.customer.number if line.customer else "",
        line.customer.name if line.customer else "",
        line.reference,
        line.label,
        plain(line.debit_minor, currency),
        plain(line.credit_minor, currency),
        currency,
        "" if line.foreign_minor is None else plain(line.foreign_minor, line.foreign_currency),
        line.foreign_currency,
        line.posted_on.isoformat(),
        letter.letter if letter else "",
        letter.on.isoformat() if letter else "",
    ]


def _fec(line: JournalLine, letter: Lettered | None, currency: str) -> list[str]:
    return [
        line.journal.number,
        line.journal.name,
        str(line.number),
        f"{line.effective_on:%Y%m%d}",
        line.account.number,
        line.account.name,
        line.customer.number if line.customer else "",
        line.customer.name if line.customer else "",
        line.reference or str(line.number),
        f"{line.effective_on:%Y%m%d}",
        line.label,
        plain(line.debit_minor, currency).replace(".", ","),
        plain(line.credit_minor, currency).replace(".", ","),
        letter.letter if letter else "",
        f"{letter.on:%Y%m%d}" if letter else "",
        f"{line.posted_on:%Y%m%d}",
        "" if line.foreign_minor is None else plain(line.foreign_minor, line.foreign_currency).replace(".", ","),
        line.foreign_currency,
    ]
