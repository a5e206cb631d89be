"""Applying money, in bulk: bank lines become payments, payments settle items, differences are let off; one act each.

All writes of a chunk are a handful of statements. Items are locked and looked at again first: a match whose items have
changed since it was decided is left for another look, and never forced.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping, delete, select
from sqlmodel import Session, col

from ar.cash.bank.models import BankLine, LineState
from ar.cash.cashed import want_cashed
from ar.cash.matching.check import faults_of, used
from ar.cash.matching.facts import Difference, Incoming, Proposal
from ar.cash.matching.models import CashApplication, MatchProposal
from ar.cash.matching.policy import tolerance_books
from ar.cash.models import Method, Payment
from ar.cash.payment_states import Facts, PaymentState, decide
from ar.cash.receive import new_public_id
from ar.cash.thanks import want_thanks_all
from ar.core.audit import Act, record
from ar.core.db import among, bulk_insert, bulk_update, reserve_ids, table
from ar.core.errors import DomainError
from ar.customers.models import LegalEntity
from ar.ledger.allocate import Dated, Share, allocate_late
from ar.ledger.models import Book, EntryKind, OpenItem
from ar.ledger.post import Posting, post

_BOOKS = {Difference.DISCOUNT: Book.DISCOUNTS, Difference.BANK_CHARGES: Book.BANK_CHARGES}
_MEMOS = {
    Difference.DISCOUNT: "early-payment discount",
    Difference.BANK_CHARGES: "bank charges",
    Difference.WRITE_OFF: "difference within tolerance",
}


class ApplicationError(DomainError):
    """The money cannot be applied so; the faults say where."""

    code = "bad-application"


@dataclass(frozen=True, slots=True)
class Wish:
    """Money to apply as `proposal` says. `automatic`: untouched by a person."""

    incoming: Incoming
    proposal: Proposal
    by: str
    automatic: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """By which act each bank line or payment was applied, and those left because something had changed meanwhile."""

    applied: Mapping[int, int]
    stale: Sequence[int]


@dataclass(slots=True)
class _Application:
    """An act in the making: what it posted, filled in as it is written."""

    id: int
    wish: Wish
    payments: list[int] = field(default_factory=list)
    credits: dict[int, int] = field(default_factory=dict)
    entries: list[int] = field(default_factory=list)
    allocations: list[int] = field(default_factory=list)

    @property
    def source(self) -> str:
        return f"application:{self.id}"

    def content(self) -> dict[str, Any]:
        """The proposal, and what was posted for it, for the one who undoes it."""
        posted = {"payments": self.payments, "entries": self.entries, "allocations": self.allocations}
        return self.wish.proposal.stored() | posted


def apply_lines(session: Session, wishes: Sequence[Wish], *, seen: Mapping[int, int], now: datetime) -> Recorded:
    """Make payments of open bank lines, and settle what they are for.

    `seen` is what was open of each item, in minor units, when the wishes were decided; an item that is not named is
    not looked at again. Of two wishes for one item the second is stale. Raises ApplicationError for a wish that could
    never be.
    """
    lines = _open_lines(session, [wish.incoming.id for wish in wishes])
    acts, items = _fitting(session, [wish for wish in wishes if wish.incoming.id in lines], seen)
    rows = [row for act in acts for row in _payment_rows(act, lines[act.wish.incoming.id], now=now)]
    _book_payments(session, acts, rows, now=now)
    _settle(session, acts, items, now=now)
    _keep(session, acts, "bank_line_id", now=now)
    _close_lines(session, acts, now=now)
    want_thanks_all(session, {row["id"]: row["public_id"] for row in rows}, now=now)
    _want_told(session, acts, now=now)
    record(session, [_act_of(act, row) for act, row in _pairs(acts, rows)], now=now)
    return _recorded(wishes, acts)


def apply_unapplied(session: Session, wishes: Sequence[Wish], *, seen: Mapping[int, int], now: datetime) -> Recorded:
    """Settle items with money that payments have unapplied; `incoming.id` is the payment's.

    As apply_lines(). What stays on account is left as it is.
    """
    query = select(col(Payment.id), col(Payment.entry_id)).where(
        among(session, col(Payment.id), [wish.incoming.id for wish in wishes]), col(Payment.entry_id).is_not(None)
    )
    entries = {row.id: row.entry_id for row in session.connection().execute(query.with_for_update())}
    acts, items = _fitting(session, [wish for wish in wishes if wish.incoming.id in entries], seen)
    for act in acts:
        assert act.wish.incoming.account_id is not None
        act.credits[act.wish.incoming.account_id] = entries[act.wish.incoming.id]
    _settle(session, acts, items, now=now)
    _keep(session, acts, "payment_id", now=now)
    _want_told(session, acts, now=now)
    record(session, [_applied_act(act) for act in acts], now=now)
    return _recorded(wishes, acts)


def _recorded(wishes: Sequence[Wish], acts: Sequence[_Application]) -> Recorded:
    done = {act.wish.incoming.id: act.id for act in acts}
    return Recorded(done, [wish.incoming.id for wish in wishes if wish.incoming.id not in done])


def _open_lines(session: Session, ids: Sequence[int]) -> dict[int, RowMapping]:
    """The bank lines of these that are open still, locked, each with the noon of its day where its seller is."""
    query = (
        select(table(BankLine), col(LegalEntity.time_zone))
        .join(table(LegalEntity), col(LegalEntity.id) == col(BankLine.entity_id))
        .where(among(session, col(BankLine.id), ids), col(BankLine.state) == LineState.OPEN)
        .order_by(col(BankLine.id))
        .with_for_update(of=table(BankLine))
    )
    return {row["id"]: row for row in session.connection().execute(query).mappings()}


def _fitting(
    session: Session, wishes: Sequence[Wish], seen: Mapping[int, int]
) -> tuple[list[_Application], Mapping[int, RowMapping]]:
    """The wishes whose items, locked here, are as they were seen and wanted by no earlier one; and the items."""
    takes = [used(wish.proposal) for wish in wishes]
    query = (
        select(table(OpenItem))
        .where(among(session, col(OpenItem.entry_id), sorted({entry_id for taken in takes for entry_id in taken})))
        .order_by(col(OpenItem.entry_id))
        .with_for_update()
    )
    items = {row["entry_id"]: row for row in session.connection().execute(query).mappings()}
    fit, touched = [], set[int]()
    for wish, taken in zip(wishes, takes, strict=True):
        changed = any(seen.get(entry_id) != items[entry_id]["open_minor"] for entry_id in taken if entry_id in seen)
        if changed or not touched.isdisjoint(taken):
            continue
        if faults := faults_of(wish.incoming, wish.proposal, items):
            raise ApplicationError(f"The money was not applied: {faults[0].pointer} {faults[0].message}", faults=faults)
        touched.update(taken)
        fit.append(wish)
    ids = reserve_ids(session, CashApplication, len(fit))
    return [_Application(number, wish) for number, wish in zip(ids, fit, strict=True)], items


def _payment_rows(act: _Application, line: RowMapping, *, now: datetime) -> list[dict[str, Any]]:
    """The payment of each customer that has a part in the line's money, without its ids."""
    incoming = act.wish.incoming
    shares: dict[int, int] = defaultdict(int)
    for part in act.wish.proposal.parts:
        shares[part.account_id] += part.amount_minor
    noon = datetime.combine(line["booked_on"], time(12), ZoneInfo(line["time_zone"]))
    said = line["structured_reference"] or line["end_to_end_id"] or line["bank_reference"]
    return [
        {
            "public_id": new_public_id(),
            "entity_id": incoming.entity_id,
            "account_id": account_id,
            "amount_minor": minor,
            "currency": incoming.currency,
            "method": Method.BANK_TRANSFER,
            "state": PaymentState.SETTLED,
            "reason": decide(Facts(succeeded_at=noon), minor).reason,
            "note": line["remittance"][:400],
            "reference": said[:60],
            "recorded_by": act.wish.by,
            "idempotency_key": f"{act.source}:{account_id}",
            "gateway": "bank",
            "succeeded_at": noon,
            "disputes": {},
            "doubts": [],
            "cleared": [],
            "bank_line_id": line["id"],
            "postings": 1,
            "created_at": now,
            "updated_at": now,
        }
        for account_id, minor in shares.items()
    ]


