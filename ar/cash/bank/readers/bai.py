"""BAI2, the balance report of American banks, by the library bai2. Pure.

The library checks the control totals and counts of records. What it takes on trust (lengths, numerals, where in the
file a fault is) is checked line by line before; a bank's own codes are told to it by their usual neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from bai2 import bai2
from bai2.constants import AsOfDateModifier, TypeCodes
from bai2.exceptions import IntegrityException, NotSupportedYetException, ParsingException

from ar.cash.bank.readers.creditor_references import found_in
from ar.cash.bank.readers.facts import Balance, End, Head, Line, Part, number_of, paragraphs, refused, words
from ar.cash.bank.readers.values import lines_of, places_of, text_of
from ar.core.money import MAX_MINOR

MAX_LINE = 2_000
_AFTER: dict[str, tuple[str, ...]] = {
    "": ("01",),
    "01": ("02",),
    "02": ("03",),
    "03": ("16", "49"),
    "16": ("16", "49"),
    "49": ("03", "98"),
    "98": ("02", "99"),
    "99": (),
}
"""Which record may follow which. Checked before the library, which goes on for ever in a file that ends too early."""

_NUMBER = re.compile(r"[+-]?\d{0,18}", re.ASCII)
_OPENING, _CLOSING = ("010",), ("015", "045")
_FAULTS = (
    ParsingException, IntegrityException, NotSupportedYetException,
    ValueError, KeyError, IndexError, TypeError, StopIteration,
)  # fmt: skip


def read(content: bytes) -> Iterator[Part]:
    """The parts of a BAI2 file. Raises BankFileError: for the file as a whole where only its totals are wrong."""
    lines, places, codes = _checked(text_of(content))
    try:
        told = bai2.parse_from_lines(iter(lines), check_integrity=True)
    except _FAULTS as error:
        raise refused("the file", f"it is not whole BAI2: {words(str(error), 200) or 'it ends too early'}") from None
    number = 0
    for group in told.children:
        for account in group.children:
            upto = number + len(account.children)
            yield from _statement(group.header, account, places[number:upto], codes[number:upto])
            number = upto


def _checked(text: str) -> tuple[list[str], list[str], list[str]]:
    """The lines as the library takes them, and the place and code of each transaction in them."""
    lines, places, codes, before = [], [], [], ""
    for number, line in enumerate(lines_of(text), start=1):
        plain = line.strip()
        if not plain:
            continue
        where = f"line {number}"
        if len(plain) > MAX_LINE:
            raise refused(where, f"it is longer than {MAX_LINE:,} characters")
        code, comma, rest = plain[:2], plain[2:3], plain[3:]
        if comma != "," or not (code in _AFTER[before] or (code == "88" and before)):
            expected = " or ".join((*_AFTER[before], "88")) if before else "01"
            raise refused(where, f"{plain[:20]!r} is not the record expected of BAI2 here ({expected})")
        if not plain.isprintable():
            raise refused(where, "it holds control characters")
        if code == "16":
            kind, *values = rest.split(",")
            if not values or not _NUMBER.fullmatch(values[0].rstrip("/")):
                raise refused(where, f"{(values or ['nothing'])[0][:30]!r} is not an amount in minor units")
            plain = ",".join([code, _known(kind, where), *values])
            places.append(where)
            codes.append(kind)
        lines.append(plain)
        before = before if code == "88" else code
    if before != "99":
        raise refused("the end of the file", "the record 99 is missing: the file was cut off")
    return lines, places, codes


def _known(code: str, where: str) -> str:
    """The code, or for a bank's own one the general code that moves money the same way. Raises BankFileError."""
    if code in TypeCodes:
        return code
    if re.fullmatch(r"[123]\d\d", code, re.ASCII):
        return "399"
    if re.fullmatch(r"[456]\d\d", code, re.ASCII):
        return "699"
    raise refused(where, f"the type code {code[:10]!r} does not say whether money came in (100-399) or out (400-699)")


def _statement(group: Any, account: Any, places: list[str], codes: list[str]) -> Iterator[Part]:
    where = places[0] if places else "the file"
    currency = account.header.currency or group.currency or "USD"
    places_of(currency, where)
    on = group.as_of_date
    if not isinstance(on, date):
        raise refused(where, "the group (02) has no date")
    if not number_of(account.header.customer_account_number or ""):
        raise refused(where, "a record 03 has no account number")
    balances = {item.type_code.code: item.amount for item in account.header.summary_items if item.type_code}
    opening, closing = (
        next((Balance(balances[one], currency, on) for one in wanted if balances.get(one) is not None), None)
        for wanted in (_OPENING, _CLOSING)
    )
    for balance in filter(None, (opening, closing)):
        if abs(balance.minor) > MAX_MINOR:
            raise refused(where, "a balance is above the largest amount accepted")
    interim = (AsOfDateModifier.interim_previous_day, AsOfDateModifier.interim_same_day)
    yield Head(
        format="bai2",
        account=number_of(account.header.customer_account_number),
        currency=currency,
        reference=on.isoformat(),
        opening=opening,
        provisional=group.as_of_date_modifier in interim,
    )
    for child, place, code in zip(account.children, places, codes, strict=True):
        yield _line(child, place, code, currency, on)
    yield End(closing=closing)


def _line(child: Any, where: str, code: str, currency: str, on: date) -> Line:
    minor = child.amount or 0
    if minor < 0 or minor > MAX_MINOR:
        raise refused(where, "the amount is below zero or above the largest accepted")
    if code[:1] in "456":
        minor = -minor
    elif code[:1] not in "123":
        raise refused(where, f"the type code {code} does not say whether money came in or out")
    text = child.text or ""
    available = child.availability or {}
    value_on = available.get("date") if isinstance(available.get("date"), date) else None
    reference = words((child.bank_reference or "").strip("/"), 80)
    remittance = paragraphs([text.rstrip("/")])
    return Line(
        place=where,
        booked_on=on,
        value_on=value_on,
        amount_minor=minor,
        currency=currency,
        kind=code,
        bank_reference=reference,
        end_to_end_id=words((child.customer_reference or "").strip("/"), 80),
        structured_reference=words(found_in(remittance), 60),
        remittance=remittance,
        return_reason=code if code in _RETURNS else "",
        entry_reference=reference,
        entry_minor=minor,
    )


_RETURNS = frozenset({"255", "257", "258", "357", "358", "555", "557", "558", "559"})
"""Deposited items and ACH payments that came back, and their adjustments."""
