"""What becomes of the entries of a statement, given what is known of them already: new, known, or said better. Pure.

An entry is what the bank booked as one; it is one line, or one for each transaction when the bank tells them. It is
known by account, bank reference, day, amount, and which of several that look the same it is. So the same file adds
nothing, files that overlap add what is new, a batch counts once whether its transactions come before it, with it or
after it, and what was pending becomes what was booked.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ar.cash.bank.models import LineState
from ar.cash.bank.readers.facts import Line, Status

OUT_REASON = "money that went out"
SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Known:
    """A line that is stored for an entry."""

    id: int
    state: LineState
    decided_by: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the statement being taken: its key, and its lines in their order. `look` is what all entries that
    look the same share; the key says which of them it is."""

    key: str
    lines: Sequence[Line]

    @property
    def look(self) -> str:
        return self.key.partition("-")[0]


@dataclass(slots=True)
class Outcome:
    """What to write: lines to insert, lines that replace a stored one, stored lines that the bank has now booked
    (with the line that says so), stored lines that count no more; and how many lines were known."""

    inserted: list[tuple[Entry, Line]] = field(default_factory=list)
    replaced: list[tuple[int, Entry, Line]] = field(default_factory=list)
    booked: list[tuple[int, Line]] = field(default_factory=list)
    superseded: list[tuple[int, str]] = field(default_factory=list)
    known: int = 0


def entry_base(account_id: int, line: Line) -> str:
    """What all entries that look the same share."""
    told = f"{account_id}|{line.entry_reference}|{line.booked_on.isoformat()}|{line.entry_minor}"
    return hashlib.sha256(told.encode()).hexdigest()[:40]


class Numbering:
    """Gives each entry of a statement its key. `before` says how many like it are in statements next to this one,
    whose lines are other lines however much they look the same."""

    def __init__(self, account_id: int, before: Mapping[str, int]) -> None:
        self._account_id = account_id
        self._seen: Counter[str] = Counter(before)

    def entry(self, lines: Sequence[Line]) -> Entry:
        base = entry_base(self._account_id, lines[0])
        self._seen[base] += 1
        return Entry(f"{base}-{self._seen[base]}", lines)


def identity_of(entry: Entry, line: Line) -> str:
    """The identity of a line: its entry, and which part of how many it is."""
    return entry.key if line.parts == 1 else f"{entry.key}/{line.part}of{line.parts}"


def state_of(line: Line, *, provisional: bool) -> tuple[LineState, str]:
    """The state that a new line gets, and why. Money that came back to or from us is for somebody to look at."""
    if provisional or line.status is not Status.BOOKED:
        return LineState.PROVISIONAL, ""
    if line.amount_minor > 0 or line.return_reason or line.is_reversal:
        return LineState.OPEN, ""
    return LineState.IGNORED, OUT_REASON


def settle(
    entries: Sequence[Entry], known: Mapping[str, Sequence[Known]], pending: Pending, *, provisional: bool
) -> Outcome:
    """What to write for `entries` of a statement. `known` are the lines stored for each key, by their id."""
    outcome = Outcome()
    for entry in entries:
        rows = known.get(entry.key, ())
        live = [row for row in rows if row.state is not LineState.SUPERSEDED]
        interim = provisional or entry.lines[0].status is not Status.BOOKED
        if not rows:
            _insert(outcome, entry)
            if not interim:
                _retire_pending(outcome, entry, pending)
        elif interim:
            outcome.known += len(entry.lines)
        elif not live:
            _replace(outcome, entry, rows)
        elif all(row.state is LineState.PROVISIONAL for row in live):
            if len(entry.lines) >= len(live):
                _replace(outcome, entry, live)
            else:
                outcome.booked.extend((row.id, entry.lines[0]) for row in live)
        elif len(entry.lines) > len(live) and all(map(_untouched, live)):
            outcome.superseded.extend((row.id, _reason(entry)) for row in live)
            _insert(outcome, entry)
        else:
            outcome.known += len(entry.lines)
    return outcome


class Pending:
    """Lines that wait to be booked, found again by what stays the same: bank reference or end-to-end id, and amount."""

    def __init__(self, rows: Sequence[tuple[int, str, str, int]]) -> None:
        self._by: dict[tuple[str, str, int], list[int]] = {}
        self._gone: set[int] = set()
        for line_id, bank_reference, end_to_end_id, minor in rows:
            for kind, name in (("bank", bank_reference), ("end", end_to_end_id)):
                if name:
                    self._by.setdefault((kind, name, minor), []).append(line_id)

    def take(self, line: Line) -> int | None:
        """The pending line that `line` is now booked for, each once."""
        for kind, name in (("bank", line.bank_reference), ("end", line.end_to_end_id)):
            for line_id in self._by.get((kind, name, line.amount_minor), ()) if name else ():
                if line_id not in self._gone:
                    self._gone.add(line_id)
                    return line_id
        return None


def _insert(outcome: Outcome, entry: Entry) -> None:
    outcome.inserted.extend((entry, line) for line in entry.lines)


def _replace(outcome: Outcome, entry: Entry, rows: Sequence[Known]) -> None:
    """Each stored line becomes the booked one; where there are more or fewer now, the stored ones count no more."""
    if len(rows) == len(entry.lines):
        outcome.replaced.extend((row.id, entry, line) for row, line in zip(rows, entry.lines, strict=True))
    else:
        outcome.superseded.extend((row.id, _reason(entry)) for row in rows)
        _insert(outcome, entry)


def _retire_pending(outcome: Outcome, entry: Entry, pending: Pending) -> None:
    for line in entry.lines:
        found = pending.take(line)
        if found is not None:
            outcome.superseded.append((found, f"booked on {line.booked_on.isoformat()}"))


def _untouched(row: Known) -> bool:
    """Whether nobody has decided anything about the line."""
    return row.state in (LineState.OPEN, LineState.PROVISIONAL) or (
        row.state is LineState.IGNORED and row.decided_by == SYSTEM
    )


def _reason(entry: Entry) -> str:
    return f"told by the bank as {len(entry.lines)} transactions"
