"""Texts of an electronic invoice as exact values; what is out of bounds is refused in words. Pure."""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction

from ar.core.money import MAX_MINOR, CurrencyError, exponent
from invoicing.einvoice.read.told import refused
from invoicing.models import DocumentKind, InvoiceStage, SupplyKind, TaxCategory
from invoicing.totals import MILLION, half_up

_DECIMAL = re.compile(r"([+-]?)(\d{1,18})(?:\.(\d{1,18}))?", re.ASCII)
_ISO_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_FRAME = re.compile(r"[BSM]\d", re.ASCII)
_LARGEST = 10**15
"""Of quantities and prices in millionths."""

KINDS: dict[str, tuple[DocumentKind, InvoiceStage]] = {
    **dict.fromkeys(
        ("380", "326", "383", "384", "388", "389", "393", "82"), (DocumentKind.INVOICE, InvoiceStage.STANDARD)
    ),
    "386": (DocumentKind.INVOICE, InvoiceStage.DEPOSIT),
    **dict.fromkeys(("381", "261", "262", "396"), (DocumentKind.CREDIT_NOTE, InvoiceStage.STANDARD)),
}
"""The codes of UNTDID 1001 that are taken in [BT-3]."""


def kind(code: str) -> tuple[DocumentKind, InvoiceStage]:
    """What the document is, by its type code."""
    if code not in KINDS:
        raise refused(f"type {code[:10]!r} [BT-3] is neither an invoice nor a credit note that is taken in")
    return KINDS[code]


def frame(process: str, stage: InvoiceStage) -> tuple[SupplyKind, InvoiceStage]:
    """What is supplied, and at which stage, by the frame of billing of the French reform, such as 'S1' [BT-23].

    Another process says nothing of either; a frame for goods and services says not which line is which.
    """
    if not _FRAME.fullmatch(process):
        return SupplyKind.GOODS, stage
    final = process.endswith("4") and stage is InvoiceStage.STANDARD
    supply = SupplyKind.SERVICES if process.startswith("S") else SupplyKind.GOODS
    return supply, InvoiceStage.FINAL if final else stage


def known_currency(code: str) -> str:
    try:
        exponent(code)
    except CurrencyError:
        raise refused(f"{code[:10]!r} [BT-5] is not a currency") from None
    return code


def fraction(text: str, term: str) -> Fraction:
    """The decimal, exact."""
    found = _DECIMAL.fullmatch(text)
    if found is None:
        raise refused(f"{text[:30]!r} [{term}] is not a number that can be read")
    sign, whole, places = found[1], found[2], found[3] or ""
    return Fraction(int(f"{sign}{whole}{places}"), 10 ** len(places))


def minor(text: str, currency: str, term: str) -> int:
    """Minor units of an amount; zero for none."""
    if not text:
        return 0
    scaled = fraction(text, term) * Fraction(10 ** exponent(currency))
    if scaled.denominator != 1:
        raise refused(f"{text[:30]} [{term}] has more decimals than {currency} has")
    if abs(scaled.numerator) > MAX_MINOR:
        raise refused(f"{text[:30]} [{term}] is larger than any amount that is taken")
    return scaled.numerator


def millionths(exact: Fraction, term: str) -> int:
    """Rounded half up to the millionth."""
    rounded = half_up(exact.numerator * MILLION, exact.denominator)
    if abs(rounded) > _LARGEST:
        raise refused(f"a number [{term}] is larger than any that is taken")
    return rounded


def basis_points(text: str, term: str) -> int:
    """Hundredths of a percent; zero for none."""
    scaled = fraction(text, term) * 100 if text else Fraction(0)
    if scaled.denominator != 1 or not 0 <= scaled <= 10_000:
        raise refused(f"{text[:30]!r} [{term}] is not a rate in percent with at most 2 decimals")
    return scaled.numerator


def day(text: str, term: str) -> date | None:
    """The day; None for none."""
    if not text:
        return None
    found = _ISO_DAY.fullmatch(text)
    try:
        told = date(*map(int, found.groups())) if found else None
    except ValueError:
        told = None
    if told is None or not 1900 <= told.year <= 2200:
        raise refused(f"{text[:30]!r} [{term}] is not a day")
    return told


def needed_day(text: str, term: str) -> date:
    told = day(text, term)
    if told is None:
        raise refused(f"the invoice says no day [{term}]")
    return told


def category(code: str) -> TaxCategory:
    try:
        return TaxCategory(code)
    except ValueError:
        told = ", ".join(one.value for one in TaxCategory)
        raise refused(f"VAT category {code[:10]!r} [BT-118, BT-151] is not one that is taken: {told}") from None


def short(text: str, longest: int, term: str) -> str:
    """`text` in one line. Refused where it is longer than what is stored."""
    told = " ".join(text.split())
    if len(told) > longest:
        raise refused(f"a text [{term}] has more than {longest} characters")
    return told
