"""Which rung an item takes next, and when. Pure.

Days count from the due date, not from the last message; an item that is behind climbs one step at a time with a rest
between. A step whose condition does not hold is passed over while it does not.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from dunning.case import CustomerFacts, ItemFacts, Noticed
from dunning.policy import Policy, Start
from dunning.steps import Anchor, Condition, Step, Tone
from dunning.timing import moved


class Next(NamedTuple):
    """The step that an item takes next and the first day it may; `why` tells what moved it from the policy's day."""

    step: Step
    on: date
    why: str = ""


def next_step(
    item: ItemFacts, policy: Policy, customer: CustomerFacts, *, today: date, asked_minor: int | None = None
) -> Next | None:
    """What `item` of `customer` takes next under `policy`; None at the top of the ladder.

    `asked_minor` is what is asked of it, what is open unless given: conditions on amounts look at it.
    """
    late = today > item.due_on
    done = max((noticed.offset_days for noticed in item.noticed), default=None)
    taken = {noticed.step for noticed in item.noticed}
    reached: Next | None = None
    for step in policy.steps:
        if (step.courtesy and late) or step.key in taken:
            continue
        if step.after is Anchor.DUE and done is not None and step.offset_days <= done:
            continue
        if not step.when.trivial and not holds(
            step.when, item, customer, today=today, minor=item.open_minor if asked_minor is None else asked_minor
        ):
            continue
        following = _when(step, item, policy, customer, late=late)
        if following is None:
            continue
        if done is not None or policy.start is Start.FIRST or not late:
            return following
        if following.on > today or step.tone is Tone.FORMAL:
            return reached or following
        reached = following
    return reached


def _when(step: Step, item: ItemFacts, policy: Policy, customer: CustomerFacts, *, late: bool) -> Next | None:
    """The first day on which the item may take the step; None when it never does as things are."""
    if step.after is Anchor.EVENT:
        event = max((on for on in (item.event_on, *(n.on for n in item.noticed)) if on is not None), default=None)
        if event is None or not late:
            return None
        return Next(step, _rested(event + timedelta(days=step.offset_days), item.noticed, policy))
    on, why = item.due_on + timedelta(days=step.offset_days), ""
    if item.forecast is not None and timed(policy, customer):
        shift = moved(
            on,
            item.forecast,
            policy.timing,
            due_on=item.due_on,
            courtesy=step.courtesy,
            first_word=all(noticed.on <= item.due_on for noticed in item.noticed),
        )
        if shift is not None:
            if shift.on is None:
                return None
            on, why = shift.on, shift.why
    return Next(step, _rested(on, item.noticed, policy), why)


def _rested(on: date, noticed: tuple[Noticed, ...], policy: Policy) -> date:
    if not noticed:
        return on
    return max(on, max(n.on for n in noticed) + timedelta(days=policy.spacing_days))


def timed(policy: Policy, customer: CustomerFacts) -> bool:
    """Whether forecasts and habits may move words to the customer: as its arm of an experiment says, or the policy."""
    if customer.trial is not None and customer.trial.timing is not None:
        return customer.trial.timing
    return policy.timing.enabled


def holds(condition: Condition, item: ItemFacts, customer: CustomerFacts, *, today: date, minor: int) -> bool:
    """Whether every part that is given holds for the item on `today`; `minor` is what is asked of it."""
    language = (customer.contact.language if customer.contact else None) or customer.language
    return all(
        (
            not condition.segments or customer.segment in condition.segments,
            not condition.risks or customer.risk in condition.risks,
            not condition.currencies or item.currency in condition.currencies,
            not condition.languages or language in condition.languages,
            minor >= condition.minimum.get(item.currency, 0),
            condition.days_late is None or (today - item.due_on).days >= condition.days_late,
            condition.broken_promise is None or item.broken_promise is condition.broken_promise,
            condition.first_time_late is None or (not customer.reminded_late) is condition.first_time_late,
        )
    )
