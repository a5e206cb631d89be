"""Facts into rows: what is learnt of a payment is merged, decided, and booked, in the transaction that learns it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from ar.cash.cashed import want_cashed
from ar.cash.models import Payment, PaymentTarget
from ar.cash.payment_states import Decision, Dispute, Facts, PaymentState, Stage, decide, merge, received
from ar.cash.thanks import want_thanks
from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.db import Database, among
from ar.core.errors import NotFoundError
from ar.customers.models import LegalEntity
from ar.ledger.allocate import Dated, LiveAllocation, Share, allocate_late, deallocate, live_allocations, locked_items
from ar.ledger.models import Entry, EntryKind, OpenItem
from ar.ledger.post import AlreadyReversedError, Posting, post, reverse


class PaymentNotFoundError(NotFoundError):
    code = "payment-not-found"


def locked_payment(session: Session, payment_id: int) -> Payment:
    """The payment, locked until this transaction ends. Raises PaymentNotFoundError."""
    query = select(Payment).where(Payment.id == payment_id).with_for_update()
    found = session.exec(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise PaymentNotFoundError(f"There is no payment {payment_id}")
    return found


def peek(database: Database, payment_id: int) -> Payment:
    """The payment as it stands, unlocked, to act on outside a transaction. Raises PaymentNotFoundError."""
    with database.reading() as session:
        found = session.exec(select(Payment).where(Payment.id == payment_id)).first()
        if found is None:
            raise PaymentNotFoundError(f"There is no payment {payment_id}")
        session.expunge(found)
    return found


def facts_of(payment: Payment) -> Facts:
    """What the row knows."""
    return Facts(
        asked=payment.asked,
        uncertain=payment.uncertain,
        processing_at=payment.processing_at,
        succeeded_at=payment.succeeded_at,
        failed_at=payment.failed_at,
        failure=payment.failure,
        authorised_at=payment.authorised_at,
        captured_minor=payment.captured_minor,
        funded_minor=payment.funded_minor,
        refunded_minor=payment.refunded_minor,
        disputes={name: _dispute(kept) for name, kept in payment.disputes.items()},
        doubts=frozenset(payment.doubts),
        cleared=frozenset(payment.cleared),
    )


def _dispute(kept: Mapping[str, Any]) -> Dispute:
    at = datetime.fromisoformat(kept["at"])
    return Dispute(Stage(kept["stage"]), kept["amount_minor"], at, kept.get("fee_minor", 0), kept.get("reason", ""))


def put_facts(payment: Payment, facts: Facts) -> None:
    """Write `facts` to the row; a refund of more than was paid is a doubt, for no book can say it."""
    doubts = set(facts.doubts)
    most = received(facts, payment.amount_minor)
    if facts.refunded_minor > most:
        doubts.add("the gateway says more was refunded than paid")
    payment.asked = facts.asked
    payment.uncertain = facts.uncertain
    payment.processing_at = facts.processing_at
    payment.succeeded_at = facts.succeeded_at
    payment.failed_at = facts.failed_at
    payment.failure = facts.failure[:60]
    payment.authorised_at = facts.authorised_at
    payment.captured_minor = None if facts.captured_minor is None else most
    payment.funded_minor = facts.funded_minor
    payment.refunded_minor = min(facts.refunded_minor, most)
    payment.doubts = sorted(doubts)
    payment.cleared = sorted(facts.cleared)
    payment.disputes = {
        name: {
            "stage": int(one.stage),
            "amount_minor": one.amount_minor,
            "at": one.at.isoformat(),
            "fee_minor": one.fee_minor,
            "reason": one.reason,
        }
        for name, one in sorted(facts.disputes.items())
    }


def learn(session: Session, payment: Payment, news: Facts, *, by: str, said: str, now: datetime) -> PaymentState:
    """Add `news` to what is known of a locked payment, and bring its state and the ledger in line: the state.

    `by` is who says so, for the audit trail. The ledger gets an entry when the money is ours, a reversal when it is
    ours no more, and a refund for what was given back; the same news again change nothing.
    """
    put_facts(payment, merge(facts_of(payment), news))
    decision = decide(facts_of(payment), payment.amount_minor)
    before = payment.state
    changed = before is not decision.state or payment.reason != decision.reason
    payment.state, payment.reason, payment.parked = decision.state, decision.reason[:400], decision.parked
    session.add(payment)
    session.flush()
    booked = _book(session, payment, decision, now=now)
    if changed or booked:
        payment.updated_at = now
        change = {"from": before.value, "to": payment.state.value, "reason": decision.reason, "said": said, **booked}
        record(session, [Act(by, f"payment.{payment.state.value}", f"payment:{payment.id}", change)], now=now)
    session.flush()
    return payment.state


def _book(session: Session, payment: Payment, decision: Decision, *, now: datetime) -> dict[str, Any]:
    """What was posted, in words for the audit trail; empty when the ledger says it already."""
    booked: dict[str, Any] = {}
    on = local_date(decision.at or now, _zone(session, payment.entity_id))
    if decision.money_in and payment.entry_id is None:
        booked["entry"] = payment.entry_id = _post(session, payment, on=on, now=now)
    elif not decision.money_in and payment.entry_id is not None:
        booked["reversal"] = _reverse(session, payment, payment.entry_id, on=on, now=now)
        payment.entry_id = None
    if payment.entry_id is not None and payment.refunded_minor > payment.refund_booked_minor:
        booked["refund"] = _post_refund(session, payment, now=now)
    return booked


def _reverse(session: Session, payment: Payment, entry_id: int, *, on: date, now: datetime) -> int | None:
    """Take the payment's entry back; None when a person did so in the ledger already."""
    day = session.exec(select(Entry).where(Entry.id == entry_id)).one().effective_on
    try:
        reversal = reverse(session, entry_id, on=max(on, day), source=f"payment:{payment.id}", now=now)
    except AlreadyReversedError:
        return None
    want_cashed(session, [entry_id], key=f"entry:{reversal}", now=now)
    return reversal


