"""One night, five customers, each billed and sent its documents its own way; every delivery is proven.

From the order on: credit is asked, one order is held and let through, a new customer is told what to expect, the run
bills by five rules, documents are made and checked, and each goes by the route its customer chose.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import date, timedelta
from hashlib import sha256
from io import BytesIO, StringIO
from typing import Any

from pypdf import PdfReader
from sqlmodel import Session, col, select

from ar.core import clock
from ar.core.access.models import Role
from ar.core.files import StoredFile
from ar.core.jobs import Job, JobState
from ar.core.kernel import Kernel
from ar.credit.limits import LimitDraft, set_limit
from ar.customers.accounts import ContactDraft, add_contact, add_identifier, change_account
from ar.customers.entities import add_bank_account, entity
from ar.ledger.items import open_items
from invoicing.billing.models import Basis, Cadence, Grouping
from invoicing.delivery.mail import document_link
from invoicing.delivery.models import Delivery, DeliveryState, Route
from invoicing.models import FileFormat, Invoice, InvoiceFile, InvoiceState
from invoicing.orders.accept import accept, let_through
from invoicing.orders.models import OrderState
from tests.invoicing.billing.make import accepted, delivered, line, night, order, rule
from tests.invoicing.delivery.make import codes, mailed, wants, worked
from tests.invoicing.make import NOW, TODAY, customer, seller
from tests.web import client

END = date(2026, 3, 31)
NIGHT = NOW.replace(month=3, day=31, hour=21)
NAMES = ("mail", "page", "letter", "upload", "platform")
WRITTEN_TO = "billing@mail.example"


def company(session: Session) -> tuple[int, dict[str, int]]:
    """A French seller that can be paid, and five French customers with an address, a SIREN and a mailbox."""
    fr = seller(session)
    found = entity(session, fr)
    found.vat_number, found.registration = "FR40303265045", "303265045"
    found.street, found.postcode, found.city = "14 rue des Ébénistes", "69002", "Lyon"
    iban = "FR1420041010050500013M02606"
    add_bank_account(session, fr, iban=iban, holder="Seller", currency="EUR", by="system", now=NOW)
    ids = {}
    for name, siren in zip(NAMES, ("732829320", "552100554", "542065479", "552081317", "404833048"), strict=True):
        ids[name] = customer(session, name.upper())
        place = {"street": "12 rue des Lilas", "postcode": "69003", "city": "Lyon"}
        change_account(session, ids[name], place, by="system", now=NOW)
        add_identifier(session, ids[name], "siren", siren, by="system", now=NOW)
        contact = ContactDraft(name="Zoé Petit", email=f"billing@{name}.example", language="fr", roles=("billing",))
        add_contact(session, ids[name], contact, by="system", now=NOW)
    return fr, ids


def ordered(session: Session, fr: int, ids: dict[str, int]) -> int:
    """Orders of all five, accepted and delivered; the id of the one that credit holds."""
    rule(session, ids["mail"], grouping=Grouping.ORDER)
    rule(session, ids["page"], grouping=Grouping.PURCHASE_ORDER, needs_purchase_order=True)
    rule(session, ids["letter"], grouping=Grouping.MONTH, cadence=Cadence.MONTH_END)
    rule(session, ids["upload"], grouping=Grouping.FAMILY)
    rule(session, ids["platform"], grouping=Grouping.LINE, basis=Basis.ACCEPTANCE)
    delivered(session, accepted(session, fr, ids["mail"], "A1", line(discount_bp=1000)))
    for n, wanted in enumerate(("PO-1", "PO-2", "PO-1"), start=1):
        delivered(session, accepted(session, fr, ids["page"], f"B{n}", purchase_order=wanted))
    for n in (1, 2):
        delivered(session, accepted(session, fr, ids["letter"], f"C{n}"), on=TODAY + timedelta(days=n))
    delivered(session, accepted(session, fr, ids["upload"], "D1", line(family="wood"), line("1", family="oil")))
    limit = LimitDraft(ids["platform"], 100_00, "EUR", valid_from=TODAY, reason="new customer")
    set_limit(session, limit, by="user:1", now=NOW)
    held = order(session, fr, ids["platform"], "E1", line(), line("1", "30", "5.5"))
    assert held.id is not None
    return held.id


def test_five_customers_are_billed_and_served_five_ways_in_one_night(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        fr, ids = company(session)
        held = ordered(session, fr, ids)
    with kernel.database.transaction() as session:
        refused = accept(session, held, by="user:1", today=TODAY, now=NOW)
        assert refused.state is OrderState.HELD
        assert [one["code"] for one in refused.credit_reasons] == ["over-limit"]
        reason = "Paid a deposit by card this morning."
        let_through(session, held, reason=reason, by="user:2", today=TODAY, now=NOW)
    wants(kernel, ids["mail"], Route.EMAIL, formats=["pdf", "ubl"])
    wants(kernel, ids["page"], Route.LINK)
    wants(kernel, ids["letter"], Route.PAPER)
    fields = [{"label": "Montant", "source": "total"}, {"label": "Facture", "source": "number"}]
    wants(kernel, ids["upload"], Route.UPLOAD, site_name="Achats", site_url="https://a.example", site_fields=fields)
    wants(kernel, ids["platform"], Route.PLATFORM)

    worked(kernel)
    mailed(kernel)
    # What to expect, before it comes: at once, or some days before the month's end for the monthly invoice.
    assert {one["to"] for one in mails(kernel)} == {f"billing@{name}.example" for name in NAMES if name != "letter"}
    mailed(kernel, NIGHT - timedelta(days=2))
    before = mails(kernel)
    assert sorted(one["to"] for one in before) == sorted(f"billing@{name}.example" for name in NAMES)

    told = night(kernel, END)
    assert (told.issued, told.drafted, told.held, told.parked) == (1 + 2 + 1 + 2 + 2, 0, 0, ())
    again = night(kernel, END)
    assert (again.issued, again.held) == (0, 0)
    worked(kernel, NIGHT)
    worked(kernel, NIGHT)  # depositing is a job of a job
    mailed(kernel, NIGHT)

    with kernel.database.reading() as session:
        invoices = session.exec(select(Invoice).order_by(col(Invoice.number))).all()
        assert [one.number for one in invoices] == [f"FR1-2026-{n:06d}" for n in range(1, 9)]
        assert {one.state for one in invoices} == {InvoiceState.ISSUED}
        owed = sum(item.open_minor for item in open_items(session, as_of=END))
        assert owed == sum(one.total_minor for one in invoices)
        made = session.exec(select(InvoiceFile)).all()
        assert len(made) == 3 * len(invoices)
        assert [one.failures for one in made if one.failures] == []
        wrong = session.exec(select(Job).where(Job.state != JobState.DONE, Job.attempts > 0)).all()
        assert wrong == []
        deliveries = {
            name: session.exec(select(Delivery).where(col(Delivery.account_id) == ids[name])).all() for name in NAMES
        }
        session.expunge_all()
    assert {name: len(found) for name, found in deliveries.items()} == dict(zip(NAMES, (1, 2, 1, 2, 2), strict=True))

    sent = [mail for mail in mails(kernel) if mail not in before]
    proven_by_mail(kernel, deliveries["mail"][0], sent)
    proven_by_opening(kernel, deliveries["page"], sent)
    proven_by_letter(kernel, deliveries["letter"][0], fr)
    proven_by_upload(kernel, deliveries["upload"])
    proven_by_platform(kernel, deliveries["platform"])
    with client(kernel, Role.COLLECTOR) as web:
        waiting = web.get("/api/v1/deliveries", params={"waiting": "true"}).json()["items"]
        assert waiting == []


def mails(kernel: Kernel) -> list[dict[str, Any]]:
    """What the folder that takes mail holds: to whom, and the message."""
    folder = kernel.settings.var_dir / "mail"
    found = []
    for path in sorted(folder.glob("*.eml")):
        text = path.read_text()
        to = next(row for row in text.splitlines() if row.startswith("To: "))
        found.append({"to": to.removeprefix("To: ").split("<")[-1].rstrip(">"), "text": text})
    return found


def proven_by_mail(kernel: Kernel, one: Delivery, sent: list[dict[str, Any]]) -> None:
    [message] = [mail for mail in sent if mail["to"] == WRITTEN_TO]
    assert message["text"].count("Content-Disposition: attachment") == 2
    assert state(kernel, one) is DeliveryState.SENT
    assert codes(kernel, one.id)[-1] == "sent"
    for told in one.files:
        with kernel.database.reading() as session:
            stored = session.exec(select(StoredFile).where(col(StoredFile.sha256) == told["sha256"])).one()
        assert stored.size > 0
    assert {told["format"] for told in one.files} == {FileFormat.PDF.value, FileFormat.UBL.value}


def proven_by_opening(kernel: Kernel, found: Sequence[Delivery], sent: list[dict[str, Any]]) -> None:
    messages = [mail for mail in sent if mail["to"] == "billing@page.example"]
    assert len(messages) == 2
    assert all("attachment" not in mail["text"] and "/pay/" in mail["text"] for mail in messages)
    with client(kernel, html=True) as web:
        for one in found:
            with kernel.database.reading() as session:
                entry_id = session.get_one(Invoice, one.invoice_id).entry_id or 0
            link = document_link(kernel, one.account_id, 1, entry_id, now=clock.now())  # those of March are too old
            opened = web.get(link.removeprefix(kernel.settings.base_url))
            assert web.get(opened.headers["location"]).status_code == 200
    assert {state(kernel, one) for one in found} == {DeliveryState.OPENED}


def proven_by_letter(kernel: Kernel, one: Delivery, fr: int) -> None:
    with client(kernel, Role.CREDIT_MANAGER) as web:
        batch = web.post("/api/v1/print-batches", json={"entity_id": fr, "day": END.isoformat()}).json()
        path = f"/api/v1/print-batches/{batch['id']}"
        pages = PdfReader(BytesIO(web.get(f"{path}/pdf").content)).pages
        [row] = csv.DictReader(StringIO(web.get(f"{path}/manifest").text))
        assert int(row["pages"]) == len(pages)
        web.post(f"{path}/handed-over").raise_for_status()
    assert codes(kernel, one.id)[-1] == "handed-over"


def proven_by_upload(kernel: Kernel, found: Sequence[Delivery]) -> None:
    with client(kernel, Role.COLLECTOR) as web:
        for task in web.get("/api/v1/upload-tasks", params={"state": "open"}).json()["items"]:
            assert [one["label"] for one in task["fields"]] == ["Montant", "Facture"]
            path = f"/api/v1/upload-tasks/{task['id']}"
            web.post(f"{path}/take").raise_for_status()
            web.post(f"{path}/complete", json={"reference": f"ACH-{task['id']}"}).raise_for_status()
    assert {state(kernel, one) for one in found} == {DeliveryState.DELIVERED}


def proven_by_platform(kernel: Kernel, found: Sequence[Delivery]) -> None:
    out = kernel.settings.var_dir / "platform" / "out"
    for one in found:
        envelope = json.loads((out / f"{one.id}.json").read_text())
        content = (out / envelope["file"]).read_bytes()
        assert sha256(content).hexdigest() == envelope["sha256"] == one.files[0]["sha256"]
        assert codes(kernel, one.id)[-1] == "deposited"


def state(kernel: Kernel, one: Delivery) -> DeliveryState:
    with kernel.database.reading() as session:
        return session.get_one(Delivery, one.id).state
