"""How each legal entity has its cash applied."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from sqlmodel import Session, col, select

from ar.cash.matching.facts import Policy
from ar.cash.matching.models import CashPolicy
from ar.core.audit import Act, record
from ar.core.db import among
from ar.core.errors import ConflictError, DomainError, Fault
from ar.core.money import exponent
from ar.ledger.models import Book
from ar.ledger.post import ADJUSTING

STANDARD = CashPolicy(
    entity_id=0, apply_above=0.995, tolerance_minor=0, tolerance_bp=0, tolerance_book=Book.PAYMENT_DIFFERENCES,
    charges_minor=0, version=0,
)  # fmt: skip
"""What holds for a legal entity until it says otherwise: nothing is written off by itself."""


class CashPolicyError(DomainError):
    """The policy cannot be; the faults say where."""

    code = "bad-cash-policy"


class CashPolicyChangedError(ConflictError):
    """Another person changed the policy meanwhile."""

    code = "cash-policy-changed"


def policy_of(session: Session, entity_id: int) -> CashPolicy:
    """The policy of a legal entity; the standard one until it says otherwise."""
    return session.get(CashPolicy, entity_id) or STANDARD.model_copy(update={"entity_id": entity_id})


def policies(session: Session, entity_ids: Collection[int]) -> dict[int, CashPolicy]:
    """The policy of each of these legal entities."""
    known = session.exec(select(CashPolicy).where(among(session, col(CashPolicy.entity_id), list(entity_ids))))
    found = {policy.entity_id: policy for policy in known}
    return {number: found.get(number) or STANDARD.model_copy(update={"entity_id": number}) for number in entity_ids}


def tolerance_books(session: Session, entity_ids: Collection[int]) -> dict[int, Book]:
    """The book account that each of these legal entities writes small differences off to."""
    return {number: policy.tolerance_book for number, policy in policies(session, entity_ids).items()}


def as_facts(policy: CashPolicy, *, own: str, currency: str) -> Policy:
    """The policy for money in `currency`. Limits hold in the entity's `own` currency alone; in another they are those
    of as many whole units, since no rate is needed to be careful with small change."""
    shift = Decimal(10) ** (exponent(currency) - exponent(own))

    def scaled(minor: int) -> int:
        return int((minor * shift).to_integral_value(ROUND_DOWN))

    return Policy(
        apply_above=policy.apply_above,
        tolerance_minor=scaled(policy.tolerance_minor),
        tolerance_bp=policy.tolerance_bp,
        charges_minor=scaled(policy.charges_minor),
    )


def change_policy(session: Session, wanted: CashPolicy, *, by: str, now: datetime) -> CashPolicy:
    """Keep `wanted`, whose `version` is the one that was read (0 for the standard): the policy with its new version.

    Raises CashPolicyError, CashPolicyChangedError.
    """
    faults = []
    if not 0.9 <= wanted.apply_above <= 1:
        faults.append(Fault("/apply_above", "is a probability from 0.9 to 1"))
    if wanted.tolerance_minor < 0 or not 0 <= wanted.tolerance_bp <= 1000 or wanted.charges_minor < 0:
        faults.append(Fault("/tolerance_minor", "limits are not below zero, and tolerance_bp at most 1000 (10 %)"))
    if wanted.tolerance_book not in ADJUSTING:
        faults.append(Fault("/tolerance_book", f"is one of {', '.join(sorted(book.value for book in ADJUSTING))}"))
    if faults:
        raise CashPolicyError(f"The policy was not kept: {faults[0].pointer} {faults[0].message}", faults=faults)
    query = select(CashPolicy).where(CashPolicy.entity_id == wanted.entity_id).with_for_update()
    known = session.exec(query.execution_options(populate_existing=True)).first()
    if (known.version if known else 0) != wanted.version:
        raise CashPolicyChangedError("The policy was changed meanwhile: read it again, then change it")
    before = (known or STANDARD).model_dump(mode="json")
    kept = known or CashPolicy.model_validate(wanted.model_dump())
    for name in ("apply_above", "tolerance_minor", "tolerance_bp", "tolerance_book", "charges_minor"):
        setattr(kept, name, getattr(wanted, name))
    kept.version = wanted.version + 1
    session.add(kept)
    session.flush()
    change = {"before": before, "after": kept.model_dump(mode="json")}
    record(session, [Act(by, "cash_policy.changed", f"entity:{wanted.entity_id}", change)], now=now)
    return kept
