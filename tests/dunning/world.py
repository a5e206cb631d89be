"""A small company that writes reminders: one seller, customers with a contact each, and a clock that tests hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache

from sqlalchemy import select
from sqlmodel import Session, col

from ar.core.db import Database, table
from ar.core.kernel import Kernel
from ar.core.outbox import OutboxMessage
from ar.core.render import Renderer
from ar.core.settings import Settings
from ar.customers.models import Account, Contact
from ar.ledger.allocate import Share, allocate
from ar.ledger.models import EntryKind
from dunning.run import RunReport, run_chunks
from dunning.write import Means
from tests.ledger.make import invoice, posted, seller

MORNING = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # Monday, 10:30 in Paris
DUE = date(2026, 2, 27)  # three days before


@cache
def renderer() -> Renderer:
    return Renderer()


def link_for(account_id: int, epoch: int) -> str:
    return f"https://pay.example/{account_id}-{epoch}"


@dataclass
class World:
    """What tests do to a company between runs. `flying` is money on its way, per item."""

    database: Database
    settings: Settings
    entity_id: int = 0
    flying: dict[int, int] = field(default_factory=dict)
    numbers: int = 0

    def __post_init__(self) -> None:
        self.kernel = Kernel(self.settings, self.database, renderer())
        with self.database.transaction() as session:
            self.entity_id = seller(session)

    def in_flight(self, _session: Session, _account_ids: Sequence[int]) -> Mapping[int, int]:
        return self.flying

    @property
    def means(self) -> Means:
        return Means(
            self.kernel.renderer,
            "accounts@seller.example",
            link_for,
            self.in_flight,
            lambda contact_id: f"https://pay.example/stop/{contact_id}",
        )

    def customer(
        self,
        session: Session,
        code: str,
        *,
        email: str | None = "",
        language: str = "en",
        zone: str = "Europe/Paris",
        country: str = "FR",
    ) -> int:
        account = Account(
            code=code,
            legal_name=f"Company {code}",
            country=country,
            language=language,
            currency="EUR",
            time_zone=zone,
            created_at=MORNING,
        )
        session.add(account)
        session.flush()
        assert account.id is not None
        if email is not None:
            address = email or f"{code.lower()}@customers.example"
            session.add(Contact(account_id=account.id, name=f"Jo {code}", email=address))
            session.flush()
        return account.id

    def invoice(self, session: Session, account_id: int, minor: int = 10_000, *, due: date = DUE) -> int:
        self.numbers += 1
        reference = f"INV-{self.numbers}"
        issued = due - timedelta(days=30)
        return invoice(session, self.entity_id, account_id, minor, on=issued, due=due, reference=reference)

    def credit(self, session: Session, account_id: int, minor: int, *, kind: EntryKind, on: date = DUE) -> int:
        self.numbers += 1
        return posted(session, self.entity_id, account_id, kind, minor, on=on, reference=f"CR-{self.numbers}")

    def pay(self, session: Session, account_id: int, entry_id: int, minor: int, *, on: date = DUE) -> None:
        paid = self.credit(session, account_id, minor, kind=EntryKind.PAYMENT, on=on)
        allocate(session, [Share(entry_id, paid, minor)], on=on, source="test", now=MORNING)

    def run(self, now: datetime = MORNING, *, size: int = 200) -> RunReport:
        return run_chunks(self.kernel, now=now, link_for=link_for, in_flight=self.in_flight, size=size)

    def messages(self, session: Session) -> list[OutboxMessage]:
        rows = session.connection().execute(select(table(OutboxMessage)).order_by(col(OutboxMessage.id)))
        return [OutboxMessage(**row) for row in rows.mappings()]
