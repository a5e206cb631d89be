"""One row of an advice after the other, with one decimal mark: its lines, and what it says of the payment. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise

from ar.cash.remittance import days, numbers, words
from ar.cash.remittance.advice import MAX_LINES, Known, Line
from ar.cash.remittance.grid import Source
from ar.cash.remittance.references import MAX_KEY, Named, named_in
from ar.cash.remittance.words import Column
from ar.core.money import AmountError, parse_minor
from ar.core.workbook import Typed
from ar.ledger.references import reference_key

_GENERIC = frozenset({"reference", "ref", "referenz", "referencia", "riferimento", "referentie", "piece", "document"})


@dataclass
class Reading:
    """What has been read so far. Totals, days and payment numbers carry how plainly they were named as such."""

    known: Mapping[str, Known]
    mark: str
    currency: str
    places: int
    month_first: bool | None
    near: date | None
    lines: list[Line] = field(default_factory=list)
    pairs: dict[int, int] = field(default_factory=dict)
    loose: list[Line] = field(default_factory=list)
    totals: list[tuple[int, int]] = field(default_factory=list)
    paid_on: list[tuple[int, date]] = field(default_factory=list)
    reference: str = ""
    payer: str = ""
    unread: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def read_rows(source: Source, reading: Reading) -> None:
    """Take in every row of `source`."""
    columns: list[Column | None] = []
    for row in source.rows:
        if len(reading.lines) >= MAX_LINES:
            reading.doubts.append(f"Only the first {MAX_LINES} lines were read")
            return
        if heading := heading_of(row):
            columns = heading
        elif columns and len(row) == len(columns):
            _by_columns(row, columns, reading)
        elif (cells := [cell for cell in row if cell]) and not _fact(cells, reading):
            by_content("  ".join(cells), reading)


def heading_of(row: Sequence[str]) -> list[Column | None]:
    """What each column holds, when `row` is a heading: it names a reference and an amount; empty when it is none."""
    found = [words.column_of(cell) for cell in row]
    if Column.REFERENCE not in found or not {Column.PAID, Column.GROSS} & set(found):
        return []
    if found.count(Column.REFERENCE) > 1:
        plain = [words.plain(cell) in _GENERIC for cell in row]
        if not all(flag for flag, column in zip(plain, found, strict=True) if column is Column.REFERENCE):
            found = [None if c is Column.REFERENCE and flag else c for c, flag in zip(found, plain, strict=True)]
    amounts = [n for n, column in enumerate(found) if column is Column.PAID]
    for n in amounts[:-1]:  # of two amounts the last is what is paid
        found[n] = Column.GROSS
    seen: set[Column] = set()
    for n, column in enumerate(found):
        found[n] = None if column is None or column in seen else column
        seen |= {column} if column else set()
    return found


def _by_columns(row: Sequence[str], columns: Sequence[Column | None], reading: Reading) -> None:
    cells = {column: cell for column, cell in zip(columns, row, strict=True) if column is not None}
    reference = cells.get(Column.REFERENCE, "")
    amounts = {c: _amount(cells.get(c, ""), reading) for c in (Column.GROSS, Column.DEDUCTION, Column.PAID)}
    first = next((cell for cell in row if cell), "")
    if words.is_total(first) or words.plain(first).split(" ")[0] in words.TOTALS:
        told = amounts[Column.PAID] if amounts[Column.PAID] is not None else amounts[Column.GROSS]
        if told is not None:
            reading.totals.append((3, told))
        return
    _facts_of(cells, reading)
    said = "  ".join(cell for cell in row if cell)
    if not re.search(r"\d", reference):
        if amounts[Column.PAID] is not None and words.DEDUCTED.search(said):
            reading.loose.append(Line("", -abs(amounts[Column.PAID] or 0), reason=said[:200], said=said[:400]))
        return
    named = named_in(reference, reading.known)
    if len(named) == 1:
        reference = reading.known[named[0].key].reference
    gross, deduction, paid = _three(amounts, said, reading)
    line = Line(
        reference[:MAX_KEY],
        paid,
        gross,
        deduction,
        cells.get(Column.REASON, "")[:200],
        _day(cells.get(Column.DAY, ""), reading),
        said[:400],
    )
    reading.lines.append(signed(line, f"{cells.get(Column.KIND, '')} {said}", reading))


def _three(amounts: Mapping[Column, int | None], said: str, reading: Reading) -> tuple[int | None, int, int | None]:
    """Gross, deduction and paid: each worked out where the other two say it."""
    gross, deduction, paid = (amounts[c] for c in (Column.GROSS, Column.DEDUCTION, Column.PAID))
    deduction = None if deduction is None else abs(deduction)
    if paid is None and gross is not None:
        paid = gross - (deduction or 0)
    if deduction is None and gross is not None and paid is not None and gross > paid > 0:
        deduction = gross - paid
    if gross is None and paid is not None and deduction:
        gross = paid + deduction
    if gross is not None and paid is not None and gross > 0 and gross - (deduction or 0) != paid:
        reading.doubts.append(f"On this line what is due, taken off and paid do not agree: {said[:120]}")
    return gross, deduction or 0, paid


def _facts_of(cells: Mapping[Column, str], reading: Reading) -> None:
    """What a row says of the payment as a whole, in columns of its own."""
    reading.reference = reading.reference or cells.get(Column.PAYMENT, "")[:80]
    reading.payer = reading.payer or cells.get(Column.PAYER, "")[:200]
    if (day := _day(cells.get(Column.PAID_ON, ""), reading)) is not None:
        reading.paid_on.append((3, day))


def _fact(row: Sequence[str], reading: Reading) -> bool:
    """Whether `row` was a label and its value, such as 'Payment date: 12/03/2026'; it is taken in then."""
    if len(row) == 1:
        label, colon, value = row[0].partition(":")
        if not colon:
            return False
    elif len(row) == 2 and len(row[0]) <= 60:
        label, value = row
        label = label.rstrip(": ")
    else:
        return False
    label, value = label.strip(), value.strip(" :")
    column = words.column_of(label)
    if words.is_total(label) and (minor := _amount(value, reading)) is not None:
        reading.totals.append((3, minor))
        return True
    if column is Column.PAYMENT and value:
        reading.reference = reading.reference or value[:80]
    elif column is Column.PAYER and value and not _amounts(value, reading):
        reading.payer = reading.payer or value[:200]
    elif column in (Column.PAID_ON, Column.DAY) and (day := _day(value, reading)) is not None:
        reading.paid_on.append((3 if column is Column.PAID_ON else 1, day))
    else:
        return False
    return True


def by_content(line: str, reading: Reading) -> None:
    """A line without columns: the documents that it names, with the amounts beside each; or a fact of the payment."""
    text = numbers.spaced(line)
    named = _named(text, reading)
    bare = _masked(text, [(one.start, one.end) for one, _ in named])
    found_days = list(days.FOUND.finditer(bare))
    bare = _masked(bare, [found.span() for found in found_days])
    told = [day for found in found_days if (day := _day_of(found, reading)) is not None]
    if (number := words.PAYMENT_NUMBER.search(text)) and re.search(r"\d", number["reference"]):
        reading.reference = reading.reference or number["reference"][:80]
        bare = _masked(bare, [number.span("reference")])
    amounts = [(found.start(), minor) for found, minor in _money(bare, reading)]
    about_payment = words.PAYMENT.search(text) is not None
    if about_payment:
        reading.paid_on += [(1 if named else 2, day) for day in told]
    if not named:
        _unnamed(line, bare, amounts, about_payment, reading)
    elif len(named) == 1:
        day = told[0] if told and not about_payment else None
        _one(named[0][1], [minor for _, minor in amounts], line, day, reading)
    else:
        _several(named, amounts, text, reading)


def _unnamed(line: str, bare: str, amounts: Sequence[tuple[int, int]], about_payment: bool, reading: Reading) -> None:
    if len(amounts) != 1:
        return
    minor = amounts[0][1]
    if words.DEDUCTED.search(bare):
        reading.loose.append(Line("", -abs(minor), reason=line.strip()[:200], said=line.strip()[:400]))
    elif about_payment:
        first = bare.strip().split(" ")[0].strip(":")
        reading.totals.append((3 if words.is_total(first) else 1, minor))


def _several(
    named: Sequence[tuple[Named, str]], amounts: Sequence[tuple[int, int]], text: str, reading: Reading
) -> None:
    """Several documents on one line: each with the amounts behind it, or all with none and one for all."""
    starts = [one.start for one, _ in named] + [len(text)]
    shares = [[minor for at, minor in amounts if start <= at < end] for start, end in pairwise(starts)]
    if all(shares) and not [at for at, _ in amounts if at < starts[0]]:
        for n, (_, reference) in enumerate(named):
            _one(reference, shares[n], text[starts[n] : starts[n + 1]], None, reading)
        return
    if len(amounts) == 1:
        reading.totals.append((2, amounts[0][1]))
    elif amounts:
        reading.doubts.append(f"It is not clear which amount is whose: {text.strip()[:160]}")
    for _, reference in named:
        reading.lines.append(Line(reference, said=text.strip()[:400]))


def _one(reference: str, amounts: Sequence[int], said: str, day: date | None, reading: Reading) -> None:
    """One document with the amounts beside it: what is paid; or what is due, taken off and paid."""
    gross, deduction, paid = None, 0, amounts[0] if len(amounts) == 1 else None
    reason = ""
    deducted = words.DEDUCTED.search(said)
    if len(amounts) == 2:
        first, last = amounts
        small, large = sorted((abs(first), abs(last)))
        if deducted and small * 2 < large:
            before = words.BEFORE.search(said) is not None and abs(first) == large
            gross, deduction = (large, small) if before else (large + small, small)
            paid, reason = gross - deduction, said.strip()[:200]
        elif first == last:
            paid = first
        else:
            reading.pairs[len(reading.lines)] = first
            paid, gross = last, None
    elif len(amounts) == 3 and (shared := _shared(amounts)):
        gross, deduction, paid = shared
        reason = deducted[0] if deducted else ""
    elif len(amounts) > 2:
        reading.unread.append(said)
        reading.doubts.append(f"It is not clear which amount is paid: {said.strip()[:160]}")
    line = Line(reference, paid, gross, deduction, reason, day, said.strip()[:400])
    reading.lines.append(signed(line, said, reading))


def _shared(amounts: Sequence[int]) -> tuple[int, int, int] | None:
    """What is due, taken off and paid out of three amounts in any order; None when they do not go together."""
    if amounts[0] - abs(amounts[1]) == amounts[2]:
        return amounts[0], abs(amounts[1]), amounts[2]
    small, middle, large = sorted(abs(minor) for minor in amounts)
    return (large, small, middle) if small + middle == large else None


def signed(line: Line, said: str, reading: Reading) -> Line:
    """`line`, below zero where it is a credit note: by the ledger, or by the payer's word."""
    known = reading.known.get(reference_key(line.reference))
    credit = known.side < 0 if known else words.CREDIT.search(said) is not None
    if not credit or line.paid_minor is None or line.paid_minor < 0:
        return line
    return replace(
        line, paid_minor=-line.paid_minor, gross_minor=None if line.gross_minor is None else -line.gross_minor
    )


