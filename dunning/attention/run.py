"""The daily judgement: every customer that owes something or is marked, in chunks, its marks with their history."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import case, func, select, update
from sqlmodel import Session, col

from ar.cash.collections.models import CollectionLine
from ar.core.audit import Act, record
from ar.core.calendars import local_day_start
from ar.core.clock import local_date
from ar.core.db import among, bulk_insert, table
from ar.core.halving import halving
from ar.core.kernel import Kernel
from ar.credit.holds import standing_holds
from ar.disputes.models import Dispute
from ar.ledger.items import total
from ar.ledger.models import Allocation, EntryKind, OpenItem
from ar.ledger.rates import Rates, rates_on
from dunning.attention.judge import AttentionFacts, Mark, judge_attention
from dunning.attention.marks import standing_marks
from dunning.attention.models import AttentionMark, Automation, MarkKind
from dunning.attention.rules import Rule, rules_in_force
from dunning.calls.models import TaskSource
from dunning.calls.tasks import TaskDraft, add_tasks
from dunning.facts import DUNNED
from dunning.holds import insolvent
from dunning.promises import broken_promises

HISTORY = timedelta(days=730)
"""How far back payments are looked at."""

SEEN = 24
"""How many paid invoices of a customer are looked at, the newest."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class Owed:
    """What each customer owes, in the reporting currency, and what the smallest of the largest debtors owes."""

    by_account: Mapping[int, int]
    top_minor: int | None
    currency: str


def judge_all(kernel: Kernel, *, now: datetime, size: int = 1_000) -> Counter[str]:
    """Judge every customer that owes something or has a mark: how many marks were set, ended and failed."""
    with kernel.database.reading() as session:
        rules = rules_in_force(session)
        currency = kernel.settings.reporting_currency
        owed = _owed(session, rules, currency, today=local_date(now, "UTC"))
        standing = select(col(AttentionMark.account_id)).where(col(AttentionMark.until).is_(None))
        ids = sorted({*owed.by_account, *session.connection().execute(standing).scalars()})
    counts: Counter[str] = Counter()

    def work(session: Session, chunk: Sequence[int]) -> Counter[str]:
        return judge_chunk(session, chunk, rules, owed, now=now)

    def park(account_id: int, error: Exception) -> None:
        counts["failed"] += 1
        _log.error("attention.failed", account_id=account_id, error=str(error)[:200])

    for at in range(0, len(ids), size):
        for found in halving(kernel.database, ids[at : at + size], work, park):
            counts.update(found)
    return counts


def judge_chunk(
    session: Session, account_ids: Sequence[int], rules: Mapping[MarkKind, Rule], owed: Owed, *, now: datetime
) -> Counter[str]:
    """Judge these customers and keep the history of their marks; how many were set and ended."""
    facts = gather(session, account_ids, rules, owed, now=now)
    marks = {one.account_id: judge_attention(one, rules) for one in facts}
    return _record(session, marks, rules, now=now)


