"""CAMT: batches, returns, charges, foreign money, references, and what is refused."""

from __future__ import annotations

import pytest

from ar.cash.bank.readers.facts import BankFileError, Line, Status, statements
from ar.cash.bank.readers.read import parts_of
from tests.cash.bank.make import Entry, Tx, camt


def lines(*entries: Entry, kind: str = "053") -> tuple[Line, ...]:
    [one] = statements(parts_of(camt(entries, kind=kind)))
    return one.lines


def only(**given: object) -> Line:
    [line] = lines(Entry("100.00", reference="R1", transactions=[Tx(**given)]))  # type: ignore[arg-type]
    return line


def test_a_batch_is_a_line_for_each_transaction_when_they_add_up() -> None:
    parts = [Tx("60.00", "A", ["F-1", "thanks"]), Tx("40.00", "B", ["F-2"])]
    found = lines(Entry("100.00", reference="R1", transactions=parts))
    assert [(one.amount_minor, one.counterparty_name, one.remittance) for one in found] == [
        (6_000, "A", "F-1\nthanks"),
        (4_000, "B", "F-2"),
    ]
    assert {(one.entry_minor, one.entry_reference, one.parts) for one in found} == {(10_000, "R1", 2)}
    assert [one.part for one in found] == [1, 2]


def test_a_batch_less_its_charges_has_a_line_for_them() -> None:
    charges = '<Chrgs><TtlChrgsAndTaxAmt Ccy="EUR">2.00</TtlChrgsAndTaxAmt></Chrgs>'
    found = lines(Entry("98.00", transactions=[Tx("60.00"), Tx("40.00")], more=charges))
    assert [(one.amount_minor, one.kind) for one in found] == [(6_000, ""), (4_000, ""), (-200, "charges")]
    assert sum(one.amount_minor for one in found) == 9_800


def test_transactions_that_do_not_add_up_are_words_on_one_line() -> None:
    found = lines(Entry("100.00", transactions=[Tx("60.00", "A", ["F-1"]), Tx("39.00", "A", ["F-2"])]))
    assert [(one.amount_minor, one.counterparty_name, one.remittance) for one in found] == [(10_000, "A", "F-1\nF-2")]


def test_a_batch_of_debits_and_credits_keeps_their_signs() -> None:
    parts = [Tx("60.00"), Tx("10.00", before="<CdtDbtInd>DBIT</CdtDbtInd>")]
    assert [one.amount_minor for one in lines(Entry("50.00", transactions=parts))] == [6_000, -1_000]


def test_a_return_says_why() -> None:
    line = only(more="<RtrInf><OrgnlBkTxCd><Prtry><Cd>X</Cd></Prtry></OrgnlBkTxCd><Rsn><Cd>AC04</Cd></Rsn></RtrInf>")
    assert line.return_reason == "AC04"


def test_a_reversal_moves_as_it_says() -> None:
    [line] = lines(Entry("5.00", "DBIT", more="<RvslInd>true</RvslInd>"))
    assert (line.amount_minor, line.is_reversal) == (-500, True)


def test_pending_and_informative_entries_are_told_from_booked_ones() -> None:
    found = lines(Entry("1.00"), Entry("2.00", status="PDNG"), Entry("3.00", status="<Cd>INFO</Cd>"))
    assert [one.status for one in found] == [Status.BOOKED, Status.PENDING, Status.INFORMATION]


def test_charges_and_what_the_payer_ordered() -> None:
    line = only(
        before='<AmtDtls><InstdAmt><Amt Ccy="USD">120.00</Amt></InstdAmt><TxAmt><Amt Ccy="EUR">101.50</Amt></TxAmt>'
        '</AmtDtls><Chrgs><Rcrd><Amt Ccy="EUR">1.50</Amt></Rcrd></Chrgs>'
    )
    assert (line.amount_minor, line.currency, line.charges_minor) == (10_000, "EUR", 150)
    assert (line.original_minor, line.original_currency) == (12_000, "USD")


def test_charges_that_are_not_taken_off_are_not_told() -> None:
    line = only(before='<Chrgs><Rcrd><Amt Ccy="EUR">1.50</Amt><ChrgInclInd>false</ChrgInclInd></Rcrd></Chrgs>')
    assert line.charges_minor is None


def test_the_ultimate_debtor_is_named_where_the_debtor_is_not() -> None:
    line = only(before="<RltdPties><UltmtDbtr><Pty><Nm>Holding</Nm></Pty></UltmtDbtr></RltdPties>")
    assert line.counterparty_name == "Holding"
    both = only(
        before="<RltdPties><Dbtr><Nm>Payer</Nm></Dbtr><UltmtDbtr><Nm>Holding</Nm></UltmtDbtr>"
        "<Cdtr><Nm>We</Nm></Cdtr></RltdPties>"
    )
    assert both.counterparty_name == "Payer"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("RF18 5390 0754 7034", "RF18539007547034"),
        ("21 00000 00003 13947 14300 09017", "210000000003139471430009017"),
        ("+++090/9337/55493+++", "090933755493"),
        ("1234561", "1234561"),
        ("F-2026 / 17", "F-2026 / 17"),
    ],
)
def test_structured_references(written: str, read: str) -> None:
    line = only(more=f"<RmtInf><Strd><CdtrRefInf><Ref>{written}</Ref></CdtrRefInf></Strd></RmtInf>")
    assert line.structured_reference == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("for RF18 5390 0754 7034 THANKS", "RF18539007547034"),
        ("ref 210000000003139471430009017.", "210000000003139471430009017"),
        ("betaling ***090/9337/55493***", "090933755493"),
        ("RF19539007547034", ""),
        ("order 090933755493", ""),
    ],
)
def test_references_within_free_text(text: str, read: str) -> None:
    assert only(text=[text]).structured_reference == read


