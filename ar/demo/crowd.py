"""The customers of the simulated company, as they react: who pays, contests, promises what on which day.

It knows only what a customer would: invoices received, reminders received, how its claims were settled. What it
gives back are wishes; the engine carries them out through the product and tells what came of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from ar.core.calendars import next_business_day
from ar.demo.company import PlannedAccount, PlannedInvoice
from ar.demo.dice import dice
from ar.demo.payers import Claim, Intent, intend, pays_on, promised_on, rest_on


@dataclass(frozen=True)
class Remittance:
    """One transfer by `payer` to one legal entity: minor units for each ledger item, in `currency`."""

    payer: str
    entity: str
    currency: str
    parts: tuple[tuple[int, int], ...]

    @property
    def total_minor(self) -> int:
        return sum(minor for _, minor in self.parts)


@dataclass(frozen=True)
class Contest:
    """A wish to dispute `amount_minor` of an item, and how it will be settled on `settle_on`."""

    entry_id: int
    amount_minor: int
    claim: Claim
    settle_on: date


@dataclass(frozen=True)
class Pledge:
    """A promise by an account to pay some of its items in full by `due_on`."""

    account: str
    entity: str
    entry_ids: tuple[int, ...]
    due_on: date


@dataclass
class _Item:
    """What an account has in mind about one invoice."""

    entry_id: int
    invoice: PlannedInvoice
    account: PlannedAccount
    intent: Intent
    open_minor: int
    contested_minor: int = 0
    claimed: bool = False
    settled_on: date | None = None
    reminders: list[date] = field(default_factory=list)
    first_paid_on: date | None = None
    pledged: bool = False

    def pays(self) -> tuple[date, int] | None:
        """The next payment that comes by itself: its day and amount; None while there is none."""
        payable = self.open_minor - self.contested_minor
        if payable <= 0:
            return None
        if self.settled_on is not None:
            return next_business_day(self.settled_on + timedelta(5), self.intent.country), payable
        if self.first_paid_on is None:
            day = pays_on(self.intent, self.reminders)
            return None if day is None else (day, max(1, payable * self.intent.permille // 1000))
        day = rest_on(self.intent, self.first_paid_on)
        return None if day is None else (day, payable)


class Crowd:
    """All customers of a plan, and a diary of what they mean to do on which day."""

    def __init__(self, seed: int, accounts: Iterable[PlannedAccount]) -> None:
        self._seed = seed
        self._accounts = {account.code: account for account in accounts}
        self._items: dict[int, _Item] = {}
        self._payments: dict[date, set[int]] = defaultdict(set)
        self._claims: dict[date, list[int]] = defaultdict(list)

    def receive(self, entry_id: int, invoice: PlannedInvoice) -> None:
        """An invoice arrives, booked as the ledger item `entry_id`."""
        account = self._accounts[invoice.account]
        intent = intend(
            dice(self._seed, invoice.key), account.temper, issued_on=invoice.issued_on, due_on=invoice.due_on
        )
        item = _Item(entry_id, invoice, account, intent, invoice.amount_minor)
        self._items[entry_id] = item
        self._note(item, since=invoice.issued_on)
        if intent.claim is not None:
            on = next_business_day(invoice.issued_on + timedelta(intent.claim.after), account.country)
            self._claims[on].append(entry_id)

    def remind(self, entry_ids: Sequence[int], *, on: date) -> list[Pledge]:
        """A reminder about these items arrives: the promises that it draws, one for each account and legal entity."""
        pledges: dict[tuple[str, str], list[_Item]] = defaultdict(list)
        for entry_id in sorted(entry_ids):
            item = self._items.get(entry_id)
            if item is None or item.open_minor == 0:
                continue
            item.reminders.append(on)
            self._note(item, since=on)
            promised = promised_on(item.intent, item.reminders)
            if promised is not None and not item.pledged and not item.claimed and item.first_paid_on is None:
                item.pledged = True
                pledges[item.account.code, item.invoice.entity].append(item)
        return [
            Pledge(account, entity, tuple(item.entry_id for item in items), max(_promise_day(item) for item in items))
            for (account, entity), items in pledges.items()
        ]

    def contests(self, day: date) -> list[Contest]:
        """The disputes that customers raise on `day`; they withhold what they contest until it is settled."""
        raised = []
        for entry_id in sorted(self._claims.pop(day, ())):
            item, claim = self._items[entry_id], self._items[entry_id].intent.claim
            if claim is None or item.open_minor < item.invoice.amount_minor:
                continue
            item.claimed = True
            item.contested_minor = max(1, item.open_minor * claim.permille // 1000)
            settle_on = next_business_day(day + timedelta(claim.days), "FR")
            raised.append(Contest(entry_id, item.contested_minor, claim, settle_on))
        return raised

    def settle(self, contest: Contest, *, on: date) -> None:
        """A claim was settled: upheld ones leave nothing to pay of the contested part, others are paid soon."""
        item = self._items[contest.entry_id]
        if contest.claim.upheld:
            item.open_minor -= contest.amount_minor
        elif item.first_paid_on is not None or item.contested_minor == item.open_minor:
            item.settled_on = on
        item.contested_minor = 0
        self._note(item, since=on)

    def payments(self, day: date) -> list[Remittance]:
        """What is paid on `day`: one transfer for each payer, legal entity and currency."""
        transfers: dict[tuple[str, str, str], list[tuple[int, int]]] = defaultdict(list)
        for entry_id in sorted(self._payments.pop(day, ())):
            item = self._items[entry_id]
            wish = item.pays()
            if wish is None or wish[0] > day:
                continue
            item.open_minor -= wish[1]
            item.first_paid_on = item.first_paid_on or day
            key = (item.account.payer, item.invoice.entity, item.invoice.currency)
            transfers[key].append((entry_id, wish[1]))
            self._note(item, since=day + timedelta(1))
        return [Remittance(*key, tuple(parts)) for key, parts in sorted(transfers.items())]

    def forget(self, entry_id: int) -> None:
        """The item was written off: its account no longer thinks of it."""
        self._items[entry_id].open_minor = 0

    def _note(self, item: _Item, *, since: date) -> None:
        """Put the item's next payment into the diary, on `since` at the earliest."""
        wish = item.pays()
        if wish is not None:
            self._payments[max(wish[0], since)].add(item.entry_id)


def _promise_day(item: _Item) -> date:
    promised = promised_on(item.intent, item.reminders)
    assert promised is not None
    return promised
