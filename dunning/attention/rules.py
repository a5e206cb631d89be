"""What it takes to be marked, and what a mark takes out of automation: the stored rules, or the shipped ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, select

from ar.core.audit import Act, record
from ar.core.errors import DomainError, Fault
from dunning.attention.models import AttentionRule, Automation, MarkKind


class RuleError(DomainError):
    code = "bad-attention-rule"


@dataclass(frozen=True)
class Rule:
    """`numbers` are whole: days, counts, per cent; see NUMBERS for what each kind takes."""

    automation: Automation
    numbers: Mapping[str, int] = field(default_factory=dict)


NUMBERS: Mapping[MarkKind, Mapping[str, tuple[int, int, int]]] = {
    MarkKind.LATE: {"invoices": (6, 3, 50), "median_days": (15, 1, 365), "share_percent": (80, 1, 100)},
    MarkKind.DIFFICULTY: {
        "broken_promises": (2, 1, 50),
        "returned_debits": (2, 1, 50),
        "more_disputes": (3, 1, 100),
        "drift_days": (20, 1, 365),
        "days": (90, 7, 365),
    },
    MarkKind.VALUE: {"top_percent": (2, 1, 50)},
}
"""For each kind: the shipped number, the least and the most."""

SHIPPED: Mapping[MarkKind, Rule] = {
    kind: Rule(
        Automation.NONE if kind is MarkKind.DIFFICULTY else Automation.FULL,
        {name: number for name, (number, _, _) in numbers.items()},
    )
    for kind, numbers in NUMBERS.items()
}


def rules_in_force(session: Session) -> dict[MarkKind, Rule]:
    """The rule of each kind: as set, else as shipped."""
    found = dict(SHIPPED)
    for row in session.exec(select(AttentionRule)):
        found[row.kind] = Rule(row.automation, {**SHIPPED[row.kind].numbers, **row.numbers})
    return found


def set_rule(session: Session, kind: MarkKind, rule: Rule, *, by: str, now: datetime) -> Rule:
    """The rule in force for that kind from now on; numbers not given are the shipped ones. Raises RuleError."""
    faults = []
    for name, number in rule.numbers.items():
        if name not in NUMBERS[kind]:
            faults.append(Fault(f"/numbers/{name[:40]}", f"is none of {', '.join(NUMBERS[kind])}"))
        elif not NUMBERS[kind][name][1] <= number <= NUMBERS[kind][name][2]:
            _, least, most = NUMBERS[kind][name]
            faults.append(Fault(f"/numbers/{name}", f"is from {least} to {most}"))
    if faults:
        raise RuleError(f"The rule was not set: {faults[0].pointer} {faults[0].message}", faults=faults)
    numbers = {**SHIPPED[kind].numbers, **rule.numbers}
    row = session.get(AttentionRule, kind) or AttentionRule(
        kind=kind, automation=rule.automation, set_by=by, set_at=now
    )
    row.automation, row.numbers, row.set_by, row.set_at = rule.automation, numbers, by, now
    session.add(row)
    session.flush()
    change = {"automation": rule.automation.value, "numbers": numbers}
    record(session, [Act(by, "attention.rule_set", f"attention_rule:{kind.value}", change)], now=now)
    return Rule(rule.automation, numbers)
