"""Tables in files: encodings, delimiters, broken rows, workbooks, bombs, profiles, and what goes out again."""

from __future__ import annotations

import csv
import io
import zipfile
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ar.core.mapping import CellError, Formats, ProfileError, Values, parse_profile
from ar.core.tabular import FORMULA_STARTS, FileError, Layout, Row, neutral, opened, restored, write_csv
from ar.core.workbook import Typed

WANTED = ("a", "b")


def read(content: bytes, **layout: Any) -> tuple[list[str], list[Row]]:
    with opened(io.BytesIO(content), layout=Layout(**layout), wanted=WANTED) as table:
        return table.headings, list(table.rows)


def cells(content: bytes, **layout: Any) -> list[list[str]]:
    return [row.cells for row in read(content, **layout)[1]]


def faults(content: bytes) -> list[tuple[int, str | None]]:
    return [(row.number, row.fault) for row in read(content)[1]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_usual_form_of_csv_reads_alike(encoding: str, delimiter: str, end: str) -> None:
    text = end.join((delimiter.join(("a", "b")), delimiter.join(("é", f'"1{delimiter}2"')), ""))
    assert cells(text.encode(encoding)) == [["é", f"1{delimiter}2"]]


def test_rows_are_numbered_by_line_and_blank_ones_left_out() -> None:
    assert read(b'\na,b\n\n1,"x\ny"\n , \n2,3\n')[1] == [Row(4, ["1", "x\ny"]), Row(7, ["2", "3"])]


def test_lines_before_the_headings_are_skipped() -> None:
    assert read(b'Report of May\n"open quote\na,b\n1,2\n', skip=2) == (["a", "b"], [Row(4, ["1", "2"])])


def test_a_broken_row_never_takes_the_next_with_it() -> None:
    quote = "a quote stands inside a value: double it, and quote the whole value"
    assert faults(b'a,b\n1,2\n"x,3\n4,5\n"6",7\n') == [(2, None), (3, quote), (4, None), (5, None)]
    assert faults(b'a,b\n"1,2\n3,4\n') == [(2, "a quote is opened and never closed"), (3, None)]
    assert faults(b'a,b\n4,"5\n6",7\n8,9\n')[0] == (2, "a quote is opened and not closed on this line")
    assert faults(b'a,b\n4,"5\n6",7\n8,9\n')[-1] == (4, None)
    assert faults(b'a,b\n"' + b"x" * 200_000 + b"\n1,2\n") == [(2, "a quote is opened and never closed"), (3, None)]


def test_short_rows_are_filled_and_long_ones_refused() -> None:
    found = read(b"a,b,,\n1\n1,2,,,\n1,2,3\n")[1]
    assert found[:2] == [Row(2, ["1", ""]), Row(3, ["1", "2"])]
    assert found[2].fault == "3 cells where the headings have 2: quote a value that holds the delimiter"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "is empty"),
        (b"\n \n", "holds no rows"),
        (b'"a,b\n1,2', "never closed"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x89PNG\r\n", "a picture"),
        (b"\xd0\xcf\x11\xe0 old", "Office file"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"a,b\n1,\x00", "NUL"),
        (b"a,b\n" + b"1,2\n" * 600_000 + b"\xff\x81,2\n", "neither UTF-8 nor Windows-1252"),
        (b"\xff\xfea\x00,", "not written in utf-16"),
        (b"PK\x03\x04 nothing", "broken zip"),
        (b"a,b\n" + b"x" * 1_100_000, "is not a table"),
        (b",".join(b"%d" % n for n in range(600)), "at most 500"),
    ],
)
def test_a_file_that_is_no_table_is_named(content: bytes, word: str) -> None:
    with pytest.raises(FileError, match=word):
        read(content)


def test_an_encoding_given_is_believed() -> None:
    assert cells("a,b\nŁ,2".encode("cp1250"), encoding="cp1250") == [["Ł", "2"]]
    with pytest.raises(FileError, match=r"not written in ascii \(near line 1\)"):
        read("a,b\né,2".encode(), encoding="ascii")
    with pytest.raises(FileError, match="no text encoding 'klingon'"):
        read(b"a,b", encoding="klingon")


def test_headings_are_found_however_they_are_written_but_not_twice() -> None:
    with opened(io.BytesIO(b"Customer Code,x,X\n"), layout=Layout(), wanted=WANTED) as table:
        assert table.places(["customer_code", "y"]) == {"customer_code": 0}
        with pytest.raises(FileError, match="'x' is there twice"):
            table.places(["x"])


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400) | st.text('a,b"\n\r;é\t1', max_size=60).map(lambda t: ("a,b\n" + t).encode()))
def test_any_bytes_are_rows_or_a_file_error(content: bytes) -> None:
    with suppress(FileError):
        headings, rows = read(content)
        assert all(row.fault or len(row.cells) == len(headings) for row in rows)
        assert [row.number for row in rows] == sorted({row.number for row in rows})


def book(*rows: list[Any], title: str = "Sheet") -> bytes:
    workbook, out = openpyxl.Workbook(), io.BytesIO()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    workbook.save(out)
    return out.getvalue()


def test_a_workbook_gives_its_numbers_and_dates_in_plain_form() -> None:
    given = book(
        ["a", "b"],
        [200416837, "0012"],
        [date(2026, 1, 31), datetime(2026, 1, 31, 8, 30)],
        [],
        [0.1 + 0.2, -1234.5],
        [True, "=A1"],
    )
    assert read(given)[1] == [
        Row(2, ["200416837", "0012"]),
        Row(3, ["2026-01-31", "2026-01-31 08:30:00"]),
        Row(5, ["0.3", "-1234.5"]),
        Row(6, ["true", ""]),
    ]
    assert [type(cell) for cell in cells(given)[0]] == [Typed, str]


