"""Orders, plans and runs for the tests of billing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlmodel import Session

from ar.core.kernel import Kernel
from invoicing.billing.facts import Rule
from invoicing.billing.rules import set_rule
from invoicing.billing.run import RunReport, bill
from invoicing.models import TaxCategory
from invoicing.orders.accept import accept
from invoicing.orders.deliver import Delivered, deliver
from invoicing.orders.enter import LineDraft, OrderDraft, enter
from invoicing.orders.models import SalesOrder
from invoicing.totals import basis_points, millionths
from tests.invoicing.make import NOW, TODAY

BY = "user:1"


def say(sentence: str, *, language: str, **values: Any) -> str:
    """Words as they are written here: `Renderer.text` for tests of pure rules."""
    return sentence % values if values else sentence


def line(quantity: str = "2", price: str = "100", rate: str = "20", **changes: Any) -> LineDraft:
    return LineDraft(
        "Work", millionths(quantity), millionths(price), TaxCategory.STANDARD, basis_points(rate), **changes
    )


def order(
    session: Session, entity_id: int, account_id: int, reference: str, *lines: LineDraft, **more: Any
) -> SalesOrder:
    draft = OrderDraft(entity_id, account_id, reference, lines or (line(),), **more)
    return enter(session, draft, by=BY, now=NOW)


def accepted(session: Session, entity_id: int, account_id: int, reference: str, *lines: LineDraft, **more: Any) -> int:
    """The id of an order that is accepted on TODAY."""
    made = order(session, entity_id, account_id, reference, *lines, **more)
    assert made.id is not None
    accept(session, made.id, by=BY, today=TODAY, now=NOW)
    return made.id


def delivered(session: Session, order_id: int, *parts: Delivered, on: date = TODAY) -> None:
    deliver(session, order_id, parts, on=on, by=BY, today=max(on, TODAY), now=NOW)


def rule(session: Session, account_id: int, **changes: Any) -> None:
    set_rule(session, account_id, None, Rule(**changes), by=BY, now=NOW)


def evening(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 20, tzinfo=UTC)


def night(kernel: Kernel, day: date = TODAY, **more: Any) -> RunReport:
    """The billing run of a day."""
    return bill(kernel, by="system", now=evening(day), **more)
