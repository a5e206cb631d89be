"""What an account, contact or legal entity may say of itself: places, languages, zones, addresses."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import available_timezones

from babel import Locale
from email_validator import EmailNotValidError, validate_email

from ar.core.errors import Fault
from ar.core.money import CurrencyError, exponent


@lru_cache(maxsize=1)
def countries() -> frozenset[str]:
    """ISO 3166 alpha-2 codes of countries and territories."""
    return frozenset(code for code in map(str, Locale("en").territories) if len(code) == 2 and code.isalpha()) - {"ZZ"}


@lru_cache(maxsize=1)
def languages() -> frozenset[str]:
    """ISO 639 codes of languages that CLDR knows."""
    return frozenset(Locale("en").languages)


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    return frozenset(available_timezones())


def place_faults(*, country: str, language: str, currency: str, time_zone: str) -> list[Fault]:
    """What is wrong with where and how a party is reached; empty when nothing is."""
    faults = []
    if country not in countries():
        faults.append(Fault("/country", f"{country[:10]!r} is not an ISO 3166 country code, such as FR"))
    if language.split("-")[0] not in languages():
        faults.append(Fault("/language", f"{language[:10]!r} is not a language code, such as fr"))
    if time_zone not in zones():
        faults.append(Fault("/time_zone", f"{time_zone[:40]!r} is not an IANA time zone, such as Europe/Paris"))
    try:
        exponent(currency)
    except CurrencyError as error:
        faults.append(Fault("/currency", error.message))
    return faults


@lru_cache(maxsize=8192)
def email_fault(email: str) -> str | None:
    """Why `email` cannot be written to, judged by its form alone (no look-up); None when it can."""
    try:
        validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        return f"{email[:80]!r} is not an e-mail address: {error}"
    return None
