"""What the pages and messages of delivery are given, for the house's tests of templates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

from ar.core.web import Page
from ar.customers.models import LegalEntity
from invoicing.delivery.find import Listed, Proof
from invoicing.delivery.mail import Due, Sent
from invoicing.delivery.models import (
    Delivery,
    DeliveryEvent,
    DeliveryPreference,
    DeliveryState,
    Papers,
    PlatformFile,
    PrintBatch,
    PrintLetter,
    Route,
    UploadState,
    UploadTask,
)
from invoicing.delivery.notice import Expected
from invoicing.delivery.preferences import SOURCES
from invoicing.delivery.states import STATUSES

NOW = datetime(2026, 5, 12, 9, 0, tzinfo=UTC)
DAY = date(2026, 6, 12)
SELLER = LegalEntity(
    id=1, code="FR1", name="Atelier & Fils", country="FR", currency="EUR", language="fr", time_zone="Europe/Paris"
)
PLANS = ("planned", "rule-failed", "no-recipient", "no-address", "no-site", "no-file", "too-large", "nobody-known")
ENDS = ("published", "handed-over", "deposited", "taken", "uploaded", "bounced", "returned", "settled", "superseded")
MAILS = ("mail-sent", "mail-failed", "mail-uncertain", "mail-cancelled", "mail-queued")
CODES = (*PLANS, *ENDS, *MAILS, "sent", "failed", "uncertain", "opened", "refused", "told-212")


def make_delivery(number: int, route: Route, state: DeliveryState, **more: Any) -> Delivery:
    given: dict[str, Any] = {
        "id": number,
        "invoice_id": 42,
        "attempt": number,
        "entity_id": 1,
        "account_id": 7,
        "route": route,
        "state": state,
        "reason": "zoe@nordlicht.example: 550 <no> 5 %",
        "recipients": [{"contact_id": 3, "name": "", "email": "zoe@nordlicht.example", "language": "fr", "copy": True}],
        "files": [{"format": "pdf", "file_id": 1, "name": "F-1.pdf", "size": 9, "sha256": "a" * 64}],
        "made_at": NOW,
        "planned_at": NOW,
        "planned_by": "system",
        "changed_at": NOW,
    }
    return Delivery(**(given | more))


def make_listed(number: int, route: Route, state: DeliveryState, **more: Any) -> Listed:
    return Listed(make_delivery(number, route, state, **more), "FR1-2026-000001", 9, "invoice", "Nordlicht & Werkzeuge")


EACH = [make_listed(n, list(Route)[n % 6], state, reason="") for n, state in enumerate(DeliveryState, start=1)]
EACH.append(make_listed(20, Route.LINK, DeliveryState.SENT, reason="too-large"))
EVENTS = [
    DeliveryEvent(id=n, delivery_id=1, at=NOW, by="user:3", source="system", code=code, detail="why & how")
    for n, code in enumerate([*CODES, *STATUSES], start=1)
]
PREFERENCES = [
    DeliveryPreference(
        id=n,
        account_id=7,
        entity_id=1 if n % 2 else None,
        papers=papers,
        route=Route.UPLOAD,
        formats=["pdf"],
        roles=["billing", "paying"],
        site_name="Achats <Nord>",
        changed_at=NOW,
    )
    for n, papers in enumerate(Papers, start=1)
]
ACCOUNT = SimpleNamespace(id=7, legal_name="Nordlicht & Werkzeuge")
TASK = UploadTask(
    id=5,
    delivery_id=1,
    account_id=7,
    site_name="Achats <Nord>",
    site_url="https://achats.example",
    fields=[{"label": "Order", "value": "PO-7"}],
)
ENDED = TASK.model_copy(update={"state": UploadState.REFUSED, "reference": "A-1", "reason": "closed"})
LETTER = PrintLetter(batch_id=2, position=1, delivery_id=1, first_page=1, pages=2)
BATCH = PrintBatch(
    id=2, entity_id=1, day=DAY, letters=1, pages=2, pdf_file_id=1, manifest_file_id=2, made_at=NOW, made_by="user:3"
)
HANDED = BATCH.model_copy(update={"handed_at": NOW, "handed_by": "user:3"})
GIVEN = {
    "route": "upload",
    "papers": "any",
    "entity_id": "",
    "formats": ["pdf"],
    "roles": ["billing"],
    "copy_roles": [],
    "site_name": "Achats",
    "site_url": "",
    "site_fields": "Order = order",
}
ROUTES = [one.value for one in Route]
MESSAGE: dict[str, Any] = {
    "customer": SimpleNamespace(name="Nordlicht & Werkzeuge"),
    "contact": SimpleNamespace(name="Zoé Petit"),
    "seller": SimpleNamespace(name="Atelier & Fils", email="comptes@atelier.example", phone="+33 1 23 45 67 89"),
    "link": "https://ar.example/pay/AAAA?document=9",
}
SENT = {
    **MESSAGE,
    "document": Sent("FR1-2026-000001", NOW.date(), DAY, 120_000, "EUR", "PO & 7"),
    "due": [Due(DAY, 120_000)],
    "bank": SimpleNamespace(holder="Atelier & Fils", iban="FR1420041010050500013M02606", bic="PSSTFRPPPAR"),
    "attached": True,
}
PARTS = {**SENT, "due": [Due(NOW.date(), 60_000), Due(DAY, 60_000)], "bank": None, "attached": False}
NOTICE = {
    **MESSAGE,
    "expected": Expected(DAY, 120_000, "EUR"),
    "route": "email",
    "recipient": "zoe@nordlicht.example",
    "address": "12 rue des Lilas, 69003 Lyon",
}

SAMPLES: dict[str, dict[str, Any]] = {
    "console/delivery/list.html": {
        "rows": EACH,
        "next_cursor": "next",
        "filters": {"state": "waiting", "route": "", "account_id": 7},
        "states": [one.value for one in DeliveryState],
        "routes": ROUTES,
        "aside": [PlatformFile(id=1, name="<bad>.json", sha256="0" * 64, wrong="not JSON", read_at=NOW)],
    },
    "console/delivery/list.html#empty": {
        "rows": [],
        "next_cursor": None,
        "filters": {"state": "waiting", "route": ""},
        "states": [],
        "routes": [],
        "aside": [],
    },
    "console/delivery/delivery.html": {
        "found": Proof(make_listed(1, Route.UPLOAD, DeliveryState.SENT), EVENTS, LETTER, TASK, True),
        "people": {"user:3": "Collector <One>"},
        "routes": ROUTES,
        "may_write": True,
    },
    "console/delivery/delivery.html#ended": {
        "found": Proof(make_listed(1, Route.UPLOAD, DeliveryState.SUPERSEDED), EVENTS[:1], None, ENDED, False),
        "people": {},
        "routes": ROUTES,
        "may_write": False,
    },
    "console/delivery/_card.html": {
        "account": ACCOUNT,
        "preferences": PREFERENCES,
        "sellers": {1: "Atelier & Fils"},
        "rows": EACH,
        "may_write": True,
    },
    "console/delivery/_card.html#empty": {
        "account": ACCOUNT,
        "preferences": [],
        "sellers": {},
        "rows": [],
        "may_write": False,
    },
    "console/delivery/_invoice.html": {"rows": EACH},
    "console/delivery/preferences.html": {
        "account": ACCOUNT,
        "preferences": PREFERENCES,
        "sellers": {1: "Atelier & Fils"},
        "routes": ROUTES,
        "papers": [one.value for one in Papers],
        "formats": ["pdf", "cii", "ubl"],
        "roles": ["billing", "paying", "disputes", "management"],
        "sources": SOURCES,
        "given": GIVEN,
    },
    "console/delivery/batches.html": {
        "found": Page[Any].model_construct(items=[BATCH, HANDED], next_cursor="next"),
        "sellers": [SELLER],
        "may_write": True,
    },
    "console/delivery/batch.html": {
        "batch": BATCH,
        "seller": SELLER,
        "letters": [(LETTER, EACH[0].delivery, "FR1-2026-000001")],
        "people": {},
        "may_write": True,
    },
    "console/delivery/batch.html#handed": {
        "batch": HANDED,
        "seller": SELLER,
        "letters": [],
        "people": {"user:3": "Collector <One>"},
        "may_write": True,
    },
    "messages/invoice_sent": SENT,
    "messages/invoice_sent#parts": PARTS,
    "messages/credit_note_sent": SENT,
    "messages/credit_note_sent#link": PARTS,
    "messages/first_invoice_notice": NOTICE,
    **{f"messages/first_invoice_notice#{route}": NOTICE | {"route": route} for route in ROUTES if route != "email"},
}
