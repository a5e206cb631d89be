"""Customers handed on, and the dossier."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO
from zipfile import ZipFile

import pytest
from sqlmodel import select

from ar.core.access.models import Role
from ar.customers.accounts import change_account
from dunning.attention.dossier import make_dossier
from dunning.attention.escalate import (
    EscalationError,
    EscalationOverError,
    EscalationStandsError,
    end_escalation,
    escalate,
    open_escalations,
)
from dunning.attention.facts import taken_out
from dunning.attention.models import Escalation, EscalationKind
from dunning.calls.act import Note
from dunning.calls.models import CallOutcome
from dunning.worklist.act import act_on, touched
from dunning.worklist.find import row_of_account
from dunning.worklist.people import set_collector
from tests.dunning.world import DUE, MORNING, World
from tests.web import user_in

BY = "user:1"


def test_an_agency_takes_the_customer_out_until_it_is_taken_back(world: World) -> None:
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        world.invoice(session, jo, due=DUE)
        made = escalate(session, jo, EscalationKind.AGENCY, reason="no answer for months", by=BY, now=MORNING)
        assert made.id is not None
        touched(session, world.kernel, jo, now=MORNING, in_flight=world.in_flight)
        assert taken_out(session, [jo], now=MORNING) == {jo: "agency"}
        assert row_of_account(session, jo).hidden_for == "handed_on"  # type: ignore[union-attr]
        with pytest.raises(EscalationStandsError):
            escalate(session, jo, EscalationKind.AGENCY, reason="again", by=BY, now=MORNING)
        end_escalation(session, made.id, why="paid", by=BY, now=MORNING)
        with pytest.raises(EscalationOverError):
            end_escalation(session, made.id, why="paid", by=BY, now=MORNING)
        assert (taken_out(session, [jo], now=MORNING), open_escalations(session, [jo])) == ({}, {})


def test_a_manager_and_who_sells_are_found(world: World) -> None:
    collector, sales = user_in(world.kernel, Role.COLLECTOR), user_in(world.kernel, Role.SALES)
    with world.database.transaction() as session:
        jo = world.customer(session, "JO")
        for kind in (EscalationKind.MANAGER, EscalationKind.SALES):
            with pytest.raises(EscalationError):
                escalate(session, jo, kind, reason="x", by=BY, now=MORNING)
    first, manager = user_in(world.kernel, Role.CREDIT_MANAGER), user_in(world.kernel, Role.ADMIN)
    with world.database.transaction() as session:
        change_account(session, jo, {"owner_id": collector, "sales_owner_id": sales}, by=BY, now=MORNING)
        made = escalate(session, jo, EscalationKind.MANAGER, reason="x", by=BY, now=MORNING)
        assert (made.to_id, made.id is not None) == (first, True)
        end_escalation(session, made.id or 0, why="x", by=BY, now=MORNING)
        set_collector(session, collector, {"manager_id": manager}, by=BY, now=MORNING)
        assert escalate(session, jo, EscalationKind.MANAGER, reason="x", by=BY, now=MORNING).to_id == manager
        assert escalate(session, jo, EscalationKind.SALES, reason="x", by=BY, now=MORNING).to_id == sales
        assert taken_out(session, [jo], now=MORNING) == {}


def test_the_dossier_holds_what_is_owed_and_all_that_was_said(world: World) -> None:
    with world.database.transaction() as session:
        jo, other = world.customer(session, "JO"), world.customer(session, "OTHER")
        world.invoice(session, jo, 12_345, due=DUE)
        world.invoice(session, other, 999, due=DUE)
        note = Note(jo, CallOutcome.SPOKE, text="=will pay")
        act_on(session, world.kernel, note, by=BY, now=MORNING, in_flight=world.in_flight)
        escalate(session, jo, EscalationKind.LEGAL, reason="x", by=BY, now=MORNING)
    world.run(MORNING)
    with world.database.reading() as session:
        number = session.exec(select(Escalation.id)).one()
        assert number is not None
    name, content = make_dossier(world.kernel, number, now=MORNING)
    assert name == "JO-2026-03-02.zip"
    with ZipFile(BytesIO(content)) as archive:
        names = archive.namelist()
        items = list(csv.reader(StringIO(archive.read("items.csv").decode("utf-8-sig"))))
        history = archive.read("history.csv").decode("utf-8-sig")
        statement = archive.read(next(one for one in names if one.endswith(".pdf")))
    assert items[1][:2] + items[1][3:] == ["INV-1", "2026-01-28", "3", "EUR", "123.45", "123.45", "0.00"]
    assert len(items) == 2
    assert "spoke" in history
    assert "'=will pay" in history
    assert statement.startswith(b"%PDF")
