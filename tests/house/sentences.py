"""Every sentence that pages, messages and code mark for translation, found as Babel finds them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.extract import extract_from_file

from ar.core.render import template_folder

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("ar", "invoicing", "dunning", "prediction", "selfservice")
OPTIONS = {"trimmed": "true", "silent": "false", "extensions": "jinja2.ext.do", "trim_blocks": "true"}

Sentence = str | tuple[str, ...]


def _sources() -> Iterator[tuple[str, Path]]:
    for path in sorted(template_folder().rglob("*")):
        if path.suffix in (".html", ".txt"):
            yield "jinja2", path
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "_(" in path.read_text(encoding="utf-8"):
                yield "python", path


@cache
def marked_sentences() -> dict[Sentence, str]:
    """Each marked sentence, or its singular and plural, and a place where it stands."""
    found: dict[Sentence, str] = {}
    for method, path in _sources():
        options = OPTIONS if method == "jinja2" else {}
        for line, sentence, _, _ in extract_from_file(method, path, options=options):
            key = tuple(sentence) if isinstance(sentence, list | tuple) else sentence
            found.setdefault(key, f"{path.relative_to(ROOT)}:{line}")
    return found
