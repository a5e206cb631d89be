"""What a text of staff may name, what it means, and an example: one list for the sandbox, the page and the API."""

from __future__ import annotations

from typing import NamedTuple

from ar.core.i18n import marked as _

ROW_FIELDS = (
    "reference",
    "due_on",
    "days_late",
    "currency",
    "amount_minor",
    "open_minor",
    "contested_minor",
    "promised_minor",
    "promised_until",
    "in_flight_minor",
    "credited_minor",
    "planned_minor",
)
FIELDS = frozenset(
    {
        *ROW_FIELDS,
        *("name", "email", "phone"),
        *("interest_percent", "fixed_minor", "source"),
        *("interest_minor", "days"),
        *("index", "index0", "first", "last", "length"),
    }
)
"""Every name that may stand behind a dot."""

LISTS = frozenset({"rows", "upcoming", "totals", "charges", "charges_total"})
"""What a text may go through with `for`."""


class Variable(NamedTuple):
    name: str
    meaning: str
    sample: str


VARIABLES = (
    Variable("contact.name", _("the person written to; may be empty"), "Camille Martin"),
    Variable("customer.name", _("the customer's legal name"), "Sample Customer"),
    Variable("seller.name", _("the company that signs"), "Sample Seller"),
    Variable("link", _("the customer's own page; exactly once in text and in HTML"), "https://pay.example/…"),
    Variable("total", _("what is asked in all"), "€1,234.50"),
    Variable("count", _("how many invoices are asked for"), "3"),
    Variable("invoice_lines", _("the invoices asked for, with what is left out"), "- INV-204, …"),
    Variable("upcoming_lines", _("invoices that are not due yet; may be empty"), "- INV-219, …"),
    Variable("late_charges", _("interest and fixed sum of each late invoice; may be empty"), "- INV-204 (30 days): …"),
    Variable("signature", _("who signs, with address and telephone"), "Sample Seller"),
    Variable("rows", _("the invoices, one by one, in a “for”"), "row.reference, row.due_on | day"),
    Variable("rows[0].reference", _("the first invoice's number"), "INV-204"),
    Variable("rows[0].due_on | day", _("the first invoice's due date"), "12 May 2026"),
    Variable("rows[0].days_late", _("how many days late it is"), "14"),
    Variable("money(row.amount_minor, row.currency)", _("an amount as the language writes it"), "€1,234.50"),
    Variable("terms.interest_percent | number", _("the yearly interest on late amounts, in an “if terms”"), "12.15"),
    Variable("signer.name", _("the person who signs, in an “if signer”"), "Ida Example"),
)
"""What every kind of reminder is given; docs/messages.md tells more of each."""

NAMES = frozenset(
    {
        *("contact", "customer", "seller", "signer", "terms", "link", "total", "count", "signature"),
        *("invoice_lines", "upcoming_lines", "late_charges"),
        *LISTS,
    }
)


def variables(kind: str) -> tuple[Variable, ...]:
    """The names that a text of `kind` may use. Every kind of reminder has the same."""
    return VARIABLES if kind.startswith("reminder_") else ()
