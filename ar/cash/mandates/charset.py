"""The letters that SEPA messages may hold, and text brought to them. Pure."""

from __future__ import annotations

import re
import unicodedata

ALLOWED = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]*")
_OTHERS = {
    "ß": "ss",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "þ": "th",
    "Þ": "Th",
    "&": "+",
    "€": "EUR",
    "’": "'",
    "_": "-",
    "–": "-",
    "—": "-",
}


def sepa_text(text: str, length: int) -> str:
    """`text` in the letters of SEPA, accents dropped, what has no letter there a full stop; at most `length` long."""
    spelled = "".join(_OTHERS.get(letter, letter) for letter in text)
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(letter))
    kept = "".join(letter if ALLOWED.fullmatch(letter) else "." for letter in plain)
    return re.sub(r"\s+", " ", kept).strip()[:length].strip()


def reference_fault(reference: str) -> str | None:
    """What keeps a mandate reference or message id from being one; None for a good one.

    At most 35 letters of SEPA; no slash at either end, no two in a row; a space is none of a reference's.
    """
    if not 1 <= len(reference) <= 35:
        return "has from 1 to 35 characters"
    if not ALLOWED.fullmatch(reference) or " " in reference:
        return "holds letters without accents, digits and / - ? : ( ) . , ' + alone, without spaces"
    if reference.startswith("/") or reference.endswith("/") or "//" in reference:
        return "has no slash at either end, nor two in a row"
    return None
