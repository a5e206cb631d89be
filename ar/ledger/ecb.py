"""Reader of the European Central Bank's reference rates: the daily and historical XML, CSV, and zipped CSV."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice

from lxml import etree
from sqlalchemy import func, select, update
from sqlmodel import Session, col

from ar.core.audit import Act, record
from ar.core.db import bulk_insert
from ar.core.errors import DomainError
from ar.core.money import CurrencyError, exponent
from ar.ledger.models import ExchangeRate

MAX_BYTES = 60_000_000
SOURCE = "ECB"
_RATE = re.compile(r"\d{1,9}(\.\d{1,8})?", re.ASCII)
_FIRST = date(1999, 1, 4)


class RatesFileError(DomainError):
    """The file is not one of the ECB's forms, or says something no rate can be; nothing of it was taken."""

    code = "bad-rates-file"


@dataclass(frozen=True)
class RatesReport:
    """How many rates were new, as known, or corrected; and the last day they are of."""

    added: int
    unchanged: int
    corrected: int
    last_on: date | None


Rate = tuple[str, date, Decimal]
"""Currency, day, units for one euro."""


def import_rates(session: Session, content: bytes, *, by: str, today: date, now: datetime) -> RatesReport:
    """Store the rates of the file `content`. The same file again changes nothing. Raises RatesFileError."""
    rates = {(currency, day): rate for currency, day, rate in read(content) if _is_current(currency)}
    if not rates:
        raise RatesFileError("The file holds no rates: fetch eurofxref-daily.xml or eurofxref-hist.zip again")
    days = [day for _, day in rates]
    if min(days) < _FIRST or max(days) > today.replace(year=today.year + 1, day=1):
        raise RatesFileError(f"The file has rates of {min(days)} to {max(days)}, which the ECB cannot have published")
    query = select(col(ExchangeRate.currency), col(ExchangeRate.rate_on), col(ExchangeRate.per_euro)).where(
        col(ExchangeRate.rate_on).between(min(days), max(days))
    )
    known = {(row.currency, row.rate_on): row.per_euro for row in session.connection().execute(query)}
    new = {key: rate for key, rate in rates.items() if key not in known}
    wrong = {key: rate for key, rate in rates.items() if key in known and known[key] != rate}
    rows = [
        {"currency": currency, "rate_on": day, "per_euro": rate, "source": SOURCE}
        for (currency, day), rate in new.items()
    ]
    bulk_insert(session, ExchangeRate, rows)
    for (currency, day), rate in wrong.items():  # the ECB corrects itself a few times in a year at most
        session.connection().execute(
            update(ExchangeRate)
            .where(col(ExchangeRate.currency) == currency, col(ExchangeRate.rate_on) == day)
            .values(per_euro=rate)
        )
    if new or wrong:
        before = {f"{currency} {day}": str(known[currency, day]) for currency, day in islice(wrong, 100)}
        change = {"before": before, "after": {"added": len(new), "corrected": len(wrong), "last_on": str(max(days))}}
        record(session, [Act(by, "rates.imported", "exchange_rate", change)], now=now)
    last_on = session.connection().execute(select(func.max(col(ExchangeRate.rate_on)))).scalar_one()
    return RatesReport(len(new), len(rates) - len(new) - len(wrong), len(wrong), last_on)


def _is_current(currency: str) -> bool:
    """Whether the currency still exists: the historical file also has those that the euro replaced."""
    try:
        exponent(currency)
    except CurrencyError:
        return False
    return True


def read(content: bytes) -> Iterator[Rate]:
    """Every rate in the file, in its order. Raises RatesFileError."""
    if len(content) > MAX_BYTES:
        raise RatesFileError(f"The file is larger than {MAX_BYTES // 10**6} MB: the ECB's are not")
    if content.startswith(b"PK"):
        content = _unzipped(content)
    start = content[:500].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        return _read_xml(content)
    if start[:4].lower() == b"date":
        return _read_csv(content)
    raise RatesFileError("The file is none of the ECB's: fetch eurofxref-daily.xml or eurofxref-hist.zip")


def _unzipped(content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if name.endswith((".csv", ".xml"))]
            if len(names) != 1:
                raise RatesFileError("The zip does not hold exactly one CSV or XML file: fetch eurofxref-hist.zip")
            with archive.open(names[0]) as inside:
                unpacked = inside.read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError) as error:
        raise RatesFileError("The zip is broken: fetch eurofxref-hist.zip again") from error
    if len(unpacked) > MAX_BYTES:
        raise RatesFileError(f"The zip unpacks to more than {MAX_BYTES // 10**6} MB: the ECB's does not")
    return unpacked


def _read_xml(content: bytes) -> Iterator[Rate]:
    """Cubes within cubes: one of a day, in it one for each currency. No DTD, entity or network is allowed."""
    day: date | None = None
    try:
        events = etree.iterparse(
            io.BytesIO(content),
            events=("start", "end"),
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
        )
        for event, element in events:
            if event == "end":
                element.clear()
                continue
            if element.getparent() is None and element.getroottree().docinfo.doctype:
                raise RatesFileError("The file has a document type declaration, which the ECB's have not")
            if not isinstance(element.tag, str) or element.tag.rpartition("}")[2] != "Cube":
                continue
            if element.get("time") is not None:
                day = _day(str(element.get("time")))
            elif element.get("currency") is not None:
                if day is None:
                    raise RatesFileError("The file gives rates before it says their day: fetch it again")
                yield str(element.get("currency")), day, _rate(str(element.get("rate")), day)
    except etree.XMLSyntaxError as error:
        raise RatesFileError(f"The file is broken XML: {str(error)[:120]}; fetch it again") from error


def _read_csv(content: bytes) -> Iterator[Rate]:
    """A line a day, a column a currency; 'N/A' or nothing where there was no rate."""
    try:
        text = content.decode("utf-8-sig")
        lines = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
        currencies = [heading.strip() for heading in next(lines)]
        for line in lines:
            if not any(cell.strip() for cell in line):
                continue
            day = _day(line[0].strip())
            for currency, cell in zip(currencies[1:], line[1:], strict=False):
                if currency and cell.strip() not in ("", "N/A"):
                    yield currency, day, _rate(cell.strip(), day)
    except (UnicodeDecodeError, csv.Error) as error:
        raise RatesFileError("The file is broken CSV: fetch eurofxref-hist.zip again") from error


def _day(text: str) -> date:
    for pattern in ("%Y-%m-%d", "%d %B %Y"):
        try:
            return datetime.strptime(text[:30], pattern).date()  # noqa: DTZ007
        except ValueError:
            continue
    raise RatesFileError(f"{text[:30]!r} is not a day such as 2026-11-20: fetch the file again")


def _rate(text: str, day: date) -> Decimal:
    if not _RATE.fullmatch(text) or not Decimal(text):
        raise RatesFileError(f"{text[:30]!r}, of {day}, is not a rate above zero: fetch the file again")
    return Decimal(text)