def _zone(session: Session, entity_id: int) -> str:
    return session.exec(select(LegalEntity.time_zone).where(LegalEntity.id == entity_id)).one()


def _post(session: Session, payment: Payment, *, on: date, now: datetime) -> int:
    """Book the money as received `on`, and set it against what it was meant for, as far as that is still open."""
    payment.postings += 1
    posting = Posting(
        entity_id=payment.entity_id,
        account_id=payment.account_id,
        kind=EntryKind.PAYMENT,
        amount_minor=payment.received_minor,
        currency=payment.currency,
        effective_on=on,
        reference=payment.reference or payment.public_id,
        memo=payment.note,
        source=f"payment:{payment.id}",
        source_key=f"payment:{payment.public_id}:{payment.postings}",
    )
    [entry_id] = post(session, [posting], now=now)
    refunds = _open_refunds(session, payment)
    wanted = [(item.entry_id, item.open_minor) for item in refunds]
    left = payment.received_minor - (payment.refunded_minor - payment.refund_booked_minor)
    query = select(PaymentTarget).where(PaymentTarget.payment_id == payment.id).order_by(col(PaymentTarget.id))
    targets = session.exec(query).all()
    wanted += [(target.entry_id, target.amount_minor) for target in targets]
    items = locked_items(session, sorted({item_id for item_id, _ in wanted}))
    shares = []
    for item_id, amount in wanted:
        part = min(amount, items[item_id]["open_minor"], left)
        if part > 0:
            shares.append(Share(item_id, entry_id, part))
            left -= part
    made = allocate_late(session, [Dated(share, on, f"payment:{payment.id}") for share in shares], now=now)
    if made:
        want_cashed(session, [entry_id], key=f"allocation:{made[0]}", now=now)
    want_thanks(session, payment, now=now)
    return entry_id


def _open_refunds(session: Session, payment: Payment) -> list[OpenItem]:
    """Refunds of this payment that stand alone because the payment itself was taken back meanwhile."""
    if payment.refund_booked_minor == 0:
        return []
    prefix = f"payment:{payment.public_id}:refund:"
    query = (
        select(OpenItem)
        .join(Entry, col(Entry.id) == col(OpenItem.entry_id))
        .where(col(Entry.source_key).startswith(prefix, autoescape=True), OpenItem.open_minor > 0)
        .order_by(col(OpenItem.entry_id))
    )
    return list(session.exec(query).all())


def _post_refund(session: Session, payment: Payment, *, now: datetime) -> int:
    """Book what was given back against the payment: from its unapplied part first, then from what it settled last."""
    assert payment.entry_id is not None
    source = f"payment:{payment.id}"
    amount = payment.refunded_minor - payment.refund_booked_minor
    today = local_date(now, _zone(session, payment.entity_id))
    credit = locked_items(session, [payment.entry_id])[payment.entry_id]
    short = amount - credit["open_minor"]
    again: list[Share] = []
    for allocation in _settled_by(session, payment.entry_id):
        if short <= 0:
            break
        undone = deallocate(session, [allocation.id], on=today, source=source, now=now)
        want_cashed(session, [payment.entry_id], key=f"allocation:{undone[0]}", now=now)
        if allocation.amount_minor > short:
            again.append(Share(allocation.debit_id, payment.entry_id, allocation.amount_minor - short))
        short -= allocation.amount_minor
    posting = Posting(
        entity_id=payment.entity_id,
        account_id=payment.account_id,
        kind=EntryKind.REFUND,
        amount_minor=amount,
        currency=payment.currency,
        effective_on=max(today, credit["effective_on"]),
        reference=payment.reference or payment.public_id,
        source=source,
        source_key=f"payment:{payment.public_id}:refund:{payment.refunded_minor}",
    )
    [entry_id] = post(session, [posting], now=now)
    shares = [Share(entry_id, payment.entry_id, amount), *again]
    allocate_late(session, [Dated(share, today, source) for share in shares], now=now)
    payment.refund_booked_minor = payment.refunded_minor
    return entry_id


def _settled_by(session: Session, entry_id: int) -> list[LiveAllocation]:
    """What the payment settles today, the last settled first; refunds of it are no such thing."""
    live = live_allocations(session, entry_id)
    query = select(OpenItem.entry_id).where(
        among(session, col(OpenItem.entry_id), [allocation.debit_id for allocation in live]),
        OpenItem.kind != EntryKind.REFUND,
    )
    settled = set(session.exec(query).all())
    return [allocation for allocation in reversed(live) if allocation.debit_id in settled]
