"""Autopay's working day: invoices are announced, those whose day has come are charged, and what became is followed up.

Each account has its turn in the morning of its own working days. One invoice is one payment, charged once: a charge is
keyed by the announcement and the count of tries, and checked again under lock at the moment it is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlmodel import Session, col, select

from ar.cash.autopay.agree import end
from ar.cash.autopay.decide import Announcement, Due, Terms, announce, to_pay
from ar.cash.autopay.follow import fail, follow
from ar.cash.autopay.models import Autopay, AutopayItem, AutopayState
from ar.cash.autopay.tell import tell_announced, tell_off
from ar.cash.gateway import GatewayRefusedError, GatewaySilentError
from ar.cash.gateways import gateway_name, open_gateway
from ar.cash.online.charge import ChargeWish, ask_charge, intend_charge
from ar.cash.online.methods import MethodNotFoundError, MethodUnusableError, check_usable, method_by_id
from ar.cash.online.models import SavedMethod
from ar.cash.receive import Target
from ar.cash.wishes import AlreadyPayingError, Wish, in_flight, lock_account
from ar.core.clock import local_date
from ar.core.db import among, bulk_insert, reserve_ids
from ar.core.errors import DomainError
from ar.core.jobs import enqueue_all
from ar.core.kernel import Kernel
from ar.core.rota import local_days_due, window
from ar.customers.accounts import account
from ar.customers.models import Account
from ar.ledger.models import EntryKind, OpenItem

RUN_JOB = "run-autopay"
CHARGE_JOB = "autopay-charge"
_CHUNK = 200


def run_autopay(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """Job: follow up what was charged, then announce and charge for the accounts whose working day has begun."""
    since, until = window(arguments)
    followed = follow(kernel, now=now)
    announced = charged = 0
    accounts = _whose_day_it_is(kernel, since=since, until=until)
    for chunk in _chunks(accounts, _CHUNK):
        with kernel.database.transaction() as session:
            announced += announce_all(session, kernel, dict(chunk), now=now)
        with kernel.database.transaction() as session:
            charged += _enqueue_due(session, dict(chunk), now=now)
    return f"{len(accounts)} accounts: {announced} invoices announced, {charged} charges begun, {followed} followed up"


def _chunks(rows: Sequence[tuple[int, date]], size: int) -> Iterable[list[tuple[int, date]]]:
    waiting = iter(rows)
    while chunk := list(islice(waiting, size)):
        yield chunk


def _whose_day_it_is(kernel: Kernel, *, since: datetime, until: datetime) -> list[tuple[int, date]]:
    """Accounts with autopay whose working day began in this time, and their day."""
    query = (
        select(Account.id, Account.time_zone, Account.country)
        .where(col(Account.id).in_(select(Autopay.account_id).where(col(Autopay.ended_at).is_(None))))
        .order_by(col(Account.id))
    )
    with kernel.database.reading() as session:
        rows = session.exec(query).all()
    days = {
        (zone, country): local_days_due(zone, country, since=since, until=until)
        for zone, country in {(zone, country) for _, zone, country in rows}
    }
    return [
        (number, days[(zone, country)][-1])
        for number, zone, country in rows
        if number is not None and days[(zone, country)]
    ]


def announce_all(session: Session, kernel: Kernel, days: dict[int, date], *, now: datetime) -> int:
    """Tell the customers of these accounts, each on its day, what will be paid: how many invoices were announced.

    An invoice that nobody can be told of is not paid.
    """
    query = (
        select(Autopay, SavedMethod)
        .join(SavedMethod, col(SavedMethod.id) == col(Autopay.saved_method_id))
        .where(among(session, col(Autopay.account_id), list(days)), col(Autopay.ended_at).is_(None))
        .order_by(col(Autopay.id))
        .with_for_update()
    )
    on = session.exec(query).all()
    dues = _dues(session, [autopay for autopay, _ in on])
    rows: list[dict[str, Any]] = []
    for autopay, method in on:
        today = days[autopay.account_id]
        try:
            check_usable(method, gateway_name(kernel.settings), today=today)
        except MethodUnusableError:
            end(session, autopay, why="method_unusable", by="system", now=now)
            tell_off(session, kernel, autopay, now=now)
            continue
        found = announce(dues[autopay.id or 0], terms_of(autopay), today=today)
        rows += _announced(session, kernel, autopay, method, found, today=today, now=now)
    ids = reserve_ids(session, AutopayItem, len(rows))
    bulk_insert(session, AutopayItem, [{"id": number, **row} for number, row in zip(ids, rows, strict=True)])
    return len(rows)


def terms_of(autopay: Autopay) -> Terms:
    return Terms(autopay.limit_minor, autopay.offset_days, autopay.notice_days)


def _announced(
    session: Session,
    kernel: Kernel,
    autopay: Autopay,
    method: SavedMethod,
    found: Sequence[Announcement],
    *,
    today: date,
    now: datetime,
) -> list[dict[str, Any]]:
    """The rows of what was told, one message for each seller."""
    by_seller: dict[int, list[Announcement]] = defaultdict(list)
    for one in found:
        by_seller[one.entity_id].append(one)
    rows = []
    for entity_id, told in sorted(by_seller.items()):
        written = tell_announced(session, kernel, autopay, method, told, entity_id=entity_id, today=today, now=now)
        for one in told:
            why = "above_limit" if one.above_limit else "" if written else "no_notice"
            rows.append(
                {
                    "autopay_id": autopay.id,
                    "account_id": autopay.account_id,
                    "entry_id": one.entry_id,
                    "amount_minor": one.amount_minor,
                    "pay_on": one.pay_on,
                    "state": AutopayState.SKIPPED if why else AutopayState.ANNOUNCED,
                    "why": why,
                    "announced_at": now,
                    "updated_at": now,
                }
            )
    return rows


def _dues(session: Session, autopays: Sequence[Autopay]) -> dict[int, list[Due]]:
    """Open invoices by autopay that were not announced by it yet, the oldest first."""
    account_ids = sorted({autopay.account_id for autopay in autopays})
    flying = in_flight(session, account_ids) if account_ids else {}
    told = select(AutopayItem.autopay_id, AutopayItem.entry_id).where(
        among(session, col(AutopayItem.autopay_id), [autopay.id or 0 for autopay in autopays])
    )
    known = set(session.exec(told).all())
    query = (
        select(OpenItem)
        .where(
            among(session, col(OpenItem.account_id), account_ids),
            OpenItem.open_minor > 0,
            OpenItem.kind == EntryKind.INVOICE,
            OpenItem.side == 1,
        )
        .order_by(col(OpenItem.due_on), col(OpenItem.entry_id))
    )
    by_key: dict[tuple[int, str], list[OpenItem]] = defaultdict(list)
    for item in session.exec(query):
        by_key[(item.account_id, item.currency)].append(item)
    return {
        autopay.id or 0: [
            _due(item, flying)
            for item in by_key[(autopay.account_id, autopay.currency)]
            if (autopay.id, item.entry_id) not in known
        ]
        for autopay in autopays
    }


def _due(item: OpenItem, flying: dict[int, int]) -> Due:
    return Due(
        item.entry_id,
        item.entity_id,
        item.reference,
        item.due_on,
        item.open_minor,
        item.disputed_minor,
        flying.get(item.entry_id, 0),
    )


def _enqueue_due(session: Session, days: dict[int, date], *, now: datetime) -> int:
    """Have what is due charged, each announcement once for a try: how many."""
    query = (
        select(AutopayItem)
        .where(
            AutopayItem.state == AutopayState.ANNOUNCED,
            AutopayItem.pay_on <= max(days.values()),
            among(session, col(AutopayItem.account_id), list(days)),
        )
        .order_by(col(AutopayItem.id))
    )
    wanted = {
        f"{CHARGE_JOB}:{item.id}:{item.attempts}:{days[item.account_id].isoformat()}": {"item_id": item.id}
        for item in session.exec(query)
        if item.pay_on <= days[item.account_id]
    }
    return enqueue_all(session, CHARGE_JOB, wanted, now=now)


def charge_item(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """Job: charge one announced invoice, if that is still wanted; what came of it, in words."""
    with kernel.database.transaction() as session:
        payment_id, said = _begin(session, kernel, arguments["item_id"], now=now)
    if payment_id is None:
        return said
    try:
        done = ask_charge(kernel, open_gateway(kernel.settings), payment_id, now=now)
        said = done.state.value
    except GatewaySilentError:
        return "no answer: it is looked into"
    except GatewayRefusedError as refused:
        said = str(refused)
    follow(kernel, now=now, item_id=arguments["item_id"])
    return said


def _begin(session: Session, kernel: Kernel, item_id: int, *, now: datetime) -> tuple[int | None, str]:
    """Check again that it is to be paid, and write the payment: its id, or None and why not."""
    found = session.exec(select(AutopayItem).where(AutopayItem.id == item_id)).one()
    lock_account(session, found.account_id)
    query = select(AutopayItem).where(AutopayItem.id == item_id).with_for_update()
    item = session.exec(query.execution_options(populate_existing=True)).one()
    autopay = session.exec(select(Autopay).where(Autopay.id == item.autopay_id)).one()
    if item.state is not AutopayState.ANNOUNCED or autopay.ended_at is not None:
        return None, "not wanted any more"
    today = local_date(now, account(session, item.account_id).time_zone)
    if item.pay_on > today:
        return None, "not due yet"
    open_item = session.exec(select(OpenItem).where(OpenItem.entry_id == item.entry_id)).one()
    due = _due(open_item, in_flight(session, [item.account_id]))
    amount, why = to_pay(due, item.amount_minor, terms_of(autopay))
    if why in ("under_way", "disputed"):
        return None, f"{why}: tried again on the next working day"
    if why:
        item.state, item.why, item.updated_at = AutopayState.SKIPPED, why, now
        session.add(item)
        return None, why
    wanted = ChargeWish(
        Wish(item.account_id, [Target(item.entry_id, amount)]),
        autopay.saved_method_id,
        by=f"autopay:{autopay.id}",
        key=f"autopay:{item.id}:{item.attempts + 1}",
    )
    try:
        payment_id, _ = intend_charge(session, wanted, gateway=gateway_name(kernel.settings), now=now)
    except AlreadyPayingError:
        return None, "under_way: tried again on the next working day"
    except DomainError as refused:
        code = "method_unusable" if isinstance(refused, MethodUnusableError | MethodNotFoundError) else refused.code
        method = method_by_id(session, autopay.saved_method_id)
        fail(session, kernel, item, autopay, method, code, today=today, now=now)
        return None, str(refused)
    item.state, item.payment_id, item.updated_at = AutopayState.PAYING, payment_id, now
    item.attempts += 1
    session.add(item)
    return payment_id, ""
