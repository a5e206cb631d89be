"""Whether a text of staff may be sent: it reads and renders, says what a reminder must, and its tone is right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ar.core.i18n import marked as _
from ar.core.money import localized
from ar.core.render import RenderedMessage, Renderer
from dunning.steps import Tone
from dunning.texts.markup import blanked, strange_rendered, strange_source, words_of
from dunning.texts.samples import LINK, NAMES, samples
from dunning.texts.sandbox import Part, TextFault, TextRefusedError
from dunning.texts.speak import Spoken, Words, content_of, make_ready, speak
from dunning.tone.check import Finding, Points, check

PARTS: tuple[Part, ...] = ("subject", "text", "html")
MAX_SUBJECT = 200
"""Characters of a subject, as it is read."""


@dataclass(frozen=True)
class PlacedFinding:
    """What offends in a part; its place is in the part's source, or None when it only shows once it is filled in."""

    part: Part
    finding: Finding
    placed: bool


@dataclass(frozen=True)
class Examined:
    """What came of it. `score` is that of the text, 0 to 100, by its `points`; `sample` how it reads, if it does."""

    faults: tuple[TextFault, ...]
    findings: tuple[PlacedFinding, ...]
    score: int
    points: tuple[Points, ...]
    sample: RenderedMessage | None

    @property
    def passed(self) -> bool:
        return not self.faults and not any(found.finding.refused for found in self.findings)


def examine(renderer: Renderer, words: Words, *, language: str, tone: Tone, least_score: int) -> Examined:
    """The text tried on every sample. Nothing is stored and nothing raised for a bad one."""
    findings = list(_findings_in_source(words, language, tone))
    strange = strange_source(words.html)
    if strange is not None:
        fault = TextFault(
            "html",
            strange[0],
            _("“%(what)s” is not let in: use plain elements such as <p>, <strong>, <ul>, <a href>."),
            (("what", strange[1]),),
        )
        return Examined((fault,), tuple(findings), 0, (), None)
    try:
        spoken = make_ready(renderer, words, language)
        faults = [fault for name, given in samples().items() for fault in _faults(renderer, spoken, name, given)]
        message = speak(renderer, spoken, samples()["one"])
        content = content_of(renderer, spoken, samples()["one"])
    except TextRefusedError as error:
        return Examined((error.fault,), tuple(findings), 0, (), None)
    verdict = check(message.text, language=language, tone=tone, names=(*NAMES, LINK))
    findings += _findings_only_rendered(replace(message, html=words_of(content)), findings, language, tone)
    if verdict.score < least_score:
        least = (("score", str(verdict.score)), ("least", str(least_score)))
        message_text = _("This is not polite enough: %(score)s of 100, at least %(least)s. Ask, thank, offer help.")
        faults.append(TextFault("text", 0, message_text, least))
    return Examined(tuple(dict.fromkeys(faults)), tuple(findings), verdict.score, verdict.points, message)


def _findings_in_source(words: Words, language: str, tone: Tone) -> Iterator[PlacedFinding]:
    for part in PARTS:
        plain = blanked(words.part(part), html=part == "html")
        for finding in check(plain, language=language, tone=tone).findings:
            yield PlacedFinding(part, finding, placed=True)


def _findings_only_rendered(
    message: RenderedMessage, known: list[PlacedFinding], language: str, tone: Tone
) -> Iterator[PlacedFinding]:
    """What offends only when the pieces of a sentence come together."""
    said = {(found.part, found.finding.phrase) for found in known}
    for part in PARTS:
        rendered = getattr(message, part)
        for finding in check(rendered, language=language, tone=tone, names=(*NAMES, LINK)).findings:
            if (part, finding.phrase) not in said:
                yield PlacedFinding(part, finding, placed=False)


def _faults(renderer: Renderer, spoken: Spoken, name: str, given: Mapping[str, Any]) -> Iterator[TextFault]:
    """What a message to this sample lacks, or holds and should not. Raises TextRefusedError."""
    message, content = speak(renderer, spoken, given), content_of(renderer, spoken, given)
    strange = strange_rendered(content)
    if strange is not None:
        yield TextFault("html", 0, _("What is filled in breaks the HTML: put it between elements."), ())
    if name == "hostile":
        return
    if not 1 <= len(message.subject) <= MAX_SUBJECT:
        yield TextFault("subject", 0, _("A subject has between 1 and 200 characters."), ())
    first = given["rows"][0]
    if name == "one" and not any(mark in message.subject for mark in (first.reference, _amount(first, spoken))):
        yield TextFault("subject", 0, _("Name the invoice or the amount in the subject: {{ total }}."), ())
    parts: tuple[tuple[Part, str], ...] = (("text", message.text), ("html", content))
    for part, body in parts:
        if body.count(LINK) != 1:
            yield TextFault(part, 0, _("Put {{ link }} in exactly once: it is how the customer answers."), ())
        if any(not _holds(body, row.reference) or _amount(row, spoken) not in body for row in given["rows"]):
            yield TextFault(part, 0, _("Name each invoice with its amount: {{ invoice_lines }}."), ())


def _amount(row: Any, spoken: Spoken) -> str:
    return localized(row.amount_minor, row.currency, spoken.language)


def _holds(body: str, reference: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(reference)}(?![\w-])", body) is not None
