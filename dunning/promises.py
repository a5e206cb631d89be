"""Promises to pay: what a customer said it would pay by when, and whether the ledger saw it.

While a promise is alive, reminders leave out exactly what it covers. It is judged on its day plus the policy's grace
in business days of the customer's country.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import RowMapping, bindparam, func, select, update
from sqlmodel import Session, col

from ar.core.audit import Act, record
from ar.core.calendars import add_business_days, local_day_start
from ar.core.clock import local_date
from ar.core.db import among, table
from ar.core.errors import ConflictError, DomainError, Fault, NotFoundError
from ar.core.money import plain
from ar.customers.models import Account
from ar.ledger.allocate import locked_items
from ar.ledger.models import Allocation, EntryKind, OpenItem
from dunning.facts import DUNNED, lock_accounts
from dunning.holds import AccountNotFoundError, reconsider
from dunning.models import Promise, PromiseItem, PromiseSource, PromiseState
from dunning.policies import policies_in_force


class PromiseError(DomainError):
    """The promise cannot be taken as given; faults name the items."""

    code = "bad-promise"


class PromiseNotFoundError(NotFoundError):
    code = "promise-not-found"


class PromiseOverError(ConflictError):
    """The promise was judged or cancelled already."""

    code = "promise-over"


@dataclass(frozen=True, slots=True)
class Part:
    """What is promised of one item; None means all that can be: what is open and not contested."""

    entry_id: int
    amount_minor: int | None = None


def spread(free: Sequence[tuple[int, int]], minor: int) -> list[Part]:
    """Parts that sum to `minor`, of items given as (entry, what can be promised of it), the first first.

    Raises PromiseError for less than nothing, or more than can be promised of all of them.
    """
    if not 0 < minor <= sum(most for _, most in free):
        told = "give an amount above zero, and at most what is open of the chosen invoices"
        raise PromiseError(told, faults=[Fault("/amount", told)])
    parts = []
    for entry_id, most in free:
        taken = min(most, minor)
        if taken:
            parts.append(Part(entry_id, taken))
        minor -= taken
    return parts


def promise(
    session: Session,
    account_id: int,
    *,
    items: Sequence[Part],
    due_on: date,
    by: str,
    now: datetime,
    source: PromiseSource = PromiseSource.PERSON,
) -> Promise:
    """Take a promise to pay these items of one customer, one seller and one currency by `due_on`.

    Raises AccountNotFoundError, ItemNotFoundError, or PromiseError for a day that is over or too far, an item that is
    not the customer's to pay or is promised already, or more than is open and uncontested.
    """
    account = session.get(Account, account_id)
    if account is None:
        raise AccountNotFoundError(f"there is no customer {account_id}")
    lock_accounts(session, [account_id])  # before its items, in the order of runs, so that none deadlocks
    _check_day(session, account, due_on, now=now)
    amounts, rows = _check_items(session, account_id, items)  # locks them: one promise of an item at a time
    first = rows[items[0].entry_id]
    made = Promise(
        account_id=account_id,
        entity_id=first["entity_id"],
        currency=first["currency"],
        amount_minor=sum(amounts.values()),
        due_on=due_on,
        source=source,
        made_by=by,
        created_at=now,
    )
    session.add(made)
    session.flush()
    assert made.id is not None
    for entry_id, minor in amounts.items():
        row = rows[entry_id]
        session.add(
            PromiseItem(promise_id=made.id, entry_id=entry_id, amount_minor=minor, open_minor=row["open_minor"])
        )
    session.flush()
    change = {"promise": made.id, "amount_minor": made.amount_minor, "currency": made.currency, "items": amounts}
    change |= {"due_on": due_on.isoformat(), "source": source.value}
    record(session, [Act(by, "promise.made", f"account:{account_id}", change)], now=now)
    return made


def _check_day(session: Session, account: Account, due_on: date, *, now: datetime) -> None:
    today = local_date(now, account.time_zone)
    furthest = today + timedelta(days=policies_in_force(session, now=now).company.promise_max_days)
    if not today <= due_on <= furthest:
        message = f"a promise is for a day from {today} to {furthest}"
        raise PromiseError(message, faults=[Fault("/due_on", message)])


def _check_items(
    session: Session, account_id: int, items: Sequence[Part]
) -> tuple[dict[int, int], dict[int, RowMapping]]:
    """What is promised of each item, and the items, locked."""
    wanted = sorted({part.entry_id for part in items})
    if not items or len(wanted) != len(items):
        raise PromiseError("name the items that are promised, each once")
    rows = locked_items(session, wanted)
    taken = _promised(session, wanted)
    faults, amounts = [], {}
    first = rows[items[0].entry_id]
    for at, part in enumerate(items):
        row = rows[part.entry_id]
        free = max(0, row["open_minor"] - row["disputed_minor"])
        minor = free if part.amount_minor is None else part.amount_minor
        if row["account_id"] != account_id or row["side"] != 1 or row["kind"] not in DUNNED:
            faults.append(Fault(f"/items/{at}", f"item {part.entry_id} is not an invoice of this customer"))
        elif (row["entity_id"], row["currency"]) != (first["entity_id"], first["currency"]):
            faults.append(Fault(f"/items/{at}", "one promise is to one seller in one currency"))
        elif part.entry_id in taken:
            until = taken[part.entry_id]
            faults.append(Fault(f"/items/{at}", f"{row['reference']} is promised until {until}: cancel that one first"))
        elif not 0 < minor <= free:
            left = plain(free, row["currency"])
            faults.append(Fault(f"/items/{at}", f"{left} {row['currency']} of it can be promised"))
        amounts[part.entry_id] = minor
    if faults:
        raise PromiseError(f"the promise cannot be taken: {faults[0].message}", faults=faults)
    return amounts, rows


def _promised(session: Session, entry_ids: Sequence[int]) -> dict[int, date]:
    """Until when a living promise covers each item; one item is in one living promise at most."""
    query = (
        select(col(PromiseItem.entry_id), col(Promise.due_on))
        .join(Promise, col(Promise.id) == col(PromiseItem.promise_id))
        .where(among(session, col(PromiseItem.entry_id), entry_ids), col(Promise.state) == PromiseState.ALIVE)
    )
    return {row.entry_id: row.due_on for row in session.connection().execute(query)}


def cancel_promise(session: Session, promise_id: int, *, by: str, now: datetime) -> Promise:
    """Take back a living promise; what it covered is asked for again. Raises PromiseNotFoundError, PromiseOverError."""
    made = session.get(Promise, promise_id, with_for_update=True)
    if made is None:
        raise PromiseNotFoundError(f"there is no promise {promise_id}")
    if made.state is not PromiseState.ALIVE:
        raise PromiseOverError(f"promise {promise_id} is {made.state.value} already")
    made.state, made.judged_at = PromiseState.CANCELLED, now
    reconsider(session, made.account_id)
    record(session, [Act(by, "promise.cancelled", f"account:{made.account_id}", {"promise": made.id})], now=now)
    return made


def broken_promises(
    session: Session, account_ids: Sequence[int], *, since: date
) -> dict[int, list[tuple[list[int], date, date]]]:
    """Per account, the promises judged broken or partly kept on or after `since`, a day of UTC, the oldest first: the
    items, the promised day, and the day of judgement."""
    query = (
        select(
            table(Promise).c.id,
            col(Promise.account_id),
            col(Promise.due_on),
            table(Promise).c.judged_at,
            col(PromiseItem.entry_id),
        )
        .join(PromiseItem, col(PromiseItem.promise_id) == col(Promise.id))
        .where(
            among(session, col(Promise.account_id), account_ids),
            col(Promise.state).in_((PromiseState.BROKEN, PromiseState.PARTLY)),
            col(Promise.judged_at) >= local_day_start(since, "UTC", hour=0),
        )
        .order_by(col(Promise.judged_at), col(Promise.id), col(PromiseItem.entry_id))
    )
    items: dict[int, list[int]] = defaultdict(list)
    told: dict[int, tuple[int, date, date]] = {}
    for promise_id, account_id, due_on, judged_at, entry_id in session.connection().execute(query):
        items[promise_id].append(entry_id)
        told[promise_id] = (account_id, due_on, local_date(judged_at, "UTC"))
    found: dict[int, list[tuple[list[int], date, date]]] = defaultdict(list)
    for promise_id, (account_id, due_on, judged_on) in told.items():
        found[account_id].append((items[promise_id], due_on, judged_on))
    return dict(found)


def judge(session: Session, *, now: datetime) -> dict[int, PromiseState]:
    """Judge the living promises by the ledger: kept as soon as all of it came, else partly or broken once its day
    and the grace are over; the ids of those judged, with the verdict.

    What came for an item is what was set against it since the promise, on the last day of grace at the latest. Cash of
    the customer that is not yet set against anything counts too: our own delay breaks nobody's word.
    """
    grace = policies_in_force(session, now=now).company.promise_grace_days
    living = _living(session)
    cash = _unapplied_cash(session, sorted({row["account_id"] for row in living}))
    parts = _parts(session, [row["id"] for row in living])
    deadlines = {row["id"]: add_business_days(row["due_on"], grace, row["country"]) for row in living}
    later = _allocated_after(session, parts, deadlines)
    verdicts: dict[int, PromiseState] = {}
    for row in living:
        came = 0
        for part in parts[row["id"]]:
            open_then = part["open_now"] + later.get((row["id"], part["entry_id"]), 0)
            came += min(part["amount_minor"], max(0, part["open_minor"] - open_then))
        purse = (row["account_id"], row["entity_id"], row["currency"])
        lent = min(row["amount_minor"] - came, cash.get(purse, 0))
        if lent:
            cash[purse] -= lent
        came += lent
        over = local_date(now, row["time_zone"]) > deadlines[row["id"]]
        if came >= row["amount_minor"] and (over or not lent):
            verdicts[row["id"]] = PromiseState.KEPT
        elif over:
            verdicts[row["id"]] = PromiseState.PARTLY if came else PromiseState.BROKEN
    _record_verdicts(session, verdicts, now=now)
    return verdicts


def _living(session: Session) -> list[RowMapping]:
    query = (
        select(table(Promise), col(Account.country), col(Account.time_zone))
        .join(Account, col(Account.id) == col(Promise.account_id))
        .where(col(Promise.state) == PromiseState.ALIVE)
        .order_by(col(Promise.due_on), col(Promise.id))
        .with_for_update(of=Promise)
    )
    return list(session.connection().execute(query).mappings())


def _parts(session: Session, promise_ids: Sequence[int]) -> dict[int, list[RowMapping]]:
    query = (
        select(table(PromiseItem), col(OpenItem.open_minor).label("open_now"))
        .join(OpenItem, col(OpenItem.entry_id) == col(PromiseItem.entry_id))
        .where(among(session, col(PromiseItem.promise_id), promise_ids))
    )
    parts: dict[int, list[RowMapping]] = defaultdict(list)
    for row in session.connection().execute(query).mappings():
        parts[row["promise_id"]].append(row)
    return parts


def _unapplied_cash(session: Session, account_ids: Sequence[int]) -> dict[tuple[int, int, str], int]:
    keys = (col(OpenItem.account_id), col(OpenItem.entity_id), col(OpenItem.currency))
    query = select(*keys, func.sum(col(OpenItem.open_minor))).where(
        among(session, col(OpenItem.account_id), account_ids),
        col(OpenItem.open_minor) > 0,
        col(OpenItem.side) == -1,
        col(OpenItem.kind) == EntryKind.PAYMENT,
    )
    rows = session.connection().execute(query.group_by(*keys))
    return {(account, entity, currency): int(minor) for account, entity, currency, minor in rows}


def _allocated_after(
    session: Session, parts: dict[int, list[RowMapping]], deadlines: dict[int, date]
) -> dict[tuple[int, int], int]:
    """What was set against each promised item after the promise's last day, by (promise, item)."""
    promises_of: dict[int, list[int]] = defaultdict(list)
    for promise_id, rows in parts.items():
        for row in rows:
            promises_of[row["entry_id"]].append(promise_id)
    query = select(col(Allocation.debit_id), col(Allocation.allocated_on), col(Allocation.amount_minor))
    query = query.where(
        among(session, col(Allocation.debit_id), sorted(promises_of)),
        col(Allocation.allocated_on) > min(deadlines.values(), default=date.max),
    )
    after: dict[tuple[int, int], int] = defaultdict(int)
    for entry_id, on, minor in session.connection().execute(query):
        for promise_id in promises_of[entry_id]:
            if on > deadlines[promise_id]:
                after[promise_id, entry_id] += minor
    return after


def _record_verdicts(session: Session, verdicts: dict[int, PromiseState], *, now: datetime) -> None:
    if not verdicts:
        return
    statement = update(table(Promise)).where(col(Promise.id) == bindparam("promise_id"))
    statement = statement.values(state=bindparam("verdict"), judged_at=now)
    rows = [{"promise_id": promise_id, "verdict": verdict} for promise_id, verdict in verdicts.items()]
    session.connection().execute(statement, rows)
    change = {"verdicts": {str(promise_id): verdict.value for promise_id, verdict in verdicts.items()}}
    record(session, [Act("system", "promise.judged", "promise", change)], now=now)
