"""From an invoice file to the CFO's figures: a month of a real company's receivables, lived day by day.

The public file of a food distributor comes in; reminders go out to a real SMTP server; a real browser opens the link in
one, pays an invoice at the test gateway and contests another; the webhook settles; reminders of both stop, the others
go on; and the figures move as this file works them out by itself from the rows.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlmodel import col, select

from ar.cash.models import Payment, WebhookEvent
from ar.cash.payment_states import PaymentState
from ar.core import clock
from ar.core.jobs import run_due
from ar.core.kernel import Kernel
from ar.core.outbox import MessageState, OutboxMessage
from ar.customers.accounts import ContactDraft, account_by_code, add_contact
from ar.customers.entities import EntityDraft, found_entity
from ar.disputes.models import Dispute
from ar.ledger.figures import kpis
from ar.rota import ROTA, deliver_outbox
from dunning.jobs import judge_promises, run_dunning
from invoicing.imports.profiles import chosen
from invoicing.imports.run import import_invoices
from tests.browser import plain_faults, served, visit
from tests.smtp import Received, SmtpServer, smtp_server

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FILE = Path(__file__).parents[2].parent / "shared/data/receivables-hr-asof-2019-09-01.csv"
FIRST, LAST = date(2019, 9, 2), date(2019, 9, 30)
CURRENCY = "USD"


@dataclass(frozen=True)
class Bill:
    number: str
    customer: str
    minor: int
    issued: date
    due: date
    cleared: date | None


def bills() -> list[Bill]:
    """The file's invoices in US dollars, read without any of the product's own code."""
    with FILE.open(newline="") as file:
        return [
            Bill(
                row["invoice"],
                row["cust_number"],
                int(Decimal(row["amount"]) * 100),
                date.fromisoformat(row["issue_date"]),
                date.fromisoformat(row["due_date"]),
                date.fromisoformat(row["clear_date"]) if row["clear_date"] else None,
            )
            for row in csv.DictReader(file)
            if row["currency"] == CURRENCY
        ]


def by_hand(rows: list[Bill], day: date, *, paid: dict[str, date]) -> dict[str, Decimal]:
    """DSO, best-possible DSO, ADD and CEI as of `day`, over the 90 days up to it, from the rows alone."""

    def open_on(at: date) -> list[Bill]:
        cleared = ((row, paid.get(row.number, row.cleared)) for row in rows if row.issued <= at)
        return [row for row, on in cleared if on is None or max(on, row.issued) > at]

    since = day - timedelta(days=89)
    sales = sum(row.minor for row in rows if since <= row.issued <= day)
    owed = sum(row.minor for row in open_on(day))
    current = sum(row.minor for row in open_on(day) if row.due >= day)
    opening = sum(row.minor for row in open_on(since - timedelta(days=1)))
    dso, best = (Decimal(part) * 90 / sales for part in (owed, current))
    reached = opening + Decimal(sales) / 3
    cent = Decimal("0.01")
    return {
        "receivables": Decimal(owed),
        "dso_simple": dso.quantize(cent),
        "dso_best_possible": best.quantize(cent),
        "add": dso.quantize(cent) - best.quantize(cent),
        "cei": ((reached - owed) / (reached - current) * 100).quantize(cent),
    }


def told(kernel: Kernel, day: date) -> dict[str, Decimal | None]:
    """The same, as the product tells them."""
    with kernel.database.reading() as session:
        figures = kpis(session, as_of=day, currency=CURRENCY)
    names = ("dso_simple", "dso_best_possible", "add", "cei")
    return {"receivables": Decimal(figures.basis.receivables_minor), **{name: getattr(figures, name) for name in names}}


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Moves the only clock that the product reads."""
    moved = [afternoon(FIRST)]
    monkeypatch.setattr(clock, "now", lambda: moved[0])

    def move(to: datetime) -> None:
        moved[0] = to

    return move


def days() -> Iterator[date]:
    yield from (FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1))


def afternoon(day: date) -> datetime:
    return datetime.combine(day, time(14), UTC)


def bring_in(kernel: Kernel, now: datetime) -> None:
    with kernel.database.transaction() as session, FILE.open("rb") as stream:
        found_entity(session, EntityDraft("US1", "Distributor", "US", "USD", "en"), by="system", now=now)
        report = import_invoices(
            session,
            stream,
            file_name=FILE.name,
            profile=chosen("hr"),
            entity_code=None,
            by="system",
            today=now.date(),
            now=now,
        )
    assert report.counts() == {"accepted": 23_447, "refused": 0, "unchanged": 0}


def two_customers(rows: list[Bill]) -> tuple[list[Bill], list[Bill]]:
    """The open invoices of two customers of the file, each with three to six, some of them due about the first day."""
    mine: dict[str, list[Bill]] = defaultdict(list)
    for row in rows:
        if row.cleared is None:
            mine[row.customer].append(row)
    window = (FIRST - timedelta(days=5), FIRST + timedelta(days=4))
    fitting = [
        found
        for _, found in sorted(mine.items())
        if 3 <= len(found) <= 6 and sum(window[0] <= row.due <= window[1] for row in found) >= 3
    ]
    return fitting[0], fitting[1]


def address(customer: list[Bill]) -> str:
    return f"payables@c{customer[0].customer}.example"


def numbers(mail: Received, customer: list[Bill]) -> set[str]:
    """Which of the customer's invoices a message speaks of."""
    return {row.number for row in customer if re.search(rf"\b{row.number}\b", mail.body())}


