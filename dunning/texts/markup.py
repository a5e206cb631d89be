"""The HTML that a text may hold: plain elements, no scripts, no pictures, no styles."""

from __future__ import annotations

import re

_ELEMENTS = "p|br|strong|b|em|i|u|a|ul|ol|li|small|table|thead|tbody|tfoot|tr|th|td|h2|h3|span|div|hr|blockquote|time"
_PLAIN = r"""class|scope|colspan|rowspan|lang|dir|datetime"""
_ATTRIBUTE = rf"""\s+(?:(?:{_PLAIN})="[^"<>{{}}]*"|href="(?:https?://|mailto:|tel:)[^"<>\s]*")"""
_ELEMENT = re.compile(rf"</(?:{_ELEMENTS})\s*>|<(?:{_ELEMENTS})(?:{_ATTRIBUTE})*\s*/?>")
_SPEECH = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_LINK = re.compile(r'href="\{\{-?\s*link\s*-?\}\}"')
_STYLE = re.compile(r' style="[^"<>{}]*"')
_TAG = re.compile(r"<[^>]*>")


def strange_markup(html: str) -> tuple[int, str] | None:
    """The line and the beginning of the first thing in `html` that a text may not hold, or None."""
    at = html.find("<")
    while at >= 0:
        found = _ELEMENT.match(html, at)
        if found is None:
            return html.count("\n", 0, at) + 1, html[at : at + 40]
        at = html.find("<", found.end())
    return None


def strange_rendered(html: str) -> tuple[int, str] | None:
    """The same of a rendered text, on whose elements our own styles have been put."""
    return strange_markup(_STYLE.sub("", html))


def strange_source(source: str) -> tuple[int, str] | None:
    """The same of a template: what it fills in may stand between elements, inside one only as href="{{ link }}"."""
    linked = _LINK.sub(lambda found: _padded('href="https://link.example"', found[0]), source)
    spoken = _SPEECH.sub(lambda found: _padded("{}", found[0]), linked)
    return strange_markup(spoken)


def _padded(text: str, instead_of: str) -> str:
    """`text` in the place of another, with as many line breaks."""
    return text + "\n" * instead_of.count("\n")


def blanked(source: str, *, html: bool) -> str:
    """The words of a template alone, each in its place: what is filled in, and elements, are spaces."""
    plain = _SPEECH.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), source)
    return _TAG.sub(lambda found: " " * len(found[0]), plain) if html else plain


def words_of(html: str) -> str:
    """What a rendered text says, without its elements."""
    return blanked(html, html=True)
