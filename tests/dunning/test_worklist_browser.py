"""The queue in a real browser: nothing amiss on a desk or a phone, and one click answers in the row's place."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ar.cash.checkout import in_flight
from ar.core import clock
from ar.core.access.models import Role
from ar.core.kernel import Kernel
from ar.core.settings import Settings
from ar.customers.models import Contact
from dunning.attention.escalate import escalate
from dunning.attention.marks import mark_by_hand
from dunning.attention.models import EscalationKind, MarkKind
from dunning.calls.act import Note, ask_call
from dunning.calls.models import CallOutcome
from dunning.worklist.act import act_on
from dunning.worklist.rows import refresh_all
from tests.browser import faults, served, visit
from tests.databases import sqlite_database
from tests.dunning.test_worklist_pages import ago
from tests.dunning.world import World
from tests.web import PASSWORD, user_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def lived(world: World) -> int:
    """Six customers in the queue, the first of which has everything that its page can show; its id."""
    now = clock.now()
    with world.database.transaction() as session:
        accounts = [world.customer(session, f"C{n}") for n in range(6)]
        for n, account in enumerate(accounts):
            world.invoice(session, account, 90_000 + 17_000 * n, due=ago(10 + n * 7))
            session.add(Contact(account_id=account, name="Phil Example", phone=f"+33 1 23 4{n}", roles=["paying"]))
        first = accounts[-1]
        mark_by_hand(session, first, MarkKind.DIFFICULTY, words="read of it", by="system", now=now)
        escalate(session, first, EscalationKind.LEGAL, reason="asks for six months", by="system", now=now)
        ask_call(session, accounts[0], on=ago(0), why="Ask about the order", contact_id=None, by="system", now=now)
        note = Note(first, CallOutcome.LEFT_WORD, text="with a colleague")
        act_on(session, world.kernel, note, by="system", now=now, in_flight=in_flight)
    refresh_all(world.kernel, now=now, in_flight=in_flight)
    return first


def sign_in(page: Page, here: Kernel) -> None:
    page.goto(f"{here.settings.base_url}/sign-in")
    page.get_by_label("E-mail").fill(f"{Role.COLLECTOR.value}@seller.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: not url.endswith("/sign-in"))


@pytest.mark.parametrize("width", [1440, 390])
def test_the_queue_is_worked_on_a_desk_and_on_a_phone(
    browser: Browser, settings: Settings, tmp_path: Path, width: int
) -> None:
    with sqlite_database(tmp_path) as database:
        world = World(database, settings)
        first = lived(world)
        user_in(world.kernel, Role.COLLECTOR)
        with served(world.kernel) as here, visit(browser, width=width) as page:
            sign_in(page, here)
            base = here.settings.base_url
            for path in ("/worklist", f"/worklist/{first}", f"/worklist/{first}/script", "/calls", "/handed-on"):
                page.goto(base + path)
                assert faults(page) == [], path
            page.goto(f"{base}/worklist")
            rows = page.locator("tbody tr")
            expect(rows).to_have_count(5)
            name = rows.nth(0).locator("a").first.inner_text()
            rows.nth(0).get_by_role("button", name="Spoke").click()
            expect(rows.nth(0)).to_contain_text(f"{name}: spoke")
            rows.nth(1).locator("summary").click()
            rows.nth(1).get_by_role("button", name="Promise").click()
            expect(rows.nth(1)).to_contain_text("say by which day the customer will pay")
