"""The word to a new customer whose first order was accepted: when its first invoice comes, and what to expect."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from ar.core.calendars import month_end
from ar.core.clock import local_date
from ar.core.kernel import Kernel
from ar.customers.entities import entity
from invoicing.billing.facts import Rule
from invoicing.billing.models import Basis, Cadence
from invoicing.billing.rules import pick, rules_for
from invoicing.delivery.notice import announce_first_invoice
from invoicing.orders.find import order


def expected_on(rule: Rule, *, accepted_on: date, wanted_on: date | None) -> date:
    """The day on which the rule bills an order, delivered on the day it is wanted for. Pure."""
    ready = accepted_on
    if rule.basis is Basis.DELIVERY and wanted_on is not None:
        ready = max(wanted_on, accepted_on)
    if rule.cadence is Cadence.AT_ONCE:
        return ready
    if rule.cadence is Cadence.MONTH_END:
        return month_end(ready)
    assert rule.month_day is not None
    here = ready.replace(day=min(rule.month_day, month_end(ready).day))
    if here >= ready:
        return here
    following = month_end(ready) + timedelta(days=1)
    return following.replace(day=min(rule.month_day, month_end(following).day))


def announce_order(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """The job: have the customer of an accepted order told of its first invoice, unless it has had one or was told."""
    with kernel.database.transaction() as session:
        found = order(session, arguments["order_id"])
        today = local_date(now, entity(session, found.entity_id).time_zone)
        rule = pick(rules_for(session, [found.account_id]), found.account_id, found.entity_id)
        told = announce_first_invoice(
            session,
            kernel,
            account_id=found.account_id,
            entity_id=found.entity_id,
            expected_on=expected_on(rule, accepted_on=found.accepted_on or today, wanted_on=found.wanted_on),
            amount_minor=found.total_minor,
            currency=found.currency,
            now=now,
        )
    return "told" if told else "nothing to tell"
