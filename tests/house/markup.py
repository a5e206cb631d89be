"""A reader of pages that lists what the house does not allow in them."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})


class Markup(HTMLParser):
    """Reads HTML and keeps, in `faults`, each thing that breaks the content security policy, or the tree."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.language: str | None = None
        self._open: list[str] = []
        self._ids: set[str] = set()
        self._labels: set[str] = set()
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is not closed" for tag in self._open]
        self.faults += [f"label for {name!r}, which is not there" for name in sorted(self._labels - self._ids)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._check(tag, dict(attrs))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._check(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"</{tag}> at {self.getpos()} closes {self._open[-1:] or 'nothing'}")
        else:
            self._open.pop()

    def _check(self, tag: str, attributes: dict[str, str | None]) -> None:
        where = f"<{tag}> at {self.getpos()}"
        if tag == "html":
            self.language = attributes.get("lang")
        if tag == "style" or (tag == "script" and not attributes.get("src")):
            self.faults.append(f"{where} is inline")
        if tag == "img" and attributes.get("alt") is None:
            self.faults.append(f"{where} has no alt")
        for name, value in attributes.items():
            if name == "style" or name.startswith(("on", "hx-on")):
                self.faults.append(f"{where} has the attribute {name}")
            if name in ("href", "src", "action") and value:
                if value.lower().startswith("javascript:"):
                    self.faults.append(f"{where} runs a script")
                if tag in ("link", "script", "img") and not value.startswith("/"):
                    self.faults.append(f"{where} fetches from elsewhere: {value}")
        mark = attributes.get("id")
        if mark is not None:
            if mark in self._ids:
                self.faults.append(f"{where} repeats the id {mark!r}")
            self._ids.add(mark)
        if tag == "label" and attributes.get("for"):
            self._labels.add(attributes["for"] or "")
