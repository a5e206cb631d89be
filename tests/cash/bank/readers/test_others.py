"""CFONB 120, BAI2, OFX and tables. All samples are made up."""

from __future__ import annotations

import io
from datetime import date

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as some

from ar.cash.bank.profiles import chosen, shipped
from ar.cash.bank.readers.cfonb import overpunched
from ar.cash.bank.readers.facts import Balance, BankFileError, Statement, statements
from ar.cash.bank.readers.read import parts_of
from ar.core.mapping import ProfileError
from ar.core.tabular import FileError

RIB = "20041    01005EUR2 0500013M026"
DAY = date(2026, 3, 12)


def cfonb(code: str, rest: str, *, amount: str = "", rib: str = RIB) -> str:
    """A record: `rest` from column 33 on, the amount in its columns."""
    record = f"{code}{rib}{rest}".ljust(90)
    return (record[:90] + amount).ljust(120) if amount else record.ljust(120)


OPENING = cfonb("01", "  110326", amount="0000000010000{")
CLOSING = cfonb("07", "  120326", amount="0000000011234E")


def movement(amount: str, label: str = "VIR SEPA NORDLICHT") -> str:
    return cfonb("04", f"05120326  120326{label}", amount=amount)


def more(qualifier: str, text: str) -> str:
    return cfonb("05", f"05120326     {qualifier}{text}")


def read(content: str | bytes, **given_: str) -> list[Statement]:
    raw = content.encode() if isinstance(content, str) else content
    return list(statements(parts_of(raw, profiles=shipped(), **given_)))


def test_cfonb_qualifiers() -> None:
    records = [
        OPENING,
        movement("0000000001234E"),
        more("NPY", "NORDLICHT GMBH"),
        more("LCC", "FACTURE F-17"),
        more("LC2", "ET F-18"),
        more("RCN", f"{'E2E-1'.ljust(35)}GDDS"),
        more("RUM", "MANDAT-1"),
        more("MMO", "USD200000000013500"),
        CLOSING,
    ]
    [one] = read("\r\n".join(records))
    assert (one.account, one.currency) == ("20041010050500013M026", "EUR")
    assert one.opening == Balance(100_000, "EUR", date(2026, 3, 11))
    assert one.closing == Balance(112_345, "EUR", DAY)
    [line] = one.lines
    assert (line.amount_minor, line.booked_on, line.value_on) == (12_345, DAY, DAY)
    assert (line.counterparty_name, line.end_to_end_id, line.mandate_id) == ("NORDLICHT GMBH", "E2E-1", "MANDAT-1")
    assert line.remittance == "VIR SEPA NORDLICHT\nFACTURE F-17\nET F-18\nGDDS"
    assert (line.original_minor, line.original_currency) == (13_500, "USD")


def test_cfonb_without_line_breaks() -> None:
    [one] = read("".join([OPENING, movement("0000000001234E"), CLOSING]))
    assert [line.amount_minor for line in one.lines] == [12_345]


@given(minor=some.integers(-(10**13) + 1, 10**13 - 1))
def test_overpunched_amounts(minor: int) -> None:
    digits = f"{abs(minor):014}"
    sign = ("}JKLMNOPQR" if minor < 0 else "{ABCDEFGHI")[int(digits[-1])]
    assert overpunched(digits[:-1] + sign, "2", "EUR", "line 1") == minor


def test_decimals_come_from_the_record() -> None:
    assert overpunched("0000000001200{", "0", "EUR", "line 1") == 1_200_000
    assert overpunched("0000000001200{", "0", "JPY", "line 1") == 12_000
    assert overpunched("0000000001200{", "3", "EUR", "line 1") == 1_200
    with pytest.raises(BankFileError):
        overpunched("0000000001200A", "3", "EUR", "line 1")


@pytest.mark.parametrize(
    ("records", "where", "why"),
    [
        ([OPENING, movement("0000000001234Z"), CLOSING], "line 2", "not an amount"),
        ([OPENING, movement("0000000001234E")], "the end of the file", "no closing record"),
        ([OPENING, more("NPY", "X"), CLOSING], "line 2", "does not follow"),
        ([OPENING, OPENING], "line 2", "before the one before"),
        ([OPENING, "99 nonsense", CLOSING], "line 2", "not a record"),
        ([OPENING, movement("0000000001234E").replace("120326", "320326", 1), CLOSING], "line 2", "calendar"),
        ([OPENING, cfonb("07", "  120326", amount="0{", rib="20041    01005EUR2 99999999999")], "line 2", "another"),
        ([OPENING + "X", CLOSING], "line 1", "121 characters"),
    ],
)
def test_what_cfonb_refuses_and_where(records: list[str], where: str, why: str) -> None:
    with pytest.raises(BankFileError) as caught:
        read("\n".join(records))
    assert caught.value.message.startswith(where)
    assert why in caught.value.message


