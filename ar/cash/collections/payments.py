"""The payments behind debits: made in bulk, and told in bulk as long as the ledger has nothing of them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from ar.cash.apply import facts_of, put_facts
from ar.cash.collections.choose import Debit
from ar.cash.collections.sepa_file import GATEWAY
from ar.cash.models import Method, Payment, PaymentTarget
from ar.cash.payment_states import Facts, PaymentState, decide, merge
from ar.core.audit import Act, record
from ar.core.db import among, bulk_insert, reserve_ids


def new_end_to_end_id() -> str:
    """The payment's public id: 35 letters and digits, as an end-to-end id may have at most, and nobody can guess."""
    return f"SDD{secrets.token_hex(16)}"


def intend(
    session: Session, debits: Sequence[Debit], *, entity_id: int, by: str, now: datetime
) -> list[dict[str, Any]]:
    """Write an intended payment for each debit, with what it is meant for: (id, public_id) of each, in order.

    From now on their items are spoken for: whoever would pay or collect them meets a payment under way.
    """
    ids = list(reserve_ids(session, Payment, len(debits)))
    made = [
        {
            "id": number,
            "public_id": new_end_to_end_id(),
            "entity_id": entity_id,
            "account_id": debit.debtor.account_id,
            "amount_minor": debit.amount_minor,
            "currency": "EUR",
            "method": Method.SEPA_DEBIT,
            "state": PaymentState.INTENDED,
            "reason": "",
            "note": "",
            "reference": "",
            "recorded_by": by,
            "gateway": GATEWAY,
            "disputes": {},
            "doubts": [],
            "cleared": [],
            "created_at": now,
            "updated_at": now,
        }
        for number, debit in zip(ids, debits, strict=True)
    ]
    bulk_insert(session, Payment, made)
    targets = [
        {"payment_id": number, "entry_id": entry_id, "amount_minor": minor}
        for number, debit in zip(ids, debits, strict=True)
        for entry_id, minor in debit.parts
    ]
    keys = reserve_ids(session, PaymentTarget, len(targets))
    bulk_insert(session, PaymentTarget, [{"id": key, **target} for key, target in zip(keys, targets, strict=True)])
    return made


def locked_payments(session: Session, payment_ids: Sequence[int]) -> dict[int, Payment]:
    """These payments by id, locked in the order of their ids until this transaction ends."""
    query = select(Payment).where(among(session, col(Payment.id), payment_ids)).order_by(col(Payment.id))
    query = query.with_for_update().execution_options(populate_existing=True)
    return {payment.id: payment for payment in session.exec(query) if payment.id is not None}


def learn_unbooked(
    session: Session, payments: Sequence[Payment], news: Facts, *, by: str, said: str, now: datetime
) -> None:
    """What learn() does, for many locked payments at once, of which the ledger has nothing then and now."""
    acts = []
    for payment in payments:
        put_facts(payment, merge(facts_of(payment), news))
        decision = decide(facts_of(payment), payment.amount_minor)
        assert payment.entry_id is None
        assert not decision.money_in
        before = payment.state
        payment.state, payment.reason, payment.parked = decision.state, decision.reason[:400], decision.parked
        payment.updated_at = now
        session.add(payment)
        change = {"from": before.value, "to": payment.state.value, "reason": decision.reason, "said": said}
        acts.append(Act(by, f"payment.{payment.state.value}", f"payment:{payment.id}", change))
    session.flush()
    record(session, acts, now=now)
