"""Days as people write them, in six languages: 2026-03-12, 12/03/2026, 12. März 2026, March 12, 2026. Pure."""

from __future__ import annotations

import re
from datetime import date, timedelta

_MONTHS = (
    "january jan janvier janv januar jän enero ene gennaio gen januari",
    "february feb février fevrier févr fevr februar febrero febbraio februari",
    "march mar mars märz maerz mär marzo mrt maart",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mag mei",
    "june jun juin juni junio giugno giu",
    "july jul juillet juil juli julio luglio lug",
    "august aug août aout agosto ago augustus",
    "september sep sept septembre septiembre settembre set",
    "october oct octobre oktober okt octubre ottobre ott",
    "november nov novembre noviembre",
    "december dec décembre decembre déc dez dezember diciembre dic dicembre",
)
_MONTH = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()}
_NAMES = "|".join(sorted(_MONTH, key=len, reverse=True))
FOUND = re.compile(
    r"(?<![\w./-])(?:"
    r"(?P<y>(?:19|20)\d\d)(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})"
    r"|(?P<a>\d{1,2})(?P<t>[-/.])(?P<b>\d{1,2})(?P=t)(?P<z>(?:19|20)\d\d|\d\d)"
    rf"|(?P<day>\d{{1,2}})(?:er|st|nd|rd|th|\.)?\s(?:de\s)?(?P<name>{_NAMES})\.?,?\s(?:de\s)?(?P<year>(?:19|20)\d\d)"
    rf"|(?P<us>{_NAMES})\.?\s(?P<usday>\d{{1,2}})(?:st|nd|rd|th)?,?\s(?P<usyear>(?:19|20)\d\d)"
    r")(?![\w/-]|[.,]\d)",
    re.IGNORECASE,
)
_PAST, _AHEAD = timedelta(days=60), timedelta(days=31)


def readings(found: re.Match[str]) -> list[date]:
    """The days that what FOUND found may be: one, two where day and month could be either, none for no day."""
    if found["y"]:
        given = [(found["y"], found["m"], found["d"])]
    elif found["name"]:
        given = [(found["year"], str(_MONTH[found["name"].lower()]), found["day"])]
    elif found["us"]:
        given = [(found["usyear"], str(_MONTH[found["us"].lower()]), found["usday"])]
    else:
        year = found["z"] if len(found["z"]) == 4 else f"20{found['z']}"
        given = [(year, found["b"], found["a"])]
        if found["t"] == "/" and found["a"] != found["b"]:  # with dots or dashes nobody writes the month first
            given.append((year, found["a"], found["b"]))
    days = []
    for year, month, day in given:
        try:
            days.append(date(int(year), int(month), int(day)))
        except ValueError:
            continue
    return days


def month_first(text: str) -> bool | None:
    """Whether the days of `text` are written with the month first; None when none of them tells."""
    told = {("us" if found["us"] else "slash", _order(found)) for found in FOUND.finditer(text)} - {("slash", None)}
    orders = {order for _, order in told if order is not None}
    return orders.pop() if len(orders) == 1 else None


def _order(found: re.Match[str]) -> bool | None:
    if found["us"]:
        return True
    if found["name"] or (found["a"] and found["t"] == "."):
        return False
    if not found["a"]:
        return None
    first, second = int(found["a"]), int(found["b"])
    return False if first > 12 >= second else True if second > 12 >= first else None


def day_of(found: re.Match[str], *, month_first: bool | None, near: date | None) -> date | None:
    """The day that is meant: by how the text writes others, or the only one that is near; None when that is open."""
    days = readings(found)
    if len(days) < 2:
        return days[0] if days else None
    if month_first is not None:
        return days[int(month_first)]
    if near is None:
        return None
    close = [day for day in days if near - _PAST <= day <= near + _AHEAD]
    return close[0] if len(close) == 1 else None
