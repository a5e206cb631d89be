"""Files that others publish as examples, line by line: the values were read by eye in the files themselves."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ar.cash.bank.readers.facts import Balance, Line, Statement, Status, statements
from ar.cash.bank.readers.read import parts_of

FOLDER = Path(__file__).parents[5] / "shared" / "data" / "bank"


def read(name: str) -> list[Statement]:
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"{path} is missing")
    return list(statements(parts_of(path.read_bytes())))


def eur(minor: int, on: date) -> Balance:
    return Balance(minor, "EUR", on)


def brief(line: Line) -> tuple[date, date | None, int, str]:
    return line.booked_on, line.value_on, line.amount_minor, line.kind


def test_camt052_v4() -> None:
    [one] = read("camt052.v4.xml")
    assert (one.format, one.account, one.currency) == ("camt.052", "CH2801234000123456789", "CHF")
    assert (one.reference, one.provisional, one.opening) == ("AAAASESS-FP-ACCR001", True, None)
    assert one.closing == Balance(1002215, "CHF", date(2016, 6, 14))
    [line] = one.lines
    assert line == Line(
        place="statement 1, entry 1",
        booked_on=date(2007, 10, 18),
        value_on=date(2007, 10, 18),
        amount_minor=-20_000_000,
        currency="SEK",
        status=Status.PENDING,
        kind="PMNT.RCDT.DMCT",
        counterparty_name="Example Creditor 4 - V1",
        counterparty_iban="CH2401234004141414141",
        bank_reference="ACSR160614165200001",
        end_to_end_id="UXC06140000015PI00001EE00001",
        remittance="Example Remittance - 4 - V1",
        original_minor=410,
        original_currency="USD",
        entry_reference="ACSR160614165200001",
        entry_minor=-20_000_000,
    )


def test_camt053_v2_with_two_statements() -> None:
    first, second = read("camt053.v2.multi.statement.xml")
    assert (first.account, first.currency, first.reference) == ("NL26VAYB8060476890", "EUR", "253EURNL26VAYB8060476890")
    assert (first.opening, first.closing) == (eur(1815, date(2014, 12, 30)), eur(2700, date(2014, 12, 31)))
    assert first.lines == (
        Line(
            place="statement 1, entry 1",
            booked_on=date(2014, 12, 31),
            value_on=date(2015, 1, 2),
            amount_minor=885,
            currency="EUR",
            kind="544",
            counterparty_name="Company Name 1",
            counterparty_iban="NL56AGDH9619008421",
            end_to_end_id="000000001",
            remittance="Transaction Description 1",
            entry_minor=885,
        ),
    )
    assert (second.account, second.currency) == ("NL26VAYB8060476890", "EUR")
    assert (second.reference, second.provisional) == ("254EURNL26VAYB8060476890", False)
    assert (second.opening, second.closing) == (eur(2700, date(2014, 12, 30)), eur(2000, date(2014, 12, 31)))
    assert second.lines == (
        Line(
            place="statement 2, entry 1",
            booked_on=date(2014, 12, 31),
            value_on=date(2015, 1, 2),
            amount_minor=-700,
            currency="EUR",
            kind="544",
            counterparty_name="Company Name 2",
            counterparty_iban="NL56AGDH9619008421",
            end_to_end_id="000000002",
            remittance="Transaction Description 2",
            entry_minor=-700,
        ),
    )


@pytest.mark.parametrize(
    ("name", "kind", "end_to_end"),
    [("camt053.v4.xml", "PAYM.0001.0005", ""), ("camt053.v8.xml", "PMNT.RCDT.BOOK", "MUELL/FINP/RA12345")],
)
def test_camt053_v4_and_v8(name: str, kind: str, end_to_end: str) -> None:
    [one] = read(name)
    assert (one.account, one.currency, one.provisional) == ("NL26VAYB8060476890", "EUR", False)
    assert one.opening == eur(1815, date(2014, 12, 30))
    assert one.closing == Balance(-2700, "SEK", date(2014, 12, 30))
    assert one.lines == (
        Line(
            place="statement 1, entry 1",
            booked_on=date(2014, 12, 31),
            value_on=date(2015, 1, 2),
            amount_minor=885,
            currency="EUR",
            kind=kind,
            counterparty_name="NAME NAME",
            counterparty_iban="NL56AGDH9619008421",
            bank_reference="AAAASESS-FP-CN_98765/01",
            end_to_end_id=end_to_end,
            structured_reference="4654654654654654",
            entry_reference="AAAASESS-FP-CN_98765/01",
            entry_minor=885,
        ),
    )


def test_camt054_v4_is_one_line_since_its_transactions_are_in_another_currency() -> None:
    [one] = read("camt054.v4.xml")
    assert (one.format, one.account, one.currency) == ("camt.054", "CH2801234000123456789", None)
    assert (one.opening, one.closing, one.provisional) == (None, None, False)
    [line] = one.lines
    assert brief(line) == (date(2007, 10, 18), date(2007, 10, 18), -20_000_000, "PMNT.ICDT.DMCT")
    assert (line.currency, line.status, line.parts) == ("SEK", Status.BOOKED, 1)
    assert (line.bank_reference, line.batch_reference) == ("ACSR160617103200001", "UXC06170000006PI00001")
    assert (line.counterparty_name, line.counterparty_iban, line.end_to_end_id) == ("", "", "")
    assert sorted(line.remittance.split("\n")) == [
        "Additional Remittance Information V1",
        "Additional Remittance Information V2",
        "Additional Remittance Information V3 block 1",
        "Additional Remittance Information V3 block 2",
        "ISR ref number V1",
        "ISR ref number V2",
        "Ref number V3 block 1",
        "Ref number V3 block 2",
        "Unstructured Remittance Information V1",
        "Unstructured Remittance Information V3 block 1",
        "Unstructured Remittance Information V3 block 2",
    ]


def test_cfonb120() -> None:
    first, second = read("cfonb120-example.txt")
    assert (first.account, first.currency) == ("155890000098765432100", "EUR")
    assert (first.opening, first.closing) == (eur(-19040, date(2019, 5, 15)), eur(-24121, date(2019, 5, 16)))
    assert [brief(line) for line in first.lines] == [
        (date(2019, 5, 16), date(2019, 5, 16), -3221, "B1"),
        (date(2019, 5, 16), date(2019, 5, 16), -1070, "B1"),
        (date(2019, 5, 15), date(2019, 5, 15), -790, "62"),
    ]
    debit, transfer, fee = first.lines
    assert (debit.counterparty_name, debit.end_to_end_id) == ("INTERNET SFR", "OTHER REFERENCE")
    assert debit.bank_reference == "REFERENCE"
    assert debit.remittance.split("\n") == [
        "PRLV SEPA TEST CABINET",
        "MENSUEAUHTR13133",
        "MENSUEAUHTR13DUP",
        "INTERNETA AAA",
        "INTERNETA ABB",
        "INTERNETE BBB",
        "INTERNETI CCC",
        "EXAMPLE WITH EMPTY SPACE",
        "EXAMPLE WITH OTHER COMBINATIONS",
        "PURPOSE",
    ]
    assert (transfer.counterparty_name, transfer.bank_reference) == ("ELEC ERDF", "REFERENCE")
    assert transfer.remittance == "VIR SEPA DEMONSTRATION"
    assert (fee.remittance, fee.counterparty_name) == ("F COMMISSION D INTERVENTION", "")
    assert (second.account, second.currency) == ("187060000000123456789", "EUR")
    assert (second.opening, second.closing) == (eur(-24121, date(2019, 5, 16)), eur(-16372, date(2019, 5, 17)))
    assert [(brief(line), line.remittance) for line in second.lines] == [
        (
            (date(2019, 5, 17), date(2019, 5, 15), 9749, "A3"),
            "PRLV SEPA GROUPAMA CEN\nP051928612 22793301700040",
        ),
        ((date(2019, 5, 15), date(2019, 5, 15), -1210, "62"), "F FRAIS PRLV IMP 97 49EUR"),
        ((date(2019, 5, 16), date(2019, 5, 16), -790, "62"), "F COMMISSION D INTERVENTION"),
    ]


def test_mt940_of_abn_amro() -> None:
    first, second = read("mt940-abnamro.sta")
    assert (first.account, first.currency, first.reference) == ("517852257", "EUR", "ABN AMRO BANK NV 19321/1")
    assert (first.opening, first.closing) == (eur(323628, date(2011, 5, 22)), eur(87684, date(2011, 5, 23)))
    assert [brief(line) for line in first.lines] == [
        (date(2011, 5, 24), date(2011, 5, 24), -900, "N192"),
        (date(2011, 5, 23), date(2011, 5, 21), -1159, "N426"),
        (date(2011, 5, 23), date(2011, 5, 23), -1163, "N426"),
        (date(2011, 5, 23), date(2011, 5, 22), -1180, "N426"),
        (date(2011, 5, 23), date(2011, 5, 21), -1345, "N426"),
        (date(2011, 5, 23), date(2011, 5, 21), -1549, "N426"),
        (date(2011, 5, 23), date(2011, 5, 21), -10700, "N426"),
        (date(2011, 5, 23), date(2011, 5, 22), -14148, "N426"),
    ]
    giro = first.lines[0]
    assert (giro.counterparty_name, giro.counterparty_iban) == ("KPN - DIGITENNE", "428428")
    assert [line.remittance for line in first.lines] == [
        "GIRO 428428 KPN - DIGITENNE BETALINGSKENM. 000000042188659\n"
        "5314606715 BETREFT FACTUUR D.D. 20-05-2011\nINCL. 1,44 BTW",
        "BEA NR:XXX1234 21.05.11/12.54 DIRCKIII FIL2500 KATWIJK,PAS999",
        "BEA NR:XXX1234 23.05.11/09.08 DIGROS FIL1015 KATWIJK Z,PAS999",
        "BEA NR:XXX1234 22.05.11/14.25 MC DONALDS A44 LEIDEN,PAS999",
        "BEA NR:XXX1234 21.05.11/12.09 PRINCE FIL. 55 KATWIJK Z,PAS999",
        "BEA NR:XXX1234 21.05.11/12.55 DIRX FIL6017 KATWIJK ZH ,PAS999",
        "BEA NR:XXX1234 21.05.11/12.04 HANS ANDERS OPT./056 KAT,PAS999",
        "BEA NR:XXX1234 22.05.11/13.45 MYCOM DEN HAAG S-GRAVEN,PAS999",
    ]
    assert (second.account, second.reference) == ("517852257", "ABN AMRO BANK NV 19322/1")
    assert (second.opening, second.closing) == (eur(287684, date(2011, 5, 23)), eur(184975, date(2011, 5, 24)))
    assert [(brief(line), line.remittance, line.counterparty_name) for line in second.lines] == [
        (
            (date(2011, 5, 24), date(2011, 5, 24), -949, "N426"),
            "BEA NR:XXX1234 24.05.11/09.18 PETS PLACE KATWIJK KATWI,PAS999",
            "",
        ),
        ((date(2011, 5, 24), date(2011, 5, 24), -1500, "N426"), "52.89.39.882 MYCOM DEN HAAG", "MYCOM DEN HAAG"),
    ]


def test_mt940_of_mbank() -> None:
    [one] = read("mt940-mbank.sta")
    assert (one.account, one.currency, one.reference) == ("PL29114010810000267002001002", "PLN", "ST170119CYC/1 1/1")
    day = date(2017, 1, 19)
    assert (one.opening, one.closing) == (Balance(40, "PLN", day), Balance(43, "PLN", day))
    assert [brief(line) for line in one.lines] == [(day, day, 1, "NTRF 911")] * 3
    assert [line.bank_reference for line in one.lines] == ["MB170119012058", "MB170119012085", "MB170119012121"]
    assert {line.counterparty_name for line in one.lines} == {"JAN NOWAK"}
    assert {line.counterparty_iban for line in one.lines} == {"PL56114010810000267002001001"}
    assert [line.remittance for line in one.lines] == [f"PRZELEW SRODKOW\nID IPH: XX00000000000{n}" for n in (1, 2, 3)]


def test_mt940_of_rabobank() -> None:
    first, second = read("mt940-rabobank-iban.sta")
    assert {one.account for one in (first, second)} == {"NL71RABO0123456789"}
    assert {one.currency for one in (first, second)} == {"EUR"}
    assert (first.opening, first.closing) == (eur(100000, date(2013, 1, 1)), eur(96500, date(2013, 1, 8)))
    assert (second.opening, second.closing) == (eur(96500, date(2013, 1, 8)), eur(93000, date(2013, 1, 15)))
    assert [brief(line) for line in (*first.lines, *second.lines)] == [
        (date(2013, 1, 1), date(2013, 1, 1), -2500, "N102"),
        (date(2013, 1, 2), date(2013, 1, 2), -1000, "N154"),
        (date(2013, 1, 8), date(2013, 1, 8), -2500, "N102"),
        (date(2013, 1, 9), date(2013, 1, 9), -1000, "N154"),
    ]
    for one in (first, second):
        transfer, giro = one.lines
        assert (transfer.counterparty_name, transfer.counterparty_iban) == (
            "CONTRA ACCOUNT HOLDER",
            "NL70ABNA0987654321",
        )
        assert (giro.counterparty_name, giro.counterparty_iban) == ("JOHN DOE", "P001234567")
        assert (giro.remittance, transfer.remittance) == ("Reference 201301234", "")
    assert first.lines[0].end_to_end_id == "01-01-2013 12:00 0030000987654321"
    assert second.lines[0].end_to_end_id == "08-01-2013 12:00 0030000987654321"
