"""What to write to a customer today, or why not: facts and a policy in, a decision with its reasons out. Pure.

What is asked for an item is what is open, less what is contested, promised and already on its way, less the
customer's unapplied credit with that seller in that currency, spent on the oldest items first. All amounts are in
minor units; all days are the customer's local days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from ar.core.calendars import is_business_day
from dunning.policy import Policies, Policy, Step


class Noticed(NamedTuple):
    """A step at which an item has already been written about."""

    step: str
    offset_days: int
    on: date


class ItemFacts(NamedTuple):
    """A debit item that is open now. `disputed`, `promised` and `in_flight` may overlap or exceed what is open.

    `planned` is in a payment plan in good standing, whose next instalment is on `planned_until`.
    """

    entry_id: int
    entity_id: int
    reference: str
    due_on: date
    currency: str
    open_minor: int
    disputed_minor: int = 0
    promised_minor: int = 0
    promised_until: date | None = None
    in_flight_minor: int = 0
    noticed: tuple[Noticed, ...] = ()
    planned_minor: int = 0
    planned_until: date | None = None


class ContactFacts(NamedTuple):
    id: int
    name: str
    email: str
    language: str | None = None
    opted_out: bool = False


class PastNotice(NamedTuple):
    """A notice of the last seven days; `cycle` is the local day it was written for."""

    entity_id: int
    step: str
    cycle: date
    cancelled: bool = False


class HoldFacts(NamedTuple):
    """A rest that a person ordered; `until` is its last day, None when it has no end."""

    id: int
    until: date | None
    reason: str


class LateTerms(NamedTuple):
    """What the law, or the contract, lets a seller add to late amounts, from the dated table; never assumed."""

    interest_percent: Decimal
    fixed_minor: int
    currency: str
    source: str


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """Everything a decision about one customer rests on. `credits` is unapplied credit by (entity_id, currency).

    `contact` is the one to write to, None when there is none with a working address; `bounced` tells that there was.
    """

    account_id: int
    code: str
    name: str
    language: str
    country: str
    zone: str
    epoch: int
    contact: ContactFacts | None
    bounced: bool
    items: tuple[ItemFacts, ...]
    credits: Mapping[tuple[int, str], int] = field(default_factory=dict)
    notices: tuple[PastNotice, ...] = ()
    holds: tuple[HoldFacts, ...] = ()


class Reason(NamedTuple):
    """A stable code with its figures; templates put it into words."""

    code: str
    params: Mapping[str, str | int]


class Ask(NamedTuple):
    """One item, what is asked for it, and what is left out of its open amount and why."""

    item: ItemFacts
    amount_minor: int
    contested_minor: int
    promised_minor: int
    in_flight_minor: int
    credited_minor: int
    planned_minor: int = 0


class Line(NamedTuple):
    """One item of a message, at the step it has newly reached."""

    ask: Ask
    step: Step


@dataclass(frozen=True, slots=True)
class Send:
    """Write to the customer for one seller, at the highest step that any line has newly reached."""

    account_id: int
    entity_id: int
    step: Step
    policy: Policy
    lines: tuple[Line, ...]
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """Something is due to be said, or a person wants silence, and these reasons stand in the way."""

    account_id: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Nothing:
    """No item has reached a new step; the reason names the next one and its day, when there is one."""

    account_id: int
    reasons: tuple[Reason, ...]


Decision = Send | Hold | Nothing


def asks(facts: CustomerFacts) -> list[Ask]:
    """What is asked for each item, oldest due date first, nothing left out but what the reasons name."""
    credits_left = dict(facts.credits)
    result = []
    for item in sorted(facts.items, key=lambda i: (i.due_on, i.entry_id)):
        contested = min(item.open_minor, item.disputed_minor)
        rest = item.open_minor - contested
        planned = min(rest, item.planned_minor)
        rest -= planned
        promised = min(rest, item.promised_minor)
        rest -= promised
        in_flight = min(rest, item.in_flight_minor)
        rest -= in_flight
        credited = 0
        if credits_left:
            key = (item.entity_id, item.currency)
            credited = min(rest, credits_left.get(key, 0))
            if credited:
                credits_left[key] -= credited
        result.append(Ask(item, rest - credited, contested, promised, in_flight, credited, planned))
    return result


def next_step(item: ItemFacts, policy: Policy, *, today: date) -> tuple[Step, date] | None:
    """The step that `item` takes next and the first day it may; None at the top of the ladder.

    Days count from the due date, not from the last message; an item that is behind climbs one step at a time with a
    rest between, and an item first seen after its due date starts at the first step after it.
    """
    done = max((noticed.offset_days for noticed in item.noticed), default=None)
    for step in policy.steps:
        if step.courtesy and today > item.due_on:
            continue
        if done is not None and (step.offset_days <= done or any(n.step == step.key for n in item.noticed)):
            continue
        on = item.due_on + timedelta(days=step.offset_days)
        if done is not None:
            on = max(on, max(n.on for n in item.noticed) + timedelta(days=policy.spacing_days))
        return step, on
    return None


def left_out(ask: Ask) -> list[Reason]:
    """Why part or all of an item is not asked for."""
    item = ask.item
    parts = (
        ("contested", ask.contested_minor),
        ("in_plan", ask.planned_minor),
        ("promised", ask.promised_minor),
        ("in_flight", ask.in_flight_minor),
        ("covered_by_credit", ask.credited_minor),
    )
    reasons = []
    for code, minor in parts:
        if minor:
            params: dict[str, str | int] = {
                "entry_id": item.entry_id,
                "reference": item.reference,
                "amount_minor": minor,
                "currency": item.currency,
            }
            if code == "promised" and item.promised_until is not None:
                params["until"] = item.promised_until.isoformat()
            if code == "in_plan" and item.planned_until is not None:
                params["until"] = item.planned_until.isoformat()
            reasons.append(Reason(code, params))
    return reasons


def decide(facts: CustomerFacts, policies: Policies, *, today: date) -> Decision:
    """Whom to write to for what today, or why not. `today` is the customer's local day."""
    due: list[Line] = []
    reasons: list[Reason] = []
    upcoming: list[tuple[date, Step, ItemFacts]] = []
    lines = asks(facts)
    for ask in lines:
        item = ask.item
        following = next_step(item, policies.of(item.entity_id), today=today)
        if following is None:
            continue
        step, on = following
        if on > today:
            upcoming.append((on, step, item))
            continue
        reasons += left_out(ask)
        if ask.amount_minor == 0:
            continue
        if step.courtesy and facts.contact is not None and facts.contact.opted_out:
            reasons.append(Reason("opted_out", {"entry_id": item.entry_id, "reference": item.reference}))
            continue
        due.append(Line(ask, step))
    due, small = _above_minimum(due, policies)
    reasons += small
    blocks = _blocks(facts, today=today) if any(ask.amount_minor for ask in lines) else []
    if not due:
        if blocks or reasons:
            return Hold(facts.account_id, (*blocks, *reasons))
        return Nothing(facts.account_id, _upcoming(upcoming, lines))
    blocks += _limits(facts, policies.company, today=today)
    if blocks:
        return Hold(facts.account_id, (*blocks, *reasons))
    return _choose(facts, due, reasons, policies, today=today)


