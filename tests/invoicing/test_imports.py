"""Importing invoices: what comes in, what is refused and why, what stays as it was."""

from __future__ import annotations

import csv
import hashlib
import io
from contextlib import suppress
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, text
from sqlmodel import col, select

from ar.core.audit import AuditEntry
from ar.core.db import Database
from ar.core.errors import DomainError, NotFoundError
from ar.core.mapping import Profile, ProfileError, parse_profile
from ar.core.tabular import FileError
from ar.customers.models import Account, Contact
from ar.ledger.items import ItemState, open_items
from ar.ledger.models import Allocation, DisputeMark, Entry, EntryKind
from invoicing.imports.batches import read_batch, write_refused
from invoicing.imports.profiles import FIELDS, NEUTRAL, OPTIONS, chosen, named, shipped
from invoicing.imports.run import Report, import_invoices
from tests.invoicing.make import NOW, TODAY, seller

DATA = Path(__file__).parents[2].parent / "shared/data"
HEAD = ",".join(FIELDS)
ROW = "C1,Moulin du Lac,compta@moulin.example,fr,FR,EUR,F-1,2026-01-05,2026-02-04,1234.50,,"


@pytest.fixture
def db(database: Database) -> Database:
    with database.transaction() as session:
        seller(session)
    return database


def bring(database: Database, content: str | bytes, *, profile: Profile = NEUTRAL, entity: str | None = None) -> Report:
    raw = content.encode() if isinstance(content, str) else content
    with database.transaction() as session:
        return import_invoices(
            session,
            io.BytesIO(raw),
            file_name="C:\\some/where\\may\x00\ud800.csv",
            profile=profile,
            entity_code=entity,
            by="user:1",
            today=TODAY,
            now=NOW,
        )


def rows(*given: str) -> str:
    return "\n".join([HEAD, *given]) + "\n"


def counts(report: Report) -> tuple[int, int, int]:
    return report.accepted, report.refused, report.unchanged


def items(database: Database, as_of: date = TODAY) -> list[ItemState]:
    with database.reading() as session:
        return open_items(session, as_of=as_of)


def digest(database: Database) -> str:
    """Of everything that an import may touch but its own record of having run."""
    tables = ("account", "contact", "ledger_entry", "open_item", "allocation", "dispute_mark")
    with database.reading() as session:
        told = [sorted(map(str, session.connection().execute(text(f"SELECT * FROM {t}")).all())) for t in tables]
    return hashlib.sha256(str(told).encode()).hexdigest()


def batches(database: Database) -> int:
    with database.reading() as session:
        return int(session.connection().execute(text("SELECT count(*) FROM import_batch")).scalar_one())


def test_an_open_invoice_comes_in_with_its_customer(db: Database) -> None:
    report = bring(db, rows(ROW))
    assert report.counts() == {"accepted": 1, "refused": 0, "unchanged": 0}
    [item] = items(db)
    assert (item.reference, item.open_minor, item.currency, item.due_on) == ("F-1", 123450, "EUR", date(2026, 2, 4))
    with db.reading() as session:
        account = session.exec(select(Account)).one()
        contact = session.exec(select(Contact)).one()
        entry = session.exec(select(Entry)).one()
        act = session.exec(select(AuditEntry).order_by(col(AuditEntry.id).desc())).first()
        assert (account.code, account.legal_name, account.language) == ("C1", "Moulin du Lac", "fr")
        assert (account.country, account.time_zone) == ("FR", "Europe/Paris")
        assert (contact.email, contact.roles) == ("compta@moulin.example", ["billing", "paying"])
        assert entry.source == f"import:{report.batch_id}"
        assert act is not None
        assert (act.action, act.subject) == ("invoices.imported", f"import_batch:{report.batch_id}")
        assert read_batch(session, report.batch_id).file_name == "may.csv"


def test_the_least_that_a_row_must_say(db: Database) -> None:
    content = "invoice_number,customer_code,issue_date,due_date,amount\n7,C9,2026-01-05,2026-02-04,10\n"
    assert counts(bring(db, content)) == (1, 0, 0)
    with db.reading() as session:
        account = session.exec(select(Account)).one()
        assert (account.legal_name, account.country, account.language, account.currency) == ("C9", "FR", "fr", "EUR")
        assert session.exec(select(func.count()).select_from(Contact)).one() == 0


