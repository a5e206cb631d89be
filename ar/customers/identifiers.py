"""Numbers that name a company elsewhere: brought to their usual form, and checked, before they are stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException
from stdnum import ean, lei
from stdnum.ch import vat as swiss
from stdnum.eu import vat
from stdnum.exceptions import ValidationError
from stdnum.fr import siren, siret
from stdnum.gb import vat as british
from stdnum.no import mva as norwegian

from ar.core.errors import DomainError


class IdentifierError(DomainError):
    """Not a valid number of its kind, or a kind that is not known."""

    code = "bad-identifier"


def _iban(value: str) -> str:
    return str(IBAN(value))


def _bic(value: str) -> str:
    return str(BIC(value))


def _vat(value: str) -> str:
    """Of the Union and its neighbours, the letters of the country before the number."""
    letters = value.lstrip()[:2].upper()
    if letters == "CH":
        return str(swiss.validate(value))
    if letters in ("GB", "NO"):
        module = british if letters == "GB" else norwegian
        return f"{letters}{module.validate(value)}"
    return str(vat.validate(value))


SCHEMES: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "vat": ("European VAT number", _vat),
    "siren": ("SIREN", siren.validate),
    "siret": ("SIRET", siret.validate),
    "lei": ("legal entity identifier", lei.validate),
    "gln": ("global location number", ean.validate),
    "iban": ("IBAN", _iban),
    "bic": ("BIC", _bic),
}
"""Scheme -> (its name, what brings a value to its usual form or raises)."""


def checked(scheme: str, value: str) -> str:
    """`value` in the usual form of `scheme`. Raises IdentifierError, saying which scheme it fails."""
    if scheme not in SCHEMES:
        raise IdentifierError(f"{scheme[:20]!r} is not a kind of identifier: choose one of {', '.join(SCHEMES)}")
    name, validate = SCHEMES[scheme]
    try:
        return validate(value.strip())
    except (ValidationError, SchwiftyException, ValueError):
        raise IdentifierError(f"{value[:40]!r} is not a valid {name}: check it against the customer's papers") from None
