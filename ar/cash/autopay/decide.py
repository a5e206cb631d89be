"""When autopay pays what: which invoices are announced, for which day, and what a charge that failed leads to. Pure.

Amounts in minor units. A card is announced some days before, a SEPA debit 14 days before unless the customer agreed to
less: that is its pre-notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ar.cash.declines import may_try_again
from ar.cash.online.models import MethodKind

NOTICE_DAYS = {MethodKind.CARD: 3, MethodKind.SEPA_DEBIT: 14}
MOST_ATTEMPTS = 3
RETRY_DAYS = 3
"""Days between a charge that failed and the next try, unless notice takes longer."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the customer agreed to."""

    limit_minor: int
    offset_days: int
    notice_days: int


@dataclass(frozen=True, slots=True)
class Due:
    """An open invoice, as it stands: what of it nobody contests and no payment is under way for."""

    entry_id: int
    entity_id: int
    reference: str
    due_on: date
    open_minor: int
    disputed_minor: int
    in_flight_minor: int

    @property
    def free_minor(self) -> int:
        return max(0, self.open_minor - self.disputed_minor - self.in_flight_minor)


@dataclass(frozen=True, slots=True)
class Announcement:
    """One invoice to tell the customer of: paid on that day or later, or, above the limit, not paid at all."""

    entry_id: int
    entity_id: int
    reference: str
    due_on: date
    amount_minor: int
    pay_on: date
    above_limit: bool


def announce(items: Sequence[Due], terms: Terms, *, today: date) -> list[Announcement]:
    """What to tell the customer of today, of its `items` that were not announced yet.

    An invoice is announced as soon as its day of payment is no further away than the notice; one that comes late is
    paid the later for it, never with less notice.
    """
    announced = []
    for item in items:
        wanted = item.due_on + timedelta(days=terms.offset_days)
        pay_on = max(wanted, today + timedelta(days=terms.notice_days))
        if item.free_minor <= 0 or wanted - timedelta(days=terms.notice_days) > today:
            continue
        announced.append(
            Announcement(
                item.entry_id,
                item.entity_id,
                item.reference,
                item.due_on,
                item.free_minor,
                pay_on,
                above_limit=item.free_minor > terms.limit_minor,
            )
        )
    return announced


def to_pay(item: Due, announced_minor: int, terms: Terms) -> tuple[int, str]:
    """What to pay of an announced invoice now, never more than was announced; or 0 and why not.

    Contested amounts are left alone, and so is what is being paid already.
    """
    if item.open_minor == 0:
        return 0, "paid_meanwhile"
    if item.in_flight_minor:
        return 0, "under_way"
    amount = min(item.free_minor, announced_minor)
    if amount <= 0:
        return 0, "disputed"
    if amount > terms.limit_minor:
        return 0, "above_limit"
    return amount, ""


@dataclass(frozen=True, slots=True)
class AfterFailure:
    """What follows a charge that failed: another try on `retry_on`, or autopay is off (None)."""

    retry_on: date | None


def after_failure(code: str, attempts: int, kind: MethodKind, terms: Terms, *, today: date) -> AfterFailure:
    """A bounded number of tries, and none where the bank's answer will not change.

    The message about the failure is the notice of the next try, so that a debit waits for its pre-notice.
    """
    if attempts >= MOST_ATTEMPTS or not may_try_again(code):
        return AfterFailure(None)
    wait = terms.notice_days if kind is MethodKind.SEPA_DEBIT else RETRY_DAYS
    return AfterFailure(today + timedelta(days=wait))
