"""Dunning policies: which message goes out how long before or after the due date, in what tone, and how often at most.

A policy is data: named, versioned, stored as rows, never edited in place. Days are calendar days counted from the due
date of each invoice; caps are counted per customer over all sellers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ar.core.errors import DomainError, Fault


class PolicyError(DomainError):
    """The text is not a policy; each fault names the place."""

    code = "bad-policy"


class Tone(StrEnum):
    FRIENDLY = "friendly"
    NEUTRAL = "neutral"
    FIRM = "firm"
    FORMAL = "formal"


@dataclass(frozen=True, slots=True)
class Step:
    """One rung: `offset_days` after the due date (before it when negative), written from the templates of `kind`."""

    key: str
    offset_days: int
    kind: str
    tone: Tone

    @property
    def courtesy(self) -> bool:
        """Whether it only announces: it is not sent once the due date has passed, nor to who opted out of it."""
        return self.offset_days <= 0


@dataclass(frozen=True)
class Policy:
    """A ladder of steps and its limits.

    `spacing_days` is the least rest between two steps of one invoice, which matters when it was imported late or held
    for a while: it then climbs one step at a time. `minimum` gives, per currency, the smallest total worth a message,
    in minor units. `promise_grace_days` are business days after a promised date before the promise is judged;
    `promise_max_days` is how far ahead a promise may lie.
    """

    name: str
    version: int
    steps: tuple[Step, ...]
    per_day: int = 1
    per_week: int = 3
    spacing_days: int = 3
    minimum: Mapping[str, int] = field(default_factory=dict)
    promise_grace_days: int = 2
    promise_max_days: int = 60

    def __post_init__(self) -> None:
        faults = []
        offsets = [step.offset_days for step in self.steps]
        keys = {step.key for step in self.steps}
        if not self.steps or len(self.steps) > 20:
            faults.append(Fault("/steps", "give between 1 and 20 steps"))
        if offsets != sorted(set(offsets)):
            faults.append(Fault("/steps", "list the steps by rising offset, each offset once"))
        if any(not -60 <= offset <= 365 for offset in offsets):
            faults.append(Fault("/steps", "an offset lies between 60 days before and 365 days after the due date"))
        if len(keys) != len(self.steps) or not all(1 <= len(key) <= 40 for key in keys):
            faults.append(Fault("/steps", "give every step a key of its own, of at most 40 characters"))
        bounds = {"per_day": (1, 3), "per_week": (1, 7), "spacing_days": (1, 60), "version": (1, 10**6)}
        bounds |= {"promise_grace_days": (0, 30), "promise_max_days": (1, 365)}
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                faults.append(Fault(f"/{name}", f"give a whole number from {low} to {high}"))
        if any(minor < 0 for minor in self.minimum.values()):
            faults.append(Fault("/minimum", "a minimum is zero or more"))
        if faults:
            raise PolicyError(f"the policy {self.name[:60]!r} cannot be used as it stands", faults=faults)

    @property
    def label(self) -> str:
        """Name and version, as notices carry them."""
        return f"{self.name} {self.version}"

    def step(self, key: str) -> Step | None:
        return next((step for step in self.steps if step.key == key), None)

    def body(self) -> dict[str, Any]:
        """The policy as stored, without its name and version."""
        return {key: value for key, value in asdict(self).items() if key not in ("name", "version")}


@dataclass(frozen=True)
class Policies:
    """The policy in force for each seller: its own, else the company's. Caps are the company's."""

    company: Policy
    by_entity: Mapping[int, Policy] = field(default_factory=dict)

    def of(self, entity_id: int) -> Policy:
        return self.by_entity.get(entity_id, self.company)

    @property
    def first_offset(self) -> int:
        """The earliest offset of any step, in days from the due date."""
        return min(policy.steps[0].offset_days for policy in (self.company, *self.by_entity.values()))


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
        Step("formal", 30, "reminder_formal", Tone.FORMAL),
    ),
)
"""The default: a courtesy word before the due date, then friendlier than firm for as long as it can be."""
