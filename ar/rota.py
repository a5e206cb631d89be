"""The rota of the product: what runs when, with which handler; and the scheduler that ticks it.

Run one `amiable scheduler`, or `amiable serve --with-scheduler`. A second one does no harm.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler
from sqlmodel import Session

from ar.cash import news, thanks, work
from ar.cash.autopay import run as autopay
from ar.cash.bank import folder as bank_folder
from ar.cash.bank.after import WORK_JOB
from ar.cash.cashed import CASHED_JOB
from ar.cash.checkout import in_flight
from ar.cash.collections import jobs as collections
from ar.cash.collections import returned
from ar.cash.collections.act import TELL_JOB
from ar.cash.collections.make import DROP_JOB
from ar.cash.collections.notice import tell_collection
from ar.cash.mandates.manage import lapse_unused
from ar.cash.matching.by_hand import CLAIM_JOB
from ar.cash.matching.facts import Expected
from ar.cash.matching.learning import learn_matching
from ar.cash.matching.run import Sources
from ar.cash.online import methods, setups, transfers
from ar.cash.plans import facts as plans
from ar.cash.plans.follow import follow_plans
from ar.cash.reconcile import look_again, reconcile_payments
from ar.cash.remittance import pairing
from ar.core import clock, idempotency
from ar.core.access import sessions
from ar.core.carriers import carriers_of
from ar.core.jobs import forget_old, run_due
from ar.core.kernel import Kernel
from ar.core.outbox import Guard, always_wanted, deliver
from ar.core.outbox.deliver import PATIENCE
from ar.core.rota import DAY, HOUR, MINUTE, WEEK, Rota, RotaEntry, tick
from ar.core.webhooks import manage as webhooks
from ar.core.webhooks.send import send_webhooks
from ar.customers import notes
from ar.disputes.deduct import claim_deduction
from dunning import message
from dunning.expected import promised_sums
from dunning.guard import copy_guard, reminder_guard
from dunning.jobs import judge_promises, mark_attention, refresh_worklist, run_dunning
from dunning.late import book_charges
from dunning.letters.make import MAKE_JOB as LETTERS_JOB
from dunning.letters.make import MAKE_NOW_JOB as LETTERS_NOW_JOB
from dunning.letters.make import make_letters, make_letters_now
from dunning.replies.copies import send_copies
from dunning.replies.jobs import forget_replies, mailbox_reader
from dunning.replies.model import likely
from dunning.replies.safe import COPIES_JOB
from dunning.replies.thread import ANSWER_PURPOSE
from dunning.run import RUN_JOB
from dunning.simulation.jobs import SIMULATE_JOB, simulate_policy
from invoicing.billing.announce import announce_order
from invoicing.billing.jobs import BILL_JOB, WANTED_JOB, bill_evenings, bill_wanted
from invoicing.delivery import mail as delivery_mail
from invoicing.delivery import notice
from invoicing.delivery.cashed import tell_cashed
from invoicing.delivery.deposit import REPORT_JOB, deposit_delivery, read_platform, report_status
from invoicing.delivery.plan import DEPOSIT_JOB, plan_delivery
from invoicing.delivery.want import PLAN_JOB
from invoicing.einvoice.make import make_invoice_files
from invoicing.einvoice.want import MAKE_JOB
from invoicing.orders.accept import ANNOUNCE_JOB
from prediction.register import newest_model
from prediction.run import predict, train

GUARDS: Mapping[str, Guard] = {
    message.PURPOSE: reminder_guard(in_flight),
    message.COPY_PURPOSE: copy_guard(in_flight),
    notes.PURPOSE: always_wanted,
    ANSWER_PURPOSE: always_wanted,
    delivery_mail.PURPOSE: delivery_mail.delivery_guard,
    notice.PURPOSE: notice.notice_guard,
}
"""Who is asked, by a message's purpose, whether it is still wanted at the moment of sending."""

_BATCH = 2000
_BATCHES = 5
_INLINE = 50
_KEPT = timedelta(days=30)
_LATE = 3600
_IDLE_SECONDS = 5


