"""What a decision on billing is made from, and what it comes to. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from invoicing.billing.models import Basis, Cadence, Grouping
from invoicing.draft import InvoiceDraft, Place
from invoicing.orders.amounts import LineFacts, StageFacts
from invoicing.orders.models import StageKind


@dataclass(frozen=True)
class Rule:
    """How a customer is billed; as it stands here, for one who has no rule of its own: an invoice for each order.

    `minimum_minor`, before tax and in the account's currency, waits for more; 0 waits for nothing.
    """

    grouping: Grouping = Grouping.ORDER
    consolidated: bool = True
    basis: Basis = Basis.DELIVERY
    cadence: Cadence = Cadence.AT_ONCE
    month_day: int | None = None
    needs_purchase_order: bool = False
    needs_buyer_reference: bool = False
    needs_site: bool = False
    minimum_minor: int = 0
    approval: bool = False


@dataclass(frozen=True)
class OrderFacts:
    """An accepted order that is not wholly billed. `language` is the customer's, in which its invoices are written."""

    id: int
    entity_id: int
    account_id: int
    reference: str
    currency: str
    language: str
    accepted_on: date
    lines: Sequence[LineFacts]
    rule: Rule
    stages: Sequence[StageFacts] = ()
    terms: str = ""
    purchase_order: str = ""
    buyer_reference: str = ""
    site: Place | None = None
    note: str = ""

    @property
    def has_milestones(self) -> bool:
        return any(stage.kind is StageKind.MILESTONE for stage in self.stages)

    @property
    def deposits(self) -> list[StageFacts]:
        return [stage for stage in self.stages if stage.kind is StageKind.DEPOSIT]


@dataclass(frozen=True)
class Reason:
    """Why something is not billed. `words` is marked for translation, its places are filled in from `data`."""

    code: str
    words: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """As it is stored, to be told later in any language."""
        return {"code": self.code, "words": self.words, "data": dict(self.data)}


@dataclass(frozen=True)
class Held:
    """What cannot be billed as it is: 'order:12' or 'plan:3'."""

    subject: str
    account_id: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Take:
    """How much of an order's line an invoice bills, and what of its discount in amount."""

    order_id: int
    line_id: int
    quantity: int
    discount_minor: int = 0


@dataclass(frozen=True)
class Proposed:
    """An invoice to make. Its first lines bill `takes`, in order; else it bills a stage, or a plan's period."""

    draft: InvoiceDraft
    approval: bool
    takes: tuple[Take, ...] = ()
    stage_id: int | None = None
    plan_id: int | None = None
    period: tuple[date, date] | None = None


@dataclass(frozen=True)
class Outcome:
    """What is billed, what is held and why, and what waits: for its day, or for the least amount to bill."""

    invoices: tuple[Proposed, ...] = ()
    held: tuple[Held, ...] = ()
    waiting: tuple[Take, ...] = ()
