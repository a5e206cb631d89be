from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlmodel import select

from ar.core.access.models import Role
from ar.core.kernel import Kernel
from ar.ledger.models import OpenItem
from prediction.models import Prediction
from prediction.outcomes import day_of
from prediction.run import predict, train
from tests.prediction.make import NOW, book, simulated
from tests.web import client

KNOWN = simulated(customers=12, each=30)
TODAY = day_of(KNOWN.as_of)
EARLY = day_of(KNOWN.as_of - 250)


@pytest.fixture
def scored(kernel: Kernel) -> Kernel:
    """Scored on two days by the naive method, which needs no training time."""
    with kernel.database.transaction() as session:
        book(session, KNOWN)
    train(kernel, as_of=EARLY, now=NOW)
    for day in (TODAY - timedelta(days=30), TODAY):
        predict(kernel, as_of=day, now=NOW)
    return kernel


def everything(browser: Any, path: str, **query: Any) -> list[dict[str, Any]]:
    found, cursor = [], None
    while True:
        answer = browser.get(path, params=query | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def test_predictions_are_those_of_the_last_scoring_page_by_page(scored: Kernel) -> None:
    with client(scored, Role.CFO) as browser:
        found = everything(browser, "/api/v1/predictions", limit=7)
        assert {one["scored_on"] for one in found} == {TODAY.isoformat()}
        assert len({one["entry_id"] for one in found}) == len(found) > 20

        sure = everything(browser, "/api/v1/predictions", late_probability=1)
        assert [one["id"] for one in sure] == [one["id"] for one in found if one["late_probability"] == 1]

        account = found[0]["account_id"]
        theirs = everything(browser, "/api/v1/predictions", account_id=account)
        assert theirs == [one for one in found if one["account_id"] == account]

        before = everything(browser, "/api/v1/predictions", scored_on=(TODAY - timedelta(days=30)).isoformat())
        twice = {one["entry_id"] for one in before} & {one["entry_id"] for one in found}
        assert twice
        one = sorted(twice)[0]
        days = [line["scored_on"] for line in everything(browser, "/api/v1/predictions", entry_id=one)]
        assert days == [TODAY.isoformat(), (TODAY - timedelta(days=30)).isoformat()]


def test_models_are_listed_and_told(scored: Kernel) -> None:
    with client(scored, Role.AUDITOR) as browser:
        (model,) = everything(browser, "/api/v1/models")
        assert model["kind"] == "naive"
        told = browser.get(f"/api/v1/models/{model['id']}").json()
        assert told["features"] == []
        assert told["digest"] is None
        missing = browser.get("/api/v1/models/999")
        assert missing.status_code == 404
        assert missing.json()["code"] == "model-missing"


def test_nothing_is_an_empty_list_and_a_page_that_says_so(kernel: Kernel) -> None:
    with client(kernel, Role.CFO) as browser:
        assert everything(browser, "/api/v1/predictions") == []
        assert everything(browser, "/api/v1/models") == []
    with client(kernel, Role.CFO, html=True) as browser:
        assert "No model has been trained yet" in browser.get("/forecast").text


@pytest.mark.parametrize(
    "query", ["late_probability=2", "late_probability=nan", "account_id=0", "scored_on=x", "cursor=x"]
)
def test_a_bad_query_is_refused(kernel: Kernel, query: str) -> None:
    with client(kernel, Role.CFO) as browser:
        answer = browser.get(f"/api/v1/predictions?{query}")
        assert answer.status_code in (400, 422)


def test_the_page_shows_most_at_stake_first(scored: Kernel) -> None:
    stakes_of: dict[str, dict[str, float]] = {"due": {}, "overdue": {}}
    with scored.database.reading() as session:
        for one in session.exec(select(Prediction).where(Prediction.scored_on == TODAY)):
            item = session.exec(select(OpenItem).where(OpenItem.entry_id == one.entry_id)).one()
            late = item.due_on < TODAY
            chance = one.unpaid_in_30 if late else one.late_probability
            stakes_of["overdue" if late else "due"][item.reference] = chance * item.open_minor
    for show, stakes in stakes_of.items():
        assert stakes, show
        with client(scored, Role.CREDIT_MANAGER, html=True) as browser:
            text = browser.get("/forecast", params={"show": show}).text
        listed = [name for name in re.findall(r"<span>(I\d+)</span>", text) if name in stakes]
        assert len(listed) == min(25, len(stakes))
        worth = [stakes[name] // 100 for name in listed]
        assert all(first >= second - 1 for first, second in pairwise(worth))


def test_who_may_not_see_forecasts_is_refused(kernel: Kernel) -> None:
    with client(kernel, Role.CASH) as browser:
        assert browser.get("/api/v1/predictions").status_code == 403
