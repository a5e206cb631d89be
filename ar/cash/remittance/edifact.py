"""EDIFACT REMADV, D.96A and those near it: the segments that say what is paid, all others skipped. Pure.

BGM has the advice's number, RFF the payment's, DTM days, NAD the payer, DOC the documents, MOA amounts (12 what is
remitted, 9 what is due, 52 a discount), AJT and FTX the reasons of a deduction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from ar.cash.remittance.advice import MAX_LINES, MAX_TEXT, Advice, Line, sum_of
from ar.cash.remittance.references import MAX_KEY
from ar.core.errors import DomainError
from ar.core.money import AmountError, CurrencyError, parse_minor, plain

MAX_CHARACTERS = 4_000_000
_REMITTED = "12"
_PAID, _DUE, _OFF = frozenset({"11", "12"}), frozenset({"9", "39", "77"}), frozenset({"8", "52", "165", "204"})
_TOTAL = frozenset({"9", "11", "60", "86", "128"})
_CREDIT_NOTES = frozenset({"381", "261", "262", "296", "308", "396", "420", "458"})
_PAYERS = ("PR", "PL", "MS", "BY")
_REASONS = {"3": "damaged goods", "4": "short delivery", "5": "price query", "9": "invoice error"}


class EdifactError(DomainError):
    """The file is no REMADV that can be read."""

    code = "bad-edifact"


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment: its tag, and its elements, each a list of components."""

    tag: str
    elements: tuple[tuple[str, ...], ...]

    def at(self, element: int, component: int = 0) -> str:
        """A component, or nothing where the segment ends before it."""
        try:
            return self.elements[element][component].strip()
        except IndexError:
            return ""


def is_edifact(text: str) -> bool:
    """Whether `text` begins as an interchange does."""
    return text.lstrip()[:3] in ("UNA", "UNB", "UNH")


def read_remadv(text: str) -> Advice:
    """The first remittance advice of an interchange. Raises EdifactError."""
    if len(text) > MAX_CHARACTERS:
        raise EdifactError("The file is too large: at most 4 million characters are read")
    mark, segments = _segments(text.lstrip())
    found = [segment for segment in segments if segment.tag]
    if not any(one.tag == "UNH" and one.at(1) == "REMADV" for one in found):
        raise EdifactError("The file is EDIFACT, but holds no REMADV message")
    begin = next(n for n, one in enumerate(found) if one.tag == "UNH" and one.at(1) == "REMADV")
    end = next((n for n in range(begin, len(found)) if found[n].tag == "UNT"), len(found))
    advice = _message(found[begin + 1 : end], mark)
    others = sum(one.tag == "UNH" for one in found) - 1
    doubts = (f"The file holds {others} more messages: only the first was read",) if others else ()
    return replace(advice, text=text[:MAX_TEXT], doubts=(*doubts, *advice.doubts))


def _segments(text: str) -> tuple[str, Iterator[Segment]]:
    """The decimal mark, and the segments."""
    component, element, mark, release, end = ":", "+", ".", "?", "'"
    if text.startswith("UNA"):
        if len(text) < 9:
            raise EdifactError("The file ends within its UNA segment")
        component, element, mark, release, _, end = list(text[3:9])
        text = text[9:]
    return mark, _split(text, component, element, release, end)


def _split(text: str, component: str, element: str, release: str, end: str) -> Iterator[Segment]:
    current: list[str] = []
    components: list[str] = []
    elements: list[tuple[str, ...]] = []
    characters = iter(text)
    for character in characters:
        if character == release and release != " ":
            current.append(next(characters, ""))
        elif character in (component, element, end):
            components.append("".join(current))
            current = []
            if character != component:
                elements.append(tuple(components))
                components = []
            if character == end:
                yield Segment(elements[0][0].strip(), tuple(elements[1:]))
                elements = []
        elif character not in "\r\n":
            current.append(character)


