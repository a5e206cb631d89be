"""What a text is tried on before it may be sent: one invoice, twelve, everything at once, and hostile names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from dunning.case import LateTerms
from dunning.message import Row, Seller, totals

LINK = "https://pay.example/sample-link"
NAMES = ("Sample Customer", "Camille Martin", "Sample Seller", "Sample Signer", "Sample & Sons")
_DUE = date(2026, 5, 11)
_HOSTILE = "<script>x</script>\"'{{ 7*7 }}{% raw %}\r\nBcc: x@evil.example"


class _Named(NamedTuple):
    name: str


class _Signer(NamedTuple):
    name: str
    phone: str | None
    email: str | None


class _Charge(NamedTuple):
    reference: str
    interest_minor: int
    fixed_minor: int
    currency: str
    days: int


def sample(*, count: int = 1, name: str = "Sample Customer", reference: str = "INV-") -> dict[str, Any]:
    """What a reminder of `count` invoices is given, with nothing out of the ordinary."""
    rows = [_row(n, reference=f"{reference}{200 + n}") for n in range(1, count + 1)]
    return {
        "customer": _Named(name),
        "contact": _Named("Camille Martin" if name == "Sample Customer" else name),
        "seller": Seller(1, "Sample Seller", "accounts@seller.example", "+33 1 00 00 00 00", "FR"),
        "rows": rows,
        "totals": totals(rows),
        "upcoming": [],
        "terms": None,
        "link": LINK,
        "signer": None,
        "charges": None,
        "charges_total": [],
        "copy_links": {},
    }


def everything() -> dict[str, Any]:
    """A reminder with all that may be left out, two currencies, what is to come, what lateness costs, who signs."""
    rows = [
        _row(1, contested_minor=1_000, promised_minor=2_000, promised_until=_DUE + timedelta(days=20)),
        _row(2, in_flight_minor=3_000, credited_minor=500, planned_minor=700),
        _row(3, currency="JPY"),
    ]
    return sample() | {
        "contact": _Named(""),
        "rows": rows,
        "totals": totals(rows),
        "upcoming": [_row(9, days_late=-5)],
        "terms": LateTerms(Decimal("12.1500"), 4_000, "EUR", "the sample's law"),
        "signer": _Signer("Sample Signer", "+33 1 23", None),
        "charges": [_Charge("INV-201", 950, 4_000, "EUR", 30)],
        "charges_total": [("EUR", 4_950)],
        "copy_links": {"INV-202": "https://pay.example/copy/2"},
    }


def hostile() -> dict[str, Any]:
    """A reminder to a customer whose names and numbers would do harm if they were read as anything but names."""
    return sample(name=_HOSTILE, reference="<b onclick=x>")


def samples() -> Mapping[str, dict[str, Any]]:
    """Each sample by its name."""
    return {"one": sample(), "twelve": sample(count=12), "everything": everything(), "hostile": hostile()}


def _row(n: int, *, days_late: int = 30, currency: str = "EUR", **other: Any) -> Row:
    given: dict[str, Any] = {
        "contested_minor": 0,
        "promised_minor": 0,
        "promised_until": None,
        "in_flight_minor": 0,
        "credited_minor": 0,
        "planned_minor": 0,
        "reference": f"INV-{200 + n}",
        **other,
    }
    asked = 123_450 + n
    left = sum(given[name] for name in ("contested_minor", "promised_minor", "in_flight_minor", "credited_minor"))
    reference = given.pop("reference")
    open_minor = asked + left + given["planned_minor"]
    due = _DUE + timedelta(days=-days_late)
    return Row(reference, due, days_late, currency, asked, open_minor, **given)
