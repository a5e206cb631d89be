"""Forms with lines, filled in by hand and read into the bodies that the API takes: one set of rules for both.

A field is named as a fault points at it: `lines-0-quantity` is /lines/0/quantity, `site-country` is /site/country.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sqlmodel import Session, col, select

from ar.core.errors import DomainError, Fault
from ar.core.i18n import marked as _
from ar.core.money import typed_plain
from ar.customers.accounts import search
from ar.customers.entities import entities
from ar.customers.models import Account

Body = TypeVar("Body", bound=BaseModel)

TELLING = ("description", "item_code", "family", "quantity", "unit_price", "discount_percent")
"""A line that has none of these is empty, whatever is chosen for it."""

REPEATED = ("unit", "tax_category", "tax_rate", "supply")
"""What an empty line takes over from the last one that is filled in."""

_LINE = re.compile(r"lines-(\d{1,4})-([a-z_]+)", re.ASCII)
_DECIMALS = frozenset({"quantity", "unit_price", "discount_percent", "tax_rate"})

_EMPTY = _("Please fill this in.")
_NUMBER = _("Please write a number with at most 9 digits and 6 decimals.")
_RATE = _("Please write a percentage with at most 2 decimals.")
_CHOICE = _("Please choose one of those given.")
_DAY = _("Please write a day, such as 2026-03-31.")
_NOT_LIKE_THIS = _("This cannot be written so.")

_BY_KIND = {
    "missing": _EMPTY,
    "string_too_short": _EMPTY,
    "string_too_long": _("Please write less: this is too long."),
    "string_pattern_mismatch": _NOT_LIKE_THIS,
    "too_short": _("Please fill in at least one line."),
    "enum": _CHOICE,
    "int_parsing": _CHOICE,
    "bool_parsing": _CHOICE,
}
_BY_FIELD = {
    "quantity": _NUMBER,
    "unit_price": _NUMBER,
    "discount_percent": _RATE,
    "tax_rate": _RATE,
    "customer": _("No customer has this code."),
}
_UNKNOWN_CUSTOMER = "/account_id"


class FormError(DomainError):
    """What was filled in does not read; the faults say where and why."""

    code = "bad-form"


@dataclass(frozen=True)
class Typed:
    """What was typed: fields by name, and the lines that are not empty by their number."""

    fields: Mapping[str, str]
    lines: Mapping[int, Mapping[str, str]]

    def closed_up(self) -> Typed:
        """The same, its lines numbered from 0 without a gap."""
        return Typed(self.fields, dict(enumerate(self.lines.values())))

    def by_name(self) -> dict[str, str]:
        """Everything under the name of its field."""
        lines = {f"lines-{n}-{name}": value for n, line in self.lines.items() for name, value in line.items()}
        return {**self.fields, **lines}


def typed(sent: Iterable[tuple[str, object]]) -> Typed:
    """A form as it was sent, without white space around values and without empty lines."""
    fields: dict[str, str] = {}
    lines: dict[int, dict[str, str]] = {}
    for name, value in sent:
        if not isinstance(value, str):
            continue
        if of_line := _LINE.fullmatch(name):
            lines.setdefault(int(of_line[1]), {})[of_line[2]] = value.strip()
        else:
            fields[name] = value.strip()
    filled = {n: line for n, line in sorted(lines.items()) if any(line.get(name) for name in TELLING)}
    return Typed(fields, filled)


@dataclass(frozen=True)
class Form:
    """A form of a document with lines: its fields, those of each line, and how many lines it shows."""

    fields: Collection[str]
    line_fields: Collection[str]
    rows: int
    more: int
    most: int

    def rows_for(self, given: Typed, *, more: bool) -> int:
        """How many lines to show: all that are filled in and those shown before, and some more when asked for."""
        shown = given.fields.get("rows", "")
        before = min(int(shown), self.most) if re.fullmatch(r"\d{1,3}", shown, re.ASCII) else 0
        wanted = max(self.rows, before, len(given.lines)) + (self.more if more else 0)
        return max(min(wanted, self.most), len(given.lines))

    def names(self, given: Typed) -> set[str]:
        """The fields beside which a fault can be told."""
        return {*self.fields, *(f"lines-{n}-{name}" for n in given.lines for name in self.line_fields)}


def body(form: Form, given: Typed) -> dict[str, Any]:
    """What was typed as a body of the API; what is empty is left out, numbers may have a decimal comma."""
    made: dict[str, Any] = {}
    for name in form.fields:
        if value := given.fields.get(name):
            outer, _dash, inner = name.rpartition("-")
            (made.setdefault(outer, {}) if outer else made)[inner] = value
    made["lines"] = [_line(line) for line in given.lines.values()]
    return made


def _line(line: Mapping[str, str]) -> dict[str, str]:
    found = {name: typed_plain(value) if name in _DECIMALS else value for name, value in line.items() if value}
    if found.get("tax_category", "S") != "S":
        found.setdefault("tax_rate", "0")  # the only rate that other categories have
    return found


def taken(model: type[Body], given: Mapping[str, Any]) -> Body:
    """The body, checked as the API checks it. Raises FormError naming every fault, in marked sentences."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        faults = [Fault("/" + "/".join(map(str, one["loc"])), _words(one)) for one in error.errors()]
        raise FormError("The form does not read", faults=faults) from None


