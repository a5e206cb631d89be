"""JSON: predictions, and the register of models."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import and_, false
from sqlmodel import col, select

from ar.core.web import Cursor, Id, Limit, Page, SessionDep, allow, paged
from prediction.lists import last_scoring
from prediction.models import Prediction, PredictionModel
from prediction.register import model_by_id
from prediction.shapes import ModelDetailOut, ModelOut, PredictionOut

router = APIRouter(prefix="/api/v1", tags=["prediction"])

OneId = Annotated[int | None, Query(ge=1, le=2**63 - 1)]


@router.get("/predictions", summary="List predictions", dependencies=[allow("prediction:read")])
def list_predictions(
    session: SessionDep,
    account_id: OneId = None,
    entry_id: OneId = None,
    late_probability: Annotated[float, Query(ge=0, le=1, description="Only with this chance of lateness or more")] = 0,
    scored_on: Annotated[date | None, Query(description="The scoring of this day; else the last one")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[PredictionOut]:
    """What was said of each invoice in the last scoring, or on a day; of one `entry_id`, ever. The newest first."""
    query = select(Prediction).where(col(Prediction.late_probability) >= late_probability)
    if account_id is not None:
        query = query.where(col(Prediction.account_id) == account_id)
    if entry_id is not None:
        query = query.where(col(Prediction.entry_id) == entry_id)
    if scored_on is not None:
        query = query.where(col(Prediction.scored_on) == scored_on)
    elif entry_id is None:
        last = last_scoring(session)
        query = query.where(
            false()
            if last is None
            else and_(col(Prediction.model_id) == last.model_id, col(Prediction.scored_on) == last.scored_on)
        )
    found = paged(session, query, key=(col(Prediction.id).desc(),), cursor=cursor, limit=limit)
    return found.map(PredictionOut.model_validate)


@router.get("/models", summary="List models", dependencies=[allow("prediction:read")])
def list_models(session: SessionDep, cursor: Cursor = None, limit: Limit = 50) -> Page[ModelOut]:
    """The register of models, the newest, which is the one in force, first."""
    query = select(PredictionModel)
    return paged(session, query, key=(col(PredictionModel.id).desc(),), cursor=cursor, limit=limit).map(
        ModelOut.model_validate
    )


@router.get("/models/{model_id}", summary="Read a model", dependencies=[allow("prediction:read")])
def read_model(model_id: Id, session: SessionDep) -> ModelDetailOut:
    """One model: its features, its back-test by month and depth of history, and its reliability."""
    return ModelDetailOut.model_validate(model_by_id(session, model_id))
