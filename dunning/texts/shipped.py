"""The shipped words of a reminder as one text, the way staff may write it: where an own text begins."""

from __future__ import annotations

import re
from pathlib import Path

from ar.core.render import Renderer, template_folder
from dunning.texts.speak import Words

_BLOCK = re.compile(r"\{% block (opening|closing|goodbye) %\}\n?(.*?)\{% endblock %\}", re.DOTALL)
_HEAD = re.compile(r"^\{% (?:extends|from) .*?%\}\n", re.MULTILINE)
_CONTENT = re.compile(r"\{% block content %\}\n(.*)\{% endblock %\}", re.DOTALL)
_BUTTON = re.compile(r'\{\{ action\(link, "([^"]*)"\) \}\}')
_PIECES = (
    (r"\{\{ lines\(rows[^}]*\}\}", "{{ invoice_lines }}"),
    (r"\{\{ lines\(upcoming[^}]*\}\}", "{{ upcoming_lines }}"),
    (r"\{\{ amounts\(totals\) \}\}", "{{ total }}"),
    (r"\{\{ charged\([^}]*\}\}", "{{ late_charges }}"),
    (r"\{\{ sign\([^}]*\}\}", "{{ signature }}"),
)


def shipped_words(renderer: Renderer, kind: str, language: str) -> Words:
    """The shipped text of `kind`, in the language it would reach a reader of `language` in."""
    written = renderer.message_language(kind, language)
    messages = template_folder() / "messages"
    subject = _pieces(_HEAD.sub("", _read(messages / kind / written / "subject.txt")))
    text, html = (_flat(messages, kind, written, ending) for ending in ("txt", "html"))
    return Words(" ".join(subject.split("\n")).strip(), text, html)


def _flat(messages: Path, kind: str, language: str, ending: str) -> str:
    frame = _read(messages / "parts" / f"reminder.{language}.{ending}")
    own = dict(_BLOCK.findall(_read(messages / kind / language / f"body.{ending}")))
    flat = _HEAD.sub("", _BLOCK.sub(lambda block: str(own.get(block[1], block[2])), frame))
    content = _CONTENT.search(flat)
    return _pieces(content[1] if content else flat).strip() + "\n"


def _pieces(source: str) -> str:
    source = _BUTTON.sub(r'<p><a class="button" href="{{ link }}">\1</a></p>', source)
    for written, instead in _PIECES:
        source = re.sub(written, instead, source)
    return source


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
