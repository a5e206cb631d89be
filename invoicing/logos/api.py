"""JSON: the logo of a legal entity."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, File, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from ar.core.files import headers_of, read
from ar.core.web import Id, KernelDep, NowDep, Principal, SessionDep, allow
from invoicing.logos.change import logo_file, prove, put_logo, take_away
from invoicing.logos.models import SellerLogo
from invoicing.logos.picture import MAX_BYTES

router = APIRouter(prefix="/api/v1/legal-entities/{entity_id}/logo", tags=["legal entities"])

LOGO: dict[str, Any] = {
    "entity_id": 1,
    "width": 600,
    "height": 200,
    "set_at": "2026-03-16T09:00:00Z",
    "set_by": "user:1",
}


class LogoOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [LOGO]}, from_attributes=True)

    entity_id: int
    width: int = Field(description="In pixels")
    height: int
    set_at: datetime
    set_by: str


@router.get(
    "",
    summary="Download a logo",
    dependencies=[allow("customers:read")],
    response_class=Response,
    responses={200: {"content": {"image/png": {}, "image/jpeg": {}}, "description": "The picture"}},
)
def get_logo(entity_id: Id, session: SessionDep, kernel: KernelDep) -> Response:
    """The picture as it was put."""
    stored = logo_file(session, entity_id)
    return Response(read(stored, kernel.settings.files), headers=headers_of(stored))


@router.put("", summary="Put a logo", response_model=LogoOut)
def put(
    entity_id: Id,
    file: Annotated[UploadFile, File(description="PNG or JPEG, at most 300 KiB and 2000 pixels a side")],
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("users:write")],
) -> SellerLogo:
    """It heads the invoices, credit notes and statements made from now on; those made before stay as they are."""
    content = file.file.read(MAX_BYTES + 1)
    proved = prove(content, now=now)
    return put_logo(session, kernel.settings.files, entity_id, content, proved, by=principal.actor, now=now)


@router.delete("", status_code=204, summary="Take a logo away")
def delete(
    entity_id: Id, session: SessionDep, now: NowDep, principal: Annotated[Principal, allow("users:write")]
) -> None:
    """Documents made from now on have none."""
    take_away(session, entity_id, by=principal.actor, now=now)
