"""What matching goes by, and what it says: money that came in, what is open, who pays for whom; proposals. Pure.

Amounts are integer minor units of the currency beside them. `reference_key` (see ar/ledger/references.py) is how
references are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple, Self

from ar.ledger.models import EntryKind


@dataclass(frozen=True, slots=True)
class Advised:
    """One line of a remittance advice: the payer's reference, and what of the money is meant for it, if told."""

    reference: str
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """Money that came in, for a legal entity, from somebody, with some words.

    `texts` are the remittance lines, structured reference and end-to-end id as the bank gives them. `payer_iban` is
    in capitals without spaces. `account_id` is given where the customer is known (a payment on account).
    `charges_minor` was taken off by banks, when they say so. `advice` came apart from the money.
    """

    id: int
    entity_id: int
    amount_minor: int
    currency: str
    received_on: date
    payer_name: str = ""
    payer_iban: str = ""
    texts: tuple[str, ...] = ()
    account_id: int | None = None
    charges_minor: int | None = None
    advice: tuple[Advised, ...] = ()


class Item(NamedTuple):
    """An open item: `side` +1 owed by the customer, -1 in its credit. `open_minor` is what is free to be paid:
    less what payments in flight are meant for.

    A tuple, as rows are: a run makes dozens of them for each amount of money.
    """

    entry_id: int
    entity_id: int
    account_id: int
    kind: EntryKind
    side: int
    currency: str
    amount_minor: int
    open_minor: int
    disputed_minor: int
    effective_on: date
    due_on: date
    reference: str
    reference_key: str
    purchase_order: str = ""
    discount_until: date | None = None
    discount_minor: int = 0


@dataclass(frozen=True, slots=True)
class Expected:
    """A sum that a customer said would come: a promise, or an instalment of a plan, for these items."""

    kind: str
    amount_minor: int
    currency: str
    on: date
    entry_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Payer:
    """A customer that may be the payer, and how the money points to it.

    `by_iban` and `by_alias` count how often money came from this IBAN or name before and was right, less how often
    it was wrong. `parent_id` is the head of its group.
    """

    account_id: int
    name: str
    parent_id: int | None = None
    by_iban: int = 0
    by_alias: int = 0
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidates:
    """All that one amount of money may be for: the customers it may come from, their open items, sums they expect.

    Items found by a reference are among `items` even when their customer is not among `payers`' first choices.
    """

    payers: Sequence[Payer]
    items: Sequence[Item]
    expected: Sequence[Expected] = ()


class Difference(StrEnum):
    """Why an item is settled although less came in."""

    DISCOUNT = "discount"
    BANK_CHARGES = "bank_charges"
    WRITE_OFF = "write_off"


@dataclass(frozen=True, slots=True)
class Part:
    """What of the money goes to which customer, and which of its items; on account where `entry_id` is None."""

    account_id: int
    entry_id: int | None
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Residual:
    """What an item is let off, and why."""

    entry_id: int
    amount_minor: int
    difference: Difference


@dataclass(frozen=True, slots=True)
class Netting:
    """A credit of the customer's (a credit note, money on account) set against what it owes."""

    debit_id: int
    credit_id: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Reason:
    """One piece of evidence, for or against: a code of words.py, and the values that its sentence takes."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proposal:
    """One way to apply the money. Its parts add up to the whole amount, always.

    `probability` is that of its being what the payer meant, from 0 to 1; reasons for it come first.
    """

    parts: tuple[Part, ...]
    residuals: tuple[Residual, ...] = ()
    nettings: tuple[Netting, ...] = ()
    probability: float = 0.0
    reasons: tuple[Reason, ...] = ()
    evidence: Mapping[str, float] = field(default_factory=dict)

    def stored(self) -> dict[str, Any]:
        """The proposal as plain JSON."""
        return {
            "parts": [[part.account_id, part.entry_id, part.amount_minor] for part in self.parts],
            "residuals": [[one.entry_id, one.amount_minor, one.difference.value] for one in self.residuals],
            "nettings": [[one.debit_id, one.credit_id, one.amount_minor] for one in self.nettings],
            "probability": self.probability,
            "reasons": [[reason.code, dict(reason.values)] for reason in self.reasons],
            "evidence": dict(self.evidence),
        }

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> Self:
        """The proposal that stored() wrote."""
        return cls(
            parts=tuple(Part(*part) for part in kept["parts"]),
            residuals=tuple(Residual(entry, minor, Difference(why)) for entry, minor, why in kept["residuals"]),
            nettings=tuple(Netting(*one) for one in kept["nettings"]),
            probability=kept["probability"],
            reasons=tuple(Reason(code, values) for code, values in kept["reasons"]),
            evidence=kept["evidence"],
        )


class Verdict(StrEnum):
    APPLY = "apply"
    SUGGEST = "suggest"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a legal entity lets the engine do: see CashPolicy. Amounts in minor units of the money's currency."""

    apply_above: float = 0.995
    tolerance_minor: int = 0
    tolerance_bp: int = 0
    charges_minor: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with one amount of money. `proposals` are at most three, the likeliest first.

    `why_not` is the code of what keeps the best from being applied untouched; empty for APPLY.
    """

    incoming_id: int
    verdict: Verdict
    proposals: tuple[Proposal, ...]
    why_not: str = ""
