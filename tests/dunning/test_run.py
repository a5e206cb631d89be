from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from ar.core.access.links import read
from ar.core.audit import AuditEntry, verify
from ar.core.db import bulk_insert, reserve_ids, table
from ar.core.jobs import run_due
from ar.customers.models import Account, Channel, Contact
from ar.ledger.items import mark_disputed
from ar.ledger.models import EntryKind
from ar.ledger.post import Posting, post
from ar.rota import ROTA
from dunning.jobs import judge_promises, run_dunning
from dunning.models import DunningDecision, DunningNotice, DunningNoticeItem, DunningParked, Outcome
from dunning.run import act, whose_turn
from tests.dunning.world import DUE, MORNING, World


def notices(session: Session) -> list[tuple[int, str, date]]:
    query = select(col(DunningNotice.account_id), col(DunningNotice.step), col(DunningNotice.cycle))
    return [
        (row.account_id, row.step, row.cycle)
        for row in session.connection().execute(query.order_by(table(DunningNotice).c.id))
    ]


def outcomes(session: Session) -> dict[int, tuple[str, list[str]]]:
    query = select(table(DunningDecision))
    return {
        row["account_id"]: (row["outcome"].value, [reason["code"] for reason in row["reasons"]])
        for row in session.connection().execute(query).mappings()
    }


def test_one_message_per_customer_with_all_its_invoices(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        ana = world.customer(session, "ANA", language="fr")
        for account in (jo, jo, ana):
            world.invoice(session, account)
        assert notices(session) == []
    assert (world.run().sent, world.run().sent) == (2, 0)
    with world.database.reading() as session:
        first, second = world.messages(session)
        assert (first.recipient, first.language) == ("jo@customers.example", "en")
        assert "INV-1" in first.body_text
        assert "INV-2" in first.body_text
        assert "€200.00" in first.subject
        assert f"https://pay.example/{jo}-1" in first.body_text
        assert f'href="https://pay.example/{jo}-1"' in first.body_html
        assert (second.language, second.sender) == ("fr", f"Seller FR1 <{world.settings.mail_from}>")
        assert "Bonjour Jo ANA," in second.body_text
        assert notices(session) == [(jo, "friendly", MORNING.date()), (ana, "friendly", MORNING.date())]
        assert outcomes(session) == {jo: ("send", []), ana: ("send", [])}
        acts = session.connection().execute(select(col(AuditEntry.action))).scalars().all()
        assert acts == ["dunning.decided"]
        assert verify(session) == []


def test_a_month_of_hourly_runs_writes_each_step_once(world: World) -> None:
    """The engine runs every hour of a month: five messages, on business days, between 9 and 18 in Paris."""
    due = date(2026, 3, 6)
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        world.invoice(session, jo, due=due)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    while now < datetime(2026, 4, 12, tzinfo=UTC):
        world.run(now)
        now += timedelta(hours=3)
    with world.database.reading() as session:
        assert [(step, (cycle - due).days) for _, step, cycle in notices(session)] == [
            ("courtesy", -3),
            ("friendly", 3),
            ("question", 7),
            ("firm", 14),
            ("formal", 32),  # the 30th day is Easter Sunday, the 31st Easter Monday
        ]


def test_two_runs_at_once_write_one_notice(world: World) -> None:
    """Guarantee 11, quick form."""
    with world.database.transaction() as session:
        for number in range(30):
            world.invoice(session, world.customer(session, f"C{number}"))
    together = Barrier(4)

    def run(_: int) -> int:
        together.wait()
        return world.run(size=7).sent

    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(run, range(4)))
    assert sum(sent) == 30
    with world.database.reading() as session:
        assert len(world.messages(session)) == 30
        assert len(set(notices(session))) == 30
        assert {outcome for outcome, _ in outcomes(session).values()} == {"send"}


def test_the_database_refuses_a_second_notice_of_a_step(world: World) -> None:
    with world.database.transaction() as session:
        world.invoice(session, world.customer(session, "JO"))
    world.run()
    with world.database.reading() as session:
        [item] = session.connection().execute(select(table(DunningNoticeItem))).mappings()
        [notice] = session.connection().execute(select(table(DunningNotice))).mappings()
    again = {**notice, "id": 99, "step": "other", "message_key": "other"}
    with pytest.raises(IntegrityError), world.database.transaction() as session:
        session.connection().execute(table(DunningNotice).insert(), [again])
        session.connection().execute(table(DunningNoticeItem).insert(), [{**item, "notice_id": 99}])
    with pytest.raises(IntegrityError), world.database.transaction() as session:
        session.connection().execute(table(DunningNotice).insert(), [{**notice, "id": 98, "message_key": "third"}])


