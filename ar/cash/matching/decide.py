"""What money that came in is for, how sure that is, and whether it may be applied untouched. Pure.

Ideas are weighed against each other and against "none of these". The likeliest is applied when its probability
reaches the policy's threshold and nothing that is as good speaks against it; two equals are never guessed between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from ar.cash.imputation import legal_order
from ar.cash.matching.candidates import Lookups, all_candidates, named_candidates, quotes_of
from ar.cash.matching.case import Case, look, uncontested
from ar.cash.matching.evidence import weigh
from ar.cash.matching.facts import (
    Candidates,
    Decision,
    Incoming,
    Item,
    Netting,
    Part,
    Policy,
    Proposal,
    Residual,
    Verdict,
)
from ar.cash.matching.ideas import Idea, Line, account_ideas, idea, named_ideas
from ar.cash.matching.reasons import reasons_for
from ar.cash.matching.weights import Weights, probabilities

MOST_IDEAS = 120
"""How many ideas are weighed for one amount of money."""
CLOSELY = 3
"""For how many customers any sum of their items is looked for."""
RIVAL = 0.25
"""A second idea so likely, as a share of the first, keeps that from being applied."""

_PAYER = ("iban", "alias", "same_name", "given", "number", "relative")
_UNSURE = ("short", "over", "charges", "charges_stated", "tolerated", "late_discount", "credited", "uncontested")


class Weighed(NamedTuple):
    idea: Idea
    evidence: Mapping[str, float]
    score: float


def decide_all(
    chunk: Sequence[Incoming],
    lookups: Lookups,
    policies: Mapping[tuple[int, str], Policy],
    model: Weights,
    *,
    today: Mapping[int, date],
) -> list[Decision]:
    """A decision for each of `chunk`, in its order. `policies` per legal entity and currency, `today` per legal entity.

    What its texts settle outright is settled so; for the rest everything open of all who may have paid is looked at.
    """
    quotes = quotes_of(chunk, lookups)

    def of(one: Incoming) -> tuple[Policy, date]:
        return policies[one.entity_id, one.currency], today[one.entity_id]

    decisions: list[Decision | None] = []
    for one, candidates in zip(chunk, named_candidates(chunk, lookups, quotes), strict=True):
        policy, day = of(one)
        decisions.append(settle_outright(one, candidates, policy, model, today=day))
    rest = [one for one, decision in zip(chunk, decisions, strict=True) if decision is None]
    wider = iter(zip(rest, all_candidates(rest, lookups, quotes), strict=True) if rest else ())
    made = []
    for decision in decisions:
        if decision is None:
            one, candidates = next(wider)
            policy, day = of(one)
            decision = decide(one, candidates, policy, model, today=day)
        made.append(decision)
    return made


def settle_outright(
    incoming: Incoming, candidates: Candidates, policy: Policy, model: Weights, *, today: date
) -> Decision | None:
    """The decision to apply money whose texts quote items that it pays exactly, from the customer that owes them.

    None where it needs a closer look.
    """
    return _outright(look(incoming, candidates, policy, today), model)


def decide(incoming: Incoming, candidates: Candidates, policy: Policy, model: Weights, *, today: date) -> Decision:
    """The likeliest proposals, at most three, and whether the first is applied untouched, suggested, or left."""
    case = look(incoming, candidates, policy, today)
    decision = _outright(case, model)
    if decision is not None:
        return decision
    case.look_closer()
    weighed = _weighed(case, model)
    if not weighed:
        return _last_resort(case)
    chances = probabilities([one.score for one in weighed])
    proposals = tuple(_proposal(case, one, chance) for one, chance in zip(weighed[:3], chances[:3], strict=True))
    why_not = _why_not(case, weighed, chances)
    if not why_not:
        return Decision(incoming.id, Verdict.APPLY, proposals)
    if chances[0] < 0.01:
        return _last_resort(case)
    return Decision(incoming.id, Verdict.SUGGEST, proposals, why_not)


def _outright(case: Case, model: Weights) -> Decision | None:
    items = [case.by_id[entry] for entry in case.named]
    debits = [item for item in items if item.side == 1]
    if not debits or len(debits) < len(items) or sum(item.open_minor for item in debits) != case.amount:
        return None
    if case.advised and any(minor != case.by_id[entry].open_minor for entry, minor in case.advised.items()):
        return None
    if min(case.named.values()) < 0.8 or not all(case.stands(item.account_id).likely for item in debits):
        return None
    made = idea((Line(item, item.open_minor) for item in debits), ("exact",))
    evidence = weigh(case, made)
    weighed = Weighed(made, evidence, model.score(evidence))
    [chance] = probabilities([weighed.score])
    if _why_not(case, [weighed], [chance]):
        return None
    return Decision(case.incoming.id, Verdict.APPLY, (_proposal(case, weighed, chance),))


def _weighed(case: Case, model: Weights) -> list[Weighed]:
    """All ideas, each once, the likeliest first."""
    found: dict[tuple[object, ...], Idea] = {}
    for one in _ideas(case):
        if one.lines and one.key not in found:
            assert sum(line.paid for line in one.lines) + one.rest == case.amount
            found[one.key] = one
            if len(found) >= MOST_IDEAS:
                break
    weighed = []
    for one in found.values():
        if any(line.paid <= 0 for line in one.lines if not line.netted):
            continue
        evidence = weigh(case, one)
        weighed.append(Weighed(one, evidence, model.score(evidence)))
    return sorted(weighed, key=lambda one: (-one.score, one.idea.key))


def _ideas(case: Case) -> Iterator[Idea]:
    """Of the items that are named; then of the likely payers: what they owe, and any sum of it unless names did."""
    settled = False
    for made in _named_ideas(case):
        settled = settled or _settles(case, made)
        yield made
    likely = sorted(
        (account for account, standing in case.standing.items() if standing.likely or "relative" in standing.evidence),
        key=lambda account: (not case.stands(account).agrees, account),
    )
    for rank, account in enumerate(likely):
        closely = not settled and rank < CLOSELY and case.stands(account).likely
        yield from account_ideas(case, account, closely=closely)


def _named_ideas(case: Case) -> Iterator[Idea]:
    """Of all items that are named, those of the likely payers, those named in a damaged form, and each alone."""
    named = [item for item in case.items if item.entry_id in case.named]
    debits = [item for item in named if item.side == 1]
    credits_ = [item for item in named if item.side == -1]
    sets: dict[tuple[int, ...], list[Item]] = {}

    def keep(items: Sequence[Item]) -> None:
        if items:
            sets.setdefault(tuple(item.entry_id for item in items), list(items))

    keep(debits)
    keep([item for item in debits if item.entry_id in case.advised])
    keep([item for item in debits if case.named[item.entry_id] >= 0.5])
    keep([item for item in debits if case.stands(item.account_id).likely])
    like = [item for item in case.items if item.entry_id in case.like]
    for floor in (0.0, 0.7, 0.9):
        some = [item for item in like if case.like[item.entry_id] >= floor]
        keep(sorted({i.entry_id: i for i in (*debits, *some)}.values(), key=lambda i: (i.due_on, i.entry_id)))
        keep(some)
    whole = len(sets)
    for item in (*debits[:30], *like[:30]):
        keep([item])
    for n, items in enumerate(sets.values()):
        yield from named_ideas(case, items, credits_, closely=n < whole)
        if credits_:
            yield from named_ideas(case, items, closely=n < whole)


def _settles(case: Case, made: Idea) -> bool:
    """Whether it pays exactly what is named, well enough, of customers that are likely to pay."""
    return "exact" in made.how and all(
        max(case.named.get(line.item.entry_id, 0.0), case.like.get(line.item.entry_id, 0.0)) >= 0.7
        and case.stands(line.item.account_id).likely
        for line in made.lines
    )


def _proposal(case: Case, weighed: Weighed, chance: float) -> Proposal:
    made = weighed.idea
    parts = [Part(line.item.account_id, line.item.entry_id, line.paid) for line in made.lines if line.paid]
    if made.rest:
        parts.append(Part(made.account_id, None, made.rest))
    return Proposal(
        parts=tuple(parts),
        residuals=tuple(Residual(l_.item.entry_id, l_.off, l_.why) for l_ in made.lines if l_.why and l_.off),
        nettings=_nettings(made),
        probability=round(chance, 6),
        reasons=reasons_for(case, made, weighed.evidence),
        evidence={name: weighed.evidence[name] for name in sorted(weighed.evidence)},
    )


def _nettings(made: Idea) -> tuple[Netting, ...]:
    """Which credit is set against which item, in the order of their numbers, within one customer."""
    found = []
    left = {item.entry_id: minor for item, minor in made.credits}
    for line in made.lines:
        due = line.netted
        for credit, _ in made.credits:
            if due and left[credit.entry_id] and credit.account_id == line.item.account_id:
                minor = min(due, left[credit.entry_id])
                found.append(Netting(line.item.entry_id, credit.entry_id, minor))
                due -= minor
                left[credit.entry_id] -= minor
    return tuple(found)


def _why_not(case: Case, weighed: Sequence[Weighed], chances: Sequence[float]) -> str:
    """The code of what keeps the likeliest idea from being applied; empty for nothing."""
    best = weighed[0].evidence
    if len(chances) > 1 and chances[1] >= RIVAL * chances[0]:
        twins = weighed[0].idea.lines[0].item.account_id == weighed[1].idea.lines[0].item.account_id
        return "equal_items" if twins else "equal_customers"
    known = any(name in best for name in _PAYER) or best.get("like_name", 0) >= 0.5
    quoted = best.get("named", 0) >= 0.5
    if not known and not quoted:
        return "payer_unknown"
    if not known and any(name in best for name in _UNSURE):
        return "payer_unknown"
    if weighed[0].idea.rest and "accounts" in best:
        return "rest_of_several"
    if "short" in best and len(weighed[0].idea.lines) > 1:
        return "short_of_several"
    if chances[0] < case.policy.apply_above:
        return "not_sure"
    return ""


def _last_resort(case: Case) -> Decision:
    """Of money that nothing says more of, from a known customer: the legal order, suggested. Else it is left."""
    accounts = sorted(account for account, standing in case.standing.items() if standing.agrees)
    if len(accounts) != 1:
        return Decision(case.incoming.id, Verdict.LEAVE, (), "payer_unknown" if not accounts else "equal_customers")
    account = accounts[0]
    items = [item for item in case.of(account) if item.side == 1 and uncontested(item)]
    shares = legal_order(items, case.amount, today=case.today)
    rest = case.amount - sum(minor for _, minor in shares)
    lines = [Line(case.by_id[entry], minor) for entry, minor in shares]
    made = idea(lines, ("legal_order",), rest=(account, rest) if rest else (0, 0))
    evidence = {"legal_order": 1.0}
    proposal = _proposal(case, Weighed(made, evidence, 0.0), 0.0)
    return Decision(case.incoming.id, Verdict.SUGGEST, (proposal,), "nothing_said")
