"""What the API tells of deliveries, and takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ar.core.db import MAX_ID
from ar.core.web import ShortText, example
from ar.core.web.types import Search
from invoicing.delivery.find import Listed, Proof
from invoicing.delivery.models import (
    DeliveryPreference,
    DeliveryState,
    Papers,
    PrintBatch,
    PrintLetter,
    Route,
    UploadState,
    UploadTask,
)
from invoicing.delivery.preferences import PreferenceDraft

RECIPIENT: dict[str, Any] = {
    "contact_id": 3,
    "name": "Zoé Petit",
    "email": "compta@nordlicht.example",
    "language": "fr",
    "copy": False,
}
FILE: dict[str, Any] = {
    "format": "pdf",
    "file_id": 12,
    "name": "FR1-2026-000123.pdf",
    "size": 52_763,
    "sha256": "0" * 64,
}
DELIVERY: dict[str, Any] = {
    "id": 9,
    "invoice_id": 42,
    "number": "FR1-2026-000123",
    "kind": "invoice",
    "account_id": 17,
    "customer": "Nordlicht Werkzeuge",
    "attempt": 1,
    "route": "email",
    "state": "sent",
    "reason": "",
    "status_code": "",
    "planned_at": "2026-03-16T09:00:05Z",
    "changed_at": "2026-03-16T09:01:02Z",
}
EVENT: dict[str, Any] = {
    "at": "2026-03-16T09:01:02Z",
    "by": "system",
    "source": "mail",
    "code": "sent",
    "state": "sent",
    "detail": "",
}
PREFERENCE: dict[str, Any] = {
    "papers": "invoice",
    "entity_id": None,
    "route": "email",
    "formats": ["pdf", "ubl"],
    "roles": ["billing"],
    "copy_roles": ["paying"],
    "site_name": "",
    "site_url": "",
    "site_fields": [],
}
BATCH: dict[str, Any] = {
    "id": 2,
    "entity_id": 1,
    "day": "2026-03-16",
    "letters": 12,
    "pages": 26,
    "made_at": "2026-03-16T16:00:00Z",
    "made_by": "user:1",
    "handed_at": None,
    "handed_by": None,
}
LETTER: dict[str, Any] = {
    "position": 1,
    "delivery_id": 9,
    "number": "FR1-2026-000123",
    "first_page": 1,
    "pages": 2,
    "state": "sent",
}
TASK: dict[str, Any] = {
    "id": 5,
    "delivery_id": 9,
    "account_id": 17,
    "site_name": "Achats Nord",
    "site_url": "https://achats.example",
    "fields": [{"label": "N° de commande", "value": "4500012345"}],
    "state": "open",
    "taken_by": None,
    "ended_at": None,
    "reference": "",
    "reason": "",
}


def asked(given: Mapping[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [dict(given)]}, extra="forbid")


class DeliveryOut(BaseModel):
    model_config = example(DELIVERY)

    id: int
    invoice_id: int = Field(description="The ledger entry that names the invoice or credit note")
    number: str
    kind: str
    account_id: int
    customer: str
    attempt: int
    route: Route
    state: DeliveryState
    reason: str = Field(description="Why it stands as it does")
    status_code: str = Field(description="What an approved platform said last: 200 to 213")
    planned_at: datetime
    changed_at: datetime


class RecipientOut(BaseModel):
    model_config = example(RECIPIENT)

    contact_id: int
    name: str
    email: str
    language: str
    is_copy: bool = Field(alias="copy")


class FileOut(BaseModel):
    model_config = example(FILE)

    format: str
    file_id: int
    name: str
    size: int
    sha256: str = Field(description="Of what was delivered; GET /invoices/{id}/documents/{format} gives the same bytes")


class EventOut(BaseModel):
    model_config = example(EVENT)

    at: datetime
    by: str
    source: str = Field(description="Who or what told: system, person, mail, portal, paper, upload, platform")
    code: str
    state: DeliveryState | None = Field(description="What the delivery came to by it; none when it stayed")
    detail: str


class TaskOut(BaseModel):
    model_config = example(TASK)

    id: int
    delivery_id: int
    account_id: int
    site_name: str
    site_url: str
    fields: list[dict[str, str]] = Field(description="What to type on the site")
    state: UploadState
    taken_by: str | None
    ended_at: datetime | None
    reference: str
    reason: str


class ProofOut(DeliveryOut):
    model_config = example(
        DELIVERY | {"recipients": [RECIPIENT], "files": [FILE], "events": [EVENT], "batch_id": None, "task": None}
    )

    recipients: list[RecipientOut]
    files: list[FileOut]
    events: list[EventOut]
    batch_id: int | None = Field(description="The print batch that its letter is in")
    task: TaskOut | None


class SiteField(BaseModel):
    model_config = asked({"label": "N° de commande", "source": "order", "text": ""})

    label: ShortText
    source: ShortText = Field(
        description="number, order, reference, issue_on, due_on, total, net, tax, currency, seller or text"
    )
    text: Search = Field(default="", description="What is typed, for the source `text`")


Short = Annotated[ShortText, StringConstraints(max_length=20)]


class PreferenceIn(BaseModel):
    model_config = asked(PREFERENCE)

    route: Route
    papers: Papers = Papers.ANY
    entity_id: Annotated[int, Field(ge=1, le=MAX_ID)] | None = Field(
        default=None, description="Of one seller; none for each of them"
    )
    formats: list[Short] = Field(default=[], max_length=3)
    roles: list[Short] = Field(default=["billing"], max_length=4)
    copy_roles: list[Short] = Field(default=[], max_length=4)
    site_name: Annotated[Search, StringConstraints(max_length=120)] = ""
    site_url: Annotated[Search, StringConstraints(max_length=200)] = ""
    site_fields: list[SiteField] = Field(default=[], max_length=30)

    def draft(self) -> PreferenceDraft:
        return PreferenceDraft(**self.model_dump())


class PreferenceOut(BaseModel):
    model_config = example({"id": 4} | PREFERENCE)

    id: int
    papers: Papers
    entity_id: int | None
    route: Route
    formats: list[str]
    roles: list[str]
    copy_roles: list[str]
    site_name: str
    site_url: str
    site_fields: list[dict[str, str]]


class PreferencesOut(BaseModel):
    model_config = example({"items": [{"id": 4} | PREFERENCE]})

    items: list[PreferenceOut]


class AgainIn(BaseModel):
    model_config = asked({"route": "email"})

    route: Route | None = Field(default=None, description="Another way; none for the same")


class BackIn(BaseModel):
    model_config = asked({"reason": "550 5.1.1 no such mailbox", "contact_id": 3})

    reason: ShortText
    contact_id: Annotated[int, Field(ge=1, le=MAX_ID)] | None = Field(
        default=None, description="Whose address it was; none for all that it went to"
    )


class ReasonIn(BaseModel):
    model_config = asked({"reason": "The customer confirmed by telephone"})

    reason: ShortText


class StatusIn(BaseModel):
    model_config = asked(
        {"id": "PA-77", "code": "210", "at": "2026-03-17T10:00:00Z", "reason_code": "QTE_ERR", "reason": "8, not 10"}
    )

    id: Annotated[ShortText, StringConstraints(max_length=80)] = Field(
        description="The platform's own name for it: the same name is heard once"
    )
    code: Annotated[ShortText, StringConstraints(max_length=3)] = Field(description="200 to 213")
    at: Annotated[datetime, Field(description="When it happened, with a time zone")]
    reason_code: Annotated[Search, StringConstraints(max_length=40)] = Field(
        default="", description="Needed for 210 and 213"
    )
    reason: Search = ""


class BatchIn(BaseModel):
    model_config = asked({"entity_id": 1, "day": "2026-03-16"})

    entity_id: Annotated[int, Field(ge=1, le=MAX_ID)]
    day: Annotated[date, Field(ge=date(1900, 1, 1), le=date(2200, 12, 31))] | None = Field(
        default=None, description="The day that it is named after; today when not given"
    )


class BatchOut(BaseModel):
    model_config = example(BATCH)

    id: int
    entity_id: int
    day: date
    letters: int
    pages: int
    made_at: datetime
    made_by: str
    handed_at: datetime | None
    handed_by: str | None


class LetterOut(BaseModel):
    model_config = example(LETTER)

    position: int
    delivery_id: int
    number: str
    first_page: int = Field(description="In the merged PDF, counted from 1; it is the address page")
    pages: int
    state: DeliveryState


class BatchDetailOut(BatchOut):
    model_config = example(BATCH | {"content": [LETTER]})

    content: list[LetterOut]


class DoneIn(BaseModel):
    model_config = asked({"reference": "AN-2026-0042"})

    reference: Annotated[ShortText, StringConstraints(max_length=120)] = Field(description="The portal's own")


def delivery_out(one: Listed) -> DeliveryOut:
    return DeliveryOut(**_told(one))


def _told(one: Listed) -> dict[str, Any]:
    found = one.delivery
    return {
        "id": found.id,
        "invoice_id": one.entry_id,
        "number": one.number,
        "kind": one.kind,
        "account_id": found.account_id,
        "customer": one.customer,
        "attempt": found.attempt,
        "route": found.route,
        "state": found.state,
        "reason": found.reason,
        "status_code": found.status_code,
        "planned_at": found.planned_at,
        "changed_at": found.changed_at,
    }


def proof_out(found: Proof) -> ProofOut:
    made = found.listed.delivery
    return ProofOut(
        **_told(found.listed),
        recipients=[RecipientOut(**one) for one in made.recipients],
        files=[FileOut(**one) for one in made.files],
        events=[EventOut(**event.model_dump()) for event in found.events],
        batch_id=found.letter.batch_id if found.letter else None,
        task=TaskOut.model_validate(found.task) if found.task else None,
    )


def preferences_out(found: list[DeliveryPreference]) -> PreferencesOut:
    return PreferencesOut(items=[PreferenceOut.model_validate(one) for one in found])


def batch_out(batch: PrintBatch, letters: list[tuple[PrintLetter, Any, str]]) -> BatchDetailOut:
    content = [
        LetterOut(
            position=letter.position,
            delivery_id=letter.delivery_id,
            number=number,
            first_page=letter.first_page,
            pages=letter.pages,
            state=made.state,
        )
        for letter, made, number in letters
    ]
    return BatchDetailOut(**BatchOut.model_validate(batch).model_dump(), content=content)


def task_out(task: UploadTask) -> TaskOut:
    return TaskOut.model_validate(task)
