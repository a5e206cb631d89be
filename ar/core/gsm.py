"""The letters of text messages: what one holds, and how a text is told in them. Pure.

The basic alphabet and its extension are those of 3GPP TS 23.038. A text in them alone takes 160 septets in one message,
153 in each of several; any other letter makes all of it UCS-2: 70 and 67.
"""

from __future__ import annotations

import re
import unicodedata

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("^{}\\[~]|€")
"""These take two septets each."""

_LIKE = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": "-", "…": "...", "œ": "oe"}
)
_BLANK = re.compile(r"\s+")


def fitted(text: str) -> str:
    """`text` on one line, its marks and accents put into the alphabet where that can be read as the same word."""
    plain = _BLANK.sub(" ", text).strip().translate(_LIKE)
    return "".join(letter if letter in BASIC or letter in EXTENDED else _bare(letter) for letter in plain)


def _bare(letter: str) -> str:
    """The letter without its accents, or the letter itself when it is not one of the alphabet even so."""
    bare = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return bare if bare and all(part in BASIC for part in bare) else letter


def segments(text: str) -> int:
    """How many messages `text` takes; 0 for none."""
    if all(letter in BASIC or letter in EXTENDED for letter in text):
        length, one, each = sum(2 if letter in EXTENDED else 1 for letter in text), 160, 153
    else:
        length, one, each = len(text.encode("utf-16-be")) // 2, 70, 67
    return -(-length // (one if length <= one else each))
