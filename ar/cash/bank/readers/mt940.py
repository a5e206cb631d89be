"""MT940 statements, and MT942 reports of the running day, in the dialects of European banks. Pure.

The grammar of the statement line (:61:) is that of the library mt-940; what it leaves open (long amounts, impossible
days) is checked here, since a wrong guess would be money. What banks put into :86: is read in mt940_details.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from mt940 import tags

from ar.cash.bank.readers.facts import Balance, BankFileError, End, Head, Line, Part, number_of, refused, words
from ar.cash.bank.readers.mt940_details import tell
from ar.cash.bank.readers.values import lines_of, minor_of, short_day, text_of

MAX_TAG = 20_000
_TAG = re.compile(r":(\d{2}[A-Z]?|NS):", re.ASCII)
_BALANCE = re.compile(r"(?P<sign>[CD])(?P<day>\d{6})(?P<currency>[A-Z]{3})(?P<amount>[\d,]{1,20})", re.ASCII)
_AMOUNT = re.compile(r"\d{1,16}(?:,\d{0,6})?", re.ASCII)
_SHORT, _LONG = tags.Statement().re, tags.StatementGLS().re
_ORIGINAL = re.compile(r"/OCMT/([A-Z]{3})([\d,]{1,20})", re.ASCII)
_CHARGES = re.compile(r"/CHGS/([A-Z]{3})([\d,]{1,20})", re.ASCII)
_EMPTY_REFERENCES = frozenset({"", "NONREF", "NOTPROVIDED", "EREF", "MARF", "PREF", "NREF", "KREF+", "NOREF"})
_ACCOUNT = re.compile(r"(?:[A-Z]{2}\d{2}[0-9A-Z]{10,30}|P?\d{7,26})", re.ASCII)


@dataclass(slots=True)
class _Message:
    """What is known of the statement being read."""

    line: int
    reference: str = ""
    account: str = ""
    number: str = ""
    currency: str = ""
    interim: bool = False
    opening: Balance | None = None
    closing: Balance | None = None
    head: Head | None = None
    pending: tuple[int, str] | None = None
    details: list[str] = field(default_factory=list)
    lines: int = 0


def read(content: bytes) -> Iterator[Part]:
    """The parts of an MT940 or MT942 file. Raises BankFileError naming the line."""
    message: _Message | None = None
    for number, tag, value in _fields(text_of(content)):
        if tag == "20":
            if message is not None:
                yield from _ended(message)
            message = _Message(number, reference=words(value, 16))
        elif message is None:
            raise refused(f"line {number}", f"a statement begins with :20:, but the first field is :{tag}:")
        else:
            yield from _taken(message, number, tag, value)
    if message is None:
        raise refused("the file", "it holds no statement: each begins with the field :20:")
    yield from _ended(message)


def _fields(text: str) -> Iterator[tuple[int, str, str]]:
    """(line number, tag, value with its line breaks) of each field; what stands between messages is left out."""
    number, tag, value, size = 0, "", [""], 0
    for at, line in enumerate(lines_of(text), start=1):
        plain = line.strip("\x01\x03\x00\x1a")
        if len(plain) > MAX_TAG:
            raise refused(f"line {at}", f"it is longer than {MAX_TAG:,} characters")
        found = _TAG.match(plain)
        if found is not None:
            if tag:
                yield number, tag, "\n".join(value)
            number, tag, value = at, found[1], [plain[found.end() :]]
            size = len(plain)
        elif plain.rstrip() in ("-", "-}") or plain.startswith(("{", "-}")):
            if tag:
                yield number, tag, "\n".join(value)
            tag = ""
        elif tag and plain.strip():
            value.append(plain)
            size += len(plain)
            if size > MAX_TAG:
                raise refused(f"line {number}", f"the field :{tag}: is longer than {MAX_TAG:,} characters")
    if tag:
        yield number, tag, "\n".join(value)


def _taken(message: _Message, number: int, tag: str, value: str) -> Iterator[Part]:
    where = f"line {number}"
    if tag == "25":
        message.account = words(value.splitlines()[0] if value else "", 60)
    elif tag in ("28", "28C"):
        message.number = words(value, 20)
    elif tag in ("34F", "13D", "13"):
        message.interim = message.opening is None
        message.currency = message.currency or value[:3].upper()
    elif tag in ("60F", "60M", "60"):
        message.opening = _balance(value, where)
        message.currency, message.interim = message.opening.currency, False
    elif tag == "61":
        yield from _flushed(message)
        message.pending = (number, value)
    elif tag == "86":
        if message.pending is not None:
            message.details.append(value)
    elif tag in ("62F", "62M", "62"):
        yield from _flushed(message)
        message.closing = _balance(value, where)
        message.currency = message.currency or message.closing.currency
    elif tag in ("64", "65", "90D", "90C"):
        yield from _flushed(message)


def _headed(message: _Message) -> Iterator[Head]:
    """The head, once, before the first line."""
    if message.head is not None:
        return
    if not number_of(message.account):
        raise refused(f"line {message.line}", "the statement does not say which account it is of (:25:)")
    if message.opening is None and message.closing is None and not message.interim:
        raise refused(f"line {message.line}", "the statement has no opening balance (:60F: or :60M:)")
    message.head = Head(
        format="mt942" if message.interim else "mt940",
        account=account_of(message.account, message.currency),
        currency=message.currency or None,
        reference=words(f"{message.reference} {message.number}", 60),
        opening=message.opening,
        provisional=message.interim,
    )
    yield message.head


def account_of(text: str, currency: str) -> str:
    """The number of :25:, without the currency that some banks put after it; a bank code before a slash stays."""
    plain = text.replace(" ", "").upper()
    if currency and plain.endswith(currency) and len(plain) > len(currency) + 6:
        plain = plain[: -len(currency)]
    before, slash, after = plain.partition("/")
    if slash and re.match(r"[A-Z]{2}\d{2}", after, re.ASCII) and len(after) > 14:
        plain = after  # a BIC before the IBAN
    elif slash and re.match(r"[A-Z]{2}\d{2}", before, re.ASCII) and len(before) > 14:
        plain = before
    return number_of(plain)


def _ended(message: _Message) -> Iterator[Part]:
    yield from _flushed(message)
    yield from _headed(message)
    yield End(closing=message.closing)


def _flushed(message: _Message) -> Iterator[Part]:
    """The line whose :61: and :86: were read, if one waits."""
    if message.pending is None:
        return
    yield from _headed(message)
    number, value = message.pending
    message.lines += 1
    yield _line(f"line {number}", value, "\n".join(message.details), message)
    message.pending = None
    message.details = []


def _balance(value: str, where: str) -> Balance:
    found = _BALANCE.match(value.strip())
    if found is None:
        raise refused(where, f"{value[:40]!r} is not a balance: it is written like C260312EUR1234,56")
    currency = found["currency"]
    minor = _minor(found["amount"], currency, where)
    return Balance(-minor if found["sign"] == "D" else minor, currency, short_day(found["day"], "ymd", where))


def _minor(amount: str, currency: str, where: str) -> int:
    if not _AMOUNT.fullmatch(amount):
        raise refused(where, f"{amount[:40]!r} is not an amount: it is written like 1234,56")
    return minor_of(amount.replace(",", "."), currency, where)


def _line(where: str, value: str, details: str, message: _Message) -> Line:
    first, *more = value.split("\n")
    pattern = _LONG if "//" in first else _SHORT
    found = pattern.match("\n".join([first, *more[:1]]))
    if found is None:
        raise refused(where, f"{first[:60]!r} is not a statement line (:61:)")
    told = found.groupdict()
    rest = first[found.end("amount") :]
    if told["id"] is None and rest[:1].isdigit():
        raise refused(where, f"{first[:60]!r} has an amount of more than 15 digits")
    mark = told["status"].upper()
    minor = _minor(told["amount"], message.currency, where)
    if mark in ("D", "RC"):
        minor = -minor
    value_on = _value_day(told["year"], told["month"], told["day"], where)
    supplement = " ".join([told["extra_details"] or "", *more[1:]]).strip()
    said = tell(details)
    own = (told["customer_reference"] or "").strip()
    bank_reference = words(told["bank_reference"] or "", 80)
    kind = " ".join(filter(None, (told["id"], said.code)))
    original = _original(f"{supplement} {said.amounts}", minor, message.currency)
    return Line(
        place=where,
        booked_on=_entry_day(value_on, told["entry_month"], told["entry_day"], where),
        value_on=value_on,
        amount_minor=minor,
        currency=message.currency,
        kind=words(kind, 40),
        counterparty_name=words(said.name, 200),
        counterparty_iban=said.iban or _account_in(supplement),
        bank_reference=bank_reference,
        end_to_end_id=words(said.end_to_end or ("" if own.upper() in _EMPTY_REFERENCES else own), 80),
        mandate_id=words(said.mandate, 80),
        batch_reference=words(said.batch, 80),
        structured_reference=words(said.reference, 60),
        remittance=said.remittance,
        return_reason=words(said.return_reason, 10),
        is_reversal=mark.startswith("R"),
        entry_reference=bank_reference,
        entry_minor=minor,
        charges_minor=_charges(f"{supplement} {said.amounts}", message.currency),
        original_minor=original[0] if original else None,
        original_currency=original[1] if original else None,
    )


def _charges(text: str, currency: str) -> int | None:
    """What the bank took off, when it says so in the line's currency."""
    found = _first_amount(_CHARGES, text)
    return found[0] or None if found is not None and found[1] == currency else None