def test_a_paid_invoice_is_settled_on_its_day(db: Database) -> None:
    bring(db, rows("C1,,,,,JPY,F-1,2026-01-05,2026-02-04,5000,2026-02-10,"))
    assert items(db) == []
    [before] = items(db, date(2026, 2, 9))
    assert before.open_minor == 5000
    with db.reading() as session:
        payment = session.exec(select(Entry).where(col(Entry.kind) == EntryKind.PAYMENT)).one()
        assert (payment.effective_on, payment.reference, payment.amount_minor) == (date(2026, 2, 10), "F-1", 5000)


def test_a_payment_before_the_invoice_settles_it_from_its_issue(db: Database) -> None:
    bring(db, rows("C1,,,,,,F-1,2026-01-05,2026-02-04,10,2026-01-02,"))
    with db.reading() as session:
        assert session.exec(select(col(Allocation.allocated_on))).one() == date(2026, 1, 5)
    [ahead] = items(db, date(2026, 1, 3))
    assert (ahead.kind, ahead.side, ahead.open_minor) == (EntryKind.PAYMENT, -1, 1000)


def test_a_negative_amount_is_a_credit_note_left_open(db: Database) -> None:
    bring(db, rows("C1,,,,,,A-1,2026-01-05,2026-01-05,-10.00,,yes", "C1,,,,,,A-2,2026-01-05,2026-01-05,-4,2026-01-09,"))
    [item] = items(db)
    assert (item.kind, item.side, item.open_minor, item.disputed_minor) == (EntryKind.CREDIT_NOTE, -1, 1000, 0)
    with db.reading() as session:
        refund = session.exec(select(Entry).where(col(Entry.kind) == EntryKind.REFUND)).one()
        assert (refund.amount_minor, refund.effective_on) == (400, date(2026, 1, 9))


def test_a_contested_invoice_is_marked_from_its_due_date(db: Database) -> None:
    bring(
        db,
        rows(
            "C1,,,,,,F-1,2026-01-05,2026-02-04,10,,yes",
            "C1,,,,,,F-2,2026-03-05,2026-04-04,20,,yes",
            "C1,,,,,,F-3,2026-01-05,2026-02-04,30,2026-03-01,yes",
        ),
    )
    assert [(i.reference, i.disputed_minor) for i in items(db)] == [("F-1", 1000), ("F-2", 2000)]
    assert [i.disputed_minor for i in items(db, date(2026, 2, 3))] == [0, 0]
    assert [i.disputed_minor for i in items(db, date(2026, 2, 4))] == [1000, 3000]
    with db.reading() as session:
        told = select(DisputeMark).order_by(col(DisputeMark.id))
        marks = [(mark.change_minor, mark.marked_on) for mark in session.exec(told)]
    assert marks == [
        (1000, date(2026, 2, 4)),
        (2000, TODAY),
        (3000, date(2026, 2, 4)),
        (-3000, date(2026, 3, 1)),
    ]


def test_the_same_file_again_adds_nothing(db: Database) -> None:
    content = rows(
        ROW,
        "C1,,,,,,F-2,2026-01-05,2026-02-04,10,2026-01-09,yes",
        "C2,,,,,,F-3,2026-01-05,2026-02-04,10,,yes",
        "C2,,,,,,A-1,2026-01-05,2026-01-05,-10,2026-01-09,",
    )
    assert counts(bring(db, content)) == (4, 0, 0)
    before = digest(db)
    assert counts(bring(db, content)) == (0, 0, 4)
    assert digest(db) == before


def test_files_that_overlap_add_up_to_the_whole(db: Database) -> None:
    lines = [f"C{n % 3},,p{n % 3}@c.example,,,,F-{n},2026-01-05,2026-02-04,{n + 1}.00,," for n in range(30)]
    assert counts(bring(db, rows(*lines[:20]))) == (20, 0, 0)
    assert counts(bring(db, rows(*lines[10:]))) == (10, 0, 10)
    assert counts(bring(db, rows(*lines, *lines))) == (0, 0, 60)
    assert sum(item.open_minor for item in items(db)) == sum(100 * (n + 1) for n in range(30))
    with db.reading() as session:
        assert session.exec(select(func.count()).select_from(Contact)).one() == 3


def test_the_same_row_twice_is_unchanged_and_another_under_its_number_refused(db: Database) -> None:
    report = bring(db, rows(ROW, ROW, ROW.replace("1234.50", "99"), ROW.replace("Moulin", "Mill")))
    assert counts(report) == (1, 1, 2)
    assert report.first_refusals[0][:4] == (
        4,
        "invoice_number",
        "F-1",
        "stands on row 2 with another content: keep one of the two",
    )