def _book_payments(
    session: Session, acts: Sequence[_Application], rows: list[dict[str, Any]], *, now: datetime
) -> None:
    """Post each payment of `rows`, and write it with its ids."""
    for row, payment_id in zip(rows, reserve_ids(session, Payment, len(rows)), strict=True):
        row["id"] = payment_id
    entries = post(session, [_posting(row, act.wish.incoming.received_on) for act, row in _pairs(acts, rows)], now=now)
    for (act, row), entry_id in zip(_pairs(acts, rows), entries, strict=True):
        row["entry_id"] = entry_id
        act.payments.append(row["id"])
        act.credits[row["account_id"]] = entry_id
    bulk_insert(session, Payment, rows)


def _pairs(acts: Sequence[_Application], rows: Sequence[dict[str, Any]]) -> list[tuple[_Application, dict[str, Any]]]:
    """Each payment's row with its act."""
    left = iter(rows)
    return [
        (act, row) for act in acts for row in islice(left, len({part.account_id for part in act.wish.proposal.parts}))
    ]


def _posting(row: Mapping[str, Any], on: date) -> Posting:
    return Posting(
        entity_id=row["entity_id"],
        account_id=row["account_id"],
        kind=EntryKind.PAYMENT,
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        effective_on=on,
        reference=row["reference"] or row["public_id"],
        memo=row["note"],
        source=f"payment:{row['id']}",
        source_key=f"payment:{row['public_id']}:1",
    )


