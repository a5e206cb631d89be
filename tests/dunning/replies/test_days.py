"""Days as people say them, against a Wednesday, 11 March 2026."""

from __future__ import annotations

from datetime import date

import pytest

from dunning.replies.days import said_days
from dunning.replies.sums import said_amounts

ON = date(2026, 3, 11)

COMING = {
    "by Friday": "2026-03-13",
    "Wednesday": "2026-03-18",
    "next Friday": "2026-03-20",
    "Friday week": "2026-03-20",
    "tomorrow": "2026-03-12",
    "the day after tomorrow": "2026-03-13",
    "by the end of the week": "2026-03-13",
    "end of next week": "2026-03-20",
    "by month end": "2026-03-31",
    "end of next month": "2026-04-30",
    "by the end of April": "2026-04-30",
    "mid-April": "2026-04-15",
    "in 10 days": "2026-03-21",
    "within two weeks": "2026-03-25",
    "within 5 business days": "2026-03-18",
    "on the 15th": "2026-03-15",
    "on the 5th": "2026-04-05",
    "the 5th of next month": "2026-04-05",
    "December 15th": "2026-12-15",
    "15 January": "2027-01-15",
    "2026-04-01": "2026-04-01",
    "on 12/04/2026": "2026-04-12",
    "15/12": "2026-12-15",
    "d'ici vendredi": "2026-03-13",
    "vendredi prochain": "2026-03-13",
    "vendredi en huit": "2026-03-20",
    "demain": "2026-03-12",
    "après-demain": "2026-03-13",
    "fin de semaine prochaine": "2026-03-20",
    "d’ici la fin de la semaine": "2026-03-13",
    "fin de mois": "2026-03-31",
    "fin du mois prochain": "2026-04-30",
    "fin mars": "2026-03-31",
    "fin avril": "2026-04-30",
    "mi-avril": "2026-04-15",
    "le 15": "2026-03-15",
    "le 5": "2026-04-05",
    "le 1er avril": "2026-04-01",
    "le 5 du mois prochain": "2026-04-05",
    "sous 8 jours": "2026-03-19",
    "sous quinzaine": "2026-03-25",
    "sous 48 heures": "2026-03-13",
    "dans dix jours": "2026-03-21",
    "sous 5 jours ouvrés": "2026-03-18",
    "mardi de la semaine prochaine": "2026-03-17",
}
PAST = {
    "on 9 March": "2026-03-09",
    "on Monday": "2026-03-09",
    "last Friday": "2026-03-06",
    "yesterday": "2026-03-10",
    "two days ago": "2026-03-09",
    "le 25": "2026-02-25",
    "hier": "2026-03-10",
    "vendredi dernier": "2026-03-06",
    "il y a trois jours": "2026-03-08",
    "on 15 December": "2025-12-15",
}
NONE = ["15.05 EUR", "30/60 days", "on 31/02", "the 31st reminder", "12345", "1/2 of it", "monthly", "February 30"]


@pytest.mark.parametrize(("said", "day"), COMING.items(), ids=list(COMING))
def test_a_day_to_come(said: str, day: str) -> None:
    assert [str(one.day) for one in said_days(f"We pay {said}.", on=ON)] == [day]


@pytest.mark.parametrize(("said", "day"), PAST.items(), ids=list(PAST))
def test_a_day_gone_by(said: str, day: str) -> None:
    assert [str(one.day) for one in said_days(f"We paid {said}.", on=ON, past=True)] == [day]


@pytest.mark.parametrize("said", NONE)
def test_no_day(said: str) -> None:
    assert said_days(said, on=ON) == []


def test_what_others_may_read_otherwise_is_not_exact() -> None:
    assert [one.exact for one in said_days("next week, or by Friday", on=ON)] == [False, True]


def test_the_month_comes_first_in_the_united_states() -> None:
    assert [str(one.day) for one in said_days("on 04/05", on=ON, country="US")] == ["2026-04-05"]
    assert [str(one.day) for one in said_days("on 04/05", on=ON, country="GB")] == ["2026-05-04"]


def test_at_the_ends_of_months_and_years() -> None:
    assert [str(one.day) for one in said_days("in a month", on=date(2026, 1, 31))] == ["2026-02-28"]
    assert [str(one.day) for one in said_days("on the 31st", on=date(2026, 2, 10))] == ["2026-03-31"]
    assert [str(one.day) for one in said_days("end of next month", on=date(2026, 12, 30))] == ["2027-01-31"]
    assert [str(one.day) for one in said_days("on 29 February", on=date(2026, 3, 11))] == []


AMOUNTS = {
    "1,200.50 EUR": (120_050, "EUR"),
    "1 200,50 €": (120_050, "EUR"),
    "1.200,50": (120_050, "EUR"),
    "500 euros": (50_000, "EUR"),
    "£300": (30_000, "GBP"),
    "300 pounds": (30_000, "GBP"),
    "USD 99.90": (9_990, "USD"),
}


@pytest.mark.parametrize(("said", "amount"), AMOUNTS.items(), ids=list(AMOUNTS))
def test_an_amount(said: str, amount: tuple[int, str]) -> None:
    assert [(one.minor, one.currency) for one in said_amounts(f"We pay {said} soon", currency="EUR")] == [amount]


@pytest.mark.parametrize("said", ["invoice 4711", "on the 15th of May 2026", "KWD 1,234", "0.00 EUR", "1e999 EUR"])
def test_no_amount(said: str) -> None:
    assert said_amounts(said, currency="EUR") == []
