"""Accounts and their contacts: opening, changing, finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlmodel import Session, col
from sqlmodel import select as pick
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.audit import Act, record
from ar.core.calendars import zone_of
from ar.core.db import among
from ar.core.errors import ConflictError, DomainError, Fault, NotFoundError
from ar.customers.checks import email_fault, place_faults
from ar.customers.identifiers import IdentifierError, checked
from ar.customers.models import Account, AccountIdentifier, AccountKind, Channel, Contact, ContactRole


class AccountError(DomainError):
    """What was given for an account or contact cannot be stored; the faults say where and why."""

    code = "bad-account"


class AccountNotFoundError(NotFoundError):
    code = "account-not-found"


class ContactNotFoundError(NotFoundError):
    code = "contact-not-found"


class AccountCodeTakenError(ConflictError):
    code = "account-code-taken"


@dataclass(frozen=True)
class ContactDraft:
    name: str = ""
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    roles: tuple[str, ...] = (ContactRole.BILLING, ContactRole.PAYING)
    preferred_channel: Channel = Channel.EMAIL


@dataclass(frozen=True)
class AccountDraft:
    """A customer to open. The time zone is the country's when none is given."""

    code: str
    legal_name: str
    country: str
    language: str
    currency: str
    kind: AccountKind = AccountKind.COMPANY
    time_zone: str = ""
    street: str | None = None
    postcode: str | None = None
    city: str | None = None
    parent_id: int | None = None
    segment: str | None = None
    owner_id: int | None = None
    sales_owner_id: int | None = None
    identifiers: tuple[tuple[str, str], ...] = ()
    contacts: tuple[ContactDraft, ...] = field(default=())


def open_account(session: Session, draft: AccountDraft, *, by: str, now: datetime) -> Account:
    """The account just opened, with its identifiers and contacts.

    Raises AccountError naming every fault, AccountCodeTakenError, or AccountNotFoundError for an unknown parent.
    """
    zone = draft.time_zone or zone_of(draft.country)
    faults = place_faults(country=draft.country, language=draft.language, currency=draft.currency, time_zone=zone)
    faults += [
        Fault(f"/contacts/{n}{fault.pointer}", fault.message)
        for n, contact in enumerate(draft.contacts)
        for fault in contact_faults(contact)
    ]
    identifiers, wrong = _identifiers(draft.identifiers)
    faults += wrong
    if not draft.code.strip() or not draft.legal_name.strip():
        faults.append(Fault("/code", "an account needs a code and a legal name"))
    if faults:
        raise AccountError(f"The account was not opened: {faults[0].message}", faults=faults)
    if session.exec(pick(Account.id).where(col(Account.code) == draft.code)).first() is not None:
        raise AccountCodeTakenError(f"There is an account with the code {draft.code} already")
    if draft.parent_id is not None:
        account(session, draft.parent_id)
    made = Account(
        code=draft.code,
        legal_name=draft.legal_name,
        country=draft.country,
        language=draft.language,
        currency=draft.currency,
        kind=draft.kind,
        time_zone=zone,
        street=draft.street,
        postcode=draft.postcode,
        city=draft.city,
        parent_id=draft.parent_id,
        segment=draft.segment,
        owner_id=draft.owner_id,
        sales_owner_id=draft.sales_owner_id,
        created_at=now,
    )
    session.add(made)
    session.flush()
    assert made.id is not None
    session.add_all(AccountIdentifier(account_id=made.id, scheme=s, value=v) for s, v in identifiers)
    session.add_all(_contact(made.id, contact) for contact in draft.contacts)
    session.flush()
    record(session, [Act(by, "account.opened", f"account:{made.id}", {"after": asdict(draft)})], now=now)
    return made


def _identifiers(given: Sequence[tuple[str, str]]) -> tuple[list[tuple[str, str]], list[Fault]]:
    good, faults = [], []
    for n, (scheme, value) in enumerate(given):
        try:
            good.append((scheme, checked(scheme, value)))
        except IdentifierError as error:
            faults.append(Fault(f"/identifiers/{n}", error.message))
    return good, faults


def _contact(account_id: int, draft: ContactDraft) -> Contact:
    return Contact(
        account_id=account_id,
        name=draft.name,
        email=draft.email,
        phone=draft.phone,
        language=draft.language,
        roles=list(draft.roles),
        preferred_channel=draft.preferred_channel,
    )


