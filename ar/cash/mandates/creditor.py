"""A legal entity as creditor, and how its bank accounts collect."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from schwifty import IBAN
from sqlmodel import Session, select
from stdnum.eu import at_02
from stdnum.exceptions import ValidationError

from ar.cash.mandates.models import CollectionAccount, FileSchema, SepaCreditor
from ar.core.audit import Act, record
from ar.core.errors import ConflictError, DomainError, Fault, NotFoundError
from ar.customers.entities import entity
from ar.customers.models import BankAccount


class CreditorError(DomainError):
    """The identifier, or how an account is to collect, cannot be stored; the faults say why."""

    code = "bad-creditor"


class NoCreditorError(ConflictError):
    """The legal entity has no creditor identifier, or the bank account was not set up to collect."""

    code = "no-creditor"


@dataclass(frozen=True)
class AccountTerms:
    """How a bank account collects: see CollectionAccount."""

    file_schema: FileSchema = FileSchema.PAIN_008_08
    lead_days: int = 1
    settle_days: int | None = 5
    says_first: bool = False


def set_creditor(
    session: Session, entity_id: int, *, identifier: str, notice_days: int, by: str, now: datetime
) -> SepaCreditor:
    """The legal entity with that creditor identifier from now on. Raises EntityNotFoundError, CreditorError."""
    entity(session, entity_id)
    try:
        usual = at_02.validate(identifier.strip())
    except (ValidationError, ValueError):
        message = (
            f"{identifier[:40]!a} is not a SEPA creditor identifier: copy it from your bank's or central bank's letter"
        )
        raise CreditorError(message, faults=[Fault("/identifier", message)]) from None
    if not 1 <= notice_days <= 60:
        message = "customers are told from 1 to 60 days before"
        raise CreditorError(message, faults=[Fault("/notice_days", message)])
    found = session.get(SepaCreditor, entity_id) or SepaCreditor(entity_id=entity_id, identifier=usual)
    before = found.identifier
    found.identifier, found.notice_days = usual, notice_days
    session.add(found)
    session.flush()
    change = {"before": before, "identifier": usual, "notice_days": notice_days}
    record(session, [Act(by, "creditor.set", f"legal_entity:{entity_id}", change)], now=now)
    return found


def set_account(
    session: Session, entity_id: int, bank_account_id: int, terms: AccountTerms, *, by: str, now: datetime
) -> CollectionAccount:
    """The bank account, set up to collect on these terms from now on.

    Raises NotFoundError for an account that is not this legal entity's, CreditorError for one that cannot collect.
    """
    bank = session.get(BankAccount, bank_account_id)
    if bank is None or bank.entity_id != entity_id:
        raise NotFoundError(f"Legal entity {entity_id} has no bank account {bank_account_id}")
    faults = []
    if bank.currency != "EUR":
        faults.append(Fault("/bank_account_id", "SEPA direct debits are in euros: choose an account in EUR"))
    if terms.file_schema is FileSchema.PAIN_008_02 and bank.bic is None:
        faults.append(Fault("/file_schema", "pain.008.001.02 names our bank's BIC, which is not known: choose .08"))
    if not 1 <= terms.lead_days <= 14:
        faults.append(Fault("/lead_days", "a bank wants the file 1 to 14 TARGET days before"))
    if terms.settle_days is not None and not 1 <= terms.settle_days <= 30:
        faults.append(Fault("/settle_days", "from 1 to 30 TARGET days, or none"))
    if faults:
        raise CreditorError(f"The account cannot collect so: {faults[0].message}", faults=faults)
    found = session.get(CollectionAccount, bank_account_id)
    if found is None:
        found = CollectionAccount(bank_account_id=bank_account_id, entity_id=entity_id, **asdict(terms))
    for name, value in asdict(terms).items():
        setattr(found, name, value)
    session.add(found)
    session.flush()
    change = {"bank_account_id": bank_account_id, **asdict(terms)}
    record(session, [Act(by, "collection_account.set", f"legal_entity:{entity_id}", change)], now=now)
    return found


def creditor(session: Session, entity_id: int) -> SepaCreditor:
    """Raises NoCreditorError, with the way out."""
    found = session.get(SepaCreditor, entity_id)
    if found is None:
        raise NoCreditorError(f"Legal entity {entity_id} has no SEPA creditor identifier yet: set it first")
    return found


def creditors(session: Session) -> dict[int, SepaCreditor]:
    """Every legal entity that collects, by its id."""
    return {found.entity_id: found for found in session.exec(select(SepaCreditor))}


def collection_account(session: Session, bank_account_id: int) -> tuple[CollectionAccount, BankAccount]:
    """How an account collects, and the account. Raises NoCreditorError for one that was not set up."""
    found, bank = session.get(CollectionAccount, bank_account_id), session.get(BankAccount, bank_account_id)
    if found is None or bank is None:
        raise NoCreditorError(f"Bank account {bank_account_id} is not set up to collect: say how first")
    return found, bank


def usual_iban(text: str, pointer: str = "/iban") -> tuple[str, str | None]:
    """A debtor's IBAN in its usual form, and its bank's BIC where that is known. Raises CreditorError."""
    try:
        iban = IBAN(text.strip())
    except ValueError:
        message = "is not a valid IBAN: copy it from the account's papers, country letters first"
        raise CreditorError(f"The number {message}", faults=[Fault(pointer, message)]) from None
    if not iban.in_sepa_zone:
        message = f"accounts of {iban.country_code} cannot be debited by SEPA"
        raise CreditorError(message, faults=[Fault(pointer, message)])
    return str(iban), str(iban.bic) if iban.bic else None
