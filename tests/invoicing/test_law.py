"""The law of late payment: the dated table, what goes beyond it, and interest by segments, worked by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from alembic import command
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from ar.core.access.models import Role
from ar.core.audit import AuditEntry
from ar.core.db import Database, connect
from ar.core.kernel import Kernel
from ar.core.render import Renderer
from ar.customers.accounts import change_account
from ar.customers.models import AccountKind
from ar.ledger.allocate import Share, allocate, deallocate
from ar.ledger.models import EntryKind, OpenItem
from ar.ledger.post import Posting, post, reverse
from ar.schema import configuration
from invoicing.documents import detail
from invoicing.einvoice.gather import gather
from invoicing.issue import issue
from invoicing.law.caps import beyond
from invoicing.law.contract import Agreed, RateDraft, agree_rate, agreed_on, below_floor, with_agreed
from invoicing.law.interest import Segment, interest_minor, segments
from invoicing.law.late import LateInterest, late_interest
from invoicing.law.rules import MEMBERS, Law, LawMissingError, Rule
from invoicing.law.table import LawDraft, LawError, add_law, law_of, warning_for
from invoicing.models import LateLaw, LawKind
from invoicing.terms import Counting, Due, Terms, parse
from tests.databases import Postgres
from tests.invoicing.make import NOW, TODAY, customer, draft, line, rate, seller
from tests.web import client

H1 = (date(2026, 1, 1), date(2026, 6, 30))
H2 = (date(2026, 7, 1), date(2026, 12, 31))
FRENCH_RATE = "Code de commerce L441-10: ECB rate 2.15 % + 10 points"


def rule(kind: LawKind, value: str, first: date, last: date | None = None, *, n: int = 1, of: str = "FR") -> Rule:
    return Rule(n, of, kind, Decimal(value), None, first, last, f"source {n}")


LONG_AGO = date(2019, 4, 26)
FRANCE = Law(
    "FR",
    [
        rule(LawKind.INTEREST, "12.15", *H1),
        rule(LawKind.INTEREST, "12", *H2, n=2),
        rule(LawKind.MAX_DAYS, "60", LONG_AGO, n=3),
        rule(LawKind.MAX_DAYS_END_OF_MONTH, "45", LONG_AGO, n=4),
    ],
)
FLAT = Law("FR", [rule(LawKind.INTEREST, "12.15", date(1990, 1, 1), date(2200, 12, 31))])

# -- which figure holds ----------------------------------------------------------------------------------------------


def test_the_last_to_begin_holds_until_its_end() -> None:
    law = Law(
        "FR",
        [
            rule(LawKind.MAX_DAYS, "60", date(2020, 1, 1)),
            rule(LawKind.MAX_DAYS, "45", date(2024, 1, 1), date(2024, 12, 31), n=2),
            rule(LawKind.MAX_DAYS, "50", date(2024, 1, 1), date(2024, 6, 30), n=3),
        ],
    )
    assert law.find(LawKind.MAX_DAYS, date(2019, 12, 31)) is None
    assert law.on(LawKind.MAX_DAYS, date(2023, 12, 31)).value == 60
    assert law.on(LawKind.MAX_DAYS, date(2024, 6, 30)).value == 50
    with pytest.raises(LawMissingError, match="no max days for FR on 2024-07-01"):
        law.on(LawKind.MAX_DAYS, date(2024, 7, 1))


def test_a_member_state_without_its_own_falls_back_on_the_directive() -> None:
    union = rule(LawKind.INTEREST, "10.15", *H1, of="EU")
    own = rule(LawKind.INTEREST, "12.15", *H1, n=2)
    assert Law("DE", [union]).on(LawKind.INTEREST, TODAY) == union
    assert Law("FR", [union, own]).on(LawKind.INTEREST, TODAY) == own
    assert Law("US", [union]).find(LawKind.INTEREST, TODAY) is None
    # Its own kind of figure ends: the directive does not step in unasked.
    ended = rule(LawKind.INTEREST, "12.15", date(2025, 1, 1), date(2025, 6, 30), n=2)
    assert Law("FR", [union, ended]).find(LawKind.INTEREST, TODAY) is None
    assert len(MEMBERS) == 27


def test_days_are_cut_where_the_rate_changes() -> None:
    found = list(FRANCE.stretches(LawKind.INTEREST, date(2026, 6, 1), date(2026, 7, 10)))
    assert [(one.first, one.last, one.days, one.rule.value) for one in found] == [
        (date(2026, 6, 1), date(2026, 6, 30), 30, Decimal("12.15")),
        (date(2026, 7, 1), date(2026, 7, 10), 10, Decimal(12)),
    ]
    with pytest.raises(LawMissingError, match="FR on 2027-01-01"):
        list(FRANCE.stretches(LawKind.INTEREST, date(2026, 12, 1), date(2027, 1, 1)))


# -- what goes beyond it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "issued", "latest"),
    [
        ("net 60", date(2026, 1, 15), None),
        ("net 61", date(2026, 1, 15), date(2026, 3, 16)),
        ("45 days end of month", date(2026, 1, 15), None),  # due on 31 March, 75 days on
        ("end of month + 45", date(2026, 1, 15), None),
        ("end of month + 46", date(2026, 1, 15), date(2026, 3, 17)),
        ("46 days end of month", date(2026, 1, 14), date(2026, 3, 15)),  # 45 days end in February, 46 in March
        ("46 days end of month", date(2026, 1, 15), None),  # longer by its words, but due on the same day
        ("45 days end of month on the 10th", date(2026, 1, 15), date(2026, 3, 31)),
        ("30% net 0; 70% net 90", date(2026, 1, 15), date(2026, 3, 16)),
        ("cash with order", date(2026, 1, 15), None),
    ],
)
def test_terms_beyond_the_french_limits(terms: str, issued: date, latest: date | None) -> None:
    agreed = parse(terms)
    found = beyond(FRANCE, issue_on=issued, due_on=agreed.due_on(issued), terms=agreed)
    assert (found.latest_on if found else None) == latest
    if found:
        assert found.sentence % found.values == (
            "source 3: at most 60 days from the invoice date, or 45 days end of month"
        )


@given(
    st.dates(LONG_AGO, date(2090, 12, 31)),
    st.one_of(
        st.builds(Due, st.just(Counting.NET), st.integers(0, 60)),
        st.builds(
            Due, st.sampled_from([Counting.MONTH_END_THEN_DAYS, Counting.DAYS_THEN_MONTH_END]), st.integers(0, 45)
        ),
    ),
)
def test_what_the_limits_let_be_agreed_is_never_warned_of(issued: date, due: Due) -> None:
    terms = Terms.single(due)
    assert beyond(FRANCE, issue_on=issued, due_on=terms.due_on(issued), terms=terms) is None


def test_a_bare_date_another_country_and_a_missing_period() -> None:
    late = date(2026, 3, 20)
    found = beyond(FRANCE, issue_on=date(2026, 1, 15), due_on=late, terms=None)
    assert found is not None
    assert (found.due_on, found.latest_on) == (late, date(2026, 3, 16))
    assert beyond(Law("US", []), issue_on=TODAY, due_on=date(2027, 1, 1), terms=None) is None
    before = beyond(FRANCE, issue_on=date(2018, 1, 1), due_on=date(2018, 1, 2), terms=None)
    assert before is not None
    assert "no longest payment term for FR on 2018-01-01" in before.sentence % before.values
    directive = Law("DE", [rule(LawKind.MAX_DAYS, "60", date(2013, 3, 16), of="EU")])
    beyond_it = beyond(directive, issue_on=TODAY, due_on=TODAY + timedelta(days=61), terms=None)
    assert beyond_it is not None
    assert beyond_it.sentence % beyond_it.values == "source 1: at most 60 days from the invoice date"


# -- interest --------------------------------------------------------------------------------------------------------


def shape(found: tuple[Segment, ...]) -> list[tuple[date, date, int, int, int]]:
    return [(one.first, one.last, one.days, one.balance_minor, one.interest_minor) for one in found]


def test_interest_worked_by_hand() -> None:
    # 1,080.00 x 12.15 % x 31 / 365 = 11.1447
    whole = segments(FRANCE, due_on=date(2026, 4, 30), balances=[(TODAY, 108_000)], as_of=date(2026, 5, 31))
    assert shape(whole) == [(date(2026, 5, 1), date(2026, 5, 31), 31, 108_000, 1_114)]
    # 120.00 x 12.15 % x 10 / 365 = 0.39945, then 70.00 x 12.15 % x 10 / 365 = 0.23301
    balances = [(TODAY, 12_000), (date(2026, 4, 10), 7_000), (date(2026, 4, 20), 0)]
    paid = segments(FRANCE, due_on=date(2026, 3, 31), balances=balances, as_of=date(2026, 12, 31))
    assert shape(paid) == [
        (date(2026, 4, 1), date(2026, 4, 10), 10, 12_000, 40),
        (date(2026, 4, 11), date(2026, 4, 20), 10, 7_000, 23),
    ]
    # Over the change of rate: 10,000.00 x 12.15 % x 15 / 365 = 49.93, then x 12 % x 15 / 365 = 49.32
    over = segments(FRANCE, due_on=date(2026, 6, 15), balances=[(TODAY, 1_000_000)], as_of=date(2026, 7, 15))
    assert shape(over) == [
        (date(2026, 6, 16), date(2026, 6, 30), 15, 1_000_000, 4_993),
        (date(2026, 7, 1), date(2026, 7, 15), 15, 1_000_000, 4_932),
    ]
    assert [one.source for one in over] == ["source 1", "source 2"]
    assert interest_minor(365, Decimal(50), 1) == 1  # half a minor unit, rounded up


def test_what_bears_no_interest() -> None:
    due = date(2026, 4, 30)
    assert segments(FRANCE, due_on=due, balances=[(TODAY, 500)], as_of=due) == ()
    on_its_day = [(TODAY, 500), (due, 0)]
    assert segments(FRANCE, due_on=due, balances=on_its_day, as_of=date(2026, 12, 31)) == ()
    # Paid and late years before the table begins: no rate is asked for.
    assert (
        segments(FRANCE, due_on=date(2001, 1, 1), balances=[(date(2000, 1, 1), 5), (date(2000, 5, 5), 0)], as_of=due)
        == ()
    )
    with pytest.raises(LawMissingError, match="no interest for FR on 2025-12-31"):
        segments(FRANCE, due_on=date(2025, 12, 30), balances=[(date(2025, 1, 1), 5)], as_of=TODAY)


MINORS = st.integers(1, 10**12)
RATES = st.integers(0, 1_000_000).map(lambda n: Decimal(n) / 10_000)


@given(MINORS, RATES, st.integers(0, 2_000), st.integers(0, 2_000))
def test_interest_of_a_period_is_that_of_its_parts(minor: int, percent: Decimal, first: int, then: int) -> None:
    apart = interest_minor(minor, percent, first) + interest_minor(minor, percent, then)
    assert abs(apart - interest_minor(minor, percent, first + then)) <= 1


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 10**9)), max_size=6),
    st.integers(0, 90),
    st.integers(0, 400),
    st.integers(0, 400),
)
def test_every_late_day_is_reckoned_once(steps: list[tuple[int, int]], due_in: int, upto: int, cut: int) -> None:
    day, balances = TODAY, [(TODAY, 10**6)]
    for gap, minor in steps:
        day += timedelta(days=gap)
        balances.append((day, minor))
    due, as_of = TODAY + timedelta(days=due_in), TODAY + timedelta(days=upto)
    found = segments(FLAT, due_on=due, balances=balances, as_of=as_of)

    def open_at_end_of(on: date) -> int:
        return [minor for stepped, minor in balances if stepped <= on][-1]

    late = [due + timedelta(days=n) for n in range(1, max(0, (as_of - due).days) + 1)]
    owed = {on: open_at_end_of(on - timedelta(days=1)) for on in late}
    told = {one.first + timedelta(days=n): one.balance_minor for one in found for n in range(one.days)}
    assert told == {on: minor for on, minor in owed.items() if minor}
    assert sum(one.days for one in found) == len(told)
    before = segments(FLAT, due_on=due, balances=balances, as_of=min(as_of, TODAY + timedelta(days=cut)))
    assert sum(one.interest_minor for one in before) <= sum(one.interest_minor for one in found)
    exact = sum(Decimal(minor) for minor in told.values()) * Decimal("12.15") / 36_500
    assert abs(sum(one.interest_minor for one in found) - exact) <= Decimal(len(found)) / 2 + Decimal("0.001")


# -- the table -------------------------------------------------------------------------------------------------------


def test_the_table_comes_with_what_was_checked_and_no_more(database: Database) -> None:
    with database.reading() as session:
        french, german, american = (law_of(session, country) for country in ("FR", "DE", "US"))
    rate = french.on(LawKind.INTEREST, TODAY)
    assert (rate.value, rate.source) == (Decimal("12.15"), FRENCH_RATE)
    assert german.on(LawKind.INTEREST, TODAY).value == Decimal("10.15")
    assert [french.on(kind, TODAY).value for kind in LawKind] == [
        Decimal("12.15"),
        60,
        45,
        40,
        30,
        45,
        Decimal("2.62"),
        3,
    ]
    assert french.on(LawKind.LEGAL_RATE, date(2025, 12, 31)).value == Decimal("2.76")
    assert german.on(LawKind.PUBLIC_MAX_DAYS, TODAY).value == 30
    assert german.find(LawKind.PERIODIC_MAX_DAYS, TODAY) is None
    assert german.find(LawKind.MAX_DAYS_END_OF_MONTH, TODAY) is None
    assert american.rules == []
    for law in (french, german):
        for day in (date(2025, 12, 31), date(2026, 7, 1)):
            with pytest.raises(LawMissingError):
                law.on(LawKind.INTEREST, day)


def test_an_administrator_adds_to_it(kernel: Kernel) -> None:
    body = {
        "jurisdiction": "FR",
        "kind": "interest",
        "value": "12.40",
        "valid_from": "2026-07-01",
        "valid_to": "2026-12-31",
        "source": "Banque de France",
    }
    with client(kernel, Role.CREDIT_MANAGER) as manager:
        assert manager.post("/api/v1/late-payment-law", json=body).status_code == 403
        assert len(manager.get("/api/v1/late-payment-law").json()["items"]) == 13
    with client(kernel, Role.ADMIN) as admin:
        made = admin.post("/api/v1/late-payment-law", json=body)
        assert made.status_code == 201, made.text
        assert made.json() == body | {
            "value": "12.4",
            "currency": None,
            "id": 14,
            "entered_by": made.json()["entered_by"],
        }
        assert admin.get("/api/v1/late-payment-law").json()["items"][0] == made.json()
        for changes, pointer in (
            ({"jurisdiction": "ZZ"}, "/jurisdiction"),
            ({"value": "1e3"}, "/value"),
            ({"value": "101"}, "/value"),
            ({"valid_to": None}, "/valid_to"),
            ({"valid_to": "2026-06-30"}, "/valid_to"),
            ({"currency": "EUR"}, "/currency"),
            ({"kind": "max_days", "value": "60.5"}, "/value"),
            ({"kind": "fixed_compensation", "value": "40"}, "/currency"),
            ({"kind": "fixed_compensation", "value": "40.001", "currency": "EUR"}, "/value"),
            ({"kind": "fixed_compensation", "value": "40", "currency": "XXQ"}, "/value"),
            ({"kind": "tax"}, "/kind"),
        ):
            refused = admin.post("/api/v1/late-payment-law", json=body | changes)
            assert refused.status_code == 422, changes
            assert pointer in [fault["pointer"] for fault in refused.json()["faults"]], changes
    with kernel.database.reading() as session:
        assert law_of(session, "FR").on(LawKind.INTEREST, H2[0]).value == Decimal("12.4")
        acts = session.exec(select(AuditEntry).where(AuditEntry.action == "late_payment_law.added")).all()
        assert [(act.subject, (act.change or {})["after"]["value"]) for act in acts] == [
            ("late_payment_law:14", "12.40")
        ]


def test_the_page_of_the_law(kernel: Kernel) -> None:
    path = "/admin/late-payment-law"
    form = {
        "jurisdiction": "fr",
        "kind": "fixed_compensation",
        "value": "41,50",
        "currency": "eur",
        "valid_from": "2027-01-01",
        "source": "a decree to come",
    }
    auditor = client(kernel, Role.AUDITOR, html=True)
    assert FRENCH_RATE in auditor.get(path).text
    assert "Add a figure" not in auditor.get(path).text
    with client(kernel, Role.ADMIN, html=True) as admin:
        assert "Add a figure" in admin.get(path).text
        bad = admin.post(path, data=form | {"value": "<b>"})
        assert bad.status_code == 422
        assert "&lt;b&gt;" in bad.text
        assert admin.post(path, data=form | {"valid_to": "soon"}).status_code == 422
        done = admin.post(path, data=form)
        assert (done.status_code, done.headers["location"]) == (303, path)
        assert "41.5 EUR" in admin.get(path).text


@pytest.mark.parametrize("statement", ["UPDATE late_payment_law SET value = 0", "DELETE FROM late_payment_law"])
def test_the_database_keeps_the_law_as_it_was_told(database: Database, statement: str) -> None:
    with pytest.raises(IntegrityError, match="posted rows do not change"), database.transaction() as session:
        session.connection().execute(text(statement))


def test_what_cannot_be_added(database: Database) -> None:
    given = LawDraft("FR", LawKind.MAX_DAYS, "0", date(2030, 1, 1), None, "x")
    with pytest.raises(LawError, match="whole number"), database.transaction() as session:
        add_law(session, given, by="user:1", now=NOW)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bare(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Database]:
    """A database without a single table."""
    if request.param == "sqlite":
        made = connect(f"sqlite:///{tmp_path}/old.db")
        yield made
        made.engine.dispose()
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.clone(empty=True) as url:
        made = connect(url)
        yield made
        made.engine.dispose()


def test_what_an_older_database_held_is_kept(bare: Database) -> None:
    command.upgrade(configuration(bare), "0003")
    with bare.transaction() as session:
        entity_id, buyer = seller(session), 1
        session.connection().execute(
            text(
                "INSERT INTO account (id, code, legal_name, country, language, currency, time_zone, created_at) "
                "VALUES (1, 'C1', 'Customer C1', 'FR', 'en', 'EUR', 'Europe/Paris', '2025-12-01')"
            )
        )
        entry_id = 1
        session.connection().execute(
            text(
                "INSERT INTO ledger_entry (id, entity_id, account_id, kind, debit, credit, amount_minor, currency, "
                "effective_on, due_on, reference, memo, source, posted_at) VALUES "
                f"({entry_id}, {entity_id}, {buyer}, 'invoice', 'receivable', 'sales', 500, 'EUR', '2025-12-01', "
                "'2025-12-31', 'FR1-2025-000001', '', 'invoice:1', '2025-12-01')"
            )
        )
        session.connection().execute(
            text(
                "INSERT INTO open_item (entry_id, entity_id, account_id, kind, side, currency, amount_minor, "
                f"open_minor, effective_on, due_on, reference) VALUES ({entry_id}, {entity_id}, {buyer}, 'invoice', 1, "
                "'EUR', 500, 500, '2025-12-01', '2025-12-31', 'FR1-2025-000001')"
            )
        )
        session.connection().execute(
            text(
                "INSERT INTO invoice (id, entity_id, account_id, kind, state, series, number, issue_on, due_on, "
                "currency, net_minor, tax_minor, total_minor, terms, buyer_reference, purchase_order, note, "
                "created_at, issued_at, "
                f"entry_id) VALUES (1, {entity_id}, {buyer}, 'invoice', 'issued', '', 'FR1-2025-000001', '2025-12-01', "
                f"'2025-12-31', 'EUR', 500, 0, 500, 'net 30', '', 'PO 88/41', '', '2025-12-01', '2025-12-01', "
                f"{entry_id})"
            )
        )
        session.connection().execute(
            text(
                "INSERT INTO late_payment_terms (country, valid_from, valid_to, interest_percent, fixed_minor, "
                "currency, source) VALUES ('SE', '2026-01-01', '2026-06-30', 9.5, 45000, 'SEK', 'räntelag')"
            )
        )
    command.upgrade(configuration(bare), "head")
    with bare.reading() as session:
        swedish = law_of(session, "SE")
        assert swedish.on(LawKind.INTEREST, TODAY).value == Decimal("9.5")
        fixed = swedish.on(LawKind.FIXED_COMPENSATION, TODAY)
        assert (str(fixed.amount()), fixed.source) == ("450.00 SEK", "räntelag")
        found = detail(session, entry_id)
        assert (found.number, [item.amount_minor for item in found.items]) == ("FR1-2025-000001", [500])
        assert len(session.exec(select(LateLaw)).all()) == 15
        item = session.exec(select(OpenItem)).one()
        assert (item.reference_key, item.purchase_order) == ("FR12025000001", "PO8841"), "keys of what there was"


# -- on invoices -----------------------------------------------------------------------------------------------------


def late_of(database: Database, entry_id: int | None, as_of: date) -> LateInterest:
    assert entry_id is not None
    with database.reading() as session:
        return late_interest(session, detail(session, entry_id), as_of=as_of)


def test_interest_follows_the_balance_that_the_ledger_had(database: Database) -> None:
    with database.transaction() as session:
        entity_id, buyer = seller(session), customer(session)
        given = draft(entity_id, buyer, line("1", "1000"), terms="net 15")  # 1,200.00, due on 31 March
        entry_id = issue(session, given, by="user:1", today=TODAY, now=NOW).entry_id
        assert entry_id is not None
        day = date(2026, 4, 10)
        first, second = post(
            session, [Posting(entity_id, buyer, EntryKind.PAYMENT, m, "EUR", day) for m in (50_000, 70_000)], now=NOW
        )
        [mistaken] = allocate(session, [Share(entry_id, first, 50_000)], on=day, source="test", now=NOW)
        deallocate(session, [mistaken], on=date(2026, 4, 15), source="test", now=NOW)
        shares = [Share(entry_id, second, 70_000)]
        allocate(session, shares, on=date(2026, 4, 15), source="test", now=NOW)
        allocate(session, [Share(entry_id, first, 50_000)], on=date(2026, 4, 20), source="test", now=NOW)
    found = late_of(database, entry_id, date(2026, 11, 24))
    # 10 days on 1,200.00, 5 on 700.00, 5 on 500.00 at 12.15 %: 3.9945, 1.1651, 0.8322
    assert [(part.segment.days, part.segment.balance_minor, part.segment.interest_minor) for part in found.parts] == [
        (10, 120_000, 399),
        (5, 70_000, 117),
        (5, 50_000, 83),
    ]
    assert (found.interest_minor, str(found.fixed), found.total_minor) == (599, "40.00 EUR", 4_599)
    early = late_of(database, entry_id, date(2026, 4, 1))
    assert (early.interest_minor, early.total_minor) == (40, 4_040)
    in_time = late_of(database, entry_id, date(2026, 3, 31))
    assert (in_time.parts, in_time.fixed, in_time.total_minor) == ([], None, 0)


def test_instalments_are_late_one_by_one_and_the_fixed_sum_comes_once(database: Database) -> None:
    with database.transaction() as session:
        entity_id, buyer = seller(session), customer(session, currency="USD")
        rate(session, "USD", "1.25")
        given = draft(entity_id, buyer, line("1", "1000"), terms="50% net 15; 50% net 45", currency="USD")
        made = issue(session, given, by="user:1", today=TODAY, now=NOW)
    found = late_of(database, made.entry_id, date(2026, 5, 10))
    assert [(part.reference, part.due_on, part.segment.days) for part in found.parts] == [
        ("FR1-2026-000001/1", date(2026, 3, 31), 40),
        ("FR1-2026-000001/2", date(2026, 4, 30), 10),
    ]
    # 600.00 x 12.15 % x 40 / 365 = 7.9890, and x 10 / 365 = 1.9973
    assert [part.segment.interest_minor for part in found.parts] == [799, 200]
    assert (found.interest_minor, str(found.fixed), found.total_minor) == (999, "40.00 EUR", None)


def test_nothing_is_late_of_what_was_taken_back_or_of_a_credit(database: Database) -> None:
    with database.transaction() as session:
        entity_id, buyer = seller(session), customer(session)
        [bill] = post(
            session,
            [Posting(entity_id, buyer, EntryKind.INVOICE, 500, "EUR", date(2026, 1, 1), reference="OLD")],
            now=NOW,
        )
        [note] = post(
            session,
            [Posting(entity_id, buyer, EntryKind.CREDIT_NOTE, 500, "EUR", date(2026, 1, 1), reference="CN")],
            now=NOW,
        )
        assert late_interest(session, detail(session, bill), as_of=TODAY).interest_minor > 0
        reverse(session, bill, on=TODAY, source="test", now=NOW)
    assert late_of(database, bill, TODAY).parts == []
    assert late_of(database, note, TODAY).parts == []


def test_interest_by_api_and_on_the_page(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        entity_id, buyer = seller(session), customer(session)
        given = draft(entity_id, buyer, line("1", "900"), due_on=date(2026, 4, 30))
        made = issue(session, given, by="user:1", today=TODAY, now=NOW)
    with client(kernel, Role.ADMIN) as web:
        path = f"/api/v1/invoices/{made.entry_id}/late-interest"
        told = web.get(path, params={"as_of": "2026-05-31"}).json()
        assert told == {
            "invoice_id": made.entry_id,
            "applies": True,
            "as_of": "2026-05-31",
            "currency": "EUR",
            "day_count": "ACT/365",
            "interest_minor": 1_114,
            "fixed_minor": 4_000,
            "fixed_currency": "EUR",
            "fixed_source": "Code de commerce D441-5",
            "total_minor": 5_114,
            "segments": [
                {
                    "entry_id": made.entry_id,
                    "reference": "FR1-2026-000001",
                    "due_on": "2026-04-30",
                    "from_on": "2026-05-01",
                    "to_on": "2026-05-31",
                    "days": 31,
                    "balance_minor": 108_000,
                    "percent": "12.15",
                    "interest_minor": 1_114,
                    "source": FRENCH_RATE,
                }
            ],
        }
        missing = web.get(path, params={"as_of": "2026-07-01"})
        assert (missing.status_code, missing.json()["code"]) == (422, "law-missing")
        assert web.get("/api/v1/invoices/999999/late-interest").status_code == 404
        html = {"accept": "text/html"}
        page = web.get(f"/invoices/{made.entry_id}", headers=html).text
        assert "no interest for FR on 2026-07-01" in page
        with kernel.database.transaction() as session:
            endless = LawDraft("FR", LawKind.INTEREST, "12", date(2026, 7, 1), date(2100, 1, 1), "a rate of the test")
            add_law(session, endless, by="user:1", now=NOW)
        page = web.get(f"/invoices/{made.entry_id}", headers=html).text
        assert "a rate of the test" in page
        assert "€40.00 (Code de commerce D441-5)" in page


def test_terms_beyond_the_law_are_issued_and_told(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        seller(session)
        customer(session)
    told = "Code de commerce L441-10: at most 60 days from the invoice date, or 45 days end of month"
    line_given = {"description": "Table", "quantity": "1", "unit_price": "100.00", "tax_rate": "20"}
    body = {"entity_id": 1, "account_id": 1, "lines": [line_given], "terms": "net 90", "issue_on": "2026-03-16"}
    with client(kernel, Role.CREDIT_MANAGER) as web:
        made = web.post("/api/v1/invoices", json=body, headers={"Idempotency-Key": "a"})
        assert made.status_code == 201, made.text
        warning = {
            "rule": "Code de commerce L441-10",
            "due_on": "2026-06-14",
            "latest_on": "2026-05-15",
            "message": told,
        }
        assert made.json()["warnings"] == [warning]
        assert web.get(f"/api/v1/invoices/{made.json()['id']}").json()["warnings"] == [warning]
        page = web.get(f"/invoices/{made.json()['id']}", headers={"accept": "text/html"}).text
        assert told in page
        assert "15 May 2026" in page
        within = web.post("/api/v1/invoices", json=body | {"terms": "net 60"}, headers={"Idempotency-Key": "b"})
        assert within.json()["warnings"] == []


# -- kinds of customers ----------------------------------------------------------------------------------------------

PUBLIC = rule(LawKind.PUBLIC_MAX_DAYS, "30", LONG_AGO, n=5)
PERIODIC = rule(LawKind.PERIODIC_MAX_DAYS, "45", LONG_AGO, n=6)
EVERY_KIND = Law("FR", [*FRANCE.rules, PUBLIC, PERIODIC])


@pytest.mark.parametrize(
    ("kind", "periodic", "days", "latest"),
    [
        (AccountKind.COMPANY, False, 60, None),
        (AccountKind.COMPANY, False, 61, 60),
        (AccountKind.COMPANY, True, 45, None),
        (AccountKind.COMPANY, True, 46, 45),
        (AccountKind.PUBLIC_BODY, False, 30, None),
        (AccountKind.PUBLIC_BODY, False, 31, 30),
        (AccountKind.PUBLIC_BODY, True, 31, 30),
        (AccountKind.CONSUMER, True, 3650, None),
    ],
)
def test_each_kind_of_customer_has_its_limit(kind: AccountKind, periodic: bool, days: int, latest: int | None) -> None:
    issued = date(2026, 1, 15)
    due = issued + timedelta(days=days)
    found = beyond(EVERY_KIND, issue_on=issued, due_on=due, terms=None, kind=kind, periodic=periodic)
    assert (found and found.latest_on) == (latest and issued + timedelta(days=latest))
    # What the table does not know of a public body or of a period is held to what it knows of companies.
    general = beyond(FRANCE, issue_on=issued, due_on=due, terms=None, kind=kind, periodic=periodic)
    assert (general is not None) == (days > 60 and kind is not AccountKind.CONSUMER)


def test_the_kind_of_customer_decides_what_is_warned_of_and_reckoned(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        entity_id, buyer = seller(session), customer(session)
        given = draft(entity_id, buyer, line("1", "900"), terms="net 45")
        first = issue(session, given, by="user:1", today=TODAY, now=NOW)
        month = replace(given, terms="net 50", period_from=date(2026, 2, 1), period_to=date(2026, 2, 28))
        second = issue(session, month, by="user:1", today=TODAY, now=NOW)
        assert warning_for(session, first) is None
        warning = warning_for(session, second)
        assert warning is not None
        assert warning.latest_on == TODAY + timedelta(days=45)
    with client(kernel, Role.ADMIN) as web:
        path, late = f"/api/v1/accounts/{buyer}", f"/api/v1/invoices/{first.entry_id}/late-interest?as_of=2026-05-31"
        page = {"accept": "text/html"}
        assert web.get(path).json()["kind"] == "company"
        assert web.get(late).json()["applies"] is True

        def become(kind: str) -> None:
            tag = web.get(path).headers["etag"]
            assert web.patch(path, json={"kind": kind}, headers={"If-Match": tag}).json()["kind"] == kind

        become("public_body")
        [told] = web.get(f"/api/v1/invoices/{first.entry_id}").json()["warnings"]
        assert told["latest_on"] == "2026-04-15"
        assert "a public body pays within 30 days" in told["message"]
        assert web.get(late).json()["total_minor"] > 4_000
        become("consumer")
        assert web.get(f"/api/v1/invoices/{first.entry_id}").json()["warnings"] == []
        nothing = web.get(late).json()
        assert (nothing["applies"], nothing["total_minor"], nothing["segments"]) == (False, 0, [])
        assert "does not apply to a consumer" in web.get(f"/invoices/{first.entry_id}", headers=page).text
        version = web.get(path).json()["version"]
        done = web.post(f"/customers/{buyer}/kind", data={"kind": "company", "version": version}, headers=page)
        assert done.status_code == 303
        assert web.get(late).json()["applies"] is True
        assert web.patch(path, json={"kind": "robot"}).status_code == 422


# -- rates agreed by contract ----------------------------------------------------------------------------------------

PERCENTS = st.none() | st.integers(0, 50).map(Decimal)
AGREED = st.lists(
    st.builds(Agreed, st.integers(1, 99), PERCENTS, st.dates(date(2025, 6, 1), date(2027, 6, 1)), st.just("contract")),
    max_size=5,
    unique_by=lambda one: one.id,
)


@given(AGREED, st.dates(date(2025, 1, 1), date(2028, 1, 1)))
def test_on_every_day_the_agreed_rate_holds_else_the_laws_own(rates: list[Agreed], day: date) -> None:
    found = with_agreed(FRANCE, rates).find(LawKind.INTEREST, day)
    agreed = agreed_on(rates, day)
    if agreed is not None:
        assert found is not None
        assert (found.value, found.source) == (agreed.percent, agreed.source)
    else:
        own = FRANCE.find(LawKind.INTEREST, day)
        assert (found and (found.value, found.source)) == (own and (own.value, own.source))
    assert with_agreed(FRANCE, rates).on(LawKind.MAX_DAYS, day).value == 60


def test_interest_at_an_agreed_rate_worked_by_hand() -> None:
    law = with_agreed(
        FRANCE, [Agreed(1, Decimal(10), date(2026, 6, 1), "contract"), Agreed(2, None, date(2026, 7, 1), "")]
    )
    found = segments(law, due_on=date(2026, 5, 25), balances=[(TODAY, 1_000_000)], as_of=date(2026, 7, 10))
    # 10,000.00 x 12.15 % x 6 / 365 = 19.97; x 10 % x 30 / 365 = 82.19; x 12 % x 10 / 365 = 32.88
    assert [(one.days, one.interest_minor, one.source) for one in found] == [
        (6, 1_997, "source 1"),
        (30, 8_219, "contract"),
        (10, 3_288, "source 2"),
    ]


def test_a_rate_below_the_floor_is_told() -> None:
    law = Law("FR", [rule(LawKind.LEGAL_RATE, "2.62", *H1), rule(LawKind.CONTRACT_MULTIPLE, "3", LONG_AGO, n=2)])
    assert below_floor(law, Decimal("7.86"), on=TODAY) is None
    low = below_floor(law, Decimal("7.8599"), on=TODAY)
    assert low is not None
    assert low.floor_percent == Decimal("7.86")
    assert low.sentence % low.values == "source 2: a contract agrees on at least 7.86 % a year; 7.8599 % is agreed"
    unknown = below_floor(law, Decimal(50), on=date(2026, 7, 1))
    assert unknown is not None
    assert (unknown.floor_percent, "no legal rate for FR on 2026-07-01" in unknown.sentence % unknown.values) == (
        None,
        True,
    )
    assert below_floor(Law("DE", []), Decimal(0), on=TODAY) is None


def test_a_rate_is_agreed_by_api_and_on_the_file(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        entity_id, buyer = seller(session), customer(session)
        given = draft(entity_id, buyer, line("1", "900"), due_on=date(2026, 4, 30))
        made = issue(session, given, by="user:1", today=TODAY, now=NOW)
    rates, late = f"/api/v1/accounts/{buyer}/contract-rates", f"/api/v1/invoices/{made.entry_id}/late-interest"
    body = {"percent": "5", "valid_from": "2026-05-01", "source": "Framework contract, article 7"}
    with client(kernel, Role.CREDIT_MANAGER) as web:
        told = web.post(rates, json=body)
        assert told.status_code == 201, told.text
        assert (told.json()["percent"], told.json()["warnings"][0]["floor_percent"]) == ("5", "7.86")
        # 1,080.00 x 5 % x 31 / 365 = 4.586
        found = web.get(late, params={"as_of": "2026-05-31"}).json()
        assert (found["interest_minor"], found["segments"][0]["source"]) == (459, body["source"])
        for changes, pointer in (({"percent": "x"}, "/percent"), ({"percent": "100.01"}, "/percent")):
            refused = web.post(rates, json=body | changes)
            assert [fault["pointer"] for fault in refused.json()["faults"]] == [pointer]
        assert web.post("/api/v1/accounts/99/contract-rates", json=body).status_code == 404
        page, path = {"accept": "text/html"}, f"/customers/{buyer}"
        form = {"percent": "8,5", "valid_from": "2026-05-01", "source": "Amendment <2>"}
        assert web.post(f"{path}/contract-rates", data=form, headers=page).status_code == 303
        assert web.post(f"{path}/contract-rates", data=form | {"percent": "much"}, headers=page).status_code == 422
        card = web.get(f"{path}/cards/late-payment", headers=page).text
        assert "Amendment &lt;2&gt;" in card
        assert "8.5" in card
        assert web.post(f"{path}/contract-rates", data=form | {"percent": ""}, headers=page).status_code == 303
        assert [row["percent"] for row in web.get(rates).json()] == [None, "8.5", "5"]
        assert web.get(late, params={"as_of": "2026-05-31"}).json()["interest_minor"] == 1_114
    with client(kernel, Role.SALES) as web:
        assert web.post(rates, json=body).status_code == 403
    with pytest.raises(IntegrityError, match="posted rows do not change"), kernel.database.transaction() as session:
        session.connection().execute(text("UPDATE contract_rate SET percent = 0"))


def test_what_is_printed_follows_the_contract_and_the_kind_of_customer(database: Database, renderer: Renderer) -> None:
    with database.transaction() as session:
        entity_id, buyer = seller(session), customer(session)
        made = issue(session, draft(entity_id, buyer), by="user:1", today=TODAY, now=NOW)

        def printed() -> list[str]:
            return [note.text for note in gather(session, renderer, made).notes]

        assert "plus 10 percentage points" in printed()[0]
        for percent, since in (("8.50", TODAY), ("9", TODAY + timedelta(days=1))):
            agree_rate(session, RateDraft(buyer, percent, since, "contract"), by="user:1", now=NOW)
        assert "interest at 8.5% a year as agreed" in printed()[0]
        change_account(session, buyer, {"kind": AccountKind.CONSUMER}, by="user:1", now=NOW)
        assert printed() == ["No discount for early payment."]