def _words(error: Any) -> str:
    kind, field = str(error["type"]), str(error["loc"][-1]) if error["loc"] else ""
    if kind == "value_error" and field in _BY_FIELD:
        return _BY_FIELD[field]
    if kind.startswith("date_") or kind in ("greater_than_equal", "less_than_equal"):
        return _DAY
    return _BY_KIND.get(kind) or str(error["msg"]).removeprefix("Value error, ")


def customer_of(session: Session, code: str) -> Account | None:
    """The account of that code, if there is one."""
    return session.exec(select(Account).where(col(Account.code) == code)).first() if code else None


def context(
    session: Session, form: Form, given: Typed, *, error: DomainError | None, rows: int, say: Callable[[str], str]
) -> dict[str, Any]:
    """What a page needs to show the form: what was given, and what is wrong of it beside its field, else above all."""
    code = given.fields.get("customer", "")
    customer = customer_of(session, code)
    close = search(code).order_by(col(Account.legal_name)).limit(5)
    faults, others = beside(error, given, form.names(given), say)
    if code and customer is None and "customer" in faults:
        faults["customer"] = say(_BY_FIELD["customer"])
    last = given.lines[max(given.lines)] if given.lines else {}
    return {
        "given": given.by_name(),
        "faults": faults,
        "customer": customer,
        "close": session.exec(close).all() if code and customer is None else [],
        "sellers": [(one.id, one.name) for one in entities(session)],
        "rows": rows,
        "more": rows < form.most,
        "repeated": {name: last[name] for name in REPEATED if name in last},
        "status": error.status if error else 200,
        "flashes": [("bad", told) for told in others],
    }


def beside(
    error: DomainError | None, given: Typed, names: Collection[str], say: Callable[[str], str]
) -> tuple[dict[str, str], list[str]]:
    """What is wrong by the field of `names` that it is about, and what to say above the form.

    Faults count the lines that were sent; fields have the number that the form gave to each.
    """
    if error is None:
        return {}, []
    faults: dict[str, str] = {}
    others = []
    numbers = dict(enumerate(given.lines))
    for fault in error.faults:
        name = "customer" if fault.pointer == _UNKNOWN_CUSTOMER else fault.pointer.strip("/").replace("/", "-")
        if of_line := _LINE.fullmatch(name):
            name = f"lines-{numbers.get(int(of_line[1]), 0)}-{of_line[2]}"
        if name in names:
            faults.setdefault(name, say(fault.message))
        else:
            others.append(say(fault.message))
    if not error.faults:
        others.append(error.message)
    if faults:
        others.insert(0, say(_("Nothing is entered yet: please mend what is marked below.")))
    return faults, others
