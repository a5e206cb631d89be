"""A policy lived through again, day by day, for one customer: what it would have written, and what held it. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import NamedTuple

from dunning.case import CustomerFacts, Noticed, PastNotice
from dunning.decision import Hold, Send, decide
from dunning.policy import Policies
from dunning.simulation.history import DAY, History, RiskOf, Written, facts_on

Ages = Mapping[date, Mapping[int, int]]
"""Per day, the age of each seller's newest bank statement in business days."""


class Sent(NamedTuple):
    """A message that would have been written on `day`, and the facts that it rests on."""

    day: date
    facts: CustomerFacts
    send: Send


@dataclass
class Lived:
    """One customer under one set of policies: the messages, and on how many days it was held for each reason.

    `unwarned` are the items that were still open 15 days after their due date without a word since, of `aged` in all.
    """

    history: History
    sent: list[Sent] = field(default_factory=list)
    held: dict[str, int] = field(default_factory=dict)
    aged: int = 0
    unwarned: int = 0


UNWARNED_DAYS = 15


def replay(
    history: History,
    policies: Policies,
    days: Sequence[date],
    *,
    ages: Ages,
    risk_of: RiskOf,
    window: tuple[date, date],
) -> Lived:
    """`decide` on each of `days`, the business days of the customer's country between the two of `window`."""
    lived, written = Lived(history), Written()
    changes = history.changes()
    dues = sorted(item.due_on for item in history.items if item.asked)
    facts: CustomerFacts | None = None
    seen, nearest = -1, date.max
    ahead = (1 - policies.first_offset) * DAY
    for day in days:
        if not dues or dues[0] > day + ahead:
            continue
        changed = bisect_right(changes, day)
        if facts is None or changed != seen:
            facts = facts_on(history, day, written, bank_age=ages[day], risk_of=risk_of)
            seen, nearest = changed, min((item.due_on for item in facts.items), default=date.max)
        elif facts.bank_age != ages[day]:
            facts = replace(facts, bank_age=ages[day])
        if nearest > day + ahead:  # a run does not look at such a customer either
            continue
        decision = decide(facts, policies, today=day)
        if isinstance(decision, Hold):
            for code in {reason.code for reason in decision.reasons}:
                lived.held[code] = lived.held.get(code, 0) + 1
        elif isinstance(decision, Send):
            lived.sent.append(Sent(day, facts, decision))
            _note(written, decision, day)
            facts = None
    _count_unwarned(lived, window)
    return lived


def _note(written: Written, send: Send, day: date) -> None:
    for line in send.lines:
        entry_id = line.ask.item.entry_id
        noticed = Noticed(line.step.key, line.step.offset_days, day)
        written.noticed[entry_id] = (*written.noticed.get(entry_id, ()), noticed)
    recent = [notice for notice in written.notices if notice.cycle > day - 9 * DAY]
    written.notices = (*recent, PastNotice(send.entity_id, send.step.key, day))
    written.reminded_late = written.reminded_late or not send.step.courtesy


def _count_unwarned(lived: Lived, window: tuple[date, date]) -> None:
    first, last = window
    worded: dict[int, date] = {}
    for sent in lived.sent:
        for line in sent.send.lines:
            if not line.step.courtesy:
                worded.setdefault(line.ask.item.entry_id, sent.day)
    for item in lived.history.items:
        judged = item.due_on + timedelta(days=UNWARNED_DAYS)
        if not item.asked or item.due_on < first or judged > last or not item.open_on(judged):
            continue
        lived.aged += 1
        before = any(noticed.on > item.due_on for noticed in item.noticed)
        if not before and worded.get(item.entry_id, date.max) > judged:
            lived.unwarned += 1