def _message(segments: list[Segment], mark: str) -> Advice:
    advice, summed = Advice(), False
    doubts: list[str] = []
    for segment in segments:
        line = advice.lines[-1] if advice.lines else None
        if segment.tag == "UNS":
            summed = True
        elif segment.tag == "DOC" and len(advice.lines) < MAX_LINES:
            number = segment.at(1)[:MAX_KEY]
            kind = "-" if segment.at(0) in _CREDIT_NOTES else ""
            advice = replace(advice, lines=(*advice.lines, Line(number, said=f"{kind}{segment.at(0)} {number}"[:400])))
        elif segment.tag == "MOA":
            advice, wrong = _amount(advice, None if summed else line, segment, mark)
            doubts += wrong
        elif segment.tag == "DTM" and (day := _day(segment)) is not None:
            if line is not None and not summed:
                advice = _last(advice, replace(line, document_on=line.document_on or day))
            elif segment.at(0) in ("138", "203", "209"):
                advice = replace(advice, paid_on=day)
        elif segment.tag == "AJT" and line is not None and not summed:
            advice = _last(
                advice, replace(line, reason=_REASONS.get(segment.at(0), f"adjustment code {segment.at(0)}")[:200])
            )
        elif segment.tag == "FTX" and line is not None and not summed:
            told = " ".join(part for part in (segment.elements[3] if len(segment.elements) > 3 else ()) if part)
            advice = _last(advice, replace(line, reason=(told or line.reason)[:200]))
        elif line is None:
            advice = _head(advice, segment)
    return _checked(replace(advice, doubts=tuple(doubts)))


def _head(advice: Advice, segment: Segment) -> Advice:
    if segment.tag == "BGM" and not advice.reference:
        return replace(advice, reference=(segment.at(1) or segment.at(0))[:80])
    if segment.tag == "RFF" and segment.at(0) in ("PQ", "CK", "AEK", "TN", "AFO") and segment.at(0, 1):
        return replace(advice, reference=segment.at(0, 1)[:80])
    if segment.tag == "NAD" and segment.at(0) in _PAYERS and not advice.payer:
        return replace(advice, payer=(segment.at(3) or segment.at(2))[:200])
    if segment.tag == "CUX" and segment.at(0, 1):
        return replace(advice, currency=segment.at(0, 1)[:3])
    return advice


def _amount(advice: Advice, line: Line | None, segment: Segment, mark: str) -> tuple[Advice, list[str]]:
    kind, figures = segment.at(0), segment.at(0, 1).replace(mark, ".")
    currency = segment.at(0, 2)[:3] or advice.currency or "EUR"
    try:
        minor = parse_minor(figures, currency)
    except (AmountError, CurrencyError):
        return advice, [f"The amount {segment.at(0, 1)[:40]!a} was not read"]
    if advice.currency and advice.currency != currency:
        return advice, [f"The amount {segment.at(0, 1)[:40]} {currency} is in another currency than the advice"]
    advice = replace(advice, currency=currency)
    if line is None:
        first = kind in _TOTAL and advice.amount_minor is None
        return (replace(advice, amount_minor=minor) if kind == _REMITTED or first else advice), []
    if kind in _OFF:
        return _last(advice, replace(line, deduction_minor=line.deduction_minor + abs(minor))), []
    if line.said.startswith("-"):
        minor = -abs(minor)
    if kind in _PAID:
        return _last(advice, replace(line, paid_minor=minor)), []
    return (_last(advice, replace(line, gross_minor=minor)) if kind in _DUE else advice), []


def _last(advice: Advice, line: Line) -> Advice:
    return replace(advice, lines=(*advice.lines[:-1], line))


def _day(segment: Segment) -> date | None:
    figures, form = segment.at(0, 1), segment.at(0, 2) or "102"
    try:
        return datetime.strptime(figures[:8], "%Y%m%d").date() if form in ("102", "203") else None  # noqa: DTZ007
    except ValueError:
        return None


def _checked(advice: Advice) -> Advice:
    """With what the lines owe each other worked out, and doubts where they do not agree."""
    lines = []
    for line in advice.lines:
        one = line
        if one.paid_minor is None and one.gross_minor is not None:
            one = replace(one, paid_minor=one.gross_minor - one.deduction_minor)
        if one.gross_minor is None and one.paid_minor is not None and one.deduction_minor:
            one = replace(one, gross_minor=one.paid_minor + one.deduction_minor)
        lines.append(replace(one, said=one.said.lstrip("-")))
    told, doubts = sum_of(lines), list(advice.doubts)
    amount = advice.amount_minor if advice.amount_minor is not None else told
    if not lines:
        doubts.append("No invoice is named that could be read")
    elif told is not None and told != amount and amount is not None:
        said = [f"{plain(minor, advice.currency)} {advice.currency}" for minor in (told, amount)]
        doubts.append(f"The lines add up to {said[0]}, the payment is {said[1]}")
    return replace(advice, lines=tuple(lines), amount_minor=amount, doubts=tuple(doubts))
