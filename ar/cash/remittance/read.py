"""Whatever an advice comes in, a file or an e-mail: opened, and the best reading of what is inside. No database.

Opening takes a while (a workbook or a PDF is read in a process of its own), so it is done before a transaction.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import chain

from ar.cash.remittance import grid, mailtext, words
from ar.cash.remittance.advice import Advice, Known
from ar.cash.remittance.edifact import is_edifact, read_remadv
from ar.cash.remittance.grid import Source
from ar.cash.remittance.message import Mail, read_message
from ar.cash.remittance.pdf import pdf_text
from ar.cash.remittance.reading import heading_of
from ar.cash.remittance.references import keys_in
from ar.cash.remittance.understand import understand
from ar.core.errors import DomainError
from ar.core.files import XLSX
from ar.core.tabular import DELIMITERS, Layout, opened

MAX_BYTES = 15_000_000
_HEADERS = ("from:", "received:", "return-path:", "message-id:", "mime-version:", "delivered-to:", "subject:", "date:")


class AdviceRefusedError(DomainError):
    """The file is nothing that an advice is read from."""

    code = "bad-remittance"


@dataclass(frozen=True)
class Written:
    """One thing that an advice may be written in. `ready` is an advice that needs no interpreting (EDIFACT); `fault`
    says why it could not be read. `content` is kept as a file of `media_type`; empty for the words of an e-mail."""

    name: str
    media_type: str
    content: bytes
    source: Source = field(default_factory=lambda: Source(()))
    ready: Advice | None = None
    fault: str = ""


@dataclass(frozen=True)
class Opened:
    """What came, opened: all that it is written in, and who sent it, where it is an e-mail."""

    parts: tuple[Written, ...]
    digest: str
    sender: str = ""
    subject: str = ""
    message_id: str = ""


def open_upload(content: bytes, *, name: str) -> Opened:
    """A file that somebody uploaded, an e-mail saved as .eml included.

    Raises AdviceRefusedError, or what the file's kind raises for one that cannot be read.
    """
    if len(content) > MAX_BYTES:
        raise AdviceRefusedError(f"The file has {len(content):,} bytes; at most {MAX_BYTES:,} are taken")
    if not content.strip():
        raise AdviceRefusedError("The file is empty")
    start = content[:200].lstrip().lower()
    if name.lower().endswith(".eml") or start.startswith(tuple(header.encode() for header in _HEADERS)):
        return open_mail(read_message(content))
    return Opened((open_file(content, name=name),), hashlib.sha256(content).hexdigest())


def open_mail(mail: Mail) -> Opened:
    """An e-mail's words, and the files that came along; one that cannot be read says why and spoils no other."""
    parts = [Written("", "", b"", source=grid.of_text(mail.text))]
    for file in mail.files:
        try:
            parts.append(open_file(file.content, name=file.name))
        except DomainError as error:
            parts.append(Written(file.name, "", b"", fault=error.message))
    digest = hashlib.sha256()
    # Not of its headers: the same message has others on each way that it comes.
    for told in (mail.message_id, mail.sender, mail.subject, mail.text):
        digest.update(hashlib.sha256(told.encode("utf-8", "replace")).digest())
    for file in mail.files:
        digest.update(hashlib.sha256(file.content).digest())
    return Opened(tuple(parts), digest.hexdigest(), mail.sender, mail.subject, mail.message_id)


def open_file(content: bytes, *, name: str) -> Written:
    """A file, told by its content. Raises PdfError, FileError, EdifactError or AdviceRefusedError."""
    if content.startswith(b"%PDF"):
        return Written(name, "application/pdf", content, source=grid.of_text(pdf_text(content)))
    if content.startswith(b"PK"):
        return Written(name, XLSX, content, source=_workbook(content))
    text = _text(content)
    if is_edifact(text):
        return Written(name, "text/plain", content, ready=read_remadv(text))
    start = text[:2_000].lstrip().lower()
    if start.startswith(("<!doctype html", "<html")):
        raise AdviceRefusedError("HTML files are not taken: save the message as .eml, or print it as PDF")
    table = _csv(content)
    if table is not None:
        return Written(name, "text/csv", content, source=table)
    return Written(name, "text/plain", content, source=grid.of_text(mailtext.own_words(text)))


