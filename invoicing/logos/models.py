"""The logos of the sellers."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from ar.core.db import BigId, UtcDateTime


class SellerLogo(SQLModel, table=True):
    """The picture at the head of a legal entity's documents: a stored file, and its size in pixels."""

    __tablename__ = "seller_logo"

    entity_id: int = Field(primary_key=True, foreign_key="legal_entity.id", sa_type=BigId)
    file_id: int = Field(foreign_key="stored_file.id", sa_type=BigId)
    width: int
    height: int
    set_at: datetime = Field(sa_type=UtcDateTime)
    set_by: str = Field(max_length=80)
