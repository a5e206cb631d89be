"""Dunning policies: which message goes out when, in what tone, and how often at most.

A policy is data: named, versioned, stored as rows, never edited in place. Days are calendar days; caps are counted per
customer over all sellers and channels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ar.core.errors import DomainError, Fault
from ar.customers.models import Channel
from dunning.steps import CURRENCY, STRICT, Anchor, Attach, Charge, Condition, Copy, Signer, Step, Tone
from dunning.timing import Timing


class PolicyError(DomainError):
    """The text is not a policy; each fault names the place."""

    code = "bad-policy"


class Start(StrEnum):
    """Where an item begins that is first seen when it is late already."""

    FIRST = "first"  # at the first step after the due date
    REACHED = "reached"  # at the step that its age has reached, though never at a formal one


class StaleBank(StrEnum):
    """What is done while the bank was not heard of for long: the customer may have paid without our knowing."""

    SOFTEN = "soften"  # only friendly steps are taken
    WAIT = "wait"


_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}", re.ASCII)
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
_BOUNDS = {
    "per_day": (1, 3),
    "per_week": (1, 7),
    "spacing_days": (1, 60),
    "rest_days": (0, 60),
    "reply_days": (0, 30),
    "bank_days": (1, 60),
    "version": (1, 10**6),
    "promise_grace_days": (0, 30),
    "promise_max_days": (1, 365),
}


@dataclass(frozen=True)
class Policy:
    """A ladder of steps and its limits.

    `spacing_days` is the least rest between two steps of one invoice, which matters when it was imported late or held
    for a while: it then climbs one step at a time. `minimum` gives, per currency, the smallest total worth a message,
    in minor units. `rest_days` is the rest after a conversation, `reply_days` how many business days a reply that
    nobody dealt with holds reminders back. `bank_days` is the age, in business days, from which the newest statement of
    a seller counts as stale. `promise_grace_days` are business days after a promised date before the promise is judged;
    `promise_max_days` is how far ahead a promise may lie.
    """

    __pydantic_config__ = STRICT

    name: str
    version: int
    steps: tuple[Step, ...]
    per_day: int = 1
    per_week: int = 3
    spacing_days: int = 3
    start: Start = Start.FIRST
    rest_days: int = 7
    reply_days: int = 5
    bank_days: int = 5
    stale_bank: StaleBank = StaleBank.SOFTEN
    minimum: Mapping[str, int] = field(default_factory=dict)
    timing: Timing = field(default_factory=Timing)
    promise_grace_days: int = 2
    promise_max_days: int = 60

    def __post_init__(self) -> None:
        faults = list(self._faults())
        if faults:
            raise PolicyError(f"the policy {self.name[:60]!r} cannot be used as it stands", faults=faults)

    def _faults(self) -> Iterator[Fault]:
        if not _NAME.fullmatch(self.name):
            yield Fault("/name", "give a name of at most 60 small letters, digits and hyphens, such as friendly-five")
        if not self.steps or len(self.steps) > 20:
            yield Fault("/steps", "give between 1 and 20 steps")
        keys = {step.key for step in self.steps}
        if len(keys) != len(self.steps):
            yield Fault("/steps", "give every step a key of its own")
        last: Step | None = None
        for at, step in enumerate(self.steps):
            low, high = (1, 90) if step.after is Anchor.EVENT else (-60, 365)
            if not low <= step.offset_days <= high:
                yield Fault(f"/steps/{at}/offset_days", f"give a whole number from {low} to {high}")
            for field_name in ("key", "kind"):
                if not _WORD.fullmatch(getattr(step, field_name)):
                    told = "give at most 40 small letters, digits, hyphens and underscores, a letter first"
                    yield Fault(f"/steps/{at}/{field_name}", told)
            yield from (Fault(f"/steps/{at}/when/{name}", told) for name, told in step.when.faults())
            if step.charges and step.tone is not Tone.FORMAL:
                yield Fault(f"/steps/{at}", "interest and fixed sum are told in a formal tone alone")
            if step.after is Anchor.DUE:
                if last is not None and not _follows(last, step):
                    yield Fault(f"/steps/{at}", "list the steps by rising offset; two of one offset need conditions")
                last = step
        for name, (least, most) in _BOUNDS.items():
            if not least <= getattr(self, name) <= most:
                yield Fault(f"/{name}", f"give a whole number from {least} to {most}")
        if any(minor < 0 for minor in self.minimum.values()):
            yield Fault("/minimum", "a minimum is zero or more")
        if not all(CURRENCY.fullmatch(code) for code in self.minimum):
            yield Fault("/minimum", "name currencies by their three letters, such as EUR")
        yield from self.timing.faults()

    @property
    def label(self) -> str:
        """Name and version, as notices carry them."""
        return f"{self.name} {self.version}"

    @property
    def first_offset(self) -> int:
        """The earliest day of any step, counted from the due date; an experiment may time a policy that does not."""
        earliest = min((step.offset_days for step in self.steps if step.after is Anchor.DUE), default=1)
        return earliest - self.timing.early_days

    def step(self, key: str) -> Step | None:
        return next((step for step in self.steps if step.key == key), None)

    def body(self) -> dict[str, Any]:
        """The policy as stored, without its name and version."""
        return {key: value for key, value in asdict(self).items() if key not in ("name", "version")}


def _follows(last: Step, step: Step) -> bool:
    if step.offset_days == last.offset_days:
        return not (step.when.trivial and last.when.trivial)
    return step.offset_days > last.offset_days


NO_POLICY = ""
"""The choice by which an item or a customer gets no automatic word at all."""


@dataclass(frozen=True)
class Policies:
    """The policies in force and who has which: an item's own, else the customer's, its segment's, the seller's, the
    company's. Caps and waits are the company's."""

    company: Policy
    by_entity: Mapping[int, Policy] = field(default_factory=dict)
    by_segment: Mapping[str, str] = field(default_factory=dict)
    by_name: Mapping[str, Policy] = field(default_factory=dict)

    def of(self, entity_id: int, *choices: str | None, segment: str | None = None) -> Policy | None:
        """The policy for an item of a seller: the first of `choices` that is one; None for NO_POLICY.

        A name that is not in force (any more) is passed over.
        """
        for choice in (*choices, self.by_segment.get(segment) if segment else None):
            if choice == NO_POLICY:
                return None
            if choice is not None and choice in self.by_name:
                return self.by_name[choice]
        return self.by_entity.get(entity_id, self.company)

    @property
    def first_offset(self) -> int:
        """The earliest offset of any step, in days from the due date."""
        every = (self.company, *self.by_entity.values(), *self.by_name.values())
        return min(policy.first_offset for policy in every)


_POLICY = TypeAdapter(Policy)


def parse_policy(name: str, version: int, body: Mapping[str, Any]) -> Policy:
    """The policy that `body` describes. Raises PolicyError, with the place of each fault."""
    try:
        return _POLICY.validate_python({**body, "name": name, "version": version})
    except ValidationError as error:
        faults = [Fault("/" + "/".join(str(part) for part in e["loc"]), e["msg"]) for e in error.errors()]
        raise PolicyError(f"{name[:60]!r} is not a policy", faults=faults) from error


FRIENDLY_FIVE = Policy(
    name="friendly-five",
    version=1,
    steps=(
        Step("courtesy", -3, "reminder_courtesy", Tone.FRIENDLY),
        Step("friendly", 3, "reminder_friendly", Tone.FRIENDLY),
        Step("question", 7, "reminder_question", Tone.NEUTRAL),
        Step("firm", 14, "reminder_firm", Tone.FIRM),
        Step(
            "formal",
            30,
            "reminder_formal",
            Tone.FORMAL,
            attach=Attach.COPIES,
            interest=Charge.ANNOUNCED,
            fixed_sum=Charge.ANNOUNCED,
        ),
    ),
)
"""The default: a courtesy word before the due date, then friendlier than firm for as long as it can be."""

STANDARD = Policy(
    name="standard",
    version=1,
    steps=(
        Step("received", -7, "reminder_received", Tone.FRIENDLY),
        Step("courtesy", -3, "reminder_courtesy", Tone.FRIENDLY),
        Step("due", 0, "reminder_due", Tone.NEUTRAL),
        Step("friendly", 3, "reminder_friendly", Tone.FRIENDLY),
        Step("question", 7, "reminder_question", Tone.NEUTRAL),
        Step(
            "promise-passed",
            1,
            "reminder_broken_promise",
            Tone.NEUTRAL,
            after=Anchor.EVENT,
            when=Condition(broken_promise=True),
            signer=Signer.OWNER,
        ),
        Step("firm", 14, "reminder_firm", Tone.FIRM, signer=Signer.OWNER),
        Step(
            "formal",
            30,
            "reminder_formal",
            Tone.FORMAL,
            signer=Signer.OWNER,
            copies=(Copy.MANAGEMENT, Copy.OWNER),
            attach=Attach.COPIES,
            interest=Charge.ANNOUNCED,
            fixed_sum=Charge.ANNOUNCED,
        ),
        Step("call", 45, "reminder_formal", Tone.FORMAL, channel=Channel.PHONE),
    ),
)
"""The whole ladder, to be chosen: from whether the invoice arrived, a week before it is due, to a person's call."""
