"""The life of a mandate: written down, signed, confirmed by the bank, moved to another account, ended."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from dateutil.relativedelta import relativedelta
from sqlalchemy import func, update
from sqlmodel import Session, col, select

from ar.cash.mandates.charset import reference_fault, sepa_text
from ar.cash.mandates.creditor import creditor, usual_iban
from ar.cash.mandates.models import LIVING, Mandate, MandateAmendment, MandateState, Scheme
from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.db import among, table
from ar.core.errors import ConflictError, DomainError, Fault, NotFoundError
from ar.core.files import store
from ar.core.kernel import Kernel
from ar.customers.accounts import account
from ar.customers.entities import entity
from ar.customers.models import Account, AccountKind

UNUSED_MONTHS = 36
"""A mandate under which nothing was collected for so long lapses, by the rules of the scheme."""


class MandateError(DomainError):
    """The mandate cannot be as it is given; the faults say where."""

    code = "bad-mandate"


class MandateNotFoundError(NotFoundError):
    code = "mandate-not-found"


class MandateExistsError(ConflictError):
    """The customer has a mandate for this creditor, or the reference is taken."""

    code = "mandate-exists"


class MandateStateError(ConflictError):
    """The mandate is in no state for that."""

    code = "mandate-state"


@dataclass(frozen=True)
class MandateDraft:
    """A mandate to write down; see Mandate. Without `reference` one is made."""

    entity_id: int
    account_id: int
    scheme: Scheme
    debtor_name: str
    iban: str
    reference: str | None = None
    one_off: bool = False
    automatic: bool = True
    limit_minor: int | None = None
    notice_days: int | None = None


def create_mandate(session: Session, draft: MandateDraft, *, by: str, now: datetime) -> Mandate:
    """The mandate, written down and not signed yet.

    Raises AccountNotFoundError, EntityNotFoundError, NoCreditorError, CreditorError (the IBAN), MandateError, or
    MandateExistsError: a customer has one living mandate for each creditor.
    """
    account(session, draft.account_id)
    entity(session, draft.entity_id)
    creditor(session, draft.entity_id)
    customer = session.exec(select(Account).where(Account.id == draft.account_id).with_for_update()).one()
    iban, bic = usual_iban(draft.iban)
    name = sepa_text(draft.debtor_name, 70)
    reference = draft.reference or f"M{draft.entity_id}-{draft.account_id}-{secrets.token_hex(4).upper()}"
    _check(draft, customer, name, reference)
    known = session.exec(
        select(Mandate).where(
            Mandate.entity_id == draft.entity_id,
            (col(Mandate.reference) == reference)
            | ((col(Mandate.account_id) == draft.account_id) & col(Mandate.state).in_(LIVING)),
        )
    ).first()
    if known is not None:
        raise MandateExistsError(
            f"There is the mandate {known.reference} ({known.state.value}) already: cancel it first, "
            "or use another reference"
        )
    made = Mandate(
        entity_id=draft.entity_id,
        account_id=draft.account_id,
        scheme=draft.scheme,
        reference=reference,
        debtor_name=name,
        iban=iban,
        bic=bic,
        one_off=draft.one_off,
        automatic=draft.automatic,
        limit_minor=draft.limit_minor,
        notice_days=draft.notice_days,
        state=MandateState.UNSIGNED,
        created_by=by,
        created_at=now,
        updated_at=now,
    )
    session.add(made)
    session.flush()
    change = {"reference": reference, "scheme": draft.scheme.value, "iban": masked(iban), "name": name}
    _record(session, made, "mandate.created", change, by=by, now=now)
    return made


def _check(draft: MandateDraft, customer: Account, name: str, reference: str) -> None:
    faults = []
    if not name.strip(". "):
        faults.append(Fault("/debtor_name", "the account holder's name has letters"))
    if (wrong := reference_fault(reference)) is not None:
        faults.append(Fault("/reference", f"a mandate reference {wrong}"))
    if draft.scheme is Scheme.B2B and customer.kind is AccountKind.CONSUMER:
        faults.append(Fault("/scheme", "the B2B scheme is between professionals; this customer is a consumer"))
    if draft.limit_minor is not None and draft.limit_minor <= 0:
        faults.append(Fault("/limit_minor", "must be above zero"))
    if draft.notice_days is not None and not 1 <= draft.notice_days <= 60:
        faults.append(Fault("/notice_days", "customers are told from 1 to 60 days before"))
    if faults:
        raise MandateError(f"The mandate was not written down: {faults[0].message}", faults=faults)


def masked(iban: str) -> str:
    """An IBAN as it is shown: its country, and its last four characters."""
    return f"{iban[:4]} … {iban[-4:]}"


def locked_mandate(session: Session, mandate_id: int) -> Mandate:
    """The mandate, locked until this transaction ends. Raises MandateNotFoundError."""
    query = select(Mandate).where(Mandate.id == mandate_id).with_for_update()
    found = session.exec(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise MandateNotFoundError(f"There is no mandate {mandate_id}")
    return found


def mandate_by_id(session: Session, mandate_id: int) -> Mandate:
    """Raises MandateNotFoundError."""
    found = session.get(Mandate, mandate_id)
    if found is None:
        raise MandateNotFoundError(f"There is no mandate {mandate_id}")
    return found


def living_mandate(session: Session, account_id: int, entity_id: int) -> Mandate | None:
    """The customer's mandate for this creditor that may still be used, if there is one."""
    query = select(Mandate).where(
        Mandate.account_id == account_id, Mandate.entity_id == entity_id, col(Mandate.state).in_(LIVING)
    )
    return session.exec(query).first()


