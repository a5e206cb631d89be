"""What to write to a customer today, or why not: facts and a policy in, a decision with its reasons out. Pure.

What is asked for an item is what is open, less what is contested, promised and already on its way, less the
customer's unapplied credit with that seller in that currency, spent on the oldest items first. All amounts are in
minor units; all days are the customer's local days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from ar.core.calendars import add_business_days, is_business_day
from ar.customers.models import Channel
from dunning.case import CustomerFacts, ItemFacts
from dunning.ladder import Next, next_step, timed
from dunning.policy import Policies, Policy, StaleBank
from dunning.steps import Step, Tone


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
    """Write to the customer for one seller, at the gravest step that any line has newly reached, by `channel`."""

    account_id: int
    entity_id: int
    step: Step
    policy: Policy
    lines: tuple[Line, ...]
    reasons: tuple[Reason, ...] = ()
    channel: Channel = Channel.EMAIL


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


_LIGHT = (Channel.EMAIL, Channel.SMS)

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
    upcoming: list[tuple[Next, ItemFacts]] = []
    lines = asks(facts)
    for ask in lines:
        item = ask.item
        policy = policy_of(item, facts, policies)
        if policy is None:
            reasons.append(Reason("no_policy", _named(item)))
            continue
        following = next_step(item, policy, facts, today=today, asked_minor=ask.amount_minor)
        if following is None:
            continue
        if following.on > today:
            upcoming.append((following, item))
            continue
        reasons += left_out(ask)
        if ask.amount_minor == 0:
            continue
        obstacle = _obstacle(item, following.step, facts, policies.company)
        if obstacle is not None:
            reasons.append(obstacle)
            continue
        if following.why:
            reasons.append(Reason(following.why, {"step": following.step.key, **_named(item)}))
        due.append(Line(ask, following.step))
    due, small = _above_minimum(due, facts, policies)
    reasons += small
    blocks = silences(facts, policies.company, today=today) if any(ask.amount_minor for ask in lines) else []
    if not due:
        if blocks or reasons:
            return Hold(facts.account_id, (*blocks, *reasons))
        return Nothing(facts.account_id, _upcoming(upcoming, lines))
    blocks += _limits(facts, policies.company, today=today)
    oldest = max((today - line.ask.item.due_on).days for line in due)
    if facts.trial is not None and facts.trial.holdout_days and oldest <= facts.trial.holdout_days:
        blocks.append(Reason("held_out", {"experiment_id": facts.trial.experiment_id}))
    if blocks:
        return Hold(facts.account_id, (*blocks, *reasons))
    return _choose(facts, due, reasons, policies, today=today)


def policy_of(item: ItemFacts, facts: CustomerFacts, policies: Policies) -> Policy | None:
    """The policy for one item of the customer; None when a person chose that it gets no automatic word."""
    trial = facts.trial.policy if facts.trial is not None else None
    return policies.of(item.entity_id, item.chosen, facts.chosen, trial, segment=facts.segment)


def _named(item: ItemFacts) -> dict[str, str | int]:
    return {"entry_id": item.entry_id, "reference": item.reference}


def _obstacle(item: ItemFacts, step: Step, facts: CustomerFacts, company: Policy) -> Reason | None:
    """What keeps one item from a step that is due."""
    if item.status:
        return Reason("status", {"status": item.status, **_named(item)})
    if step.courtesy and facts.contact is not None and facts.contact.opted_out:
        return Reason("opted_out", _named(item))
    if facts.courtesy_only and not step.courtesy:
        return Reason("courtesy_only", {"why": facts.courtesy_only, **_named(item)})
    age = facts.bank_age.get(item.entity_id, 0)
    if age < company.bank_days or step.courtesy:
        return None
    if company.stale_bank is StaleBank.WAIT or step.tone is not Tone.FRIENDLY:
        return Reason("stale_bank", {"days": age, **_named(item)})
    return None


def _above_minimum(due: Sequence[Line], facts: CustomerFacts, policies: Policies) -> tuple[list[Line], list[Reason]]:
    totals: dict[tuple[int, str], int] = {}
    for line in due:
        key = (line.ask.item.entity_id, line.ask.item.currency)
        totals[key] = totals.get(key, 0) + line.ask.amount_minor
    least = {
        key: (policies.of(key[0], facts.chosen, segment=facts.segment) or policies.company).minimum for key in totals
    }
    small = {key for key, total in totals.items() if total < least[key].get(key[1], 0)}
    if not small:
        return list(due), []
    kept = [line for line in due if (line.ask.item.entity_id, line.ask.item.currency) not in small]
    return kept, [
        Reason("below_minimum", {"entity_id": entity, "currency": currency, "amount_minor": totals[entity, currency]})
        for entity, currency in sorted(small)
    ]


def silences(facts: CustomerFacts, company: Policy, *, today: date) -> list[Reason]:
    """What silences the whole customer whether or not a step is due."""
    reasons = []
    if facts.taken_out:
        reasons.append(Reason("taken_out", {"why": facts.taken_out}))
    for hold in facts.holds:
        if hold.until is None or hold.until >= today:
            params: dict[str, str | int] = {"hold_id": hold.id, "reason": hold.reason}
            if hold.until is not None:
                params["until"] = hold.until.isoformat()
            reasons.append(Reason("held", params))
    if facts.spoken_on is not None:
        until = facts.spoken_on + timedelta(days=company.rest_days)
        if until > today:
            reasons.append(Reason("conversation", {"until": until.isoformat()}))
    if facts.waiting_since is not None:
        until = add_business_days(facts.waiting_since, company.reply_days, facts.country)
        if until >= today:
            reasons.append(Reason("reply_waiting", {"until": until.isoformat()}))
    if not facts.reachable:
        reasons.append(_unreached(facts))
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
    """One message: for the seller whose step is gravest, then whose item is oldest; the others wait for their day."""
    by_entity: dict[int, list[Line]] = {}
    for line in due:
        by_entity.setdefault(line.ask.item.entity_id, []).append(line)
    written = {(notice.entity_id, notice.step) for notice in facts.notices if notice.cycle == today}
    ranked = []
    for entity_id, lines in by_entity.items():
        gravest = max(lines, key=lambda line: line.step.rank)
        if (entity_id, gravest.step.key) in written:
            reasons.append(Reason("written_today", {"entity_id": entity_id, "step": gravest.step.key}))
        else:
            grave, offset = gravest.step.rank
            ranked.append((-grave, -offset, lines[0].ask.item.due_on, entity_id, gravest))
    if not ranked:
        return Hold(facts.account_id, tuple(reasons))
    ranked.sort(key=lambda found: found[:4])
    _, _, _, entity_id, gravest = ranked[0]
    policy = policy_of(gravest.ask.item, facts, policies) or policies.company
    wanted = _wanted(gravest.step, facts, policy)
    channel = next((way for way in (wanted, Channel.EMAIL) if facts.reached_by(way)), None)
    if channel is None:
        return Hold(facts.account_id, (_unreached(facts), *reasons))
    if channel is not wanted:
        reasons.append(Reason("other_channel", {"channel": wanted.value, "instead": channel.value}))
    reasons += [Reason("other_seller_first", {"entity_id": other}) for _, _, _, other, _ in ranked[1:]]
    if timed(policy, facts):
        if all(line.ask.item.forecast is None for line in by_entity[entity_id]):
            reasons.append(Reason("timing_plain", {}))
        if facts.hour is None and facts.channel_habit is None:
            reasons.append(Reason("habit_unknown", {}))
    chosen = tuple(by_entity[entity_id])
    return Send(facts.account_id, entity_id, gravest.step, policy, chosen, tuple(reasons), channel)


def _wanted(step: Step, facts: CustomerFacts, policy: Policy) -> Channel:
    """The step's channel, or the one that got this customer to act, where the policy goes by such habits.

    Only an e-mail or a text message that is not grave gives way, and only to the other of the two.
    """
    light = step.tone in (Tone.FRIENDLY, Tone.NEUTRAL) and step.channel in _LIGHT
    if light and facts.channel_habit in _LIGHT and timed(policy, facts):
        return facts.channel_habit or step.channel
    return step.channel


def _unreached(facts: CustomerFacts) -> Reason:
    return Reason("bounced" if facts.bounced else "no_contact", {})


def _upcoming(upcoming: Iterable[tuple[Next, ItemFacts]], lines: Sequence[Ask]) -> tuple[Reason, ...]:
    first = min(upcoming, key=lambda u: (u[0].on, -u[0].step.offset_days), default=None)
    if first is None:
        return (Reason("ladder_climbed" if lines else "nothing_open", {}),)
    following, item = first
    params: dict[str, str | int] = {"step": following.step.key, "on": following.on.isoformat()}
    if following.why:
        params["why"] = following.why
    return (Reason("next_step", {**params, "reference": item.reference}),)
