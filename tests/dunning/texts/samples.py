"""An example of what each page of texts is given."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ar.core.render import RenderedMessage, Renderer
from dunning.steps import Tone
from dunning.texts.edit import TextDraft, examined
from dunning.texts.examine import PARTS
from dunning.texts.kinds import KINDS
from dunning.texts.models import MessageText, TextState
from dunning.texts.pages import pieces
from dunning.texts.preview import Preview
from dunning.texts.shipped import shipped_words
from dunning.texts.speak import Words
from dunning.texts.variables import VARIABLES

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def _text(number: int, state: TextState, **other: Any) -> MessageText:
    given: dict[str, Any] = {
        "kind": "reminder_friendly",
        "language": "en",
        "version": number,
        "tone": Tone.FRIENDLY,
        **other,
    }
    words: dict[str, Any] = {"subject": f"Version {number} <b>", "text": "Hello", "html": "<p>Hello</p>"}
    return MessageText(id=number, state=state, created_by="user:1", created_at=NOW, **given, **words)


TEXTS = [
    _text(3, TextState.LIVE, failure="There is no “ros”"),
    _text(2, TextState.DRAFT),
    _text(1, TextState.RETIRED),
]
_RENDERER = Renderer()
_SHIPPED = shipped_words(_RENDERER, "reminder_friendly", "en")
DRAFT = TextDraft(
    "reminder_friendly",
    "en",
    Words(_SHIPPED.subject, "You will regret it. You have ignored us. PAY NOW, immediately.\n" + _SHIPPED.text, "<p>"),
    Tone.FRIENDLY,
)
_FOUND = examined(_RENDERER, DRAFT)
PAGE: dict[str, Any] = {
    "error": None,
    "draft": DRAFT,
    "shown": TEXTS[0],
    "versions": TEXTS,
    "found": _FOUND,
    "faults": [(one.part, one.line, one.message) for one in _FOUND.faults] + [("text", 3, "Not so.")],
    "pieces": {part: pieces(DRAFT.words.part(part), _FOUND, part) for part in PARTS},
    "previewed": Preview(RenderedMessage("Invoice <b>", "Hello", "<p>Hello</p>"), None, made_up=False),
    "account_id": "17",
    "sellers": [(1, "Atelier & Fils")],
    "tones": ["friendly", "neutral", "firm", "formal"],
    "own_name": "English",
    "variables": [tuple(one) for one in VARIABLES],
    "may_act": True,
}

SAMPLES: dict[str, dict[str, Any]] = {
    "console/texts/list.html": {
        "rows": [(kind, [("en", TEXTS[:1]), ("fr", [])]) for kind in KINDS],
        "text_languages": [("en", "English"), ("fr", "Français")],
        "failed": TEXTS[:1],
    },
    "console/texts/text.html": PAGE,
    "console/texts/text.html#shipped": {
        **PAGE,
        "shown": None,
        "versions": [],
        "previewed": None,
        "found": examined(_RENDERER, TextDraft("reminder_friendly", "en", _SHIPPED, Tone.FRIENDLY)),
        "faults": [],
        "may_act": False,
    },
}
