"""From rows of cells to an advice: read with either decimal mark, and the reading kept that adds up. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from ar.cash.remittance import days, numbers
from ar.cash.remittance.advice import MAX_TEXT, Advice, Known, Line, sum_of
from ar.cash.remittance.grid import Source
from ar.cash.remittance.reading import Reading, read_rows
from ar.core.money import exponent, plain
from ar.ledger.references import reference_key

NOTHING_NAMED = "No invoice is named that could be read"


def understand(source: Source, known: Mapping[str, Known], *, currency: str, near: date | None) -> Advice:
    """What `source` says; what of it is not understood is said in the advice's doubts.

    `known` are the open documents that it may name, by the key of their reference; `currency` is that of amounts
    without one where these have none or several; `near` tells which of two days is meant.
    """
    text = source.text
    told, doubts = _currency(text)
    owed = {one.currency for one in known.values()}
    used = told or (min(owed) if len(owed) == 1 else currency)
    readings = [_read(source, known, mark, used, near) for mark in numbers.MARKS]
    finished = [(_finished(reading), len(reading.unread)) for reading in readings]
    (one, one_unread), (other, other_unread) = finished
    ranks = [(one_unread, not one.adds_up), (other_unread, not other.adds_up)]
    best = one if ranks[0] <= ranks[1] else other
    if ranks[0] == ranks[1] and _amounts_of(one) != _amounts_of(other):
        best = replace(
            one,
            lines=tuple(replace(line, paid_minor=None, gross_minor=None, deduction_minor=0) for line in one.lines),
            amount_minor=None,
        )
        doubts.append("It is not clear whether the point or the comma is the decimal mark: no amount was read")
    if min(ranks)[0]:
        doubts.append("Some numbers could not be read as amounts")
    return replace(
        best,
        currency=used if told or best.lines or best.amount_minor is not None else "",
        text=text[:MAX_TEXT],
        doubts=(*doubts, *best.doubts),
    )


def _amounts_of(advice: Advice) -> list[int | None]:
    return [advice.amount_minor, *(line.paid_minor for line in advice.lines)]


def _currency(text: str) -> tuple[str, list[str]]:
    """The currency of the advice, when it names one beside an amount; a doubt when it names several."""
    found = Counter(code for line in text.split("\n") for code in numbers.currencies_in(numbers.spaced(line)))
    if len(found) > 1:
        names = ", ".join(sorted(found))
        return found.most_common(1)[0][0], [f"Amounts are in several currencies ({names}): check which is paid"]
    return next(iter(found), ""), []


def _read(source: Source, known: Mapping[str, Known], mark: str, currency: str, near: date | None) -> Reading:
    reading = Reading(
        known=known,
        mark=mark,
        currency=currency,
        places=exponent(currency),
        month_first=days.month_first(source.text),
        near=near,
    )
    read_rows(source, reading)
    return reading


def _finished(reading: Reading) -> Advice:
    """The advice out of what was read: lines told once, pairs and deductions settled by the sum, the total chosen."""
    lines = _settled_pairs(reading)
    lines = _once(lines)
    told = sum_of(lines)
    amount, doubts = _total(reading, told, lines)
    if amount is not None and told is not None and told != amount and reading.loose:
        with_loose = [*lines, *reading.loose]
        if sum_of(with_loose) == amount:
            lines, told = with_loose, amount
    if amount is None and told is not None:
        amount = told
    if not lines:
        doubts.append(NOTHING_NAMED)
    elif amount is not None and told is not None and told != amount:
        said = [f"{plain(minor, reading.currency)} {reading.currency}" for minor in (told, amount)]
        doubts.append(f"The lines add up to {said[0]}, the payment is {said[1]}")
    paid_on, unsure = _paid_on(reading)
    return Advice(
        lines=tuple(lines),
        amount_minor=amount,
        paid_on=paid_on,
        reference=reading.reference,
        payer=reading.payer,
        doubts=(*reading.doubts, *doubts, *unsure),
    )


def _settled_pairs(reading: Reading) -> list[Line]:
    """Lines with two amounts: what is due and what is paid, or the other way round where only that adds up."""
    if not reading.pairs:
        return list(reading.lines)
    totals = {minor for _, minor in reading.totals}
    last = [_pair(line, reading.pairs.get(n), first_is_paid=False) for n, line in enumerate(reading.lines)]
    first = [_pair(line, reading.pairs.get(n), first_is_paid=True) for n, line in enumerate(reading.lines)]
    return first if sum_of(first) in totals and sum_of(last) not in totals else last


def _pair(line: Line, other: int | None, *, first_is_paid: bool) -> Line:
    if other is None or line.paid_minor is None:
        return line
    sign = -1 if line.paid_minor < 0 else 1
    paid, due = (sign * abs(other), line.paid_minor) if first_is_paid else (line.paid_minor, sign * abs(other))
    if abs(due) < abs(paid):
        return replace(line, paid_minor=paid)
    return replace(line, paid_minor=paid, gross_minor=due, deduction_minor=abs(due) - abs(paid))


def _once(lines: Sequence[Line]) -> list[Line]:
    """Each document once for what it says: a line that only names it again, or says the same again, adds nothing."""
    kept: list[Line] = []
    places: dict[str, list[int]] = {}
    for line in lines:
        key = reference_key(line.reference)
        same = [n for n in places.get(key, []) if line.paid_minor in (None, kept[n].paid_minor)]
        if same:
            continue
        empty = next((n for n in places.get(key, []) if kept[n].paid_minor is None), None)
        if empty is not None:
            kept[empty] = line
            continue
        places.setdefault(key, []).append(len(kept))
        kept.append(line)
    return kept


def _total(reading: Reading, told: int | None, lines: Sequence[Line]) -> tuple[int | None, list[str]]:
    """The amount of the payment: of what is named a total the plainest, and what the lines add up to before others."""
    if not reading.totals:
        return None, []
    plainest = max(weight for weight, _ in reading.totals)
    best = [minor for weight, minor in reading.totals if weight == plainest]
    every = [minor for _, minor in reading.totals]
    if told is not None and told in every:
        return told, []
    if reading.loose and told is not None:
        cut = sum_of([*lines, *reading.loose])
        if cut is not None and cut in every:
            return cut, []
    if len(set(best)) == 1:
        return best[0], []
    said = ", ".join(plain(minor, reading.currency) for minor in dict.fromkeys(best))
    return None, [f"Several amounts may be the payment's ({said}): it was not chosen between them"]


def _paid_on(reading: Reading) -> tuple[date | None, list[str]]:
    if not reading.paid_on:
        return None, []
    plainest = max(weight for weight, _ in reading.paid_on)
    best = sorted({day for weight, day in reading.paid_on if weight == plainest})
    if len(best) == 1:
        return best[0], []
    return None, [f"Several days may be the payment's ({', '.join(map(str, best))}): it was not chosen between them"]
