"""Legal entities: the sellers of the company, and the bank accounts they are paid on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from schwifty import IBAN
from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.calendars import zone_of
from ar.core.errors import ConflictError, DomainError, Fault, NotFoundError
from ar.core.money import exponent
from ar.customers.checks import email_fault, place_faults
from ar.customers.identifiers import IdentifierError, checked
from ar.customers.models import BankAccount, LegalEntity

_NOT_NUMBER = re.compile(r"[^0-9A-Z]+")


class EntityError(DomainError):
    """What was given for a legal entity or its bank account cannot be stored."""

    code = "bad-legal-entity"


class EntityNotFoundError(NotFoundError):
    code = "legal-entity-not-found"


class EntityCodeTakenError(ConflictError):
    code = "legal-entity-code-taken"


@dataclass(frozen=True)
class EntityDraft:
    code: str
    name: str
    country: str
    currency: str
    language: str
    time_zone: str = ""
    email: str | None = None
    phone: str | None = None
    street: str | None = None
    postcode: str | None = None
    city: str | None = None
    vat_number: str | None = None
    registration: str | None = None


def found_entity(session: Session, draft: EntityDraft, *, by: str, now: datetime) -> LegalEntity:
    """The legal entity just founded. Raises EntityError with the faults, or EntityCodeTakenError."""
    zone = draft.time_zone or zone_of(draft.country)
    faults = place_faults(country=draft.country, language=draft.language, currency=draft.currency, time_zone=zone)
    faults += _number_faults(draft.email, draft.vat_number)
    if faults:
        raise EntityError(f"The legal entity was not stored: {faults[0].message}", faults=faults)
    if session.exec(select(LegalEntity.id).where(col(LegalEntity.code) == draft.code)).first() is not None:
        raise EntityCodeTakenError(f"There is a legal entity with the code {draft.code} already")
    made = LegalEntity(**{**asdict(draft), "time_zone": zone})
    session.add(made)
    session.flush()
    record(session, [Act(by, "legal_entity.founded", f"legal_entity:{made.id}", {"after": asdict(draft)})], now=now)
    return made


CHANGEABLE = ("name", "email", "phone", "street", "postcode", "city", "vat_number", "registration")


def change_entity(
    session: Session, entity_id: int, changes: Mapping[str, str | None], *, by: str, now: datetime
) -> LegalEntity:
    """The legal entity with `changes` (of CHANGEABLE fields) made and its version raised; documents made before stay.

    Its code, country and currency are for good. Raises EntityNotFoundError, or EntityError with the faults.
    """
    found = entity(session, entity_id)
    after = {name: changes.get(name, getattr(found, name)) for name in CHANGEABLE}
    faults = [Fault(f"/{name}", f"{name} cannot be changed") for name in changes if name not in CHANGEABLE]
    if not after["name"]:
        faults.append(Fault("/name", "a legal entity has a name"))
    faults += _number_faults(after["email"], after["vat_number"])
    if faults:
        raise EntityError(f"The legal entity was not changed: {faults[0].message}", faults=faults)
    before = {name: getattr(found, name) for name in changes}
    for name, value in changes.items():
        setattr(found, name, value)
    found.version += 1
    session.flush()
    change = {"before": before, "after": dict(changes)}
    record(session, [Act(by, "legal_entity.changed", f"legal_entity:{entity_id}", change)], now=now)
    return found


def _number_faults(email: str | None, vat_number: str | None) -> list[Fault]:
    faults = []
    if email is not None and (wrong := email_fault(email)) is not None:
        faults.append(Fault("/email", wrong))
    if vat_number is not None:
        try:
            checked("vat", vat_number)
        except IdentifierError as error:
            faults.append(Fault("/vat_number", error.message))
    return faults


def entities(session: Session) -> list[LegalEntity]:
    """Every legal entity, the first founded first."""
    return list(session.exec(select(LegalEntity).order_by(col(LegalEntity.id))))


def entity(session: Session, entity_id: int) -> LegalEntity:
    """Raises EntityNotFoundError."""
    found = session.get(LegalEntity, entity_id)
    if found is None:
        raise EntityNotFoundError(f"There is no legal entity {entity_id}")
    return found


def entity_by_code(session: Session, code: str | None) -> LegalEntity:
    """The legal entity of that code, or the only one when no code is given. Raises EntityNotFoundError."""
    found = entities(session)
    if code is None and len(found) == 1:
        return found[0]
    chosen = next((one for one in found if one.code == code), None)
    if chosen is None:
        codes = ", ".join(one.code for one in found) or "none yet: found one first"
        raise EntityNotFoundError(f"Name the legal entity by its code; there are: {codes}")
    return chosen


class BankAccountTakenError(ConflictError):
    """The account is registered already."""

    code = "bank-account-taken"


def bank_accounts(session: Session) -> list[BankAccount]:
    """Every bank account of the company, the first added first."""
    return list(session.exec(select(BankAccount).order_by(col(BankAccount.id))))


def add_bank_account(
    session: Session,
    entity_id: int,
    *,
    iban: str | None = None,
    number: str | None = None,
    holder: str,
    currency: str,
    by: str,
    now: datetime,
) -> BankAccount:
    """The bank account just added: by its IBAN, from which the BIC is derived where the bank is known, or by the
    number that its bank gives it in statements.

    Raises IdentifierError, CurrencyError, EntityError, EntityNotFoundError or BankAccountTakenError.
    """
    entity(session, entity_id)
    exponent(currency)
    bic = None
    if iban is not None:
        usual = checked("iban", iban)
        bic = IBAN(usual).bic
    else:
        usual = _NOT_NUMBER.sub("", (number or "").upper())
        if not 3 <= len(usual) <= 34:
            fault = Fault("/number", "an account number has 3 to 34 letters and digits")
            raise EntityError("The bank account was not stored: give its IBAN, or its number", faults=[fault])
    if session.exec(select(BankAccount.id).where(col(BankAccount.iban) == usual)).first() is not None:
        raise BankAccountTakenError(f"The bank account {usual} is registered already")
    made = BankAccount(
        entity_id=entity_id,
        iban=usual,
        is_iban=iban is not None,
        bic=str(bic) if bic else None,
        holder=holder,
        currency=currency,
    )
    session.add(made)
    session.flush()
    change = {"after": {"iban" if iban is not None else "number": usual, "currency": currency}}
    record(session, [Act(by, "bank_account.added", f"legal_entity:{entity_id}", change)], now=now)
    return made