def test_a_known_invoice_that_is_now_paid_is_settled(db: Database) -> None:
    bring(db, rows(ROW))
    paid = rows(ROW.replace("1234.50,,", "1234.50,2026-03-02,"))
    assert counts(bring(db, paid)) == (1, 0, 0)
    assert items(db) == []
    assert counts(bring(db, paid)) == (0, 0, 1)
    assert counts(bring(db, rows(ROW))) == (0, 0, 1)


def test_a_known_invoice_that_is_now_contested_is_marked_once(db: Database) -> None:
    bring(db, rows(ROW))
    assert counts(bring(db, rows(ROW + "yes"))) == (1, 0, 0)
    assert [item.disputed_minor for item in items(db)] == [123450]
    with db.transaction() as session:
        [item] = open_items(session, as_of=TODAY)
        session.add(DisputeMark(entry_id=item.entry_id, change_minor=-123450, marked_on=TODAY, source="resolved"))
    assert counts(bring(db, rows(ROW + "yes"))) == (0, 0, 1)


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        (ROW.replace("1234.50", "1234.51"), "amount"),
        (ROW.replace("1234.50", "-1234.50"), "amount"),
        (ROW.replace("2026-02-04", "2026-02-05"), "due_date"),
        (ROW.replace("2026-01-05", "2026-01-06"), "issue_date"),
        (ROW.replace("C1,", "C2,"), "customer_code"),
        (ROW.replace("EUR", "USD"), "currency"),
    ],
)
def test_an_issued_invoice_is_not_changed_by_a_file(db: Database, changed: str, column: str) -> None:
    bring(db, rows(ROW))
    before = digest(db)
    report = bring(db, rows(changed))
    assert counts(report) == (0, 1, 0)
    [refusal] = report.first_refusals
    assert (refusal.row, refusal.column) == (2, column)
    assert "issue a credit note" in refusal.reason
    assert digest(db) == before


@pytest.mark.parametrize(
    ("given", "column", "reason"),
    [
        (ROW.replace("C1,", ","), "customer_code", "is empty"),
        (ROW.replace("C1,", "C" * 61 + ","), "customer_code", "longer than 60"),
        (ROW.replace("C1,", "C\x07,"), "customer_code", "cannot be printed"),
        (ROW.replace("Moulin du Lac", "M" * 201), "customer_name", "longer than 200"),
        (ROW.replace("compta@moulin.example", "compta@"), "email", "not an e-mail"),
        (ROW.replace("compta@moulin.example", "a@b.example\u2028Bcc: x@y.example"), "email", "not an e-mail"),
        (ROW.replace(",fr,", ",klingon,"), "language", "not a language"),
        (ROW.replace(",FR,", ",391,"), "country", "not an ISO 3166"),
        (ROW.replace("EUR", "XXX"), "currency", "not an ISO 4217"),
        (ROW.replace("F-1", ""), "invoice_number", "is empty"),
        (ROW.replace("F-1", "F" * 61), "invoice_number", "longer than 60"),
        (ROW.replace("2026-01-05", ""), "issue_date", "is empty"),
        (ROW.replace("2026-01-05", "05/01/2026"), "issue_date", "write it like 2026-12-31"),
        (ROW.replace("2026-01-05", "1066-10-14"), "issue_date", "before 1970"),
        (ROW.replace("2026-01-05", "2099-01-01"), "issue_date", "a year ahead"),
        (ROW.replace("2026-02-04", "2026-02-30"), "due_date", "not a date"),
        (ROW.replace("2026-02-04", "2016-02-03"), "due_date", "over a year before"),
        (ROW.replace("2026-02-04", "2099-02-03"), "due_date", "ten after"),
        (ROW.replace("1234.50", ""), "amount", "is empty"),
        (ROW.replace("1234.50", "0.00"), "amount", "is zero"),
        (ROW.replace("1234.50", "1234.505"), "amount", "more decimals than EUR"),
        (ROW.replace("1234.50", '"1.234,50"'), "amount", "decimal comma"),
        (ROW.replace("1234.50", "1e400"), "amount", "not an amount"),
        (ROW.replace("1234.50", "9" * 5000), "amount", "not an amount"),
        (ROW.replace("1234.50", "9999999999999999"), "amount", "largest amount"),
        (ROW.replace("1234.50", "NaN"), "amount", "not an amount"),
        (ROW.replace("1234.50", "=1+1"), "amount", "not an amount"),
        (ROW.replace("1234.50,,", "1234.50,soon,"), "paid_date", "not a date"),
        (ROW.replace("1234.50,,", "1234.50,2026-03-18,"), "paid_date", "in the future"),
        (ROW + "perhaps", "disputed", "neither yes nor no"),
        (ROW.replace("Moulin", 'Moul"in'), "", ""),
        (ROW.replace("Moulin du Lac", '"Moulin'), "", "quote"),
        (ROW + ",firm", "customer_kind", "write company, public_body, consumer"),
        (ROW + ",,more", "", "14 cells where the headings have 13"),
    ],
)
def test_a_bad_row_is_told_and_the_others_come_in(db: Database, given: str, column: str, reason: str) -> None:
    good = ROW.replace("F-1", "F-2"), ROW.replace("F-1", "F-3")
    report = bring(db, rows(good[0], given, good[1]))
    if not reason:  # a quote within an unquoted value is an ordinary character
        assert counts(report) == (3, 0, 0)
        return
    assert counts(report) == (2, 1, 0)
    [refusal] = report.first_refusals
    assert (refusal.row, refusal.column) == (3, column)
    assert reason in refusal.reason
    assert len(refusal.value) <= 40
    assert [item.reference for item in items(db)] == ["F-2", "F-3"]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "is empty"),
        (b"not,a,table\n1,2,3\n", "lacks the columns customer_code, invoice_number, issue_date, due_date, amount"),
        (rows(ROW).replace("amount", "total").encode(), "lacks the column amount"),
        (rows(ROW).replace("email", "amount").encode(), "'amount' is there twice"),
        (rows(ROW, *[ROW.replace("F-1", f"F-{n}") for n in range(20_000)]).encode() + b"\xff\x81", "neither UTF-8"),
        (rows(ROW).encode() + b"\0", "NUL"),
        (b"%PDF-1.7", "a PDF"),
        (b"PK\x03\x04", "broken zip"),
        (b"invoice,cust_number,amount,currency,issue_date,due_date,clear_date\n", "--profile hr"),
    ],
)
def test_a_bad_file_changes_nothing_and_says_why(db: Database, content: bytes, word: str) -> None:
    with pytest.raises(FileError, match=word):
        bring(db, content)
    assert batches(db) == 0
    assert items(db) == []


