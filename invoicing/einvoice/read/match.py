"""Whose an electronic invoice is: the seller among the legal entities, the buyer among the accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sqlmodel import Session, col, select

from ar.core.db import among
from ar.core.errors import DomainError, Fault
from ar.customers.accounts import AccountDraft, account_by_code
from ar.customers.entities import entities
from ar.customers.identifiers import IdentifierError, checked
from ar.customers.models import Account, AccountIdentifier, LegalEntity
from invoicing.einvoice.facts import GLN, LEI, SIREN, SIRET
from invoicing.einvoice.parties import seller as as_party
from invoicing.einvoice.read.told import ToldParty, refused

_SCHEMES = {SIREN: "siren", SIRET: "siret", GLN: "gln", LEI: "lei"}
_ORDER = ("siret", "gln", "vat", "lei", "siren", "code")
"""From what names one place to what a whole group may share; the account's own code last."""


class BuyerUnknownError(DomainError):
    """No account, or more than one, is the buyer: it must be told which, or whether to open one."""

    code = "buyer-unknown"

    def __init__(self, message: str) -> None:
        super().__init__(message, faults=[Fault("/account", message)])


def numbers_of(party: ToldParty) -> dict[str, str]:
    """The numbers of a party that hold, by scheme as accounts keep them; `code` is one of no scheme."""
    found: dict[str, str] = {}
    for scheme, value in _given(party):
        if scheme == "code":
            found.setdefault(scheme, value[:60])
            continue
        try:
            found.setdefault(scheme, checked(scheme, value))
        except IdentifierError:
            continue
    if "siret" in found:
        found.setdefault("siren", found["siret"][:9])
    if found.get("vat", "").startswith("FR"):
        found.setdefault("siren", found["vat"][4:])
    return found


def _given(party: ToldParty) -> Iterator[tuple[str, str]]:
    if party.vat_number:
        yield "vat", party.vat_number
    for number in party.numbers:
        if number.scheme in _SCHEMES:
            yield _SCHEMES[number.scheme], number.value
        elif not number.scheme:
            yield "code", number.value


def seller_of(session: Session, party: ToldParty) -> LegalEntity:
    """The legal entity that issued it: of the same VAT number or SIREN, else of the same name. Refused otherwise."""
    given = numbers_of(party)
    found = entities(session)
    for one in found:
        ours = as_party(one)
        siren = ours.registration.value if ours.registration and ours.registration.scheme == SIREN else None
        if (ours.vat_number and ours.vat_number == given.get("vat")) or (siren and siren == given.get("siren")):
            return one
    named = [one for one in found if one.name.casefold() == party.name.casefold()]
    if len(named) == 1 and not (_numbered(named[0]) and given):
        return named[0]
    told = ", ".join(one.name for one in found) or "none yet"
    raise refused(f"its seller, {party.name[:100]}, is none of the legal entities: {told}")


def _numbered(entity: LegalEntity) -> bool:
    """Whether the entity has a number that would have told it apart."""
    party = as_party(entity)
    return bool(party.vat_number or party.registration)


def buyer_of(session: Session, party: ToldParty, *, account_code: str | None) -> Account | None:
    """The account of the buyer; that of `account_code` when it is given, None when none has a number of it.

    Raises AccountNotFoundError for a code that is none, BuyerUnknownError where several fit equally.
    """
    if account_code:
        return account_by_code(session, account_code)
    given = numbers_of(party)
    if "siren" in given:
        siren = int(given["siren"])
        given.setdefault("vat", f"FR{(12 + 3 * (siren % 97)) % 97:02}{given['siren']}")
    found = _accounts(session, given)
    for scheme in _ORDER:
        if len(found[scheme]) == 1:
            return session.get_one(Account, found[scheme].pop())
    if several := sorted({one for ids in found.values() for one in ids}):
        codes = session.exec(select(Account.code).where(among(session, col(Account.id), several))).all()
        raise BuyerUnknownError(
            f"Several accounts are the buyer, {party.name[:100]}: {', '.join(sorted(codes)[:10])}. Say which"
        )
    return None


def _accounts(session: Session, given: dict[str, str]) -> dict[str, set[int]]:
    """The ids of the accounts that have each of the numbers."""
    found: dict[str, set[int]] = defaultdict(set)
    query = select(AccountIdentifier).where(col(AccountIdentifier.value).in_(list(given.values())))
    for row in session.exec(query):
        if given.get(row.scheme) == row.value:
            found[row.scheme].add(row.account_id)
    if "code" in given:
        ids: Sequence[int | None] = session.exec(select(Account.id).where(col(Account.code) == given["code"])).all()
        found["code"] = {one for one in ids if one is not None}
    return found


def new_account(party: ToldParty, *, currency: str, language: str) -> AccountDraft:
    """The account to open for a buyer that has none. Raises BuyerUnknownError where no number can be its code."""
    given = numbers_of(party)
    code = given.get("code") or given.get("siret") or given.get("siren") or given.get("vat") or given.get("gln")
    if not code:
        raise BuyerUnknownError(
            f"The buyer, {party.name[:100]}, has no number to open an account by: open it, and say its code"
        )
    return AccountDraft(
        code=code,
        legal_name=party.name,
        country=party.country,
        language=language,
        currency=currency,
        street=party.street or None,
        postcode=party.postcode or None,
        city=party.city or None,
        identifiers=tuple((scheme, value) for scheme, value in given.items() if scheme != "code"),
    )