def test_one_bad_customer_is_parked_and_all_the_others_go_through(world: World) -> None:
    with world.database.transaction() as session:
        ids = [world.customer(session, f"C{n}", email="not an address" if n == 4 else "") for n in range(9)]
        for account in ids:
            world.invoice(session, account)
    report = world.run()
    assert (report.sent, report.parked) == (8, (ids[4],))
    assert "1 parked" in str(report)
    with world.database.reading() as session:
        [parked] = session.connection().execute(select(table(DunningParked))).mappings()
        assert parked["account_id"] == ids[4]
        assert "address" in parked["error"]
        assert len(world.messages(session)) == 8
    with world.database.transaction() as session:
        session.connection().execute(
            update(Contact).where(col(Contact.account_id) == ids[4]).values(email="fine@customers.example")
        )
    report = world.run()
    assert (report.sent, report.parked) == (1, ())
    with world.database.reading() as session:
        assert session.connection().execute(select(table(DunningParked))).all() == []


def test_each_customer_has_its_own_office_hours_and_holidays(world: World) -> None:
    places = {
        "Paris": ("Europe/Paris", "FR"),
        "Tokyo": ("Asia/Tokyo", "JP"),
        "Denver": ("America/Denver", "US"),
        "Auckland": ("Pacific/Auckland", "NZ"),
    }
    with world.database.transaction() as session:
        ids = {
            name: world.customer(session, name, zone=zone, country=country) for name, (zone, country) in places.items()
        }
        for account in ids.values():
            world.invoice(session, account, due=date(2026, 4, 24))
    names = {account: name for name, account in ids.items()}

    def turn(*when: int) -> set[str]:
        with world.database.reading() as session:
            return {names[account] for account in whose_turn(session, now=datetime(*when, tzinfo=UTC))[0]}  # type: ignore[arg-type,misc]

    assert turn(2026, 4, 28, 8) == {"Paris", "Tokyo"}
    assert turn(2026, 4, 28, 16) == {"Denver"}
    assert turn(2026, 4, 28, 22) == {"Denver", "Auckland"}
    assert turn(2026, 4, 29, 1) == {"Auckland"}  # Showa day in Japan
    assert turn(2026, 5, 1, 8) == {"Tokyo"}  # Labour Day in France
    assert turn(2026, 5, 2, 8) == set()  # a Saturday


def test_what_is_open_is_derived_when_it_is_written(world: World) -> None:
    """Part payments, credit notes, unapplied cash, disputes and money on its way, each once."""
    with world.database.transaction() as session:
        ids = [world.customer(session, f"C{n}") for n in range(6)]
        part, noted, unapplied, _, flying, paid = ids
        entries = [world.invoice(session, account, 10_000) for account in ids]
        world.pay(session, part, entries[0], 2_500)
        world.credit(session, noted, 4_000, kind=EntryKind.CREDIT_NOTE)
        world.credit(session, unapplied, 10_000, kind=EntryKind.PAYMENT)
        mark_disputed(session, entries[3], 1_000, on=DUE, source="test")
        world.flying[entries[4]] = 10_000
        world.pay(session, paid, entries[5], 10_000)
    assert world.run().sent == 3
    with world.database.reading() as session:
        rows = session.connection().execute(select(table(DunningNoticeItem)))
        asked = {row["entry_id"]: row["amount_minor"] for row in rows.mappings()}
        assert asked == {entries[0]: 7_500, entries[1]: 6_000, entries[3]: 9_000}
        found = outcomes(session)
        assert found[unapplied] == ("hold", ["covered_by_credit"])
        assert found[flying] == ("hold", ["in_flight"])
        assert paid not in found
        assert "€75.00" in world.messages(session)[0].subject


