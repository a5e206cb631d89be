"""Work on many, a chunk in one transaction: one that fails is halved until the bad one is alone, and the rest go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from sqlmodel import Session

from ar.core.db import Database

Made = TypeVar("Made")


def halving(
    database: Database,
    ids: Sequence[int],
    act: Callable[[Session, Sequence[int]], Made],
    park: Callable[[int, Exception], None],
) -> Iterator[Made]:
    """What `act` made of `ids`, or of each part of them that went through; `park` is told of each that fails alone.

    `act` runs in a transaction of this function's; `park` after that was rolled back, while the error is handled.
    """
    try:
        with database.transaction() as session:
            made = act(session, ids)
    except Exception as error:
        if len(ids) > 1:
            middle = len(ids) // 2
            yield from halving(database, ids[:middle], act, park)
            yield from halving(database, ids[middle:], act, park)
            return
        park(ids[0], error)
        return
    yield made


def error_words(error: Exception) -> str:
    """The error's kind and words, as any database can hold them."""
    return f"{type(error).__name__}: {error}".encode("utf-8", "replace").decode().replace("\x00", "")
