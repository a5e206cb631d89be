"""Why a customer is not shown to be worked on today, though something is overdue. Pure; days are the customer's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Situation:
    """`held_until` has no meaning unless `held`; `talked_on` and `tried_on` are the last conversation and attempt."""

    asked: bool
    handed_on: str | None = None
    held: bool = False
    held_until: date | None = None
    talked_on: date | None = None
    tried_on: date | None = None
    call_on: date | None = None


def hidden(situation: Situation, *, rest_days: int, today: date) -> tuple[str, date | None]:
    """Why, as a code, and to the end of which day where that is known; ('', None) when it is to be worked on.

    After a conversation there are `rest_days` of rest, those of the company's policy. A call that is due is shown
    whatever was said before, but never beside an order of silence.
    """
    if situation.handed_on in ("agency", "legal"):
        return "handed_on", None
    if situation.held:
        return "held", situation.held_until
    if situation.call_on is not None and situation.call_on <= today:
        return "", None
    if situation.tried_on == today:
        return "tried", today
    rested = situation.talked_on + timedelta(days=rest_days) if situation.talked_on else None
    if rested is not None and today <= rested:
        return "resting", rested
    if situation.call_on is not None:
        return "call_back", situation.call_on - timedelta(days=1)
    if not situation.asked:
        return "nothing_asked", None
    return "", None
