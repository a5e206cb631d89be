"""What the pages of orders and billing are given, for the house's tests of templates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

from ar.core.web import Page
from ar.customers.models import Account, LegalEntity
from invoicing.billing.drafts import DraftDetail
from invoicing.billing.facts import Rule
from invoicing.billing.models import (
    Alignment,
    Basis,
    BillingHold,
    BillingParked,
    BillingPlan,
    BillingPlanLine,
    BillingPlanPeriod,
    BillingPlanPrice,
    BillingRule,
    BillingRun,
    Cadence,
    Every,
    Grouping,
)
from invoicing.billing.plans import PlanDetail
from invoicing.draft import Place
from invoicing.models import DocumentKind, Invoice, InvoiceLine, InvoiceState, SupplyKind, TaxCategory
from invoicing.orders.amounts import LineFacts, StageFacts
from invoicing.orders.find import Billed
from invoicing.orders.models import OrderState, SalesOrder, StageKind
from invoicing.totals import MILLION, decimal_text

AT = datetime(2026, 3, 16, 9, 30, tzinfo=UTC)
TODAY = date(2026, 3, 20)
ACCOUNT = Account(
    id=17,
    code="NORD",
    legal_name="Nordlicht & Werkzeuge",
    country="DE",
    language="de",
    currency="EUR",
    time_zone="Europe/Berlin",
    created_at=AT,
)
SELLER = LegalEntity(
    id=1, code="FR1", name="Atelier & Fils", country="FR", currency="EUR", language="fr", time_zone="Europe/Paris"
)
REASONS = [SimpleNamespace(code="purchase-order-missing", message="The purchase order number is <missing>.")]


def order_in(state: OrderState, **more: Any) -> SalesOrder:
    return SalesOrder(
        id=12,
        entity_id=1,
        account_id=17,
        reference="WEB-<1>",
        digest="",
        state=state,
        currency="EUR",
        net_minor=85_500,
        tax_minor=17_100,
        total_minor=102_600,
        unbilled_minor=102_600,
        entered_by="user:1",
        entered_at=AT,
        **more,
    )


def document(state: InvoiceState, **more: Any) -> Invoice:
    return Invoice(
        id=9,
        entity_id=1,
        account_id=17,
        kind=DocumentKind.INVOICE,
        state=state,
        series="",
        issue_on=TODAY,
        due_on=TODAY,
        currency="EUR",
        net_minor=85_500,
        tax_minor=17_100,
        total_minor=102_600,
        created_at=AT,
        created_by="system",
        **more,
    )


def line(**more: Any) -> LineFacts:
    given: dict[str, Any] = {
        "id": 1,
        "position": 1,
        "supply": SupplyKind.GOODS,
        "description": "Walnut <table>",
        "quantity": 2 * MILLION,
        "unit": "C62",
        "unit_price": 450 * MILLION,
        "category": TaxCategory.STANDARD,
        "rate_bp": 2000,
    }
    return LineFacts(**given | more)


def page_of(*items: Any, more: str | None = None) -> Page[Any]:
    return Page.model_construct(items=list(items), next_cursor=more)


ISSUED = document(InvoiceState.ISSUED, number="FR1-2026-000123", entry_id=42)
DRAFT = document(InvoiceState.DRAFT, period_from=TODAY, period_to=TODAY, approved_by="user:2")
ORDER: dict[str, Any] = {
    "order": order_in(OrderState.ACCEPTED, accepted_on=TODAY, note="Ring <twice>.", wanted_on=TODAY),
    "buyer": "Nordlicht & Werkzeuge",
    "seller": SELLER,
    "site": Place("Yard <2>", "FR", "4 quai Perrache", "69002", "Lyon"),
    "lines": [
        line(discount_bp=500, family="wood"),
        line(position=2, discount_left_minor=500, purchase_order="PO-1"),
        line(position=3),
    ],
    "stages": [
        StageFacts(1, 1, StageKind.MILESTONE, "Signature", 3000, 25_650, TODAY, 9),
        StageFacts(2, 2, StageKind.MILESTONE, "Installed", 3000, 25_650),
        StageFacts(3, 3, StageKind.DEPOSIT, "", 3000, 25_650, TODAY),
    ],
    "billed": [Billed(ISSUED, {1: MILLION}), Billed(DRAFT, {})],
    "credit": REASONS,
    "held": REASONS,
    "people": {"user:1": "Sales <One>"},
    "decimal": decimal_text,
    "today": TODAY,
    "given": {},
    "faults": {},
    "may_write": True,
    "undecided": False,
    "deliverable": True,
    "open": True,
    "may_override": False,
}
HELD_ORDER = ORDER | {
    "order": order_in(OrderState.HELD, override_reason="Letter of <guarantee>", override_by="user:2"),
    "site": None,
    "stages": [],
    "billed": [],
    "held": [],
    "undecided": True,
    "deliverable": False,
    "may_override": True,
}
CLOSED_ORDER = HELD_ORDER | {
    "order": order_in(OrderState.CANCELLED, cancelled_for="changed its <mind>"),
    "undecided": False,
    "open": False,
    "credit": [],
    "may_override": False,
}


def rule_row(entity_id: int | None, **more: Any) -> BillingRule:
    given: dict[str, Any] = Rule(minimum_minor=5_000, approval=True, consolidated=False, needs_site=True).__dict__
    return BillingRule(id=1, account_id=17, entity_id=entity_id, changed_at=AT, changed_by="user:1", **given | more)


CARD: dict[str, Any] = {
    "account": ACCOUNT,
    "rows": [
        rule_row(None, grouping=Grouping.MONTH, cadence=Cadence.MONTH_END, needs_purchase_order=True),
        rule_row(1, cadence=Cadence.MONTH_DAY, month_day=15, needs_buyer_reference=True, basis=Basis.ACCEPTANCE),
    ],
    "given": Rule(grouping=Grouping.SITE),
    "minimum": "50.00",
    "sellers": [(1, "Atelier & Fils")],
    "groupings": list(Grouping),
    "bases": list(Basis),
    "cadences": list(Cadence),
    "may_write": True,
    "may_order": True,
}
PLAN = BillingPlan(
    id=3,
    entity_id=1,
    account_id=17,
    reference="SUB-<1>",
    digest="",
    every=Every.QUARTER,
    alignment=Alignment.CALENDAR,
    in_advance=True,
    starts_on=TODAY,
    next_on=TODAY,
    currency="EUR",
    entered_by="user:1",
    entered_at=AT,
)
ENDED = PLAN.model_copy(
    update={
        "ends_on": TODAY,
        "next_on": None,
        "in_advance": False,
        "alignment": Alignment.ANNIVERSARY,
        "every": Every.YEAR,
    }
)
PLAN_LINE = BillingPlanLine(
    id=1,
    plan_id=3,
    position=1,
    supply=SupplyKind.SERVICES,
    description="Hosting <large>",
    quantity_millionths=MILLION,
    unit="C62",
    tax_category=TaxCategory.STANDARD,
    tax_rate_bp=2000,
)
PRICE = BillingPlanPrice(line_id=1, valid_from=TODAY, unit_price_millionths=31 * MILLION)
PERIOD = BillingPlanPeriod(plan_id=3, period_from=TODAY, period_to=TODAY, invoice_id=9)
MONTHLY = PLAN.model_copy(update={"every": Every.MONTH})
RUN = BillingRun(id=1, started_at=AT, started_by="user:1", finished_at=AT, issued=1200, drafted=1, held=2, waiting=3)
HOLDS = [BillingHold(subject=f"{kind}:3", account_id=17, reasons=[], held_at=AT) for kind in ("order", "plan")]

EMPTY_FORM: dict[str, Any] = {
    "given": {},
    "faults": {},
    "customer": None,
    "close": [],
    "sellers": [(1, "Atelier & Fils")],
    "rows": 3,
    "more": True,
    "repeated": {},
}
REFUSED_FORM = EMPTY_FORM | {
    "given": {"customer": "NORD", "lines-0-quantity": "two <tables>", "lines-0-unit": "HUR", "site-country": "XX"},
    "faults": {"lines-0-quantity": "Not a <number>.", "site-country": "No such country.", "starts_on": "Missing."},
    "customer": ACCOUNT,
    "rows": 5,
    "more": False,
    "repeated": {"unit": "HUR", "tax_category": "AE", "tax_rate": "0", "supply": "services"},
}
UNKNOWN_CUSTOMER = EMPTY_FORM | {
    "given": {"customer": "nor"},
    "faults": {"customer": "No customer has this <code>."},
    "close": [ACCOUNT, ACCOUNT],
}
PLAN_CHOICES: dict[str, Any] = {"every": list(Every), "alignments": list(Alignment)}
SAMPLES: dict[str, dict[str, Any]] = {
    "console/orders/list.html": {
        "found": page_of(*(order_in(state, purchase_order="PO-<1>") for state in OrderState), more="abc"),
        "names": {17: "Nordlicht & Werkzeuge"},
        "states": list(OrderState),
        "filters": {"state": "", "reference": "", "account_id": 17},
        "may_bill": True,
        "may_write": True,
    },
    "console/orders/list.html#empty": {
        "found": page_of(),
        "names": {},
        "states": list(OrderState),
        "filters": {"state": "held", "reference": "A1"},
        "may_bill": False,
        "may_write": False,
    },
    "console/orders/new.html": EMPTY_FORM,
    "console/orders/new.html#refused": REFUSED_FORM,
    "console/orders/new.html#unknown": UNKNOWN_CUSTOMER,
    "console/billing/new_plan.html": EMPTY_FORM | PLAN_CHOICES,
    "console/billing/new_plan.html#refused": REFUSED_FORM | PLAN_CHOICES,
    "console/orders/order.html": ORDER,
    "console/orders/order.html#refused": ORDER
    | {
        "given": {"what": "parts", "lines-1-quantity": "<three>", "delivered_on": "2026-03-20"},
        "faults": {"lines-1-quantity": "Not a <number>.", "delivered_on": "Still to come."},
    },
    "console/orders/order.html#held": HELD_ORDER,
    "console/orders/order.html#closed": CLOSED_ORDER,
    "console/billing/_card.html": CARD,
    "console/billing/_card.html#plain": CARD | {"rows": [], "may_write": False, "may_order": False},
    "console/billing/customer.html": CARD,
    "console/billing/drafts.html": {
        "found": page_of(
            DRAFT, DRAFT.model_copy(update={"id": 10, "approved_at": AT}), DRAFT.model_copy(update={"id": 11})
        ),
        "waiting": {9},
        "names": {17: "Nordlicht & Werkzeuge"},
        "filters": {},
        "may_approve": True,
        "may_write": True,
    },
    "console/billing/drafts.html#empty": {
        "found": page_of(),
        "waiting": set(),
        "names": {},
        "filters": {},
        "may_approve": False,
        "may_write": False,
    },
    "console/billing/draft.html": {
        "found": DraftDetail(
            DRAFT,
            [
                InvoiceLine(
                    invoice_id=9,
                    position=1,
                    description="Walnut <table>",
                    quantity_millionths=MILLION,
                    unit_price_millionths=MILLION,
                    tax_category=TaxCategory.STANDARD,
                    tax_rate_bp=550,
                    net_minor=100,
                )
            ],
            [],
            True,
            [order_in(OrderState.BILLED)],
        ),
        "document": DRAFT,
        "buyer": "Nordlicht & Werkzeuge",
        "seller": SELLER,
        "people": {},
        "decimal": decimal_text,
        "may_approve": True,
        "may_write": True,
    },
    "console/billing/plans.html": {
        "found": page_of(PLAN, ENDED, MONTHLY),
        "names": {17: "Nordlicht & Werkzeuge"},
        "filters": {"account_id": 17},
        "may_write": True,
    },
    "console/billing/plans.html#empty": {
        "found": page_of(),
        "names": {},
        "filters": {"account_id": 17},
        "may_write": False,
    },
    "console/billing/plan.html": {
        "found": PlanDetail(PLAN, [PLAN_LINE], {1: [PRICE, PRICE]}, [(PERIOD, ISSUED), (PERIOD, DRAFT)]),
        "plan": PLAN,
        "buyer": "Nordlicht & Werkzeuge",
        "held": REASONS,
        "decimal": decimal_text,
        "today": TODAY,
        "may_write": True,
        "given": {"unit_price": "3,1O", "ends_on": "2026-03-16"},
        "faults": {"unit_price": "Not a <number>.", "ends_on": "Too early."},
    },
    "console/billing/plan.html#ended": {
        "found": PlanDetail(ENDED, [], {}, []),
        "plan": ENDED,
        "buyer": "Nordlicht & Werkzeuge",
        "held": [],
        "decimal": decimal_text,
        "today": TODAY,
        "may_write": False,
        "given": {},
        "faults": {},
    },
    "console/billing/runs.html": {
        "runs": page_of(RUN, RUN.model_copy(update={"finished_at": None}), more="abc"),
        "held": [(hold, REASONS) for hold in HOLDS],
        "more_held": True,
        "failed": [BillingParked(account_id=17, error="TermsError: <whenever>", parked_at=AT)],
        "names": {17: "Nordlicht & Werkzeuge"},
        "people": {"user:1": "Credit <Manager>"},
        "key": "run-1",
        "may_write": True,
    },
    "console/billing/runs.html#empty": {
        "runs": page_of(),
        "held": [],
        "more_held": False,
        "failed": [],
        "names": {},
        "people": {},
        "key": "run-0",
        "may_write": False,
    },
}