BAI = [
    "01,122099999,123456789,260313,0200,1,,,2/",
    "02,123456789,122099999,1,260312,,USD,2/",
    "03,0975312468,,010,500000,,,015,610000,,/",
    "16,165,100000,1,DD1620,E-9,DEALER PAYMENTS/",
    "88,INVOICE F-12/",
    "16,475,5000,,CHK77,1234/",
    "16,357,15000,Z,RT1,,RETURNED ITEM/",
    "49,1230000,6/",
    "98,1230000,1,8/",
    "99,1230000,1,10/",
]


def test_bai2() -> None:
    [one] = read("\n".join(BAI))
    assert (one.format, one.account, one.currency) == ("bai2", "0975312468", "USD")
    assert (one.opening, one.closing) == (Balance(500_000, "USD", DAY), Balance(610_000, "USD", DAY))
    assert [(line.amount_minor, line.kind, line.bank_reference, line.end_to_end_id) for line in one.lines] == [
        (100_000, "165", "DD1620", "E-9"),
        (-5_000, "475", "CHK77", "1234"),
        (15_000, "357", "RT1", ""),
    ]
    assert "INVOICE F-12" in one.lines[0].remittance
    assert [line.return_reason for line in one.lines] == ["", "", "357"]


def test_a_banks_own_code_moves_money_as_its_neighbours() -> None:
    own = [line.replace("16,165,", "16,388,").replace("16,475,", "16,688,") for line in BAI]
    [one] = read("\n".join(own))
    assert [(line.amount_minor, line.kind) for line in one.lines][:2] == [(100_000, "388"), (-5_000, "688")]


@pytest.mark.parametrize("kept", range(1, len(BAI)))
def test_bai2_that_was_cut_off_is_refused_at_once(kept: int) -> None:
    with pytest.raises(BankFileError):
        read("\n".join(BAI[:kept]))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("16,165,100000", "16,165,100001"),
        ("16,165,100000", "16,165,1e5"),
        ("16,165,", "16,900,"),
        ("49,1230000,6", "49,1230000,7"),
        ("260312", "261312"),
        ("USD", "EUX"),
    ],
)
def test_bai2_that_does_not_add_up_is_refused(before: str, after: str) -> None:
    with pytest.raises(BankFileError):
        read("\n".join(BAI).replace(before, after))


def ofx(transactions: str, *, head: str = "OFXHEADER:100\nDATA:OFXSGML\n\n", currency: str = "EUR") -> str:
    return (
        f"{head}<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>{currency}<BANKACCTFROM><BANKID>20041<BRANCHID>01005"
        f"<ACCTID>0500013M026<ACCTTYPE>CHECKING</BANKACCTFROM><BANKTRANLIST><DTSTART>20260301<DTEND>20260331"
        f"{transactions}</BANKTRANLIST><LEDGERBAL><BALAMT>-12.50<DTASOF>20260331120000</LEDGERBAL></STMTRS></STMTTRNRS>"
        "</BANKMSGSRSV1></OFX>"
    )


ONE = (
    "<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260312120000[+1:CET]<TRNAMT>12,50<FITID>77<NAME>A &amp; B<MEMO>F-17</STMTTRN>"
)


def test_ofx_keeps_lines_that_repeat_a_fitid() -> None:
    [one] = read(ofx(ONE + ONE + ONE.replace("12,50", "-3.00")))
    assert (one.account, one.reference) == ("20041010050500013M026", "20260301-20260331")
    assert (one.opening, one.closing) == (None, Balance(-1_250, "EUR", date(2026, 3, 31)))
    assert [(line.amount_minor, line.bank_reference) for line in one.lines] == [
        (1_250, "77"),
        (1_250, "77"),
        (-300, "77"),
    ]
    assert (one.lines[0].counterparty_name, one.lines[0].remittance, one.lines[0].booked_on) == ("A & B", "F-17", DAY)


def test_ofx_as_xml() -> None:
    xml = ofx(
        "<STMTTRN><TRNTYPE>DEBIT</TRNTYPE><DTPOSTED>20260312</DTPOSTED><TRNAMT>-7</TRNAMT><FITID>1</FITID><MEMO></MEMO>"
        "<NAME><![CDATA[C < D]]></NAME></STMTTRN>",
        head='<?xml version="1.0"?><?OFX OFXHEADER="200"?>',
    )
    [one] = read(xml)
    assert [(line.amount_minor, line.counterparty_name) for line in one.lines] == [(-700, "C < D")]


@pytest.mark.parametrize(
    "content",
    [
        ofx(ONE)[:300],
        ofx(ONE.replace("12,50", "twelve")),
        ofx(ONE.replace("12,50", "1,2,5")),
        ofx(ONE.replace("20260312", "20261312")),
        ofx(ONE.replace("<TRNAMT>12,50", "")),
        ofx(ONE, currency=""),
        ofx("<STMTTRN><STMTTRN>"),
        "OFXHEADER:100\n<OFX></OFX>",
        "<!DOCTYPE x><OFX></OFX>",
    ],
)
def test_what_ofx_refuses(content: str) -> None:
    with pytest.raises(BankFileError):
        read(content)


