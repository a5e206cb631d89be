"""Pages as PDF/A-3B by Typst, from the templates of templates/documents.

What a page shows reaches Typst as data, never as markup. What no font at hand can draw is shown as the replacement
character.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, partial
from typing import Any

from ar.core.render import template_folder
from invoicing.einvoice.facts import writable

_UNDRAWN = re.compile(r'the text `"((?:[^"\\]|\\.)+)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
_ATTEMPTS = 5
_ENDLESS = re.compile(r"\S{31,}")
_PIECES = re.compile(r".{1,12}")
_compiling = threading.Lock()
_SEVERAL = {"several": "yes"}
"""Told to a page that turns out to be more than one: which of how many each is."""

_SECOND_PAGE = re.compile(rb"/Type/Pages/Count (?!1/)")


class TypesetError(Exception):
    """No page can be made of what was given: what Typst says of it."""


def typeset(template: str, sheet: Mapping[str, Any], inputs: Mapping[str, str], *, made_at: datetime) -> bytes:
    """The PDF of templates/documents/`template`.typ, whose `sys.inputs` are `sheet`, as JSON, and `inputs`.

    Typst refuses, in PDF/A, text that no font draws, and says which: that is replaced, and the page tried again.
    Raises TypesetError.
    """
    import typst

    shown = _changed(dict(sheet), writable)
    for attempt in range(_ATTEMPTS):
        try:
            written = {"sheet": json.dumps(shown), **inputs}
            made = _compiled(template, written, made_at)
            return _compiled(template, written | _SEVERAL, made_at) if _SECOND_PAGE.search(made) else made
        except typst.TypstError as error:
            undrawn = {_unescaped(found) for found in _UNDRAWN.findall(error.diagnostic)}
            if not undrawn or attempt == _ATTEMPTS - 1:
                raise TypesetError(error.diagnostic) from error
            shown = _changed(shown, partial(_without, undrawn))
    raise AssertionError("unreachable")


def _compiled(template: str, inputs: dict[str, str], made_at: datetime) -> bytes:
    with _compiling:
        made = _compiler(template).compile(
            format="pdf", pdf_standards=["a-3b"], sys_inputs=inputs, timestamp=int(made_at.timestamp())
        )
    return bytes(made)


def breakable(text: str) -> str:
    """`text` with places to break words that no line would hold; words that people write are left alone."""
    return _ENDLESS.sub(lambda found: "\u200b".join(_PIECES.findall(found[0])), text)


@cache
def _fonts() -> Any:
    import typst

    return typst.Fonts()


@cache
def _compiler(template: str) -> Any:
    import typst

    folder = template_folder() / "documents"
    return typst.Compiler(str(folder / f"{template}.typ"), root=str(folder), font_paths=_fonts())


def _unescaped(written: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), written)


def _without(undrawn: set[str], text: str) -> str:
    return text.translate({ord(character): "\ufffd" for piece in undrawn for character in piece})


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    """`value` with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: _changed(one, change) for name, one in value.items()}
    return [_changed(one, change) for one in value] if isinstance(value, list) else value
