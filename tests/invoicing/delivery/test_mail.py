"""Documents by e-mail: attached or linked, to each recipient once, with the proof of what became of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from ar.core import clock
from ar.core.access.models import Role
from ar.core.kernel import Kernel
from ar.core.outbox import OutboxMessage
from ar.core.outbox.decide import send_again
from ar.customers.accounts import ContactDraft, contacts_of
from ar.customers.entities import entity
from invoicing.credit import credit
from invoicing.delivery.mail import PURPOSE, document_link
from invoicing.delivery.models import DeliveryState, Papers, Route
from invoicing.delivery.plan import deliver_again, plan_delivery
from invoicing.einvoice.find import again
from tests.invoicing.delivery.make import (
    ZOE,
    attempt_of,
    attempts,
    billed,
    codes,
    company,
    mailed,
    wants,
    worked,
    written,
)
from tests.invoicing.make import NOW, TODAY, customer
from tests.smtp import Manner, SmtpServer, smtp_server
from tests.web import client

LATER = NOW + timedelta(hours=1)
ANN = ContactDraft(name="Ann", email="ann@nordlicht.example", roles=("paying",))


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with smtp_server() as running:
        yield running


@pytest.fixture
def kernel(kernel: Kernel, server: SmtpServer) -> Kernel:
    return replace(kernel, settings=kernel.settings.model_copy(update={"smtp_url": server.url}))


def test_an_invoice_arrives_once_attached_with_its_proof(kernel: Kernel, server: SmtpServer) -> None:
    entity_id, account_id = company(kernel, ZOE, ANN)
    [invoice] = billed(kernel, entity_id, account_id, purchase_order="PO-7")
    assert plan_delivery(kernel, {"invoice_id": invoice.id}, NOW) == f"{invoice.number}: planned before"
    made = attempt_of(kernel)
    assert (made.route, made.state, made.attempt) == (Route.EMAIL, DeliveryState.PLANNED, 1)
    mailed(kernel)
    mailed(kernel, LATER)
    [message] = server.received
    assert message.recipient == "zoe@nordlicht.example"
    assert str(message.parsed["Subject"]).startswith(f"Facture {invoice.number} : ")
    [attached] = message.parsed.iter_attachments()
    assert attached.get_filename() == f"{invoice.number}.pdf"
    assert sha256(attached.get_content()).hexdigest() == made.files[0]["sha256"]
    for words in ("PO-7", "FR1420041010050500013M02606", "120,00", f"?document={invoice.entry_id}"):
        assert words in message.body().replace("\u202f", " "), words
    assert attempt_of(kernel).state is DeliveryState.SENT
    assert codes(kernel, made.id) == ["planned", "mail-sent", "sent"]
    with pytest.raises(IntegrityError, match="posted rows do not change"), kernel.database.transaction() as session:
        session.connection().execute(text("UPDATE delivery_event SET code = 'x'"))


def test_copies_go_by_themselves_and_one_bad_address_holds_up_no_other(kernel: Kernel, server: SmtpServer) -> None:
    entity_id, account_id = company(kernel, ZOE, ANN)
    wants(kernel, account_id, Route.EMAIL, formats=["pdf", "ubl"], copy_roles=["paying"])
    wants(kernel, account_id, Route.LINK, papers=Papers.CREDIT_NOTE)
    server.manners["ann@nordlicht.example"] = Manner.RCPT_NEVER
    [invoice] = billed(kernel, entity_id, account_id)
    mailed(kernel)
    [message] = server.received
    assert [one.get_filename() for one in message.parsed.iter_attachments()] == [
        f"{invoice.number}.pdf",
        f"{invoice.number}-ubl.xml",
    ]
    sent = attempt_of(kernel)
    assert sent.state is DeliveryState.SENT
    assert sorted(codes(kernel, sent.id)) == ["mail-failed", "mail-sent", "planned", "sent"]
    with kernel.database.transaction() as session:
        assert invoice.entry_id is not None
        credit(session, invoice.entry_id, reason="x", by="user:1", today=TODAY, now=NOW)
    worked(kernel)
    mailed(kernel)
    note = server.received[-1].parsed
    assert (attempt_of(kernel).route, list(note.iter_attachments())) == (Route.LINK, [])
    assert str(note["Subject"]).startswith("Avoir ")


def test_refused_mail_waits_for_a_person_who_sends_it_another_way(kernel: Kernel, server: SmtpServer) -> None:
    entity_id, account_id = company(kernel, ZOE)
    server.manner = Manner.RCPT_NEVER
    billed(kernel, entity_id, account_id)
    mailed(kernel)
    failed = attempt_of(kernel)
    assert failed.state is DeliveryState.FAILED
    assert "zoe@nordlicht.example: 550" in failed.reason
    server.manner = Manner.DROP_AFTER_DOT
    with kernel.database.transaction() as session:
        [message] = written(session, PURPOSE)
        assert message.id is not None
        send_again(session, message.id, actor="user:1", now=LATER)
    mailed(kernel, LATER)
    assert attempt_of(kernel).state is DeliveryState.UNCERTAIN
    assert failed.id is not None
    with client(kernel, Role.COLLECTOR) as web:
        path = f"/api/v1/deliveries/{failed.id}"
        made = web.post(f"{path}/again", json={"route": "portal"})
        assert (made.status_code, made.json()["state"], made.json()["route"]) == (201, "sent", "portal")
        assert web.post(f"{path}/again", json={}).status_code == 409
        assert web.get(path).json()["state"] == "superseded"
    assert [one.state for one in attempts(kernel)] == [DeliveryState.SUPERSEDED, DeliveryState.SENT]


def test_a_superseded_message_does_not_go_out(kernel: Kernel, server: SmtpServer) -> None:
    entity_id, account_id = company(kernel, ZOE)
    billed(kernel, entity_id, account_id)
    first = attempt_of(kernel).id
    assert first is not None
    with kernel.database.transaction() as session:
        deliver_again(session, kernel, first, route=None, by="user:1", now=NOW)
    mailed(kernel)
    assert len(server.received) == 1
    assert [one.state for one in attempts(kernel)] == [DeliveryState.SUPERSEDED, DeliveryState.SENT]
    with kernel.database.reading() as session:
        outcomes = [one.outcome for one in written(session, PURPOSE)]
    assert outcomes[0] == "another attempt has taken its place"


def test_what_bounced_is_not_written_to_again(kernel: Kernel, server: SmtpServer) -> None:
    entity_id, account_id = company(kernel, ZOE)
    billed(kernel, entity_id, account_id)
    mailed(kernel)
    sent = attempt_of(kernel)
    with client(kernel, Role.COLLECTOR) as web:
        path = f"/api/v1/deliveries/{sent.id}/came-back"
        assert web.post(path, json={"reason": "x", "contact_id": 999}).status_code == 404
        told = web.post(path, json={"reason": "550 no such mailbox"}).json()
        assert (told["state"], told["reason"], told["events"][-1]["code"]) == (
            "refused",
            "550 no such mailbox",
            "bounced",
        )
        assert web.post(path, json={"reason": "again"}).status_code == 409
        waiting = web.get("/api/v1/deliveries", params={"waiting": True}).json()["items"]
        assert [one["id"] for one in waiting] == [sent.id]
        again_ = web.post(f"/api/v1/deliveries/{sent.id}/again", json={}).json()
        assert (again_["state"], again_["events"][-1]["code"]) == ("failed", "no-recipient")
    with kernel.database.reading() as session:
        assert contacts_of(session, account_id)[0].bounced_at is not None
    [later] = billed(kernel, entity_id, account_id)
    assert attempt_of(kernel).route is Route.PORTAL
    assert codes(kernel, attempt_of(kernel).id) == ["nobody-known", "published"]
    assert later.entry_id is not None
    with client(kernel, Role.SALES) as web:
        [told] = web.get(f"/api/v1/invoices/{later.entry_id}/deliveries").json()["items"]
        assert (told["number"], told["route"]) == (later.number, "portal")


def test_a_document_that_fails_a_rule_is_not_delivered_until_it_is_mended(kernel: Kernel, server: SmtpServer) -> None:
    entity_id, account_id = company(kernel, ZOE, vat=None)
    [invoice] = billed(kernel, entity_id, account_id)
    mailed(kernel)
    failed = attempt_of(kernel)
    assert (failed.state, failed.files, server.received) == (DeliveryState.FAILED, [], [])
    assert "BR-" in failed.reason
    assert codes(kernel, failed.id) == ["rule-failed"]
    with kernel.database.transaction() as session:
        entity(session, entity_id).vat_number = "FR40303265045"
        assert invoice.entry_id is not None
        again(session, invoice.entry_id, by="user:1", now=LATER)
    worked(kernel, LATER)
    mailed(kernel, LATER + timedelta(minutes=1))
    assert [one.state for one in attempts(kernel)] == [DeliveryState.SUPERSEDED, DeliveryState.SENT]
    assert len(server.received) == 1


def test_the_link_opens_the_document_and_the_first_opening_is_recorded_once(kernel: Kernel, server: SmtpServer) -> None:
    entity_id, account_id = company(kernel, ZOE)
    wants(kernel, account_id, Route.LINK)
    [invoice] = billed(kernel, entity_id, account_id)
    mailed(kernel)
    assert re.search(rf"/pay/[\w-]+\?document={invoice.entry_id}\s", server.received[0].body())
    assert invoice.entry_id is not None
    link = document_link(kernel, account_id, 1, invoice.entry_id, now=clock.now())  # that of the message is too old
    with client(kernel, html=True) as visitor:
        opened = visitor.get(link.removeprefix(kernel.settings.base_url))
        assert opened.headers["location"] == f"/portal/invoices/{invoice.entry_id}"
        assert attempt_of(kernel).state is DeliveryState.SENT
        shown = visitor.get(opened.headers["location"])
        assert shown.status_code == 200
        assert str(invoice.number) in shown.text
        assert 'name="entry"' in shown.text
        assert visitor.get(f"/portal/invoices/{invoice.entry_id}/documents/pdf").status_code == 200
        assert visitor.get(opened.headers["location"]).status_code == 200
        with kernel.database.transaction() as session:
            other = customer(session, "C2")
        [foreign] = billed(kernel, entity_id, other)
        assert visitor.get(f"/portal/invoices/{foreign.entry_id}").status_code == 404
    made = attempts(kernel)[0]
    assert made.state is DeliveryState.OPENED
    assert codes(kernel, made.id) == ["planned", "mail-sent", "sent", "opened"]
    assert attempts(kernel)[1].state is DeliveryState.SENT  # on the other customer's page, and not opened
    with kernel.database.reading() as session:
        query = select(OutboxMessage).where(col(OutboxMessage.account_id) == account_id)
        assert len(session.exec(query).all()) == 1