def contact_faults(draft: ContactDraft) -> list[Fault]:
    """What is wrong with a contact; empty when nothing is."""
    faults = []
    if draft.email is not None and (wrong := email_fault(draft.email)) is not None:
        faults.append(Fault("/email", wrong))
    if draft.email is None and draft.phone is None:
        faults.append(Fault("/email", "a contact needs an e-mail address or a telephone number"))
    known = {role.value for role in ContactRole}
    faults += [
        Fault("/roles", f"{role[:20]!r} is not a contact's role: choose of {', '.join(sorted(known))}")
        for role in draft.roles
        if role not in known
    ]
    return faults


def account(session: Session, account_id: int) -> Account:
    """The account of that id. Raises AccountNotFoundError."""
    found = session.get(Account, account_id)
    if found is None:
        raise AccountNotFoundError(f"There is no account {account_id}")
    return found


def account_by_code(session: Session, code: str) -> Account:
    """The account of that code. Raises AccountNotFoundError."""
    found = session.exec(pick(Account).where(col(Account.code) == code)).first()
    if found is None:
        raise AccountNotFoundError(f"There is no account with the code {code[:60]}")
    return found


def search(q: str = "", segment: str = "", owner_id: int | None = None) -> SelectOfScalar[Account]:
    """A query for the accounts whose code starts with `q` or whose name holds it, of a segment or owner if given."""
    query = pick(Account)
    if q:
        literal = q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        query = query.where(
            or_(
                col(Account.legal_name).ilike(f"%{literal}%", escape="\\"),
                col(Account.code).ilike(f"{literal}%", escape="\\"),
            )
        )
    if segment:
        query = query.where(col(Account.segment) == segment)
    if owner_id is not None:
        query = query.where(col(Account.owner_id) == owner_id)
    return query


def segments(session: Session) -> list[str]:
    """The segments that accounts are in, in alphabetical order."""
    query = select(col(Account.segment)).where(col(Account.segment).is_not(None)).distinct()
    return sorted(name for name in session.connection().execute(query).scalars() if name)


CHANGEABLE = (
    "legal_name",
    "country",
    "language",
    "currency",
    "kind",
    "time_zone",
    "street",
    "postcode",
    "city",
    "parent_id",
    "segment",
    "owner_id",
    "sales_owner_id",
)


def change_account(session: Session, account_id: int, changes: Mapping[str, Any], *, by: str, now: datetime) -> Account:
    """The account with `changes` (of CHANGEABLE fields) made and its version raised.

    Raises AccountNotFoundError, or AccountError for values that cannot be, among them a parent that is its child.
    """
    found = account(session, account_id)
    before = {name: getattr(found, name) for name in changes}
    after = {name: changes.get(name, getattr(found, name)) for name in CHANGEABLE}
    faults = place_faults(
        country=after["country"],
        language=after["language"],
        currency=after["currency"],
        time_zone=after["time_zone"],
    )
    faults += [Fault(f"/{name}", f"{name} cannot be changed") for name in changes if name not in CHANGEABLE]
    if after["parent_id"] is not None and account_id in _ancestors(session, after["parent_id"]):
        faults.append(Fault("/parent_id", "an account cannot be its own parent, directly or through others"))
    if faults:
        raise AccountError(f"The account was not changed: {faults[0].message}", faults=faults)
    for name, value in changes.items():
        setattr(found, name, value)
    found.version += 1
    session.flush()
    change = {"before": before, "after": dict(changes)}
    record(session, [Act(by, "account.changed", f"account:{account_id}", change)], now=now)
    return found


def _ancestors(session: Session, account_id: int) -> set[int]:
    """The account and every parent above it. Raises AccountNotFoundError when there is no such account."""
    account(session, account_id)
    up = select(col(Account.id), col(Account.parent_id)).where(col(Account.id) == account_id).cte("up", recursive=True)
    up = up.union(select(col(Account.id), col(Account.parent_id)).join(up, col(Account.id) == up.c.parent_id))
    return set(session.connection().execute(select(up.c.id)).scalars())


def children(session: Session, account_id: int) -> list[Account]:
    """The accounts whose parent this one is, by name."""
    query = pick(Account).where(col(Account.parent_id) == account_id).order_by(col(Account.legal_name))
    return list(session.exec(query))


def identifiers_of(session: Session, account_id: int) -> list[AccountIdentifier]:
    query = pick(AccountIdentifier).where(col(AccountIdentifier.account_id) == account_id)
    return list(session.exec(query.order_by(col(AccountIdentifier.scheme), col(AccountIdentifier.value))))


