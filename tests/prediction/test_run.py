from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import numpy as np
import pytest
from rich.console import Console
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from ar.core.audit import AuditEntry
from ar.core.kernel import Kernel
from prediction import report
from prediction.history import read_history
from prediction.models import ModelKind, Prediction, PredictionModel
from prediction.outcomes import day_of
from prediction.register import ModelFileError, ModelMissingError, load
from prediction.run import PredictReport, TrainReport, predict, train
from tests.prediction.make import NOW, book, simulated

KNOWN = simulated(customers=20, each=20)
TODAY = day_of(KNOWN.as_of)


@pytest.fixture
def booked(kernel: Kernel) -> Kernel:
    with kernel.database.transaction() as session:
        book(session, KNOWN)
    return kernel


def trained(kernel: Kernel) -> TrainReport:
    return train(kernel, as_of=TODAY, now=NOW, folds=1)


def predictions(session: Session) -> list[Prediction]:
    """All of them by invoice, fit to be read after the session."""
    found = list(session.exec(select(Prediction).order_by(col(Prediction.entry_id), col(Prediction.id))))
    session.expunge_all()
    return found


def test_trains_and_scores_every_open_invoice_once(booked: Kernel) -> None:
    made = trained(booked)
    assert made.too_little is None
    model = made.model
    assert model.kind is ModelKind.HAZARD
    assert model.metrics is not None
    assert model.naive_metrics is not None
    assert model.metrics["auc"] > 0.8
    assert model.naive_metrics["own_rate"]["auc"] > 0.5
    assert (booked.settings.var_dir / str(model.path)).is_file()

    with booked.database.reading() as session:
        history = read_history(session, as_of=TODAY)
    wanted = history.entry_id[history.open_rows()].tolist()
    first = predict(booked, as_of=TODAY, now=NOW)
    assert first.scored == len(wanted) > 20
    with booked.database.reading() as session:
        found = predictions(session)
        acts = session.exec(select(AuditEntry.action)).all()
    assert [one.entry_id for one in found] == wanted
    assert "prediction.trained" in acts
    assert acts[-1] == "prediction.scored"
    due = dict(zip(history.entry_id.tolist(), history.due.tolist(), strict=True))
    for one in found:
        assert 0 <= one.late_probability <= 1
        assert one.expected_on == day_of(due[one.entry_id] + one.p50_days)
        assert one.expected_on >= TODAY, "an open invoice cannot be paid in the past"
        assert one.p10_days <= one.p50_days <= one.p90_days
        if due[one.entry_id] < KNOWN.as_of:
            assert one.late_probability == 1
            assert one.reasons[0]["code"] == "overdue"
    assert any(reason.get("points") for one in found for reason in one.reasons)

    again = predict(booked, as_of=TODAY, now=NOW)
    assert (again.scored, again.unchanged) == (0, len(wanted))
    tomorrow = predict(booked, as_of=TODAY + timedelta(days=1), now=NOW)
    assert tomorrow.scored == len(wanted)


def test_a_later_event_changes_no_prediction_of_an_earlier_day(booked: Kernel) -> None:
    """Guards the product's promise that a past forecast can be seen beside what happened."""
    trained(booked)
    day = day_of(KNOWN.as_of - 20)
    predict(booked, as_of=day, now=NOW)
    with booked.database.reading() as session:
        cut = read_history(session, as_of=day)
        late = {one.entry_id: one.late_probability for one in predictions(session)}
    assert set(late) == set(cut.entry_id[cut.open_rows()].tolist())
    known = KNOWN.known_on(KNOWN.as_of - 20)
    assert len(late) == len(known.open_rows())
    assert np.isfinite(list(late.values())).all()


def test_the_database_refuses_a_second_score_of_one_day(booked: Kernel) -> None:
    train(booked, as_of=day_of(KNOWN.as_of - 290), now=NOW)
    predict(booked, as_of=TODAY, now=NOW)
    with booked.database.reading() as session:
        row = predictions(session)[0].model_dump(exclude={"id"})
    with pytest.raises(IntegrityError), booked.database.transaction() as session:
        session.add(Prediction(**row))


def test_too_little_history_is_said_and_the_naive_method_served(booked: Kernel) -> None:
    made = train(booked, as_of=day_of(KNOWN.as_of - 250), now=NOW)
    assert made.model.kind is ModelKind.NAIVE
    assert made.too_little is not None
    assert "200 are needed" in made.too_little
    assert made.model.path is None
    told = predict(booked, as_of=TODAY, now=NOW)
    assert told.kind is ModelKind.NAIVE
    assert told.scored > 20


def test_an_empty_ledger_is_no_error(kernel: Kernel) -> None:
    assert train(kernel, as_of=TODAY, now=NOW).model.invoices == 0
    told = predict(kernel, as_of=TODAY, now=NOW)
    assert told == PredictReport(told.model_id, ModelKind.NAIVE, TODAY, 0, 0, 0)


def test_scoring_needs_a_model(kernel: Kernel) -> None:
    with pytest.raises(ModelMissingError, match="amiable train"):
        predict(kernel, as_of=TODAY, now=NOW)


def test_a_model_s_file_is_read_only_when_it_is_the_one_registered(booked: Kernel) -> None:
    model = trained(booked).model
    path = booked.settings.var_dir / str(model.path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ModelFileError, match="not the one"):
        load(model, booked.settings.var_dir)
    path.unlink()
    with pytest.raises(ModelFileError, match="missing"):
        predict(booked, as_of=TODAY, now=NOW)


def test_the_command_line_prints_the_model_beside_the_naive_method(booked: Kernel) -> None:
    said = StringIO()
    out = Console(file=said, width=140)
    report.train(booked, as_of=TODAY, now=NOW, as_json=False, out=out)
    report.predict(booked, as_of=TODAY, now=NOW, as_json=False, out=out)
    text = said.getvalue()
    assert "Back-test in time order" in text
    assert "the customer's own late rate" in text
    assert "open invoices scored by the payment-time model" in text

    told = StringIO()
    report.predict(booked, as_of=TODAY, now=NOW, as_json=True, out=Console(file=told, width=40))
    answer = json.loads(told.getvalue())
    assert answer["kind"] == "hazard"
    assert answer["unchanged"] > 20
    with booked.database.reading() as session:
        model = report.model_as_json(session.exec(select(PredictionModel)).one())
    as_json = json.loads(json.dumps(model))
    assert as_json["pooled"]["auc"] > 0.8
    assert as_json["folds"][0]["cut_off"].endswith("-01")
