"""The rungs of a policy: when each is due, by which channel, in what tone, for whom, and what it adds. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from pydantic import ConfigDict

from ar.customers.models import Channel

STRICT = ConfigDict(extra="forbid")
"""A policy that is read names nothing that is unknown: a slip of the pen would go unnoticed."""

CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


class Tone(StrEnum):
    FRIENDLY = "friendly"
    NEUTRAL = "neutral"
    FIRM = "firm"
    FORMAL = "formal"


TONES = tuple(Tone)
"""From the lightest to the gravest."""


class Anchor(StrEnum):
    """What the days of a step are counted from."""

    DUE = "due"
    EVENT = "event"  # the last that happened: a notice, a promise that was broken, a dispute that was answered


class Charge(StrEnum):
    """What becomes of interest or of the fixed sum of the law at a step."""

    NONE = "none"
    ANNOUNCED = "announced"
    BOOKED = "booked"  # announced, and posted to the ledger once the message has left


class Signer(StrEnum):
    SELLER = "seller"
    OWNER = "owner"  # the collector whose customer it is; the seller where there is none


class Copy(StrEnum):
    """Who gets a copy besides the one written to: a contact of the customer by its role, or a colleague."""

    BILLING = "billing"
    PAYING = "paying"
    DISPUTES = "disputes"
    MANAGEMENT = "management"
    OWNER = "owner"


class Attach(StrEnum):
    NONE = "none"
    COPIES = "copies"


@dataclass(frozen=True)
class Condition:
    """For which items a step is taken: all that is given must hold; one for which it does not passes the step over.

    `minimum` gives, per currency, what must be asked of the item at least, in minor units; a currency that is not
    listed has no minimum. `days_late` counts from the due date. `broken_promise` is whether a promise of this item was
    broken; `first_time_late` whether the customer was never reminded of a late invoice before.
    """

    segments: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    minimum: Mapping[str, int] = field(default_factory=dict)
    days_late: int | None = None
    broken_promise: bool | None = None
    first_time_late: bool | None = None

    __pydantic_config__ = STRICT

    @cached_property
    def trivial(self) -> bool:
        return self == ANYONE

    def faults(self) -> Iterator[tuple[str, str]]:
        """The fields that hold what cannot be, each with what is wrong."""
        for name in ("segments", "risks", "currencies", "languages"):
            if len(getattr(self, name)) > 50 or any(len(value) > 60 for value in getattr(self, name)):
                yield name, "give at most 50 values of at most 60 characters"
            if any(not value.isprintable() for value in getattr(self, name)):
                yield name, "give values without control characters"
        if not all(CURRENCY.fullmatch(code) for code in (*self.currencies, *self.minimum)):
            yield "minimum", "name currencies by their three letters, such as EUR"
        if any(not 0 <= minor <= 10**15 for minor in self.minimum.values()):
            yield "minimum", "give amounts of zero or more, in minor units"
        if self.days_late is not None and not -60 <= self.days_late <= 1000:
            yield "days_late", "give a whole number from -60 to 1000"


ANYONE = Condition()


@dataclass(frozen=True)
class Step:
    """One rung: `offset_days` after its anchor (before it when negative), written from the templates of `kind`.

    By `Channel.PHONE` a step is a call for a person to make. `interest` and `fixed_sum` are those of the dated table of
    the law, or of the contract; nothing is ever added for a consumer.
    """

    key: str
    offset_days: int
    kind: str
    tone: Tone
    after: Anchor = Anchor.DUE
    channel: Channel = Channel.EMAIL
    when: Condition = ANYONE
    signer: Signer = Signer.SELLER
    copies: tuple[Copy, ...] = ()
    attach: Attach = Attach.NONE
    interest: Charge = Charge.NONE
    fixed_sum: Charge = Charge.NONE

    __pydantic_config__ = STRICT

    @cached_property
    def courtesy(self) -> bool:
        """Whether it only announces: it is not sent once the due date has passed, nor to who opted out of it."""
        return self.after is Anchor.DUE and self.offset_days <= 0

    @cached_property
    def rank(self) -> tuple[int, int]:
        """The gravest step of several speaks for all of them."""
        return TONES.index(self.tone), self.offset_days

    @property
    def charges(self) -> bool:
        return self.interest is not Charge.NONE or self.fixed_sum is not Charge.NONE

    @property
    def books(self) -> bool:
        return Charge.BOOKED in (self.interest, self.fixed_sum)
