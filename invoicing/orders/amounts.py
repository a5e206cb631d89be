"""What of an order is billed, what is left, and what its deposits and milestones come to. Pure.

Quantities and unit prices are integers of millionths, amounts minor units of the order's currency.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from ar.core.money import exponent, split
from invoicing.models import SupplyKind, TaxCategory
from invoicing.orders.models import OrderState, StageKind
from invoicing.totals import MILLION, Adjustment, Line, half_up, line_net


@dataclass(frozen=True, slots=True)
class LineFacts:
    """A line of an order as it stands. `discount_left_minor` is what no invoice has taken off yet of a discount in
    amount; None where the line has none."""

    id: int
    position: int
    supply: SupplyKind
    description: str
    quantity: int
    unit: str
    unit_price: int
    category: TaxCategory
    rate_bp: int
    billed: int = 0
    delivered: int = 0
    delivered_on: date | None = None
    discount_bp: int | None = None
    discount_left_minor: int | None = None
    exemption: str = ""
    item_code: str = ""
    family: str = ""
    purchase_order: str = ""
    order_line: str = ""

    @property
    def left(self) -> int:
        """The quantity that no invoice bills yet."""
        return self.quantity - self.billed


@dataclass(frozen=True, slots=True)
class StageFacts:
    """A deposit or milestone. `invoice_id` bills it; of a deposit that was issued, `number` and `issued_on` tell."""

    id: int
    position: int
    kind: StageKind
    label: str
    percent_bp: int | None
    net_minor: int
    ready_on: date | None = None
    invoice_id: int | None = None
    number: str | None = None
    issued_on: date | None = None
    credited: bool = False


class Group(NamedTuple):
    """What lines share that can be told as one amount."""

    category: TaxCategory
    rate_bp: int
    exemption: str
    supply: SupplyKind


def discount_share(line: LineFacts, quantity: int) -> int:
    """What of the line's discount in amount goes with `quantity` of what is left: all that is left with all of it."""
    if not line.discount_left_minor:
        return 0
    return half_up(line.discount_left_minor * quantity, line.left)


def adjustments_of(line: LineFacts, quantity: int, *, reason: str) -> tuple[Adjustment, ...]:
    """The discount of `quantity` of the line as an invoice tells it."""
    if line.discount_bp:
        return (Adjustment(reason, percent_bp=line.discount_bp),)
    share = discount_share(line, quantity)
    return (Adjustment(reason, amount_minor=share),) if share else ()


def line_amount(line: LineFacts, quantity: int, currency: str) -> int:
    """What `quantity` of the line comes to before tax, less its discount."""
    gross = line_net(quantity, line.unit_price, currency)
    if line.discount_bp:
        return gross - half_up(gross * line.discount_bp, 10_000)
    return gross - discount_share(line, quantity)


def group_of(line: LineFacts) -> Group:
    return Group(line.category, line.rate_bp, line.exemption, line.supply)


def by_group(lines: Sequence[LineFacts], currency: str, *, left: bool) -> dict[Group, int]:
    """Amounts before tax by group: of all that was ordered, or of what is `left` to bill."""
    found: dict[Group, int] = defaultdict(int)
    for line in lines:
        if left:
            found[group_of(line)] += line_amount(line, line.left, currency) if line.left else 0
        else:
            gross = line_net(line.quantity, line.unit_price, currency)
            found[group_of(line)] += gross - _whole_discount(line, gross)
    return dict(found)


def _whole_discount(line: LineFacts, gross: int) -> int:
    if line.discount_bp:
        return half_up(gross * line.discount_bp, 10_000)
    return line.discount_left_minor or 0


def with_tax(amounts: Mapping[Group, int]) -> int:
    """The sum with tax, which is rounded once for each category and rate."""
    bases: dict[tuple[TaxCategory, int], int] = defaultdict(int)
    for group, minor in amounts.items():
        bases[group.category, group.rate_bp] += minor
    return sum(minor + half_up(minor * rate, 10_000) for (_, rate), minor in bases.items())


def stage_parts(stages: Sequence[int], groups: Mapping[Group, int]) -> list[dict[Group, int]]:
    """Each of `stages`, amounts before tax, shared out over what the order consists of.

    Each stage's parts sum to it exactly; when the stages sum to the order, so do the parts of each group to that group.
    A part is never below zero: each stage shares out what the ones before it left.
    """
    left = {group: minor for group, minor in sorted(groups.items()) if minor > 0}
    found = []
    for minor in stages:
        shares = split(minor, list(left.values())) if any(left.values()) else []
        parts = {group: share for group, share in zip(left, shares, strict=False) if share}
        left = {group: rest - parts.get(group, 0) for group, rest in left.items()}
        found.append(parts)
    return found


def amount_line(
    group: Group, minor: int, currency: str, *, description: str, order_line: str = "", take_off: bool = False
) -> Line:
    """An amount before tax as one line of an invoice: added, or taken off."""
    return Line(
        description,
        -MILLION if take_off else MILLION,
        minor * 10 ** (6 - exponent(currency)),
        group.category,
        group.rate_bp,
        exemption=group.exemption,
        supply=group.supply,
        order_line=order_line,
    )


def unbilled_minor(lines: Sequence[LineFacts], stages: Sequence[StageFacts], currency: str) -> int:
    """What is still to be billed of an order, tax included; what its deposits billed already is taken off."""
    if not stages or stages[0].kind is StageKind.DEPOSIT:
        left = with_tax(by_group(lines, currency, left=True))
        billed = [stage.net_minor for stage in stages if stage.invoice_id is not None]
        parts = stage_parts(billed, by_group(lines, currency, left=True)) if left else []
        return max(left - sum(with_tax(part) for part in parts), 0)
    parts = stage_parts([stage.net_minor for stage in stages], by_group(lines, currency, left=False))
    return sum(with_tax(part) for stage, part in zip(stages, parts, strict=True) if stage.invoice_id is None)


def state_of(lines: Sequence[LineFacts], stages: Sequence[StageFacts]) -> OrderState:
    """Where an accepted order stands by what was delivered and billed of it."""
    taken = [stage.invoice_id is not None for stage in stages]
    if stages and stages[0].kind is StageKind.MILESTONE:
        whole, some = all(taken), any(taken)
    else:
        whole = all(line.left == 0 for line in lines)
        some = any(taken) or any(line.billed for line in lines)
    if whole:
        return OrderState.BILLED
    if some:
        return OrderState.PARTLY_BILLED
    delivered = all(line.delivered == line.quantity for line in lines)
    return OrderState.DELIVERED if delivered else OrderState.ACCEPTED
