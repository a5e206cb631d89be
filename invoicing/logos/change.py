"""A seller's logo: put, taken away, and fetched for its documents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.db import among
from ar.core.errors import NotFoundError
from ar.core.files import StoredFile, read, store
from ar.customers.entities import entity
from invoicing.logos.models import SellerLogo
from invoicing.logos.picture import MAX_BYTES, Picture, bad, on_paper, picture
from invoicing.typeset import TypesetError, typeset


class NoLogoError(NotFoundError):
    code = "no-logo"


def prove(content: bytes, *, now: datetime) -> Picture:
    """The picture, after a page was made with it. Raises LogoError for what no page can be made with."""
    found = picture(content)
    try:
        typeset("logo", {"logo": on_paper(content, found, alt="-"), "bytes": list(content)}, {}, made_at=now)
    except TypesetError:
        raise bad("the picture is damaged, or of a kind that cannot be printed") from None
    return found


def put_logo(
    session: Session,
    files_url: str,
    entity_id: int,
    content: bytes,
    proved: Picture,
    *,
    by: str,
    now: datetime,
) -> SellerLogo:
    """The logo that heads the documents made from now on. Raises EntityNotFoundError, FileRefusedError."""
    entity(session, entity_id)
    before = session.get(SellerLogo, entity_id)
    stored = store(
        session,
        files_url,
        name=f"logo.{proved.media_type.partition('/')[2]}",
        content=content,
        media_type=proved.media_type,
        subject_ref=f"legal_entity:{entity_id}",
        stored_by=by,
        max_bytes=MAX_BYTES,
        now=now,
    )
    assert stored.id is not None
    made = before or SellerLogo(entity_id=entity_id, file_id=stored.id, width=0, height=0, set_at=now, set_by=by)
    made.file_id, made.width, made.height, made.set_at, made.set_by = (
        stored.id, proved.width, proved.height, now, by,
    )  # fmt: skip
    session.add(made)
    session.flush()
    told = {"after": {"sha256": stored.sha256, "width": proved.width, "height": proved.height}}
    record(session, [Act(by, "legal_entity.logo_put", f"legal_entity:{entity_id}", told)], now=now)
    return made


def take_away(session: Session, entity_id: int, *, by: str, now: datetime) -> None:
    """Documents made from now on have no logo. Raises EntityNotFoundError, NoLogoError."""
    entity(session, entity_id)
    found = session.get(SellerLogo, entity_id)
    if found is None:
        raise NoLogoError(f"Legal entity {entity_id} has no logo")
    session.delete(found)
    session.flush()
    record(session, [Act(by, "legal_entity.logo_taken_away", f"legal_entity:{entity_id}", {})], now=now)


def logo_file(session: Session, entity_id: int) -> StoredFile:
    """The stored picture. Raises EntityNotFoundError, NoLogoError."""
    entity(session, entity_id)
    found = _logos(session, [entity_id]).get(entity_id)
    if found is None:
        raise NoLogoError(f"Legal entity {entity_id} has no logo")
    return found[1]


def logos_for(session: Session, files_url: str, names: dict[int, str]) -> dict[int, dict[str, Any]]:
    """The logos of those legal entities that have one, as the templates of documents take them; `names` are theirs.

    Raises FileDamagedError for one that the store has lost.
    """
    return {
        entity_id: on_paper(
            read(stored, files_url), Picture(stored.media_type, logo.width, logo.height), alt=names[entity_id]
        )
        for entity_id, (logo, stored) in _logos(session, sorted(names)).items()
    }


def _logos(session: Session, entity_ids: Sequence[int]) -> dict[int, tuple[SellerLogo, StoredFile]]:
    query = (
        select(SellerLogo, StoredFile)
        .join(StoredFile, col(StoredFile.id) == col(SellerLogo.file_id))
        .where(among(session, col(SellerLogo.entity_id), entity_ids))
    )
    return {logo.entity_id: (logo, stored) for logo, stored in session.exec(query)}
