"""What decisions about a customer rest on: plain facts, read by `dunning.facts`. Pure.

All amounts are in minor units; all days are the customer's local days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from ar.customers.models import Channel
from dunning.timing import Forecast


class Noticed(NamedTuple):
    """A step at which an item has already been written about."""

    step: str
    offset_days: int
    on: date


class ItemFacts(NamedTuple):
    """A debit item that is open now. `disputed`, `promised` and `in_flight` may overlap or exceed what is open.

    `planned` is in a payment plan in good standing, whose next instalment is on `planned_until`. `event_on` is when a
    promise of it was last broken or a dispute of it answered. `status` is what the customer's platform said of the
    invoice that keeps us from asking: 208 (suspended) or 211 (payment sent). `chosen` names the item's own policy.
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
    event_on: date | None = None
    broken_promise: bool = False
    status: str = ""
    chosen: str | None = None
    forecast: Forecast | None = None


class ContactFacts(NamedTuple):
    """Whom to write to. `email` is empty for one who has none that works, and so is `phone`."""

    id: int
    name: str
    email: str
    language: str | None = None
    opted_out: bool = False
    phone: str = ""
    roles: tuple[str, ...] = ()


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


class Trial(NamedTuple):
    """The arm of an experiment that the customer is in: another policy, timed by forecast or not, or held out.

    Held out means that nothing is written while the oldest item that would be asked for is at most `holdout_days` late;
    0 for not at all.
    """

    experiment_id: int
    arm: str
    holdout_days: int = 0
    policy: str | None = None
    timing: bool | None = None


class LateTerms(NamedTuple):
    """What the law, or the contract, lets a seller add to late amounts, from the dated table; never assumed."""

    interest_percent: Decimal
    fixed_minor: int
    currency: str
    source: str


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """Everything a decision about one customer rests on. `credits` is unapplied credit by (entity_id, currency).

    `contact` is the one to write to, None when no person is known; `bounced` tells that mail to one came back;
    `copied` are the other people. `reminded_late` tells whether it was ever reminded of a late invoice. `bank_age` is,
    by seller that has bank statements, the age of the newest in business days. `spoken_on` is the day of the last
    conversation, `waiting_since` that of the oldest reply nobody dealt with. `taken_out` says why a person has taken
    the customer over, `courtesy_only` why nothing but announcements goes out by itself; empty for neither. `hour` is
    the local one at which it is best written to and `channel_habit` the channel that got it to act, None when nothing
    tells.
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
    spoken_on: date | None = None
    waiting_since: date | None = None
    taken_out: str = ""
    courtesy_only: str = ""
    copied: tuple[ContactFacts, ...] = ()
    segment: str | None = None
    risk: str | None = None
    owner_id: int | None = None
    address: str = ""
    chosen: str | None = None
    reminded_late: bool = False
    bank_age: Mapping[int, int] = field(default_factory=dict)
    trial: Trial | None = None
    hour: int | None = None
    channel_habit: Channel | None = None

    def reached_by(self, channel: Channel) -> bool:
        """Whether a message by `channel` has a way to the customer."""
        person = self.contact
        if channel is Channel.EMAIL:
            return person is not None and person.email != ""
        if channel is Channel.SMS:
            return person is not None and person.phone != ""
        return person is not None and (channel is not Channel.LETTER or self.address != "")

    @property
    def reachable(self) -> bool:
        """Whether there is any way to write to it."""
        return any(self.reached_by(channel) for channel in (Channel.EMAIL, Channel.SMS, Channel.LETTER))
