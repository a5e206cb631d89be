"""What of a payment's texts may be a reference."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ar.cash.matching.tokens import MOST, like_a_day, quoted, strength
from ar.ledger.references import reference_key


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("FACTURE Fr1-2026/000123 DU 12.03.2026", "Fr1-2026/000123"),
        ("inv 2026-0012", "INV 2026/0012"),
        ("Votre facture FA 2026 000 123", "FA2026-000123"),
        ("PAIEMENT FA2026000123MERCI", "FA2026-000123"),
        ("REGLEMENTFA2026000123", "FA2026-000123"),
        ("000123", "123"),
        ("F-000123", "F123"),
        ("RF18 5390 0754 7034", "539007547034"),
        ("RF18539007547034", "539007547034"),
        ("21 00000 00003 13947 14300 09017", "313947143000901"),
        ("+++090/9337/55493+++", "090933755493"),
        ("+++090/9337/55493+++", "909337554"),
        ("Émission É-2026-9", "e2026/9"),
    ],
)
def test_a_reference_is_found_however_it_is_written(text: str, reference: str) -> None:
    assert reference_key(reference) in quoted((text,))


def test_a_reference_is_a_whole_token() -> None:
    assert "12" not in quoted(("EXERCICE 2012",))
    assert "12" in quoted(("FACTURE 12",))
    assert "000123" not in quoted(("9000123",))


def test_structured_references_with_a_wrong_check_digit_carry_nothing() -> None:
    assert "539007547034" not in quoted(("RF19539007547034",))
    assert "313947143000901" not in quoted(("210000000003139471430009018",))


@given(st.lists(st.text(max_size=300), max_size=5))
def test_few_tokens_each_a_reference_key(texts: list[str]) -> None:
    tokens = quoted(texts)
    assert len(tokens) <= MOST
    assert len(set(tokens)) == len(tokens)
    assert all(token == reference_key(token) and 1 < len(token) <= 35 for token in tokens)


@given(st.from_regex(r"[A-Z]{1,3}[0-9]{2,4}[-/ ][0-9]{4,8}", fullmatch=True), st.sampled_from(string.punctuation + " "))
def test_what_stands_before_and_after_changes_nothing(reference: str, mark: str) -> None:
    assert reference_key(reference) in quoted((f"TOTAL{mark} {reference} {mark}EUR",))


def test_days_years_and_short_numbers_say_little() -> None:
    assert strength("FA2026000123") == 1.0
    assert strength("2026") < 0.2 > strength("12")
    assert strength("12032026") < 0.5 < strength("1234567")
    assert like_a_day("20260312")
    assert like_a_day("120326")
    assert not like_a_day("99032026")
