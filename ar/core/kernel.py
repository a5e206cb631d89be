"""What a running installation is made of. The roof builds one and passes it down."""

from __future__ import annotations

from dataclasses import dataclass

from ar.core.db import Database, connect
from ar.core.render import Renderer
from ar.core.settings import Settings


@dataclass(frozen=True)
class Kernel:
    settings: Settings
    database: Database
    renderer: Renderer


def build(settings: Settings) -> Kernel:
    """The kernel that `settings` describe. Connects lazily: nothing is created in the database."""
    return Kernel(
        settings=settings,
        database=connect(settings.database),
        renderer=Renderer(default_language=settings.default_language),
    )
