"""MT940 in the dialects of European banks. All samples are made up."""

from __future__ import annotations

from datetime import date

import pytest

from ar.cash.bank.readers.facts import BankFileError, Line, statements
from ar.cash.bank.readers.mt940 import account_of
from ar.cash.bank.readers.read import parts_of
from tests.cash.bank.make import mt940


def only(line: str, details: str = "", **given: str) -> Line:
    [one] = statements(parts_of(mt940([(line, details)], **given)))
    [found] = one.lines
    return found


GERMAN = (
    "166?00GUTSCHRIFT?109248?20EREF+E2E-4711?21MREF+M-1?22SVWZ+Rechnung 2026-0000\r\n"
    "?2341 vom 01.03. Danke?30COBADEFFXXX?31DE02120300000000202051?32Nordlicht Werkzeug Handels\r\n"
    "?33GmbH"
)


def test_german_subfields_with_sepa_words() -> None:
    line = only("2603120312CR1200,00N166NONREF//20260312-17", GERMAN)
    assert (line.amount_minor, line.booked_on, line.kind) == (120_000, date(2026, 3, 12), "N166 166")
    assert (line.counterparty_name, line.counterparty_iban) == (
        "Nordlicht Werkzeug Handels GmbH",
        "DE02120300000000202051",
    )
    assert (line.end_to_end_id, line.mandate_id, line.bank_reference) == ("E2E-4711", "M-1", "20260312-17")
    assert line.remittance == "Rechnung 2026-000041 vom 01.03. Danke"


def test_german_subfields_of_old_are_lines() -> None:
    line = only("260312C1,00NTRFNONREF", "051?00UEBERWEISUNG?20RE 4711?21KD 12?30COBADEFF?311234567?32MEIER")
    assert (line.remittance, line.counterparty_iban, line.counterparty_name) == ("RE 4711\nKD 12", "1234567", "MEIER")


def test_a_german_direct_debit_that_came_back() -> None:
    line = only(
        "2603120312DR53,00N109NONREF",
        "109?00RETOURE?20EREF+E-9?21SVWZ+AM04 Rueckgabe?22OAMT+EUR 50,00 COAM+EUR 3,00?31DE02120300000000202051?32X AG",
    )
    assert (line.amount_minor, line.return_reason, line.end_to_end_id) == (-5_300, "AM04", "E-9")
    assert (line.original_minor, line.original_currency, line.charges_minor) == (5_000, "EUR", 300)


def test_dutch_words_between_slashes() -> None:
    line = only(
        "2603120312C250,50NTRFEREF//2607101",
        "/EREF/E-77//CNTP/NL91ABNA0417164300/ABNANL2A/De Vries Bouw///REMI/USTD//factuur 2026-17/",
    )
    assert (line.counterparty_name, line.counterparty_iban) == ("De Vries Bouw", "NL91ABNA0417164300")
    assert (line.end_to_end_id, line.remittance, line.amount_minor) == ("E-77", "factuur 2026-17", 25_050)


def test_dutch_words_wrapped_in_the_midst() -> None:
    line = only(
        "2603120312C1,00N654NONREF",
        "/TRTP/SEPA OVERBOEKING/IBAN/NL91ABNA0417164300/BIC/ABNANL2A/NAME/\r\nDE VRIES/REMI/Fact\r\n"
        "uur 12/EREF/NOTPROVIDED",
    )
    assert (line.counterparty_name, line.remittance, line.end_to_end_id) == ("DE VRIES", "Factuur 12", "")


def test_a_structured_dutch_reference_and_a_return() -> None:
    line = only("260312D9,00NRTI", "/RTRN/MS03/REMI/STRD/CUR/RF18539007547034/")
    assert (line.structured_reference, line.return_reason) == ("RF18539007547034", "MS03")


def test_french_labels() -> None:
    line = only(
        "2603120312C80,00NTRFNONREF//1234", "VIR RECU 0071\r\nDE: ATELIER DUPONT\r\nMOTIF: FACTURE 2026-9 REF: E-5"
    )
    assert (line.counterparty_name, line.remittance, line.end_to_end_id) == ("ATELIER DUPONT", "FACTURE 2026-9", "E-5")