def _above_minimum(due: Sequence[Line], policies: Policies) -> tuple[list[Line], list[Reason]]:
    totals: dict[tuple[int, str], int] = {}
    for line in due:
        key = (line.ask.item.entity_id, line.ask.item.currency)
        totals[key] = totals.get(key, 0) + line.ask.amount_minor
    small = {key for key, total in totals.items() if total < policies.of(key[0]).minimum.get(key[1], 0)}
    if not small:
        return list(due), []
    kept = [line for line in due if (line.ask.item.entity_id, line.ask.item.currency) not in small]
    return kept, [
        Reason("below_minimum", {"entity_id": entity, "currency": currency, "amount_minor": totals[entity, currency]})
        for entity, currency in sorted(small)
    ]


def _blocks(facts: CustomerFacts, *, today: date) -> list[Reason]:
    """What silences the whole customer whether or not a step is due."""
    reasons = []
    for hold in facts.holds:
        if hold.until is None or hold.until >= today:
            params: dict[str, str | int] = {"hold_id": hold.id, "reason": hold.reason}
            if hold.until is not None:
                params["until"] = hold.until.isoformat()
            reasons.append(Reason("held", params))
    if facts.contact is None:
        reasons.append(Reason("bounced" if facts.bounced else "no_contact", {}))
    return reasons


def _limits(facts: CustomerFacts, policy: Policy, *, today: date) -> list[Reason]:
    """What makes a message wait for another day. One that was cancelled today still counts for the day."""
    reasons = []
    if not is_business_day(today, facts.country):
        reasons.append(Reason("closed_day", {"on": today.isoformat()}))
    if sum(notice.cycle == today for notice in facts.notices) >= policy.per_day:
        reasons.append(Reason("cap_day", {"cap": policy.per_day}))
    week = today - timedelta(days=7)
    if sum(notice.cycle > week and not notice.cancelled for notice in facts.notices) >= policy.per_week:
        reasons.append(Reason("cap_week", {"cap": policy.per_week}))
    return reasons


def _choose(
    facts: CustomerFacts, due: Sequence[Line], reasons: list[Reason], policies: Policies, *, today: date
) -> Decision:
    """One message: for the seller whose step is highest, then whose item is oldest; the others wait for their day."""
    by_entity: dict[int, list[Line]] = {}
    for line in due:
        by_entity.setdefault(line.ask.item.entity_id, []).append(line)
    written = {(notice.entity_id, notice.step) for notice in facts.notices if notice.cycle == today}
    ranked = []
    for entity_id, lines in by_entity.items():
        step = max((line.step for line in lines), key=lambda s: s.offset_days)
        if (entity_id, step.key) in written:
            reasons.append(Reason("written_today", {"entity_id": entity_id, "step": step.key}))
        else:
            ranked.append((-step.offset_days, lines[0].ask.item.due_on, entity_id, step))
    if not ranked:
        return Hold(facts.account_id, tuple(reasons))
    ranked.sort()
    _, _, entity_id, step = ranked[0]
    reasons += [Reason("other_seller_first", {"entity_id": other}) for _, _, other, _ in ranked[1:]]
    return Send(facts.account_id, entity_id, step, policies.of(entity_id), tuple(by_entity[entity_id]), tuple(reasons))


def _upcoming(upcoming: Iterable[tuple[date, Step, ItemFacts]], lines: Sequence[Ask]) -> tuple[Reason, ...]:
    first = min(upcoming, key=lambda u: (u[0], -u[1].offset_days), default=None)
    if first is None:
        return (Reason("ladder_climbed" if lines else "nothing_open", {}),)
    on, step, item = first
    params: dict[str, str | int] = {"step": step.key, "on": on.isoformat(), "reference": item.reference}
    return (Reason("next_step", params),)
