"""What became of the customers of an experiment, by the ledger: a handful of set-based queries for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlmodel import Session, col

from ar.core.db import table
from ar.customers.models import Contact
from ar.disputes.models import Dispute
from ar.ledger.models import Allocation, EntryKind, OpenItem
from ar.ledger.rates import Rates, rates_on
from dunning.experiments.estimate import Outcomes
from dunning.experiments.models import Experiment, ExperimentArm
from dunning.facts import DUNNED
from dunning.models import DunningHold, DunningNotice, HoldKind


@dataclass
class _Customer:
    """Sums of one customer, in minor units of the reporting currency."""

    arm: str
    entered_on: date
    stake: int = 0
    cash: int = 0
    waited: int = 0
    complaints: int = 0
    messages: int = 0


@dataclass(frozen=True)
class Gathered:
    """The outcomes by arm, and the currencies whose items are left out for want of an exchange rate."""

    arms: Mapping[str, Outcomes]
    left_out: Sequence[str] = field(default_factory=tuple)


def until_of(experiment: Experiment, *, today: date) -> date:
    """The last day that counts: the experiment's own, the one on which it was ended, or `today`."""
    ended = experiment.ended_at.date() if experiment.ended_at is not None else today
    return min(experiment.ends_on, ended, today)


def gather_outcomes(session: Session, experiment: Experiment, *, today: date, currency: str) -> Gathered:
    """What became of each customer from the day on which it entered to the end, in minor units of `currency`.

    At stake is what was open on entry, or came to be later, of items due by the end. What is missing at the end counts
    as waiting up to it: an arm does not look quick by what it has not collected.
    """
    assert experiment.id is not None
    until = until_of(experiment, today=today)
    customers = _customers(session, experiment.id)
    rates = rates_on(session, until)
    left_out = _add_cash(session, experiment.id, customers, rates, currency, until=until)
    _add_complaints(session, experiment.id, customers, until=until)
    _add_messages(session, experiment.id, customers, until=until)
    by_arm: dict[str, list[_Customer]] = defaultdict(list)
    for one in customers.values():
        by_arm[one.arm].append(one)
    return Gathered({arm: _outcomes(found) for arm, found in by_arm.items()}, tuple(sorted(left_out)))


def _outcomes(found: Sequence[_Customer]) -> Outcomes:
    names = ("stake", "cash", "waited", "complaints", "messages")
    return Outcomes.of(*(np.array([getattr(one, name) for one in found], dtype=np.float64) for name in names))


def _customers(session: Session, experiment_id: int) -> dict[int, _Customer]:
    query = select(col(ExperimentArm.account_id), col(ExperimentArm.arm), col(ExperimentArm.entered_on)).where(
        col(ExperimentArm.experiment_id) == experiment_id
    )
    return {row.account_id: _Customer(row.arm, row.entered_on) for row in session.connection().execute(query)}


def _entered(experiment_id: int, account: Any) -> Any:
    """The condition that a row's account is in the experiment: a join on its rows."""
    ids = select(col(ExperimentArm.account_id)).where(col(ExperimentArm.experiment_id) == experiment_id)
    return account.in_(ids)