def test_plain_text_of_a_nordic_bank() -> None:
    line = only("2603120312C80,00NTRFINV 4711//55", "Betalning faktura 4711\r\nBygg AB")
    assert (line.remittance, line.end_to_end_id, line.bank_reference) == (
        "Betalning faktura 4711\nBygg AB",
        "INV 4711",
        "55",
    )


@pytest.mark.parametrize(
    ("mark", "minor", "reversal"), [("C", 100, False), ("D", -100, False), ("RC", -100, True), ("RD", 100, True)]
)
def test_marks(mark: str, minor: int, reversal: bool) -> None:
    line = only(f"260312{mark}1,00NTRFNONREF")
    assert (line.amount_minor, line.is_reversal) == (minor, reversal)


@pytest.mark.parametrize(
    ("line", "booked", "value"),
    [
        ("2601020112C1,00NTRFX", date(2026, 1, 12), date(2026, 1, 2)),
        ("2512311231C1,00NTRFX", date(2025, 12, 31), date(2025, 12, 31)),
        ("2601011231C1,00NTRFX", date(2025, 12, 31), date(2026, 1, 1)),
        ("2512310102C1,00NTRFX", date(2026, 1, 2), date(2025, 12, 31)),
        ("2602300302C1,00NTRFX", date(2026, 3, 2), date(2026, 2, 28)),
        ("260312C1,00NTRFX", date(2026, 3, 12), date(2026, 3, 12)),
    ],
)
def test_days(line: str, booked: date, value: date) -> None:
    found = only(line)
    assert (found.booked_on, found.value_on) == (booked, value)


def test_foreign_money_and_charges_in_the_supplement() -> None:
    line = only("2603120312C98,50NTRFE-1//9\r\n/OCMT/USD110,00//CHGS/EUR1,50/")
    assert (line.original_minor, line.original_currency, line.charges_minor) == (11_000, "USD", 150)


def test_a_report_of_the_running_day_is_provisional() -> None:
    content = b":20:X\n:25:DE89370400440532013000\n:28C:1\n:34F:EUR0,\n:13D:2603121200+0100\n:61:260312C5,00NTRFX\n-\n"
    [one] = statements(parts_of(content))
    assert (one.format, one.provisional, one.currency, one.lines[0].amount_minor) == ("mt942", True, "EUR", 500)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("DE89370400440532013000EUR", "DE89370400440532013000"),
        ("NL91 ABNA 0417 1643 00 EUR", "NL91ABNA0417164300"),
        ("COBADEFFXXX/DE89370400440532013000", "DE89370400440532013000"),
        ("37040044/0532013000", "370400440532013000"),
        ("517852257", "517852257"),
    ],
)
def test_account_numbers(written: str, read: str) -> None:
    assert account_of(written, "EUR") == read


@pytest.mark.parametrize(
    ("content", "where", "why"),
    [
        (mt940([("260312C1234567890123456,00NTRF", "")]), "line 5", "more than 15 digits"),
        (mt940([("260312C1,0,0NTRFX", "")]), "line 5", "not an amount"),
        (mt940([("260312C1,005NTRFX", "")]), "line 5", "more decimals"),
        (mt940([("261312C1,00NTRFX", "")]), "line 5", "calendar"),
        (mt940([("garbage", "")]), "line 5", "not a statement line"),
        (mt940([], opening="C260312EUX1,00"), "line 4", "ISO 4217"),
        (mt940([], opening="100,00"), "line 4", "not a balance"),
        (mt940([], account=""), "line 1", "which account"),
        (b":20:X\n:25:DE89\n:28C:1\n-\n", "line 1", "no opening balance"),
        (mt940([("260312C1,00NTRFX", "a" * 30_000)]), "line 6", "longer than"),
    ],
)
def test_what_is_refused_and_where(content: bytes, where: str, why: str) -> None:
    with pytest.raises(BankFileError) as caught:
        list(parts_of(content))
    assert caught.value.message.startswith(where)
    assert why in caught.value.message