def test_referred_documents_are_words() -> None:
    line = only(more="<RmtInf><Strd><RfrdDocInf><Nb>F-2026-17</Nb></RfrdDocInf></Strd></RmtInf>")
    assert line.remittance == "F-2026-17"


@pytest.mark.parametrize("version", ["02", "04", "06", "08", "10", "13"])
@pytest.mark.parametrize("kind", ["052", "053", "054"])
def test_every_version_is_read(kind: str, version: str) -> None:
    [one] = statements(parts_of(camt([Entry("1.00")], kind=kind, version=version)))
    assert (one.format, one.provisional, len(one.lines)) == (f"camt.{kind}", kind == "052", 1)


def test_a_currency_without_cents_and_one_with_three() -> None:
    found = lines(Entry("1200", currency="JPY"), Entry("1.234", currency="KWD"), Entry("7.", currency="EUR"))
    assert [one.amount_minor for one in found] == [1_200, 1_234, 700]


BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<Document><BkToCstmrStmt><Stmt><Acct><Id><IBAN>&b;</IBAN></Id></Acct></Stmt></BkToCstmrStmt></Document>"""


@pytest.mark.parametrize(
    ("content", "where", "why"),
    [
        (camt([Entry("1.00"), Entry("1e5")]), "statement 1, entry 2", "not an amount"),
        (camt([Entry("1.005")]), "statement 1, entry 1", "more decimals"),
        (camt([Entry("1.00", currency="EUX")]), "statement 1, entry 1", "not an ISO 4217"),
        (camt([Entry("1.00", currency="JPY"), Entry("1.50", currency="JPY")]), "statement 1, entry 2", "more decimals"),
        (camt([Entry("9" * 16)]), "statement 1, entry 1", "largest amount"),
        (camt([Entry("٣.00")]), "statement 1, entry 1", "not an amount"),
        (camt([Entry("1.00", "UP")]), "statement 1, entry 1", "neither CRDT nor DBIT"),
        (camt([Entry("1.00", status="GONE")]), "statement 1, entry 1", "status"),
        (camt([Entry("1.00")]).replace(b"2026-03-12", b"2026-02-30"), "statement 1, entry 1", "calendar"),
        (camt([Entry("1.00")], account=""), "statement 1", "neither an IBAN"),
        (camt([Entry("1.00")])[:-30], "line", "well-formed"),
        (BOMB, "the file", "document type"),
        (camt([]).replace(b"UTF-8", b"UTF-7"), "line 1", "encoding"),
        (camt([]).decode().encode("utf-16"), "the file", ""),
        (b"<Document>" + b"<BkToCstmrStmt>" * 3000, "line", "well-formed"),
        (b"<BkToCstmrStmt/>", "the file", "without any statement"),
        (b"<invoice/>", "the file", "not CAMT"),
    ],
)
def test_what_is_refused_and_where(content: bytes, where: str, why: str) -> None:
    with pytest.raises(BankFileError) as caught:
        list(parts_of(content))
    assert caught.value.message.startswith(where)
    assert why in caught.value.message
    assert caught.value.faults[0].pointer.startswith(where)


@pytest.mark.parametrize(
    ("junk", "why"),
    [
        (b"<Ntry>" + b"<a/>" * 300_000 + b"</Ntry>", "belong to one entry"),
        (b"<Ntry><NtryDtls>" + b"<TxDtls/>" * 100_001 + b"</NtryDtls></Ntry>", "more than 100,000 transactions"),
    ],
)
def test_an_entry_that_would_fill_the_memory_is_refused(junk: bytes, why: str) -> None:
    content = camt([Entry("1.00")]).replace(b"<Ntry>", junk + b"<Ntry>", 1)
    with pytest.raises(BankFileError) as caught:
        list(parts_of(content))
    assert why in caught.value.message


def test_a_pending_entry_without_dates_is_of_the_day_the_message_was_made() -> None:
    dates = b"<BookgDt><Dt>2026-03-12</Dt></BookgDt><ValDt><Dt>2026-03-12</Dt></ValDt>"
    content = camt([Entry("1.00", status="PDNG"), Entry("2.00", status="PDNG")], kind="052").replace(dates, b"")
    [one] = statements(parts_of(content))
    assert [str(line.booked_on) for line in one.lines] == ["2026-03-13", "2026-03-13"]
