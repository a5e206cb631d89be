"""Whether a proposal can be applied at all: to what, how much of it, and of whom. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ar.cash.matching.facts import Incoming, Proposal
from ar.core.errors import Fault
from ar.core.money import plain


def faults_of(incoming: Incoming, proposal: Proposal, items: Mapping[int, Mapping[Any, Any]]) -> list[Fault]:
    """What is wrong with it, each with its place; empty when it can be applied. `items` are open items by entry id."""
    faults = list(_parts(incoming, proposal, items))
    for n, one in enumerate(proposal.residuals):
        if one.amount_minor <= 0:
            faults.append(Fault(f"/residuals/{n}/amount_minor", "must be above zero"))
        faults += _item(f"/residuals/{n}/entry_id", items.get(one.entry_id), 1, incoming)
    for n, netting in enumerate(proposal.nettings):
        debit, credit = items.get(netting.debit_id), items.get(netting.credit_id)
        if netting.amount_minor <= 0:
            faults.append(Fault(f"/nettings/{n}/amount_minor", "must be above zero"))
        faults += _item(f"/nettings/{n}/debit_id", debit, 1, incoming)
        faults += _item(f"/nettings/{n}/credit_id", credit, -1, incoming)
        if debit and credit and debit["account_id"] != credit["account_id"]:
            faults.append(Fault(f"/nettings/{n}", "the credit and what is owed belong to different customers"))
    if not faults:
        faults += _too_much(incoming, proposal, items)
    return faults


def used(proposal: Proposal) -> Counter[int]:
    """How much of each open item the proposal takes, in minor units."""
    taken: Counter[int] = Counter()
    for part in proposal.parts:
        if part.entry_id is not None:
            taken[part.entry_id] += part.amount_minor
    for one in proposal.residuals:
        taken[one.entry_id] += one.amount_minor
    for netting in proposal.nettings:
        taken[netting.debit_id] += netting.amount_minor
        taken[netting.credit_id] += netting.amount_minor
    return taken


def _parts(incoming: Incoming, proposal: Proposal, items: Mapping[int, Mapping[Any, Any]]) -> list[Fault]:
    faults = []
    for n, part in enumerate(proposal.parts):
        if part.amount_minor <= 0:
            faults.append(Fault(f"/parts/{n}/amount_minor", "must be above zero"))
        if incoming.account_id is not None and part.account_id != incoming.account_id:
            faults.append(Fault(f"/parts/{n}/account_id", "the money is this payment's customer's: undo it to move it"))
        if part.entry_id is not None:
            item = items.get(part.entry_id)
            faults += _item(f"/parts/{n}/entry_id", item, 1, incoming)
            if item and item["account_id"] != part.account_id:
                faults.append(Fault(f"/parts/{n}/account_id", "is not the customer that owes this item"))
    total = sum(part.amount_minor for part in proposal.parts)
    if total != incoming.amount_minor:
        said = f"{plain(total, incoming.currency)} {incoming.currency}"
        wanted = f"{plain(incoming.amount_minor, incoming.currency)} {incoming.currency}"
        faults.append(Fault("/parts", f"add up to {said}, and must to {wanted}: put the rest on account"))
    return faults


def _item(pointer: str, item: Mapping[Any, Any] | None, side: int, incoming: Incoming) -> list[Fault]:
    if item is None:
        return [Fault(pointer, "there is no such open item")]
    if item["side"] != side:
        return [Fault(pointer, "is nothing owed" if side == 1 else "is no credit")]
    if item["currency"] != incoming.currency:
        return [Fault(pointer, f"is in {item['currency']}, the money in {incoming.currency}")]
    if item["entity_id"] != incoming.entity_id:
        return [Fault(pointer, "belongs to another legal entity than the money")]
    return []


def _too_much(incoming: Incoming, proposal: Proposal, items: Mapping[int, Mapping[Any, Any]]) -> list[Fault]:
    return [
        Fault(
            "/parts",
            f"take more of {items[entry_id]['reference'] or f'item {entry_id}'} than the "
            f"{plain(items[entry_id]['open_minor'], incoming.currency)} {incoming.currency} that are open",
        )
        for entry_id, taken in used(proposal).items()
        if taken > items[entry_id]["open_minor"]
    ]