def test_a_line_that_is_no_table_late_in_the_file_takes_all_of_it_back(db: Database) -> None:
    content = rows(*[ROW.replace("F-1", f"F-{n}") for n in range(12_000)]) + "x" * 1_100_000
    with pytest.raises(FileError, match="Line 12002 is longer"):
        bring(db, content)
    assert batches(db) == 0
    assert items(db) == []


def test_the_seller_is_named_when_there_are_several(db: Database) -> None:
    with db.transaction() as session:
        seller(session, "US1", "USD")
    with pytest.raises(NotFoundError, match="FR1, US1"):
        bring(db, rows(ROW))
    assert counts(bring(db, rows(ROW), entity="US1")) == (1, 0, 0)
    assert counts(bring(db, rows(ROW), entity="FR1")) == (1, 0, 0)


def test_refused_rows_go_out_without_live_formulas_and_come_back_mended(db: Database) -> None:
    bad = ROW.replace("Moulin du Lac", '"=HYPERLINK(""x"")"').replace("C1,", "@C1,").replace("1234.50", "-1.234")
    report = bring(db, rows(ROW.replace("F-1", "F-0"), bad))
    with db.reading() as session:
        out = io.StringIO()
        write_refused(session, read_batch(session, report.batch_id), out)
    head, row = list(csv.reader(io.StringIO(out.getvalue())))
    assert head == [*FIELDS, "refused_row", "refused_column", "refused_reason"]
    assert (row[0], row[1], row[9]) == ("'@C1", '\'=HYPERLINK("x")', "-1.234")
    assert row[len(FIELDS) :] == ["3", "amount", "has more decimals than EUR has (2): round it"]
    assert counts(bring(db, out.getvalue().replace("-1.234", "-1.23"))) == (1, 0, 0)
    with db.reading() as session:
        assert session.exec(select(Account.code).order_by(col(Account.code))).all() == ["@C1", "C1"]


def test_a_workbook_comes_in_like_a_csv(db: Database) -> None:
    workbook, out = openpyxl.Workbook(), io.BytesIO()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(list(FIELDS))
    sheet.append(
        ["C1", "Moulin", None, "fr", "FR", "EUR", 4711, date(2026, 1, 5), date(2026, 2, 4), 1234.5, None, True]
    )
    sheet.append(["C1", "Moulin", None, "fr", "FR", "EUR", 4712, "yesterday", date(2026, 2, 4), 1234.5, None, None])
    workbook.save(out)
    report = bring(db, out.getvalue())
    assert counts(report) == (1, 1, 0)
    assert report.first_refusals[0][:3] == (3, "issue_date", "yesterday")
    [item] = items(db)
    assert (item.reference, item.open_minor, item.disputed_minor) == ("4711", 123450, 123450)
    assert counts(bring(db, rows("C1,,,,,,4711,2026-01-05,2026-02-04,1234.50,,"))) == (0, 0, 1)


