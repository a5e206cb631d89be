"""Entering orders and mending what an invoice needs of them: an order comes once under its reference."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.errors import ConflictError, DomainError, Fault
from ar.core.i18n import marked as _
from ar.core.money import exponent, split
from ar.customers.accounts import account
from ar.customers.checks import countries
from ar.customers.entities import entity
from invoicing import terms
from invoicing.draft import Place
from invoicing.models import SupplyKind, TaxCategory
from invoicing.orders.models import OrderLine, OrderStage, SalesOrder, StageKind
from invoicing.terms import TermsError
from invoicing.totals import ONE, Adjustment, Line, Totals, TotalsError, half_up, totals


class OrderError(DomainError):
    """The order cannot be taken as given; the faults say where and why."""

    code = "bad-order"


class OrderConflictError(ConflictError):
    """There is another order under that reference."""

    code = "order-reference-taken"


@dataclass(frozen=True)
class LineDraft:
    """A line to order. The discount is hundredths of a percent, or minor units for the whole line, or none."""

    description: str
    quantity_millionths: int
    unit_price_millionths: int
    category: TaxCategory
    rate_bp: int
    supply: SupplyKind = SupplyKind.GOODS
    unit: str = ONE
    discount_bp: int | None = None
    discount_minor: int | None = None
    exemption: str = ""
    item_code: str = ""
    family: str = ""
    purchase_order: str = ""
    order_line: str = ""
    wanted_on: date | None = None


@dataclass(frozen=True)
class StageDraft:
    """A deposit or a milestone: hundredths of a percent of the order before tax, or minor units of it."""

    kind: StageKind
    label: str = ""
    percent_bp: int | None = None
    amount_minor: int | None = None
    due_on: date | None = None


@dataclass(frozen=True)
class OrderDraft:
    """An order as it comes in. The currency is the account's when not given."""

    entity_id: int
    account_id: int
    reference: str
    lines: Sequence[LineDraft]
    currency: str | None = None
    terms: str = ""
    purchase_order: str = ""
    buyer_reference: str = ""
    site: Place | None = None
    wanted_on: date | None = None
    note: str = ""
    stages: Sequence[StageDraft] = ()


def enter(session: Session, draft: OrderDraft, *, by: str, now: datetime) -> SalesOrder:
    """The order of that reference: entered now, or the one that came before with the same content.

    Raises EntityNotFoundError, AccountNotFoundError, CurrencyError, TotalsError, TermsError, OrderError naming every
    fault, or OrderConflictError where the reference came with other content.
    """
    digest = hashlib.sha256(json.dumps(asdict(draft), sort_keys=True, default=str).encode()).hexdigest()
    if known := _known(session, draft, digest):
        return known
    entity(session, draft.entity_id)
    currency = draft.currency or account(session, draft.account_id).currency
    exponent(currency)
    sums = _sums(draft, currency)
    amounts = _stage_amounts(draft.stages, sums.net_minor)
    if faults := _faults(draft, sums):
        raise OrderError(f"The order was not entered: {faults[0].message}", faults=faults)
    order = _order(draft, digest, currency, sums, by=by, now=now)
    try:
        with session.begin_nested():
            session.add(order)
            session.flush()
    except IntegrityError:  # somebody else entered it meanwhile
        known = _known(session, draft, digest)
        if known is None:
            raise
        return known
    assert order.id is not None
    _write_parts(session, order.id, draft, amounts)
    after = {"order": order.id, "reference": order.reference, "total_minor": order.total_minor, "currency": currency}
    record(session, [Act(by, "order.entered", f"account:{order.account_id}", {"after": after})], now=now)
    return order


def _sums(draft: OrderDraft, currency: str) -> Totals:
    """What the order comes to. Raises TotalsError, its faults pointing at what the order calls a discount."""
    try:
        return totals([_line(line) for line in draft.lines], currency)
    except TotalsError as error:
        names = {"/adjustments/0/percent": "/discount_percent", "/adjustments/0/amount_minor": "/discount_minor"}
        faults = []
        for fault in error.faults:
            pointer = fault.pointer
            for told, own in {**names, "/adjustments/0": "/discount_percent"}.items():
                pointer = pointer.replace(told, own)
            faults.append(Fault(pointer, fault.message))
        raise TotalsError(error.message, faults=faults) from None


def _known(session: Session, draft: OrderDraft, digest: str) -> SalesOrder | None:
    query = select(SalesOrder).where(
        col(SalesOrder.entity_id) == draft.entity_id, col(SalesOrder.reference) == draft.reference
    )
    known = session.exec(query).first()
    if known is not None and known.digest != digest:
        raise OrderConflictError(
            f"There is another order under the reference {draft.reference}: number {known.id}. "
            "Send the same content for the same order, or another reference",
            faults=[Fault("/reference", _("this reference is taken by another order"))],
        )
    return known


def _line(line: LineDraft) -> Line:
    """The line as an invoice of all of it would tell it."""
    adjustments: tuple[Adjustment, ...] = ()
    if line.discount_bp is not None or line.discount_minor is not None:
        adjustments = (Adjustment("discount", percent_bp=line.discount_bp, amount_minor=line.discount_minor),)
    return Line(
        line.description,
        line.quantity_millionths,
        line.unit_price_millionths,
        line.category,
        line.rate_bp,
        adjustments,
        exemption=line.exemption,
        supply=line.supply,
    )


