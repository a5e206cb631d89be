"""Languages: the catalogues of translations, and how each language writes days, instants and numbers.

English is the source: a sentence is its own key. Every other language has a folder under templates/locales/,
with one .po file for each room; they are read once, at the start, and merged.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_compact_currency, format_compact_decimal, format_decimal

from ar.core import money

SOURCE = "en"

Number = int | float | Decimal

# Day before month and a 24-hour clock in English too: 12 May 2026 is read alike on both sides of the Atlantic.
_REGIONAL = {"en": "en_GB"}

_LONG = {"en": "d MMMM y", "fr": "d MMMM y"}
"""How a day is written out where the usual way of the locale says more; others say it as CLDR has it."""


def marked(sentence: str) -> str:
    """`sentence`, unchanged: imported `as _`, it marks what a page or a message will translate later."""
    return sentence


def fill(sentence: str, values: Mapping[str, Any]) -> str:
    """`sentence` with its %(name)s places filled in; '%%' is a percent sign; without values so is a lone '%'."""
    return sentence % values if values else sentence.replace("%%", "%")


class Translations(gettext.GNUTranslations):
    """Translations of one language; nothing stays nothing, where gettext would answer with the file's header."""

    def gettext(self, message: str) -> str:
        return super().gettext(message) if message else ""


def typeset(written: str, language: str) -> str:
    """What a translator typed, with the marks that a printer sets: French wants spaces where no line may break before
    some marks, and curled apostrophes."""
    if language != "fr":
        return written
    written = re.sub(r" (?=[;!?»]|%(?!\())|(?<=«) ", "\u202f", written)
    return re.sub(r"(?<=\w)'(?=\w|%)", "\u2019", re.sub(r" (?=:)", "\u00a0", written))


def read_room(path: Path, language: str) -> Iterator[Message]:
    """The sentences of one room's .po file, typeset. Raises PoFileError for a bad file."""
    with path.open("rb") as file:
        for message in read_po(file, locale=language, abort_invalid=True):
            if message.id:
                forms = message.string
                message.string = (
                    typeset(forms, language)
                    if isinstance(forms, str)
                    else tuple(typeset(form, language) for form in forms or ())
                )
                yield message


def read_catalogue(folder: Path) -> Catalog:
    """The .po files of one language's folder as one catalogue. Raises PoFileError for a bad file."""
    merged = Catalog(locale=folder.name)
    for path in sorted(folder.glob("*.po")):
        for message in read_room(path, folder.name):
            merged[message.id] = message
    return merged


def catalogues(locales: Path) -> dict[str, gettext.NullTranslations]:
    """The translations of each language under `locales`, and of the source language, by code."""
    found: dict[str, gettext.NullTranslations] = {SOURCE: gettext.NullTranslations()}
    for folder in sorted(path for path in locales.iterdir() if path.is_dir()):
        compiled = BytesIO()
        write_mo(compiled, read_catalogue(folder))
        compiled.seek(0)
        found[folder.name] = Translations(compiled)
    return found


def own_name(language: str) -> str:
    """What the language calls itself, such as 'Français'."""
    return (money.locale_of(language).display_name or language).capitalize()


@lru_cache(maxsize=4096)
def long_day(day: date, *, language: str) -> str:
    """'12 May 2026', '1er mai 2026', '12. Mai 2026', '12 de mayo de 2026'."""
    written = format_date(day, _LONG.get(language, "long"), locale=_REGIONAL.get(language, language))
    return "1er" + written[1:] if language == "fr" and day.day == 1 else written


@lru_cache(maxsize=4096)
def short_day(day: date, *, language: str) -> str:
    """'12 Sep 2026', '12 sept. 2026'; for tables."""
    return format_date(day, "d MMM y", locale="en" if language == "en" else language)


@lru_cache(maxsize=1024)
def month(day: date, *, language: str) -> str:
    """'Sep 2026': the month of `day`, for axes and headings."""
    return format_date(day, "MMM y", locale="en" if language == "en" else language)


def instant(moment: datetime, zone: str, *, language: str) -> str:
    """'12 May 2026, 14:05', on the clock of the IANA zone `zone`."""
    return format_datetime(moment, "d MMM y, HH:mm", tzinfo=ZoneInfo(zone), locale=_REGIONAL.get(language, language))


def number(value: Number, places: int | None = None, *, language: str) -> str:
    """'1,234.5', '1 234,5'; exactly `places` decimals when given, else at most three."""
    pattern = None if places is None else "#,##0" + ("." + "0" * places if places else "")
    return format_decimal(value, pattern, locale=language)


def percent(ratio: Number, places: int = 1, *, language: str) -> str:
    """A share of one: 0.883 is '88.3%', '88,3 %'."""
    written = number(Decimal(str(ratio)) * 100, places, language=language)
    return f"{written}\u202f%" if language == "fr" else f"{written}%"


def compact(value: Number, *, language: str) -> str:
    """'12.3K', '12,3 k'; for the axes of charts."""
    return format_compact_decimal(value, locale=language, fraction_digits=1)


def compact_money(minor: Number, currency: str, *, language: str) -> str:
    """An amount in minor units, shortened: '€12.3K', '12,3 k €'; for the axes of charts."""
    major = Decimal(str(minor)).scaleb(-money.exponent(currency))
    return format_compact_currency(major, currency, locale=language, fraction_digits=1)
