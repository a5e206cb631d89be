"""Which account of the general ledger each book is, and which journal takes what: read from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ar.core.errors import DomainError, Fault
from ar.ledger.models import Book

VAT = "vat"
ACCOUNTS = (*(book.value for book in Book), VAT)
JOURNALS = ("sales", "bank", "general")
SHIPPED = Path(__file__).with_name("accounts_fr.toml")


class ChartError(DomainError):
    """The file of accounts cannot be used; the faults say where."""

    code = "bad-chart-of-accounts"


@dataclass(frozen=True, slots=True)
class Named:
    """An account or a journal: its number or code, and its name."""

    number: str
    name: str


@dataclass(frozen=True)
class Chart:
    """The accounts by book (and `vat`), the journals by what they take."""

    accounts: Mapping[str, Named]
    journals: Mapping[str, Named]


def read_chart(content: str) -> Chart:
    """The chart that a TOML file writes. Raises ChartError naming every fault."""
    try:
        told = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise ChartError(f"This is not TOML: {error}") from None
    faults: list[Fault] = []
    chart = Chart(
        _section(told, "accounts", ACCOUNTS, "number", faults), _section(told, "journals", JOURNALS, "code", faults)
    )
    if faults:
        raise ChartError(f"The accounts cannot be used: {faults[0].pointer} {faults[0].message}", faults=faults)
    return chart


def _section(
    told: Mapping[str, Any], section: str, wanted: tuple[str, ...], key: str, faults: list[Fault]
) -> dict[str, Named]:
    given = told.get(section)
    if not isinstance(given, dict):
        faults.append(Fault(f"/{section}", f"is missing: write a table [{section}] with {', '.join(wanted)}"))
        return {}
    faults += [Fault(f"/{section}/{name}", "is not known") for name in given if name not in wanted]
    found = {}
    for name in wanted:
        one = given.get(name)
        number, words = (one.get(key), one.get("name")) if isinstance(one, dict) else (None, None)
        if isinstance(number, str) and isinstance(words, str) and number.strip() and words.strip():
            found[name] = Named(number.strip(), words.strip())
        else:
            faults.append(Fault(f"/{section}/{name}", f'wants {{ {key} = "...", name = "..." }}'))
    return found
