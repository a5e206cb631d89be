"""Clicks, runs of reminders and refreshes at once: none deadlocks, none fails, and each customer has one row."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlmodel import func, select

from dunning.calls.act import Note
from dunning.calls.models import CallOutcome, ContactEvent
from dunning.worklist.act import act_on
from dunning.worklist.models import WorklistRow
from dunning.worklist.rows import refresh_all
from tests.dunning.world import DUE, MORNING, World

CUSTOMERS = 6
CLICKS = 4


def test_clicks_runs_and_refreshes_at_once(world: World) -> None:
    with world.database.transaction() as session:
        accounts = [world.customer(session, f"C{n}") for n in range(CUSTOMERS)]
        for account in accounts:
            for _ in range(CLICKS + 1):
                world.invoice(session, account, due=DUE - timedelta(days=5))

    def click(number: int) -> int:
        account = accounts[number % CUSTOMERS]
        with world.database.transaction() as session:
            if number % 3:
                note = Note(account, CallOutcome.SPOKE)
            else:
                entry = account * (CLICKS + 1) - number // CUSTOMERS
                note = Note(account, CallOutcome.DISPUTE, entry_id=entry, text="too many")
            act_on(session, world.kernel, note, by="user:1", now=MORNING, in_flight=world.in_flight)
        return 1

    with ThreadPoolExecutor(max_workers=6) as pool:
        runs = [pool.submit(world.run, MORNING, size=3) for _ in range(2)]
        clicks = [pool.submit(click, number) for number in range(CUSTOMERS * CLICKS)]
        refreshes = [
            pool.submit(refresh_all, world.kernel, now=MORNING, in_flight=world.in_flight, size=4) for _ in range(2)
        ]
        assert [report.result().parked for report in runs] == [(), ()]
        assert [refresh.result()[1] for refresh in refreshes] == [0, 0]
        assert sum(done.result() for done in clicks) == CUSTOMERS * CLICKS
    with world.database.reading() as session:
        assert session.exec(select(func.count()).select_from(WorklistRow)).one() == CUSTOMERS
        assert session.exec(select(func.count()).select_from(ContactEvent)).one() == CUSTOMERS * CLICKS
