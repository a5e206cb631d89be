"""Why an invoice is expected late or on time, as codes with their figures: the words are the pages' own. Pure.

A reason is told only where setting that group of features to its typical value really moves the chance, and only in
the direction that its figures say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from prediction.features import NAMES
from prediction.outcomes import Floats, Ints

LEAST_EFFECT: Final = 0.02
MOST: Final = 3
SHORT_HISTORY: Final = 5

Reason = dict[str, Any]


def reasons_of(table: Floats, effects: Mapping[str, Floats], overdue: Ints) -> list[list[Reason]]:
    """For each question at most MOST reasons, those of most effect first, after the plain facts.

    `table` is of `features`, `effects` the change of the chance by group; `overdue` the days past the due date, zero or
    less for those not yet due. `points` in a reason is its effect in percentage points.
    """
    names = list(effects)
    moved = np.column_stack([effects[name] for name in names]) if names else np.zeros((len(table), 0))
    order = np.argsort(-np.abs(moved), axis=1, kind="stable")
    out = []
    for line, moves, places, days in zip(table, moved, order, overdue, strict=True):
        fact = dict(zip(NAMES, line.tolist(), strict=True))
        told = _facts(fact, int(days))
        for place in places:
            if len(told) < MOST and abs(moves[place]) >= LEAST_EFFECT:
                said = SAID[names[place]](fact, float(moves[place]))
                if said is not None:
                    told.append({**said, "points": round(100 * float(moves[place]))})
        out.append(told)
    return out


def _facts(fact: Mapping[str, float], overdue: int) -> list[Reason]:
    told: list[Reason] = []
    if overdue > 0:
        told.append({"code": "overdue", "days": overdue})
    if overdue == 0:
        told.append({"code": "due_today"})
    if fact["disputed"] > 0:
        told.append({"code": "contested"})
    if fact["settled"] < SHORT_HISTORY:
        told.append({"code": "short_history", "count": int(fact["settled"])})
    return told


def _customer(fact: Mapping[str, float], effect: float) -> Reason | None:
    mean, recent, rate = fact["mean_late"], fact["recent_late"], fact["late_rate"]
    if np.isnan(mean):
        return None
    if effect > 0:
        if recent >= 1 and recent >= mean + 3:
            return {"code": "lately_slower", "days": round(recent), "usual": round(mean)}
        if round(mean) >= 1:
            return {"code": "pays_late", "days": round(mean)}
        return {"code": "often_late", "percent": round(100 * rate)} if rate >= 0.5 else None
    if round(mean) <= -1:
        return {"code": "pays_early", "days": round(-mean)}
    return {"code": "pays_on_time", "percent": round(100 * (1 - rate))} if rate <= 0.5 else None


def _amount(fact: Mapping[str, float], effect: float) -> Reason | None:
    usual = fact["amount_to_usual"]
    if np.isnan(usual) or abs(usual) < 0.4:
        return None
    size = "amount_high" if usual > 0 else "amount_low"
    return {"code": size, "percent": round(100 * float(np.exp(min(usual, 9.0)))), "raises": effect > 0}


def _standing(fact: Mapping[str, float], effect: float) -> Reason | None:
    if effect > 0 and fact["overdue"] >= 1:
        return {"code": "others_overdue", "count": int(fact["overdue"])}
    return {"code": "nothing_overdue"} if effect < 0 and fact["overdue"] == 0 else None


def _invoice(fact: Mapping[str, float], effect: float) -> Reason | None:
    usual, here = fact["mean_late"], fact["weekday_late"]
    if np.isfinite(here) and abs(here - usual) >= 1 and (here > usual) == (effect > 0):
        return {"code": "due_weekday", "weekday": int(fact["due_weekday"]), "raises": effect > 0}
    return {"code": "terms", "days": int(fact["terms"]), "raises": effect > 0}


SAID: Final = {"customer": _customer, "amount": _amount, "standing": _standing, "invoice": _invoice}