def live(kernel: Kernel, day: date, set_clock: Callable[[datetime], None]) -> None:
    """One afternoon's tick of the rota."""
    now = afternoon(day)
    set_clock(now)
    judge_promises(kernel, {}, now)
    run_dunning(kernel, {}, now)
    run_due(kernel, ROTA.handlers, now=now, limit=100)
    deliver_outbox(kernel, {}, now)


def visit_and_act(browser: Browser, link: str, pays: str, contests: str, mine: list[Bill]) -> None:
    """The customer opens the link, contests one invoice, pays another, and sees what became of both."""
    with visit(browser, width=390) as page:
        page.goto(link)
        for row in mine:
            expect(page.get_by_role("main")).to_contain_text(row.number)
        page.get_by_role("row").filter(has_text=contests).get_by_role("link", name="not right").click()
        page.get_by_label("What happened?").fill("Two pallets were missing.")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("status")).to_contain_text("A person looks into it")
        for box in page.get_by_role("checkbox").all():
            if box.is_enabled():
                box.set_checked((box.get_attribute("aria-label") or "").endswith(f" {pays}"))
        page.get_by_role("button", name="Pay what is ticked").click()
        expect(page.get_by_text("Test gateway").first).to_be_visible()
        page.get_by_role("button", name="Pay by card", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("Thank you")
        assert not page.get_by_role("row").filter(has_text=pays).count()
        expect(page.get_by_role("row").filter(has_text=contests)).to_contain_text("contested")
        assert plain_faults(page) == []


def settled_by_webhook(kernel: Kernel, browser: Browser) -> Payment:
    """The one payment, once the gateway's webhook has come in and been applied."""
    with visit(browser) as page:
        for _ in range(100):
            with kernel.database.reading() as session:
                events = session.exec(select(WebhookEvent).where(col(WebhookEvent.applied_at).is_not(None))).all()
                if any(event.type == "checkout.session.completed" for event in events):
                    payment = session.exec(select(Payment)).one()
                    session.expunge(payment)
                    return payment
            page.wait_for_timeout(100)
    raise AssertionError("the gateway's webhook did not come")


def test_a_month_from_the_file_to_the_figures(
    kernel: Kernel, browser: Browser, set_clock: Callable[[datetime], None]
) -> None:
    if not FILE.exists():
        pytest.skip(f"the real file is not here: {FILE.name}")
    rows = bills()
    actor, other = two_customers(rows)
    with smtp_server() as smtp:
        settings = kernel.settings.model_copy(update={"smtp_url": smtp.url, "mail_from": "ar@distributor.example"})
        set_clock(afternoon(FIRST - timedelta(days=1)))
        with served(replace(kernel, settings=settings)) as here:
            walk(here, smtp, browser, set_clock, rows, actor, other)


def walk(
    kernel: Kernel,
    smtp: SmtpServer,
    browser: Browser,
    set_clock: Callable[[datetime], None],
    rows: list[Bill],
    actor: list[Bill],
    other: list[Bill],
) -> None:
    start = afternoon(FIRST - timedelta(days=1))
    bring_in(kernel, start)
    with kernel.database.transaction() as session:
        for customer in (actor, other):
            found = account_by_code(session, customer[0].customer)
            assert found.id is not None
            add_contact(session, found.id, ContactDraft(email=address(customer)), by="system", now=start)
    assert told(kernel, start.date()) == by_hand(rows, start.date(), paid={})

    acted_on: date | None = None
    pays = contests = ""
    before = 0
    for day in days():
        live(kernel, day, set_clock)
        letters = smtp.to(address(actor))
        if acted_on is None and letters:
            link = re.search(r"http://127\.0\.0\.1:\d+/pay/\S+", letters[0].body())
            assert link is not None
            asked = sorted(numbers(letters[0], actor))
            pays, contests = asked[0], asked[-1]
            assert pays != contests
            visit_and_act(browser, link[0], pays, contests, actor)
            payment = settled_by_webhook(kernel, browser)
            assert payment.state is PaymentState.SETTLED
            acted_on, before = day, len(smtp.to(address(actor)))
    assert acted_on is not None

    paid = {row.number: acted_on for row in actor if row.number == pays}
    with kernel.database.reading() as session:
        [dispute] = session.exec(select(Dispute)).all()
        assert dispute.reference == contests
        states = session.exec(select(OutboxMessage.state)).all()
        assert set(states) <= {MessageState.SENT, MessageState.CANCELLED}
    assert told(kernel, LAST) == by_hand(rows, LAST, paid=paid)
    assert told(kernel, acted_on - timedelta(days=1)) == by_hand(rows, acted_on - timedelta(days=1), paid={})

    later = smtp.to(address(actor))[before:]
    [thanks] = [mail for mail in later if mail.parsed["subject"].startswith("Thank you: we have received")]
    assert numbers(thanks, actor) == {pays}
    after = [mail for mail in later if mail is not thanks and "not right" not in mail.parsed["subject"]]
    spoken = [numbers(mail, actor) for mail in after if "question" not in mail.parsed["subject"].lower()]
    assert all(not said & {pays} for said in spoken), "a paid invoice was asked for again"
    assert all(not said & {contests} for said in spoken), "a contested invoice was asked for again"
    assert any(spoken), "the rest of the account was forgotten"
    reminders = smtp.to(address(other))
    assert len(reminders) >= 2, "the customer that did nothing is reminded on"
    assert all(numbers(mail, other) and not numbers(mail, actor) for mail in reminders)
    assert smtp.twins() == []
