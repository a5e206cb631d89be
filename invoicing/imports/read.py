"""One row of a file becomes one bill, or a refusal that says which value is wrong and how to mend it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from ar.core.mapping import CellError, Profile, Values
from ar.core.money import AmountError, CurrencyError, exponent, parse_minor
from ar.core.tabular import Row, restored
from ar.core.workbook import Typed
from ar.customers.checks import countries, email_fault, languages
from ar.customers.models import AccountKind
from invoicing import terms
from invoicing.imports.profiles import FIELDS

EARLIEST = date(1970, 1, 1)
LATEST_AHEAD = timedelta(days=366)
"""How far in the future an invoice may be dated."""

DUE_BEFORE = timedelta(days=366)
DUE_AFTER = timedelta(days=3660)
"""How far the due date may lie before (real files do have it by days) and after the issue date."""

_LENGTHS = {"customer_code": 60, "customer_name": 200, "email": 254, "invoice_number": 60, "language": 8}


@dataclass(frozen=True)
class Home:
    """What a row that does not say is taken to mean: the seller's country, currency and language."""

    country: str
    currency: str
    language: str


class Bill(NamedTuple):
    """One invoice (or, with a negative amount, credit note) as a row of the file tells it. Amount in minor units."""

    row: int
    number: str
    code: str
    amount_minor: int
    currency: str
    issue_on: date
    due_on: date
    paid_on: date | None
    disputed: bool
    name: str
    email: str
    language: str
    country: str
    kind: AccountKind = AccountKind.COMPANY


class Refusal(NamedTuple):
    """Why a row did not come in: the column as the file names it, the value shortened, the reason with a way out."""

    row: int
    column: str
    value: str
    reason: str
    cells: list[str]


