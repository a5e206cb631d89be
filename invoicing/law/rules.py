"""The law of late payment as dated figures, and which of them holds for a seller on a day. Pure.

Figures are rows of a table, never constants: a day that the table does not cover is an error that says so. A seller's
own country comes first; where the table has nothing of a kind for it, a member state of the European Union falls back
on the directive 2011/7/EU, and the source says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from ar.core.errors import DomainError
from ar.core.money import Money
from invoicing.models import LawKind

UNION = "EU"

# Who the directive binds; the table says what it binds them to.
MEMBERS = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905
)


class LawMissingError(DomainError):
    """The table of the law has nothing for that jurisdiction, kind and day."""

    code = "law-missing"


@dataclass(frozen=True)
class Rule:
    """One figure: percent a year, days, or an amount of `currency`, by its kind. In force to `valid_to`, if any."""

    id: int
    jurisdiction: str
    kind: LawKind
    value: Decimal
    currency: str | None
    valid_from: date
    valid_to: date | None
    source: str

    def amount(self) -> Money:
        """The amount of a fixed compensation. Raises CurrencyError for a rule of another kind."""
        return Money.parse(f"{self.value:f}", self.currency or "")


@dataclass(frozen=True)
class Stretch:
    """Days, both included, on which one rule holds."""

    first: date
    last: date
    rule: Rule

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class Law:
    """The figures that may concern a seller of `country`."""

    country: str
    rules: Sequence[Rule]

    def of(self, kind: LawKind) -> list[Rule]:
        """The country's own rules of a kind, of any period; the Union's where it has none."""
        for jurisdiction in jurisdictions(self.country):
            if found := [rule for rule in self.rules if (rule.jurisdiction, rule.kind) == (jurisdiction, kind)]:
                return found
        return []

    def find(self, kind: LawKind, on: date) -> Rule | None:
        """The rule in force on a day: that which begins last, the one entered last among equals; None after its end."""
        begun = [rule for rule in self.of(kind) if rule.valid_from <= on]
        if not begun:
            return None
        last = max(begun, key=lambda rule: (rule.valid_from, rule.id))
        return None if last.valid_to is not None and last.valid_to < on else last

    def on(self, kind: LawKind, day: date) -> Rule:
        """As find(). Raises LawMissingError where the table does not tell."""
        found = self.find(kind, day)
        if found is None:
            raise LawMissingError(
                f"The law's table holds no {kind.value.replace('_', ' ')} for {self.country} on {day}: "
                "an administrator can add it under /admin/late-payment-law"
            )
        return found

    def stretches(self, kind: LawKind, first: date, last: date) -> Iterator[Stretch]:
        """`first` to `last`, cut where another rule begins to hold. Raises LawMissingError for a day without one."""
        begins = {rule.valid_from for rule in self.of(kind)}
        ends = {rule.valid_to + timedelta(days=1) for rule in self.of(kind) if rule.valid_to and rule.valid_to < last}
        cuts = sorted({first, *(day for day in begins | ends if first < day <= last)})
        for start, following in zip(cuts, [*cuts[1:], last + timedelta(days=1)], strict=True):
            yield Stretch(start, following - timedelta(days=1), self.on(kind, start))


def jurisdictions(country: str) -> tuple[str, ...]:
    """Whose law is looked up for a seller of `country`, in order."""
    return (country, UNION) if country in MEMBERS else (country,)