def test_a_sheet_is_chosen_by_name() -> None:
    assert cells(book(["a", "b"], [1, 2], title="May"), sheet="May") == [["1", "2"]]
    with pytest.raises(FileError, match="no sheet named 'June'"):
        read(book(["a"], title="May"), sheet="June")


def _zip(**entries: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return out.getvalue()


def _two_far_cells() -> bytes:
    workbook, out = openpyxl.Workbook(), io.BytesIO()
    sheet = workbook.active
    assert sheet is not None
    sheet["A1"], sheet["XFD1048576"] = "a", "b"
    workbook.save(out)
    return out.getvalue()


def test_bombs_and_other_zips_are_refused_within_their_limits() -> None:
    with pytest.raises(FileError, match="not an XLSX workbook"):
        read(_zip(readme_txt=b"hello"))
    with pytest.raises(FileError, match="unpacks to more than 400 MB"):
        read(_zip(xl__workbook_xml=b"0" * 401_000_000))
    with pytest.raises(FileError, match="cannot be read"):
        read(_zip(xl__workbook_xml=b"<nothing/>"))
    with pytest.raises(FileError, match="too large to read"):
        read(_two_far_cells())


PROFILE = """
description = "x"
[file]
delimiter = ";"
[columns]
a = "Alpha"
[constants]
b = "1"
[formats]
dates = ["%d.%m.%Y"]
decimal = ","
thousands = "."
true = ["Oui"]
[options]
terms = "net 30"
"""


def profile(content: str) -> Any:
    return parse_profile("mine", content, fields=("a", "b"), options=("terms",))


def test_a_profile_says_how_a_file_is_written() -> None:
    found = profile(PROFILE)
    assert (found.name, found.columns, found.constants) == ("mine", {"a": "Alpha"}, {"b": "1"})
    assert (found.layout.delimiter, found.options) == (";", {"terms": "net 30"})
    assert found.formats.true == {"oui"}


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("not toml", "is not TOML"),
        ("x = 1", "'x' is not known"),
        ("columns = 1", "must be a section"),
        ("[columns]\nc = 'x'", "'c' is not known"),
        ("[columns]\na = 1", "must be a text"),
        ("[options]\nother = 'x'", "'other' is not known"),
        ("[file]\nskip = 'x'", "must be a number"),
        ("[file]\nskip = -1", "between 0 and 1000"),
        ("[file]\nencoding = 1", "must be a text"),
        ("[file]\ndelimiter = ';;'", "one character"),
        ("[formats]\ndates = 'x'", "must be a list"),
        ("[formats]\ndates = ['%d']", "no date pattern"),
        ("[formats]\ndates = ['%Q']", "no date pattern"),
        ("[formats]\ndecimal = 'x'", "decimal is"),
        ("[formats]\ndecimal = ','\nthousands = ','", "same character"),
        ("[formats]\ntrue = ['x']\nfalse = ['X']", "both true and false"),
        ("a" * 200_000, "longer than"),
    ],
)
def test_a_profile_that_cannot_be_names_its_fault(content: str, word: str) -> None:
    with pytest.raises(ProfileError, match=word):
        profile(content)


def test_values_are_read_by_their_formats() -> None:
    values = Values(Formats(dates=("%d/%m/%Y", "%Y%m%d"), decimal=",", thousands=" ", true=frozenset({"oui"})))
    assert {values.day(text) for text in ("31/01/2026", "20260131", "2026-01-31")} == {date(2026, 1, 31)}
    assert values.day(Typed("2026-01-31 08:30:00")) == date(2026, 1, 31)
    assert [values.number(text) for text in ("1 234,50", "1234,5", "-1 234 567", "1\u202f234")] == [
        "1234.50",
        "1234.5",
        "-1234567",
        "1234",
    ]
    assert values.number(Typed("1234.5")) == "1234.5"
    assert (values.truth("OUI"), values.truth("No"), values.truth("")) == (True, False, False)


@pytest.mark.parametrize("text", ["1.23", "1,2,3", "12 34,5", "1e5", "", "٣", "9" * 100])
def test_a_point_is_never_taken_for_a_thousand(text: str) -> None:
    with pytest.raises(CellError, match=r"write it like 1\.234,50"):
        Values(Formats(decimal=",", thousands=".")).number(text)


@pytest.mark.parametrize("text", ["31.01.2026", "2026-02-30", "2026-1-1x", "9" * 5000, "2026-01-31 08:00:00"])
def test_a_day_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(CellError, match="write it like 2026-12-31"):
        Values(Formats()).day(text)


def test_a_word_that_is_neither_yes_nor_no_is_refused() -> None:
    with pytest.raises(CellError, match="write true or false"):
        Values(Formats()).truth("maybe")


@given(st.text(max_size=20) | st.sampled_from(["=1+1", "+cmd", "-2+3", "@x", "\tx", "\rx", "-12.50", "+33 1", "''="]))
def test_no_cell_goes_out_as_a_formula_and_each_comes_back(text: str) -> None:
    told = neutral(text)
    live = told.startswith(FORMULA_STARTS)
    assert not live or told.strip("+-0123456789., \u00a0\u202f") == ""
    assert restored(told) == restored(text)


def test_rows_that_go_out_are_filled_up() -> None:
    out = io.StringIO()
    write_csv(out, ["a", "=b"], [["=1", "2"], ["-5.00"]])
    assert list(csv.reader(io.StringIO(out.getvalue()))) == [["a", "'=b"], ["'=1", "2"], ["-5.00", ""]]
