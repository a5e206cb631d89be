"""Instalments lived day by day: reminders ask for what is due, a credit note ends them, interest is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from sqlmodel import Session

from ar.core.db import Database
from ar.core.settings import Settings
from invoicing.credit import credit
from invoicing.credited import Credited
from invoicing.documents import detail, entry_ids_of
from invoicing.draft import InvoiceDraft
from invoicing.issue import issue
from invoicing.law.late import late_interest
from invoicing.models import Invoice
from tests.dunning.world import World
from tests.invoicing.make import line

ISSUED, FIRST_DUE, SECOND_DUE = date(2026, 2, 2), date(2026, 2, 17), date(2026, 3, 19)
CREDITED, LAST = date(2026, 4, 10), date(2026, 4, 30)


def at(day: date) -> datetime:
    return datetime.combine(day, time(9, 30), tzinfo=UTC)


def billed(session: Session, world: World, code: str) -> Invoice:
    """120.00, half of it due on 17 February, half on 19 March."""
    draft = InvoiceDraft(world.entity_id, world.customer(session, code), [line()], terms="50% net 15; 50% net 45")
    return issue(session, draft, by="user:1", today=ISSUED, now=at(ISSUED))


def test_reminders_follow_the_instalments(database: Database, settings: Settings) -> None:
    world = World(database, settings)
    with database.transaction() as session:
        kind, silent = billed(session, world, "KIND"), billed(session, world, "SILENT")
        first, second = entry_ids_of(session, kind)
    for n in range((LAST - ISSUED).days + 1):
        day = ISSUED + timedelta(days=n)
        with database.transaction() as session:
            if day == FIRST_DUE:
                world.pay(session, kind.account_id, first, 6_000, on=day)
            if day == CREDITED:
                credit(
                    session,
                    second,
                    reason="broken",
                    part=Credited([line("1", "50")]),
                    by="user:1",
                    today=day,
                    now=at(day),
                )
        world.run(at(day))
    with database.transaction() as session:
        told = [(message.queued_at.date(), message.recipient, message.body_text) for message in world.messages(session)]
    to_kind = [(day, text) for day, address, text in told if address.startswith("kind")]
    late = [text for day, text in to_kind if day > FIRST_DUE]
    assert late, "the second instalment was asked for"
    assert all(f"{kind.number}/1" not in text and f"{kind.number}/2" in text and "€60.00" in text for text in late)
    assert max(day for day, _ in to_kind) < CREDITED, "nothing is asked for once it is credited"
    formal = [text for _, address, text in told if address.startswith("silent") and "fixed sum €40.00" in text]
    assert formal, "the formal reminder tells what the law's table gives"
    assert all("€40.00" in text for text in formal)
    with database.reading() as session:
        found = late_interest(session, detail(session, second), as_of=LAST)
        # 60.00 x 12.15 % x 22 / 365 = 0.4394: from 20 March to the day of the credit note
        assert [(part.segment.days, part.segment.interest_minor) for part in found.parts] == [(22, 44)]
        assert found.total_minor == 4_044
        assert silent.entry_id is not None
        assert late_interest(session, detail(session, silent.entry_id), as_of=LAST).interest_minor > 44