def test_act_passes_over_who_had_its_decision_today(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        world.invoice(session, jo)
    with world.database.transaction() as session:
        assert len(act(session, account_ids=[jo], now=MORNING, means=world.means)) == 1
        assert act(session, account_ids=[jo, 12345], now=MORNING, means=world.means) == []
    with world.database.reading() as session:
        [row] = session.connection().execute(select(table(DunningDecision))).mappings()
        assert (row["outcome"], row["step"], row["cycle"]) == (Outcome.SEND, "friendly", MORNING.date())


def test_a_failed_transaction_leaves_nothing(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        world.invoice(session, jo)
    with pytest.raises(RuntimeError), world.database.transaction() as session:
        act(session, account_ids=[jo], now=MORNING, means=world.means)
        raise RuntimeError
    with world.database.transaction() as session:
        assert (notices(session), world.messages(session), outcomes(session)) == ([], [], {})
        bulk_insert(session, DunningDecision, [])
    assert world.run().sent == 1


def canary_account(account_id: int, number: int) -> dict[str, Any]:
    return {
        "id": account_id,
        "code": f"canary{number:04}x",
        "legal_name": f"Company canary{number:04}x",
        "country": "FR",
        "language": "fr" if number % 2 else "en",
        "currency": "EUR",
        "time_zone": "Europe/Paris",
        "created_at": MORNING,
    }


def canary_contact(account_id: int, number: int) -> dict[str, Any]:
    canary = f"canary{number:04}x"
    contact = {"account_id": account_id, "name": f"Jo {canary}", "email": f"{canary}@customers.example"}
    return {**contact, "roles": [], "preferred_channel": Channel.EMAIL}


def test_each_message_holds_its_own_customers_secret_only(world: World) -> None:
    """Guarantee 14, quick form: 1,000 customers, a canary in each one's name, invoice number and address."""
    with world.database.transaction() as session:
        numbers = list(reserve_ids(session, Account, 1000))
        ids = {account: n for n, account in enumerate(numbers)}
        bulk_insert(session, Account, [canary_account(account, n) for account, n in ids.items()])
        bulk_insert(session, Contact, [canary_contact(account, n) for account, n in ids.items()])
        issued = DUE - timedelta(days=30)
        invoices = [
            Posting(world.entity_id, account, EntryKind.INVOICE, 100 + n, "EUR", issued, DUE, f"canary{n:04}x")
            for account, n in ids.items()
        ]
        post(session, invoices, now=MORNING)
    assert world.run().sent == 1000
    with world.database.reading() as session:
        for message in world.messages(session):
            assert message.account_id is not None
            number = ids[message.account_id]
            everything = " ".join(
                (message.recipient, message.subject, message.body_text, message.body_html, str(message.headers))
            )
            assert everything.count("canary") == everything.count(f"canary{number:04}x") > 3


def test_interest_stays_asked_for_when_the_principal_is_paid(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        world.pay(session, jo, world.invoice(session, jo, 10_000), 10_000)
        world.credit(session, jo, 321, kind=EntryKind.LATE_CHARGE)
        world.credit(session, jo, 55, kind=EntryKind.REFUND)  # ours to pay out: never asked for
    assert world.run().sent == 1
    with world.database.reading() as session:
        assert "€3.21" in world.messages(session)[0].subject


def test_many_customers_are_shared_out_among_workers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dunning.jobs.MANY", 3)
    with world.database.transaction() as session:
        for number in range(6):
            world.invoice(session, world.customer(session, f"C{number}"))
    said = run_dunning(world.kernel, {}, MORNING)
    if world.database.is_postgres:
        assert said == "6 customers, in 4 shares"
        with world.database.reading() as session:
            assert notices(session) == []
        run_due(world.kernel, ROTA.handlers, now=MORNING, limit=10)
    with world.database.reading() as session:
        assert len(notices(session)) == 6


def test_the_rotas_job_signs_a_link_that_opens_the_customers_page(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        world.invoice(session, jo)
    assert run_dunning(world.kernel, {}, MORNING).startswith("1 messages written")
    assert judge_promises(world.kernel, {}, MORNING) == "no promise to judge"
    with world.database.reading() as session:
        [message] = world.messages(session)
    token = message.body_text.split("/pay/")[1].split()[0].partition("?")[0]
    link = read(world.settings.signing_key, token, now=MORNING, days=1)
    assert (link.account_id, link.epoch) == (jo, 1)
