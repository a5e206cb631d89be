"""What a payment's facts say: its state, whether its money is ours, and why. Pure.

Facts only grow: `merge` takes the later instant, the larger refund, the further stage of each dispute. It is
commutative, associative and idempotent, so whatever the order in which facts arrive and however often, the same
set of facts gives the same state. An order of transitions would have to be defended against every race; this has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import IntEnum, StrEnum

from ar.core.i18n import marked as _


class PaymentState(StrEnum):
    INTENDED = "intended"
    STARTED = "started"
    PENDING = "pending"
    SETTLED = "settled"
    FAILED = "failed"
    DISPUTED = "disputed"
    REFUNDED = "refunded"
    UNKNOWN = "unknown"


UNFINISHED = (PaymentState.INTENDED, PaymentState.STARTED, PaymentState.PENDING, PaymentState.UNKNOWN)
"""States of a payment that may yet bring money."""


class Stage(IntEnum):
    """How far a dispute (chargeback, or a direct debit taken back) has come; the later stage is the truth."""

    OPEN = 1
    WON = 2
    LOST = 3


@dataclass(frozen=True)
class Dispute:
    """One dispute of a payment: how much of it, how far it has come, and when that began (the latest known).

    `fee_minor` is what the gateway charges for it, which no customer owes; `reason` is the gateway's word.
    """

    stage: Stage
    amount_minor: int
    at: datetime
    fee_minor: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Facts:
    """What is known of a payment. `asked`: the gateway has it; `uncertain`: it was asked, and the answer was lost.

    `failed_at` is an end: an expired or abandoned session, a debit refused or returned. A declined card is none, for
    the customer may try another on the same page. `failure` is the gateway's code of why, if it gave one.
    `authorised_at`: the amount is set aside at the customer's bank, until it is captured or released;
    `captured_minor` is what was captured of it. `funded_minor` is what has arrived of a bank transfer.
    `doubts` say what does not fit and needs a person, `cleared` which of them a person has looked into.
    """

    asked: bool = False
    uncertain: bool = False
    processing_at: datetime | None = None
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str = ""
    authorised_at: datetime | None = None
    captured_minor: int | None = None
    funded_minor: int = 0
    refunded_minor: int = 0
    disputes: Mapping[str, Dispute] = field(default_factory=dict)
    doubts: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Decision:
    """The state, whether the money is ours now, since when it is or is not, and the reason in words.

    `parked`: only a person can take it further.
    """

    state: PaymentState
    money_in: bool
    at: datetime | None
    reason: str
    parked: bool = False


_NEVER = datetime.min.replace(tzinfo=UTC)


def merge(a: Facts, b: Facts) -> Facts:
    """All that `a` and `b` know together."""
    failed_at, failure = max((a.failed_at or _NEVER, a.failure), (b.failed_at or _NEVER, b.failure))
    return Facts(
        asked=a.asked or b.asked,
        uncertain=a.uncertain or b.uncertain,
        processing_at=_latest(a.processing_at, b.processing_at),
        succeeded_at=_latest(a.succeeded_at, b.succeeded_at),
        failed_at=None if failed_at == _NEVER else failed_at,
        failure=failure,
        authorised_at=_latest(a.authorised_at, b.authorised_at),
        captured_minor=max((c for c in (a.captured_minor, b.captured_minor) if c is not None), default=None),
        funded_minor=max(a.funded_minor, b.funded_minor),
        refunded_minor=max(a.refunded_minor, b.refunded_minor),
        disputes={
            name: _further(a.disputes.get(name), b.disputes.get(name))
            for name in sorted(a.disputes.keys() | b.disputes.keys())
        },
        doubts=a.doubts | b.doubts,
        cleared=a.cleared | b.cleared,
    )


def _latest(a: datetime | None, b: datetime | None) -> datetime | None:
    return max((at for at in (a, b) if at is not None), default=None)


def _further(a: Dispute | None, b: Dispute | None) -> Dispute:
    known = [dispute for dispute in (a, b) if dispute is not None]
    furthest = max(known, key=lambda d: (d.stage, d.at, d.amount_minor, d.reason))
    return replace(furthest, fee_minor=max(d.fee_minor for d in known))


def received(facts: Facts, amount_minor: int) -> int:
    """What comes in, when it does, of a payment of `amount_minor`: less where only a part was captured."""
    return amount_minor if facts.captured_minor is None else min(facts.captured_minor, amount_minor)


def decide(facts: Facts, amount_minor: int) -> Decision:
    """What `facts` make of a payment of `amount_minor`, or of what was captured of it.

    Success is believed until a later failure (a debit returned) or a dispute not won; a failure is believed until a
    later success. Money disputed in part stays booked and waits for a person: no entry can say half a payment.
    """
    at, money_in, state, reason = _settlement(facts, received(facts, amount_minor))
    doubts = open_doubts(facts, received(facts, amount_minor))
    if doubts and state is not PaymentState.FAILED:
        return Decision(PaymentState.UNKNOWN, money_in, at, "; ".join(doubts), parked=True)
    return Decision(state, money_in, at, reason)


def open_doubts(facts: Facts, amount_minor: int) -> list[str]:
    """What does not fit and no person has cleared yet."""
    partly = {
        f"a part of the payment is disputed ({name})"
        for name, dispute in facts.disputes.items()
        if dispute.stage is not Stage.WON and dispute.amount_minor < amount_minor
    }
    return sorted((facts.doubts | partly) - facts.cleared)


def _settlement(facts: Facts, amount_minor: int) -> tuple[datetime | None, bool, PaymentState, str]:
    succeeded, failed = facts.succeeded_at, facts.failed_at
    if succeeded is not None and (failed is None or failed < succeeded):
        lost = [d for d in facts.disputes.values() if d.stage is not Stage.WON and d.amount_minor >= amount_minor]
        if lost:
            said = (
                _("the customer's bank took the money back")
                if any(d.stage is Stage.LOST for d in lost)
                else _("disputed")
            )
            return max(d.at for d in lost), False, PaymentState.DISPUTED, said
        if facts.refunded_minor >= amount_minor:
            return succeeded, True, PaymentState.REFUNDED, _("refunded in full")
        won = [d.at for d in facts.disputes.values() if d.stage is Stage.WON]
        said = _("partly refunded") if facts.refunded_minor else _("dispute won") if won else _("paid")
        return max([succeeded, *won]), True, PaymentState.SETTLED, said
    if failed is not None:
        said = _("returned after it was paid") if succeeded is not None else _("not paid")
        return failed, False, PaymentState.FAILED, said
    if facts.authorised_at is not None:
        return facts.authorised_at, False, PaymentState.PENDING, _("authorised: it waits to be captured")
    if facts.processing_at is not None:
        return facts.processing_at, False, PaymentState.PENDING, _("on its way: the bank has not answered yet")
    if facts.asked:
        return None, False, PaymentState.STARTED, _("waits for the customer")
    if facts.uncertain:
        return None, False, PaymentState.UNKNOWN, _("the gateway did not answer")
    return None, False, PaymentState.INTENDED, _("about to be asked of the gateway")