def _faults(draft: OrderDraft, sums: Totals) -> list[Fault]:
    faults = []
    try:
        terms.parse(draft.terms or "net 30")
    except TermsError as error:
        faults.append(Fault("/terms", error.message))
    for n, (line, net) in enumerate(zip(draft.lines, sums.lines, strict=True)):
        if line.quantity_millionths < 0:
            faults.append(Fault(f"/lines/{n}/quantity", _("what is ordered is above zero: credit what comes back")))
        if net < 0:
            faults.append(Fault(f"/lines/{n}/discount_minor", "the discount is more than the line comes to"))
    if draft.site is not None and draft.site.country not in countries():
        faults.append(Fault("/site/country", f"{draft.site.country[:10]!r} is not an ISO 3166 country code"))
    return faults + _stage_faults(draft.stages, sums.net_minor)


def _stage_faults(stages: Sequence[StageDraft], net_minor: int) -> list[Fault]:
    if not stages:
        return []
    faults = []
    for n, stage in enumerate(stages):
        if (stage.percent_bp is None) == (stage.amount_minor is None):
            faults.append(Fault(f"/stages/{n}", "a stage is either a percentage or an amount"))
        if stage.kind is StageKind.MILESTONE and not stage.label:
            faults.append(Fault(f"/stages/{n}/label", "a milestone has a name, which its invoice tells"))
    if faults:
        return faults
    amounts = _stage_amounts(stages, net_minor)
    kinds = {stage.kind for stage in stages}
    if len(kinds) > 1:
        faults.append(Fault("/stages", "an order is billed by milestones, or has a deposit: not both"))
    elif kinds == {StageKind.MILESTONE} and sum(amounts) != net_minor:
        told = f"the milestones come to {sum(amounts)} minor units before tax, the order to {net_minor}: make them even"
        faults.append(Fault("/stages", told))
    elif kinds == {StageKind.DEPOSIT} and sum(amounts) >= net_minor:
        faults.append(Fault("/stages", "the deposits come to less than the order: the final invoice bills the rest"))
    faults += [Fault(f"/stages/{n}", "this stage comes to nothing") for n, minor in enumerate(amounts) if minor <= 0]
    return faults


def _stage_amounts(stages: Sequence[StageDraft], net_minor: int) -> list[int]:
    """Before tax, in minor units. Percentages that make 100 are shared out so that they sum to the order exactly."""
    shares = [stage.percent_bp or 0 for stage in stages]
    if shares and sum(shares) == 10_000 and all(stage.percent_bp for stage in stages):
        return split(net_minor, shares)
    return [
        stage.amount_minor if stage.amount_minor is not None else half_up(net_minor * (stage.percent_bp or 0), 10_000)
        for stage in stages
    ]


def _order(draft: OrderDraft, digest: str, currency: str, sums: Totals, *, by: str, now: datetime) -> SalesOrder:
    made = SalesOrder(
        entity_id=draft.entity_id,
        account_id=draft.account_id,
        reference=draft.reference,
        digest=digest,
        currency=currency,
        terms=str(terms.parse(draft.terms)) if draft.terms else "",
        purchase_order=draft.purchase_order,
        buyer_reference=draft.buyer_reference,
        wanted_on=draft.wanted_on,
        note=draft.note,
        net_minor=sums.net_minor,
        tax_minor=sums.tax_minor,
        total_minor=sums.total_minor,
        unbilled_minor=sums.total_minor,
        entered_by=by,
        entered_at=now,
    )
    for name, value in site_columns(draft.site).items():
        setattr(made, name, value)
    return made


def site_columns(site: Place | None) -> dict[str, str]:
    """The columns of an order that hold where it is delivered to."""
    if site is None:
        return dict.fromkeys(("site_name", "site_street", "site_postcode", "site_city", "site_country"), "")
    return {f"site_{name}": value for name, value in asdict(site).items()}


def _write_parts(session: Session, order_id: int, draft: OrderDraft, amounts: Sequence[int]) -> None:
    session.add_all(
        OrderLine(
            order_id=order_id,
            position=position,
            supply=line.supply,
            description=line.description,
            item_code=line.item_code,
            family=line.family,
            quantity_millionths=line.quantity_millionths,
            unit=line.unit,
            unit_price_millionths=line.unit_price_millionths,
            discount_bp=line.discount_bp,
            discount_minor=line.discount_minor,
            tax_category=line.category,
            tax_rate_bp=line.rate_bp,
            exemption=line.exemption,
            purchase_order=line.purchase_order,
            order_line=line.order_line,
            wanted_on=line.wanted_on,
        )
        for position, line in enumerate(draft.lines, start=1)
    )
    session.add_all(
        OrderStage(
            order_id=order_id,
            position=position,
            kind=stage.kind,
            label=stage.label,
            percent_bp=stage.percent_bp,
            net_minor=minor,
            due_on=stage.due_on,
        )
        for position, (stage, minor) in enumerate(zip(draft.stages, amounts, strict=True), start=1)
    )
    session.flush()
