"""What may be done for what a letter says: proposals with the sentence that says so. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ar.cash.remittance.references import named_in
from ar.ledger.references import reference_key
from dunning.replies.days import Said, said_days
from dunning.replies.kinds import ProposalKind, ReplyKind
from dunning.replies.rules import plain, reason_of
from dunning.replies.sums import SaidAmount, said_amounts
from dunning.replies.understand import Finding

AT_ONCE = 75
"""How sure, in percent, a safe thing must be to be done without a person."""

MOST_PROPOSALS = 20
_MOST_ITEMS = 50
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}", re.ASCII)
_BANK = re.compile(r"\b(?:bank|banque|iban|bic|swift|rib|account (?:details|number)|coordonnees bancaires|compte)\b")
_STATEMENT = re.compile(r"\b(?:statement|releve)\b")
_COUNT = re.compile(
    r"\b(?:in|over|en|par|sur)\s(?P<count>\d{1,2}|\w+)\s(?:\w+\s)?(?:instal|pay|month|part|time|fois|mens|ech|vers|mois)"
)
_NUMBERS = {
    word: number
    for number, words in {2: "two deux", 3: "three trois", 4: "four quatre", 5: "five cinq", 6: "six", 10: "ten dix",
                          12: "twelve douze"}.items()
    for word in words.split()
}  # fmt: skip
_OF_KIND = {
    ReplyKind.PROMISE: ProposalKind.PROMISE,
    ReplyKind.DISPUTE: ProposalKind.DISPUTE,
    ReplyKind.REMITTANCE: ProposalKind.REMITTANCE,
    ReplyKind.PAID: ProposalKind.PAID,
    ReplyKind.COPY: ProposalKind.COPY,
    ReplyKind.UNSUBSCRIBE: ProposalKind.OPT_OUT,
    ReplyKind.INSOLVENCY: ProposalKind.INSOLVENCY,
    ReplyKind.CONTACT: ProposalKind.CONTACT,
    ReplyKind.DETAILS: ProposalKind.DETAILS,
    ReplyKind.PLAN: ProposalKind.PLAN,
}


@dataclass(frozen=True, slots=True)
class Item:
    """An open invoice of the customer; what is open of it in minor units."""

    entry_id: int
    reference: str
    currency: str
    due_on: date
    open_minor: int


@dataclass(frozen=True)
class Around:
    """What is known around a letter: the customer's open invoices, those that our message asked for, its currency and
    country, and the day of writing."""

    on: date
    currency: str = "EUR"
    country: str = "FR"
    items: tuple[Item, ...] = ()
    asked: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Proposed:
    """A proposal: what would be done is `data`; the sentence is from `start` to `end`; `sureness` in percent."""

    kind: ProposalKind
    sureness: int
    start: int
    end: int
    data: Mapping[str, Any] = field(default_factory=dict)


def propose(text: str, findings: Sequence[Finding], around: Around) -> list[Proposed]:
    """What `findings` in `text` suggest, in the order of the text; the same thing once."""
    known = {reference_key(item.reference): item for item in around.items if item.reference}
    named = _named(text, known)
    made: dict[Any, Proposed] = {}
    for one in findings:
        kind = _OF_KIND.get(one.kind)
        if kind is None:
            continue
        sentence = text[one.start : one.end]
        own = _named(sentence, known)
        for data in _data(kind, sentence, own or named, around):
            key = (kind, repr(sorted(data.items())))
            if key not in made or made[key].sureness < one.sureness:
                made[key] = Proposed(kind, one.sureness, one.start, one.end, data)
    found = sorted(_merged(list(made.values())), key=lambda proposed: proposed.start)
    return [*found, *_as_plan(found)][:MOST_PROPOSALS]


def _named(text: str, known: Mapping[str, Item]) -> list[int]:
    """The open invoices that `text` names, each once."""
    found = [known[one.key].entry_id for line in text.split("\n") for one in named_in(line, known)]
    return list(dict.fromkeys(found))[:_MOST_ITEMS]


def _data(kind: ProposalKind, sentence: str, entry_ids: list[int], around: Around) -> list[dict[str, Any]]:
    words = plain(sentence)
    if kind is ProposalKind.PROMISE:
        return _promises(sentence, entry_ids, around)
    if kind is ProposalKind.PAID:
        return [_paid(sentence, entry_ids, around)]
    if kind is ProposalKind.DISPUTE:
        return [{"reason": reason_of(words).value, "entry_ids": entry_ids or _only(around)}]
    if kind is ProposalKind.COPY:
        wanted = entry_ids or _only(around) or sorted(around.asked)[:_MOST_ITEMS]
        statement = _STATEMENT.search(words) is not None
        return [{"entry_ids": [] if statement and not entry_ids else wanted, "statement": statement or not wanted}]
    if kind is ProposalKind.CONTACT:
        told = list(dict.fromkeys(found.lower() for found in _EMAIL.findall(sentence)))
        return [{"email": told[0] if len(told) == 1 else None}]
    if kind is ProposalKind.DETAILS:
        return [{"bank": _BANK.search(words) is not None}]
    if kind is ProposalKind.PLAN:
        count = _COUNT.search(words)
        number = (
            (int(count["count"]) if count["count"].isdecimal() else _NUMBERS.get(count["count"])) if count else None
        )
        return [{"count": number if number and 2 <= number <= 24 else None, "parts": [], "entry_ids": entry_ids}]
    return [{}]


def _only(around: Around) -> list[int]:
    """The one invoice that can be meant: the only one open, or the only one that was asked for."""
    if len(around.items) == 1:
        return [around.items[0].entry_id]
    open_now = {item.entry_id for item in around.items}
    return sorted(around.asked & open_now) if len(around.asked & open_now) == 1 else []


def _promises(sentence: str, entry_ids: list[int], around: Around) -> list[dict[str, Any]]:
    """One promise for each day said; amounts go to the days in their order, where there are as many."""
    days = [said for said in said_days(sentence, on=around.on, country=around.country) if said.day >= around.on]
    amounts = _of_days(sentence, days, currency=around.currency)
    told: list[dict[str, Any]] = []
    wanted: list[Said | None] = [*days] or [None]
    for said, amount in zip(wanted, amounts, strict=True):
        told.append(
            {
                "due_on": said.day.isoformat() if said else None,
                "exact": bool(said and said.exact),
                "amount_minor": amount.minor if amount else None,
                "currency": amount.currency if amount else around.currency,
                "entry_ids": entry_ids,
            }
        )
    return told


def _of_days(sentence: str, days: Sequence[Said], *, currency: str) -> list[SaidAmount | None]:
    """The amount of each day, or of none: in their order where there are as many, else the one before the day."""
    found = said_amounts(sentence, currency=currency)
    if len(found) == max(1, len(days)):
        return list(found)
    starts = [0, *(said.end for said in days[:-1])]
    before = [
        said_amounts(sentence[start : said.start], currency=currency) for start, said in zip(starts, days, strict=False)
    ]
    return [some[0] if len(some) == 1 else None for some in before] or [None]


def _paid(sentence: str, entry_ids: list[int], around: Around) -> dict[str, Any]:
    days = [one.day for one in said_days(sentence, on=around.on, country=around.country, past=True)]
    past = [day for day in days if day <= around.on]
    amounts = said_amounts(sentence, currency=around.currency)
    return {
        "paid_on": past[0].isoformat() if len(past) == 1 else None,
        "amount_minor": amounts[0].minor if len(amounts) == 1 else None,
        "currency": amounts[0].currency if len(amounts) == 1 else around.currency,
        "entry_ids": entry_ids,
    }


_ONCE = (ProposalKind.REMITTANCE, ProposalKind.PAID, ProposalKind.OPT_OUT, ProposalKind.INSOLVENCY, ProposalKind.PLAN)


def _merged(found: list[Proposed]) -> list[Proposed]:
    """Of those kinds that are done once for a letter the surest; copies of all sentences together; a promise without a
    day only where none has one."""
    kept: list[Proposed] = []
    for kind in dict.fromkeys(one.kind for one in found):
        same = [one for one in found if one.kind is kind]
        if kind in _ONCE:
            kept.append(max(same, key=lambda one: (len([v for v in one.data.values() if v]), one.sureness)))
        elif kind is ProposalKind.COPY:
            ids = list(dict.fromkeys(number for one in same for number in one.data["entry_ids"]))
            best = max(same, key=lambda one: one.sureness)
            statement = any(one.data["statement"] for one in same) and (not ids or len(same) > 1)
            kept.append(
                Proposed(
                    kind, best.sureness, best.start, best.end, {"entry_ids": ids, "statement": statement or not ids}
                )
            )
        elif kind is ProposalKind.PROMISE and any(one.data["due_on"] for one in same):
            kept += [one for one in same if one.data["due_on"]]
        else:
            kept += same
    return kept


def _as_plan(found: Sequence[Proposed]) -> list[Proposed]:
    """A plan beside several promised amounts: one invoice is in one living promise at most."""
    parts = [one for one in found if one.kind is ProposalKind.PROMISE and one.data["amount_minor"]]
    if len(parts) < 2 or any(one.kind is ProposalKind.PLAN for one in found):
        return []
    told = [[one.data["due_on"], one.data["amount_minor"]] for one in parts]
    ids = list(dict.fromkeys(number for one in parts for number in one.data["entry_ids"]))
    sure = min(one.sureness for one in parts)
    data = {"count": len(told), "parts": told, "entry_ids": ids}
    return [Proposed(ProposalKind.PLAN, sure, parts[0].start, parts[-1].end, data)]
