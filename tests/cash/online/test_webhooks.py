"""Guarantees 7 and 10 for charges, transfers and captures: events in any order, any number of times, one state."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from ar.cash.models import Flow, Payment
from ar.cash.payment_states import PaymentState
from ar.cash.webhooks import receive
from ar.core.db import Database
from ar.core.settings import Settings
from tests.cash.paying import BASE, DAY, charge_of, digest, dispute_of, event, session_of, signed, started
from tests.ledger.make import NOW, seller

Story = Callable[[str], list[dict[str, Any]]]


def intent_of(name: str, status: str, **changed: Any) -> dict[str, Any]:
    return {
        "id": f"pi_{name}",
        "object": "payment_intent",
        "amount": 1000,
        "amount_received": 0,
        "capture_method": "automatic_async",
        "currency": "eur",
        "last_payment_error": None,
        "metadata": {"payment": f"pay_{name}"},
        "next_action": None,
        "status": status,
    } | changed


def made(name: str, *told: tuple[str, int, dict[str, Any]]) -> list[dict[str, Any]]:
    return [event(n, kind, BASE + days * DAY, thing, name=name) for n, (kind, days, thing) in enumerate(told)]


def waiting(left: int) -> dict[str, Any]:
    told = {"amount_remaining": left, "currency": "eur", "financial_addresses": []}
    return {"type": "display_bank_transfer_instructions", "display_bank_transfer_instructions": told}


def declined(name: str) -> dict[str, Any]:
    error = {"code": "card_declined", "decline_code": "insufficient_funds", "message": "Insufficient funds."}
    return intent_of(name, "requires_payment_method", last_payment_error=error)


def lost(name: str, status: str, **changed: Any) -> dict[str, Any]:
    fee = [{"fee": 2000, "currency": "eur"}]
    return dispute_of(name, status) | {"balance_transactions": fee} | changed


STORIES: dict[str, tuple[Flow, Story, tuple[PaymentState, int, int, int], str]] = {
    "declined": (
        Flow.CHARGE,
        lambda n: made(n, ("payment_intent.payment_failed", 0, declined(n))),
        (PaymentState.FAILED, 1000, 0, 0),
        "insufficient_funds",
    ),
    "asked, then paid, then refunded in part": (
        Flow.CHARGE,
        lambda n: made(
            n,
            ("payment_intent.requires_action", 0, intent_of(n, "requires_action")),
            ("payment_intent.succeeded", 0, intent_of(n, "succeeded", amount_received=1000)),
            ("charge.refunded", 3, charge_of(n, 400)),
        ),
        (PaymentState.SETTLED, 400, 0, 400),
        "",
    ),
    "debit paid, charged back, lost": (
        Flow.CHARGE,
        lambda n: made(
            n,
            ("payment_intent.processing", 0, intent_of(n, "processing")),
            ("payment_intent.succeeded", 5, intent_of(n, "succeeded", amount_received=1000)),
            ("charge.dispute.created", 30, lost(n, "needs_response")),
            ("charge.dispute.funds_withdrawn", 30, lost(n, "needs_response")),
            ("charge.dispute.closed", 60, lost(n, "lost")),
        ),
        (PaymentState.DISPUTED, 1000, 0, 0),
        "",
    ),
    "charged back, won and given back": (
        Flow.CHARGE,
        lambda n: made(
            n,
            ("payment_intent.succeeded", 0, intent_of(n, "succeeded", amount_received=1000)),
            ("charge.dispute.created", 9, lost(n, "needs_response")),
            ("charge.dispute.funds_withdrawn", 9, lost(n, "needs_response")),
            ("charge.dispute.updated", 12, lost(n, "under_review")),
            ("charge.dispute.closed", 60, lost(n, "won")),
            ("charge.dispute.funds_reinstated", 60, lost(n, "won")),
        ),
        (PaymentState.SETTLED, 0, 0, 0),
        "",
    ),
    "debit refused days later": (
        Flow.CHARGE,
        lambda n: made(
            n,
            ("payment_intent.processing", 0, intent_of(n, "processing")),
            ("payment_intent.payment_failed", 4, declined(n)),
        ),
        (PaymentState.FAILED, 1000, 0, 0),
        "insufficient_funds",
    ),
    "authorised, captured in part": (
        Flow.CHARGE,
        lambda n: made(
            n,
            (
                "payment_intent.amount_capturable_updated",
                0,
                intent_of(n, "requires_capture", capture_method="manual"),
            ),
            ("payment_intent.succeeded", 2, intent_of(n, "succeeded", capture_method="manual", amount_received=600)),
        ),
        (PaymentState.SETTLED, 400, 0, 0),
        "",
    ),
    "authorised, lapsed": (
        Flow.CHARGE,
        lambda n: made(
            n,
            (
                "payment_intent.amount_capturable_updated",
                0,
                intent_of(n, "requires_capture", capture_method="manual"),
            ),
            ("payment_intent.canceled", 7, intent_of(n, "canceled", cancellation_reason="automatic")),
        ),
        (PaymentState.FAILED, 1000, 0, 0),
        "automatic",
    ),
    "transfer in two parts": (
        Flow.TRANSFER,
        lambda n: made(
            n,
            ("payment_intent.requires_action", 0, intent_of(n, "requires_action", next_action=waiting(1000))),
            ("payment_intent.partially_funded", 1, intent_of(n, "requires_action", next_action=waiting(700))),
            ("payment_intent.partially_funded", 2, intent_of(n, "requires_action", next_action=waiting(200))),
            ("payment_intent.succeeded", 3, intent_of(n, "succeeded", amount_received=1000)),
        ),
        (PaymentState.SETTLED, 0, 0, 0),
        "",
    ),
    "page whose intent is told too": (
        Flow.PAGE,
        lambda n: made(
            n,
            ("payment_intent.payment_failed", 0, declined(n)),
            ("checkout.session.completed", 1, session_of(n, "paid")),
            ("payment_intent.succeeded", 1, intent_of(n, "succeeded", amount_received=1000)),
        ),
        (PaymentState.SETTLED, 0, 0, 0),
        "",
    ),
    "another amount": (
        Flow.CHARGE,
        lambda n: made(n, ("payment_intent.succeeded", 0, intent_of(n, "succeeded", amount=999, amount_received=999))),
        (PaymentState.UNKNOWN, 1000, 0, 0),
        "",
    ),
}


def begun(session: Session, entity: int, name: str, flow: Flow) -> Payment:
    payment = started(session, entity, name, state=PaymentState.INTENDED)
    payment.flow = flow
    session.add(payment)
    session.flush()
    return payment


@pytest.mark.parametrize("name", STORIES)
def test_any_order_and_any_repetition_come_to_one_state(database: Database, settings: Settings, name: str) -> None:
    """Guarantee 7: 200 shuffles over all stories; the seed is printed."""
    seed = 20261124
    luck = random.Random(seed)
    flow, story, expected, failure = STORIES[name]
    with database.transaction() as session:
        entity = seller(session)
    found = set()
    for n in range(20):
        with database.transaction() as session:
            payment = begun(session, entity, str(n), flow)
            told = story(str(n))
            if n:
                told = [one for one in told for _ in range(luck.randint(1, 3))]
                luck.shuffle(told)
            for one in told:
                payload, signature = signed(one, settings.webhook_secret, at=NOW)
                receive(session, settings, payload, signature, now=NOW + timedelta(seconds=5))
            fees = tuple(dispute["fee_minor"] for dispute in payment.disputes.values())
            found.add((digest(session, payment), payment.failure, payment.funded_minor, payment.captured_minor, fees))
    assert len(found) == 1, f"seed {seed}: {found}"
    [(state, said, _, _, fees)] = found
    assert (state[:4], said) == (expected, failure)
    assert fees == ((2000,) if "charged back" in name else ())
