"""Which marks a customer deserves, and why. Pure: facts and rules in, marks with their reasons out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from dunning.attention.models import MarkKind
from dunning.attention.rules import Rule


@dataclass(frozen=True, slots=True)
class AttentionFacts:
    """What is known of one customer.

    `paid_late` are the days late of its paid invoices, the newest first, negative when early. Counts are of the last
    days that the rule names; `more_disputes` is how many more were opened in them than in as many days before. `holds`
    are the reasons of its standing credit holds. `owed_minor` is open in the reporting currency, and `top_minor` what
    the smallest of the largest debtors owes, None where nobody is called so.
    """

    account_id: int
    paid_late: tuple[int, ...] = ()
    broken_promises: int = 0
    returned_debits: int = 0
    more_disputes: int = 0
    holds: tuple[str, ...] = ()
    owed_minor: int = 0
    top_minor: int | None = None
    currency: str = "EUR"


class Mark(NamedTuple):
    """A mark with its reasons: codes with their figures, which templates put into words."""

    kind: MarkKind
    reasons: tuple[Mapping[str, Any], ...]


def judge_attention(facts: AttentionFacts, rules: Mapping[MarkKind, Rule]) -> tuple[Mark, ...]:
    """The marks that these facts give by these rules, those with no reason left out."""
    found = (
        Mark(MarkKind.LATE, _late(facts, rules[MarkKind.LATE].numbers)),
        Mark(MarkKind.DIFFICULTY, _difficulty(facts, rules[MarkKind.DIFFICULTY].numbers)),
        Mark(MarkKind.VALUE, _value(facts)),
    )
    return tuple(mark for mark in found if mark.reasons)


def _late(facts: AttentionFacts, numbers: Mapping[str, int]) -> tuple[Mapping[str, Any], ...]:
    """The median of the last invoices paid, and how many of them came late, both beyond the rule."""
    last = facts.paid_late[: numbers["invoices"]]
    if len(last) < numbers["invoices"]:
        return ()
    days, late = int(median(last)), sum(day > 0 for day in last)
    if days < numbers["median_days"] or late * 100 < numbers["share_percent"] * len(last):
        return ()
    return ({"code": "paid_late", "days": days, "late": late, "invoices": len(last)},)


def _difficulty(facts: AttentionFacts, numbers: Mapping[str, int]) -> tuple[Mapping[str, Any], ...]:
    reasons: list[Mapping[str, Any]] = []
    if "insolvency" in facts.holds:
        reasons.append({"code": "insolvency"})
    elif facts.holds:
        reasons.append({"code": "credit_hold"})
    for name in ("broken_promises", "returned_debits", "more_disputes"):
        count = getattr(facts, name)
        if count >= numbers[name]:
            reasons.append({"code": name, "count": count, "days": numbers["days"]})
    drift = _drift(facts.paid_late)
    if drift is not None and drift >= numbers["drift_days"]:
        reasons.append({"code": "drift", "days": drift})
    return tuple(reasons)


def _drift(paid_late: tuple[int, ...]) -> int | None:
    """By how many days the last three invoices were paid later than those before (medians); None of under eight."""
    if len(paid_late) < 8:
        return None
    return int(median(paid_late[:3]) - median(paid_late[3:]))


def _value(facts: AttentionFacts) -> tuple[Mapping[str, Any], ...]:
    if facts.top_minor is None or facts.owed_minor <= 0 or facts.owed_minor < facts.top_minor:
        return ()
    return ({"code": "large_debtor", "amount_minor": facts.owed_minor, "currency": facts.currency},)
