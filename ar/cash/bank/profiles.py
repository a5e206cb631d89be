"""The mapping profiles of statements in tables that are shipped, and those of a user's own."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

from ar.cash.bank.readers.table import FIELDS, OPTIONS
from ar.core.mapping import Profile, ProfileError, parse_profile


@cache
def shipped() -> tuple[Profile, ...]:
    """The profiles that come with the product, by name."""
    folder = resources.files("ar.cash.bank") / "mappings"
    named = sorted((one.name[:-5], one) for one in folder.iterdir() if one.name.endswith(".toml"))
    return tuple(
        parse_profile(name, one.read_text(encoding="utf-8"), fields=FIELDS, options=OPTIONS) for name, one in named
    )


def chosen(name: str | None) -> tuple[Profile, ...]:
    """The shipped profile of that name, or all of them to try for None. Raises ProfileError."""
    if name is None:
        return shipped()
    found = tuple(one for one in shipped() if one.name == name)
    if not found:
        known = ", ".join(one.name for one in shipped())
        raise ProfileError(f"There is no profile {name[:60]!r}; there are {known}")
    return found


def chosen_or_own(name_or_path: str | None) -> tuple[Profile, ...]:
    """The same for a command line, which may also name a TOML file. Raises ProfileError."""
    if name_or_path is None or not name_or_path.endswith(".toml"):
        return chosen(name_or_path)
    path = Path(name_or_path)
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ProfileError(f"The profile {name_or_path} cannot be read as UTF-8 text") from error
    return (parse_profile(path.stem[:60], content, fields=FIELDS, options=OPTIONS),)
