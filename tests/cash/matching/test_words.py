"""Reasons in words."""

from __future__ import annotations

from typing import Any

import pytest

from ar.cash.matching.facts import Reason
from ar.cash.matching.words import REASONS, WHY_NOT, told, why_not_told
from ar.core.render import Renderer

VALUES: dict[str, Any] = {
    "references": ["FA2026-000001", "FA2026-000002"],
    "amount": {"minor": 123_456, "currency": "EUR"},
    "customer": "Müller GmbH",
}


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("code", REASONS)
def test_every_reason_is_told(renderer: Renderer, code: str, language: str) -> None:
    sentence = told(renderer, Reason(code, VALUES), language=language)
    assert "%(" not in sentence
    assert (sentence == told(renderer, Reason(code, VALUES), language="en")) == (language == "en")


@pytest.mark.parametrize("code", WHY_NOT)
def test_every_why_not_is_told(renderer: Renderer, code: str) -> None:
    assert why_not_told(renderer, code, language="fr") != why_not_told(renderer, code, language="en") != ""


def test_amounts_and_references_are_written_as_the_reader_does(renderer: Renderer) -> None:
    assert "1\u202f234,56\u00a0€" in told(renderer, Reason("short", VALUES), language="fr")
    assert "FA2026-000001, FA2026-000002" in told(renderer, Reason("named", VALUES), language="en")
    assert why_not_told(renderer, "", language="en") == ""
