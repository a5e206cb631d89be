"""Statements as a table, CSV or XLSX, by a mapping profile that says which column is what. Pure.

A table has no head: its account is a column, a constant of the profile, or told by who brings it. Where there is a
column of balances, opening and closing balance follow from it, whichever way round the rows are.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from ar.cash.bank.readers.creditor_references import found_in, usual
from ar.cash.bank.readers.facts import Balance, End, Head, Line, Part, number_of, paragraphs, refused, words
from ar.cash.bank.readers.values import EARLIEST, LATEST, signed_minor
from ar.core.mapping import CellError, Profile, Values
from ar.core.tabular import Row, opened

FIELDS = (
    "booking_date", "value_date", "amount", "debit", "credit", "direction", "currency", "account", "balance", "name",
    "iban", "reference", "end_to_end_id", "mandate_id", "structured_reference", "text", "more_text", "kind",
)  # fmt: skip
OPTIONS = ("out", "in")
"""`in` and `out`: the words of the column of directions, when amounts carry no sign."""

MAX_ROWS = 1_000_000


@dataclass(frozen=True)
class _Cells:
    """The cells of one row, by field, and where it is."""

    where: str
    headings: Mapping[str, str]
    cells: Mapping[str, str]

    def text(self, name: str) -> str:
        return self.cells.get(name, "")

    def fault(self, name: str) -> str:
        return f"{self.where}, column {self.headings.get(name, name)}"


def fits(profile: Profile, headings: Sequence[str]) -> bool:
    """Whether a file with these headings has what the profile needs."""
    have = {"".join(one.replace("_", " ").split()).casefold() for one in headings}
    needed = [profile.columns[one] for one in ("booking_date", "amount", "debit", "credit", "direction")
              if one in profile.columns]  # fmt: skip
    return all("".join(one.replace("_", " ").split()).casefold() in have for one in needed)


def read(content: bytes, profile: Profile, *, account: str = "", currency: str = "") -> Iterator[Part]:
    """The parts of a table: a statement for each account in it, the first met first.

    `account` and `currency` are for files that do not say them. Raises BankFileError or FileError.
    """
    found: dict[str, list[tuple[Line, int | None]]] = {}
    values = Values(profile.formats)
    with opened(io.BytesIO(content), layout=profile.layout, wanted=list(profile.columns.values())) as table:
        places = table.places(profile.columns.values())
        missing = [heading for heading in profile.columns.values() if heading not in places]
        needed = [one for one in ("booking_date", "amount", "debit", "credit") if profile.columns.get(one) in missing]
        if needed:
            raise refused("line 1", f"the column {profile.columns[needed[0]]!r} is missing (profile {profile.name})")
        at = {field: places[heading] for field, heading in profile.columns.items() if heading in places}
        for row in table.rows:
            cells = _cells(row, at, profile)
            number = number_of(cells.text("account") or account)
            line = _line(cells, values, profile, currency)
            balance = _balance(cells, values, line.currency)
            lines = found.setdefault(number, [])
            lines.append((line, balance))
            if row.number > MAX_ROWS:
                raise refused(cells.where, f"a table of more than {MAX_ROWS:,} rows is not read")
    if not found:
        raise refused("the file", "it holds no movements")
    for number, rows in found.items():
        opening, closing = _tied(rows)
        first, last = min(line.booked_on for line, _ in rows), max(line.booked_on for line, _ in rows)
        reference = f"{first.isoformat()}/{last.isoformat()}"
        yield Head("table", number, rows[0][0].currency, reference, opening)
        yield from (line for line, _ in rows)
        yield End(closing=closing)


def _cells(row: Row, at: Mapping[str, int], profile: Profile) -> _Cells:
    where = f"line {row.number}"
    if row.fault is not None:
        raise refused(where, row.fault)
    cells = {**profile.defaults, **{f: row.cells[n] for f, n in at.items() if row.cells[n].strip()}}
    return _Cells(where, profile.columns, {**cells, **profile.constants})


def _line(cells: _Cells, values: Values, profile: Profile, currency: str) -> Line:
    where = cells.where
    told = words(cells.text("currency") or currency, 3).upper()
    if not told:
        raise refused(where, "nothing says the currency: name it in the profile, or with the file")
    minor = _amount(cells, values, profile, told)
    reference = cells.text("structured_reference")
    remittance = paragraphs([*cells.text("text").split("\n"), *cells.text("more_text").split("\n")])
    bank_reference = words(cells.text("reference"), 80)
    end_to_end = words(cells.text("end_to_end_id"), 80)
    return Line(
        place=where,
        booked_on=_day(cells, "booking_date", values),
        value_on=_day(cells, "value_date", values) if cells.text("value_date") else None,
        amount_minor=minor,
        currency=told,
        kind=words(cells.text("kind"), 40),
        counterparty_name=words(cells.text("name"), 200),
        counterparty_iban=number_of(cells.text("iban")),
        bank_reference=bank_reference,
        end_to_end_id="" if end_to_end.upper() == "NOTPROVIDED" else end_to_end,
        mandate_id=words(cells.text("mandate_id"), 80),
        structured_reference=words(usual(reference) if reference else found_in(remittance), 60),
        remittance=remittance,
        entry_reference=bank_reference,
        entry_minor=minor,
    )


def _read_cell(cells: _Cells, name: str, reader: Callable[[str], str]) -> str:
    try:
        return reader(cells.text(name).strip())
    except CellError as error:
        raise refused(cells.fault(name), f"{cells.text(name)[:40]!r} {error}") from None


def _day(cells: _Cells, name: str, values: Values) -> date:
    text = cells.text(name).strip()
    try:
        made = values.day(text)
    except CellError as error:
        raise refused(cells.fault(name), f"{text[:40]!r} {error}") from None
    if not EARLIEST <= made < LATEST:
        raise refused(cells.fault(name), f"{made} lies outside {EARLIEST.year} to {LATEST.year}")
    return made


def _number(cells: _Cells, name: str, values: Values, currency: str) -> int:
    return signed_minor(_read_cell(cells, name, values.number), currency, cells.fault(name))


def _amount(cells: _Cells, values: Values, profile: Profile, currency: str) -> int:
    """What moved: one signed column, one with a column of directions, or a column each for debit and credit."""
    if "amount" in profile.columns:
        minor = _number(cells, "amount", values, currency)
        if "direction" not in profile.columns:
            return minor
        word = cells.text("direction").strip().casefold()
        into, out = (profile.options.get(one, one).casefold() for one in ("in", "out"))
        if word not in (into, out):
            raise refused(cells.fault("direction"), f"{word[:20]!r} is neither {into!r} nor {out!r}")
        return -abs(minor) if word == out else abs(minor)
    given = [name for name in ("debit", "credit") if cells.text(name).strip()]
    if not given:
        raise refused(cells.where, "neither a debit nor a credit is given")
    minors = {name: abs(_number(cells, name, values, currency)) for name in given}
    if all(minors.get(name) for name in ("debit", "credit")):
        raise refused(cells.where, "a debit and a credit are given: a row is one of both")
    return minors.get("credit", 0) - minors.get("debit", 0)


def _balance(cells: _Cells, values: Values, currency: str) -> int | None:
    return _number(cells, "balance", values, currency) if cells.text("balance").strip() else None


def _tied(rows: list[tuple[Line, int | None]]) -> tuple[Balance | None, Balance | None]:
    """Opening and closing balance out of the balances of the rows, when they follow from row to row."""
    if any(balance is None for _, balance in rows):
        return None, None
    for ordered in (rows, rows[::-1]):
        told = [(line, balance) for line, balance in ordered if balance is not None]
        steps = pairwise(told)
        if all(before + line.amount_minor == after for (_, before), (line, after) in steps):
            (first, opening), (last, closing) = told[0], told[-1]
            if len(told) > 1 and first.booked_on > last.booked_on:
                continue
            return (
                Balance(opening - first.amount_minor, first.currency, first.booked_on),
                Balance(closing, last.currency, last.booked_on),
            )
    return None, None
