"""Payments under way, and the events that Stripe would send of them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

from sqlmodel import Session, col, select

from ar.cash.models import Method, Payment
from ar.cash.payment_states import PaymentState
from ar.cash.receive import Target, put_targets
from ar.cash.signatures import sign
from ar.ledger.items import open_items
from ar.ledger.models import OpenItem
from tests.ledger.make import NOW, customer, invoice

BASE = int(NOW.timestamp())
DAY = 86_400


def started(session: Session, entity: int, name: str, amount: int = 1000, *, state: PaymentState) -> Payment:
    """A payment of a new customer for a new invoice of the same amount, its page open at the gateway."""
    account = customer(session, f"C-{name}")
    entry = invoice(session, entity, account, amount, on=date(2026, 1, 5), reference=f"INV-{name}")
    payment = Payment(
        public_id=f"pay_{name}",
        entity_id=entity,
        account_id=account,
        amount_minor=amount,
        currency="EUR",
        method=Method.ONLINE,
        state=state,
        recorded_by=f"customer:{account}",
        gateway="test",
        gateway_session=f"cs_{name}" if state is PaymentState.STARTED else None,
        request={},
        asked=state is PaymentState.STARTED,
        created_at=NOW,
        updated_at=NOW,
    )
    session.add(payment)
    session.flush()
    put_targets(session, payment, [Target(entry, amount)])
    return payment


def event(number: int, kind: str, at: int, thing: dict[str, Any], *, name: str) -> dict[str, Any]:
    return {
        "id": f"evt_{name}_{number}",
        "object": "event",
        "created": at,
        "livemode": False,
        "type": kind,
        "data": {"object": thing},
    }


def session_of(name: str, payment_status: str, amount: int = 1000, **changed: Any) -> dict[str, Any]:
    return {
        "id": f"cs_{name}",
        "object": "checkout.session",
        "amount_total": amount,
        "currency": "eur",
        "client_reference_id": f"pay_{name}",
        "metadata": {"payment": f"pay_{name}"},
        "payment_intent": f"pi_{name}",
        "payment_status": payment_status,
        "status": "complete",
    } | changed


def charge_of(name: str, refunded: int) -> dict[str, Any]:
    return {
        "id": f"ch_{name}",
        "object": "charge",
        "amount": 1000,
        "amount_refunded": refunded,
        "currency": "eur",
        "metadata": {"payment": f"pay_{name}"},
        "payment_intent": f"pi_{name}",
    }


def dispute_of(name: str, status: str, amount: int = 1000) -> dict[str, Any]:
    return {
        "id": f"du_{name}",
        "object": "dispute",
        "amount": amount,
        "currency": "eur",
        "metadata": {},
        "payment_intent": f"pi_{name}",
        "reason": "general",
        "status": status,
    }


def stories(name: str) -> dict[str, list[dict[str, Any]]]:
    """What may happen to a payment, as events in their true order."""

    def made(*told: tuple[str, int, dict[str, Any]]) -> list[dict[str, Any]]:
        return [event(n, kind, BASE + days * DAY, thing, name=name) for n, (kind, days, thing) in enumerate(told)]

    completed, paid, unpaid = "checkout.session.completed", session_of(name, "paid"), session_of(name, "unpaid")
    failed_try = {
        "id": f"pi_{name}",
        "object": "payment_intent",
        "metadata": {"payment": f"pay_{name}"},
        "last_payment_error": {"message": "Your card was declined."},
    }
    return {
        "debit paid, returned weeks later": made(
            (completed, 0, unpaid),
            ("checkout.session.async_payment_succeeded", 5, paid),
            ("charge.dispute.created", 40, dispute_of(name, "lost")),
        ),
        "debit paid, then failed": made(
            (completed, 0, unpaid),
            ("checkout.session.async_payment_succeeded", 5, paid),
            ("checkout.session.async_payment_failed", 30, unpaid),
        ),
        "debit refused": made(
            (completed, 0, unpaid),
            ("payment_intent.payment_failed", 5, failed_try),
            ("checkout.session.async_payment_failed", 5, unpaid),
        ),
        "declined, then paid, refunded in part twice": made(
            ("payment_intent.payment_failed", 0, failed_try),
            (completed, 0, paid),
            ("charge.refunded", 3, charge_of(name, 300)),
            ("charge.refunded", 4, charge_of(name, 500)),
        ),
        "charged back and won": made(
            (completed, 0, paid),
            ("charge.dispute.created", 9, dispute_of(name, "needs_response")),
            ("charge.dispute.updated", 12, dispute_of(name, "under_review")),
            ("charge.dispute.closed", 60, dispute_of(name, "won")),
        ),
        "an inquiry takes nothing": made(
            (completed, 0, paid), ("charge.dispute.created", 9, dispute_of(name, "warning_needs_response"))
        ),
        "disputed in part": made((completed, 0, paid), ("charge.dispute.created", 9, dispute_of(name, "lost", 400))),
        "expired": made(("checkout.session.expired", 1, session_of(name, "unpaid", status="expired"))),
        "another amount": made((completed, 0, session_of(name, "paid", 999))),
    }


def signed(told: dict[str, Any], secret: str, *, at: datetime) -> tuple[bytes, str]:
    payload = json.dumps(told).encode()
    return payload, sign(payload, secret, at=int(at.timestamp()))


def digest(session: Session, payment: Payment) -> tuple[Any, ...]:
    """What matters in the end: state, what is open of the invoice, what credit is left, what was given back."""
    found = session.exec(
        select(Payment).where(Payment.id == payment.id).execution_options(populate_existing=True)
    ).one()
    items = open_items(session, account_ids=[payment.account_id], as_of=date.max)
    owed = sum(item.open_minor for item in items if item.side == 1)
    credit = sum(item.open_minor for item in items if item.side == -1)
    return found.state, owed, credit, found.refunded_minor, found.parked, found.reason.split(" (")[0]


def first_invoice_open(session: Session, payment: Payment) -> int:
    query = (
        select(OpenItem.open_minor).where(OpenItem.account_id == payment.account_id).order_by(col(OpenItem.entry_id))
    )
    minor = session.exec(query).first()
    assert minor is not None
    return minor


def utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