def _add_cash(
    session: Session,
    experiment_id: int,
    customers: Mapping[int, _Customer],
    rates: Rates,
    currency: str,
    *,
    until: date,
) -> set[str]:
    """Add what was at stake, came in, and how long it was waited for; the currencies without a rate."""
    item = OpenItem
    query = select(
        *(col(item.entry_id), col(item.account_id), col(item.currency), col(item.amount_minor)),
        *(col(item.effective_on), col(item.due_on)),
    ).where(
        _entered(experiment_id, col(item.account_id)),
        col(item.side) == 1,
        col(item.kind).in_(DUNNED),
        col(item.due_on) <= until,
        col(item.effective_on) <= until,
    )
    settled = _allocations(session, experiment_id, until=until)
    left_out: set[str] = set()
    for row in session.connection().execute(query):
        one = customers[row.account_id]
        left = row.amount_minor
        taken = settled.get(row.entry_id, ())
        left -= sum(minor for on, minor, _ in taken if on < one.entered_on)
        if left <= 0:
            continue
        if row.currency != currency and not (rates.known(row.currency) and rates.known(currency)):
            left_out.add(row.currency)
            continue
        came = [(on, minor) for on, minor, cash in taken if on >= one.entered_on and cash]
        other = sum(minor for on, minor, cash in taken if on >= one.entered_on and not cash)
        counted = _counted(row, came, left - other, until=until)
        for name, minor in counted.items():
            setattr(one, name, getattr(one, name) + rates.convert(minor, row.currency, currency))
    return left_out


def _counted(row: Any, came: Sequence[tuple[date, int]], stake: int, *, until: date) -> dict[str, int]:
    """One item's sums; `stake` is what was open less what was credited since, for no cash is due for that."""
    stake = max(0, stake)
    cash = sum(minor for _, minor in came)
    missing = max(0, stake - cash)
    waited = sum(minor * (on - row.due_on).days for on, minor in came) + missing * (until - row.due_on).days
    return {"stake": stake, "cash": min(cash, stake), "waited": waited}


def _allocations(session: Session, experiment_id: int, *, until: date) -> dict[int, list[tuple[date, int, bool]]]:
    """What was set against each debit by `until`: the day, minor units, and whether it was cash."""
    credit, debit = table(OpenItem).alias("credit"), table(OpenItem).alias("debit")
    query = (
        select(
            col(Allocation.debit_id),
            col(Allocation.allocated_on),
            col(Allocation.amount_minor),
            (credit.c.kind == EntryKind.PAYMENT).label("cash"),
        )
        .join(debit, debit.c.entry_id == col(Allocation.debit_id))
        .join(credit, credit.c.entry_id == col(Allocation.credit_id))
        .where(_entered(experiment_id, debit.c.account_id), col(Allocation.allocated_on) <= until)
    )
    found: dict[int, list[tuple[date, int, bool]]] = defaultdict(list)
    for entry_id, on, minor, cash in session.connection().execute(query):
        found[entry_id].append((on, minor, bool(cash)))
    return found


def _add_complaints(session: Session, experiment_id: int, customers: Mapping[int, _Customer], *, until: date) -> None:
    """Disputes opened, opt-outs, and holds that persons ordered."""
    opened = select(col(Dispute.account_id), col(Dispute.opened_on)).where(
        _entered(experiment_id, col(Dispute.account_id))
    )
    left = select(col(Contact.account_id), col(Contact.opted_out_at)).where(
        _entered(experiment_id, col(Contact.account_id)), col(Contact.opted_out_at).is_not(None)
    )
    held = select(col(DunningHold.account_id), col(DunningHold.created_at)).where(
        _entered(experiment_id, col(DunningHold.account_id)), col(DunningHold.kind) == HoldKind.PERSON
    )
    for query in (opened, left, held):
        for account_id, told in session.connection().execute(query):
            on = told if type(told) is date else told.date()
            if customers[account_id].entered_on <= on <= until:
                customers[account_id].complaints += 1


def _add_messages(session: Session, experiment_id: int, customers: Mapping[int, _Customer], *, until: date) -> None:
    notice = DunningNotice
    query = (
        select(col(notice.account_id), func.count())
        .join(ExperimentArm, col(ExperimentArm.account_id) == col(notice.account_id))
        .where(
            col(ExperimentArm.experiment_id) == experiment_id,
            col(notice.cycle) >= col(ExperimentArm.entered_on),
            col(notice.cycle) <= until,
            col(notice.cancelled_at).is_(None),
        )
        .group_by(col(notice.account_id))
    )
    for account_id, count in session.connection().execute(query):
        customers[account_id].messages = count
