"""Money, items and customers to match, with sensible defaults."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from ar.cash.matching.decide import decide
from ar.cash.matching.facts import Candidates, Decision, Expected, Incoming, Item, Payer, Policy
from ar.cash.matching.weights import PRIORS
from ar.ledger.models import EntryKind
from ar.ledger.references import reference_key

TODAY = date(2026, 6, 30)
POLICY = Policy(charges_minor=2_000)
ACME = Payer(1, "Boulangerie Lefèvre SARL", by_iban=3, numbers=("C000001",))


def item(number: int, minor: int, reference: str = "", **others: Any) -> Item:
    """An invoice of account 1, due in mid June, open in full."""
    reference = reference or f"FA2026-{number:06d}"
    given: dict[str, Any] = {
        "entity_id": 1,
        "account_id": 1,
        "kind": EntryKind.INVOICE,
        "side": 1,
        "currency": "EUR",
        "amount_minor": minor,
        "open_minor": minor,
        "disputed_minor": 0,
        "effective_on": date(2026, 5, 15),
        "due_on": date(2026, 6, 14),
        "reference": reference,
        "reference_key": reference_key(reference),
    }
    return Item(entry_id=number, **{**given, **others})


def money(minor: int, *texts: str, **others: Any) -> Incoming:
    """Euros from ACME as its bank writes it."""
    given: dict[str, Any] = {
        "entity_id": 1,
        "currency": "EUR",
        "received_on": TODAY,
        "payer_name": "BOULANGERIE LEFEVRE",
        "payer_iban": "FR7630006000011234567890189",
    }
    return Incoming(id=1, amount_minor=minor, texts=texts, **{**given, **others})


def decided(
    incoming: Incoming,
    items: Sequence[Item],
    payers: Sequence[Payer] = (ACME,),
    *,
    policy: Policy = POLICY,
    expected: Sequence[Expected] = (),
) -> Decision:
    return decide(incoming, Candidates(payers, items, expected), policy, PRIORS, today=TODAY)


def paid(decision: Decision) -> dict[int | None, int]:
    """What the first proposal pays, by item; None is on account."""
    return {part.entry_id: part.amount_minor for part in decision.proposals[0].parts}
