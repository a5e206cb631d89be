"""Lives the simulated company's days, one after the other, through the product's own functions.

Each day, at an hour that is within working hours from New York to Paris: new customers are opened, invoices issued,
reminders decided and sent (to nobody), customers react, and at a month's end what has become
hopeless is written off.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from sqlalchemy import select
from sqlmodel import Session, col

from ar.cash.checkout import in_flight
from ar.cash.models import Method
from ar.cash.receive import Receipt, Target, record_payment
from ar.core.access.links import portal_url
from ar.core.audit import Act, record
from ar.core.calendars import month_end
from ar.core.jobs import run_due
from ar.core.kernel import Kernel
from ar.core.mail import Fate, FateKind, Mail, Send
from ar.core.outbox import MessageChannel, deliver
from ar.demo.company import Plan, PlannedAccount, PlannedInvoice
from ar.demo.crowd import Contest, Crowd, Pledge, Remittance
from ar.demo.founding import SOURCE, Ids, found, open_planned
from ar.demo.selling import SOLD_DAYS, continue_numbers, leave_open, sell
from ar.demo.words import ANSWERS, CLAIMS
from ar.disputes.claim import open_dispute, resolve_dispute
from ar.disputes.models import Outcome, Reason
from ar.ledger.allocate import Share, allocate
from ar.ledger.items import open_items
from ar.ledger.models import EntryKind
from ar.ledger.post import Posting, post
from ar.rota import GUARDS, ROTA
from dunning.models import DunningNoticeItem
from dunning.promises import Part, judge, promise
from dunning.run import run_chunks

HOPELESS_DAYS = 180
"""Days after the due date at which an uncontested item is written off."""

RECORDED_DAYS = 60
"""Days before today since which the cash desk records payments one by one; what is older is history."""

_DELIVERIES = 2_000
"""Most messages of one day, far above what the company ever writes."""


@dataclass
class Summary:
    """What happened in the simulated months, counted."""

    days: int = 0
    customers: int = 0
    invoices: int = 0
    reminders: int = 0
    payments: int = 0
    promises: int = 0
    disputes: int = 0
    written_off: int = 0


class SimulatedMailer:
    """Delivers every message at once, to nobody. Never a real server."""

    def connect(self) -> AbstractContextManager[Send]:
        return nullcontext(self._send)

    def _send(self, mail: Mail) -> Fate:  # noqa: ARG002
        return Fate(FateKind.SENT, "delivered in the simulation")


def tick(day: date) -> datetime:
    """The instant at which the engine lives `day`."""
    return datetime.combine(day, time(15), tzinfo=UTC)


def last_lived(now: datetime) -> date:
    """The last day to simulate: today once its hour has come, else yesterday; the scheduler lives on from there."""
    day = now.date()
    return day if tick(day) <= now else day - timedelta(days=1)


def live(kernel: Kernel, plan: Plan, *, password_hash: str, told: Callable[[date], None]) -> Summary:
    """Live every day of `plan` in the empty database of `kernel`; `told` hears of each day that is over."""
    with kernel.database.transaction() as session:
        ids = found(session, plan, password_hash=password_hash, now=tick(plan.first_day - timedelta(1)))
    life = _Life(kernel, plan, ids)
    day = plan.first_day
    while day <= plan.today:
        life.live(day)
        told(day)
        day += timedelta(1)
    by = ids.actor(life.manager)
    leave_open(kernel, plan.accounts, ids, by=by, today=plan.today, now=tick(plan.today))
    return life.summary


@dataclass
class _Life:
    """What the engine remembers between days."""

    kernel: Kernel
    plan: Plan
    ids: Ids
    summary: Summary = field(default_factory=Summary)
    mailer: SimulatedMailer = field(default_factory=SimulatedMailer)
    seen_notice: int = 0
    selling: bool = False

    def __post_init__(self) -> None:
        self.crowd = Crowd(self.plan.seed, self.plan.accounts)
        self.opening: dict[date, list[PlannedAccount]] = defaultdict(list)
        self.billing: dict[date, list[PlannedInvoice]] = defaultdict(list)
        self.settling: dict[date, list[tuple[int, Contest]]] = defaultdict(list)
        self.billed: dict[int, PlannedInvoice] = {}
        self.planned = {account.code: account for account in self.plan.accounts}
        emails = {user.role: user.email for user in self.plan.users}
        self.manager, self.cashier = emails["credit_manager"], emails["cash"]
        for account in sorted(self.plan.accounts, key=lambda each: each.parent is not None):
            self.opening[account.customer_since].append(account)
        for invoice in self.plan.invoices:
            self.billing[invoice.issued_on].append(invoice)

    def live(self, day: date) -> None:
        """One day: what the company does in the morning, what the product does by itself, how customers react."""
        now = tick(day)
        self._morning(day, now)
        self._remind(now)
        with self.kernel.database.transaction() as session:
            self._answer_reminders(session, day, now)
            self._dispute(session, day, now)
            self._pay(session, day, now)
            judge(session, now=now)
            if day == month_end(day):
                self._write_off(session, day, now)
        run_due(self.kernel, ROTA.handlers, now=now, limit=_DELIVERIES)
        self.summary.days += 1

    def _morning(self, day: date, now: datetime) -> None:
        opening, billing = self.opening[day], self.billing[day]
        if not opening and not billing:
            return
        with self.kernel.database.transaction() as session:
            for account in opening:
                open_planned(session, account, self.ids, now=now)
        for entry_id, invoice in self._bill(billing, day, now):
            self.crowd.receive(entry_id, invoice)
            self.billed[entry_id] = invoice
        self.summary.customers += len(opening)
        self.summary.invoices += len(billing)

    def _bill(self, billing: Sequence[PlannedInvoice], day: date, now: datetime) -> list[tuple[int, PlannedInvoice]]:
        """History is posted as an import would bring it; of the last days there are orders and documents."""
        if (self.plan.today - day).days >= SOLD_DAYS:
            with self.kernel.database.transaction() as session:
                entry_ids = post(session, [self._invoice(invoice) for invoice in billing], now=now)
            return list(zip(entry_ids, billing, strict=True))
        if not self.selling:
            self.selling = True
            history = [invoice for invoice in self.plan.invoices if invoice.issued_on < day]
            with self.kernel.database.transaction() as session:
                continue_numbers(session, history, self.ids)
        by = self.ids.actor(self.manager)
        return sell(self.kernel, billing, self.planned, self.ids, by=by, today=day, now=now)

    def _invoice(self, invoice: PlannedInvoice) -> Posting:
        return Posting(
            entity_id=self.ids.entities[invoice.entity],
            account_id=self.ids.accounts[invoice.account],
            kind=EntryKind.INVOICE,
            amount_minor=invoice.amount_minor,
            currency=invoice.currency,
            effective_on=invoice.issued_on,
            due_on=invoice.due_on,
            reference=invoice.number,
            source=SOURCE,
            source_key=f"{SOURCE}:{invoice.number}",
        )

    def _remind(self, now: datetime) -> None:
        settings = self.kernel.settings
        link_for = partial(portal_url, settings.base_url, settings.signing_key, now=now)
        report = run_chunks(self.kernel, now=now, link_for=link_for, in_flight=in_flight, size=500)
        self.summary.reminders += report.sent
        deliver(self.kernel, {MessageChannel.EMAIL: self.mailer}, GUARDS, now=now, limit=_DELIVERIES, worker=SOURCE)

    def _answer_reminders(self, session: Session, day: date, now: datetime) -> None:
        item = DunningNoticeItem
        query = select(col(item.notice_id), col(item.entry_id)).where(
            col(item.notice_id) > self.seen_notice, col(item.cancelled_at).is_(None)
        )
        rows = session.connection().execute(query).all()
        if not rows:
            return
        self.seen_notice = max(row.notice_id for row in rows)
        for pledge in self.crowd.remind([row.entry_id for row in rows], on=day):
            self._promise(session, pledge, now)

    def _promise(self, session: Session, pledge: Pledge, now: datetime) -> None:
        account_id = self.ids.accounts[pledge.account]
        parts = [Part(entry_id) for entry_id in pledge.entry_ids]
        promise(session, account_id, items=parts, due_on=pledge.due_on, by=f"customer:{account_id}", now=now)
        self.summary.promises += 1

    def _dispute(self, session: Session, day: date, now: datetime) -> None:
        for contest in self.crowd.contests(day):
            language, account_id = self._party(contest.entry_id)
            reason = Reason(contest.claim.reason)
            opened = open_dispute(
                session,
                entry_id=contest.entry_id,
                amount_minor=contest.amount_minor,
                reason=reason,
                text=CLAIMS[language][reason.value],
                by=f"customer:{account_id}",
                today=day,
                now=now,
            )
            assert opened.id is not None
            self.settling[contest.settle_on].append((opened.id, contest))
            self.summary.disputes += 1
        for dispute_id, contest in self.settling.pop(day, ()):
            self._settle(session, dispute_id, contest, day, now)
            self.crowd.settle(contest, on=day)

    def _settle(self, session: Session, dispute_id: int, contest: Contest, day: date, now: datetime) -> None:
        """The credit manager answers a claim, and credits what is accepted of it."""
        language, _ = self._party(contest.entry_id)
        accepted = contest.amount_minor if contest.claim.upheld else 0
        resolve_dispute(
            session,
            dispute_id,
            outcome=Outcome.ACCEPTED if accepted else Outcome.REJECTED,
            accepted_minor=accepted,
            answer=ANSWERS[language][contest.claim.upheld],
            by=self.ids.actor(self.manager),
            today=day,
            now=now,
        )
        if accepted:
            [credit] = post(session, [self._credit_note(contest, day)], now=now)
            allocate(session, [Share(contest.entry_id, credit, accepted)], on=day, source=SOURCE, now=now)

    def _party(self, entry_id: int) -> tuple[str, int]:
        """Language and id of the account that an invoice went to."""
        code = self.billed[entry_id].account
        return self.planned[code].language, self.ids.accounts[code]

    def _credit_note(self, contest: Contest, day: date) -> Posting:
        invoice = self.billed[contest.entry_id]
        return Posting(
            entity_id=self.ids.entities[invoice.entity],
            account_id=self.ids.accounts[invoice.account],
            kind=EntryKind.CREDIT_NOTE,
            amount_minor=contest.amount_minor,
            currency=invoice.currency,
            effective_on=day,
            reference=f"{invoice.number}-C",
            memo=contest.claim.reason,
            source=SOURCE,
        )

    def _pay(self, session: Session, day: date, now: datetime) -> None:
        transfers = self.crowd.payments(day)
        if (self.plan.today - day).days > RECORDED_DAYS:
            self._book_history(session, transfers, day, now)
        else:
            for transfer in transfers:
                self._record_payment(session, transfer, day, now)
        self.summary.payments += len(transfers)

    def _book_history(self, session: Session, transfers: Sequence[Remittance], day: date, now: datetime) -> None:
        """Bank transfers of the time before payments were recorded here: in the ledger alone, as an import has them."""
        postings = [
            Posting(
                entity_id=self.ids.entities[transfer.entity],
                account_id=self.ids.accounts[transfer.payer],
                kind=EntryKind.PAYMENT,
                amount_minor=transfer.total_minor,
                currency=transfer.currency,
                effective_on=day,
                reference=_transfer_reference(transfer, day),
                source=SOURCE,
            )
            for transfer in transfers
        ]
        shares = [
            Share(entry_id, credit, minor)
            for credit, transfer in zip(post(session, postings, now=now), transfers, strict=True)
            for entry_id, minor in transfer.parts
        ]
        allocate(session, shares, on=day, source=SOURCE, now=now)

    def _record_payment(self, session: Session, transfer: Remittance, day: date, now: datetime) -> None:
        """A bank transfer, as the cash desk records it; a parent's is then set against its group's items."""
        own = all(self.billed[entry_id].account == transfer.payer for entry_id, _ in transfer.parts)
        receipt = Receipt(
            entity_id=self.ids.entities[transfer.entity],
            account_id=self.ids.accounts[transfer.payer],
            amount_minor=transfer.total_minor,
            currency=transfer.currency,
            method=Method.BANK_TRANSFER,
            received_on=day,
            targets=[Target(*part) for part in transfer.parts] if own else [],
            reference=_transfer_reference(transfer, day),
        )
        booked = record_payment(session, receipt, by=self.ids.actor(self.cashier), now=now)
        if not own:
            assert booked.entry_id is not None
            shares = [Share(entry_id, booked.entry_id, minor) for entry_id, minor in transfer.parts]
            allocate(session, shares, on=day, source=f"payment:{booked.id}", now=now)

    def _write_off(self, session: Session, day: date, now: datetime) -> None:
        """Give up what is long overdue and uncontested, as the credit manager would at the month's end."""
        lost = [
            item
            for item in open_items(session, as_of=day)
            if item.side == 1 and not item.disputed_minor and (day - item.due_on).days > HOPELESS_DAYS
        ]
        if not lost:
            return
        postings = [
            Posting(
                entity_id=item.entity_id,
                account_id=item.account_id,
                kind=EntryKind.WRITE_OFF,
                amount_minor=item.open_minor,
                currency=item.currency,
                effective_on=day,
                reference=item.reference,
                memo=f"more than {HOPELESS_DAYS} days late",
                source=SOURCE,
            )
            for item in lost
        ]
        given_up = post(session, postings, now=now)
        shares = [Share(item.entry_id, credit, item.open_minor) for item, credit in zip(lost, given_up, strict=True)]
        allocate(session, shares, on=day, source=SOURCE, now=now)
        self._audit_write_offs(session, given_up, now)
        for item in lost:
            self.crowd.forget(item.entry_id)
        self.summary.written_off += len(lost)

    def _audit_write_offs(self, session: Session, entry_ids: Sequence[int], now: datetime) -> None:
        act = Act(self.ids.actor(self.manager), "ledger.written_off", "ledger", {"entries": list(entry_ids)})
        record(session, [act], now=now)


def _transfer_reference(transfer: Remittance, day: date) -> str:
    return f"{transfer.payer} {day:%Y%m%d}"
