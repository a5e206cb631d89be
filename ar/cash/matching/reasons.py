"""The evidence that counts most, as codes and values that words.py puts in sentences. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ar.cash.matching.case import Case
from ar.cash.matching.facts import Reason
from ar.cash.matching.ideas import Idea

_ACCOUNT = ("given", "iban", "alias", "same_name", "like_name", "number", "relative")
_SETS = ("balance", "all_due", "oldest", "month", "order", "late_charges", "run", "loose", "expected", "legal_order")
_AGAINST = (
    "left_out", "like_left_out", "unread", "contrary", "other_iban", "other_iban_kin", "other_name", "iban_refused",
    "alias_refused", "stranger", "accounts", "before",
)  # fmt: skip
_OFF = ("discount", "late_discount", "charges_stated", "charges", "tolerated")
SHOWN = 5
"""How many references a reason names at most."""


def reasons_for(case: Case, idea: Idea, evidence: Mapping[str, float]) -> tuple[Reason, ...]:
    """Reasons for the idea, then those against it. Amounts are {"minor": .., "currency": ..}."""
    currency = case.incoming.currency
    lines = [line for line in idea.lines if line.item.reference]
    whole = [line.item.reference for line in lines if line.item.entry_id in case.named]
    damaged = [line.item.reference for line in lines if line.item.entry_id in case.like]
    found = []
    if whole:
        found.append(Reason("named", {"references": whole[:SHOWN]}))
    if damaged:
        found.append(Reason("damaged", {"references": damaged[:SHOWN]}))
    found += [Reason(how) for how in ("exact", "advised", "uncontested", "credited") if how in evidence]
    off = {"minor": sum(line.off for line in idea.lines), "currency": currency}
    found += [Reason(how, {"amount": off}) for how in _OFF if how in evidence]
    if "short" in evidence:
        left = sum(line.item.open_minor - line.paid - line.off - line.netted for line in idea.lines)
        found.append(Reason("short", {"amount": {"minor": left, "currency": currency}}))
    if idea.rest:
        found.append(Reason("over", {"amount": {"minor": idea.rest, "currency": currency}}))
    found += [Reason(name) for name in _SETS if name in evidence]
    accounts = sorted({line.item.account_id for line in idea.lines} | ({idea.account_id} if idea.rest else set()))
    name = next((case.payers[account].name for account in accounts if account in case.payers), "")
    found += [Reason(code, {"customer": name}) for code in _ACCOUNT if code in evidence]
    return (*found, *(Reason(code) for code in _AGAINST if code in evidence))
