"""The cash desk's money, proposals and acts, as JSON tells them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from ar.cash.bank.models import BankLine
from ar.cash.matching.facts import Difference, Proposal
from ar.cash.matching.models import AliasKind, CashApplication, MatchProposal, PayerAlias
from ar.cash.matching.words import told, why_not_told
from ar.core.render import Renderer
from ar.core.web import example
from ar.ledger.models import Book, OpenItem

PART = {"account_id": 17, "entry_id": 41, "reference": "FR1-2026-000041", "amount_minor": 120_000}
RESIDUAL = {"entry_id": 41, "amount_minor": 2_400, "difference": "discount"}
NETTING = {"debit_id": 41, "credit_id": 44, "amount_minor": 5_000}
PROPOSAL = {
    "rank": 1,
    "probability": 0.982,
    "parts": [PART],
    "residuals": [RESIDUAL],
    "nettings": [],
    "reasons": ["The payer quotes FR1-2026-000041"],
    "why_not": "It is likely, but not sure enough to be applied untouched",
}
LINE = {
    "id": 9,
    "bank_account_id": 1,
    "entity_id": 1,
    "booked_on": "2026-03-12",
    "amount_minor": 120_000,
    "currency": "EUR",
    "counterparty_name": "ACME SARL",
    "counterparty_iban": "FR7630006000011234567890189",
    "structured_reference": "",
    "end_to_end_id": "NOTPROVIDED",
    "remittance": "FR1-2026-000041",
}


class PartOut(BaseModel):
    model_config = example(PART)

    account_id: int
    entry_id: int | None = Field(description="The open item; null for money on account")
    reference: str | None = Field(description="The item's reference")
    amount_minor: int


class ResidualOut(BaseModel):
    model_config = example(RESIDUAL)

    entry_id: int
    amount_minor: int
    difference: Difference


class NettingOut(BaseModel):
    model_config = example(NETTING)

    debit_id: int
    credit_id: int
    amount_minor: int


class ProposalOut(BaseModel):
    model_config = example(PROPOSAL)

    rank: int
    probability: float = Field(description="How sure the engine is, from 0 to 1")
    parts: list[PartOut]
    residuals: list[ResidualOut]
    nettings: list[NettingOut]
    reasons: list[str] = Field(description="What speaks for it, in words")
    why_not: str = Field(description="Why it was not applied untouched")


class WaitingLineOut(BaseModel):
    model_config = example(LINE | {"proposals": [PROPOSAL]})

    id: int
    bank_account_id: int
    entity_id: int
    booked_on: date
    amount_minor: int
    currency: str
    counterparty_name: str
    counterparty_iban: str
    structured_reference: str
    end_to_end_id: str
    remittance: str
    proposals: list[ProposalOut]


class UnappliedOut(BaseModel):
    model_config = example(
        {"payment_id": 7, "account_id": 17, "unapplied_minor": 500, "currency": "EUR", "proposals": [PROPOSAL]}
    )

    payment_id: int
    account_id: int
    unapplied_minor: int
    currency: str
    proposals: list[ProposalOut]


class ApplicationOut(BaseModel):
    model_config = example(
        {
            "id": 3,
            "bank_line_id": 9,
            "payment_id": None,
            "entity_id": 1,
            "automatic": True,
            "probability": 0.999,
            "parts": [PART],
            "residuals": [],
            "nettings": [],
            "payments": [7],
            "reasons": ["The payer quotes FR1-2026-000041"],
            "made_by": "system",
            "made_at": "2026-03-12T09:30:00Z",
            "undone_by": None,
            "undone_at": None,
            "undone_why": "",
        }
    )

    id: int
    bank_line_id: int | None
    payment_id: int | None
    entity_id: int
    automatic: bool
    probability: float | None
    parts: list[PartOut]
    residuals: list[ResidualOut]
    nettings: list[NettingOut]
    payments: list[int] = Field(description="The payments that it made")
    reasons: list[str]
    made_by: str
    made_at: datetime
    undone_by: str | None
    undone_at: datetime | None
    undone_why: str


class AliasOut(BaseModel):
    model_config = example(
        {"id": 2, "kind": "iban", "value": "FR7630006000011234567890189", "confirmed": 4, "refused": 0}
    )

    id: int
    kind: AliasKind
    value: str
    confirmed: int
    refused: int

    @classmethod
    def of(cls, alias: PayerAlias) -> AliasOut:
        return cls.model_validate(alias)


class PolicyOut(BaseModel):
    model_config = example(
        {
            "entity_id": 1,
            "apply_above": 0.995,
            "tolerance_minor": 200,
            "tolerance_bp": 100,
            "tolerance_book": "payment_differences",
            "charges_minor": 2_500,
            "version": 1,
        }
    )

    entity_id: int
    apply_above: float
    tolerance_minor: int
    tolerance_bp: int
    tolerance_book: Book
    charges_minor: int
    version: int


class FiguresOut(BaseModel):
    model_config = example(
        {
            "came_in": 1200,
            "applied_untouched": 1120,
            "applied_by_hand": 52,
            "undone": 1,
            "waiting": 28,
            "payment_rate": 0.933,
            "error_rate": 0.0009,
        }
    )

    came_in: int
    applied_untouched: int
    applied_by_hand: int
    undone: int
    waiting: int
    payment_rate: float | None
    error_rate: float | None


Named = Mapping[int, OpenItem]


def proposal_out(kept: MatchProposal, named: Named, renderer: Renderer, *, language: str) -> ProposalOut:
    """A kept proposal, its reasons in words and its items by their references."""
    proposal = Proposal.restored(kept.content)
    return ProposalOut(
        rank=kept.rank,
        probability=kept.probability,
        parts=_parts(proposal, named),
        residuals=[ResidualOut.model_validate(one) for one in proposal.residuals],
        nettings=[NettingOut.model_validate(one) for one in proposal.nettings],
        reasons=[told(renderer, reason, language=language) for reason in proposal.reasons],
        why_not=why_not_told(renderer, kept.why_not, language=language),
    )


def line_out(
    line: BankLine, kept: Sequence[MatchProposal], named: Named, renderer: Renderer, *, language: str
) -> WaitingLineOut:
    known = line.model_dump(include=set(WaitingLineOut.model_fields) - {"proposals"})
    return WaitingLineOut(**known, proposals=[proposal_out(one, named, renderer, language=language) for one in kept])


def application_out(made: CashApplication, named: Named, renderer: Renderer, *, language: str) -> ApplicationOut:
    proposal = Proposal.restored(made.content)
    known = made.model_dump(exclude={"content"})
    return ApplicationOut(
        **known,
        parts=_parts(proposal, named),
        residuals=[ResidualOut.model_validate(one) for one in proposal.residuals],
        nettings=[NettingOut.model_validate(one) for one in proposal.nettings],
        payments=made.content["payments"],
        reasons=[told(renderer, reason, language=language) for reason in proposal.reasons],
    )


def entries_of(contents: Iterable[Mapping[str, Any]]) -> list[int]:
    """The items that these stored proposals name in their parts."""
    return sorted({entry_id for content in contents for _, entry_id, _ in content["parts"] if entry_id is not None})


def _parts(proposal: Proposal, named: Named) -> list[PartOut]:
    return [
        PartOut(
            account_id=part.account_id,
            entry_id=part.entry_id,
            reference=named[part.entry_id].reference if part.entry_id is not None and part.entry_id in named else None,
            amount_minor=part.amount_minor,
        )
        for part in proposal.parts
    ]
