"""Writes docs/settings.md: `python -m tests.house.settings_page > docs/settings.md`."""

from __future__ import annotations

from enum import Enum
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from ar.core.settings import Settings

HEAD = """# Settings

Every setting is an environment variable with the prefix `AMIABLE_`. An empty default means that the product finds
its own, as the meaning says.

| Name | Default | Meaning |
|---|---|---|
"""


def row(name: str, field: FieldInfo) -> str:
    """One line of the table."""
    meaning = (field.description or "").replace("|", "\\|")
    if get_origin(field.annotation) is Literal:
        meaning += " One of: " + ", ".join(f"`{value}`" for value in get_args(field.annotation)) + "."
    return f"| `AMIABLE_{name.upper()}` | {shown(field.default)} | {meaning} |"


def shown(default: object) -> str:
    """A default as one would write it in the environment."""
    if default is None or default == "":
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default.value if isinstance(default, Enum) else default}`"


def page() -> str:
    """The whole of docs/settings.md."""
    return HEAD + "".join(row(name, field) + "\n" for name, field in Settings.model_fields.items())


if __name__ == "__main__":
    print(page(), end="")
