"""JSON: subscriptions to events, their secrets, and what was told to each."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlmodel import col, select

from ar.core.web import (
    Cursor,
    Id,
    KernelDep,
    Limit,
    NowDep,
    Page,
    Principal,
    SessionDep,
    ShortText,
    allow,
    etag,
    example,
    paged,
    require_match,
)
from ar.core.webhooks import manage
from ar.core.webhooks.events import event_id
from ar.core.webhooks.models import DeliveryState, WebhookDelivery, WebhookSubscription

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])

Url = Annotated[ShortText, Field(max_length=500, description="Where events are posted; https:// outside this machine")]
Types = Annotated[
    list[Annotated[str, Field(max_length=80)]],
    Field(max_length=50, description="Kinds told: invoice.issued, dispute.*, or none for all"),
]
WRITES = allow("webhooks:write")
HOOK = {
    "id": 3,
    "url": "https://erp.example/hooks/receivables",
    "event_types": ["invoice.issued", "dispute.*"],
    "description": "ERP",
    "include_change": False,
    "active": True,
    "disabled_why": None,
    "failing_since": None,
    "previous_until": None,
    "created_by": "user:1",
    "created_at": "2026-03-16T09:05:00Z",
    "version": 1,
}
DELIVERY = {
    "id": 91,
    "event_id": "evt_4711",
    "event_type": "invoice.issued",
    "state": "delivered",
    "queued_at": "2026-03-16T09:05:00Z",
    "next_at": "2026-03-16T09:05:00Z",
    "attempts": 1,
    "ended_at": "2026-03-16T09:05:01Z",
    "status": 204,
    "answer": "",
}


class WebhookOut(BaseModel):
    model_config = example(HOOK)

    id: int
    url: str
    event_types: list[str]
    description: str
    include_change: bool
    active: bool
    disabled_why: str | None = Field(description="Why it was switched off by itself")
    failing_since: datetime | None
    previous_until: datetime | None = Field(description="Until when the secret before signs too")
    created_by: str
    created_at: datetime
    version: int


class WebhookSecretOut(WebhookOut):
    model_config = example(HOOK | {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="})

    secret: str = Field(description="Shown this once; it proves that an event is from here")


class WebhookIn(BaseModel):
    model_config = example(
        {"url": "https://erp.example/hooks/receivables", "event_types": ["invoice.issued", "dispute.*"]}
    ) | ConfigDict(extra="forbid")

    url: Url
    event_types: Types = Field(default_factory=list)
    description: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    include_change: bool = Field(default=False, description="Tell what was changed too, which may be personal data")


class WebhookEdit(BaseModel):
    model_config = example({"active": True}) | ConfigDict(extra="forbid")

    url: Url | None = None
    event_types: Types | None = None
    description: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] | None = None
    include_change: bool | None = None
    active: bool | None = None


class DeliveryOut(BaseModel):
    model_config = example(DELIVERY)

    id: int
    event_id: str = Field(description="The webhook-id header: the same at every attempt")
    event_type: str
    state: DeliveryState
    queued_at: datetime
    next_at: datetime
    attempts: int
    ended_at: datetime | None
    status: int | None = Field(description="The last answer's status; none when there was no answer")
    answer: str | None = Field(description="The beginning of the last answer, or why there was none")


class ReplayIn(BaseModel):
    model_config = example({"since": "2026-03-14T00:00:00Z"}) | ConfigDict(extra="forbid")

    since: AwareDatetime = Field(description="What failed of the events since then is told once more")


class ReplayOut(BaseModel):
    model_config = example({"count": 12})

    count: int


def _hook(found: WebhookSubscription, response: Response) -> WebhookOut:
    response.headers["ETag"] = etag(found.version)
    return WebhookOut.model_validate(found, from_attributes=True)


def _with_secret(found: WebhookSubscription, secret: str, response: Response) -> WebhookSecretOut:
    return WebhookSecretOut(**_hook(found, response).model_dump(), secret=secret)


def _delivery(found: WebhookDelivery) -> DeliveryOut:
    return DeliveryOut(**found.model_dump(exclude={"entry_id"}), event_id=event_id(found.entry_id))


@router.get("", summary="List webhooks", dependencies=[allow("webhooks:read")])
def get_webhooks(session: SessionDep, cursor: Cursor = None, limit: Limit = 50) -> Page[WebhookOut]:
    """Who is told of events, the newest first. No secret is shown."""
    query = select(WebhookSubscription)
    found = paged(session, query, key=(col(WebhookSubscription.id).desc(),), cursor=cursor, limit=limit)
    return found.map(lambda one: WebhookOut.model_validate(one, from_attributes=True))


@router.post("", summary="Add a webhook", status_code=201)
def post_webhook(
    body: WebhookIn,
    response: Response,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, WRITES],
) -> WebhookSecretOut:
    """Told of what happens from now on. The secret is shown this once."""
    made, secret = manage.subscribe(session, kernel.settings, **body.model_dump(), by=principal.actor, now=now)
    return _with_secret(made, secret, response)


@router.get("/{webhook_id}", summary="Read a webhook", dependencies=[allow("webhooks:read")])
def get_webhook(webhook_id: Id, response: Response, session: SessionDep) -> WebhookOut:
    """One subscription; its version is the ETag."""
    return _hook(manage.subscription(session, webhook_id), response)


@router.patch("/{webhook_id}", summary="Change a webhook, or switch it on or off")
def patch_webhook(
    webhook_id: Id,
    body: WebhookEdit,
    request: Request,
    response: Response,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, WRITES],
) -> WebhookOut:
    """What happens while it is switched off is not told later; what was waiting is."""
    require_match(request, manage.subscription(session, webhook_id).version)
    change = body.model_dump(exclude_none=True)
    changed = manage.change_subscription(session, kernel.settings, webhook_id, change, by=principal.actor, now=now)
    return _hook(changed, response)


@router.delete("/{webhook_id}", summary="Remove a webhook", status_code=204)
def delete_webhook(
    webhook_id: Id, session: SessionDep, now: NowDep, principal: Annotated[Principal, WRITES]
) -> Response:
    """Nothing more is told to it, and what was told is forgotten."""
    manage.remove(session, webhook_id, by=principal.actor, now=now)
    return Response(status_code=204)


@router.post("/{webhook_id}/secret", summary="Give a webhook another secret")
def post_secret(
    webhook_id: Id,
    response: Response,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, WRITES],
) -> WebhookSecretOut:
    """The secret is shown this once. For a day every event carries two signatures, by it and by the one before."""
    found, secret = manage.new_secret(session, kernel.settings, webhook_id, by=principal.actor, now=now)
    return _with_secret(found, secret, response)


@router.post("/{webhook_id}/ping", summary="Try a webhook", status_code=202)
def post_ping(
    webhook_id: Id, response: Response, session: SessionDep, now: NowDep, principal: Annotated[Principal, WRITES]
) -> WebhookOut:
    """The event webhook.pinged is told to it alone, within a minute; see its deliveries."""
    manage.ping(session, webhook_id, by=principal.actor, now=now)
    return _hook(manage.subscription(session, webhook_id), response)


@router.get("/{webhook_id}/deliveries", summary="List what was told", dependencies=[allow("webhooks:read")])
def get_deliveries(
    webhook_id: Id,
    session: SessionDep,
    state: Annotated[DeliveryState | None, Query(description="Only in this state")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[DeliveryOut]:
    """Each event with its state, attempts and last answer, the newest first; kept for 30 days."""
    manage.subscription(session, webhook_id)
    query = select(WebhookDelivery).where(WebhookDelivery.subscription_id == webhook_id)
    if state is not None:
        query = query.where(WebhookDelivery.state == state)
    found = paged(session, query, key=(col(WebhookDelivery.entry_id).desc(),), cursor=cursor, limit=limit)
    return found.map(_delivery)


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay", summary="Tell an event once more")
def post_replay_one(
    webhook_id: Id, delivery_id: Id, session: SessionDep, now: NowDep, principal: Annotated[Principal, WRITES]
) -> DeliveryOut:
    """Under the same webhook-id, whether or not it was taken before."""
    return _delivery(manage.replay(session, webhook_id, delivery_id, by=principal.actor, now=now))


@router.post("/{webhook_id}/replay", summary="Tell all that failed once more")
def post_replay(
    webhook_id: Id, body: ReplayIn, session: SessionDep, now: NowDep, principal: Annotated[Principal, WRITES]
) -> ReplayOut:
    """Events that were given up, of those since then."""
    return ReplayOut(count=manage.replay_since(session, webhook_id, body.since, by=principal.actor, now=now))
