"""The pages of delivery, and the notice before a customer's first invoice."""

from __future__ import annotations

from datetime import date, timedelta

from sqlmodel import Session, col, select

from ar.core.access.models import Role
from ar.core.audit import AuditEntry
from ar.core.kernel import Kernel
from ar.core.outbox import MessageState, OutboxMessage
from ar.customers.accounts import add_contact, contacts_of, opt_out
from invoicing.delivery.models import Route
from invoicing.delivery.notice import PURPOSE, announce_drafts, announce_first_invoice
from invoicing.draft import draft_all
from tests.invoicing.delivery.make import ZOE, attempt_of, billed, company, mailed, wants, written
from tests.invoicing.make import NOW, TODAY, customer, draft
from tests.web import client


def test_a_wish_is_set_by_form_and_by_api_and_told_on_the_audit_trail(kernel: Kernel) -> None:
    _entity_id, account_id = company(kernel, ZOE)
    path = f"/customers/{account_id}/delivery"
    form = {
        "route": "upload",
        "papers": "invoice",
        "entity_id": "",
        "site_name": "Achats Nord",
        "site_url": "https://achats.example",
        "site_fields": "Order = order\nKind = services",
    }
    with client(kernel, Role.COLLECTOR, html=True) as web:
        assert web.get(path).status_code == 200
        bad = web.post(path, data=form | {"site_name": ""})
        assert bad.status_code == 422
        assert "Kind = services" in bad.text
        assert web.post(path, data=form).status_code == 303
        assert "Achats Nord" in web.get(path).text
        assert "customer’s purchasing portal" in web.get(f"/customers/{account_id}/cards/deliveries").text
        assert client(kernel, Role.AUDITOR, html=True).get(path).status_code == 403
    api = f"/api/v1/accounts/{account_id}/delivery-preferences"
    with client(kernel, Role.ADMIN) as web:
        [kept] = web.get(api).json()["items"]
        assert kept["site_fields"] == [
            {"label": "Order", "source": "order", "text": ""},
            {"label": "Kind", "source": "text", "text": "services"},
        ]
        for changes, pointer in (
            ({"formats": ["doc"]}, "/formats/0"),
            ({"roles": ["boss"]}, "/roles/0"),
            ({"roles": []}, "/roles"),
            ({"route": "platform", "formats": ["cii", "ubl"]}, "/formats"),
            ({"route": "paper", "formats": ["ubl"]}, "/formats"),
            ({"route": "upload", "site_name": "X", "site_url": "ftp://x.example"}, "/site_url"),
        ):
            refused = web.put(api, json={"route": "email"} | changes)
            assert refused.status_code == 422, changes
            assert pointer in [fault["pointer"] for fault in refused.json()["faults"]], changes
        assert web.put(api, json={"route": "email", "entity_id": 999}).status_code == 404
        two = web.put(api, json={"route": "email", "formats": ["ubl"]}).json()["items"]
        assert [one["route"] for one in two] == ["upload", "email"]
        assert web.put(api, json={"route": "portal"}).json()["items"][1]["id"] == two[1]["id"]
        with kernel.database.transaction() as session:
            other = customer(session, "C2")
        foreign = f"/api/v1/accounts/{other}/delivery-preferences/{kept['id']}"
        assert web.delete(foreign).json()["code"] == "delivery-preference-not-found"
        assert len(web.delete(f"{api}/{kept['id']}").json()["items"]) == 1
    with kernel.database.reading() as session:
        query = select(AuditEntry.action).where(col(AuditEntry.action).like("account.delivery%"))
        assert len(session.exec(query).all()) == 4


