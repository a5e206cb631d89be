"""A run: whom to write to, decided and recorded chunk by chunk.

A chunk of customers is one transaction: facts, decisions, notices, messages and audit are written together or not at
all. A chunk that fails is halved until the one bad customer is alone; that one is parked and shown, and all the
others have gone through. Each customer has its own day: a run acts on those for whom it is a business day between 9
and 18 o'clock and who have not had their decision of that day, so it may be called every hour, and twice at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from traceback import format_exc
from typing import Any, NamedTuple

import structlog
from sqlalchemy import delete, exists, select
from sqlmodel import Session, col

from ar.core.access.links import unsubscribe_url
from ar.core.audit import Act, record
from ar.core.calendars import is_business_day, within_hours
from ar.core.clock import local_date
from ar.core.db import Database, among, bulk_insert, table
from ar.core.garbage import unswept
from ar.core.halving import error_words, halving
from ar.core.kernel import Kernel
from ar.customers.models import Account
from ar.ledger.models import OpenItem
from dunning import policies
from dunning.case import CustomerFacts
from dunning.decision import Decision, Hold, Nothing, Reason, Send, decide
from dunning.experiments.trials import enter
from dunning.facts import DUNNED, InFlight, gather, lock_accounts
from dunning.models import DunningDecision, DunningParked, Outcome
from dunning.replies.tokens import reply_address
from dunning.write import LinkFor, Means, Sending, write

RUN_JOB = "run-dunning"
"""The name under which the rota registers a run, and its lane: two do not run at once."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class RunReport:
    """How many customers were written to, held, had nothing due, or failed and were parked."""

    sent: int = 0
    held: int = 0
    nothing: int = 0
    parked: tuple[int, ...] = ()

    def __str__(self) -> str:
        words = f"{self.sent} messages written, {self.held} customers held, {self.nothing} with nothing due"
        return f"{words}, {len(self.parked)} parked" if self.parked else words


class Share(NamedTuple):
    """The customers of one worker of several: those whose id leaves `number` when divided by `of`."""

    number: int = 0
    of: int = 1

    def takes(self, account_id: int) -> bool:
        return account_id % self.of == self.number


ALL = Share()


def run_chunks(
    kernel: Kernel,
    *,
    now: datetime,
    link_for: LinkFor,
    in_flight: InFlight,
    size: int = 200,
    share: Share = ALL,
) -> RunReport:
    """Decide and record for every customer of `share` whose turn it is at `now`, `size` of them in a transaction."""
    settings = kernel.settings
    stop_for = partial(unsubscribe_url, settings.base_url, settings.signing_key)
    answer_to = partial(reply_address, settings)
    means = Means(kernel.renderer, settings.mail_from, link_for, in_flight, stop_for, answer_to)
    with kernel.database.reading() as session:
        due, parked = whose_turn(session, now=now)
    counts: Counter[type[Decision]] = Counter()
    failed: list[int] = []

    def decided(session: Session, account_ids: Sequence[int]) -> list[Decision]:
        return act(session, account_ids=account_ids, now=now, means=means)

    def park(account_id: int, error: Exception) -> None:
        failed.append(account_id)
        _park(kernel.database, account_id, error, now=now)

    due, parked = list(filter(share.takes, due)), list(filter(share.takes, parked))
    chunks = [due[at : at + size] for at in range(0, len(due), size)] + [[account_id] for account_id in parked]
    for chunk in chunks:
        with unswept():
            for decisions in halving(kernel.database, chunk, decided, park):
                counts.update(type(decision) for decision in decisions)
    return RunReport(counts[Send], counts[Hold], counts[Nothing], tuple(failed))


