"""References that a payer copies from the invoice and that carry their own check digits: found in a text. Pure.

RF (ISO 11649), the Swiss QR and ISR reference (27 digits), the Belgian OGM (+++123/4567/89002+++), the Finnish
reference number. Check digits are verified, by python-stdnum where it knows them.
"""

from __future__ import annotations

import re

from stdnum import iso11649
from stdnum.be import ogm_vcs
from stdnum.ch import esr

_RF = re.compile(r"(?<![0-9A-Z])RF\d\d(?: ?[0-9A-Z]){1,21}(?![0-9A-Z])", re.ASCII)
_SWISS = re.compile(r"(?<!\d)\d{2}(?: ?\d{5}){5}(?!\d)", re.ASCII)
_BELGIAN = re.compile(r"[+*]{3} ?\d{3}/?\d{4}/?\d{5} ?[+*]{3}", re.ASCII)
_DIGITS = re.compile(r"[^0-9]+")
_LONGEST = 4000


def usual(reference: str) -> str:
    """A reference in a field of its own: without spaces and in capitals where it is one of those, else as it is."""
    plain = reference.replace(" ", "").upper()
    if iso11649.is_valid(plain):
        return plain
    digits = _DIGITS.sub("", plain)
    bare = re.sub(r"[+*/]", "", plain)
    if bare == digits and (_is_swiss(digits) or _is_belgian(digits) or _is_finnish(digits)):
        return digits
    return " ".join(reference.split())


def found_in(text: str) -> str:
    """The first reference in free text that is marked or long enough to be told from any number; empty if none.

    A Finnish one is not: it is only known where the bank puts it into its own field.
    """
    text = text[:_LONGEST]
    for one in _RF.finditer(text):
        words = one[0].split(" ")
        for count in range(len(words), 0, -1):  # a reference in groups may be followed by a word in capitals
            plain = "".join(words[:count])
            if iso11649.is_valid(plain):
                return plain
    for one in _BELGIAN.finditer(text):
        digits = _DIGITS.sub("", one[0])
        if _is_belgian(digits):
            return digits
    for one in _SWISS.finditer(text):
        digits = one[0].replace(" ", "")
        if _is_swiss(digits):
            return digits
    return ""


def _is_swiss(digits: str) -> bool:
    return len(digits) == 27 and bool(digits.strip("0")) and bool(esr.is_valid(digits))


def _is_belgian(digits: str) -> bool:
    return len(digits) == 12 and bool(ogm_vcs.is_valid(digits))


def _is_finnish(digits: str) -> bool:
    """Weights 7, 3, 1 from the right; the last digit makes the sum a multiple of ten."""
    if not 4 <= len(digits) <= 20 or digits[0] == "0":
        return False
    total = sum(int(digit) * (7, 3, 1)[n % 3] for n, digit in enumerate(reversed(digits[:-1])))
    return (10 - total % 10) % 10 == int(digits[-1])
