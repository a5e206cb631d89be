"""Direct debit by API: who may do what, from the creditor's identifier to the file."""

from __future__ import annotations

from datetime import timedelta

from ar.app import create_app
from ar.cash.collections.days import next_target_day
from ar.cash.collections.jobs import collect
from ar.cash.collections.make import file_day
from ar.core import clock
from ar.core.access.models import Role
from ar.core.carriers import carriers_of
from ar.core.jobs import run_due
from ar.core.kernel import Kernel
from ar.core.outbox import always_wanted, deliver
from ar.customers.entities import add_bank_account
from ar.customers.models import Contact
from ar.customers.notes import PURPOSE
from ar.rota import ROTA
from tests.cash.collections.make import PDF
from tests.ledger.make import customer, invoice, seller
from tests.web import client


def test_from_the_creditor_to_the_file(kernel: Kernel) -> None:
    now, today = clock.now(), clock.today()
    with kernel.database.transaction() as session:
        entity, account = seller(session), customer(session)
        session.add(Contact(account_id=account, email="buyer@buyer.example"))
        due = today - timedelta(days=5)
        entry = invoice(session, entity, account, 12_345, on=due - timedelta(days=30), due=due)
        bank = add_bank_account(
            session, entity, iban="FR1420041010050500013M02606", holder="S", currency="EUR", by="user:1", now=now
        ).id
    app = create_app(kernel)
    base = f"/api/v1/legal-entities/{entity}"
    with client(kernel, Role.ADMIN, app=app) as admin:
        assert admin.put(f"{base}/sepa-creditor", json={"identifier": "FR73ZZZ123456"}).status_code == 422
        assert (
            admin.put(f"{base}/sepa-creditor", json={"identifier": "FR72ZZZ123456", "notice_days": 2}).status_code
            == 200
        )
        assert admin.put(f"{base}/bank-accounts/{bank}/collection", json={"lead_days": 1}).status_code == 200
        assert admin.put(f"{base}/bank-accounts/999/collection", json={"lead_days": 1}).status_code == 404
        assert admin.post("/api/v1/collections", json={}).status_code == 403
    day = next_target_day(today + timedelta(days=7))
    with client(kernel, Role.CASH, app=app) as cash:
        given = {"entity_id": entity, "account_id": account, "debtor_name": "Zoé", "iban": "DE89370400440532013000"}
        made = cash.post("/api/v1/mandates", json=given, headers={"idempotency-key": "m"})
        assert made.status_code == 201, made.text
        again = cash.post("/api/v1/mandates", json=given, headers={"idempotency-key": "m"})
        assert again.json() == made.json()
        assert cash.post("/api/v1/mandates", json=given, headers={"idempotency-key": "n"}).status_code == 409
        number = made.json()["id"]
        assert made.json()["iban"] == "DE89 … 3000"
        kept = cash.post(
            f"/api/v1/mandates/{number}/evidence",
            files={"file": ("m.pdf", PDF, "application/pdf")},
            data={"signed_on": today.isoformat()},
        )
        assert (kept.status_code, kept.json()["state"]) == (201, "active")
        wanted = {"bank_account_id": bank, "collect_on": day.isoformat()}
        proposed = cash.post("/api/v1/collections", json=wanted, headers={"idempotency-key": "c"})
        assert proposed.status_code == 201, proposed.text
        assert proposed.json()["left_out"] == []
        path = f"/api/v1/collections/{proposed.json()['id']}"
        assert cash.post(f"{path}/approval").status_code == 403
        missing = cash.get(f"{path}/file")
        assert (missing.status_code, missing.json()["code"]) == (404, "no-collection-file")
    with client(kernel, Role.CREDIT_MANAGER, app=app) as boss:
        assert boss.post(f"{path}/approval").json()["state"] == "approved"
        assert boss.post(f"{path}/approval").status_code == 409
    later = clock.now()
    run_due(kernel, ROTA.handlers, now=later, limit=100)
    deliver(kernel, carriers_of(kernel, now=later), {PURPOSE: always_wanted}, now=later, limit=10, worker="test")
    collect(kernel, {}, clock.now() + (file_day(day, 1) - today))
    with client(kernel, Role.CASH, app=app) as cash:
        file = cash.get(f"{path}/file")
        assert file.status_code == 200, file.text
        assert "attachment" in file.headers["content-disposition"]
        assert b"<CtrlSum>123.45</CtrlSum>" in file.content
        assert cash.get(path).json()["out_at"] is not None
        [line] = cash.get(f"{path}/lines").json()["items"]
        assert (line["state"], line["sequence"], line["amount_minor"]) == ("in_file", "RCUR", 12_345)
        payment = cash.get(f"/api/v1/payments/{line['payment_id']}").json()
        assert (payment["state"], payment["gateway"], payment["public_id"]) == (
            "pending",
            "sepa_file",
            line["end_to_end_id"],
        )
        back = cash.post(f"{path}/lines/{line['id']}/return", json={"reason": "AM04", "on": today.isoformat()})
        assert (back.status_code, back.json()["return_reason"]) == (200, "AM04")
        plans = cash.post("/api/v1/plans", json={"account_id": account, "entry_ids": [entry], "count": 2})
        assert plans.status_code == 403
    with client(kernel, Role.CREDIT_MANAGER, app=app) as boss:
        wish = {"account_id": account, "entry_ids": [entry], "count": 2, "first_on": day.isoformat()}
        plan = boss.post("/api/v1/plans", json=wish, headers={"idempotency-key": "p"})
        assert plan.status_code == 201, plan.text
        assert [part["amount_minor"] for part in plan.json()["instalments"]] == [6_173, 6_172]
        path = f"/api/v1/plans/{plan.json()['id']}"
        assert boss.post(f"{path}/agreement").json()["state"] == "agreed"
        assert boss.get(path).json()["items"][0]["left_minor"] == 12_345
        assert boss.post(f"{path}/end", json={"why": "paid at once"}).json()["state"] == "ended"
        policy = {"offered": True, "max_instalments": 4}
        assert boss.put(f"{base}/plan-policy", json=policy).json()["max_months"] == 12
        assert boss.get(f"{base}/plan-policy").json()["offered"] is True
