"""The database: engine, column types, transactions, bulk writes. `transaction()` is the only commit in the product.

SQLite runs in WAL mode and opens every write transaction with BEGIN IMMEDIATE: a deferred transaction that
reads and then writes fails at once under contention, whatever its timeout. PostgreSQL is reached by URL.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Enum,
    Integer,
    Table,
    TypeDecorator,
    any_,
    bindparam,
    create_engine,
    event,
    false,
    func,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.types import UserDefinedType
from sqlmodel import Session, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

MAX_ID = 2**63 - 1

# The fine for reading a whole table, as is done with small ones, would have the query compiled: hence no jit.
_BY_INDEX = (
    "SELECT set_config('enable_seqscan', 'off', true), set_config('max_parallel_workers_per_gather', '0', true), "
    "set_config('jit', 'off', true)"
)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant, always aware and in UTC; SQLite would hand back naive ones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime reached the database: pass an aware one")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigId = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only for INTEGER PRIMARY KEY, which there is 64 bits wide."""

Json = JSON(none_as_null=True)


class _Listed(UserDefinedType[Sequence[Any]]):
    """An array of PostgreSQL's, written as text in one go: the driver would look at each of thousands of values."""

    cache_ok = True
    render_bind_cast = True

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def get_col_spec(self, **_: object) -> str:
        return self.kind

    def bind_processor(self, dialect: Dialect) -> Callable[[Sequence[Any] | None], str]:  # noqa: ARG002
        return _listed_text if self.kind == "TEXT[]" else _listed_numbers


def _listed_numbers(values: Sequence[Any] | None) -> str:
    assert values is not None
    return f"{{{','.join(map(str, values))}}}"


def _listed_text(values: Sequence[Any] | None) -> str:
    assert values is not None
    if any('"' in value or "\\" in value for value in values):
        values = [value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return '{"' + '","'.join(values) + '"}'


def enum_type(values: type[StrEnum]) -> Enum:
    """A text column that holds the values of `values` and gives them back as its members."""
    return Enum(
        values, native_enum=False, create_constraint=False, length=24, values_callable=lambda e: [m.value for m in e]
    )


@dataclass(frozen=True)
class Database:
    """One engine, and the two ways to use it."""

    engine: Engine

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits when the block ends well and rolls back when it raises."""
        with Session(self.engine, expire_on_commit=False) as session:
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session on one snapshot that cannot write, and on SQLite waits for no writer; its rows stay readable."""
        with Session(self._reader) as session:
            yield session

    @cached_property
    def _reader(self) -> Engine:
        return self.engine.execution_options(amiable_read_only=True)

    @property
    def is_postgres(self) -> bool:
        return self.engine.dialect.name == "postgresql"


def connect(url: str, *, pool_size: int = 20) -> Database:
    """A Database at `url`, its folder made when it is an SQLite file. Nothing is created inside it."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, connect_args={"check_same_thread": False}, pool_size=pool_size, max_overflow=10)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        engine = create_engine(parsed, pool_size=pool_size, max_overflow=10, pool_pre_ping=True)
        event.listen(engine, "begin", _begin_postgres)
    return Database(engine)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would be a deferred one
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("amiable_read_only")
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if read_only else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _begin_postgres(connection: Connection) -> None:
    if connection.get_execution_options().get("amiable_read_only"):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def is_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def table(model: type[SQLModel]) -> Table:
    """The table behind a model."""
    return cast(Table, model.__table__)  # type: ignore[attr-defined]


def among(session: Session, column: Any, values: Sequence[int] | Sequence[str]) -> ColumnElement[bool]:
    """The condition that `column` is one of `values`, however many: one bound value, no list of thousands of marks."""
    if not values:
        return false()
    if len(values) == 1:
        return cast(ColumnElement[bool], column == values[0])
    if is_postgres(session):
        return cast(ColumnElement[bool], column == any_(listed(values)))
    given = func.json_each(json.dumps(list(values))).table_valued("value")
    return cast(ColumnElement[bool], column.in_(select(given.c.value)))


def listed(values: Sequence[int] | Sequence[str]) -> BindParameter[Any]:
    """An array of PostgreSQL's that holds `values`, as one bound value; at least one."""
    return bindparam(None, values, type_=_Listed("TEXT[]" if isinstance(values[0], str) else "BIGINT[]"), unique=True)


def prefer_indexes(session: Session) -> None:
    """Have rows looked up by their indexes for the rest of this transaction.

    Asked for thousands of keys, PostgreSQL reads all of a table, with helpers: it expects a row for each of them.
    """
    if is_postgres(session):
        session.connection().exec_driver_sql(_BY_INDEX)


def reserve_ids(session: Session, model: type[SQLModel], count: int) -> range | list[int]:
    """`count` fresh primary keys of `model`, for rows that bulk_insert will write in this transaction."""
    if count == 0:
        return []
    name = table(model).name
    if is_postgres(session):
        query = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)")
        return [row[0] for row in session.connection().execute(query, {"name": name, "count": count})]
    top = session.connection().exec_driver_sql(f"SELECT coalesce(max(id), 0) FROM {name}").scalar_one()  # noqa: S608
    return range(top + 1, top + 1 + count)


