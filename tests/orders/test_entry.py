"""Orders and subscriptions that people enter on pages, with what they mistype."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ar.app import create_app
from ar.core import clock
from ar.core.access.models import Role
from ar.core.kernel import Kernel
from ar.credit.limits import LimitDraft, set_limit
from invoicing.billing.plans import plan_detail
from invoicing.draft import Place
from invoicing.forms import Form, Typed, body, typed
from invoicing.orders.find import lines_of, order, site_of
from invoicing.orders.models import OrderState
from invoicing.totals import MILLION, millionths
from tests.invoicing.make import NOW, TODAY, customer, seller
from tests.web import client

FORM = Form(fields=("reference", "site-city"), line_fields=("quantity",), rows=3, more=3, most=8)


def fields(**lines: Any) -> dict[str, str]:
    """An order as the form sends it: empty fields come too."""
    given = {"customer": "C1", "entity_id": "1", "reference": "A1", "terms": "", "wanted_on": "", "rows": "3"}
    given |= {f"lines-{n}-{name}": value for n in range(3) for name, value in EMPTY.items()}
    given |= {f"lines-0-{name}": value for name, value in FILLED.items()}
    return given | lines


EMPTY = {"description": "", "quantity": "", "unit": "C62", "unit_price": "", "tax_category": "S", "tax_rate": ""}
FILLED = {"description": "Oak board", "quantity": "2,5", "unit": "MTR", "unit_price": "1 234,50", "tax_rate": "5,5"}


def wrong(page: str) -> set[str]:
    """The fields that have a fault beside them."""
    return set(re.findall(r'id="([\w-]+)-error"', page))


def value(page: str, name: str) -> str:
    found = re.search(rf'<input id="{name}" [^>]*value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


def test_what_was_typed_is_kept_and_empty_lines_are_not() -> None:
    sent = [("reference", " A1 "), ("lines-4-quantity", "2,5"), ("lines-4-tax_rate", "20"), ("lines-1-tax_rate", "20")]
    given = typed([*sent, ("lines-2-description", "Oak"), ("lines-99999-quantity", "1"), ("file", object())])
    assert given.lines == {2: {"description": "Oak"}, 4: {"quantity": "2,5", "tax_rate": "20"}}
    assert given.fields["reference"] == "A1"
    assert given.closed_up().by_name()["lines-1-quantity"] == "2,5"
    exempt = Typed({"reference": "A1", "site-city": "Lyon"}, {0: {"quantity": "1 000", "tax_category": "E"}})
    lines = [{"quantity": "1000", "tax_category": "E", "tax_rate": "0"}]
    assert body(FORM, exempt) == {"reference": "A1", "site": {"city": "Lyon"}, "lines": lines}


@pytest.mark.parametrize(
    ("shown", "filled", "more", "rows"),
    [
        ("", 0, False, 3),
        ("3", 2, True, 6),
        ("6", 0, False, 6),
        ("7", 1, True, 8),
        ("x", 10, True, 10),
        ("999", 0, False, 8),
    ],
)
def test_as_many_lines_are_shown_as_were_and_more_when_asked(shown: str, filled: int, more: bool, rows: int) -> None:
    given = Typed({"rows": shown}, {n: {"quantity": "1"} for n in range(filled)})
    assert FORM.rows_for(given, more=more) == rows


def test_an_order_is_entered_and_accepted_on_a_page(kernel: Kernel) -> None:
    app = create_app(kernel)
    with kernel.database.transaction() as session:
        seller(session)
        buyer = customer(session)
    with client(kernel, Role.CASH, app=app, html=True) as cashier:
        assert cashier.get("/orders/new").status_code == 403
    with client(kernel, Role.SALES, app=app, html=True) as sales:
        assert f"/orders/new?account_id={buyer}" in sales.get(f"/customers/{buyer}/cards/billing").text
        assert "/orders/new" in sales.get("/orders").text
        blank = sales.get("/orders/new", params={"account_id": buyer}).text
        assert (value(blank, "customer"), blank.count("<fieldset")) == ("C1", 3)
        assert sales.get("/orders/new", params={"account_id": 999}).status_code == 404
        no_code(sales)
        refused(sales)
        longer = sales.post("/orders/new", data=fields(do="lines", **{"lines-2-description": "Screws"}))
        assert (longer.status_code, longer.text.count("<fieldset")) == (200, 6)
        assert value(longer.text, "lines-0-unit_price") == "1 234,50"
        assert (value(longer.text, "lines-1-description"), wrong(longer.text)) == ("Screws", set())

        site = {"site-name": "Yard", "site-country": "fr", "site-city": "Lyon"}
        whole = fields(do="enter", note="Ring twice", **site, **{"lines-0-discount_percent": "5"})
        entered = sales.post("/orders/new", data=whole)
        assert entered.status_code == 303, entered.text
        assert sales.post("/orders/new", data=whole).headers["location"] == entered.headers["location"]
        other = sales.post("/orders/new", data=whole | {"note": "Ring once"})
        assert (other.status_code, wrong(other.text)) == (409, {"reference"})
        made = int(entered.headers["location"].rpartition("/")[2])
        with kernel.database.reading() as session:
            found = order(session, made)
            [line] = lines_of(session, [made])[made]
            assert (found.state, found.net_minor, found.tax_minor) == (OrderState.ENTERED, 293_194, 16_126)
            assert (line.quantity, line.unit_price, line.rate_bp) == (millionths("2.5"), millionths("1234.50"), 550)
            assert site_of(found) == Place("Yard", "FR", city="Lyon")

        taken = sales.post("/orders/new", data=fields(do="accept", reference="A2"), follow_redirects=True)
        assert "The order is accepted." in taken.text
        with kernel.database.transaction() as session:
            set_limit(session, LimitDraft(buyer, 100, "EUR", "as agreed with sales", TODAY), by="user:9", now=NOW)
        held = sales.post("/orders/new", data=fields(do="accept", reference="A3"), follow_redirects=True).text
        assert "it is held, and the reasons are below" in held
        assert "would go" in held


def no_code(sales: TestClient) -> None:
    """A code that no customer has comes back with those like it; in French, in French."""
    asked = sales.post("/orders/new", data=fields(do="enter", customer="customer"))
    assert (asked.status_code, wrong(asked.text)) == (422, {"customer"})
    assert "No customer has this code." in asked.text
    assert '<option value="C1">' in asked.text
    assert "C1 (Customer C1)" in asked.text
    assert wrong(sales.post("/orders/new", data=fields(do="enter", customer="")).text) == {"customer"}
    assert sales.post("/language", data={"language": "fr", "next": "/"}).status_code == 303
    french = sales.post("/orders/new", data=fields(do="enter", reference="", **{"lines-0-quantity": "0"})).text
    assert "Veuillez remplir ce champ" in french
    french = sales.post("/orders/new", data=fields(do="enter", **{"lines-0-quantity": "0"})).text
    assert "une quantité de zéro ne facture rien" in french
    assert sales.post("/language", data={"language": "en", "next": "/"}).status_code == 303


def refused(sales: TestClient) -> None:
    """Each fault stands beside its field, and each value comes back."""
    second = {"lines-2-description": "Screws", "lines-2-quantity": "1.234,5", "lines-2-tax_rate": "20%"}
    bad = fields(do="enter", wanted_on="soon", **{"lines-0-unit": "metre", "site-country": "FR"}, **second)
    asked = sales.post("/orders/new", data=bad)
    lines = {"lines-0-unit", "lines-1-quantity", "lines-1-tax_rate", "lines-1-unit_price"}
    assert (asked.status_code, wrong(asked.text)) == (422, {*lines, "wanted_on", "site-name"})
    assert value(asked.text, "lines-1-quantity") == "1.234,5"
    assert value(asked.text, "wanted_on") == "soon"
    assert "Nothing is entered yet" in asked.text
    terms = sales.post("/orders/new", data=fields(do="enter", terms="whenever", **{"lines-0-discount_percent": "0"}))
    assert wrong(terms.text) == {"lines-0-discount_percent"}
    assert wrong(sales.post("/orders/new", data=fields(do="enter", terms="whenever")).text) == {"terms"}
    none = sales.post("/orders/new", data=fields(do="enter", **{f"lines-0-{name}": "" for name in FILLED}))
    assert (none.status_code, "Please fill in at least one line." in none.text) == (422, True)
    assert sales.post("/orders/new", data=fields(do="enter", entity_id="77")).status_code == 404
    assert sales.post("/orders/new", data={"do": "away"}).status_code == 422
    assert "No order is found" in sales.get("/orders").text


def test_a_part_of_an_order_is_delivered_by_line(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        seller(session)
        customer(session)
    with client(kernel, Role.SALES, html=True) as sales:
        second = {"lines-1-description": "Screws", "lines-1-quantity": "4", "lines-1-unit_price": "1"}
        placed = sales.post("/orders/new", data=fields(do="accept", **second, **{"lines-1-tax_rate": "20"}))
        path = placed.headers["location"]
        day = {"version": "2", "what": "parts", "delivered_on": TODAY.isoformat()}
        too_much = sales.post(f"{path}/deliver", data=day | {"lines-1-quantity": "1", "lines-2-quantity": "4,5"})
        assert (too_much.status_code, wrong(too_much.text)) == (422, {"lines-2-quantity"})
        assert 'value="4,5"' in too_much.text
        assert "no more than what was ordered" in too_much.text
        unread = sales.post(f"{path}/deliver", data=day | {"lines-1-quantity": "one"})
        assert (unread.status_code, wrong(unread.text)) == (422, {"lines-1-quantity"})
        nothing = sales.post(f"{path}/deliver", data=day | {"lines-1-quantity": ""})
        assert (nothing.status_code, "Enter beside at least one line" in nothing.text) == (422, True)
        early = (clock.today() + timedelta(days=9)).isoformat()
        future = sales.post(f"{path}/deliver", data=day | {"lines-1-quantity": "1", "delivered_on": early})
        assert wrong(future.text) == {"delivered_on"}
        parts = sales.post(f"{path}/deliver", data=day | {"lines-1-quantity": "", "lines-2-quantity": "1,5"})
        assert parts.status_code == 303, parts.text
        made = int(path.rpartition("/")[2])
        with kernel.database.reading() as session:
            assert [line.delivered for line in lines_of(session, [made])[made]] == [0, 1_500_000]
        rest = {"version": "3", "what": "all", "delivered_on": TODAY.isoformat(), "lines-1-quantity": "1"}
        assert sales.post(f"{path}/deliver", data=rest).status_code == 303
        with kernel.database.reading() as session:
            assert order(session, made).state is OrderState.DELIVERED


def test_a_subscription_is_entered_repriced_and_ended_on_pages(kernel: Kernel) -> None:
    app = create_app(kernel)
    with kernel.database.transaction() as session:
        seller(session)
        buyer = customer(session)
    with client(kernel, Role.SALES, app=app, html=True) as sales:
        assert sales.get("/plans/new").status_code == 403
        assert "/plans/new" not in sales.get("/plans").text
    choices = {"every": "month", "alignment": "calendar", "in_advance": "false", "starts_on": "2026-03-10"}
    plan = fields(do="enter", reference="S1", ends_on="", **choices)
    with client(kernel, Role.CREDIT_MANAGER, app=app, html=True) as manager:
        assert "/plans/new" in manager.get("/plans").text
        blank = manager.get("/plans/new", params={"account_id": buyer}).text
        assert (value(blank, "customer"), blank.count("<fieldset")) == ("C1", 1)
        longer = manager.post("/plans/new", data=plan | {"do": "lines", "rows": "5"})
        assert (longer.text.count("<fieldset"), "More lines" in longer.text) == (5, False)
        bad = manager.post("/plans/new", data=plan | {"every": "week", "starts_on": "", "lines-0-quantity": "x"})
        assert (bad.status_code, wrong(bad.text)) == (422, {"every", "starts_on", "lines-0-quantity"})
        ended = manager.post("/plans/new", data=plan | {"ends_on": "2026-03-01"})
        assert (ended.status_code, wrong(ended.text)) == (422, {"ends_on"})
        added = manager.post("/plans/new", data=plan)
        path = added.headers["location"]
        assert manager.post("/plans/new", data=plan).headers["location"] == path
        number = int(path.rpartition("/")[2])
        price = {"position": "1", "unit_price": "1 300,25", "valid_from": "2026-03-10"}
        for given, faults in (
            (price, {"valid_from"}),
            (price | {"unit_price": "dear", "valid_from": ""}, {"unit_price", "valid_from"}),
            (price | {"unit_price": "-1", "valid_from": "2026-07-01"}, {"unit_price"}),
            (price | {"position": "2", "valid_from": "2026-07-01"}, {"position"}),
        ):
            answer = manager.post(f"{path}/prices", data=given)
            assert (answer.status_code, wrong(answer.text)) == (422, faults)
            assert value(answer.text, "unit_price") == given["unit_price"]
        assert manager.post(f"{path}/prices", data=price | {"valid_from": "2026-07-01"}).status_code == 303
        for day in ("2026-03-01", "never", ""):
            answer = manager.post(f"{path}/end", data={"ends_on": day})
            assert (answer.status_code, wrong(answer.text), value(answer.text, "ends_on")) == (422, {"ends_on"}, day)
        assert manager.post(f"{path}/end", data={"ends_on": "2026-12-31"}).status_code == 303
        assert manager.post("/plans/999/prices", data=price).status_code == 404
    with kernel.database.reading() as session:
        found = plan_detail(session, number)
        assert (found.plan.in_advance, str(found.plan.ends_on)) == (False, "2026-12-31")
        prices = [one.unit_price_millionths for one in found.prices[found.lines[0].id or 0]]
        assert prices == [1_234_500_000, 1_300_250_000]
        assert found.lines[0].quantity_millionths == 2.5 * MILLION
