"""Lists in pages, by keyset: the cursor holds the last row's keys, so that page 1,000 costs what page 1 costs."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, TypeVar, cast

from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, TypeDecorator, UnaryExpression, and_, literal, or_, tuple_
from sqlalchemy.sql.operators import desc_op
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.errors import DomainError

T = TypeVar("T")
U = TypeVar("U")

Limit = Annotated[int, Query(ge=1, le=200, description="How many to give at most", examples=[50])]
Cursor = Annotated[
    str | None, Query(max_length=2000, description="next_cursor of the page before; none for the first page")
]


class CursorError(DomainError):
    """The cursor is not one that this list gave out."""

    status = 400
    code = "bad-cursor"


class Page(BaseModel, Generic[T]):
    """Some of a list, and the cursor that continues it; none at its end."""

    items: list[T]
    next_cursor: str | None = Field(default=None, description="Send it as `cursor` for what follows", examples=[None])

    def map(self, change: Callable[[T], U]) -> "Page[U]":
        """The same page of `change(item)`."""
        return cast(Page[U], Page.model_construct(items=[change(i) for i in self.items], next_cursor=self.next_cursor))


def paged(
    session: Session,
    statement: SelectOfScalar[T],
    *,
    key: Sequence[Any],
    cursor: str | None,
    limit: int,
) -> Page[T]:
    """At most `limit` rows of `statement` after `cursor`, in the order of `key`. Raises CursorError.

    `key` are the statement's own columns, never NULL, together unique; descending ones as `col(X.y).desc()`. With all
    in one direction an index on them serves both the order and the place to start.
    """
    columns = [k.element if isinstance(k, UnaryExpression) else k for k in key]
    descending = [isinstance(k, UnaryExpression) and k.modifier is desc_op for k in key]
    mark = ",".join(f"{column.key}{'-' if down else ''}" for column, down in zip(columns, descending, strict=True))
    if cursor:
        statement = statement.where(_after(columns, descending, _decoded(cursor, mark, columns)))
    wider = statement.order_by(None).order_by(*key).limit(limit + 1).add_columns(*columns)
    rows = session.execute(wider).all()
    page = Page.model_construct(items=[row[0] for row in rows[:limit]], next_cursor=None)
    if len(rows) > limit:
        page.next_cursor = _encoded(mark, rows[limit - 1][1:])
    return cast(Page[T], page)


def _after(columns: Sequence[ColumnElement[Any]], descending: Sequence[bool], values: Sequence[Any]) -> Any:
    values = [literal(value, column.type) for column, value in zip(columns, values, strict=True)]
    if len(set(descending)) == 1:
        left, right = tuple_(*columns), tuple_(*values)
        return left < right if descending[0] else left > right
    steps = []
    for n, (column, down, value) in enumerate(zip(columns, descending, values, strict=True)):
        same = [c == v for c, v in zip(columns[:n], values[:n], strict=True)]
        steps.append(and_(*same, column < value if down else column > value))
    return or_(*steps)


def _encoded(mark: str, values: Sequence[Any]) -> str:
    told = json.dumps([_plain(value) for value in values], separators=(",", ":"))
    return base64.urlsafe_b64encode(f"{_check(mark, told)}{told}".encode()).decode().rstrip("=")


def _plain(value: Any) -> str | int:
    if isinstance(value, int):
        return value
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _decoded(cursor: str, mark: str, columns: Sequence[ColumnElement[Any]]) -> list[Any]:
    refused = CursorError("This cursor is not one of this list: start again without it")
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        check, told = text[:16], text[16:]
        if check != _check(mark, told):
            raise refused
        values = json.loads(told)
        return [_typed(value, column) for value, column in zip(values, columns, strict=True)]
    except (binascii.Error, ValueError, TypeError, ArithmeticError):
        raise refused from None


def _check(mark: str, told: str) -> str:
    # Against mix-ups, not against forgers: a forged cursor only starts a list that its caller may read elsewhere.
    return hashlib.sha256(f"{mark}|{told}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _typed(value: str | int, column: ColumnElement[Any]) -> Any:
    typed = column.type
    kind = (typed.impl_instance if isinstance(typed, TypeDecorator) else typed).python_type
    if issubclass(kind, datetime):
        moment = datetime.fromisoformat(str(value))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return date.fromisoformat(str(value)) if issubclass(kind, date) else kind(value)
