"""The pages of orders and billing, as people use them."""

from __future__ import annotations

from ar.app import create_app
from ar.core.access.models import Role
from ar.core.kernel import Kernel
from ar.credit.limits import LimitDraft, set_limit
from invoicing.billing.models import Every
from invoicing.billing.plans import PlanDraft, PlanLineDraft, add_plan
from invoicing.models import TaxCategory
from invoicing.orders.enter import StageDraft
from invoicing.orders.find import order
from invoicing.orders.models import OrderState, StageKind
from invoicing.totals import millionths
from tests.invoicing.billing.make import BY, line, night
from tests.invoicing.billing.make import order as entered
from tests.invoicing.make import NOW, TODAY, customer, seller
from tests.web import client


def test_an_order_is_held_let_through_mended_delivered_and_billed(kernel: Kernel) -> None:
    app = create_app(kernel)
    with kernel.database.transaction() as session:
        fr, buyer = seller(session), customer(session)
        made = entered(session, fr, buyer, "A1", line()).id or 0
        set_limit(session, LimitDraft(buyer, 100, "EUR", "as agreed with sales", TODAY), by="user:9", now=NOW)
    with (
        client(kernel, Role.SALES, app=app, html=True) as sales,
        client(kernel, Role.CREDIT_MANAGER, app=app, html=True) as manager,
    ):
        assert sales.post(f"/orders/{made}/accept", data={"version": 9}).status_code == 412
        assert sales.post(f"/orders/{made}/accept", data={"version": 1}).status_code == 303
        assert "would go" in sales.get(f"/orders/{made}").text
        short = manager.post(f"/orders/{made}/override", data={"version": 2, "reason": "ok"})
        assert (short.status_code, "auditors read it" in short.text) == (422, True)
        why = {"version": 2, "reason": "Guaranteed by letter of the parent"}
        assert manager.post(f"/orders/{made}/override", data=why).status_code == 303
        assert "Guaranteed by letter" in sales.get(f"/orders/{made}").text
        rule = {
            "grouping": "site",
            "basis": "delivery",
            "cadence": "at_once",
            "month_day": "",
            "minimum": "50,00",
            "consolidated": "1",
            "approval": "1",
            "entity_id": "0",
        }
        wrong = manager.post(f"/customers/{buyer}/billing-rule", data=rule | {"month_day": "3"})
        assert (wrong.status_code, "day of the month" in wrong.text) == (422, True)
        assert manager.post(f"/customers/{buyer}/billing-rule", data=rule).status_code == 303
        card = manager.get(f"/customers/{buyer}/cards/billing").text
        assert "at least €50.00 before tax" in card
        day = {"version": 3, "delivered_on": TODAY.isoformat()}
        assert sales.post(f"/orders/{made}/deliver", data=day).status_code == 303
        assert night(kernel).held == 1
        assert "The site is missing" in sales.get(f"/orders/{made}").text
        assert "The site is missing" in manager.get("/billing").text
        mend = {"version": 4, "site_name": "Yard", "site_country": "fr", "purchase_order": "PO-1"}
        assert sales.post(f"/orders/{made}/references", data=mend).status_code == 303
        assert night(kernel).drafted == 1
        with kernel.database.reading() as session:
            assert order(session, made).state is OrderState.BILLED
        listed = manager.get("/drafts").text
        assert "to be approved" in listed
        document = int(listed.partition('href="/drafts/')[2].partition('"')[0])
        early = manager.post(f"/drafts/{document}/issue", data={"idempotency_key": "k1"})
        assert (early.status_code, "approved first" in early.text) == (409, True)
        assert manager.post(f"/drafts/{document}/approve").status_code == 303
        issued = manager.post(f"/drafts/{document}/issue", data={"idempotency_key": "k2"})
        assert issued.headers["location"].startswith("/invoices/")
        assert manager.get(f"/drafts/{document}").status_code == 404
        assert "FR1-20" in sales.get(f"/orders/{made}").text
        assert "A1" in sales.get("/orders", params={"state": "billed"}).text
        assert manager.post("/billing", data={"idempotency_key": "k3"}).status_code == 303


def test_milestones_subscriptions_and_a_draft_that_is_discarded(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        fr, buyer = seller(session), customer(session)
        stages = [StageDraft(StageKind.MILESTONE, name, percent_bp=5000) for name in ("Signature", "Installed")]
        made = entered(session, fr, buyer, "A1", line(), stages=stages).id or 0
        work = PlanLineDraft("Hosting", millionths("1"), millionths("100"), TaxCategory.STANDARD, 2000)
        plan = add_plan(session, PlanDraft(fr, buyer, "S1", [work], Every.MONTH, TODAY), by=BY, now=NOW).id
    with client(kernel, Role.ADMIN, html=True) as admin:
        assert admin.post(f"/orders/{made}/accept", data={"version": 1}).status_code == 303
        assert admin.post(f"/orders/{made}/confirm", data={"version": 2, "position": 1}).status_code == 303
        assert admin.post(f"/orders/{made}/confirm", data={"version": 3, "position": 1}).status_code == 422
        assert "S1" in admin.get("/plans").text
        assert admin.post(f"/plans/{plan}/end", data={"ends_on": "2020-01-01"}).status_code == 422
        assert admin.post(f"/plans/{plan}/end", data={"ends_on": "2026-03-31"}).status_code == 303
        rule = {"grouping": "order", "basis": "delivery", "cadence": "at_once", "approval": "1"}
        assert admin.post(f"/customers/{buyer}/billing-rule", data=rule).status_code == 303
        assert night(kernel).drafted == 1
        document = admin.get(f"/plans/{plan}").text.partition('href="/drafts/')[2].partition('"')[0]
        assert "Hosting, from 16 March 2026 to 31 March 2026: 16 of 31 days" in admin.get(f"/drafts/{document}").text
        assert admin.post(f"/drafts/{document}/discard", data={"reason": "too early"}).status_code == 303
        assert admin.get(f"/drafts/{document}").status_code == 404
        assert "Nothing of it is billed yet" in admin.get(f"/plans/{plan}").text
        assert (
            admin.post(f"/orders/{made}/cancel", data={"version": 4, "reason": "no longer wanted"}).status_code == 412
        )
        assert (
            admin.post(f"/orders/{made}/cancel", data={"version": 3, "reason": "no longer wanted"}).status_code == 303
        )
        assert "no longer wanted" in admin.get(f"/orders/{made}").text
