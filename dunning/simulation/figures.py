"""What a set of policies would have done over a window, in figures. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from dunning.message import Charged, split_lines
from dunning.simulation.replay import Lived, Sent

SELF_CURING_DAYS = 3
EXAMPLES = 20


@dataclass(frozen=True)
class Example:
    """One message that would have been written; amounts in minor units."""

    account_id: int
    code: str
    name: str
    day: date
    step: str
    tone: str
    channel: str
    lines: tuple[dict[str, Any], ...]
    reasons: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Outcome:
    """Counts of the sample, not scaled up.

    `held` are customer-days on which something was due and this stood in the way. `needless` messages asked for items
    that were all settled within 3 days. `aged` items were open 15 days after their due date, `unwarned` of them without
    a word since. `announced` and `booked` are what lateness would have added, in minor units per currency.
    """

    messages: int
    customers: int
    by_step: dict[str, int]
    by_channel: dict[str, int]
    by_tone: dict[str, int]
    by_month: dict[str, int]
    most_in_7: int
    most_in_30: int
    held: dict[str, int]
    needless: int
    aged: int
    unwarned: int
    announced: dict[str, int] = field(default_factory=dict)
    booked: dict[str, int] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        return asdict(self)


def outcome_of(lives: Sequence[Lived], charges: Iterable[Charged] = ()) -> Outcome:
    """The figures of these customers' lives; `charges` are those that their messages told."""
    sends = [sent for lived in lives for sent in lived.sent]
    held: Counter[str] = Counter()
    for lived in lives:
        held.update(lived.held)
    announced: Counter[str] = Counter()
    booked: Counter[str] = Counter()
    for charge in charges:
        announced[charge.currency] += charge.interest_minor + charge.fixed_minor
        if charge.book_minor:
            booked[charge.currency] += charge.book_minor
    return Outcome(
        messages=len(sends),
        customers=sum(bool(lived.sent) for lived in lives),
        by_step=_counts(sent.send.step.key for sent in sends),
        by_channel=_counts(sent.send.channel.value for sent in sends),
        by_tone=_counts(sent.send.step.tone.value for sent in sends),
        by_month=_counts(f"{sent.day:%Y-%m}" for sent in sends),
        most_in_7=max((_most([sent.day for sent in lived.sent], 7) for lived in lives), default=0),
        most_in_30=max((_most([sent.day for sent in lived.sent], 30) for lived in lives), default=0),
        held=dict(sorted(held.items())),
        needless=sum(_needless(lived, sent) for lived in lives for sent in lived.sent),
        aged=sum(lived.aged for lived in lives),
        unwarned=sum(lived.unwarned for lived in lives),
        announced=dict(sorted(announced.items())),
        booked=dict(sorted(booked.items())),
    )


def _counts(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _most(days: Sequence[date], width: int) -> int:
    """The most of `days`, which are in order, that lie within `width` days running."""
    most = first = 0
    for last, day in enumerate(days):
        while days[first] <= day - timedelta(days=width):
            first += 1
        most = max(most, last - first + 1)
    return most


def _needless(lived: Lived, sent: Sent) -> bool:
    """Whether all that the message asked for was settled by the evening three days after it."""
    about = {line.ask.item.entry_id for line in split_lines(sent.send)[0]}
    until = sent.day + timedelta(days=SELF_CURING_DAYS + 1)
    return not any(item.open_on(until) for item in lived.history.items if item.entry_id in about)


def examples_of(lives: Sequence[Lived], *, seed: int, count: int = EXAMPLES) -> list[Example]:
    """Some of the messages, drawn by chance, in the order of their days; the same for the same seed."""
    sends = [sent for lived in lives for sent in lived.sent]
    chosen = sends if len(sends) <= count else Random(seed).sample(sends, count)  # noqa: S311
    return [_example(sent) for sent in sorted(chosen, key=lambda sent: (sent.day, sent.facts.account_id))]


def _example(sent: Sent) -> Example:
    send = sent.send
    return Example(
        account_id=sent.facts.account_id,
        code=sent.facts.code,
        name=sent.facts.name,
        day=sent.day,
        step=send.step.key,
        tone=send.step.tone.value,
        channel=send.channel.value,
        lines=tuple(
            {
                "reference": line.ask.item.reference,
                "step": line.step.key,
                "due_on": line.ask.item.due_on.isoformat(),
                "currency": line.ask.item.currency,
                "amount_minor": line.ask.amount_minor,
            }
            for line in send.lines
        ),
        reasons=tuple({"code": reason.code, **reason.params} for reason in send.reasons),
    )
