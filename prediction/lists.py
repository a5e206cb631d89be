"""Which predictions to show: those of the last scoring, and of the open invoices those with most at stake."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Subquery, case, cast
from sqlalchemy import select as rows_of
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from ar.core.money import exponent
from ar.ledger.models import OpenItem
from ar.ledger.rates import EURO, rates_on
from prediction.models import Prediction


@dataclass(frozen=True)
class Scoring:
    """One scoring of all open invoices: by which model, on which day."""

    model_id: int
    scored_on: date


def last_scoring(session: Session) -> Scoring | None:
    """The scoring of the latest day, by the last model that scored on it; None before the first."""
    query = (
        rows_of(col(Prediction.model_id), col(Prediction.scored_on))
        .order_by(col(Prediction.scored_on).desc(), col(Prediction.id).desc())
        .limit(1)
    )
    found = session.connection().execute(query).first()
    return Scoring(found.model_id, found.scored_on) if found else None


def at_stake(session: Session, scoring: Scoring, *, overdue: bool, currency: str) -> Subquery:
    """Predictions of invoices that are open now, ranked by what is expected to be paid late, in `currency`.

    Of those not due on the scoring day the chance of lateness times the open amount; with `overdue`, of those past
    their date, the chance that they are still open in 30 days times it. Columns: id, rank. A rank, not an amount.
    """
    chance = col(Prediction.unpaid_in_30) if overdue else col(Prediction.late_probability)
    factors = _factors(session, scoring.scored_on, currency)
    worth = case(*((col(OpenItem.currency) == code, factor) for code, factor in factors.items()), else_=0.01)
    past = col(OpenItem.due_on) < scoring.scored_on
    query: Any = (
        rows_of(
            col(Prediction.id).label("id"), cast(chance * col(OpenItem.open_minor) * worth, BigInteger).label("rank")
        )
        .join(OpenItem, col(OpenItem.entry_id) == col(Prediction.entry_id))
        .where(
            col(Prediction.model_id) == scoring.model_id,
            col(Prediction.scored_on) == scoring.scored_on,
            col(OpenItem.open_minor) > 0,
            past if overdue else ~past,
        )
    )
    found: Subquery = query.subquery("at_stake")
    return found


def _factors(session: Session, on: date, currency: str) -> dict[str, float]:
    """Units of `currency` per minor unit of each known currency: for a rank alone, so as a float."""
    rates = rates_on(session, on)
    found = {currency: float(Decimal(1).scaleb(-exponent(currency)))}
    if rates.known(currency):
        for code in {EURO, *rates.per_euro} - {currency}:
            found[code] = float(Decimal(rates.convert(10**9, code, currency)).scaleb(-9 - exponent(currency)))
    return found


def ranked(stake: Subquery) -> SelectOfScalar[Prediction]:
    """The predictions of `at_stake`; read them by `key_of`."""
    return select(Prediction).join(stake, stake.c.id == col(Prediction.id))


def key_of(stake: Subquery) -> tuple[Any, Any]:
    """Most at stake first."""
    return stake.c.rank.desc(), col(Prediction.id).desc()
