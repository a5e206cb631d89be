"""The writer's own words of an e-mail: HTML as text with its tables, without what is quoted and signed. Pure."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_ROW = "\x1e"
_BLOCKS = frozenset({"p", "div", "br", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "pre"})
_UNSHOWN = frozenset({"script", "style", "head", "title", "template"})
_VOID = frozenset(
    {"br", "hr", "img", "meta", "link", "input", "col", "wbr", "area", "base", "embed", "source", "track"}
)
_QUOTING = re.compile(
    r"gmail_quote|yahoo_quoted|moz-cite|OutlookMessageHeader|divRplyFwdMsg|appendonsend", re.IGNORECASE
)
MAX_CHARACTERS = 1_000_000

_QUOTE_STARTS = re.compile(
    r"^\s*(?:-{2,}\s?(?:original message|message d'origine|ursprüngliche nachricht|mensaje original|messaggio originale"
    r"|forwarded message|message transféré|weitergeleitete nachricht)\s?-{2,}"
    r"|on\s.{5,200}\swrote\s?:|le\s.{5,200}\sa\sécrit\s?:|am\s.{5,200}\sschrieb\s.{0,100}:?|el\s.{5,200}\sescribió\s?:"
    r"|il\s.{5,200}\sha\sscritto\s?:|op\s.{5,200}\sschreef\s.{0,100}:"
    r"|_{10,})\s*$",
    re.IGNORECASE,
)
_HEADER = re.compile(r"^\s*\*?(?:from|de|von|da|van)\s?:\*?\s.{3,}$", re.IGNORECASE)
_HEADER_NEXT = re.compile(
    r"^\s*\*?(?:sent|date|envoyé|gesendet|datum|enviado|inviato|verzonden|to|à|an|cc)\s?:", re.IGNORECASE
)
_SIGNED = re.compile(
    r"^(?:--\s?$|(?:best|kind|warm)?\s?regards\b|sincerely\b|cordialement\b|bien (?:cordialement|à vous)\b"
    r"|mit freundlichen grüßen|mfg\b|viele grüße"
    r"|saludos\b|cordiali saluti|met vriendelijke groet|sent from my |envoyé de mon |von meinem )",
    re.IGNORECASE,
)
_FORWARDED = re.compile(r"^\s*(?:fwd?|tr|wg|rv|i)\s?:", re.IGNORECASE)


def is_forwarded(subject: str) -> bool:
    """Whether the subject says that somebody else's message is passed on."""
    return _FORWARDED.match(subject) is not None


def own_words(text: str) -> str:
    """`text` up to where an earlier message is quoted or the writer signs; quoted lines in between left out."""
    kept: list[str] = []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for n, line in enumerate(lines):
        if _QUOTE_STARTS.match(line[:400]):
            break
        if _HEADER.match(line[:400]) and any(_HEADER_NEXT.match(after[:100]) for after in lines[n + 1 : n + 4]):
            break
        if _SIGNED.match(line.strip()[:80]) and any(one.strip() for one in kept):
            break
        if not line.lstrip().startswith(">"):
            kept.append(line)
    return "\n".join(kept)


class _Text(HTMLParser):
    """Blocks as lines, cells of a table set apart by tabs; nothing of what is not shown, nor of quotes."""

    def __init__(self, *, quotes: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._quotes = quotes
        self._silent: list[str] = []
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = " ".join(value or "" for name, value in attrs if name in ("class", "id"))
        quoted = not self._quotes and (tag == "blockquote" or _QUOTING.search(given) is not None)
        hidden = any(
            name == "hidden" or (name == "style" and re.search(r"display\s*:\s*none", value or "", re.IGNORECASE))
            for name, value in attrs
        )
        if self._silent:
            if tag == self._silent[-1] and tag not in _VOID:
                self._silent.append(tag)
            return
        if (tag in _UNSHOWN or quoted or hidden) and tag not in _VOID:
            self._silent.append(tag)
        elif tag in ("td", "th"):
            self.parts.append("\t")
        elif tag in ("tr", "table"):
            self.parts.append(_ROW)
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            if tag == self._silent[-1]:
                self._silent.pop()
        elif tag in ("tr", "table"):
            self.parts.append(_ROW)
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(re.sub(r"[ \t\r\n]+", " ", data))


def text_of_html(html: str, *, quotes: bool = False) -> str:
    """What `html` shows, as lines; a row of a table is one line, its cells set apart by tabs."""
    parser = _Text(quotes=quotes)
    parser.feed(html[:MAX_CHARACTERS])
    parser.close()
    lines = re.sub(r"[\n ]*\t[\n ]*", "\t", "".join(parser.parts))  # a cell's own paragraphs begin no row
    lines = lines.replace(_ROW, "\n")
    return "\n".join(line.strip(" ") for line in re.sub(r"\n{2,}", "\n", lines).split("\n"))
