"""Reasons told to a reader, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from ar.core.i18n import long_day
from ar.core.money import localized
from ar.core.render import Renderer
from ar.credit.decision import Reason


def told(renderer: Renderer, reason: Reason, *, language: str) -> str:
    """The reason as a sentence without a full stop, its amounts and days as the language writes them."""
    code = renderer.language(language)
    values = {name: _value(value, code) for name, value in reason.data.items()}
    return renderer.text(reason.words, language=language, **values)


def all_told(renderer: Renderer, reasons: Iterable[Reason], *, language: str) -> str:
    """The reasons in one line."""
    return "; ".join(told(renderer, reason, language=language) for reason in reasons)


def kept_reasons(answer: Mapping[str, Any]) -> list[Reason]:
    """The reasons of an answer that was kept by CreditAnswer.as_json()."""
    return [Reason(one["code"], one["words"], one["data"]) for one in answer["reasons"]]


def _value(value: Any, language: str) -> Any:
    if isinstance(value, Mapping):
        if "minor" in value:
            return localized(value["minor"], value["currency"], language)
        return long_day(date.fromisoformat(value["day"]), language=language)
    return value
