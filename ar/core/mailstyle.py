"""Styles on each element of a message, put there once, as its template is loaded.

The rules are those of templates/messages/styles.css: an element or one class, and its declarations. They go into the
template's source, before it is compiled, so that rendering a message costs nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"(\.?[a-z]+)\s*\{([^}]*)\}")
_TAG = re.compile(r"<([a-z]+)((?:\s+[a-z-]+=\"[^\"]*\")*)\s*>")
_CLASSES = re.compile(r'\sclass="([^"]*)"')


def read_rules(css: str) -> dict[str, str]:
    """Declarations by selector, each on one line."""
    return {
        selector: " ".join(declarations.split()).replace('"', "'")
        for selector, declarations in _RULE.findall(_COMMENT.sub("", css))
    }


def inline(source: str, rules: dict[str, str]) -> str:
    """`source` with the rules of each element and class in its style attribute; one that has its own is left alone."""

    def styled(tag: re.Match[str]) -> str:
        name, attributes = tag.groups()
        classes = _CLASSES.search(attributes)
        selectors = [name, *(f".{word}" for word in (classes.group(1).split() if classes else ()))]
        style = " ".join(rules[selector] for selector in selectors if selector in rules)
        if not style or " style=" in attributes:
            return tag.group()
        return f'<{name}{attributes} style="{style}">'

    return _TAG.sub(styled, source)


class TemplateLoader(FileSystemLoader):
    """Templates from a folder, those of messages with their styles inlined."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        css = folder / "messages" / "styles.css"
        self.rules = read_rules(css.read_text(encoding="utf-8")) if css.exists() else {}

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source, filename, unchanged = super().get_source(environment, template)
        if template.startswith("messages/") and template.endswith(".html"):
            source = inline(source, self.rules)
        return source, filename, unchanged
