"""Which of our bank accounts a file is of: banks write one number in several ways. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ar.core.errors import DomainError, Fault
from ar.customers.models import BankAccount

_IBAN = re.compile(r"[A-Z]{2}\d{2}[0-9A-Z]{11,30}", re.ASCII)
_SHORTEST = 7


class UnknownBankAccountError(DomainError):
    """No registered bank account has the number that the file names."""

    code = "unknown-bank-account"


def own_account(accounts: Sequence[BankAccount], number: str, currency: str | None) -> BankAccount:
    """The one of `accounts` whose number is `number`. Raises UnknownBankAccountError, also when more than one fits."""
    exact = [one for one in accounts if one.iban == number]
    fitting = exact or [one for one in accounts if _same(one, number)]
    if len(fitting) > 1:
        fitting = [one for one in fitting if one.currency == currency]
    if len(fitting) == 1:
        return fitting[0]
    if not number:
        raise _unknown("The file does not say which bank account it is of: name the account with it")
    if fitting:
        raise _unknown(f"More than one registered account may be {number}: name the account with the file")
    kind = "iban" if _IBAN.fullmatch(number) else "number"
    raise _unknown(
        f"The file is of the bank account {number}, which is not registered: an administrator adds it with "
        f'POST /api/v1/bank/accounts ("{kind}": "{number}"), then the file can be taken'
    )


def _unknown(message: str) -> UnknownBankAccountError:
    return UnknownBankAccountError(message, faults=[Fault("/file", message)])


def _same(account: BankAccount, number: str) -> bool:
    """Whether `number` is the national form of the account's IBAN, or its number but for zeros before it.

    National forms: bank, branch and account with or without check digits (France), bank code and account (Germany),
    the account alone (the Netherlands), zeros before the account left out.
    """
    if len(number) < _SHORTEST or _IBAN.fullmatch(number):
        return False
    if not account.is_iban:
        return account.iban.lstrip("0") == number.lstrip("0")
    national = account.iban[4:]
    if national in (number, f"{number}{national[-2:]}"):
        return True
    country = account.iban[:2]
    if country == "NL":
        return national[4:].lstrip("0") == number.lstrip("0")
    if country == "DE":
        bank, rest = national[:8], national[8:].lstrip("0")
        return number.lstrip("0") == rest or (number[:8] == bank and number[8:].lstrip("0") == rest)
    return len(number) >= 10 and national.endswith(number)
