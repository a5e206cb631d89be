"""Mapping profiles: how the columns, dates, numbers and words of a foreign file are read. A TOML file each.

A profile never says what a field means; the importer that defines the fields does.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from ar.core.errors import DomainError
from ar.core.tabular import Layout
from ar.core.workbook import Typed

_SECTIONS = {
    "": {"description", "file", "columns", "constants", "defaults", "formats", "options"},
    "file": {"encoding", "delimiter", "sheet", "skip"},
    "formats": {"dates", "decimal", "thousands", "true", "false"},
}
_ISO = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MAX_PROFILE = 100_000


class ProfileError(DomainError):
    """The mapping profile does not exist or says something that cannot be."""

    code = "bad-profile"


class CellError(ValueError):
    """One cell cannot be read; the message says how it should be written."""


@dataclass(frozen=True)
class Formats:
    """How values are written. Dates are strptime patterns; an ISO date, and a workbook's own date, always passes."""

    dates: Sequence[str] = ("%Y-%m-%d",)
    decimal: str = "."
    thousands: str = ""
    true: frozenset[str] = frozenset({"true", "yes", "y", "1"})
    false: frozenset[str] = frozenset({"false", "no", "n", "0", ""})


@dataclass(frozen=True)
class Profile:
    """A mapping: `columns` from a field to the heading it stands under, `constants` and `defaults` by field.

    `options` are for the importer; it names those that it takes.
    """

    name: str
    columns: Mapping[str, str]
    layout: Layout = field(default_factory=Layout)
    formats: Formats = field(default_factory=Formats)
    constants: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


def parse_profile(name: str, content: str, *, fields: Sequence[str], options: Sequence[str]) -> Profile:
    """The profile that the TOML text `content` describes. Raises ProfileError naming the key at fault."""
    if len(content) > _MAX_PROFILE:
        raise ProfileError(f"Profile {name}: longer than {_MAX_PROFILE:,} characters")
    try:
        given = tomllib.loads(content)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ProfileError(f"Profile {name} is not TOML: {str(error)[:200]}") from error
    for section in ("", *(_SECTIONS[""] - {"description"})):
        _check_section(name, given, section, known=_SECTIONS.get(section), fields=fields, options=options)
    formats = _formats(name, given.get("formats", {}))
    layout = _layout(name, given.get("file", {}))
    texts = {part: given.get(part, {}) for part in ("columns", "constants", "defaults", "options")}
    for part, values in texts.items():
        wrong = next((key for key, value in values.items() if not isinstance(value, str) or "\0" in value), None)
        if wrong is not None:
            raise ProfileError(f"Profile {name}: [{part}] {wrong} must be a text in quotes")
    return Profile(name, layout=layout, formats=formats, **texts)


def _check_section(
    name: str,
    given: Mapping[str, Any],
    section: str,
    *,
    known: set[str] | None,
    fields: Sequence[str],
    options: Sequence[str],
) -> None:
    content = given.get(section, {}) if section else given
    where = f"[{section}] " if section else ""
    if not isinstance(content, dict):
        raise ProfileError(f"Profile {name}: {section} must be a section, written [{section}]")
    allowed = known if known is not None else set(options if section == "options" else fields)
    unknown = next((key for key in content if key not in allowed), None)
    if unknown is not None:
        raise ProfileError(
            f"Profile {name}: {where}{unknown[:60]!r} is not known; there are {', '.join(sorted(allowed))}"
        )


