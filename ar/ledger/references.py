"""How references are compared: people and banks change their case, spaces and separators. Pure."""

from __future__ import annotations

import re
import unicodedata

_OTHER = re.compile(r"[^0-9A-Z]+")


def reference_key(reference: str) -> str:
    """`reference` in capitals, without accents, its letters and digits alone: 'Fr1-2026/000123' is FR12026000123."""
    if reference.isascii():
        return _OTHER.sub("", reference.upper())
    plain = "".join(c for c in unicodedata.normalize("NFKD", reference) if not unicodedata.combining(c))
    return _OTHER.sub("", plain.upper())
