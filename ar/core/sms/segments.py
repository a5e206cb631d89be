"""How many parts a text message takes, which is what providers charge for. Pure.

3GPP TS 23.038: the GSM alphabet of 7 bits holds 160 characters in one part and 153 in each of several; a text with any
other character is sent as UCS-2, 70 and 67. Neither an escaped character nor a surrogate pair is torn over two parts.
"""

from __future__ import annotations

from dataclasses import dataclass

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED = frozenset("^{}\\[~]|€\f")


@dataclass(frozen=True)
class Segments:
    """`units` are septets of GSM-7, or 16-bit units of UCS-2; `odd` the characters that make it UCS-2."""

    encoding: str
    units: int
    parts: int
    odd: str


def segments(text: str) -> Segments:
    """What `text` takes; an empty one takes one part."""
    odd = "".join(dict.fromkeys(c for c in text if c not in _BASIC and c not in _ESCAPED))
    if odd:
        return _packed("UCS-2", [2 if ord(c) > 0xFFFF else 1 for c in text], 70, 67, odd)
    return _packed("GSM-7", [2 if c in _ESCAPED else 1 for c in text], 160, 153, "")


def _packed(encoding: str, widths: list[int], alone: int, each: int, odd: str) -> Segments:
    units = sum(widths)
    if units <= alone:
        return Segments(encoding, units, 1, odd)
    parts, left = 1, each
    for width in widths:
        if width > left:
            parts, left = parts + 1, each
        left -= width
    return Segments(encoding, units, parts, odd)
