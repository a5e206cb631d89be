"""Types of what comes in: text and numbers that the database can hold, whichever it is."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import Path
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from ar.core.db import MAX_ID

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROLS_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def one_line(text: str) -> str:
    """`text`, when it is one line without control characters. Raises ValueError."""
    if _CONTROLS.search(text):
        raise ValueError("must be one line, without control characters")
    return storable(text)


def several_lines(text: str) -> str:
    """`text`, when it has no control characters but line breaks and tabs. Raises ValueError."""
    if _CONTROLS_IN_TEXT.search(text):
        raise ValueError("must not contain control characters")
    return storable(text)


def storable(text: str) -> str:
    """`text`, when it can be written as UTF-8 and has no NUL. Raises ValueError."""
    if "\x00" in text:
        raise ValueError("must not contain the NUL character")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must be valid Unicode, without lone surrogates")
    return text


ShortText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(one_line)
]
"""One line of 1 to 200 characters."""

LongText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000), AfterValidator(several_lines)
]
"""Text of 1 to 4,000 characters that may have several lines."""

Search = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(one_line)]
"""What somebody typed into a search box; empty for no search."""

Id = Annotated[int, Path(ge=1, le=MAX_ID, description="The number of the thing", examples=[1])]

Number = Annotated[int, Field(ge=1, le=MAX_ID)]
"""The number of a thing, in a body."""

Minor = Annotated[int, Field(gt=0, le=10**15, description="Minor units", examples=[12_050])]
"""An amount above zero."""

Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2200, 12, 31))]
"""A calendar day that business is done on: periods may be counted back and forth from it."""


def example(given: Mapping[str, Any]) -> ConfigDict:
    """The configuration of a body that reads objects as well, told by the example `given`."""
    return ConfigDict(json_schema_extra={"examples": [dict(given)]}, from_attributes=True)