def whose_turn(session: Session, *, now: datetime) -> tuple[list[int], list[int]]:
    """Customers to act on at `now`, and apart from them those that are parked: ids in order.

    They have an item that the first step has reached, it is a business day and between 9 and 18 where they are, and
    the decision of that local day has not been made.
    """
    horizon = local_date(now, "UTC") + timedelta(days=1 - policies.policies_in_force(session, now=now).first_offset)
    item = (
        select(col(OpenItem.entry_id))
        .where(
            col(OpenItem.account_id) == col(Account.id),
            col(OpenItem.open_minor) > 0,
            col(OpenItem.due_on) <= horizon,
            col(OpenItem.side) == 1,
            col(OpenItem.kind).in_(DUNNED),
        )
        .correlate(Account)
    )
    query = (
        select(
            table(Account).c.id,
            col(Account.time_zone),
            col(Account.country),
            col(DunningDecision.cycle),
            col(DunningParked.account_id),
        )
        .outerjoin(DunningDecision, col(DunningDecision.account_id) == col(Account.id))
        .outerjoin(DunningParked, col(DunningParked.account_id) == col(Account.id))
        .where(exists(item))
        .order_by(col(Account.id))
    )
    due: list[int] = []
    parked: list[int] = []
    for account_id, zone, country, cycle, parked_id in session.connection().execute(query):
        day = local_date(now, zone)
        if cycle != day and within_hours(now, zone) and is_business_day(day, country):
            (due if parked_id is None else parked).append(account_id)
    return due, parked


def _park(database: Database, account_id: int, error: Exception, *, now: datetime) -> None:
    _log.error("dunning.parked", account_id=account_id, trace=format_exc())
    words = error_words(error)
    with database.transaction() as session:
        session.connection().execute(delete(DunningParked).where(col(DunningParked.account_id) == account_id))
        session.add(DunningParked(account_id=account_id, error=words[:1000], parked_at=now))
        record(session, [Act("system", "dunning.parked", f"account:{account_id}", {"error": words[:200]})], now=now)


def act(session: Session, *, account_ids: Sequence[int], now: datetime, means: Means) -> list[Decision]:
    """Decide for these customers and record it all: notices, messages, decisions, audit; the decisions.

    One who has had the decision of its local day is passed over: another run was first.
    """
    lock_accounts(session, account_ids)
    decided = _last_cycles(session, account_ids)
    facts = [
        customer
        for customer in gather(session, account_ids, now=now, in_flight=means.in_flight)
        if decided.get(customer.account_id) != local_date(now, customer.zone)
    ]
    if not facts:
        return []
    in_force = policies.policies_in_force(session, now=now)
    days = [local_date(now, customer.zone) for customer in facts]
    decisions = [decide(customer, in_force, today=day) for customer, day in zip(facts, days, strict=True)]
    _record(session, list(zip(facts, decisions, days, strict=True)), now=now, means=means)
    return decisions


def _last_cycles(session: Session, account_ids: Sequence[int]) -> dict[int, date]:
    query = select(col(DunningDecision.account_id), col(DunningDecision.cycle))
    query = query.where(among(session, col(DunningDecision.account_id), account_ids))
    return {row.account_id: row.cycle for row in session.connection().execute(query)}


def _record(
    session: Session, made: Sequence[tuple[CustomerFacts, Decision, date]], *, now: datetime, means: Means
) -> None:
    sends = [Sending(facts, decision, day) for facts, decision, day in made if isinstance(decision, Send)]
    ids = write(session, sends, now=now, means=means)
    _replace_decisions(session, made, now=now)
    enter(session, [facts for facts, _, _ in made], now=now)
    outcomes = Counter(outcome(decision).value for _, decision, _ in made)
    change = {"accounts": [facts.account_id for facts, _, _ in made], "notices": ids, "outcomes": dict(outcomes)}
    record(session, [Act("system", "dunning.decided", "dunning", change)], now=now)


def outcome(decision: Decision) -> Outcome:
    if isinstance(decision, Send):
        return Outcome.SEND
    return Outcome.HOLD if isinstance(decision, Hold) else Outcome.NOTHING


def reasons_as_data(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    """Reasons as they are stored and as the API gives them."""
    return [{"code": reason.code, **reason.params} for reason in reasons]


def _replace_decisions(
    session: Session, made: Sequence[tuple[CustomerFacts, Decision, date]], *, now: datetime
) -> None:
    """Put the decisions where the ones before them were, and take the customers out of the parked."""
    account_ids = [facts.account_id for facts, _, _ in made]
    for model in (DunningDecision, DunningParked):
        statement = delete(model).where(among(session, col(model.account_id), account_ids))
        session.connection().execute(statement)
    rows = [
        {
            "account_id": facts.account_id,
            "cycle": day,
            "outcome": outcome(decision),
            "step": decision.step.key if isinstance(decision, Send) else None,
            "reasons": reasons_as_data(decision.reasons),
            "decided_at": now,
        }
        for facts, decision, day in made
    ]
    bulk_insert(session, DunningDecision, rows)
