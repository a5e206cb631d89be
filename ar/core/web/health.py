"""Whether the service lives and its database answers."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import text

from ar.core.web.deps import SessionDep
from ar.core.web.guards import public

router = APIRouter(tags=["Service"])


class Health(BaseModel):
    status: Literal["ok"] = Field(description="The service and its database answer", examples=["ok"])


@router.get("/health", summary="Whether the service and its database answer", dependencies=[public("asked by probes")])
def health(session: SessionDep) -> Health:
    """Answers 503 while the database does not."""
    session.connection().execute(text("SELECT 1"))
    return Health(status="ok")