def _text(content: bytes) -> str:
    if b"\x00" in content and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise AdviceRefusedError(
            "This is no file that an advice is read from: send PDF, XLSX, CSV, EDIFACT, text or .eml"
        )
    charset = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return content.decode(charset)
    except UnicodeError:
        return content.decode("cp1252", "replace")


def _workbook(content: bytes) -> Source:
    with opened(io.BytesIO(content), layout=Layout(), wanted=list(words.COLUMNS)) as table:
        return grid.of_table(chain([table.headings], (row.cells for row in table.rows)))


def _csv(content: bytes) -> Source | None:
    """The table in a file of separated values, with the delimiter that gives it a heading; None for another text."""
    for delimiter in DELIMITERS:
        try:
            with opened(io.BytesIO(content), layout=Layout(delimiter=delimiter), wanted=()) as table:
                found = grid.of_table(chain([table.headings], (row.cells for row in table.rows)))
        except DomainError:
            continue
        if any(heading_of(row) for row in found.rows[:60]):
            width = max(len(row) for row in found.rows)
            return Source(tuple((*row, *("",) * (width - len(row))) for row in found.rows), tabular=True)
    return None


def keys_of(parts: Sequence[Written]) -> set[str]:
    """The keys of every document that `parts` may name."""
    lines: list[str] = []
    for part in parts:
        lines += ["  ".join(row) for row in part.source.rows]
        lines += [line.reference for line in part.ready.lines] if part.ready else []
    return keys_in(lines)


def best_of(
    parts: Sequence[Written], known: Mapping[str, Known], *, currency: str, near: date
) -> tuple[Advice, Written | None]:
    """The advice in `parts`, and the part that it is in: of those read the one that adds up and says most, with what
    only others say of the payment."""
    read = [
        (part.ready or understand(part.source, known, currency=currency, near=near), part)
        for part in parts
        if not part.fault
    ]
    faults = tuple(f"{part.name}: {part.fault}" for part in parts if part.fault)
    if not read:
        return Advice(doubts=faults), None
    chosen, part = max(read, key=lambda one: _worth(one[0]))
    others = [advice for advice, _ in read if advice is not chosen]
    for other in others:
        chosen = _completed(chosen, other)
    words_said = next((advice.text for advice, one in read if not one.content), "")
    if words_said and part.content:
        chosen = replace(chosen, text=f"{words_said}\n\n{chosen.text}"[: len(words_said) + 15_000])
    return replace(chosen, doubts=(*faults, *chosen.doubts)), part


def _worth(advice: Advice) -> tuple[bool, int, int, bool]:
    paid = sum(line.paid_minor is not None for line in advice.lines)
    return advice.adds_up and paid > 0, paid, len(advice.lines), advice.amount_minor is not None


def _completed(advice: Advice, other: Advice) -> Advice:
    """`advice` with what only `other` says; a doubt where the two name different payments."""
    doubts = list(advice.doubts)
    amounts = (advice.amount_minor, other.amount_minor)
    if None not in amounts and amounts[0] != amounts[1] and advice.currency == other.currency and not other.lines:
        doubts.append("The message and the file with it name different amounts of the payment")
    return replace(
        advice,
        amount_minor=advice.amount_minor if advice.amount_minor is not None else other.amount_minor,
        currency=advice.currency or other.currency,
        paid_on=advice.paid_on or other.paid_on,
        reference=advice.reference or other.reference,
        payer=advice.payer or other.payer,
        doubts=tuple(doubts),
    )