def _formats(name: str, given: Mapping[str, Any]) -> Formats:
    kept: dict[str, Any] = {}
    for key, value in given.items():
        listed = key in ("dates", "true", "false")
        right = isinstance(value, list) and value and all(isinstance(v, str) for v in value)
        if (listed and not right) or (not listed and not isinstance(value, str)):
            raise ProfileError(f"Profile {name}: [formats] {key} must be {'a list of texts' if listed else 'a text'}")
        kept[key] = frozenset(v.casefold() for v in value) if key in ("true", "false") else value
    formats = Formats(**kept)
    for pattern in formats.dates:
        try:
            whole = datetime.strptime(date(2001, 12, 31).strftime(pattern), pattern).date() == date(2001, 12, 31)  # noqa: DTZ007
        except ValueError:
            whole = False
        if not whole:
            raise ProfileError(f"Profile {name}: {pattern[:40]!r} is no date pattern; write such as '%d/%m/%Y'")
    if formats.decimal not in (".", ",") or formats.thousands not in ("", ".", ",", " ", "'"):
        raise ProfileError(f"Profile {name}: decimal is '.' or ',', thousands '', '.', ',', a space or an apostrophe")
    if formats.decimal == formats.thousands:
        raise ProfileError(f"Profile {name}: decimal and thousands cannot be the same character")
    if formats.true & formats.false:
        raise ProfileError(f"Profile {name}: a word cannot mean both true and false")
    return formats


def _layout(name: str, given: Mapping[str, Any]) -> Layout:
    for key, value in given.items():
        if (key == "skip") != isinstance(value, int) or (key != "skip" and not isinstance(value, str)):
            raise ProfileError(f"Profile {name}: [file] {key} must be {'a number' if key == 'skip' else 'a text'}")
    layout = Layout(**given)
    if layout.delimiter is not None and (len(layout.delimiter) != 1 or layout.delimiter in '"\r\n\0'):
        raise ProfileError(f"Profile {name}: the delimiter must be one character, such as ';' or '\\t'")
    if not 0 <= layout.skip <= 1000:
        raise ProfileError(f"Profile {name}: skip must be between 0 and 1000 lines")
    return layout


class Values:
    """Reads the cells of one file by its formats, keeping what it has read: dates and words come again and again."""

    def __init__(self, formats: Formats) -> None:
        self._formats = formats
        self._dates: dict[str, date] = {}
        thousands, point = re.escape(formats.thousands), re.escape(formats.decimal)
        grouped = rf"|\d{{1,3}}(?:{thousands}\d{{3}})+" if formats.thousands else ""
        self._number = re.compile(rf"[+-]?(?:\d+{grouped})(?:{point}\d+)?", re.ASCII)
        self._is_plain = formats.decimal == "." and not formats.thousands

    def day(self, text: str) -> date:
        """Raises CellError."""
        known = self._dates.get(text)
        if known is None:
            known = self._dates[text] = self._read_day(text)
        return known

    def _read_day(self, text: str) -> date:
        iso = _ISO.fullmatch(text[:10]) and (len(text) == 10 or isinstance(text, Typed))
        text = text[:10] if iso else text[:40]
        for pattern in ("%Y-%m-%d",) if iso else self._formats.dates:
            try:
                return datetime.strptime(text, pattern).date()  # noqa: DTZ007
            except ValueError:
                continue
        example = " or ".join(date(2026, 12, 31).strftime(pattern) for pattern in self._formats.dates)
        raise CellError(f"is not a date: write it like {example}")

    def number(self, text: str) -> str:
        """The number as a plain decimal with a point. Raises CellError."""
        if self._is_plain or isinstance(text, Typed):
            return text
        text = text.replace("\u00a0", " ").replace("\u202f", " ")
        if len(text) > 60 or not self._number.fullmatch(text):
            like = f"1{self._formats.thousands}234{self._formats.decimal}50"
            raise CellError(f"is not an amount: write it like {like}")
        if self._formats.thousands:
            text = text.replace(self._formats.thousands, "")
        return text.replace(self._formats.decimal, ".")

    def truth(self, text: str) -> bool:
        """Raises CellError."""
        word = text.casefold()
        if word in self._formats.true:
            return True
        if word in self._formats.false or not word:
            return False
        yes, no = (sorted(words - {""}, key=len)[-1:] for words in (self._formats.true, self._formats.false))
        raise CellError(f"is neither yes nor no: write {' or '.join([*yes, *no])}")