FRENCH = "Date;Date de valeur;Libellé;Débit;Crédit;Solde\n"


def test_a_table_with_debits_and_credits() -> None:
    content = (
        FRENCH + "12/03/2026;12/03/2026;VIR NORDLICHT;;1 234,50;2 234,50\n12/03/2026;13/03/2026;PRLV;12,00;;2 222,50\n"
    )
    [one] = read(content.encode("cp1252"), account="FR76 2004")
    assert (one.format, one.account, one.currency) == ("table", "FR762004", "EUR")
    assert [(line.amount_minor, line.value_on) for line in one.lines] == [(123_450, DAY), (-1_200, date(2026, 3, 13))]
    assert (one.opening, one.closing) == (Balance(100_000, "EUR", DAY), Balance(222_250, "EUR", DAY))


def test_a_table_that_has_its_newest_row_first() -> None:
    content = FRENCH + "13/03/2026;;B;;2,00;15,00\n12/03/2026;;A;;3,00;13,00\n"
    [one] = read(content)
    assert (one.opening, one.closing) == (Balance(1_000, "EUR", DAY), Balance(1_500, "EUR", date(2026, 3, 13)))


def test_a_table_with_a_column_of_directions() -> None:
    content = (
        '"Datum","Naam / Omschrijving","Rekening","Tegenrekening","Code","Af Bij","Bedrag (EUR)","Mededelingen"\n'
        '"20260312","De Vries","NL91ABNA0417164300","","GT","Bij","100,00","factuur 17"\n'
        '"20260312","Bank","NL91ABNA0417164300","","DV","Af","2,50","kosten"\n'
    )
    [one] = read(content)
    assert [(line.amount_minor, line.counterparty_name) for line in one.lines] == [(10_000, "De Vries"), (-250, "Bank")]


def test_the_export_of_german_savings_banks() -> None:
    content = (
        '"Auftragskonto";"Buchungstag";"Valutadatum";"Buchungstext";"Verwendungszweck";"Glaeubiger ID";'
        '"Mandatsreferenz";'
        '"Kundenreferenz (End-to-End)";"Beguenstigter/Zahlungspflichtiger";"Kontonummer/IBAN";"Betrag";"Waehrung"\n'
        '"DE89370400440532013000";"12.03.26";"12.03.26";"GUTSCHR";"Rechnung 17";"";"";"NOTPROVIDED";"Nordlicht";'
        '"DE02120300000000202051";"1.200,00";"EUR"\n'
    )
    [one] = read(content)
    [line] = one.lines
    assert (one.account, line.amount_minor, line.end_to_end_id) == ("DE89370400440532013000", 120_000, "")
    assert (line.counterparty_iban, line.remittance) == ("DE02120300000000202051", "Rechnung 17")


def test_a_workbook() -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["booking_date", "amount", "currency", "account", "text"])
    book.active.append([DAY, 12.5, "EUR", "DE89370400440532013000", "F-17"])
    out = io.BytesIO()
    book.save(out)
    [one] = read(out.getvalue())
    assert [(line.booked_on, line.amount_minor, line.remittance) for line in one.lines] == [(DAY, 1_250, "F-17")]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("booking_date,amount,currency\n2026-03-12,ten,EUR\n", "line 2, column amount"),
        ("booking_date,amount,currency\n12.03.2026,10,EUR\n", "line 2, column booking_date"),
        ("booking_date,amount,currency\n2026-03-12,10.001,EUR\n", "line 2, column amount"),
        ("booking_date,amount,currency\n2026-03-12,1e9,EUR\n", "line 2, column amount"),
        ("booking_date,amount,currency\n0001-01-01,1,EUR\n", "line 2, column booking_date"),
        ("booking_date,amount\n2026-03-12,10\n", "line 2"),
        ("booking_date,debit,credit,currency\n2026-03-12,1,1,EUR\n", "line 2"),
        ("booking_date,debit,credit,currency\n2026-03-12,,,EUR\n", "line 2"),
        ("booking_date,amount,currency\n", "the file"),
        ("some,other,table\n1,2,3\n", "the file"),
    ],
)
def test_what_a_table_is_refused_for_and_where(content: str, where: str) -> None:
    with pytest.raises(BankFileError) as caught:
        read(content)
    assert caught.value.message.startswith(f"{where}:")


def test_profiles_that_there_are() -> None:
    assert [one.name for one in shipped()] == ["debit-credit", "fr", "ing-nl", "neutral", "sparkasse"]
    assert [one.name for one in chosen("fr")] == ["fr"]
    with pytest.raises(ProfileError):
        chosen("../fr")


@pytest.mark.parametrize("content", [b"", b"  \n", b"%PDF-1.7", b"\x00\x01\x02", b"PK\x03\x04nothing"])
def test_what_is_no_bank_file(content: bytes) -> None:
    with pytest.raises((BankFileError, FileError)):
        read(content)
