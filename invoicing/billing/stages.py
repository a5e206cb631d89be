"""Invoices of deposits and milestones, and how a final invoice takes the deposits off. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ar.core.i18n import long_day, percent
from ar.core.i18n import marked as _
from invoicing.billing.facts import OrderFacts, Proposed
from invoicing.draft import InvoiceDraft
from invoicing.models import InvoiceStage
from invoicing.orders.amounts import Group, StageFacts, amount_line, by_group, stage_parts
from invoicing.orders.models import StageKind
from invoicing.terms.words import Say
from invoicing.totals import Line


def parts_of(order: OrderFacts) -> dict[int, dict[Group, int]]:
    """Each deposit and milestone of the order by the id of its stage, shared out over the order's VAT."""
    whole = by_group(order.lines, order.currency, left=False)
    parts = stage_parts([stage.net_minor for stage in order.stages], whole)
    return {stage.id: part for stage, part in zip(order.stages, parts, strict=True)}


def staged(order: OrderFacts, stages: Sequence[StageFacts], *, say: Say) -> list[Proposed]:
    """An invoice for each of `stages`, which are ready and not billed yet."""
    parts = parts_of(order) if stages else {}
    return [
        Proposed(
            InvoiceDraft(
                entity_id=order.entity_id,
                account_id=order.account_id,
                lines=_lines(order, parts[stage.id], _named(order, stage, say)),
                currency=order.currency,
                terms=order.terms,
                buyer_reference=order.buyer_reference,
                purchase_order=order.purchase_order,
                order_reference=order.reference,
                deliver_to=order.site,
                note=order.note,
                stage=InvoiceStage.DEPOSIT if stage.kind is StageKind.DEPOSIT else InvoiceStage.STANDARD,
            ),
            order.rule.approval,
            stage_id=stage.id,
        )
        for stage in stages
    ]


def deposit_lines(order: OrderFacts, *, say: Say) -> list[Line]:
    """What the final invoice takes off: each deposit at its own VAT, by its number and day."""
    parts = parts_of(order)
    found: list[Line] = []
    for stage in order.deposits:
        if stage.number is None or stage.issued_on is None:
            continue
        day = long_day(stage.issued_on, language=order.language)
        told = say(_("Deposit, invoice %(number)s of %(day)s"), language=order.language, number=stage.number, day=day)
        found += _lines(order, parts[stage.id], told, take_off=True)
    return found


def _lines(order: OrderFacts, part: dict[Group, int], told: str, *, take_off: bool = False) -> list[Line]:
    return [
        amount_line(group, minor, order.currency, description=told, take_off=take_off) for group, minor in part.items()
    ]


def _named(order: OrderFacts, stage: StageFacts, say: Say) -> str:
    if stage.kind is StageKind.MILESTONE:
        sentence = _("%(label)s, order %(reference)s")
        return say(sentence, language=order.language, label=stage.label, reference=order.reference)
    if stage.percent_bp is None:
        return say(_("Deposit on order %(reference)s"), language=order.language, reference=order.reference)
    places = 0 if stage.percent_bp % 100 == 0 else 2
    share = percent(Decimal(stage.percent_bp) / 10_000, places, language=order.language)
    sentence = _("Deposit of %(percent)s on order %(reference)s")
    return say(sentence, language=order.language, percent=share, reference=order.reference)
