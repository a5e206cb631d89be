"""A small company lived through the whole product: what must hold at the end of any run."""

import socket
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import func, select
from sqlmodel import Session, col
from sqlmodel import select as pick

from ar.cash.models import Payment
from ar.cash.payment_states import PaymentState
from ar.core.access.links import read
from ar.core.access.models import User
from ar.core.access.passwords import check_password
from ar.core.audit import verify
from ar.core.db import Database
from ar.core.kernel import Kernel, build
from ar.core.outbox import MessageState, OutboxMessage
from ar.core.settings import Settings
from ar.customers import notes
from ar.customers.models import Account, LegalEntity
from ar.demo import command
from ar.demo.company import Plan, company
from ar.demo.engine import Summary, last_lived, live, tick
from ar.demo.selling import SOLD_DAYS
from ar.disputes.models import Dispute, DisputeState
from ar.ledger.figures import kpis
from ar.ledger.items import open_items
from ar.ledger.models import Entry, EntryKind, OpenItem
from ar.schema import upgrade
from dunning import message
from dunning.models import DunningNotice, DunningParked, Promise, PromiseState
from invoicing.delivery.models import Delivery
from invoicing.models import Invoice, InvoiceFile
from invoicing.orders.models import OrderState, SalesOrder

NOW = datetime(2026, 11, 20, 16, tzinfo=UTC)
TODAY = date(2026, 11, 20)
CUSTOMERS, MONTHS = 24, 5


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("demo")
    return command.demo_settings(Settings(var_dir=folder, argon2_memory_kib=8, argon2_rounds=1), port=8000)


@pytest.fixture(scope="module")
def made(settings: Settings) -> Iterator[tuple[Kernel, str, Summary]]:
    done = command.make(settings, customers=CUSTOMERS, months=MONTHS, seed=4, now=NOW, out=Console(file=StringIO()))
    yield done
    done[0].database.engine.dispose()


@pytest.fixture(scope="module")
def plan() -> Plan:
    return company(seed=4, customers=CUSTOMERS, months=MONTHS, today=TODAY)


@pytest.fixture
def session(made: tuple[Kernel, str, Summary]) -> Iterator[Session]:
    with made[0].database.reading() as session:
        yield session


def count(session: Session, model: type, *where: object) -> int:
    return session.scalar(select(func.count()).select_from(model).where(*where)) or 0  # type: ignore[arg-type]


def test_every_planned_thing_is_there(session: Session, plan: Plan, made: tuple[Kernel, str, Summary]) -> None:
    summary = made[2]
    assert summary.invoices == len(plan.invoices) == count(session, Entry, Entry.kind == EntryKind.INVOICE)
    assert summary.customers == len(plan.accounts) == count(session, Account)
    assert count(session, LegalEntity) == 2
    assert summary.days == (TODAY - plan.first_day).days + 1
    query = select(col(Entry.reference), col(Entry.amount_minor)).where(col(Entry.kind) == EntryKind.INVOICE)
    posted = {row.reference: row.amount_minor for row in session.connection().execute(query)}
    assert posted.keys() == {invoice.number for invoice in plan.invoices}
    sold_from = TODAY - timedelta(SOLD_DAYS - 1)
    history = {one.number: one.amount_minor for one in plan.invoices if one.issued_on < sold_from}
    assert history.items() <= posted.items()


def test_the_last_days_are_sold_by_orders_and_sent_as_documents(
    session: Session, plan: Plan, made: tuple[Kernel, str, Summary]
) -> None:
    sold = [one for one in plan.invoices if one.issued_on > TODAY - timedelta(SOLD_DAYS)]
    documents = session.exec(pick(Invoice)).all()
    assert sold
    assert {one.order_reference for one in documents} == {f"SO-{one.number}" for one in sold}
    planned = {f"SO-{one.number}": one for one in sold}
    for one in documents:
        assert 0 <= planned[one.order_reference].amount_minor - one.total_minor <= 1
        assert one.due_on == planned[one.order_reference].due_on
    assert session.exec(pick(InvoiceFile.failures).where(col(InvoiceFile.failures).is_not(None))).all() == []
    assert count(session, InvoiceFile) == 3 * len(documents)
    assert count(session, Delivery) == len(documents)
    left = Counter(session.scalars(select(col(SalesOrder.state)).where(col(SalesOrder.state) != OrderState.BILLED)))
    assert left == Counter((OrderState.HELD, OrderState.ACCEPTED, OrderState.ENTERED))


def test_reminders_were_decided_by_the_product_and_sent_to_nobody(
    session: Session, made: tuple[Kernel, str, Summary]
) -> None:
    query = select(col(OutboxMessage.state)).where(col(OutboxMessage.purpose) == message.PURPOSE)
    states = Counter(session.scalars(query))
    assert states[MessageState.SENT] == made[2].reminders > 30
    assert set(states) <= {MessageState.SENT, MessageState.CANCELLED}
    assert count(session, DunningNotice) == states.total()
    assert count(session, DunningParked) == 0
    recipients = session.scalars(select(col(OutboxMessage.recipient)).distinct()).all()
    assert all(recipient.endswith(".example") for recipient in recipients)
    assert set(session.scalars(select(col(OutboxMessage.language)))) == {"en", "fr"}
    ended = select(col(OutboxMessage.ended_at)).where(col(OutboxMessage.purpose) == message.PURPOSE).distinct()
    for sent_at in session.scalars(ended):
        assert sent_at is not None
        assert sent_at.hour == 15
        assert sent_at <= NOW, "each carries its own simulated day"