def test_a_profile_of_ones_own(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "erp.toml"
    path.write_text(
        """
        [file]
        delimiter = ";"
        [columns]
        customer_code = "Kunde"
        invoice_number = "Beleg"
        issue_date = "Datum"
        amount = "Betrag"
        [constants]
        language = "de"
        [defaults]
        currency = "CHF"
        [formats]
        dates = ["%d.%m.%Y"]
        decimal = ","
        thousands = "."
        [options]
        terms = "30 days end of month"
        """
    )
    content = "Kunde;Beleg;Datum;Betrag\nMüller;R1;31.01.2026;1.234,50\nMüller;R2;31.01.2026;12.34\n".encode("cp1252")
    report = bring(db, content, profile=chosen(str(path)))
    assert counts(report) == (1, 1, 0)
    assert report.first_refusals[0].column == "Betrag"
    [item] = items(db)
    assert (item.open_minor, item.currency, item.due_on) == (123450, "CHF", date(2026, 3, 31))


def test_profiles_are_found_by_name_or_path(tmp_path: Path) -> None:
    assert shipped() == ["hr", "ibm", "neutral"]
    assert [named(name).name for name in shipped()] == shipped()
    assert chosen(None) is NEUTRAL
    for wrong in ("sap", "../x", "IBM"):
        with pytest.raises(ProfileError, match="there are hr, ibm, neutral"):
            chosen(wrong)
    with pytest.raises(ProfileError, match="cannot be read"):
        chosen(str(tmp_path / "none.toml"))


def test_terms_that_are_none_are_told(db: Database) -> None:
    columns = 'customer_code = "a"\ninvoice_number = "b"\nissue_date = "c"\namount = "d"'
    content = f'[columns]\n{columns}\n[options]\nterms = "soon"'
    profile = parse_profile("p", content, fields=FIELDS, options=OPTIONS)
    with pytest.raises(DomainError, match="not payment terms"):
        bring(db, "a,b,c,d\n1,2,2026-01-05,4\n", profile=profile)


@pytest.mark.parametrize(
    ("name", "profile", "total", "open_count", "accounts"),
    [
        ("receivables-ibm.csv", "ibm", 2466, 0, 100),
        ("receivables-hr-asof-2019-09-01.csv", "hr", 23447, 1642, None),
    ],
)
def test_the_public_files_come_in_whole(
    db: Database, name: str, profile: str, total: int, open_count: int, accounts: int | None
) -> None:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the public file {name} is not here")
    content = path.read_bytes()
    assert counts(bring(db, content, profile=named(profile))) == (total, 0, 0)
    assert len(items(db)) == open_count
    if accounts is not None:
        with db.reading() as session:
            assert session.exec(select(func.count()).select_from(Account)).one() == accounts
        before = digest(db)
        assert counts(bring(db, content, profile=named(profile))) == (0, 0, total)
        assert digest(db) == before


@settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(
    st.binary(max_size=300)
    | st.lists(st.text('C1,"\n;=-.@é2026', max_size=60), max_size=6).map(lambda lines: rows(*lines).encode())
    | st.tuples(st.integers(0, len(ROW)), st.binary(max_size=6)).map(
        lambda cut: rows(ROW[: cut[0]]).encode()[:-1] + cut[1] + ROW[cut[0] :].encode()
    )
)
def test_any_bytes_give_a_report_or_a_refusal(db: Database, content: bytes) -> None:
    with suppress(DomainError):
        report = bring(db, content)
        assert min(counts(report)) >= 0


def test_progress_is_told_as_it_goes(db: Database) -> None:
    told: list[tuple[int, float | None]] = []
    content = rows(*[ROW.replace("F-1", f"F-{n}") for n in range(10_001)]).encode()
    with db.transaction() as session:
        import_invoices(
            session,
            io.BytesIO(content),
            file_name="x.csv",
            profile=NEUTRAL,
            entity_code=None,
            by="system",
            today=TODAY,
            now=NOW,
            progress=lambda done, part: told.append((done, part)),
        )
    assert [done for done, _ in told] == [10_000, 10_001]
    assert told[-1][1] == 1.0