def _original(text: str, minor: int, currency: str) -> tuple[int, str] | None:
    """What the payer ordered, where it is not the amount of the line."""
    found = _first_amount(_ORIGINAL, text)
    return None if found == (abs(minor), currency) else found


def _first_amount(pattern: re.Pattern[str], text: str) -> tuple[int, str] | None:
    found = pattern.search(text)
    if found is None:
        return None
    try:
        return _minor(found[2], found[1], ""), found[1]
    except BankFileError:  # a remark, not what the account moved by
        return None


def _account_in(supplement: str) -> str:
    plain = supplement.replace(" ", "").upper()
    return plain[:40] if _ACCOUNT.fullmatch(plain) else ""


def _value_day(year: str, month: str, day: str, where: str) -> date:
    """The value date. Banks that count 30 days to a month write 30 February: its last day."""
    if month == "02" and day in ("29", "30"):
        day = "29" if int(year) % 4 == 0 else "28"
    return short_day(f"{year}{month}{day}", "ymd", where)


def _entry_day(value_on: date, month: str | None, day: str | None, where: str) -> date:
    """The booking date, which has no year: that which is nearest to the value date."""
    if not (month and day and month.strip() and day.strip()):
        return value_on
    candidates = []
    for year in (value_on.year - 1, value_on.year, value_on.year + 1):
        try:
            candidates.append(date(year, int(month), int(day)))
        except ValueError:
            continue
    if not candidates:
        raise refused(where, f"{month}{day} is not a month and a day")
    return min(candidates, key=lambda one: abs((one - value_on).days))
