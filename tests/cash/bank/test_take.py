"""Bank files taken in: nothing twice, nothing lost, nothing by halves (promise 17)."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta

import pytest
from sqlmodel import col, func, select

from ar.cash.bank.after import WORK_JOB
from ar.cash.bank.days import day_close
from ar.cash.bank.models import BankLine, BankStatement, LineState
from ar.cash.bank.own_accounts import UnknownBankAccountError
from ar.cash.bank.readers.facts import BankFileError
from ar.core.files import StoredFile, read
from ar.core.jobs import Job
from ar.core.kernel import Kernel
from tests.cash.bank.make import DAY, Entry, Tx, camt, counted, found, lines_in, mt940, taken

OPEN, IGNORED, PROVISIONAL = LineState.OPEN, LineState.IGNORED, LineState.PROVISIONAL


def totals(report: object) -> list[tuple[int, int, int]]:
    return [(one.read, one.added, one.known) for one in report.statements]  # type: ignore[attr-defined]


def test_the_same_file_twice_adds_nothing(kernel: Kernel) -> None:
    found(kernel.database)
    file = camt(
        [Entry("100.00", reference="R1"), Entry("40.00", "DBIT", "R2"), Entry("100.00", reference="R1")],
        opening="10.00",
        closing="170.00",
    )
    assert totals(taken(kernel, file)) == [(3, 3, 0)]
    again = taken(kernel, file)
    assert totals(again) == [(3, 0, 3)]
    assert (again.file_id, again.statements[0].statement_id, again.statements[0].gaps) == (None, None, [])
    assert counted(kernel) == [(10_000, OPEN, ""), (-4_000, IGNORED, ""), (10_000, OPEN, "")]
    with kernel.database.reading() as session:
        [statement] = session.exec(select(BankStatement)).all()
        assert (statement.opening_minor, statement.closing_minor, statement.difference_minor) == (1_000, 17_000, 0)
        assert (statement.lines_read, statement.lines_added, statement.provisional) == (3, 3, False)
        [stored] = session.exec(select(StoredFile)).all()
        assert (stored.id, read(stored, kernel.settings.files)) == (statement.file_id, file)
        [job] = session.exec(select(Job)).all()
        assert (job.name, job.arguments) == (WORK_JOB, {"statement_id": statement.id})
        assert lines_in(session, IGNORED)[0].state_reason == "money that went out"


def test_overlapping_files_add_only_what_is_new(kernel: Kernel) -> None:
    found(kernel.database)
    days = [DAY + timedelta(days=n) for n in range(4)]
    entries = [Entry("5.00", on=day) for day in days for _ in range(2)]
    assert totals(taken(kernel, camt(entries[:6], reference="A"))) == [(6, 6, 0)]
    assert totals(taken(kernel, camt(entries[2:], reference="B"))) == [(6, 2, 4)]
    assert len(counted(kernel)) == 8


def test_any_cut_of_a_history_into_overlapping_files_gives_the_history(kernel: Kernel) -> None:
    found(kernel.database)
    dice = random.Random(17)
    history = [
        Entry(str(dice.randrange(1, 4)), on=DAY + timedelta(days=n // 6), reference=dice.choice(("", "", "R")))
        for n in range(60)
    ]
    for n in range(12):
        first = dice.randrange(10) if n < 11 else 0  # whole days, as banks cut
        last = dice.randrange(first + 1, 11) if n < 11 else 10
        taken(kernel, camt(history[first * 6 : last * 6], reference=f"S{n}", kind="054"))
    with kernel.database.reading() as session:
        stored = Counter((one.booked_on, one.amount_minor, one.bank_reference) for one in lines_in(session))
    assert stored == Counter((one.on, int(one.amount) * 100, one.reference) for one in history)


def test_two_statements_of_a_day_may_hold_the_same_line_and_both_count(kernel: Kernel) -> None:
    account_id = found(kernel.database)
    line = [("2603120312C10,00NTRFNONREF", "from a customer")]
    morning = mt940(line, opening="C260312EUR100,00", closing="C260312EUR110,00", number="1/1")
    noon = mt940(line, opening="C260312EUR110,00", closing="C260312EUR120,00", number="1/2")
    evening = mt940(line, opening="C260312EUR120,00", closing="C260312EUR130,00", number="1/3")
    for file in (morning, noon, evening):
        assert totals(taken(kernel, file)) == [(1, 1, 0)]
    for file in (evening, morning, noon, evening):
        assert totals(taken(kernel, file)) == [(1, 0, 1)]
    with kernel.database.reading() as session:
        told = day_close(session, account_id, DAY)
    assert (told.opening_minor, told.in_minor, told.closing_minor, told.difference_minor) == (10_000, 3_000, 13_000, 0)


PARTS = (Tx("60.00", "A", ["F-1"]), Tx("40.00", "B", ["F-2"]))


def test_a_batch_counts_once_whichever_file_tells_its_transactions_first(kernel: Kernel) -> None:
    found(kernel.database)
    whole = camt([Entry("100.00", reference="R1", more="")], opening="0.00", closing="100.00")
    parts = camt([Entry("100.00", reference="R1", transactions=PARTS)], kind="054")
    assert totals(taken(kernel, whole)) == [(1, 1, 0)]
    assert counted(kernel) == [(10_000, OPEN, "")]
    report = taken(kernel, parts)
    assert (report.statements[0].added, report.statements[0].replaced) == (2, 1)
    assert counted(kernel) == [(6_000, OPEN, "F-1"), (4_000, OPEN, "F-2")]
    for file in (whole, parts, whole):
        assert taken(kernel, file).statements[0].added == 0
    assert counted(kernel) == [(6_000, OPEN, "F-1"), (4_000, OPEN, "F-2")]


def test_transactions_first_then_the_batch(kernel: Kernel) -> None:
    account_id = found(kernel.database)
    assert totals(taken(kernel, camt([Entry("100.00", reference="R1", transactions=PARTS)], kind="054"))) == [(2, 2, 0)]
    whole = camt([Entry("100.00", reference="R1")], opening="0.00", closing="100.00")
    assert totals(taken(kernel, whole)) == [(1, 0, 1)]
    assert counted(kernel) == [(6_000, OPEN, "F-1"), (4_000, OPEN, "F-2")]
    with kernel.database.reading() as session:
        told = day_close(session, account_id, DAY)
    assert (told.in_minor, told.open_minor, told.difference_minor) == (10_000, 10_000, 0)


def test_a_batch_that_was_applied_as_a_whole_stays_so(kernel: Kernel) -> None:
    found(kernel.database)
    taken(kernel, camt([Entry("100.00", reference="R1")]))
    with kernel.database.transaction() as session:
        lines_in(session)[0].state = LineState.APPLIED
    assert totals(taken(kernel, camt([Entry("100.00", reference="R1", transactions=PARTS)], kind="054"))) == [(2, 0, 2)]
    assert counted(kernel) == [(10_000, LineState.APPLIED, "")]


def test_provisional_lines_are_booked_by_the_statement(kernel: Kernel) -> None:
    found(kernel.database)
    interim = camt([Entry("100.00", reference="R1"), Entry("7.00", reference="R2", transactions=PARTS[:1])], kind="052")
    assert totals(taken(kernel, interim)) == [(2, 2, 0)]
    assert [state for _, state, _ in counted(kernel)] == [PROVISIONAL, PROVISIONAL]
    final = camt([Entry("100.00", reference="R1", transactions=[Tx(text=["F-1"])])], opening="0.00", closing="100.00")
    report = taken(kernel, final)
    assert (report.statements[0].added, report.statements[0].replaced) == (0, 1)
    assert counted(kernel) == [(10_000, OPEN, "F-1"), (700, PROVISIONAL, "F-1")]
    assert totals(taken(kernel, interim)) == [(2, 0, 2)]
    assert counted(kernel) == [(10_000, OPEN, "F-1"), (700, PROVISIONAL, "F-1")]


def test_provisional_transactions_are_booked_by_their_batch(kernel: Kernel) -> None:
    found(kernel.database)
    taken(kernel, camt([Entry("100.00", reference="R1", transactions=PARTS)], kind="052"))
    taken(kernel, camt([Entry("100.00", reference="R1")], opening="0.00", closing="100.00"))
    assert counted(kernel) == [(6_000, OPEN, "F-1"), (4_000, OPEN, "F-2")]


def test_a_pending_line_that_is_booked_later_counts_once(kernel: Kernel) -> None:
    found(kernel.database)
    pending = Entry("100.00", status="PDNG", transactions=[Tx(end_to_end="E-1")])
    booked = Entry("100.00", on=DAY + timedelta(days=1), transactions=[Tx(end_to_end="E-1")])
    taken(kernel, camt([pending], reference="A"))
    assert counted(kernel) == [(10_000, PROVISIONAL, "")]
    taken(kernel, camt([booked], reference="B"))
    assert counted(kernel) == [(10_000, OPEN, "")]
    taken(kernel, camt([pending], reference="A"))
    assert counted(kernel) == [(10_000, OPEN, "")]


def test_money_that_came_back_is_for_a_person(kernel: Kernel) -> None:
    found(kernel.database)
    returned = Tx(more="<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>")
    file = camt(
        [
            Entry("10.00", "DBIT", "R1", transactions=[returned]),
            Entry("20.00", "DBIT", "R2", more="<RvslInd>true</RvslInd>"),
            Entry("30.00", "DBIT", "R3"),
            Entry("0.00", reference="R4"),
        ]
    )
    assert totals(taken(kernel, file)) == [(4, 3, 0)]
    assert [(minor, state) for minor, state, _ in counted(kernel)] == [
        (-1_000, OPEN),
        (-2_000, OPEN),
        (-3_000, IGNORED),
    ]


def test_gaps_are_told_and_do_not_block(kernel: Kernel) -> None:
    found(kernel.database)
    first = taken(kernel, camt([Entry("10.00")], opening="0.00", closing="11.00", reference="A"))
    assert len(first.statements[0].gaps) == 1
    assert "1.00 EUR is missing" in first.statements[0].gaps[0]
    day = DAY + timedelta(days=1)
    second = taken(kernel, camt([Entry("5.00", on=day)], opening="20.00", closing="25.00", on=day, reference="B"))
    assert second.statements[0].gaps == [
        "it does not open with the closing balance of the statement before: 9.00 EUR lies between"
    ]


@pytest.mark.parametrize(
    "file",
    [
        camt([Entry("10.00")], account="<IBAN>FR1420041010050500013M02606</IBAN>"),
        camt([Entry("10.00"), Entry("10.00", currency="USD")]),
        camt([Entry("10.00"), Entry("10.001")]),
        camt([Entry("10.00")])[:-60],
        b"booking_date,amount\n2026-03-12,10.00\n2026-03-12,ten\n",
    ],
)
def test_a_file_with_a_fault_changes_nothing(kernel: Kernel, file: bytes) -> None:
    found(kernel.database)
    with pytest.raises((BankFileError, UnknownBankAccountError)):
        taken(kernel, file)
    with kernel.database.reading() as session:
        for model in (BankLine, BankStatement, StoredFile, Job):
            assert session.exec(select(func.count()).select_from(model)).one() == 0


def test_an_unknown_account_is_named_with_the_way_out(kernel: Kernel) -> None:
    found(kernel.database)
    with pytest.raises(UnknownBankAccountError) as caught:
        taken(kernel, mt940([], account="FR1420041010050500013M02606"))
    assert "FR1420041010050500013M02606" in caught.value.message
    assert "POST /api/v1/bank/accounts" in caught.value.message


@pytest.mark.parametrize(
    "written", ["37040044/0532013000", "370400440532013000", "DE89370400440532013000EUR", "532013000"]
)
def test_an_account_is_found_however_its_bank_writes_it(kernel: Kernel, written: str) -> None:
    found(kernel.database)
    line = [("2603120312C10,00NTRFNONREF", "")]
    assert totals(taken(kernel, mt940(line, account=written, closing="C260312EUR110,00"))) == [(1, 1, 0)]


def test_many_lines_are_written_in_chunks(kernel: Kernel) -> None:
    account_id = found(kernel.database)
    entries = [Entry("1.00", reference=f"R{n}") for n in range(12_000)]
    file = camt(entries, opening="0.00", closing="12000.00")
    assert totals(taken(kernel, file)) == [(12_000, 12_000, 0)]
    assert totals(taken(kernel, file)) == [(12_000, 0, 12_000)]
    with kernel.database.reading() as session:
        told = day_close(session, account_id, DAY)
        assert session.exec(select(func.count(col(BankLine.id)))).one() == 12_000
    assert (told.open_minor, told.difference_minor) == (1_200_000, 0)


def test_the_close_of_a_day_within_a_longer_statement(kernel: Kernel) -> None:
    account_id = found(kernel.database)
    days = [date(2026, 3, n) for n in (10, 11, 12)]
    file = camt([Entry("10.00", on=day) for day in days], opening="0.00", closing="30.00", on=days[-1])
    taken(kernel, file)
    with kernel.database.reading() as session:
        closes = [day_close(session, account_id, day) for day in days]
    assert [one.opening_minor for one in closes] == [0, 1_000, 2_000]
    assert [one.closing_minor for one in closes] == [None, None, 3_000]
    assert [one.difference_minor for one in closes] == [None, None, 0]