def deliver_outbox(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """Send what is due, batch after batch, until nothing is, no server is to be reached, or PATIENCE is over; then
    tell the deliveries of documents what became of their messages."""
    carriers = carriers_of(kernel, now=now)
    watch = clock.stopwatch()
    worker = f"{socket.gethostname()}:{os.getpid()}"
    words = []
    for _ in range(_BATCHES):
        report = deliver(kernel, carriers, GUARDS, now=now, limit=_BATCH, worker=worker)
        words.append(str(report))
        if not report.more or watch() > PATIENCE:
            break
    with kernel.database.transaction() as session:
        delivery_mail.follow_messages(session, now=now)
    return "; ".join(words)


def forget(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """Delete sessions that ended, and the traces of jobs, idempotency keys and webhooks of a month ago."""
    with kernel.database.transaction() as session:
        sessions.forget_expired(session, now=now)
        idempotency.forget(session, before=now - _KEPT)
        webhooks.forget(session, before=now - _KEPT)
        return f"{forget_old(session, before=now - _KEPT)} old jobs forgotten"


def foresee(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """Say anew who will pay late, by a model that is at most a week old."""
    with kernel.database.reading() as session:
        model = newest_model(session)
    if model is None or now - model.trained_at > WEEK:
        train(kernel, as_of=now.date(), now=now)
    return str(predict(kernel, as_of=now.date(), now=now))


def said_to_come(session: Session, account_ids: Sequence[int]) -> dict[int, list[Expected]]:
    """Per account, the sums that its customer said would come: promises, and the next instalments of plans."""
    promised, planned = promised_sums(session, account_ids), plans.expected(session, account_ids)
    return {number: [*promised.get(number, ()), *planned.get(number, ())] for number in {*promised, *planned}}


SOURCES = Sources(
    advice=pairing.advice_for,
    used=lambda session, lines, now: pairing.mark_used(session, lines, by="system", now=now),
    expected=said_to_come,
)
"""What others know of money that came in."""

ROTA = Rota(
    entries=(
        RotaEntry("deliver-outbox", MINUTE, deliver_outbox, catch_up=1),
        RotaEntry("send-webhooks", MINUTE, send_webhooks, catch_up=1),
        RotaEntry("reconcile-payments", 10 * MINUTE, reconcile_payments, catch_up=1),
        RotaEntry(bank_folder.JOB, 5 * MINUTE, bank_folder.read_folder, catch_up=1),
        RotaEntry("collect-debits", HOUR, collections.collect, offset=25 * MINUTE, catch_up=1),
        RotaEntry("lapse-mandates", DAY, lapse_unused, offset=4 * HOUR, catch_up=1),
        RotaEntry("follow-plans", HOUR, follow_plans, offset=2 * MINUTE, catch_up=1),
        RotaEntry("read-platform", 5 * MINUTE, read_platform, catch_up=1),
        RotaEntry("announce-first-invoices", HOUR, notice.announce_drafts, offset=20 * MINUTE, catch_up=1),
        RotaEntry("read-replies", 3 * MINUTE, mailbox_reader(likely), catch_up=1),
        RotaEntry("forget-replies", DAY, forget_replies, offset=2 * HOUR, catch_up=1),
        RotaEntry("judge-promises", HOUR, judge_promises, catch_up=1),
        RotaEntry(RUN_JOB, HOUR, run_dunning, offset=5 * MINUTE, catch_up=1),
        RotaEntry("book-late-charges", HOUR, book_charges, offset=35 * MINUTE, catch_up=1),
        RotaEntry(LETTERS_JOB, HOUR, make_letters(GUARDS), offset=7 * MINUTE, catch_up=1),
        RotaEntry("refresh-worklist", HOUR, refresh_worklist, offset=8 * MINUTE, catch_up=1),
        RotaEntry("judge-attention", DAY, mark_attention, offset=4 * HOUR, catch_up=1),
        RotaEntry(BILL_JOB, HOUR, bill_evenings, offset=15 * MINUTE, catch_up=1),
        RotaEntry("work-waiting-lines", DAY, work.work_waiting(SOURCES), offset=4 * HOUR, catch_up=1),
        RotaEntry("learn-matching", WEEK, learn_matching, offset=5 * HOUR, catch_up=1),
        RotaEntry(autopay.RUN_JOB, HOUR, autopay.run_autopay, offset=10 * MINUTE, catch_up=1),
        RotaEntry("predict", DAY, foresee, offset=3 * HOUR, catch_up=1),
        RotaEntry("forget-old-jobs", DAY, forget, offset=2 * HOUR, catch_up=1),
    ),
    jobs={
        LETTERS_NOW_JOB: make_letters_now(GUARDS),
        thanks.JOB: thanks.thank,
        WORK_JOB: work.work_bank_lines(SOURCES),
        pairing.REMATCH_JOB: work.match_again(SOURCES),
        CLAIM_JOB: claim_deduction,
        COPIES_JOB: send_copies,
        TELL_JOB: tell_collection,
        DROP_JOB: collections.drop_file,
        returned.JOB: returned.tell_returned,
        news.LOOK_JOB: look_again,
        news.KEEP_JOB: setups.keep_paid_method,
        methods.DETACH_JOB: methods.detach,
        setups.SETUP_JOB: setups.finish_setup,
        transfers.SPEND_JOB: transfers.spend_balance,
        autopay.CHARGE_JOB: autopay.charge_item,
        CASHED_JOB: tell_cashed,
        MAKE_JOB: make_invoice_files,
        PLAN_JOB: plan_delivery,
        DEPOSIT_JOB: deposit_delivery,
        REPORT_JOB: report_status,
        WANTED_JOB: bill_wanted,
        ANNOUNCE_JOB: announce_order,
        SIMULATE_JOB: simulate_policy,
    },
)


def run_scheduler(kernel: Kernel) -> None:
    """Tick until the process is stopped."""
    _prepared(BlockingScheduler(timezone=UTC), kernel).start()


def background_scheduler(kernel: Kernel) -> BaseScheduler:
    """A scheduler ticking in threads of this process; shut it down with `.shutdown()`."""
    scheduler = _prepared(BackgroundScheduler(timezone=UTC), kernel)
    scheduler.start()
    return scheduler


def _prepared(scheduler: BaseScheduler, kernel: Kernel) -> BaseScheduler:
    def beat() -> None:
        tick(kernel, ROTA, now=clock.now())

    def work() -> None:
        run_due(kernel, ROTA.handlers, now=clock.now(), limit=_INLINE)

    lenient = {"coalesce": True, "max_instances": 1, "misfire_grace_time": _LATE}
    scheduler.add_job(beat, "cron", second=0, next_run_time=clock.now(), id="tick", **lenient)
    if not kernel.database.is_postgres:
        scheduler.add_job(work, "interval", seconds=_IDLE_SECONDS, id="work", **lenient)
    return scheduler