def test_the_pages_lead_from_what_waits_to_what_was_done(kernel: Kernel) -> None:
    entity_id, account_id = company(kernel)
    wants(kernel, account_id, Route.UPLOAD, site_name="Achats", site_fields=[{"label": "No", "source": "number"}])
    [invoice] = billed(kernel, entity_id, account_id)
    wants(kernel, account_id, Route.PAPER)
    billed(kernel, entity_id, account_id)
    with client(kernel, Role.COLLECTOR, html=True) as web:
        listed = web.get("/deliveries").text
        assert listed.count("/deliveries/") >= 2
        assert "Nothing waits" in web.get("/deliveries", params={"state": "sent", "route": "email"}).text
        shown = web.get("/deliveries/1").text
        assert f'value="{invoice.number}"' in shown
        assert web.post("/upload-tasks/1", data={"decision": "take"}).status_code == 303
        assert web.post("/upload-tasks/1", data={"decision": "refuse", "words": ""}).status_code == 422
        assert web.post("/upload-tasks/1", data={"decision": "refuse", "words": "closed"}).status_code == 303
        assert "closed" in web.get("/deliveries").text
        moved = web.post("/deliveries/1/again", data={"route": "portal"})
        assert moved.headers["location"] == "/deliveries/3"
        assert "Put on the customer’s page" in web.get("/deliveries/3").text
        assert web.post("/deliveries/1/again", data={"route": "portal"}).status_code == 409
        assert web.post("/deliveries/3/came-back", data={"reason": "x"}).status_code == 303
        assert web.post("/deliveries/3/settled", data={"reason": "by telephone"}).status_code == 303
        assert str(invoice.number) in web.get(f"/invoices/{invoice.entry_id}/cards/deliveries").text
        assert web.get("/deliveries/999").status_code == 404
        batch = web.post("/print-batches", data={"entity_id": entity_id})
        assert batch.headers["location"] == "/print-batches/1"
        assert web.post("/print-batches", data={"entity_id": entity_id}).headers["location"] == "/print-batches"
        assert web.get("/print-batches/1/pdf").headers["content-type"] == "application/pdf"
        assert web.get("/print-batches/1/manifest").status_code == 200
        assert web.post("/print-batches/1/handed-over").status_code == 303
        assert "handed over" in web.get("/print-batches").text
    assert attempt_of(kernel).reason == "by telephone"


# -- before the first invoice ----------------------------------------------------------------------------------------


def notices(session: Session) -> list[OutboxMessage]:
    return list(written(session, PURPOSE))


def test_a_new_customer_is_told_once_of_its_first_invoice(kernel: Kernel) -> None:
    entity_id, account_id = company(kernel, ZOE)
    with kernel.database.transaction() as session:
        silent, away = customer(session, "C2"), customer(session, "C3")
        contact = add_contact(session, away, ZOE, by="system", now=NOW)
        assert contact.id is not None
        opt_out(session, away, contact.id, by="system", now=NOW)

        def told(account_id: int) -> bool:
            return announce_first_invoice(
                session,
                kernel,
                account_id=account_id,
                entity_id=entity_id,
                expected_on=date(2026, 4, 30),
                amount_minor=12_000,
                now=NOW,
            )

        assert [told(one) for one in (account_id, account_id, silent, away)] == [True, False, False, False]
        [message] = notices(session)
        assert message.send_after.date() == date(2026, 4, 27)
        for words in ("30 avril 2026", "120,00", ZOE.email or "", "/pay/"):
            assert words in message.body_text.replace("\u202f", " "), words
    billed(kernel, entity_id, account_id)
    mailed(kernel, NOW + timedelta(days=43))
    with kernel.database.reading() as session:
        [message] = notices(session)
        assert (message.state, message.outcome) == (
            MessageState.CANCELLED,
            "the first invoice has been issued meanwhile",
        )
        assert contacts_of(session, account_id)[0].email == ZOE.email


def test_a_first_draft_is_announced_by_itself(kernel: Kernel) -> None:
    entity_id, account_id = company(kernel, ZOE)
    with kernel.database.transaction() as session:
        drafts = [draft(entity_id, account_id), draft(entity_id, account_id)]
        draft_all(session, drafts, by="user:1", today=TODAY, now=NOW)
    assert announce_drafts(kernel, {}, NOW) == "1 customers told of their first invoice"
    assert announce_drafts(kernel, {}, NOW) == "0 customers told of their first invoice"
    with kernel.database.reading() as session:
        [message] = notices(session)
    assert message.send_after == NOW
