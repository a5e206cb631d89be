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
    r"|oorspronkelijk bericht|forwarded message|message transféré|weitergeleitete nachricht)\s?-{2,}"
    r"|_{10,})\s*$",
    re.IGNORECASE,
)
_ATTRIBUTED = re.compile(
    r"^\s*(?:on\s.{5,300}\swrote\s?:|le\s.{5,300}\sa\sécrit\s?:|am\s.{5,300}\sschrieb\s.{0,100}:?"
    r"|el\s.{5,300}\sescribió\s?:|il\s.{5,300}\sha\sscritto\s?:|op\s.{5,300}\sschreef\s.{0,100}:)\s*$",
    re.IGNORECASE,
)
_ATTRIBUTION = re.compile(r"^\s*(?:on|le|am|el|il|op)\s.*\d", re.IGNORECASE)
_HEADER = re.compile(r"^\s*\*?(?:from|de|von|da|van)\s?:\*?\s.{3,}$", re.IGNORECASE)
_HEADER_NEXT = re.compile(
    r"^\s*\*?(?:sent|date|envoyé|gesendet|datum|enviado|inviato|verzonden|to|à|an|cc)\s?:", re.IGNORECASE
)
_SIGNED = re.compile(
    r"^(?:--\s?$|(?:best|kind|warm)?\s?regards\b|sincerely\b|cordialement\b|bien (?:cordialement|à vous)\b"
    r"|mit freundlichen grüßen|mfg\b|viele grüße"
    r"|saludos\b|cordiali saluti|met vriendelijke groet|sent from my |envoyé de(?:puis)? mon |von meinem "
    r"|get outlook for |téléchargez outlook|enviado desde mi |inviato da |verzonden vanaf )",
    re.IGNORECASE,
)
_DISCLAIMED = re.compile(
    r"^\W{0,3}(?:(?:this|the information in this) (?:e-?mail|message)\b.{0,120}\b(?:confidential|privileged|intended)"
    r"|(?:ce (?:message|courriel|mail)|le présent message|cet e-?mail)\b.{0,120}\bconfidentiel"
    r"|diese (?:e-?mail|nachricht)\b.{0,120}\bvertraulich|este (?:mensaje|correo)\b.{0,120}\bconfidencial"
    r"|(?:questo messaggio|questa e-?mail)\b.{0,120}\briservat|(?:dit bericht|deze e-?mail)\b.{0,120}\bvertrouwelijk"
    r"|(?:confidentiality notice|avis de confidentialité|disclaimer)\b"
    r"|(?:please )?(?:consider|think of) the environment|pensez à l.environnement|avant d.imprimer)",
    re.IGNORECASE,
)
_OPENS_NOTHING = re.compile(r"<(?![^<>]*>)")
_FORWARDED = re.compile(r"^\s*(?:fwd?|tr|wg|rv|i)\s?:", re.IGNORECASE)


def is_forwarded(subject: str) -> bool:
    """Whether the subject says that somebody else's message is passed on."""
    return _FORWARDED.match(subject) is not None


def own_words(text: str) -> str:
    """`text` up to where an earlier message is quoted, the writer signs, or a disclaimer begins; without quoted lines
    in between. Words below a quote whose lines are marked (an answer at the foot) are the writer's own."""
    kept: list[str] = []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    skip = 0
    for n, line in enumerate(lines):
        if skip:
            skip -= 1
            continue
        if (attributed := _attribution(lines, n)) > 0:
            if not _marked_quote(lines, n + attributed):
                break
            skip = attributed - 1
            continue
        if _QUOTE_STARTS.match(line[:400]) or _DISCLAIMED.match(line.strip()[:200]):
            break
        if _HEADER.match(line[:400]) and any(_HEADER_NEXT.match(after[:100]) for after in lines[n + 1 : n + 4]):
            break
        if _SIGNED.match(line.strip()[:80]) and any(one.strip() for one in kept):
            break
        if not line.lstrip().startswith(">"):
            kept.append(line)
    return "\n".join(kept)


def _attribution(lines: list[str], n: int) -> int:
    """How many lines from the nth on say "On this day this person wrote:"; 0 when they say something else."""
    if not _ATTRIBUTION.match(lines[n][:200]):
        return 0
    for count in (1, 2, 3):
        if _ATTRIBUTED.match(" ".join(line.strip() for line in lines[n : n + count])[:500]):
            return count
    return 0


def _marked_quote(lines: list[str], n: int) -> bool:
    """Whether the first line from the nth on that is not empty is marked as quoted."""
    following = next((line for line in lines[n : n + 5] if line.strip()), "")
    return following.lstrip().startswith(">")


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
    parser.feed(_well_closed(html[:MAX_CHARACTERS]))
    parser.close()
    lines = re.sub(r"[\n ]+", lambda gap: "\n" if "\n" in gap[0] else " ", "".join(parser.parts))
    lines = re.sub(r"[\n ]?\t[\n ]?", "\t", lines)  # a cell's own paragraphs begin no row
    lines = lines.replace(_ROW, "\n")
    return "\n".join(line.strip(" ") for line in re.sub(r"\n{2,}", "\n", lines).split("\n"))


def _well_closed(html: str) -> str:
    """`html` without comments, a "<" that opens nothing written out: the parser reads to the end at each of these."""
    kept, at = [], 0
    while (start := html.find("<!--", at)) >= 0:
        kept.append(html[at:start])
        end = html.find("-->", start + 4)
        at = len(html) if end < 0 else end + 3
    kept.append(html[at:])
    return _OPENS_NOTHING.sub("&lt;", "".join(kept))
