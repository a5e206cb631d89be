"""What customers write is read for what it says: every sample, and no number or document that is not there."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ar.cash.remittance import days, numbers
from ar.cash.remittance.advice import Known, sum_of
from ar.cash.remittance.grid import Source, of_table, of_text
from ar.cash.remittance.mailtext import own_words
from ar.cash.remittance.references import named_in
from ar.cash.remittance.understand import understand
from tests.cash.remittance.samples import KNOWN, NEAR, SAMPLES, Sample


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: one.name)
def test_a_sample_says_what_it_says(sample: Sample) -> None:
    advice = understand(of_text(own_words(sample.text)), KNOWN, currency="EUR", near=NEAR)
    assert [(one.reference, one.gross_minor, one.deduction_minor, one.paid_minor) for one in advice.lines] == (
        sample.lines
    )
    assert (advice.amount_minor, advice.currency) == (sample.amount, sample.currency)
    assert (advice.paid_on, advice.reference) == (sample.paid_on, sample.reference)
    assert len(advice.doubts) == sample.doubts, advice.doubts


def test_there_are_samples_enough() -> None:
    assert len(SAMPLES) >= 30


@given(st.integers(1, 10**11), st.sampled_from([(".", ","), (",", "."), (",", " "), (",", "\u202f"), (".", "'")]))
def test_an_amount_is_read_as_it_was_written(minor: int, marks: tuple[str, str]) -> None:
    mark, group = marks
    written = f"{minor // 100:,}".replace(",", group) + f"{mark}{minor % 100:02}"
    found = numbers.FOUND.fullmatch(written)
    assert found is not None
    assert numbers.minor_of(found, mark, 2) == minor
    other = numbers.minor_of(found, "," if mark == "." else ".", 2)
    assert other is None or other == minor


@given(
    st.lists(st.tuples(st.integers(1, 10**8), st.integers(0, 10**5)), min_size=1, max_size=12),
    st.sampled_from([".", ","]),
    st.booleans(),
)
def test_a_table_adds_up_as_it_was_written(rows: list[tuple[int, int]], mark: str, signed: bool) -> None:
    """Whatever the amounts, the lines read are those written, and their sum is the payment's."""

    def shown(minor: int) -> str:
        whole = f"{abs(minor) // 100:,}{'.'}{abs(minor) % 100:02}"
        if mark == ",":
            whole = whole.translate(str.maketrans(",.", ".,"))
        return f"-{whole}" if minor < 0 else whole

    known = {f"DOC{n:05}": Known(f"DOC-{n:05}", "EUR") for n in range(len(rows))}
    paid = [-paid if signed and n % 5 == 4 else paid for n, (paid, _) in enumerate(rows)]
    total = sum(paid)
    if total <= 0:
        return
    table = [["Invoice", "Gross", "Discount", "Paid"]]
    for n, (minor, (_, off)) in enumerate(zip(paid, rows, strict=True)):
        gross = minor if minor < 0 else minor + off
        table.append([f"DOC-{n:05}", shown(gross), shown(0 if minor < 0 else off), shown(minor)])
    table.append(["Total", "", "", shown(total)])
    for source in (of_table(table), of_text("\n".join("\t".join(row) for row in table[:-1]))):
        advice = understand(source, known, currency="EUR", near=NEAR)
        assert [one.paid_minor for one in advice.lines] == paid
        assert sum_of(advice.lines) == total == advice.amount_minor
        assert advice.doubts == ()


@given(st.lists(st.text(max_size=60), max_size=15), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_no_text_breaks_it_and_a_sum_that_is_off_is_said(lines: list[str], currency: str) -> None:
    advice = understand(of_text("\n".join(lines)), KNOWN, currency=currency, near=NEAR)
    told = advice.told_minor
    if told is not None and told != advice.amount_minor and advice.amount_minor is not None:
        assert any("add up" in doubt for doubt in advice.doubts)


@given(st.lists(st.lists(st.text("0123456789.,-' €EURINVtotal/:", max_size=20), max_size=6), max_size=10))
def test_no_table_breaks_it(rows: list[list[str]]) -> None:
    understand(Source(tuple(map(tuple, rows)), tabular=True), KNOWN, currency="EUR", near=NEAR)


def test_a_number_inside_another_is_not_found() -> None:
    assert named_in("order 2012-55 of FR1-2026-0001179", {"12": 0, "FR12026000117": 0, "201": 0}) == []
    assert [one.key for one in named_in("fr1 2026 000117.", {"FR12026000117": 0})] == ["FR12026000117"]


def test_three_decimals_are_told_by_the_sum() -> None:
    known = {"KW77": Known("KW-77", "KWD"), "KW78": Known("KW-78", "KWD")}
    text = "Invoice  Amount\nKW-77  1.234\nKW-78  1.000,500\nTotal  2.234,500"
    advice = understand(of_text(text), known, currency="KWD", near=NEAR)
    assert [one.paid_minor for one in advice.lines] == [1_234_000, 1_000_500]
    open_ = understand(of_text("KWD 1.234 paid for KW-77"), known, currency="KWD", near=NEAR)
    assert (open_.amount_minor, len(open_.doubts)) == (None, 1)


def test_two_currencies_are_a_doubt() -> None:
    advice = understand(of_text("EUR 100.00 and USD 50.00 paid"), {}, currency="EUR", near=NEAR)
    assert any("several currencies" in doubt for doubt in advice.doubts)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-03-12", date(2026, 3, 12)),
        ("12.03.2026", date(2026, 3, 12)),
        ("12/03/26", date(2026, 3, 12)),
        ("12. März 2026", date(2026, 3, 12)),
        ("1er avril 2026", date(2026, 4, 1)),
        ("March 12th, 2026", date(2026, 3, 12)),
        ("12 de marzo de 2026", date(2026, 3, 12)),
        ("31/02/2026", None),
        ("05/04/2026", None),
    ],
)
def test_a_day_is_read_or_left_open(written: str, day: date | None) -> None:
    found = days.FOUND.search(f"on {written} we paid")
    assert found is not None
    assert days.day_of(found, month_first=None, near=None if day is None else NEAR) == day
