"""CFONB 120, the statement of account of French banks: records of 120 characters. Pure.

01 opens a statement with the old balance, 04 is a movement, 05 says more of the movement before it, 07 closes with
the new balance. The last character of an amount is its last digit and its sign in one (overpunched).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ar.cash.bank.readers.creditor_references import found_in, usual
from ar.cash.bank.readers.facts import Balance, End, Head, Line, Part, number_of, paragraphs, refused, words
from ar.cash.bank.readers.values import lines_of, places_of, short_day, text_of
from ar.core.money import MAX_MINOR

WIDTH = 120
_ACCOUNT = slice(21, 32)
"""Where a record names its account. Banks that merged write now their old code, now the new one, before it."""

_POSITIVE, _NEGATIVE = "{ABCDEFGHI", "}JKLMNOPQR"
_AMOUNT = re.compile(r"[ \d]{0,13}\d?[{}A-R\d]", re.ASCII)
_RECORD = re.compile(r"0[1457][0-9A-Z ]{5}", re.ASCII)


@dataclass(slots=True)
class _Movement:
    """A record 04, and the words of the records 05 after it, by their qualifier."""

    where: str
    record: str
    said: dict[str, list[str]] = field(default_factory=dict)
    free: list[str] = field(default_factory=list)


def looks_so(text: str) -> bool:
    """Whether the first record is an opening one, of a bank, a branch, a currency and an account."""
    return bool(re.match(r"\s*01\d{5}[ \d]{4}[0-9 ]{5}[A-Z]{3}[\d ] [0-9A-Z]{11}", text, re.ASCII))


def read(content: bytes) -> Iterator[Part]:
    """The parts of a CFONB 120 file. Raises BankFileError naming the record by its line."""
    opened: str | None = None
    movement: _Movement | None = None
    for where, record in _records(text_of(content)):
        code = record[:2]
        if code in ("04", "05", "07") and opened is None:
            raise refused(where, f"a record {code} stands outside of a statement, which begins with 01")
        if code == "05":
            if movement is None or record[_ACCOUNT] != movement.record[_ACCOUNT]:
                raise refused(where, "a record 05 does not follow the movement (04) that it is about")
            _more(movement, record)
            continue
        if movement is not None:
            yield _line(movement)
            movement = None
        if code == "01":
            if opened is not None:
                raise refused(where, "a statement begins before the one before it has ended with 07")
            opened = record
            yield _head(record, where)
        elif opened is None or record[_ACCOUNT] != opened[_ACCOUNT]:
            raise refused(where, f"a record {code} of account {record[_ACCOUNT]} stands in the statement of another")
        elif code == "04":
            movement = _Movement(where, record)
        else:
            yield End(closing=_balance(record, where))
            opened = None
    if movement is not None or opened is not None:
        raise refused("the end of the file", "the last statement has no closing record 07: the file was cut off")


def _records(text: str) -> Iterator[tuple[str, str]]:
    """(place, record filled up to its width); a file without line breaks is cut into records."""
    lines = lines_of(text)
    if len(text) > WIDTH and not re.search(r"[\r\n]", text.strip()):
        lines = (text[at : at + WIDTH] for at in range(0, len(text), WIDTH))
    found = False
    for number, line in enumerate(lines, start=1):
        if not line.strip(" \x1a\x00"):
            continue
        where = f"line {number}"
        if len(line.rstrip()) > WIDTH:
            raise refused(where, f"a record has {len(line.rstrip())} characters; {WIDTH} is the most")
        if not _RECORD.match(line):
            raise refused(where, f"{line[:20]!r} is not a record of CFONB 120: they begin with 01, 04, 05 or 07")
        found = True
        yield where, line.ljust(WIDTH)
    if not found:
        raise refused("the file", "it holds no records")


def _account(record: str) -> str:
    """Bank, branch and account: the French RIB without its key."""
    return number_of(record[2:7] + record[11:16] + record[21:32])


def _currency(record: str) -> str:
    return record[16:19].strip()


def _head(record: str, where: str) -> Head:
    if not number_of(record[21:32]):
        raise refused(where, "the record has no account number (characters 22 to 32)")
    return Head(
        format="cfonb120",
        account=_account(record),
        currency=_currency(record) or None,
        reference=f"{record[34:40]}".strip(),
        opening=_balance(record, where),
    )


def _balance(record: str, where: str) -> Balance:
    return Balance(_minor(record, where), _currency(record), short_day(record[34:40], "dmy", where))


def _minor(record: str, where: str) -> int:
    """The amount of a record (characters 91 to 104), which has as many decimals as the record says (character 20)."""
    return overpunched(record[90:104], record[19], _currency(record), where)


def overpunched(text: str, decimals: str, currency: str, where: str) -> int:
    """Minor units of `currency` of an amount whose last character carries the sign. Raises BankFileError."""
    text = text.strip()
    if not _AMOUNT.fullmatch(text):
        raise refused(where, f"{text[:20]!r} is not an amount: up to 13 digits and a last one that carries the sign")
    places = places_of(currency, where)
    if decimals not in " 0123456":
        raise refused(where, f"{decimals!r} is not a number of decimals")
    last = text[-1]
    digit = next((signs.index(last) for signs in (_POSITIVE, _NEGATIVE) if last in signs), None)
    amount = int((text[:-1].replace(" ", "0") or "0") + (last if digit is None else str(digit)))
    given = places if decimals == " " else int(decimals)
    if given > places:
        amount, rest = divmod(amount, int(10 ** (given - places)))
        if rest:
            raise refused(where, f"the amount has more decimals than {currency} has ({places})")
    for _ in range(places - given):
        amount *= 10
    if amount > MAX_MINOR:
        raise refused(where, "the amount is above the largest accepted")
    return -amount if last in _NEGATIVE else amount


def _more(movement: _Movement, record: str) -> None:
    qualifier, text = record[45:48], record[48:118].rstrip()
    if not text.strip():
        return
    movement.said.setdefault(qualifier, []).append(text)
    if qualifier not in _FIELDS:
        movement.free.append(text)


_FIELDS = frozenset({"NPY", "NBE", "NPU", "NBU", "RCN", "REF", "RUM", "MMO", "CPY", "CBE", "IPY", "IBE", "LCS"})
"""Qualifiers whose words have a field of their own; all others are words of the payer or the bank."""


def _line(movement: _Movement) -> Line:
    record, where, said = movement.record, movement.where, movement.said
    currency, minor = _currency(record), _minor(movement.record, movement.where)

    def first(*qualifiers: str) -> str:
        return next((said[one][0] for one in qualifiers if one in said), "")

    paid = ("NPY", "NPU", "NBE", "NBU") if minor > 0 else ("NBE", "NBU", "NPY", "NPU")
    client = first("RCN")
    purpose = client[35:].strip()
    remittance = paragraphs([record[48:79], *movement.free, *said.get("LCS", ()), *([purpose] if purpose else [])])
    structured = usual(first("LCS")) if "LCS" in said else found_in(remittance)
    bank_reference = words(record[104:120], 80) or words(first("REF"), 80)
    original = _original(first("MMO"), minor, currency, where)
    return Line(
        place=where,
        booked_on=short_day(record[34:40], "dmy", where),
        value_on=short_day(record[42:48], "dmy", where) if record[42:48].strip() else None,
        amount_minor=minor,
        currency=currency,
        kind=words(record[32:34], 40),
        counterparty_name=words(first(*paid), 200),
        counterparty_iban=number_of(first("CPY", "CBE")),
        bank_reference=bank_reference,
        end_to_end_id=words(client[:35], 80) if client[:35].strip() not in ("NOTPROVIDED", "NONREF") else "",
        mandate_id=words(first("RUM")[:35], 80),
        structured_reference=words(structured, 60),
        remittance=remittance,
        return_reason=words(record[40:42], 10),
        original_minor=original[0] if original else None,
        original_currency=original[1] if original else None,
        entry_reference=bank_reference,
        entry_minor=minor,
    )


def _original(text: str, minor: int, currency: str, where: str) -> tuple[int, str] | None:
    """MMO: currency, number of decimals, amount as the payer ordered it."""
    found = re.match(r"([A-Z]{3})(\d)(\d{1,14}[{}A-R]?)", text, re.ASCII)
    if found is None:
        return None
    ordered = abs(overpunched(found[3][:14], found[2], found[1], where))
    return None if (ordered, found[1]) == (abs(minor), currency) else (ordered, found[1])
