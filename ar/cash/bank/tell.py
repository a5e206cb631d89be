"""What a bank file says, as plain JSON: the form that `amiable bank read --json` prints. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ar.cash.bank.readers.facts import Balance, Line, Part, Statement, statements


def told(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """Each statement with its lines. Amounts are integers in minor units of the currency beside them."""
    return [told_statement(one) for one in statements(parts)]


def told_statement(one: Statement) -> dict[str, Any]:
    return {
        "format": one.format,
        "account": one.account or None,
        "currency": one.currency,
        "reference": one.reference,
        "provisional": one.provisional,
        **_balance("opening", one.opening),
        **_balance("closing", one.closing),
        "lines": [told_line(line) for line in one.lines],
    }


def _balance(name: str, balance: Balance | None) -> dict[str, Any]:
    return {
        f"{name}_balance_minor": None if balance is None else balance.minor,
        f"{name}_balance_currency": None if balance is None else balance.currency,
        f"{name}_balance_date": None if balance is None else balance.on.isoformat(),
    }


def told_line(line: Line) -> dict[str, Any]:
    return {
        "place": line.place,
        "booking_date": line.booked_on.isoformat(),
        "value_date": None if line.value_on is None else line.value_on.isoformat(),
        "amount_minor": line.amount_minor,
        "currency": line.currency,
        "status": line.status.value,
        "counterparty_name": line.counterparty_name,
        "counterparty_iban": line.counterparty_iban,
        "bank_reference": line.bank_reference,
        "end_to_end_id": line.end_to_end_id,
        "mandate_id": line.mandate_id,
        "batch_reference": line.batch_reference,
        "structured_reference": line.structured_reference,
        "remittance": line.remittance,
        "kind": line.kind,
        "return_reason": line.return_reason,
        "is_reversal": line.is_reversal,
        "charges_minor": line.charges_minor,
        "original_minor": line.original_minor,
        "original_currency": line.original_currency,
    }
