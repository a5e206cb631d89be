"""A customer signs a mandate on its own page: the words it agreed to are kept, with who, when and from where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from ar.cash.mandates.creditor import creditor
from ar.cash.mandates.manage import (
    MandateDraft,
    MandateNotFoundError,
    become_signed,
    cancel_mandate,
    create_mandate,
    masked,
)
from ar.cash.mandates.models import LIVING, Mandate, MandateState, Scheme
from ar.cash.mandates.wording import PAYMENT_TYPES, SCHEME_NAMES, authority
from ar.core.clock import local_date
from ar.core.kernel import Kernel
from ar.customers.entities import entity
from ar.customers.notes import write_note


@dataclass(frozen=True)
class Signer:
    """Who signs: the name typed, where from, and the language in which the words were shown."""

    name: str
    address: str
    browser: str
    language: str


@dataclass(frozen=True)
class Shown:
    """A mandate as its signer reads it, in one language: title, the creditor and what is authorised, in sentences."""

    title: str
    creditor: str
    creditor_address: str
    identifier: str
    payment_type: str
    sentences: tuple[str, ...]


def words_of(session: Session, kernel: Kernel, entity_id: int, scheme: Scheme, *, language: str) -> Shown:
    """What a customer reads before it signs. Raises EntityNotFoundError, NoCreditorError."""
    seller, identifier = entity(session, entity_id), creditor(session, entity_id).identifier
    place = " ".join(part for part in (seller.postcode, seller.city) if part)
    address = ", ".join(part for part in (seller.street, place, seller.country) if part)
    said = kernel.renderer.text
    return Shown(
        title=said(SCHEME_NAMES[scheme], language=language),
        creditor=seller.name,
        creditor_address=address,
        identifier=identifier,
        payment_type=said(PAYMENT_TYPES[False], language=language),
        sentences=tuple(said(one.words, language=language, **one.values) for one in authority(scheme, seller.name)),
    )


def sign_online(
    session: Session,
    kernel: Kernel,
    *,
    entity_id: int,
    account_id: int,
    scheme: Scheme,
    iban: str,
    signer: Signer,
    by: str,
    now: datetime,
) -> Mandate:
    """The mandate, signed by the customer, which is told of it by a message. Raises as create_mandate()."""
    draft = MandateDraft(entity_id=entity_id, account_id=account_id, scheme=scheme, debtor_name=signer.name, iban=iban)
    made = create_mandate(session, draft, by=by, now=now)
    shown = words_of(session, kernel, entity_id, scheme, language=signer.language)
    made.consent = consent(shown, made, signer, by=by, now=now)
    signed_on = local_date(now, entity(session, entity_id).time_zone)
    become_signed(session, made, signed_on, {"from": signer.address}, by=by, now=now)
    _tell(session, kernel, made, shown, now=now)
    return made


def consent(shown: Shown, made: Mandate, signer: Signer, *, by: str, now: datetime) -> dict[str, Any]:
    """The evidence of a signature, as plain JSON: all that was on the page, and who agreed to it."""
    return {
        "who": by,
        "name": signer.name,
        "when": now.isoformat(),
        "from": signer.address,
        "browser": signer.browser[:300],
        "language": signer.language,
        "title": shown.title,
        "creditor": shown.creditor,
        "creditor_address": shown.creditor_address,
        "identifier": shown.identifier,
        "reference": made.reference,
        "iban": made.iban,
        "payment_type": shown.payment_type,
        "words": list(shown.sentences),
    }


def revoke(session: Session, mandate_id: int, *, account_id: int, by: str, now: datetime) -> Mandate:
    """The customer takes its own mandate back. Raises MandateNotFoundError, also for another customer's."""
    found = session.get(Mandate, mandate_id)
    if found is None or found.account_id != account_id or found.state not in LIVING:
        raise MandateNotFoundError("There is no such mandate of yours")
    return cancel_mandate(session, mandate_id, why="revoked by the customer on its page", by=by, now=now)


def _tell(session: Session, kernel: Kernel, made: Mandate, shown: Shown, *, now: datetime) -> None:
    write_note(
        session,
        kernel,
        "mandate_signed",
        account_id=made.account_id,
        entity_id=made.entity_id,
        about=f"mandate:{made.id}",
        now=now,
        shown=shown,
        mandate={
            "reference": made.reference,
            "iban": masked(made.iban),
            "signed_on": made.signed_on,
            "name": made.debtor_name,
            "waits_for_bank": made.state is MandateState.UNCONFIRMED,
        },
    )
