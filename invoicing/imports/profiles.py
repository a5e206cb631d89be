"""The fields of an imported invoice, and the mapping profiles that are shipped."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from ar.core.mapping import Profile, ProfileError, parse_profile

FIELDS = (
    "customer_code",
    "customer_name",
    "email",
    "language",
    "country",
    "currency",
    "invoice_number",
    "issue_date",
    "due_date",
    "amount",
    "paid_date",
    "disputed",
    "customer_kind",
)
REQUIRED = ("customer_code", "invoice_number", "issue_date", "due_date", "amount")
OPTIONS = ("terms",)
"""`terms`: payment terms from which a missing due date is counted, such as 'net 30'."""

NEUTRAL = Profile("neutral", columns={name: name for name in FIELDS})

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}", re.ASCII)


def shipped() -> list[str]:
    """The names of the profiles that come with the product."""
    folder = resources.files("invoicing") / "profiles"
    return sorted(["neutral", *(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml"))])


def named(name: str) -> Profile:
    """The shipped profile of that name. Raises ProfileError."""
    if name == NEUTRAL.name:
        return NEUTRAL
    if not _NAME.fullmatch(name) or name not in shipped():
        raise ProfileError(f"There is no profile {name[:60]!r}; there are {', '.join(shipped())}")
    content = (resources.files("invoicing") / "profiles" / f"{name}.toml").read_text(encoding="utf-8")
    return parse_profile(name, content, fields=FIELDS, options=OPTIONS)


def chosen(name_or_path: str | None) -> Profile:
    """The profile of a command line: a shipped name, the path of a TOML file, or the neutral one for None.

    Raises ProfileError.
    """
    if name_or_path is None:
        return NEUTRAL
    if not name_or_path.endswith(".toml"):
        return named(name_or_path)
    path = Path(name_or_path)
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ProfileError(f"The profile {name_or_path} cannot be read as UTF-8 text") from error
    return parse_profile(path.stem[:60], content, fields=FIELDS, options=OPTIONS)


def fitting(headings: list[str]) -> list[str]:
    """The shipped profiles whose required columns are all among `headings`: what to propose when one does not fit."""
    have = set(headings)
    return [
        name
        for name in shipped()
        if {heading for field, heading in named(name).columns.items() if field in REQUIRED} <= have
    ]
