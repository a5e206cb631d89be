"""The European Central Bank's rates: its file forms, twice the same, corrected, and hostile ones."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ar.core.db import Database
from ar.ledger.ecb import RatesFileError, RatesReport, import_rates, read
from ar.ledger.rates import rates_on

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
TODAY = NOW.date()
DAILY = b"""<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
 xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
<gesmes:subject>Reference rates</gesmes:subject><gesmes:Sender><gesmes:name>European Central Bank</gesmes:name>
</gesmes:Sender><Cube><Cube time='2026-11-20'><Cube currency='USD' rate='1.1525'/><Cube currency='JPY' rate='180.84'/>
</Cube></Cube></gesmes:Envelope>"""
HISTORY = b"Date,USD,JPY,CYP,\n2026-11-20,1.1525,180.84,N/A,\n2026-11-19,1.1504,N/A,0.58,\n"


def zipped(content: bytes, name: str = "eurofxref-hist.csv") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def store(database: Database, content: bytes) -> RatesReport:
    with database.transaction() as session:
        return import_rates(session, content, by="system", today=TODAY, now=NOW)


def test_daily_xml_then_history_adds_only_what_is_new(database: Database) -> None:
    assert store(database, DAILY) == RatesReport(2, 0, 0, date(2026, 11, 20))
    assert store(database, DAILY) == RatesReport(0, 2, 0, date(2026, 11, 20))
    assert store(database, zipped(HISTORY)) == RatesReport(1, 2, 0, date(2026, 11, 20))
    with database.reading() as session:
        rates = rates_on(session, date(2026, 11, 22))
    assert rates.per_euro == {
        "USD": (Decimal("1.15250000"), date(2026, 11, 20)),
        "JPY": (Decimal("180.84000000"), date(2026, 11, 20)),
    }


def test_a_corrected_rate_replaces_the_old_one(database: Database) -> None:
    store(database, DAILY)
    report = store(database, DAILY.replace(b"1.1525", b"1.1526"))
    assert (report.added, report.unchanged, report.corrected) == (0, 1, 1)
    with database.reading() as session:
        assert rates_on(session, TODAY).per_euro["USD"][0] == Decimal("1.15260000")


def test_the_daily_csv_writes_its_day_in_words() -> None:
    assert list(read(b"Date, USD, JPY, \n20 November 2026, 1.1525, 180.84, \n")) == [
        ("USD", date(2026, 11, 20), Decimal("1.1525")),
        ("JPY", date(2026, 11, 20), Decimal("180.84")),
    ]


ENTITY = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "1.1"><!ENTITY b SYSTEM "file:///etc/hostname">]>
<x><Cube time="2026-11-20"><Cube currency="USD" rate="&a;"/></Cube></x>"""


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "none of the ECB's"),
        (b"hello", "none of the ECB's"),
        (ENTITY, "document type"),
        (DAILY[:-30], "broken XML"),
        (DAILY.replace(b"1.1525", b"-1"), "not a rate"),
        (DAILY.replace(b"1.1525", b"0.0"), "not a rate"),
        (DAILY.replace(b"1.1525", b"1e400"), "not a rate"),
        (DAILY.replace(b"2026-11-20", b"20/11/2026"), "not a day"),
        (DAILY.replace(b"2026-11-20", b"1989-11-20"), "cannot have published"),
        (b"<x><Cube currency='USD' rate='1'/></x>", "before it says their day"),
        (b"<x/>", "holds no rates"),
        (b"Date,USD\n\xff", "broken CSV"),
        (b"PK\x03\x04 nothing", "zip is broken"),
        (zipped(b"x", "readme.txt"), "exactly one"),
        (zipped(b"Date," + b"0" * 61_000_000), "unpacks to more"),
    ],
)
def test_a_file_that_is_not_the_banks_changes_nothing(database: Database, content: bytes, word: str) -> None:
    with pytest.raises(RatesFileError, match=word):
        store(database, content)
    with database.reading() as session:
        assert rates_on(session, TODAY).per_euro == {}


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=100).map(lambda b: DAILY[:180] + b + DAILY[180:])))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with suppress(RatesFileError):
        assert all(rate > 0 for _, _, rate in read(content))
