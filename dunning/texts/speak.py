"""A text of staff, made ready and spoken: in the sandbox, with the pieces that the shipped templates share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from weakref import WeakKeyDictionary

from jinja2 import Template
from markupsafe import Markup

from ar.core import money
from ar.core.i18n import long_day, number, short_day
from ar.core.mailstyle import inline
from ar.core.render import RenderedMessage, Renderer, one_line
from dunning.texts.sandbox import Part, Sandbox, compiled, rendered

_FRAME = "messages/parts/edited.html"
_BLANKS = re.compile(r"\n\s*\n")


@dataclass(frozen=True)
class Words:
    """A text as it is written: three templates."""

    subject: str
    text: str
    html: str

    def part(self, name: Part) -> str:
        return cast(str, getattr(self, name))


@dataclass(frozen=True)
class Spoken:
    """A text made ready for one language. Its `html` is what stands inside the frame of messages."""

    language: str
    subject: Template
    text: Template
    html: Template


class _Kept:
    """What was made ready with one renderer."""

    def __init__(self) -> None:
        self.sandboxes: dict[tuple[str, bool], Sandbox] = {}
        self.spoken: dict[tuple[str, Words], Spoken] = {}


_KEPT: WeakKeyDictionary[Renderer, _Kept] = WeakKeyDictionary()
_MOST_KEPT = 500


def sandbox_of(renderer: Renderer, language: str, *, html: bool) -> Sandbox:
    """The sandbox of a language, one of the renderer's `message_languages()`."""
    kept = _KEPT.setdefault(renderer, _Kept())
    if (language, html) not in kept.sandboxes:
        written = partial(money.localized, language=language)
        filters = {
            "money": written,
            "day": partial(long_day, language=language),
            "short_day": partial(short_day, language=language),
            "number": partial(number, language=language),
        }
        functions: dict[str, Callable[..., Any]] = {"money": written}
        on = getattr(_parts(renderer, language, html=False), "on", None)
        if on is not None:
            functions["on"] = on
        kept.sandboxes[language, html] = Sandbox(html=html, filters=filters, functions=functions)
    return kept.sandboxes[language, html]


def make_ready(renderer: Renderer, words: Words, language: str) -> Spoken:
    """The text, compiled once and kept. Raises TextRefusedError, with the place of the fault."""
    kept = _KEPT.setdefault(renderer, _Kept())
    found = kept.spoken.get((language, words))
    if found is None:
        plain, marked = (sandbox_of(renderer, language, html=html) for html in (False, True))
        found = Spoken(
            language,
            compiled(plain, "subject", words.subject),
            compiled(plain, "text", words.text),
            compiled(marked, "html", inline(words.html, renderer.loader.rules)),
        )
        if len(kept.spoken) >= _MOST_KEPT:
            kept.spoken.clear()
        kept.spoken[language, words] = found
    return found


def speak(renderer: Renderer, spoken: Spoken, context: Mapping[str, Any]) -> RenderedMessage:
    """The message that `spoken` makes of what a reminder is given. Raises TextRefusedError."""
    plain = _given(renderer, spoken.language, context, html=False)
    subject = one_line(rendered(spoken.subject, "subject", plain))
    text = _BLANKS.sub("\n\n", rendered(spoken.text, "text", plain)).strip() + "\n"
    content = content_of(renderer, spoken, context)
    frame = renderer.compiled_message(_FRAME, spoken.language)
    return RenderedMessage(subject, text, frame.render(seller=context["seller"], content=Markup(content)))  # noqa: S704


def content_of(renderer: Renderer, spoken: Spoken, context: Mapping[str, Any]) -> str:
    """The HTML without its frame. Raises TextRefusedError."""
    return rendered(spoken.html, "html", _given(renderer, spoken.language, context, html=True))


def _parts(renderer: Renderer, language: str, *, html: bool) -> Any:
    ending = "html" if html else "txt"
    return renderer.compiled_message(f"messages/parts/{language}.{ending}", language).module


def _given(renderer: Renderer, language: str, context: Mapping[str, Any], *, html: bool) -> dict[str, Any]:
    """The names of dunning.texts.variables: what a reminder is given, and the pieces made of it."""
    parts, text_parts = (_parts(renderer, language, html=kind) for kind in (html, False))
    rows, upcoming, copies = context["rows"], context["upcoming"], context["copy_links"]
    signer, charges = context["signer"], context["charges"]
    if html:
        lines, coming = parts.lines(rows, context["totals"], copies), parts.lines(upcoming, [])
    else:
        lines, coming = parts.lines(rows, copies), parts.lines(upcoming)
    late = parts.charged(charges, context["charges_total"], context["terms"]) if charges else ""
    passed = ("customer", "contact", "seller", "rows", "totals", "upcoming", "terms", "link", "charges_total")
    return {name: context[name] for name in passed} | {
        "signer": signer,
        "charges": charges or [],
        "count": len(rows),
        "total": text_parts.amounts(context["totals"]),
        "invoice_lines": lines,
        "upcoming_lines": coming if upcoming else "",
        "late_charges": late,
        "signature": parts.sign(context["seller"], signer),
    }
