"""No more courtesy mail: by a page, or in one click from a mail program; looking changes nothing."""

from __future__ import annotations

import pytest
from sqlmodel import Session, select

from ar.core.access.links import masked, read_contact, sign_contact, unsubscribe_url
from ar.core.audit import AuditEntry
from ar.core.kernel import Kernel
from ar.customers.accounts import ContactDraft, add_contact
from ar.customers.models import Contact
from tests.invoicing.make import NOW, customer, seller
from tests.web import client


def contact(session: Session, code: str) -> int:
    made = add_contact(session, customer(session, code), ContactDraft(name="Jo", email="jo@c.example"), by="x", now=NOW)
    assert made.id is not None
    return made.id


def opted_out(kernel: Kernel, contact_id: int) -> bool:
    with kernel.database.reading() as session:
        found = session.get(Contact, contact_id)
        assert found is not None
        return found.opted_out_at is not None


def test_only_a_post_opts_out_and_only_the_contact_of_the_link(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        seller(session)
        one, other = contact(session, "C1"), contact(session, "C2")
    path = unsubscribe_url("", kernel.settings.signing_key, one)
    with client(kernel, html=True) as web:
        for looked in (web.get(path), web.head(path)):
            assert looked.status_code in (200, 405)
        assert not opted_out(kernel, one)
        for _ in range(2):
            answer = web.post(path, data={"List-Unsubscribe": "One-Click"})
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
        assert opted_out(kernel, one)
        assert not opted_out(kernel, other)
        assert "Jo" not in answer.text
        assert "We write no more before an invoice is due" in web.get(path).text
        forged = f"/unsubscribe/{sign_contact('another key', other)}"
        for wrong in (forged, path[:-1], path + "A", "/unsubscribe/x", "/unsubscribe/" + "A" * 60, "/unsubscribe/é"):
            assert web.post(wrong).status_code == 404
        gone = unsubscribe_url("", kernel.settings.signing_key, 999)
        assert web.get(gone).status_code == 404
        assert not opted_out(kernel, other)
    with kernel.database.reading() as session:
        told = session.exec(select(AuditEntry).where(AuditEntry.action == "contact.opted_out")).all()
        assert len(told) == 1
        assert told[0].actor.startswith("customer:")


@pytest.mark.parametrize("number", [1, 17, 2**63 - 1])
def test_a_token_says_who_it_is_for(number: int) -> None:
    assert read_contact("k", sign_contact("k", number)) == number
    assert masked(f"https://x.example{unsubscribe_url('', 'k', number)}") == "https://x.example/unsubscribe/…"
