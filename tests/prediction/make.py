"""Histories for tests: a simulated portfolio of known truth, its booking into a ledger, and the real files."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlmodel import Session

from ar.ledger.allocate import Share, allocate
from ar.ledger.models import EntryKind
from ar.ledger.post import Posting, post
from prediction.outcomes import NEVER, History, Ints, day_number, day_of
from tests.ledger.make import customer, seller

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
START = day_number(date(2025, 1, 6))
DATA = Path(__file__).parents[3] / "shared" / "data"


def history_of(
    account: Ints, issued: Ints, due: Ints, closed: Ints, *, amount: Ints | None = None, as_of: int | None = None
) -> History:
    """A history of these invoices, all in one currency and paid where closed, as known on `as_of`."""
    count = len(account)
    ends = closed[closed < NEVER]
    whole = History(
        as_of=int(max([*ends, *issued])),
        entry_id=np.arange(1, count + 1),
        account=account,
        entity=np.ones(count, dtype=np.int64),
        currency=np.full(count, "EUR"),
        major=np.full(count, 100),
        amount=np.full(count, 10_000) if amount is None else amount,
        issued=issued,
        due=due,
        closed=closed,
        paid=closed < NEVER,
        disputed=np.full(count, NEVER),
    )
    return whole if as_of is None else replace(whole, as_of=max(whole.as_of, as_of)).known_on(as_of)


def simulated(*, customers: int = 40, each: int = 40, days: int = 300, seed: int = 7) -> History:
    """Customers with their own mean lateness, from 8 days early to 14 late, and their own spread."""
    draw = np.random.default_rng(seed)
    account = np.repeat(np.arange(1, customers + 1), each)
    issued = START + draw.integers(0, days, customers * each)
    terms = np.where(account % 2 == 0, 30, 14)
    mean, spread = np.linspace(-8, 14, customers)[account - 1], 2.0 + account % 4
    late = np.rint(draw.normal(mean, spread)).astype(np.int64)
    closed = np.maximum(issued + terms + late, issued)
    amount = np.exp(draw.normal(8 + account % 5, 0.5)).astype(np.int64) + 1
    order = np.argsort(issued, kind="stable")
    columns = (account, issued, issued + terms, closed)
    ordered = [column[order].astype(np.int64) for column in columns]
    return history_of(*ordered, amount=amount[order], as_of=START + days)


def book(session: Session, history: History) -> dict[int, int]:
    """Post the history's invoices and the payments of those closed; ledger entry id by the history's own."""
    entity = seller(session)
    accounts = {int(one): customer(session, f"C{one}") for one in np.unique(history.account)}
    bills, payments, shares = [], [], []
    for n in range(len(history)):
        account, amount = accounts[int(history.account[n])], int(history.amount[n])
        on, due = day_of(int(history.issued[n])), day_of(int(history.due[n]))
        bills.append(Posting(entity, account, EntryKind.INVOICE, amount, "EUR", on, due_on=due, reference=f"I{n}"))
        if history.closed[n] < NEVER:
            paid_on = day_of(int(history.closed[n]))
            payments.append(Posting(entity, account, EntryKind.PAYMENT, amount, "EUR", paid_on))
            shares.append((n, amount, paid_on))
    entries = post(session, bills, now=NOW)
    paid = post(session, payments, now=NOW)
    by_day: dict[date, list[Share]] = {}
    for (n, amount, on), payment in zip(shares, paid, strict=True):
        by_day.setdefault(on, []).append(Share(entries[n], payment, amount))
    for on, parts in sorted(by_day.items()):
        allocate(session, parts, on=on, source="test", now=NOW)
    return dict(zip(history.entry_id.tolist(), entries, strict=True))


def real(name: str) -> History:
    """A real file's history, read by path; skips where it is missing."""
    path = DATA / {"hr": "receivables-hr-asof-2019-09-01.csv", "ibm": "receivables-ibm.csv"}[name]
    if not path.is_file():
        pytest.skip(f"the real data file {path.name} is not here")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if name == "hr":
        keys, form = ("cust_number", "issue_date", "due_date", "clear_date", "amount"), "%Y-%m-%d"
    else:
        keys, form = ("customerID", "InvoiceDate", "DueDate", "SettledDate", "InvoiceAmount"), "%m/%d/%Y"
    who, issued, due, closed, amount = ([row[key] for row in rows] for key in keys)

    def days(texts: list[str]) -> Ints:
        known = {text: day_number(datetime.strptime(text, form).date()) if text else NEVER for text in set(texts)}
        return np.array([known[text] for text in texts])

    order = np.argsort(days(issued), kind="stable")
    account = np.unique(who, return_inverse=True)[1]
    minor = np.rint(np.array(amount, dtype=float) * 100).astype(np.int64)
    columns = (account, days(issued), days(due), days(closed))
    return history_of(
        *(column[order] for column in columns),
        amount=minor[order],
        as_of=day_number(date(2019, 9, 1)) if name == "hr" else None,
    )