def add_identifier(
    session: Session, account_id: int, scheme: str, value: str, *, by: str, now: datetime
) -> AccountIdentifier:
    """The identifier, checked and stored; the one there already when it is known. Raises IdentifierError."""
    account(session, account_id)
    usual = checked(scheme, value)
    known = next((i for i in identifiers_of(session, account_id) if (i.scheme, i.value) == (scheme, usual)), None)
    if known is not None:
        return known
    made = AccountIdentifier(account_id=account_id, scheme=scheme, value=usual)
    session.add(made)
    session.flush()
    change = {"after": {"scheme": scheme, "value": usual}}
    record(session, [Act(by, "account.identifier_added", f"account:{account_id}", change)], now=now)
    return made


def contacts_of(session: Session, account_id: int) -> list[Contact]:
    """The account's contacts, the first made first."""
    query = pick(Contact).where(col(Contact.account_id) == account_id).order_by(col(Contact.id))
    return list(session.exec(query))


def add_contact(session: Session, account_id: int, draft: ContactDraft, *, by: str, now: datetime) -> Contact:
    """The contact just added. Raises AccountNotFoundError, or AccountError with the faults."""
    account(session, account_id)
    if faults := contact_faults(draft):
        raise AccountError(f"The contact was not added: {faults[0].message}", faults=faults)
    made = _contact(account_id, draft)
    session.add(made)
    session.flush()
    change = {"after": {**asdict(draft), "contact_id": made.id}}
    record(session, [Act(by, "contact.added", f"account:{account_id}", change)], now=now)
    return made


def change_contact(
    session: Session, account_id: int, contact_id: int, draft: ContactDraft, *, by: str, now: datetime
) -> Contact:
    """The contact as `draft` now has it. A new address or number clears what failed before.

    Raises ContactNotFoundError, also for a contact of another account, or AccountError with the faults.
    """
    found = session.get(Contact, contact_id)
    if found is None or found.account_id != account_id:
        raise ContactNotFoundError(f"Account {account_id} has no contact {contact_id}")
    if faults := contact_faults(draft):
        raise AccountError(f"The contact was not changed: {faults[0].message}", faults=faults)
    before = {name: getattr(found, name) for name in asdict(draft)}
    if draft.email != found.email:
        found.bounced_at = None
    if draft.phone != found.phone:
        found.phone_bad_at = None
    for name, value in asdict(draft).items():
        setattr(found, name, list(value) if name == "roles" else value)
    found.version += 1
    session.flush()
    change = {"before": {**before, "contact_id": contact_id}, "after": asdict(draft)}
    record(session, [Act(by, "contact.changed", f"account:{account_id}", change)], now=now)
    return found


def opt_out(session: Session, account_id: int, contact_id: int, *, by: str, now: datetime) -> Contact:
    """The contact, who gets no more courtesy mail; notices that the law wants still go. Doing it twice changes nothing.

    Raises ContactNotFoundError, also for another account's contact.
    """
    found = session.get(Contact, contact_id)
    if found is None or found.account_id != account_id:
        raise ContactNotFoundError(f"There is no contact {contact_id}")
    if found.opted_out_at is None:
        found.opted_out_at = now
        session.flush()
        change = {"after": {"contact_id": contact_id}}
        record(session, [Act(by, "contact.opted_out", f"account:{account_id}", change)], now=now)
    return found


def reachable_contacts(session: Session, account_ids: Sequence[int]) -> dict[int, Contact]:
    """For each account the contact to write to: the first with an address that has not bounced."""
    first = (
        select(func.min(col(Contact.id)))
        .where(
            among(session, col(Contact.account_id), account_ids),
            col(Contact.email).is_not(None),
            col(Contact.bounced_at).is_(None),
        )
        .group_by(col(Contact.account_id))
    )
    found = session.exec(pick(Contact).where(col(Contact.id).in_(first)))
    return {contact.account_id: contact for contact in found}


def accounts_by_id(session: Session, account_ids: Sequence[int]) -> dict[int, Account]:
    """Accounts by their ids, those that there are."""
    found = session.exec(pick(Account).where(among(session, col(Account.id), account_ids)))
    return {one.id: one for one in found if one.id is not None}


def names_of(session: Session, account_ids: Sequence[int]) -> dict[int, str]:
    """Legal names by account id."""
    query = select(col(Account.id), col(Account.legal_name)).where(among(session, col(Account.id), account_ids))
    return {row.id: row.legal_name for row in session.connection().execute(query) if row.id is not None}
