"""What to debit from whom: facts of the customers with a mandate in, debits out, and who is left out and why. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ar.cash.collections.models import Sequence as SequenceType


@dataclass(frozen=True, slots=True)
class Debtor:
    """A customer and its mandate. `notice_days` is how early it is to be told; `credit_minor` what it has in credit."""

    account_id: int
    mandate_id: int
    limit_minor: int | None
    notice_days: int
    credit_minor: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """An item to pay. `planned_minor` is in a living payment plan, `due_part_minor` what of it is due and collected."""

    entry_id: int
    account_id: int
    due_on: date
    open_minor: int
    disputed_minor: int = 0
    in_flight_minor: int = 0
    planned_minor: int = 0
    due_part_minor: int = 0


@dataclass(frozen=True, slots=True)
class Debit:
    """What to take from one customer: (item, minor units), the oldest first."""

    debtor: Debtor
    parts: tuple[tuple[int, int], ...]

    @property
    def amount_minor(self) -> int:
        return sum(minor for _, minor in self.parts)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An item, or a whole customer when `entry_id` is None, that is not collected, and why."""

    account_id: int
    entry_id: int | None
    reason: str


DISPUTED = "contested"
IN_FLIGHT = "a payment is under way"
PLANNED = "paid by instalments"
ABOVE_LIMIT = "above what the mandate takes at most"
TOO_SOON = "its customer could not be told in time"
COVERED = "covered by credit"


def choose(
    debtors: Sequence[Debtor], items: Sequence[Due], *, today: date, collect_on: date
) -> tuple[list[Debit], list[LeftOut]]:
    """The debits for the day `collect_on`, and what is left out.

    A contested item, or one that a payment is under way for, is left alone whole; of one in a plan only the part due
    is taken. Credit of the customer is spent on its oldest items first; a limit takes whole items, the oldest first.
    """
    of: dict[int, list[Due]] = defaultdict(list)
    for item in sorted(items, key=lambda item: (item.due_on, item.entry_id)):
        of[item.account_id].append(item)
    debits, left_out = [], []
    for debtor in sorted(debtors, key=lambda debtor: debtor.account_id):
        if not of[debtor.account_id]:
            continue
        if collect_on - timedelta(days=debtor.notice_days) <= today:
            left_out.append(LeftOut(debtor.account_id, None, TOO_SOON))
            continue
        parts: list[tuple[int, int]] = []
        left_out += _gather(debtor, of[debtor.account_id], parts)
        if parts:
            debits.append(Debit(debtor, tuple(parts)))
    return debits, left_out


def _gather(debtor: Debtor, items: Sequence[Due], parts: list[tuple[int, int]]) -> Iterator[LeftOut]:
    """Fills `parts`; says what is left out."""
    credit, taken = debtor.credit_minor, 0
    for item in items:
        wanted = item.open_minor if not item.planned_minor else min(item.open_minor, item.due_part_minor)
        if item.disputed_minor or item.in_flight_minor or not wanted:
            reason = DISPUTED if item.disputed_minor else IN_FLIGHT if item.in_flight_minor else PLANNED
            yield LeftOut(debtor.account_id, item.entry_id, reason)
            continue
        covered = min(credit, wanted)
        credit -= covered
        wanted -= covered
        if not wanted:
            yield LeftOut(debtor.account_id, item.entry_id, COVERED)
        elif debtor.limit_minor is not None and taken + wanted > debtor.limit_minor:
            yield LeftOut(debtor.account_id, item.entry_id, ABOVE_LIMIT)
        else:
            parts.append((item.entry_id, wanted))
            taken += wanted


def sequence_of(*, one_off: bool, final: bool, used: bool, says_first: bool) -> SequenceType:
    """What a debit is in the life of its mandate.

    Since November 2016 the first of several may say RCUR like those after it; some banks still want FRST.
    """
    if one_off:
        return SequenceType.ONE_OFF
    if final:
        return SequenceType.FINAL
    return SequenceType.FIRST if says_first and not used else SequenceType.RECURRENT


def remittance(references: Sequence[str], length: int = 140) -> str:
    """The invoices of a debit, as many as the message has room for, and how many more."""
    for count in range(len(references), 0, -1):
        more = len(references) - count
        text = ", ".join(references[:count]) + (f" +{more}" if more else "")
        if len(text) <= length:
            return text
    return f"{len(references)} invoices"
