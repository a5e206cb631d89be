"""Factur-X invoices of one page (CII, its XSD, PDF/A-3 with the CII inside) on two processes, against a page of the
same content by WeasyPrint on the same two processes, in turns.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from html import escape
from multiprocessing import get_context
from typing import Any

from ar.core.render import Renderer
from bench import Result, median, peak_memory_mb, seconds
from invoicing.einvoice.check import schema_failures
from invoicing.einvoice.cii import build_cii
from invoicing.einvoice.facts import DocumentFacts
from invoicing.einvoice.pdf import build_pdf
from invoicing.einvoice.qr import epc_qr
from invoicing.einvoice.sheet import sheet
from tests.invoicing.einvoice.make import facts
from tests.invoicing.make import line

PROCESSES = 2
LINES = 8
CHUNK = 5
NOW = datetime(2026, 3, 16, 9, tzinfo=UTC)


def run(size: int | None, repeat: int) -> Result:
    """`size` invoices by us, a fifth as many pages by WeasyPrint, in each turn."""
    size = size or 200
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        for work in (ours, weasyprints):
            list(pool.map(work, [[0, 1]] * 4 * PROCESSES))
        rates, ratios = [], []
        for _ in range(max(repeat, 3)):
            rate, theirs = per_second(pool, ours, size), per_second(pool, weasyprints, max(size // 5, 10))
            rates.append(rate)
            ratios.append(rate / theirs)
        memory = sum(pool.map(held, range(PROCESSES))) / PROCESSES
    extra = {"size": size, "processes": PROCESSES, "lines": LINES, "memory_mb": round(memory, 1)}
    against = "a page of the same content by WeasyPrint, on as many processes"
    return Result("pdf", median(rates), "invoices/s", median(ratios), against, extra)


def per_second(pool: ProcessPoolExecutor, work: Callable[[list[int]], int], size: int) -> float:
    chunks = [list(range(start, min(start + CHUNK, size))) for start in range(0, size, CHUNK)]
    return size / seconds(lambda: list(pool.map(work, chunks)))


def ours(numbers: list[int]) -> int:
    """Makes those invoices whole; says how many bytes."""
    written = 0
    for n in numbers:
        given, shown = content(n)
        cii = build_cii(given)
        assert schema_failures(cii) == []
        written += len(build_pdf(shown, cii, made_at=NOW))
    return written


def weasyprints(numbers: list[int]) -> int:
    """Makes pages of the same content; says how many bytes."""
    from weasyprint import HTML

    return sum(len(HTML(string=html(content(n)[1])).write_pdf() or b"") for n in numbers)


def held(_number: int) -> float:
    return peak_memory_mb()


@cache
def _renderer() -> Renderer:
    return Renderer()


def content(number: int) -> tuple[DocumentFacts, dict[str, Any]]:
    """The facts of one invoice, and its page's content: in English and French by turns."""
    language = "fr" if number % 2 else "en"
    lines = [line(str(n), f"{number % 90 + 10}.{n:02}", text=f"Oak shelf {number}-{n}") for n in range(1, LINES + 1)]
    given = replace(facts(_renderer(), *lines, language=language), number=f"FR1-2026-{number:06}")
    say = partial(_renderer().text, language=language)
    return given, sheet(given, say, qr=epc_qr(given))


def html(shown: dict[str, Any]) -> str:
    """The same page in HTML and CSS."""

    def cells(rows: list[list[str]], tag: str = "td") -> str:
        return "".join(f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in row)}</tr>" for row in rows)

    def lines(texts: list[str]) -> str:
        return "<br>".join(map(escape, texts))

    seller, buyer, pay = shown["seller"], shown["buyer"], shown["pay"]
    return f"""<!doctype html><html lang="{shown["language"]}"><title>{escape(shown["title"])}</title><style>
@page {{ size: A4; margin: 20mm; @bottom-right {{ content: counter(page) " / " counter(pages); font-size: 8pt }} }}
body {{ font: 10pt serif }} h1 {{ color: #115e59; float: right }} .buyer {{ border-left: 1.5pt solid #115e59 }}
table {{ width: 100%; border-collapse: collapse }} td, th {{ border-bottom: .5pt solid #d9d6ce; padding: 2mm 0 }}
.buyer {{ margin-left: 90mm; padding-left: 5mm }} .due {{ background: #e2efec; padding: 3mm }} svg {{ width: 26mm }}
small {{ color: #586662; display: block }}</style><h1>{escape(shown["kind"])} {escape(shown["number"])}</h1>
<p><b>{escape(seller["name"])}</b><br>{lines(seller["lines"])}</p>
<p class="buyer">{escape(buyer["label"])}<br><b>{escape(buyer["name"])}</b><br>{lines(buyer["lines"])}</p>
<table>{cells(shown["facts"])}</table><table>{cells([shown["columns"]], "th")}{cells(shown["rows"])}</table>
<table>{cells([shown["taxes"]["heads"]], "th")}{cells(shown["taxes"]["rows"])}</table>
<table>{cells(shown["sums"])}</table><p class="due">{lines(shown["due"])}</p><p><b>{escape(shown["terms"])}</b></p>
<table>{cells(pay["facts"])}</table>{pay["qr"]}
<small>{lines([*shown["mentions"], shown["footer"]])}</small>"""
