"""A company that collects, its customers with mandates, and the days of a collection stepped through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from ar.cash.bank.models import BankLine, BankStatement
from ar.cash.bank.models import LineState as BankLineState
from ar.cash.collections.act import approve
from ar.cash.collections.jobs import collect
from ar.cash.collections.models import Collection, CollectionLine
from ar.cash.collections.propose import propose
from ar.cash.mandates.creditor import AccountTerms, set_account, set_creditor
from ar.cash.mandates.manage import MandateDraft, create_mandate, sign_on_paper
from ar.cash.mandates.models import Scheme
from ar.cash.models import Payment
from ar.core.carriers import carriers_of
from ar.core.jobs import run_due
from ar.core.kernel import Kernel
from ar.core.outbox import always_wanted, deliver
from ar.customers.entities import add_bank_account
from ar.customers.models import Contact
from ar.customers.notes import PURPOSE
from ar.ledger.models import OpenItem
from ar.rota import ROTA
from tests.ledger.make import customer, invoice, seller

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)  # a Monday
COLLECT_ON = date(2026, 3, 20)
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
IBANS = ("DE89370400440532013000", "FR7630006000011234567890189", "NL91ABNA0417164300", "BE68539007547034")
BY, BOSS = "user:1", "user:2"


@dataclass(frozen=True)
class Company:
    kernel: Kernel
    entity: int
    bank: int

    def debtor(self, code: str, *minors: int, scheme: Scheme = Scheme.CORE, due: date | None = None) -> int:
        """A customer that can be written to, its signed mandate, and an open invoice of each amount."""
        with self.kernel.database.transaction() as session:
            account = customer(session, code)
            session.add(Contact(account_id=account, email=f"{code.lower()}@buyer.example"))
            draft = MandateDraft(self.entity, account, scheme, f"Käufer & Söhne {code}", IBANS[account % len(IBANS)])
            made = create_mandate(session, draft, by=BY, now=NOW)
            assert made.id is not None
            sign_on_paper(
                session,
                self.kernel,
                made.id,
                signed_on=NOW.date(),
                name="mandate.pdf",
                content=PDF,
                media_type="application/pdf",
                by=BY,
                now=NOW,
            )
            for n, minor in enumerate(minors):
                on = date(2026, 2, 1)
                invoice(
                    session,
                    self.entity,
                    account,
                    minor,
                    on=on,
                    due=due or on + timedelta(days=30 + n),
                    reference=f"{code}-{n}",
                )
        return account

    def proposed(self, *, by: str = BY, collect_on: date = COLLECT_ON, now: datetime = NOW) -> int:
        with self.kernel.database.transaction() as session:
            made, _ = propose(
                session,
                bank_account_id=self.bank,
                scheme=Scheme.CORE,
                collect_on=collect_on,
                items_until=None,
                by=by,
                now=now,
            )
            assert made.id is not None
            return made.id

    def approved(self, *, now: datetime = NOW, collect_on: date = COLLECT_ON) -> int:
        """A collection proposed, approved, and its customers written to."""
        made = self.proposed(now=now, collect_on=collect_on)
        with self.kernel.database.transaction() as session:
            approve(session, made, by=BOSS, now=now)
        self.work(now)
        return made

    def work(self, now: datetime) -> None:
        """Jobs done and messages sent, as the scheduler does at `now`."""
        run_due(self.kernel, ROTA.handlers, now=now, limit=1000)
        carriers = carriers_of(self.kernel, now=now)
        deliver(self.kernel, carriers, {PURPOSE: always_wanted}, now=now, limit=1000, worker="test")

    def on(self, day: date, hour: int = 8) -> str:
        """The collecting job at that day and hour, and what follows from it."""
        now = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
        said = collect(self.kernel, {}, now)
        self.work(now)
        return said

    def made(self, *, now: datetime = NOW, collect_on: date = COLLECT_ON) -> int:
        """A collection whose file is made."""
        number = self.approved(now=now, collect_on=collect_on)
        self.on(collect_on - timedelta(days=1))
        return number


def company(kernel: Kernel, terms: AccountTerms | None = None, *, notice_days: int = 14) -> Company:
    with kernel.database.transaction() as session:
        entity = seller(session)
        set_creditor(session, entity, identifier="FR72ZZZ123456", notice_days=notice_days, by=BY, now=NOW)
        bank = add_bank_account(
            session, entity, iban="FR1420041010050500013M02606", holder="Seller", currency="EUR", by=BY, now=NOW
        )
        assert bank.id is not None
        set_account(session, entity, bank.id, terms or AccountTerms(), by=BY, now=NOW)
        return Company(kernel, entity, bank.id)


def lines_of(session: Session, collection_id: int) -> list[CollectionLine]:
    query = select(CollectionLine).where(CollectionLine.collection_id == collection_id)
    return list(session.exec(query.order_by(col(CollectionLine.id))))


def payments_of(session: Session, account_id: int) -> list[Payment]:
    return list(session.exec(select(Payment).where(Payment.account_id == account_id).order_by(col(Payment.id))))


def open_of(session: Session, account_id: int) -> int:
    query = select(OpenItem.open_minor).where(OpenItem.account_id == account_id, OpenItem.side == 1)
    return sum(session.exec(query))


def collection(session: Session, number: int) -> Collection:
    return session.exec(select(Collection).where(Collection.id == number)).one()


def bank_line(session: Session, company: Company, minor: int, on: date, **told: Any) -> BankLine:
    """A line of a bank statement of its own, as a reader would have stored it."""
    statement = BankStatement(
        bank_account_id=company.bank,
        format="test",
        digest=f"{on}{minor}{sorted(told.items())}"[:64],
        currency="EUR",
        lines_read=1,
        lines_added=1,
        imported_by=BY,
        imported_at=NOW,
    )
    session.add(statement)
    session.flush()
    assert statement.id is not None
    line = BankLine(
        statement_id=statement.id,
        bank_account_id=company.bank,
        entity_id=company.entity,
        identity=str(statement.id),
        booked_on=on,
        amount_minor=minor,
        currency="EUR",
        state=BankLineState.OPEN,
        **told,
    )
    session.add(line)
    session.flush()
    return line
