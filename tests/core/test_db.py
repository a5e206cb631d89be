"""Looking up many values at once, whatever they hold, on both databases."""

from __future__ import annotations

import gc

from sqlalchemy import String, literal, select, text

from ar.core.db import Database, among, prefer_indexes
from ar.core.garbage import unswept

HARD = ['a"b', "c\\d", '\\"', "{x}", "NULL", "null", "", " x ", "l'e,q", "é", "\n", "plain"]


def test_any_text_is_found_among_many_and_no_other(database: Database) -> None:
    with database.transaction() as session:
        connection = session.connection()
        for value in HARD:
            others = [other for other in HARD if other != value]
            asked = literal(value, String)
            assert connection.execute(select(1).where(among(session, asked, [*others, value]))).all() == [(1,)], value
            assert connection.execute(select(1).where(among(session, asked, others))).all() == [], value


def test_any_number_is_found_among_many_and_no_other(database: Database) -> None:
    with database.transaction() as session:
        connection = session.connection()
        for value, found in ((2**62, True), (-3, True), (7, False)):
            rows = connection.execute(select(1).where(among(session, literal(value), [2**62, -3, 0]))).all()
            assert bool(rows) == found
        assert connection.execute(select(1).where(among(session, literal(1), []))).all() == []


def test_the_wish_for_indexes_ends_with_its_transaction(database: Database) -> None:
    with database.transaction() as session:
        prefer_indexes(session)
    if database.is_postgres:
        with database.transaction() as session:
            assert session.connection().execute(text("SHOW enable_seqscan")).scalar_one() == "on"


def test_the_search_for_garbage_comes_back_also_after_an_error() -> None:
    assert gc.isenabled()
    try:
        with unswept():
            assert not gc.isenabled()
            raise ValueError
    except ValueError:
        pass
    assert gc.isenabled()
