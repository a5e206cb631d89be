"""The queue looked up, page by page, and each row with all that is shown beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.calendars import within_hours
from ar.customers.accounts import accounts_by_id
from ar.customers.models import Account
from dunning.attention.marks import standing_marks
from dunning.attention.models import AttentionMark, MarkKind
from dunning.models import DunningDecision, DunningParked, Outcome
from dunning.worklist.models import WorklistRow
from dunning.worklist.told import Waiting, last_by_account, last_notices, with_days

KEY = (col(WorklistRow.value_minor).desc(), col(WorklistRow.account_id).desc())
"""The order of the queue: what is worth most first."""


@dataclass(frozen=True)
class Choice:
    """Which rows: `hidden` False for those to be worked on now, True for the others, None for all."""

    worker_id: int | None = None
    owner_id: int | None = None
    hidden: bool | None = False
    outcome: Outcome | None = None
    parked: bool = False
    mark: MarkKind | None = None


@dataclass(frozen=True)
class Listed:
    """A row with its customer as it stands now. `local_time` is the customer's, such as '09:40'; `owner` is set on a
    row that is another's, shown to who stands in."""

    row: WorklistRow
    account: Account
    waiting: Waiting
    marks: Sequence[AttentionMark]
    local_time: str
    within_hours: bool

    @property
    def exchanged_on(self) -> date | None:
        """The day, in UTC, of the last exchange."""
        return date.fromisoformat(self.row.exchange["at"][:10]) if self.row.exchange else None

    @property
    def stood_in(self) -> bool:
        return self.row.worker_id != self.row.owner_id


def chosen(choice: Choice) -> SelectOfScalar[WorklistRow]:
    """The rows of that choice; read them by KEY."""
    query = select(WorklistRow)
    if choice.worker_id is not None:
        query = query.where(col(WorklistRow.worker_id) == choice.worker_id)
    if choice.owner_id is not None:
        query = query.where(col(WorklistRow.owner_id) == choice.owner_id)
    if choice.hidden is not None:
        shown = col(WorklistRow.hidden_for) == ""
        query = query.where(~shown if choice.hidden else shown)
    if choice.outcome is not None:
        query = query.join(DunningDecision, col(DunningDecision.account_id) == col(WorklistRow.account_id))
        query = query.where(col(DunningDecision.outcome) == choice.outcome)
    if choice.parked:
        query = query.join(DunningParked, col(DunningParked.account_id) == col(WorklistRow.account_id))
    if choice.mark is not None:
        query = query.join(AttentionMark, col(AttentionMark.account_id) == col(WorklistRow.account_id))
        query = query.where(col(AttentionMark.kind) == choice.mark, col(AttentionMark.until).is_(None))
    return query


def listed(session: Session, rows: Sequence[WorklistRow], *, now: datetime) -> list[Listed]:
    """The rows with what is shown beside each, in their order."""
    ids = [row.account_id for row in rows]
    accounts = accounts_by_id(session, ids)
    decisions = last_by_account(session, DunningDecision, ids)
    parked = last_by_account(session, DunningParked, ids)
    notices = last_notices(session, ids)
    marks = standing_marks(session, ids)
    return [
        Listed(
            row=row,
            account=(account := accounts[row.account_id]),
            waiting=_waiting(
                row,
                account,
                decisions.get(row.account_id),
                parked.get(row.account_id),
                notices.get(row.account_id, (None, None)),
            ),
            marks=marks.get(row.account_id, ()),
            local_time=f"{now.astimezone(ZoneInfo(account.time_zone)):%H:%M}",
            within_hours=within_hours(now, account.time_zone),
        )
        for row in rows
    ]


def _waiting(
    row: WorklistRow,
    account: Account,
    decision: Mapping[str, Any] | None,
    parked: Mapping[str, Any] | None,
    notice: tuple[str | None, date | None],
) -> Waiting:
    return Waiting(
        account=account,
        overdue=[(currency, minor) for currency, minor in row.overdue],
        oldest_days=row.oldest_days,
        outcome=decision["outcome"].value if decision else None,
        decided_on=decision["cycle"] if decision else None,
        reasons=[with_days(reason) for reason in decision["reasons"]] if decision else [],
        last_step=notice[0],
        last_on=notice[1],
        next_step=row.next_step,
        next_on=row.next_on,
        hold_ids=row.hold_ids,
        parked=parked["error"] if parked else None,
    )


def row_of_account(session: Session, account_id: int) -> WorklistRow | None:
    """The row of a customer; None where nothing of it is overdue."""
    query = select(WorklistRow).where(WorklistRow.account_id == account_id)
    return session.exec(query.execution_options(populate_existing=True)).first()
