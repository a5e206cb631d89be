"""Asking for a link: it goes to the address of a contact alone, and nobody learns whether an address is known."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlmodel import select

from ar.core import clock
from ar.core.kernel import Kernel
from ar.core.outbox import OutboxMessage
from ar.customers.accounts import ContactDraft, add_contact
from selfservice.ask import send_links
from tests.invoicing.make import NOW, customer, seller
from tests.web import client

ZOE = ContactDraft(name="Zoé Petit", email="Zoe@Nordlicht.example", language="fr")
TAG = re.compile(r"<[^>]+>|\s+")


def world(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        seller(session)
        for code in ("C1", "C2"):
            add_contact(session, customer(session, code), ZOE, by="system", now=NOW)
        other = ContactDraft(name="Jo", email="jo@other.example")
        add_contact(session, customer(session, "C3"), other, by="system", now=NOW)


def queued(kernel: Kernel) -> list[OutboxMessage]:
    with kernel.database.reading() as session:
        found = list(session.exec(select(OutboxMessage)))
        session.expunge_all()
    return found


def test_the_link_is_sent_to_the_contact_and_opens_its_page(kernel: Kernel) -> None:
    world(kernel)
    with client(kernel, html=True) as web:
        form = web.get("/pay")
        assert form.status_code == 200
        token = re.search(r'name="csrf_token" value="([^"]+)"', form.text)
        assert token is not None
        told = {}
        for email in ("zoe@nordlicht.EXAMPLE", "nobody@else.example", "not an address"):
            answer = web.post("/pay", data={"email": email, "csrf_token": token[1]})
            assert answer.status_code == 200
            told[email] = TAG.sub(" ", answer.text)
        assert len(set(told.values())) == 1, "the answer tells nobody apart"
        sent = queued(kernel)
        assert [one.recipient for one in sent] == ["Zoe@Nordlicht.example"] * 2
        assert {one.account_id for one in sent} == {1, 2}
        assert {one.language for one in sent} == {"fr"}
        link = re.search(r"/pay/[\w-]+", sent[0].body_text)
        assert link is not None
        opened = web.get(link[0])
        assert opened.headers["location"] == "/portal"
        assert web.get("/portal").status_code == 200


def test_a_contact_is_sent_one_link_an_hour(kernel: Kernel) -> None:
    world(kernel)
    now = clock.now().replace(minute=10)
    for later, count in ((0, 1), (20, 0), (60, 1)):
        with kernel.database.transaction() as session:
            assert send_links(session, kernel, "jo@other.example", now=now + timedelta(minutes=later)) == count


def test_who_asks_without_end_is_stopped(kernel: Kernel) -> None:
    world(kernel)
    with client(kernel, html=True) as web:
        token = re.search(r'name="csrf_token" value="([^"]+)"', web.get("/pay").text)
        assert token is not None
        answers = [
            web.post("/pay", data={"email": f"{n}@x.example", "csrf_token": token[1]}).status_code for n in range(30)
        ]
        assert 429 in answers
        assert web.post("/pay", data={"email": "jo@other.example"}).status_code == 403


def test_an_old_link_leads_to_the_page_that_sends_a_new_one(kernel: Kernel) -> None:
    with client(kernel, html=True) as web:
        refused = web.get("/pay/AAAA")
        assert refused.status_code == 404
        assert 'href="/pay"' in refused.text
