"""Matching run over money that waits: facts, decisions, records, a chunk in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy import select as rows_of
from sqlmodel import Session, col

from ar.cash.bank.models import BankLine
from ar.cash.matching.aliases import Came, confirm_payers
from ar.cash.matching.decide import decide_all
from ar.cash.matching.facts import Advised, Decision, Incoming, Verdict
from ar.cash.matching.gather import (
    Expectations,
    Seen,
    as_ordered,
    incoming_lines,
    incoming_payments,
    lookups,
    open_lines,
)
from ar.cash.matching.learning import newest_weights
from ar.cash.matching.models import CashApplication, MatchProposal
from ar.cash.matching.policy import as_facts, policies
from ar.cash.matching.record import Recorded, Wish, apply_lines, apply_unapplied
from ar.core.clock import local_date
from ar.core.db import Database, among, bulk_insert, reserve_ids, table
from ar.core.garbage import unswept
from ar.core.halving import error_words, halving
from ar.customers.models import LegalEntity

CHUNK = 500
"""How many amounts of money are matched in one transaction."""

_ROUNDS = 3
"""How often money is looked at whose items were taken by other money of the same chunk."""

QUOTED = 0.5
"""From how strongly on an invoice was quoted for its payer's number and name to be remembered."""

ENGINE = "system"

_ENTITIES = rows_of(col(LegalEntity.id), col(LegalEntity.currency), col(LegalEntity.time_zone))

Advice = Callable[[Session, Sequence[BankLine]], Mapping[int, tuple[Advised, ...]]]
"""What remittance advices say of bank lines, by the line's id."""

Used = Callable[[Session, Sequence[BankLine], datetime], object]
"""Told of bank lines that were applied as an advice says."""


Asked = tuple[Incoming, Decision]
"""Money, and what the engine says of it."""


@dataclass(slots=True)
class Report:
    """What became of the money that was looked at, in counts; `parked` names what failed, with why."""

    applied: int = 0
    suggested: int = 0
    left: int = 0
    parked: dict[int, str] = field(default_factory=dict)

    def add(self, other: Report) -> None:
        self.applied += other.applied
        self.suggested += other.suggested
        self.left += other.left

    def __str__(self) -> str:
        said = f"{self.applied} applied, {self.suggested} suggested, {self.left} left to a person"
        return f"{said}, {len(self.parked)} failed" if self.parked else said


@dataclass(frozen=True, slots=True)
class Sources:
    """Where what others know of money comes from: advices of bank lines, sums that customers said would come."""

    advice: Advice
    used: Used
    expected: Expectations


def match_all(database: Database, line_ids: Sequence[int], sources: Sources, *, now: datetime) -> Report:
    """Match these bank lines, chunk by chunk; one that fails is parked alone and the others go through."""
    report = Report()

    def park(line_id: int, error: Exception) -> None:
        report.parked[line_id] = error_words(error)[:400]

    for start in range(0, len(line_ids), CHUNK):
        chunk = line_ids[start : start + CHUNK]
        with unswept():
            for made in halving(database, chunk, lambda s, ids: match_lines(s, ids, sources, now=now), park):
                report.add(made)
    return report


def match_lines(session: Session, line_ids: Sequence[int], sources: Sources, *, now: datetime) -> Report:
    """Apply what is sure of these bank lines, keep proposals for the rest."""
    lines = {line.id: line for line in open_lines(session, line_ids) if line.id is not None}
    advice = sources.advice(session, list(lines.values()))

    def asked(ids: Sequence[int], seen: Seen) -> list[Asked]:
        incoming = incoming_lines([lines[line_id] for line_id in ids], advice)
        made = decisions(session, incoming, seen, sources.expected, now=now)
        answers = list(zip(incoming, made, strict=True))
        foreign = [
            original
            for one, decision in answers
            if decision.verdict is not Verdict.APPLY and (original := as_ordered(one, lines[one.id])) is not None
        ]
        again = decisions(session, foreign, seen, sources.expected, now=now) if foreign else []
        better = {one.id: (one, decision) for one, decision in zip(foreign, again, strict=True) if decision.proposals}
        return [_surer((one, decision), better.get(one.id)) for one, decision in answers]

    def applied(wishes: Sequence[Wish], seen: Mapping[int, int]) -> Recorded:
        done = apply_lines(session, wishes, seen=seen, now=now)
        _learn(session, wishes, done, now=now)
        if advised := [lines[line_id] for line_id in done.applied if line_id in advice]:
            sources.used(session, advised, now)
        return done

    return _match(session, list(lines), asked, applied, "bank_line_id", now=now)


