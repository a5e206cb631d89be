"""The words in force as reminders are written: those of staff where there are any, else the shipped ones.

One query finds them for a whole run; each is made ready once and kept. A text that fails does not hold a reminder up:
the shipped words go out, and the failure is kept with the text, where its page shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from sqlalchemy import case, select, update
from sqlmodel import Session, col

from ar.core.db import among, table
from ar.core.i18n import fill
from ar.core.render import RenderedMessage, Renderer
from dunning.texts.models import MessageText, TextState
from dunning.texts.sandbox import TextRefusedError
from dunning.texts.speak import Words, make_ready, speak

_log = structlog.get_logger()


class LiveText(NamedTuple):
    id: int
    version: int
    words: Words


@dataclass
class Texts:
    """Live texts by (kind, language, seller), None for every seller; and those that failed meanwhile, with why."""

    found: Mapping[tuple[str, str, int | None], LiveText] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)

    def render(
        self, renderer: Renderer, kind: str, *, language: str, entity_id: int, context: Mapping[str, Any]
    ) -> RenderedMessage:
        """The message in `language`, one that `renderer.message_language` gave. Raises what the shipped one raises."""
        live = self.found.get((kind, language, entity_id)) or self.found.get((kind, language, None))
        if live is not None and live.id not in self.failures:
            try:
                return speak(renderer, make_ready(renderer, live.words, language), context)
            except Exception as error:
                self.failures[live.id] = _words(error)
                _log.error("dunning.text_failed", text_id=live.id, words=self.failures[live.id])
        return renderer.message(kind, language=language, **context)

    def note_failures(self, session: Session, *, now: datetime) -> None:
        """Keep with each text that failed why it did; in the transaction that writes the messages."""
        if not self.failures:
            return
        why = case(*((col(MessageText.id) == text_id, words) for text_id, words in self.failures.items()))
        changed = update(MessageText).where(among(session, col(MessageText.id), sorted(self.failures)))
        session.connection().execute(changed.values(failure=why, failed_at=now))


def texts_in_force(session: Session) -> Texts:
    """What is live now, in one query."""
    text = table(MessageText).c
    query = select(
        text.id, text.version, text.kind, text.language, text.entity_id, text.subject, text.text, text.html
    ).where(text.state == TextState.LIVE)
    rows = session.connection().execute(query)
    return Texts(
        {
            (row.kind, row.language, row.entity_id): LiveText(
                row.id, row.version, Words(row.subject, row.text, row.html)
            )
            for row in rows
        }
    )


def _words(error: Exception) -> str:
    if isinstance(error, TextRefusedError):
        words = fill(error.fault.message, dict(error.fault.values))
    else:
        words = f"{type(error).__name__}: {error}"
    return words.replace("\x00", "")[:400]