def bulk_insert(session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `rows` of `model` at the driver's own speed: COPY on PostgreSQL, executemany on SQLite.

    Every row gives the same columns, all that have no default in the database. Triggers and constraints hold.
    """
    if not rows:
        return
    session.flush()
    target = table(model)
    names = list(rows[0])
    dialect = session.get_bind().dialect
    columns = [
        _bound([row[name] for row in rows], target.c[name].type.dialect_impl(dialect).bind_processor(dialect))
        for name in names
    ]
    values = zip(*columns, strict=True)
    if dialect.name == "postgresql":
        driver = session.connection().connection.driver_connection
        assert driver is not None
        with driver.cursor() as cursor, cursor.copy(f"COPY {target.name} ({','.join(names)}) FROM STDIN") as copy:
            for value in values:
                copy.write_row(value)
        return
    marks = ",".join("?" * len(names))
    session.connection().exec_driver_sql(
        f"INSERT INTO {target.name} ({','.join(names)}) VALUES ({marks})",  # noqa: S608
        list(values),
    )


def bulk_update(
    session: Session,
    model: type[SQLModel],
    rows: Sequence[Mapping[str, Any]],
    *,
    still: Mapping[str, Any] | None = None,
) -> None:
    """Change the rows of `model` that the `id` of each of `rows` names; every row gives the same columns.

    With `still`, only those that have these values in these columns. One statement on PostgreSQL, which joins the rows
    given, column by column; executemany on SQLite.
    """
    if not rows:
        return
    session.flush()
    target, dialect = table(model), session.get_bind().dialect
    names = [name for name in rows[0] if name != "id"]
    if dialect.name == "postgresql":
        kinds = {name: target.c[name].type.dialect_impl(dialect) for name in ("id", *names)}
        given = {
            name: _bound([row[name] for row in rows], kind.bind_processor(dialect)) for name, kind in kinds.items()
        }
        columns = ",".join(f"%({name})s::{_array_of(kinds[name], dialect)}" for name in given)
        changes = ",".join(f"{name} = given.{name}" for name in names)
        same = "".join(f" AND {target.name}.{name} = %(still_{name})s" for name in still or {})
        for name, value in (still or {}).items():
            process = target.c[name].type.dialect_impl(dialect).bind_processor(dialect)
            given[f"still_{name}"] = process(value) if process else value
        session.connection().exec_driver_sql(
            f"UPDATE {target.name} SET {changes} FROM unnest({columns}) AS given({','.join(kinds)}) "  # noqa: S608
            f"WHERE {target.name}.id = given.id{same}",
            given,
        )
        return
    statement = update(target).where(target.c.id == bindparam("of_id"))
    statement = statement.where(*(target.c[name] == value for name, value in (still or {}).items()))
    statement = statement.values({name: bindparam(f"to_{name}") for name in names})
    session.connection().execute(
        statement, [{"of_id": row["id"], **{f"to_{name}": row[name] for name in names}} for row in rows]
    )


def _array_of(kind: Any, dialect: Dialect) -> str:
    """The PostgreSQL array of a column's type; text for one that is written as text."""
    written = kind.compile(dialect=dialect)
    return "text[]" if written.startswith("VARCHAR") else f"{written}[]"


def _bound(column: list[Any], process: Callable[[Any], Any] | None) -> list[Any]:
    """A column's values as the driver takes them; those that repeat (days, kinds, instants) are processed once."""
    if process is None:
        return column
    known: dict[Any, Any] = {}
    bound = []
    for value in column:
        try:
            done = known[value]
        except KeyError:
            done = known[value] = process(value)
        except TypeError:  # a JSON value, which no dictionary takes as key
            done = process(value)
        bound.append(done)
    return bound
