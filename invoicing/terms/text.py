"""Payment terms read from text. Pure; `str(terms)` writes them."""

from __future__ import annotations

import re
from functools import lru_cache

from invoicing.terms.model import MAX_DAYS, Counting, Discount, Due, Part, Terms, TermsError
from invoicing.totals import basis_points

_LONGEST = 400
"""Of what is read at all: twice the canonical text, for those who write more spaces."""

_DUE = re.compile(
    r"(?:(?:net |n/)(?P<net>\d{1,3})"
    r"|end of month(?: ?\+ ?(?P<after>\d{1,3}))?"
    r"|(?P<before>\d{1,3}) days end of month"
    r"|(?P<cash>cash with order))"
    r"(?: on the (?P<on>\d{1,2})(?:st|nd|rd|th)?)?",
    re.ASCII,
)
_PART = re.compile(r"(\d{1,2}(?:\.\d{1,2})?) ?% (.+)", re.ASCII)
_STEPS = re.compile(r"((?:\d{1,2}(?:\.\d{1,2})?/\d{1,3},? )+)(.+)", re.ASCII)

WAYS = (
    "write 'net 30', 'end of month + 45', '45 days end of month', 'net 30 on the 10th', 'cash with order', "
    f"'2/10 net 30' or '30% net 0; 70% net 60', with at most {MAX_DAYS} days"
)


@lru_cache(maxsize=1024)
def parse(text: str) -> Terms:
    """The terms that `text` writes, capitals and spaces aside. Raises TermsError, which says what to write instead."""
    plain = " ".join(text.casefold().split()) if len(text) <= _LONGEST else ""
    try:
        if ";" in plain or "%" in plain:
            return Terms(tuple(_part(written.strip()) for written in plain.split(";")))
        steps = _STEPS.fullmatch(plain)
        if steps is None:
            return Terms.single(_due(plain))
        return Terms.single(_due(steps[2]), *(_step(written) for written in steps[1].replace(",", " ").split()))
    except TermsError as error:
        raise TermsError(f"{text[:60]!r} is not payment terms: {error.message}") from None


def _part(written: str) -> Part:
    found = _PART.fullmatch(written)
    if found is None:
        raise TermsError(f"{written[:60]!r} is no instalment: write each as '30% net 60', with ';' between them")
    return Part(basis_points(found[1]), _due(found[2]))


def _step(written: str) -> Discount:
    percent, days = written.split("/")
    return Discount(basis_points(percent), int(days))


def _due(written: str) -> Due:
    found = _DUE.fullmatch(written)
    if found is None:
        raise TermsError(WAYS)
    on_day = int(found["on"]) if found["on"] else None
    if found["cash"]:
        return Due(Counting.WITH_ORDER, 0, on_day)
    if found["net"]:
        return Due(Counting.NET, int(found["net"]), on_day)
    if found["before"]:
        return Due(Counting.DAYS_THEN_MONTH_END, int(found["before"]), on_day)
    return Due(Counting.MONTH_END_THEN_DAYS, int(found["after"] or 0), on_day)