def _owed(session: Session, rules: Mapping[MarkKind, Rule], currency: str, *, today: date) -> Owed:
    item = OpenItem
    query = (
        select(col(item.account_id), col(item.currency), total(col(item.open_minor)))
        .where(col(item.open_minor) > 0, col(item.side) == 1, col(item.kind).in_(DUNNED))
        .group_by(col(item.account_id), col(item.currency))
    )
    rates, found = rates_on(session, today), Counter[int]()
    for account_id, code, minor in session.connection().execute(query):
        found[account_id] += _converted(rates, minor, code, currency)
    largest = sorted(found.values(), reverse=True)
    reach = max(1, len(largest) * rules[MarkKind.VALUE].numbers["top_percent"] // 100)
    return Owed(found, largest[reach - 1] if len(largest) >= _FEWEST else None, currency)


_FEWEST = 20
"""With fewer debtors than this, nobody is called one of the largest."""


def _converted(rates: Rates, minor: int, source: str, target: str) -> int:
    known = source == target or (rates.known(source) and rates.known(target))
    return rates.convert(minor, source, target) if known else 0


def gather(
    session: Session, account_ids: Sequence[int], rules: Mapping[MarkKind, Rule], owed: Owed, *, now: datetime
) -> list[AttentionFacts]:
    """What the marks of these customers rest on: a handful of queries, however many."""
    today = local_date(now, "UTC")
    days = rules[MarkKind.DIFFICULTY].numbers["days"]
    since = today - timedelta(days=days)
    paid = _paid_late(session, account_ids, since=today - HISTORY)
    broken = broken_promises(session, account_ids, since=since)
    returned = _returned(session, account_ids, since=since)
    disputes = _disputes(session, account_ids, since=since, before=since - timedelta(days=days))
    standing = standing_holds(session, account_ids)
    holds = {number: {held.reason.value for held in found} for number, found in standing.items()}
    for number in insolvent(session, account_ids):
        holds.setdefault(number, set()).add("insolvency")
    return [
        AttentionFacts(
            account_id=number,
            paid_late=tuple(paid.get(number, ())),
            broken_promises=len(broken.get(number, ())),
            returned_debits=returned.get(number, 0),
            more_disputes=disputes.get(number, 0),
            holds=tuple(sorted(holds.get(number, ()))),
            owed_minor=owed.by_account.get(number, 0),
            top_minor=owed.top_minor,
            currency=owed.currency,
        )
        for number in account_ids
    ]


def _paid_late(session: Session, account_ids: Sequence[int], *, since: date) -> dict[int, list[int]]:
    """The days late of each account's paid invoices issued since `since`, the last paid first.

    An invoice is paid on the day of its last allocation.
    """
    item, part = OpenItem, Allocation
    paid_on = func.max(col(part.allocated_on)).label("paid_on")
    query = (
        select(col(item.account_id), col(item.due_on), paid_on)
        .join(part, col(part.debit_id) == col(item.entry_id))
        .where(
            among(session, col(item.account_id), account_ids),
            col(item.open_minor) == 0,
            col(item.kind) == EntryKind.INVOICE,
            col(item.effective_on) >= since,
        )
        .group_by(col(item.account_id), col(item.entry_id), col(item.due_on))
        .order_by(col(item.account_id), paid_on.desc(), col(item.entry_id).desc())
    )
    found: dict[int, list[int]] = defaultdict(list)
    for account_id, due_on, paid in session.connection().execute(query):
        if len(found[account_id]) < SEEN:
            found[account_id].append((paid - due_on).days)
    return found


def _returned(session: Session, account_ids: Sequence[int], *, since: date) -> dict[int, int]:
    line = CollectionLine
    query = select(col(line.account_id), func.count()).where(
        among(session, col(line.account_id), account_ids), col(line.returned_on) >= since
    )
    return dict(session.connection().execute(query.group_by(col(line.account_id))).all())


def _disputes(session: Session, account_ids: Sequence[int], *, since: date, before: date) -> dict[int, int]:
    """How many more disputes each account opened since `since` than between `before` and then."""
    start = local_day_start(since, "UTC", hour=0)
    sign = case((col(Dispute.opened_at) >= start, 1), else_=-1)
    query = select(col(Dispute.account_id), func.sum(sign)).where(
        among(session, col(Dispute.account_id), account_ids),
        col(Dispute.opened_at) >= local_day_start(before, "UTC", hour=0),
    )
    rows = session.connection().execute(query.group_by(col(Dispute.account_id)))
    return {account: int(more) for account, more in rows}


def _record(
    session: Session, marks: Mapping[int, Sequence[Mark]], rules: Mapping[MarkKind, Rule], *, now: datetime
) -> Counter[str]:
    """Set the marks that are new, end those whose reasons are gone, tell the reasons of those that stay anew.

    For one newly taken out of automation, in part or whole, a call is asked for: a person decides.
    """
    today, standing = local_date(now, "UTC"), standing_marks(session, sorted(marks))
    new: list[dict[str, Any]] = []
    ended: list[int] = []
    changed: list[AttentionMark] = []
    for account_id, wanted in marks.items():
        known = {mark.kind: mark for mark in standing.get(account_id, ())}
        for kind, reasons in wanted:
            mark = known.pop(kind, None)
            told = [dict(reason) for reason in reasons]
            if mark is None:
                new.append(_row(account_id, kind, told, today, now))
            elif mark.made_by == "system" and mark.reasons != told:
                mark.reasons = told
                changed.append(mark)
        ended += [mark.id for mark in known.values() if mark.made_by == "system" and mark.id is not None]
    session.add_all(changed)
    session.flush()
    if ended:
        statement = update(table(AttentionMark)).where(among(session, col(AttentionMark.id), ended))
        session.connection().execute(statement.values(until=today))
    bulk_insert(session, AttentionMark, new)
    limited = [row for row in new if rules[row["kind"]].automation is not Automation.FULL]
    add_tasks(session, [_call(row, today) for row in limited], now=now)
    if new or ended:
        told_of = {"marked": [[row["account_id"], row["kind"].value] for row in new], "ended": ended}
        record(session, [Act("system", "attention.judged", "attention", told_of)], now=now)
    return Counter(set=len(new), ended=len(ended))


def _call(row: Mapping[str, Any], today: date) -> TaskDraft:
    number, kind = row["account_id"], row["kind"].value
    return TaskDraft(f"call:attention:{number}:{kind}:{today}", number, TaskSource.ATTENTION, today)


def _row(account_id: int, kind: MarkKind, reasons: list[dict[str, Any]], today: date, now: datetime) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "kind": kind,
        "reasons": reasons,
        "since": today,
        "made_by": "system",
        "made_at": now,
        "dismissed_for": "",
        "dismissed_by": "",
    }
