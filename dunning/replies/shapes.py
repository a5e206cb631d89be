"""What the API takes and gives of replies."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ar.core.web import Day, Minor, Number, ShortText, example
from ar.disputes.models import Reason
from dunning.replies.kinds import MatchedBy, ProposalKind, ProposalState, ReplyKind, ReplyState
from dunning.replies.models import Reply, ReplyProposal

PROPOSAL: dict[str, Any] = {
    "id": 8,
    "reply_id": 5,
    "kind": "promise",
    "state": "open",
    "sureness": 93,
    "quote": "We will pay 400.00 EUR of 2026-000041 by Friday.",
    "quote_start": 7,
    "quote_end": 55,
    "data": {
        "due_on": "2026-03-13",
        "exact": True,
        "amount_minor": 40_000,
        "currency": "EUR",
        "entry_ids": [41],
    },
    "result": {},
    "decided_by": "",
    "decided_at": None,
}
REPLY: dict[str, Any] = {
    "id": 5,
    "kind": "promise",
    "sureness": 93,
    "state": "open",
    "human": True,
    "account_id": 17,
    "contact_id": 5,
    "matched_by": "thread",
    "suggested": [],
    "thread": "outbox:311",
    "outbox_id": 311,
    "sender": "jo@customer.example",
    "sender_name": "Jo Baker",
    "subject": "Re: Invoice 2026-000041",
    "sent_at": "2026-03-11T09:30:00Z",
    "received_at": "2026-03-11T09:35:00Z",
    "written_on": "2026-03-11",
    "back_on": None,
    "files": [{"name": "advice.pdf", "media_type": "application/pdf", "size": 24_311}],
    "doubts": [],
    "size": 31_007,
    "has_file": True,
    "handled_by": "",
    "handled_at": None,
}


class ProposalOut(BaseModel):
    model_config = example(PROPOSAL)

    id: int
    reply_id: int
    kind: ProposalKind
    state: ProposalState = Field(description="`done` was safe and done at once, `accepted` by a person")
    sureness: int = Field(description="How sure it is, in percent")
    quote: str = Field(description="The sentence that says so")
    quote_start: int = Field(description="Where it begins in the text of the reply, in characters")
    quote_end: int
    data: dict[str, Any] = Field(description="What would be done")
    result: dict[str, Any] = Field(description="What was done")
    decided_by: str
    decided_at: datetime | None


class ReplyOut(BaseModel):
    model_config = example(REPLY)

    id: int
    kind: ReplyKind
    sureness: int = Field(description="How sure the kind is, in percent")
    state: ReplyState
    human: bool = Field(description="Whether a person wrote it")
    account_id: int | None = Field(description="Never told by the content: by thread, address or a person")
    contact_id: int | None
    matched_by: MatchedBy
    suggested: list[int] = Field(description="Accounts that it may belong to, for a person to choose")
    thread: str
    outbox_id: int | None = Field(description="The message that it answers")
    sender: str
    sender_name: str
    subject: str
    sent_at: datetime | None
    received_at: datetime
    written_on: date
    back_on: date | None = Field(description="When somebody who is away is there again")
    files: list[dict[str, Any]]
    doubts: list[str]
    size: int
    has_file: bool
    handled_by: str
    handled_at: datetime | None


class ReplyDetailOut(ReplyOut):
    model_config = example(REPLY | {"text": f"Hello,\n{PROPOSAL['quote']}", "proposals": [PROPOSAL]})

    text: str = Field(description="The writer's own words, without what is quoted and signed")
    proposals: list[ProposalOut]


class AssignmentIn(BaseModel):
    model_config = example({"account_id": 17}) | ConfigDict(extra="forbid")

    account_id: Number


class AcceptanceIn(BaseModel):
    """What is told otherwise than proposed; what is not given stays as proposed."""

    model_config = example({"due_on": "2026-03-16", "amount_minor": 12_050, "entry_ids": [41]}) | ConfigDict(
        extra="forbid"
    )

    due_on: Day | None = None
    amount_minor: Minor | None = None
    entry_ids: Annotated[list[Number], Field(min_length=1, max_length=50)] | None = None
    reason: Reason | None = None
    until: Day | None = None
    email: Annotated[ShortText, Field(examples=["new@customer.example"])] | None = None


def proposal_out(one: ReplyProposal, text: str) -> ProposalOut:
    told = {name: getattr(one, name) for name in ProposalOut.model_fields if name != "quote"}
    return ProposalOut(**told, quote=text[one.quote_start : one.quote_end])


def reply_out(reply: Reply) -> ReplyOut:
    told = {name: getattr(reply, name) for name in ReplyOut.model_fields if name != "has_file"}
    return ReplyOut(**told, has_file=reply.file_id is not None)