class RefusedRow(Exception):  # noqa: N818
    """Ends the reading of one row; never leaves this module."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


class Reader:
    """Reads the rows of one file by one profile, remembering the dates, codes and words that come again."""

    def __init__(self, profile: Profile, places: Mapping[str, int], home: Home, *, today: date) -> None:
        self._profile = profile
        self._values = Values(profile.formats)
        self._home = home
        self._today = today
        fixed = profile.constants
        self._terms = terms.parse(profile.options["terms"]) if "terms" in profile.options else None
        self._places = [
            (name, -1 if name in fixed else places.get(profile.columns.get(name, ""), -1), fixed.get(name, ""))
            for name in FIELDS
        ]
        self._defaults = profile.defaults
        self._checked: dict[tuple[str, str], str] = {}

    def read(self, row: Row) -> Bill | Refusal:
        """The bill that the row tells, or why it cannot be taken."""
        if row.fault is not None:
            return Refusal(row.number, "", "", row.fault, row.cells)
        cells = row.cells
        given = {name: _trimmed(cells[place]) if place >= 0 else fixed for name, place, fixed in self._places}
        for name, value in self._defaults.items():
            if not given[name]:
                given[name] = value
        try:
            return self._bill(row.number, given)
        except RefusedRow as refused:
            return self.refusal(row, refused.field, refused.reason)

    def refusal(self, row: Row, field: str, reason: str) -> Refusal:
        """The refusal of `row` for what stands under `field`."""
        heading = self._profile.columns.get(field, field)
        place = next((place for name, place, _ in self._places if name == field), -1)
        value = row.cells[place].strip() if place >= 0 else ""
        shown = "".join(character if character.isprintable() else "·" for character in value[:40])
        return Refusal(row.number, heading, shown if len(value) <= 40 else shown[:39] + "…", reason, row.cells)

    def _bill(self, number: int, given: dict[str, str]) -> Bill:
        home = self._home
        code = self._text("customer_code", given["customer_code"])
        document = self._text("invoice_number", given["invoice_number"])
        currency = self._kept("currency", given["currency"].upper()) or home.currency
        amount = self._amount(given["amount"], currency)
        issue_on = self._day("issue_date", given["issue_date"])
        due_on = self._due(given["due_date"], issue_on)
        paid_on = self._day("paid_date", given["paid_date"]) if given["paid_date"] else None
        self._check_days(issue_on, due_on, paid_on)
        try:
            disputed = self._values.truth(given["disputed"])
        except CellError as fault:
            raise RefusedRow("disputed", str(fault)) from None
        return Bill(
            number,
            document,
            code,
            amount,
            currency,
            issue_on,
            due_on,
            paid_on,
            disputed,
            self._kept("customer_name", given["customer_name"]) or code[:200],
            self._kept("email", given["email"]),
            self._kept("language", given["language"]) or home.language,
            self._kept("country", given["country"].upper()) or home.country,
            AccountKind(self._kept("customer_kind", given["customer_kind"]) or AccountKind.COMPANY),
        )

    def _text(self, field: str, text: str) -> str:
        """A code or number: one line of printable text, needed."""
        text = restored(text)
        if not text:
            raise RefusedRow(field, "is empty: every row needs one")
        if not text.isprintable():
            text = " ".join(text.split())
            if not text.isprintable():
                raise RefusedRow(field, "holds characters that cannot be printed: remove them")
        if len(text) > _LENGTHS[field]:
            raise RefusedRow(field, f"is longer than {_LENGTHS[field]} characters: shorten it")
        return str(text)

    def _kept(self, field: str, text: str) -> str:
        """An optional value, checked once for all the rows that repeat it."""
        if not text:
            return ""
        known = self._checked.get((field, text))
        if known is None:
            known = self._checked[field, text] = self._check(field, text)
        return known

    def _check(self, field: str, text: str) -> str:
        if field == "currency":
            try:
                exponent(text)
            except CurrencyError:
                raise RefusedRow(field, "is not an ISO 4217 currency code: write such as EUR") from None
            return str(text)
        if field == "country":
            if text not in countries():
                raise RefusedRow(field, "is not an ISO 3166 country code of two letters: write such as FR")
            return str(text)
        if field == "customer_kind":
            kind = text.lower()
            if kind not in set(AccountKind):
                raise RefusedRow(field, f"is no kind of customer: write {', '.join(AccountKind)}, or leave it empty")
            return kind
        text = self._text(field, text)
        if field == "language":
            text = text.replace("_", "-")
            if text.split("-")[0].lower() not in languages():
                raise RefusedRow(field, "is not a language code: write such as fr")
            return text.split("-")[0].lower() + text[len(text.split("-")[0]) :]
        if field == "email" and email_fault(text) is not None:
            raise RefusedRow(field, "is not an e-mail address: write one, or leave it empty")
        return text

    def _amount(self, text: str, currency: str) -> int:
        if not text:
            raise RefusedRow("amount", "is empty: every row needs one")
        try:
            minor = parse_minor(self._values.number(text), currency)
        except CellError as fault:
            raise RefusedRow("amount", str(fault)) from None
        except AmountError as error:
            raise RefusedRow("amount", _amount_reason(text, currency, error)) from None
        if minor == 0:
            raise RefusedRow("amount", "is zero: there is nothing to collect; leave the row out")
        return minor

    def _day(self, field: str, text: str) -> date:
        if not text:
            raise RefusedRow(field, "is empty: every row needs one")
        try:
            return self._values.day(text)
        except CellError as fault:
            raise RefusedRow(field, str(fault)) from None

    def _due(self, text: str, issue_on: date) -> date:
        if not text and self._terms is not None:
            return self._terms.due_on(issue_on)
        return self._day("due_date", text)

    def _check_days(self, issue_on: date, due_on: date, paid_on: date | None) -> None:
        if issue_on < EARLIEST or issue_on > self._today + LATEST_AHEAD:
            raise RefusedRow("issue_date", f"lies before {EARLIEST.year} or more than a year ahead: correct it")
        if not issue_on - DUE_BEFORE <= due_on <= issue_on + DUE_AFTER:
            raise RefusedRow("due_date", "lies over a year before the issue date, or ten after it: correct one of them")
        if paid_on is not None and not EARLIEST <= paid_on <= self._today + timedelta(days=1):
            raise RefusedRow("paid_date", "lies in the future: leave it empty until the invoice is paid")


def _trimmed(cell: str) -> str:
    return cell if type(cell) is Typed else cell.strip()  # strip() would make it a common text


def _amount_reason(text: str, currency: str, error: AmountError) -> str:
    if "more decimals" in error.message:
        return f"has more decimals than {currency} has ({exponent(currency)}): round it"
    if "largest" in error.message:
        return "is above the largest amount accepted: correct it"
    if "," in text:
        return "is not an amount: write 1234.50, or use a profile that names the decimal comma"
    return "is not an amount: write digits with a decimal point, such as 1234.50"
