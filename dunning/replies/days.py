"""Days as people say them in a letter, in English and French: by Friday, end of month, le 15, d'ici vendredi. Pure.

Each is resolved against the day on which the letter was written, on its writer's clocks. Where people differ about what
is meant ("next Friday"), one reading is taken and the day is called not exact.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from ar.cash.remittance import days as whole
from ar.core.calendars import add_business_days

_WEEKDAYS = (
    "monday mon lundi",
    "tuesday tue tues mardi",
    "wednesday wed mercredi",
    "thursday thu thur thurs jeudi",
    "friday fri vendredi",
    "saturday sat samedi",
    "sunday sun dimanche",
)
_WEEKDAY = {name: number for number, names in enumerate(_WEEKDAYS) for name in names.split()}
_MONTHS = (
    "january jan janvier janv",
    "february feb février fevrier févr",
    "march mar mars",
    "april apr avril avr",
    "may mai",
    "june jun juin",
    "july jul juillet juil",
    "august aug août aout",
    "september sept sep septembre",
    "october oct octobre",
    "november nov novembre",
    "december dec décembre decembre déc",
)
_MONTH = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()}
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "a couple of": 2, "couple of": 2, "three": 3, "four": 4, "five": 5, "six": 6,
    "seven": 7, "eight": 8, "ten": 10, "fifteen": 15, "twenty": 20, "thirty": 30, "un": 1, "une": 1, "deux": 2,
    "trois": 3, "quatre": 4, "cinq": 5, "sept": 7, "huit": 8, "dix": 10, "quinze": 15, "vingt": 20, "trente": 30,
}  # fmt: skip
_FORWARD, _BACK = timedelta(days=15), timedelta(days=15)
FRIDAY = 4


@dataclass(frozen=True, slots=True)
class Said:
    """A day where it is said in a text; not `exact` where others may read another one."""

    start: int
    end: int
    day: date
    exact: bool = True


@dataclass(frozen=True, slots=True)
class _At:
    on: date
    country: str
    past: bool
    month_first: bool


_Resolve = Callable[[re.Match[str], _At], date | None]


def said_days(text: str, *, on: date, country: str = "FR", past: bool = False) -> list[Said]:
    """The days said in `text`, left to right; of those that overlap the longest. `past` for what was done already:
    a day without a year is then the last one rather than the next. Business days are those of `country`."""
    at = _At(on, country, past, month_first=country == "US")
    found: list[Said] = []
    for pattern, resolve, exact in _PATTERNS:
        for match in pattern.finditer(text):
            try:
                day = resolve(match, at)
            except (ValueError, OverflowError):  # 31 February; a count beyond the calendar
                continue
            if day is not None and 1990 <= day.year <= 2200:
                found.append(Said(match.start(), match.end(), day, exact))
    kept: list[Said] = []
    for one in sorted(found, key=lambda said: (said.start - said.end, said.start)):
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda said: said.start)


def _count(words: str) -> int:
    words = words.lower().strip()
    return int(words) if words.isdecimal() else _NUMBERS[words]


def _coming(weekday: int, at: _At) -> date:
    """The next day of that name; the last one for what was done."""
    if at.past:
        return at.on - timedelta(days=(at.on.weekday() - weekday) % 7)
    return at.on + timedelta(days=(weekday - at.on.weekday() - 1) % 7 + 1)


def _of_week(weekday: int, at: _At, *, weeks: int) -> date:
    return at.on - timedelta(days=at.on.weekday()) + timedelta(days=7 * weeks + weekday)


def _month_end(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def _later_month(at: _At, months: int) -> tuple[int, int]:
    number = at.on.year * 12 + at.on.month - 1 + months
    return number // 12, number % 12 + 1


def _near(month: int, day: int, at: _At) -> date:
    """That day of the year which is the next one from half a month ago, or for what was done the last one."""
    years = (at.on.year - 1, at.on.year, at.on.year + 1)
    found = [date(year, month, day) for year in years if day <= calendar.monthrange(year, month)[1]]
    if at.past:
        return max(one for one in found if one <= at.on + _FORWARD)
    return min(one for one in found if one >= at.on - _BACK)


def _day_of_month(day: int, at: _At) -> date:
    step = -1 if at.past else 1
    for months in range(3):
        year, month = _later_month(at, step * months)
        if day <= calendar.monthrange(year, month)[1]:
            found = date(year, month, day)
            if found <= at.on if at.past else found >= at.on:
                return found
    raise ValueError(day)


def _numeric(match: re.Match[str], at: _At) -> date | None:
    first, second = int(match["n"]), int(match["m"])
    if at.month_first:
        first, second = second, first
    if second > 12 >= first:
        first, second = second, first
    return _near(second, first, at) if 1 <= second <= 12 and 1 <= first <= 31 else None


def _after(match: re.Match[str], at: _At) -> date | None:
    count = _count(match["count"])
    if count > 400:
        return None
    step = -count if at.past else count
    unit = match["unit"].lower()
    if unit.startswith(("week", "semaine")):
        return at.on + timedelta(weeks=step)
    if unit.startswith(("month", "mois")):
        year, month = _later_month(at, step)
        return date(year, month, min(at.on.day, calendar.monthrange(year, month)[1]))
    if unit.startswith(("hour", "heure")):
        return at.on + timedelta(days=-(-step // 24))
    if match["work"] or match["ouvré"]:
        return add_business_days(at.on, count, at.country) if not at.past else None
    return at.on + timedelta(days=step)


def _written_out(match: re.Match[str], at: _At) -> date | None:
    return whole.day_of(match, month_first=at.month_first, near=at.on)


def _named(match: re.Match[str], at: _At) -> date | None:
    name = match["name"] or match["us"]
    day = int(match["day"] or match["usday"])
    return _near(_MONTH[name.lower().rstrip(".")], day, at) if 1 <= day <= 31 else None


def _end_of_month(match: re.Match[str], at: _At) -> date:
    name = (match["name"] or "").lower()
    if name:
        found = _near(_MONTH[name], 28, at)
        return _month_end(found.year, found.month)
    return _month_end(*_later_month(at, 1 if match["next"] else 0))


def _in_month(day: int) -> _Resolve:
    def resolve(match: re.Match[str], at: _At) -> date:
        if match["name"]:
            return _near(_MONTH[match["name"].lower()], day, at)
        return date(*_later_month(at, 1 if match["next"] else 0), day)

    return resolve


_W = "|".join(sorted(_WEEKDAY, key=len, reverse=True))
_M = "|".join(sorted(_MONTH, key=len, reverse=True))
_N = "|".join(sorted(_NUMBERS, key=len, reverse=True))
_THIS = r"(?:the|this|current|the\scurrent)\s"
_OF_NAME = rf"(?P<name>{_M})\b"
_DU_MOIS = rf"(?:d['’]|de\s|du\smois\s(?:d['’]|de\s))?{_OF_NAME}|(?:de\s|du\s)?mois(?P<next>\s(?:prochain|suivant))?"
_OF_MONTH = rf"(?:{_OF_NAME}|(?:(?:the|this|current)\s)?(?:(?P<next>next\s))?month)"

_TABLE: tuple[tuple[str, _Resolve, bool], ...] = (
    (r"\b(?:today|tonight|this\s(?:morning|afternoon|evening)|end\sof\s(?:the\s)?day|aujourd['’]hui|ce\s(?:jour|soir|matin)"
     r"|cet\saprès-midi)\b", lambda _, at: at.on, True),
    (r"\b(?:tomorrow|demain)\b", lambda _, at: at.on + timedelta(days=1), True),
    (r"\b(?:(?:the\s)?day\safter\stomorrow|après[-\s]demain)\b", lambda _, at: at.on + timedelta(days=2), True),
    (r"\b(?:yesterday|hier)\b", lambda _, at: at.on - timedelta(days=1), True),
    (rf"\b(?P<w>{_W})\b(?!\s(?:week|en\shuit|prochain|dernier))",
     lambda m, at: _coming(_WEEKDAY[m["w"].lower()], at), True),
    (rf"\bnext\s(?P<w>{_W})\b", lambda m, at: _of_week(_WEEKDAY[m["w"].lower()], at, weeks=1), False),
    (rf"\b(?P<w>{_W})\sprochain\b", lambda m, at: _coming(_WEEKDAY[m["w"].lower()], at), True),
    (rf"\b(?P<w>{_W})\s(?:week|en\shuit)\b",
     lambda m, at: _coming(_WEEKDAY[m["w"].lower()], at) + timedelta(days=7), True),
    (rf"\b(?:last\s(?P<w>{_W})|(?P<v>{_W})\sdernier)\b",
     lambda m, at: at.on - timedelta(days=(at.on.weekday() - _WEEKDAY[(m["w"] or m["v"]).lower()] - 1) % 7 + 1), True),
    (rf"\b(?P<w>{_W})(?:\s(?:of|de\sla))?\s(?:next\sweek|(?:la\s)?semaine\sprochaine)\b",
     lambda m, at: _of_week(_WEEKDAY[m["w"].lower()], at, weeks=1), True),
    (rf"\b(?:(?:by\s)?(?:the\s)?end\sof\s(?:{_THIS})?week|(?:end\s)?this\sweek|(?:la\s)?fin\sde\s(?:la\s|cette\s)?semaine"
     r"|(?:dans|courant)\s(?:de\s)?(?:la|cette)\ssemaine|cette\ssemaine)\b(?!\sprochaine)",
     lambda _, at: _of_week(FRIDAY, at, weeks=int(at.on.weekday() > FRIDAY)), True),
    (r"\b(?:(?:the\s)?end\sof\snext\sweek|(?:la\s)?fin\sde\s(?:la\s)?semaine\sprochaine)\b",
     lambda _, at: _of_week(FRIDAY, at, weeks=1), True),
    (r"\b(?:(?:during\s|in\sthe\scourse\sof\s)?next\sweek|(?:courant\s)?(?:la\s)?semaine\sprochaine)\b",
     lambda _, at: _of_week(FRIDAY, at, weeks=1), False),
    (r"\b(?:(?:early|(?:the\s)?(?:beginning|start)\sof)\snext\sweek|(?:en\s)?début\sde\s(?:la\s)?semaine\sprochaine)\b",
     lambda _, at: _of_week(1, at, weeks=1), False),
    (r"\b(?:last\sweek|(?:la\s)?semaine\sdernière)\b", lambda _, at: _of_week(FRIDAY, at, weeks=-1), False),
    (rf"\b(?:(?:the\s)?end\sof\s{_OF_MONTH}|month[-\s]end|eom)\b", _end_of_month, True),
    (rf"\blate\s{_OF_NAME}(?P<next>)", _end_of_month, True),
    (rf"\b(?:la\s)?fin\s(?:{_DU_MOIS})(?!\w)", _end_of_month, True),
    (rf"\b(?:mid(?:dle\sof)?[-\s]{_OF_MONTH})\b", _in_month(15), True),
    (r"\b(?:early(?:\sin)?|(?:the\s)?(?:beginning|start)\sof)\s" + _OF_MONTH + r"\b", _in_month(5), False),
    (rf"\bmi-(?:{_DU_MOIS})(?!\w)", _in_month(15), True),
    (rf"\b(?:en\s|au\s)?début\s(?:{_DU_MOIS})(?!\w)", _in_month(5), False),
    (r"\b(?:next\smonth|(?:le\s)?mois\sprochain)\b", lambda _, at: _month_end(*_later_month(at, 1)), False),
    (rf"\b(?:in|within|dans|sous|d['’]ici|after|d['’]ici\sà)\s(?:the\snext\s|les\s|un\sdélai\sde\s)?(?P<count>\d{{1,3}}|{_N})\s"
     r"(?P<work>(?:working|business)\s)?(?P<unit>days?|weeks?|months?|hours?|jours?|semaines?|mois|heures?)\b"
     r"(?P<ouvré>\souvr(?:és?|ables?))?", _after, True),
    (rf"\b(?P<count>\d{{1,3}}|{_N})\s(?P<work>)(?P<unit>days?|weeks?)(?P<ouvré>)\sago\b|\bil\sy\sa\s(?P<c2>\d{{1,3}}|{_N})\s"
     r"(?P<u2>jours?|semaines?)\b", lambda m, at: _ago(m, at), True),
    (r"\bsous\s(?:huitaine|8\sjours)\b", lambda _, at: at.on + timedelta(days=8), True),
    (r"\bsous\squinzaine\b|\b(?:in\s)?a\sfortnight\b", lambda _, at: at.on + timedelta(days=14), True),
    (r"\b(?:in|within)\sa\sfew\sdays\b|\b(?:dans|d['’]ici|sous)\s(?:quelques|peu\sde)\sjours\b",
     lambda _, at: at.on + timedelta(days=5), False),
    (rf"(?<![\w./,-])(?P<day>\d{{1,2}})(?:er|st|nd|rd|th|\.)?\s(?:of\s|de\s)?(?P<name>{_M})\b\.?(?!\s?(?:19|20)\d\d)"
     rf"|\b(?P<us>{_M})\.?\s(?:the\s)?(?P<usday>\d{{1,2}})(?:st|nd|rd|th)?\b(?![\d.,]\d|,?\s?(?:19|20)\d\d)",
     _named, True),
    (r"(?<![\w./,-])(?P<n>\d{1,2})/(?P<m>\d{1,2})(?![\w/]|[.,-]\d|\s(?:of|de)\s)", _numeric, True),
    (r"(?<![\w./,-])(?P<n>\d{1,2})\.(?P<m>\d{1,2})\.(?!\d)", _numeric, True),
    (rf"\b(?:le|du|au|jusqu['’]au|d['’]ici\s(?:le|au)|avant\sle)\s(?P<d>\d{{1,2}})(?:er)?\b(?![\w/]|[.,-]\d|\s?(?:{_M})\b"
     r"|\s?(?:€|eur|jours|%|heures|h\b))", lambda m, at: _day_of_month(int(m["d"]), at), True),
    (rf"\b(?:the\s)?(?P<d>\d{{1,2}})(?:st|nd|rd|th)\b(?!\s(?:of\s)?(?:{_M}|next\smonth))(?!\s(?:reminder|invoice|instal))",
     lambda m, at: _day_of_month(int(m["d"]), at), True),
    (r"\b(?:the\s)?(?P<d>\d{1,2})(?:st|nd|rd|th)\sof\snext\smonth\b|\ble\s(?P<e>\d{1,2})\s(?:du\smois\sprochain|prochain)\b",
     lambda m, at: date(*_later_month(at, 1), int(m["d"] or m["e"])), True),
)  # fmt: skip


def _ago(match: re.Match[str], at: _At) -> date:
    count, unit = _count(match["count"] or match["c2"]), (match["unit"] or match["u2"]).lower()
    return at.on - timedelta(days=count * (7 if unit.startswith(("week", "semaine")) else 1))


_PATTERNS = (
    (whole.FOUND, _written_out, True),
    *((re.compile(pattern, re.IGNORECASE), resolve, exact) for pattern, resolve, exact in _TABLE),
)
