"""What every reader gives: the head of a statement, its lines, its end; and the error that says where a file is wrong.

A reader is an iterator of parts, so that a file of any length is held line by line: a Head, its Lines, its End, and
so on for each statement. Amounts are integer minor units of the currency beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from ar.core.errors import DomainError, Fault

_SPACE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff]+")
_NUMBER = re.compile(r"[^0-9A-Z]+")


class BankFileError(DomainError):
    """The file cannot be read as what it is, or says what cannot be; nothing of it is taken."""

    code = "bad-bank-file"


def refused(where: str, message: str) -> BankFileError:
    """The error that `message` is wrong at `where`, such as 'line 12' or 'statement 1, entry 3'."""
    return BankFileError(f"{where}: {message}"[:600], faults=[Fault(where, message[:500])])


class Status(StrEnum):
    """BOOKED moved the balance; PENDING will perhaps; INFORMATION does not."""

    BOOKED = "booked"
    PENDING = "pending"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Balance:
    """What stood on the account at the end of `on` (or before its first movement, for an opening balance)."""

    minor: int
    currency: str
    on: date


@dataclass(frozen=True, slots=True)
class Head:
    """The start of a statement. `account` is the number as the bank writes it, without spaces, in capitals.

    `currency` is None where nothing in the file says it. A provisional statement is one of the day still running.
    """

    format: str
    account: str
    currency: str | None
    reference: str = ""
    opening: Balance | None = None
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One movement: above zero when money came in. The fields are those of BankLine (see ar/cash/bank/models.py).

    A line is part `part` of the `parts` into which the bank split one entry of `entry_minor` under
    `entry_reference`; most entries are one line. `place` says where it stands in the file.
    """

    place: str
    booked_on: date
    amount_minor: int
    currency: str
    value_on: date | None = None
    status: Status = Status.BOOKED
    kind: str = ""
    counterparty_name: str = ""
    counterparty_iban: str = ""
    bank_reference: str = ""
    end_to_end_id: str = ""
    mandate_id: str = ""
    batch_reference: str = ""
    structured_reference: str = ""
    remittance: str = ""
    return_reason: str = ""
    is_reversal: bool = False
    charges_minor: int | None = None
    original_minor: int | None = None
    original_currency: str | None = None
    entry_reference: str = ""
    entry_minor: int = 0
    part: int = 1
    parts: int = 1


@dataclass(frozen=True, slots=True)
class End:
    """The end of a statement; `opening` where the head did not have it yet."""

    closing: Balance | None = None
    opening: Balance | None = None


Part = Head | Line | End


@dataclass(frozen=True, slots=True)
class Statement:
    """A whole statement with its lines, for a file that fits into memory."""

    format: str
    account: str
    currency: str | None
    reference: str
    provisional: bool
    opening: Balance | None
    closing: Balance | None
    lines: tuple[Line, ...] = field(default=())


def statements(parts: Iterable[Part]) -> Iterator[Statement]:
    """The statements that `parts` make up, one after the other."""
    head: Head | None = None
    lines: list[Line] = []
    for part in parts:
        if isinstance(part, Line):
            lines.append(part)
        elif isinstance(part, Head):
            head, lines = part, []
        else:
            assert head is not None, "a reader gives the head first"
            yield Statement(
                head.format,
                head.account,
                head.currency,
                head.reference,
                head.provisional,
                head.opening or part.opening,
                part.closing,
                tuple(lines),
            )


def words(text: str, longest: int) -> str:
    """`text` on one line, without control characters or what no database holds, at most `longest` characters."""
    if not text:
        return ""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()[:longest]
    return _SPACE.sub(" ", text).strip()[:longest]


def paragraphs(lines: Iterable[str], longest: int = 4000) -> str:
    """Each line that says something, one below the other, cut at `longest` characters."""
    return "\n".join(filter(None, (words(line, longest) for line in lines)))[:longest]


def number_of(text: str, longest: int = 40) -> str:
    """An account number in capitals, its letters and digits alone."""
    return _NUMBER.sub("", text.upper())[:longest]
