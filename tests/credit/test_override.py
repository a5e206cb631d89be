"""Exceptions: who may grant one, what must be said, and what stays of it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from ar.core.access.models import Role
from ar.core.access.permissions import PERMISSIONS
from ar.core.audit import AuditEntry
from ar.core.db import Database
from ar.credit.consult import consult
from ar.credit.override import (
    OverrideNotNeededError,
    OverrideReasonError,
    OwnOrderError,
    account_overrides,
    override,
    overrides_of,
)
from ar.credit.words import kept_reasons
from tests.credit.make import NOW, TODAY, customer, limit

REASON = "A transfer of EUR 20,000 is on its way, the bank's slip is in the file"


def test_duties_are_kept_apart() -> None:
    assert PERMISSIONS["credit:override"] == {Role.CREDIT_MANAGER}
    assert PERMISSIONS["credit:write"] == {Role.CREDIT_MANAGER}
    assert Role.SALES in PERMISSIONS["credit:read"]


def test_an_exception_is_granted_once_looked_at_by_another(database: Database) -> None:
    with database.transaction() as session:
        buyer = customer(session, "C1")
        limit(session, buyer, 1_000)
        refused = consult(session, buyer, amount_minor=1_001, currency="EUR", today=TODAY)
        given: dict[str, Any] = {
            "subject": "order:12",
            "entered_by": "user:5",
            "reason": REASON,
            "by": "user:2",
            "now": NOW,
        }
        for changes, error in (
            ({"by": "user:5"}, OwnOrderError),
            ({"reason": "ok"}, OverrideReasonError),
            ({"reason": "............................"}, OverrideReasonError),
            ({"reason": "Pleasedoitnowitisurgent"}, OverrideReasonError),
            ({"reason": "a b c d e f g"}, OverrideReasonError),
            ({"reason": "word " * 1000}, OverrideReasonError),
        ):
            with pytest.raises(error):
                override(session, refused, **(given | changes))
        granted = consult(session, buyer, amount_minor=1_000, currency="EUR", today=TODAY)
        with pytest.raises(OverrideNotNeededError):
            override(session, granted, **given)
        assert overrides_of(session, ["order:12"]) == {}
        made = override(session, refused, **given)
        again = override(session, refused, **(given | {"reason": REASON + ", and the second one too"}))
        other = override(session, refused, **(given | {"subject": "order:13"}))
        found = overrides_of(session, ["order:12", "order:13", "order:14"])
        assert {subject: row.id for subject, row in found.items()} == {"order:12": again.id, "order:13": other.id}
        assert [row.id for row in account_overrides(session, buyer, limit=2)] == [other.id, again.id]
        assert (made.answer["exposure_minor"], made.answer["limit_minor"]) == (0, 1_000)
        assert [reason.code for reason in kept_reasons(made.answer)] == ["over-limit"]
    with database.reading() as session:
        acts = session.exec(select(AuditEntry).where(AuditEntry.action == "credit.overridden")).all()
        assert [(act.actor, act.subject, (act.change or {})["against"]) for act in acts] == [
            ("user:2", f"account:{buyer}", ["over-limit"])
        ] * 3
    with pytest.raises(IntegrityError, match="posted rows do not change"), database.transaction() as session:
        session.connection().execute(text("UPDATE credit_override SET reason = 'x'"))