def _settle(session: Session, acts: Sequence[_Application], items: Mapping[int, RowMapping], *, now: datetime) -> None:
    """Post the differences, and set money, differences and credits against what is owed."""
    books = tolerance_books(session, {act.wish.incoming.entity_id for act in acts})
    owned, postings = [], []
    for act in acts:
        for n, one in enumerate(act.wish.proposal.residuals):
            item = items[one.entry_id]
            owned.append((act, one))
            postings.append(
                Posting(
                    entity_id=item["entity_id"],
                    account_id=item["account_id"],
                    kind=EntryKind.ADJUSTMENT,
                    amount_minor=one.amount_minor,
                    currency=item["currency"],
                    effective_on=max(act.wish.incoming.received_on, item["effective_on"]),
                    reference=item["reference"],
                    memo=_MEMOS[one.difference],
                    source=act.source,
                    source_key=f"{act.source}:{n}",
                    side=-1,
                    book=_BOOKS.get(one.difference) or books[item["entity_id"]],
                )
            )
    shares: list[tuple[_Application, Share]] = []
    for (act, one), entry_id in zip(owned, post(session, postings, now=now), strict=True):
        act.entries.append(entry_id)
        shares.append((act, Share(one.entry_id, entry_id, one.amount_minor)))
    for act in acts:
        shares += [
            (act, Share(part.entry_id, act.credits[part.account_id], part.amount_minor))
            for part in act.wish.proposal.parts
            if part.entry_id is not None
        ]
        shares += [
            (act, Share(netting.debit_id, netting.credit_id, netting.amount_minor))
            for netting in act.wish.proposal.nettings
        ]
    dated = [Dated(share, act.wish.incoming.received_on, act.source) for act, share in shares]
    made = allocate_late(session, dated, now=now)
    for (act, _), allocation_id in zip(shares, made, strict=True):
        act.allocations.append(allocation_id)


def _keep(session: Session, acts: Sequence[_Application], source: str, *, now: datetime) -> None:
    """Write the acts; what was proposed for their money is over."""
    other = "payment_id" if source == "bank_line_id" else "bank_line_id"
    bulk_insert(
        session,
        CashApplication,
        [
            {
                "id": act.id,
                source: act.wish.incoming.id,
                other: None,
                "entity_id": act.wish.incoming.entity_id,
                "automatic": act.wish.automatic,
                "probability": act.wish.proposal.probability if act.wish.automatic else None,
                "content": act.content(),
                "made_by": act.wish.by,
                "made_at": now,
                "undone_why": "",
            }
            for act in acts
        ],
    )
    over = among(session, table(MatchProposal).c[source], [act.wish.incoming.id for act in acts])
    session.connection().execute(delete(table(MatchProposal)).where(over))


def _want_told(session: Session, acts: Sequence[_Application], *, now: datetime) -> None:
    """Have it told, once for all of them, that what these acts settle was cashed."""
    if acts:
        entries = [entry_id for act in acts for entry_id in act.credits.values()]
        want_cashed(session, entries, key=f"application:{acts[0].id}", now=now)


def _close_lines(session: Session, acts: Sequence[_Application], *, now: datetime) -> None:
    rows = [
        {"id": act.wish.incoming.id, "state": LineState.APPLIED, "decided_by": act.wish.by, "decided_at": now}
        for act in acts
    ]
    bulk_update(session, BankLine, rows)


def _act_of(act: _Application, row: Mapping[str, Any]) -> Act:
    change = _change(act) | {"to": PaymentState.SETTLED.value, "reason": row["reason"], "entry": row["entry_id"]}
    return Act(act.wish.by, "payment.settled", f"payment:{row['id']}", change)


def _applied_act(act: _Application) -> Act:
    return Act(act.wish.by, "payment.applied", f"payment:{act.wish.incoming.id}", _change(act))


def _change(act: _Application) -> dict[str, Any]:
    proposal = act.wish.proposal
    told: dict[str, Any] = {
        "application": act.id,
        "applied": [{"item": part.entry_id, "amount_minor": part.amount_minor} for part in proposal.parts],
        "said": ", ".join(reason.code for reason in proposal.reasons),
    }
    if proposal.residuals:
        told["let_off"] = [{"item": one.entry_id, "amount_minor": one.amount_minor} for one in proposal.residuals]
    return told
