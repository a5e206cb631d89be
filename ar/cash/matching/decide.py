"""What money that came in is for, how sure that is, and whether it may be applied untouched. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from ar.cash.matching.candidates import Lookups, all_candidates, named_candidates, tokens_of
from ar.cash.matching.facts import Candidates, Decision, Incoming, Part, Policy, Proposal, Reason, Verdict
from ar.cash.matching.tokens import strength
from ar.cash.matching.weights import Weights, probabilities


def decide_all(
    chunk: Sequence[Incoming], look: Lookups, policies: Mapping[int, Policy], model: Weights, *, today: date
) -> list[Decision]:
    """A decision for each of `chunk`, in its order. `policies` per legal entity.

    What its texts settle outright is settled so; for the rest everything open of all who may have paid is looked at.
    """
    decisions = [
        decide(one, candidates, policies[one.entity_id], model, today=today)
        for one, candidates in zip(chunk, named_candidates(chunk, look), strict=True)
    ]
    rest = [n for n, decision in enumerate(decisions) if decision.verdict is not Verdict.APPLY]
    wider = all_candidates([chunk[n] for n in rest], look)
    for n, candidates in zip(rest, wider, strict=True):
        decisions[n] = decide(chunk[n], candidates, policies[chunk[n].entity_id], model, today=today)
    return decisions


def decide(incoming: Incoming, candidates: Candidates, policy: Policy, model: Weights, *, today: date) -> Decision:
    """The likeliest proposals, at most three, and whether the first is applied untouched, suggested, or left."""
    tokens = set(tokens_of(incoming))
    named = sorted(
        (i for i in candidates.items if i.side == 1 and i.open_minor and i.reference_key in tokens),
        key=lambda item: item.entry_id,
    )
    if not named or sum(item.open_minor for item in named) != incoming.amount_minor:
        return Decision(incoming.id, Verdict.LEAVE, (), "nothing_fits")
    evidence = {"base": 1.0, "named": min(strength(item.reference_key) for item in named), "exact": 1.0}
    [chance] = probabilities([model.score(evidence)])
    parts = tuple(Part(item.account_id, item.entry_id, item.open_minor) for item in named)
    reasons = (Reason("named", {"references": [item.reference for item in named]}),)
    proposal = Proposal(parts, probability=chance, reasons=reasons, evidence=evidence)
    if chance >= policy.apply_above:
        return Decision(incoming.id, Verdict.APPLY, (proposal,))
    return Decision(incoming.id, Verdict.SUGGEST, (proposal,), "not_sure")