def sign_on_paper(
    session: Session,
    kernel: Kernel,
    mandate_id: int,
    *,
    signed_on: date,
    name: str,
    content: bytes,
    media_type: str,
    by: str,
    now: datetime,
) -> Mandate:
    """Keep the signed paper as evidence: the mandate is signed, or has a better copy of its paper.

    Raises MandateNotFoundError, MandateStateError, MandateError, FileRefusedError, FileTooLargeError.
    """
    found = locked_mandate(session, mandate_id)
    if found.state not in LIVING:
        raise MandateStateError(f"Mandate {found.reference} is {found.state.value}: it cannot be signed any more")
    today = local_date(now, entity(session, found.entity_id).time_zone)
    if not today - relativedelta(months=UNUSED_MONTHS) < signed_on <= today:
        message = f"a signature is from the last {UNUSED_MONTHS} months, today at the latest"
        raise MandateError(message, faults=[Fault("/signed_on", message)])
    settings = kernel.settings
    stored = store(
        session,
        settings.files,
        name=name,
        content=content,
        media_type=media_type,
        subject_ref=f"mandate:{mandate_id}",
        stored_by=by,
        max_bytes=settings.max_upload_mb * 2**20,
        now=now,
    )
    found.evidence_file_id = stored.id
    change = {"signed_on": signed_on, "file": stored.sha256}
    become_signed(session, found, signed_on, change, by=by, now=now)
    return found


def become_signed(
    session: Session, found: Mandate, signed_on: date, change: dict[str, Any], *, by: str, now: datetime
) -> None:
    """A locked mandate has its evidence: it may be used, or waits for the debtor's bank."""
    found.signed_on = signed_on
    if found.state is MandateState.UNSIGNED:
        waits = found.scheme is Scheme.B2B and found.bank_confirmed_on is None
        found.state = MandateState.UNCONFIRMED if waits else MandateState.ACTIVE
    _moved(session, found, "mandate.signed", change, by=by, now=now)


def confirm_by_bank(session: Session, mandate_id: int, *, on: date, by: str, now: datetime) -> Mandate:
    """The debtor's bank has confirmed a B2B mandate. Raises MandateNotFoundError, MandateStateError, MandateError."""
    found = locked_mandate(session, mandate_id)
    if found.scheme is not Scheme.B2B or found.state not in (MandateState.UNSIGNED, MandateState.UNCONFIRMED):
        raise MandateStateError("Only a B2B mandate that waits for the debtor's bank is confirmed by it")
    if on > local_date(now, entity(session, found.entity_id).time_zone):
        raise MandateError("The day of confirmation is to come", faults=[Fault("/on", "is after today")])
    found.bank_confirmed_on = on
    if found.state is MandateState.UNCONFIRMED:
        found.state = MandateState.ACTIVE
    _moved(session, found, "mandate.confirmed", {"on": on}, by=by, now=now)
    return found


def amend_account(session: Session, mandate_id: int, *, iban: str, by: str, now: datetime) -> Mandate:
    """Move the mandate to another account of the debtor; the next collection tells the bank.

    A mandate suspended for the old account is active again; a B2B one waits for the new bank. Raises
    MandateNotFoundError, MandateStateError, CreditorError.
    """
    found = locked_mandate(session, mandate_id)
    if found.state not in LIVING:
        raise MandateStateError(f"Mandate {found.reference} is {found.state.value}: it cannot be changed")
    usual, bic = usual_iban(iban)
    if usual == found.iban:
        raise MandateError("The mandate is on that account already", faults=[Fault("/iban", "is the present one")])
    if found.last_used_on is not None:  # before, no bank knows of the old account
        session.add(
            MandateAmendment(mandate_id=mandate_id, old_iban=found.iban, new_iban=usual, changed_by=by, changed_at=now)
        )
    change = {"from": masked(found.iban), "to": masked(usual)}
    found.iban, found.bic = usual, bic
    if found.scheme is Scheme.B2B and found.state is not MandateState.UNSIGNED:
        found.bank_confirmed_on, found.state = None, MandateState.UNCONFIRMED
    elif found.state is MandateState.SUSPENDED:
        found.state, found.state_reason = MandateState.ACTIVE, ""
    _moved(session, found, "mandate.amended", change, by=by, now=now)
    return found