def _named(text: str, reading: Reading) -> list[tuple[Named, str]]:
    """The documents that `text` names, with their references: known ones, and others behind the word 'invoice'."""
    found = [(one, reading.known[one.key].reference) for one in named_in(text, reading.known)]
    for label in words.INVOICE_LABEL.finditer(text):
        start, end = label.span("reference")
        reference = label["reference"]
        if days.FOUND.fullmatch(reference) or re.fullmatch(r"\d+[.,]\d{2}", reference):
            continue
        if all(end <= one.start or one.end <= start for one, _ in found):
            found.append((Named(reference_key(reference), start, end), reference[:MAX_KEY]))
    return sorted(found, key=lambda one: one[0].start)


def _masked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    for start, end in spans:
        text = f"{text[:start]}{'~' * (end - start)}{text[end:]}"
    return text


def _money(text: str, reading: Reading) -> list[tuple[re.Match[str], int]]:
    """The amounts of a text by their form, with their minor units; those that are none with this mark are noted."""
    found = []
    for one in numbers.FOUND.finditer(text):
        if not numbers.is_money(one, text):
            continue
        minor = numbers.minor_of(one, reading.mark, reading.places)
        if minor is None:
            reading.unread.append(one[0])
        else:
            found.append((one, minor))
    return found


def _amounts(cell: str, reading: Reading) -> list[int]:
    text = numbers.spaced(cell)
    found = [numbers.minor_of(one, reading.mark, reading.places) for one in numbers.FOUND.finditer(text)]
    reading.unread += [cell] * found.count(None)
    sign = -1 if numbers.in_brackets(cell.strip()) else 1
    return [sign * minor for minor in found if minor is not None]


def _amount(cell: str, reading: Reading) -> int | None:
    """The one amount of a cell; None for an empty one, and for what is no amount."""
    if isinstance(cell, Typed):
        try:
            return parse_minor(cell, reading.currency)
        except AmountError:
            return None
    found = _amounts(cell, reading)
    return found[0] if len(found) == 1 else None


def _day(cell: str, reading: Reading) -> date | None:
    found = days.FOUND.search(cell)
    return _day_of(found, reading) if found else None


def _day_of(found: re.Match[str], reading: Reading) -> date | None:
    return days.day_of(found, month_first=reading.month_first, near=reading.near)