def match_payments(session: Session, payment_ids: Sequence[int], sources: Sources, *, now: datetime) -> Report:
    """The same for the money that payments have unapplied."""

    def asked(ids: Sequence[int], seen: Seen) -> list[Asked]:
        incoming = incoming_payments(session, ids)
        return list(zip(incoming, decisions(session, incoming, seen, sources.expected, now=now), strict=True))

    def applied(wishes: Sequence[Wish], seen: Mapping[int, int]) -> Recorded:
        return apply_unapplied(session, wishes, seen=seen, now=now)

    return _match(session, payment_ids, asked, applied, "payment_id", now=now)


def _match(
    session: Session,
    ids: Sequence[int],
    asked: Callable[[Sequence[int], Seen], list[Asked]],
    applied: Callable[[Sequence[Wish], Mapping[int, int]], Recorded],
    source: str,
    *,
    now: datetime,
) -> Report:
    report, left = Report(), list(ids)
    undone = _undone(session, ids, source)
    for _ in range(_ROUNDS):
        seen = Seen()
        answers = [(one, _careful(decision, undone)) for one, decision in asked(left, seen)]
        sure = [
            Wish(one, decision.proposals[0], ENGINE, automatic=True)
            for one, decision in answers
            if decision.verdict is Verdict.APPLY
        ]
        done = applied(sure, seen.open_minor) if sure else Recorded({}, [])
        report.applied += len(done.applied)
        told = [decision for _, decision in answers if decision.verdict is not Verdict.APPLY]
        _suggest(session, told, source, now=now)
        verdicts = Counter(decision.verdict for decision in told)
        report.suggested += verdicts[Verdict.SUGGEST]
        report.left += verdicts[Verdict.LEAVE]
        left = list(done.stale)
        if not left:
            break
    report.left += len(left)
    return report


def _undone(session: Session, ids: Sequence[int], source: str) -> set[int]:
    """Those of this money that was applied before and undone: nobody's guess may bring that back."""
    column = table(CashApplication).c[source]
    query = rows_of(column).where(among(session, column, ids), col(CashApplication.undone_at).is_not(None))
    return {row[0] for row in session.connection().execute(query)}


def _careful(decision: Decision, undone: Collection[int]) -> Decision:
    if decision.verdict is Verdict.APPLY and decision.incoming_id in undone:
        return replace(decision, verdict=Verdict.SUGGEST, why_not="undone")
    return decision


def _surer(one: Asked, other: Asked | None) -> Asked:
    best = one[1].proposals[0].probability if one[1].proposals else 0.0
    return other if other is not None and other[1].proposals[0].probability > best else one


def decisions(
    session: Session, incoming: Sequence[Incoming], seen: Seen, expected: Expectations, *, now: datetime
) -> list[Decision]:
    """What the engine says of each, in order, by its legal entity's policy and the day that it is there."""
    look, model = lookups(session, seen, expected), newest_weights(session)
    entities = {row.id: row for row in session.connection().execute(_ENTITIES)}
    today = {number: local_date(now, entities[number].time_zone) for number in {one.entity_id for one in incoming}}
    kept = policies(session, today.keys())
    rules = {
        (number, currency): as_facts(kept[number], own=entities[number].currency, currency=currency)
        for number, currency in {(one.entity_id, one.currency) for one in incoming}
    }
    return decide_all(incoming, look, rules, model, today=today)


def _suggest(session: Session, decided: Sequence[Decision], source: str, *, now: datetime) -> None:
    """Keep the proposals of these decisions in the place of earlier ones."""
    ids = [decision.incoming_id for decision in decided]
    column = table(MatchProposal).c[source]
    session.connection().execute(delete(table(MatchProposal)).where(among(session, column, ids)))
    other = "payment_id" if source == "bank_line_id" else "bank_line_id"
    rows = [
        {
            source: decision.incoming_id,
            other: None,
            "rank": rank,
            "probability": proposal.probability,
            "content": proposal.stored(),
            "why_not": decision.why_not,
            "made_at": now,
        }
        for decision in decided
        for rank, proposal in enumerate(decision.proposals, start=1)
    ]
    numbers = reserve_ids(session, MatchProposal, len(rows))
    bulk_insert(session, MatchProposal, [{"id": n, **row} for n, row in zip(numbers, rows, strict=True)])


def _learn(session: Session, wishes: Sequence[Wish], done: Recorded, *, now: datetime) -> None:
    """Remember under what the money of customers came whose invoices it named: no guess teaches another."""
    confirm_payers(
        session,
        [
            Came(wish.incoming.payer_iban, wish.incoming.payer_name, account_id)
            for wish in wishes
            if wish.incoming.id in done.applied and wish.proposal.evidence.get("named", 0) >= QUOTED
            for account_id in {part.account_id for part in wish.proposal.parts}
        ],
        now=now,
    )