def set_wishes(
    session: Session, mandate_id: int, *, automatic: bool, limit_minor: int | None, final: bool, by: str, now: datetime
) -> Mandate:
    """What the customer wants of its mandate: due items collected unasked, at most so much, a last time.

    Raises MandateNotFoundError, MandateStateError, MandateError.
    """
    found = locked_mandate(session, mandate_id)
    if found.state not in LIVING:
        raise MandateStateError(f"Mandate {found.reference} is {found.state.value}: it cannot be changed")
    if limit_minor is not None and limit_minor <= 0:
        raise MandateError("The limit must be above zero", faults=[Fault("/limit_minor", "must be above zero")])
    found.automatic, found.limit_minor, found.final = automatic, limit_minor, final
    change = {"automatic": automatic, "limit_minor": limit_minor, "final": final}
    _moved(session, found, "mandate.wishes", change, by=by, now=now)
    return found


def suspend(session: Session, found: Mandate, *, why: str, by: str, now: datetime) -> None:
    """Collect nothing under a locked mandate until a person, or a new account, lifts it."""
    if found.state not in (MandateState.ACTIVE, MandateState.UNCONFIRMED):
        return
    found.state, found.state_reason = MandateState.SUSPENDED, why[:400]
    _moved(session, found, "mandate.suspended", {"why": why}, by=by, now=now)


def reinstate(session: Session, mandate_id: int, *, why: str, by: str, now: datetime) -> Mandate:
    """A person has cleared a suspended mandate: it is active. Raises MandateNotFoundError, MandateStateError."""
    found = locked_mandate(session, mandate_id)
    if found.state is not MandateState.SUSPENDED:
        raise MandateStateError(f"Mandate {found.reference} is {found.state.value}, not suspended")
    waits = found.scheme is Scheme.B2B and found.bank_confirmed_on is None
    found.state, found.state_reason = (MandateState.UNCONFIRMED if waits else MandateState.ACTIVE), ""
    _moved(session, found, "mandate.reinstated", {"why": why}, by=by, now=now)
    return found


def cancel_mandate(session: Session, mandate_id: int, *, why: str, by: str, now: datetime) -> Mandate:
    """End a mandate: nothing is collected under it from now on. Raises MandateNotFoundError, MandateStateError."""
    found = locked_mandate(session, mandate_id)
    if found.state not in LIVING:
        raise MandateStateError(f"Mandate {found.reference} is {found.state.value} already")
    found.state, found.state_reason = MandateState.CANCELLED, why[:400]
    _moved(session, found, "mandate.cancelled", {"why": why}, by=by, now=now)
    return found


def lapse_unused(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """Job: end the signed mandates under which nothing was collected for 36 months; how many, in words."""
    since = now.date() - relativedelta(months=UNUSED_MONTHS)
    states = (MandateState.UNCONFIRMED, MandateState.ACTIVE, MandateState.SUSPENDED)
    with kernel.database.transaction() as session:
        query = select(Mandate.id).where(
            col(Mandate.state).in_(states), func.coalesce(col(Mandate.last_used_on), col(Mandate.signed_on)) <= since
        )
        ids: Sequence[int] = [found for found in session.exec(query.with_for_update()) if found is not None]
        change = {"state": MandateState.LAPSED, "state_reason": f"unused for {UNUSED_MONTHS} months", "updated_at": now}
        session.connection().execute(
            update(table(Mandate)).where(among(session, col(Mandate.id), ids)).values(**change)
        )
        record(
            session,
            [Act("system", "mandate.lapsed", f"mandate:{found}", {"unused_since": since}) for found in ids],
            now=now,
        )
    return f"{len(ids)} mandates lapsed"


def _moved(session: Session, found: Mandate, action: str, change: dict[str, Any], *, by: str, now: datetime) -> None:
    found.updated_at = now
    session.add(found)
    session.flush()
    _record(session, found, action, change | {"state": found.state.value}, by=by, now=now)


def _record(session: Session, found: Mandate, action: str, change: dict[str, Any], *, by: str, now: datetime) -> None:
    record(session, [Act(by, action, f"mandate:{found.id}", change)], now=now)