def test_who_paid_lately_was_thanked(session: Session, made: tuple[Kernel, str, Summary]) -> None:
    query = select(col(OutboxMessage.state)).where(col(OutboxMessage.purpose) == notes.PURPOSE)
    states = Counter(session.scalars(query))
    payments = count(session, Payment)
    assert payments * 0.8 < states.total() <= payments
    assert states[MessageState.QUEUED] < 10, "those of the last day wait for the next"


def test_customers_paid_promised_and_contested(session: Session, made: tuple[Kernel, str, Summary]) -> None:
    summary = made[2]
    from_the_bank = count(session, Payment, col(Payment.bank_line_id).is_not(None))
    assert summary.payments == count(session, Entry, Entry.kind == EntryKind.PAYMENT) - from_the_bank > 40
    assert from_the_bank > 0
    recent = session.scalars(select(col(Payment.state))).all()
    assert recent
    assert set(recent) == {PaymentState.SETTLED}
    assert summary.disputes == count(session, Dispute)
    for dispute in session.scalars(select(Dispute).where(col(Dispute.state) == DisputeState.RESOLVED)):
        assert dispute.answer
    judged = set(session.scalars(select(col(Promise.state)).where(col(Promise.due_on) < TODAY - timedelta(14))))
    assert PromiseState.ALIVE not in judged
    assert summary.promises == count(session, Promise)


def test_the_ledger_is_sound(session: Session) -> None:
    assert count(session, OpenItem, OpenItem.open_minor < 0) == 0
    assert not [item for item in open_items(session, as_of=TODAY) if item.side == -1], "every transfer was allocated"
    assert verify(session) == []
    figures = kpis(session, as_of=TODAY, currency="EUR")
    assert figures.dso_simple is not None
    assert 25 < figures.dso_simple < 75
    assert figures.cei is not None


def test_one_password_signs_every_role_in(
    session: Session, settings: Settings, made: tuple[Kernel, str, Summary]
) -> None:
    users = session.scalars(select(User)).all()
    assert len({user.role for user in users}) == 7
    assert all(check_password(made[1], user.password_hash, settings=settings)[0] for user in users)


def test_the_customer_to_show_has_something_to_show(session: Session) -> None:
    account_id = command.portal_account(session, as_of=TODAY)
    items = [item for item in open_items(session, account_ids=[account_id], as_of=TODAY) if item.side == 1]
    assert len(items) >= 2
    assert any(item.due_on < TODAY for item in items)


def test_doors_are_told(session: Session, made: tuple[Kernel, str, Summary]) -> None:
    kernel, password, summary = made
    written = StringIO()
    out = Console(file=written, width=160)
    command.tell(out, session, kernel, summary, TODAY)
    command.tell_doors(out, session, kernel, password, now=NOW)
    told = written.getvalue()
    for role in ("admin", "credit_manager", "collector", "cash", "sales", "cfo", "auditor"):
        assert sum(line.split()[1:2] == [role] for line in told.splitlines()) == 1
    link = next(line for line in told.splitlines() if "/pay/" in line)
    opened = read(kernel.settings.signing_key, link.rpartition("/")[2], now=NOW, days=90)
    assert opened.account_id == command.portal_account(session, as_of=TODAY)


def test_same_seed_same_history(database: Database, tmp_path: Path) -> None:
    """Two installations of one seed tell the same ledger: here one month, on SQLite and on PostgreSQL."""
    small = company(seed=5, customers=8, months=1, today=TODAY)

    def lived(kernel: Kernel) -> list[tuple[object, ...]]:
        live(kernel, small, password_hash="x", told=lambda _day: None)
        with kernel.database.reading() as session:
            query = select(col(Entry.kind), col(Entry.account_id), col(Entry.effective_on), col(Entry.amount_minor))
            return [tuple(row) for row in session.connection().execute(query.order_by(col(Entry.id)))]

    ours = Settings(database_url=database.engine.url.render_as_string(hide_password=False), var_dir=tmp_path / "a")
    other = Settings(database_url=f"sqlite:///{tmp_path}/other.db", var_dir=tmp_path / "b")
    first, second = build(ours), build(other)
    upgrade(second.database)
    told = lived(first)
    assert len(told) > 5
    assert told == lived(second)
    for kernel in (first, second):
        kernel.database.engine.dispose()


def test_the_last_day_is_over_before_it_is_lived() -> None:
    assert last_lived(datetime(2026, 3, 2, 14, 59, tzinfo=UTC)) == date(2026, 3, 1)
    assert last_lived(datetime(2026, 3, 2, 15, tzinfo=UTC)) == date(2026, 3, 2)
    assert tick(date(2026, 3, 2)).hour == 15


def test_a_demo_has_no_door_to_the_real_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AMIABLE_SMTP_URL", "smtp://mail.example:25")
    monkeypatch.setenv("AMIABLE_STRIPE_SECRET_KEY", "sk_live_1")
    monkeypatch.setenv("AMIABLE_DATABASE_URL", "postgresql://db.example/real")
    monkeypatch.setenv("AMIABLE_VAR_DIR", str(tmp_path))
    settings = command.demo_settings(Settings(), port=8123)
    assert settings.smtp_url == ""
    assert settings.imap_url is None
    assert settings.sms_url is None
    assert settings.stripe_secret_key is None
    assert settings.database == f"sqlite:///{tmp_path}/demo/amiable.db"
    assert settings.base_url == "http://127.0.0.1:8123"


def test_a_taken_port_is_told_before_anything_is_made() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(command.PortTakenError):
            command.check_port(taken.getsockname()[1])
