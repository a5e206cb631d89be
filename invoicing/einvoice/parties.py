"""Sellers and buyers as electronic invoices name them: their numbers, and the schemes these are of. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ar.customers.identifiers import IdentifierError, checked
from ar.customers.models import Account, AccountIdentifier, LegalEntity
from invoicing.einvoice.facts import GLN, LEI, SIREN, SIRET, Number, Party

_VAT_SCHEMES = {
    "AT": "9914", "BE": "9925", "BG": "9926", "CH": "9927", "CY": "9928", "CZ": "9929", "DE": "9930", "EE": "9931",
    "EL": "9933", "ES": "9920", "FR": "9957", "GB": "9932", "HR": "9934", "HU": "9910", "IE": "9935", "IT": "0211",
    "LT": "9937", "LU": "9938", "LV": "9939", "MT": "9943", "NL": "9944", "PL": "9945", "PT": "9946", "RO": "9947",
    "SI": "9949", "SK": "9950",
}  # fmt: skip
"""The schemes of VAT numbers as addresses, of the list EAS, by the letters that a number begins with."""


def seller(entity: LegalEntity) -> Party:
    """The seller; a SIREN or SIRET is told from another registration by its check digits."""
    numbers: dict[str, str] = {}
    registration = None
    if entity.registration:
        for scheme in ("siren", "siret"):
            if entity.country == "FR" and (usual := _usual(scheme, entity.registration)):
                numbers[scheme] = usual
        registration = None if numbers else Number(entity.registration)
    if entity.vat_number and (vat := _usual("vat", entity.vat_number)):
        numbers["vat"] = vat
    return Party(
        name=entity.name,
        country=entity.country,
        street=entity.street or "",
        postcode=entity.postcode or "",
        city=entity.city or "",
        vat_number=numbers.get("vat", ""),
        registration=registration or _registration(numbers),
        endpoint=_endpoint(numbers),
        email=entity.email or "",
        phone=entity.phone or "",
    )


def buyer(account: Account, identifiers: Sequence[AccountIdentifier]) -> Party:
    """The buyer, with those of its identifiers that electronic invoices have a place for."""
    numbers = {identifier.scheme: identifier.value for identifier in reversed(identifiers)}
    return Party(
        name=account.legal_name,
        country=account.country,
        street=account.street or "",
        postcode=account.postcode or "",
        city=account.city or "",
        vat_number=numbers.get("vat", ""),
        registration=_registration(numbers),
        endpoint=_endpoint(numbers),
    )


def _usual(scheme: str, value: str) -> str | None:
    try:
        return checked(scheme, value)
    except IdentifierError:
        return None


def _registration(numbers: Mapping[str, str]) -> Number | None:
    """The number of the legal person: its SIREN, which French VAT numbers and SIRETs hold too, or its LEI."""
    siren = numbers.get("siren") or numbers.get("siret", "")[:9]
    if not siren and numbers.get("vat", "").startswith("FR"):
        siren = _usual("siren", numbers["vat"][4:]) or ""
    if siren:
        return Number(siren, SIREN)
    return Number(numbers["lei"], LEI) if "lei" in numbers else None


def _endpoint(numbers: Mapping[str, str]) -> Number | None:
    """The address on the networks of electronic invoices, the most precise first."""
    for name, scheme in (("gln", GLN), ("siret", SIRET), ("siren", SIREN), ("lei", LEI)):
        if name in numbers:
            return Number(numbers[name], scheme)
    vat = numbers.get("vat", "")
    return Number(vat, _VAT_SCHEMES[vat[:2]]) if vat[:2] in _VAT_SCHEMES else None
