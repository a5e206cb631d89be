"""The page is PDF/A-3B, carries the electronic invoice byte for byte, and shows every text whatever it is."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from typing import Any

import pikepdf
import pytest
import zxingcpp
from lxml import etree
from pikepdf import pdfa
from pypdf import PdfReader

from ar.core.money import to_decimal
from ar.core.render import Renderer
from invoicing.einvoice.cii import build_cii
from invoicing.einvoice.facts import Bank, DocumentFacts
from invoicing.einvoice.pdf import build_pdf
from invoicing.einvoice.qr import epc_qr
from invoicing.einvoice.sheet import sheet
from invoicing.einvoice.xmp import PdfFormError, claim_facturx
from invoicing.models import DocumentKind
from tests.invoicing.einvoice.make import BANK, HOSTILE, facts
from tests.invoicing.make import line

NOW = datetime(2026, 3, 16, 9, tzinfo=UTC)
NOT_KNOWN_TO_THE_VALIDATOR = ("XMP namespace", "XMP property", "structured XMP property xmpMM:History", "CFF FDArray")
"""pikepdf's validator takes no extension schemas, by which PDF/A-3 allows the properties of Factur-X and of Typst."""


def page(renderer: Renderer, given: DocumentFacts, *, cii: bytes | None = None) -> bytes:
    say = partial(renderer.text, language=given.language)
    return build_pdf(sheet(given, say, qr=epc_qr(given)), cii, made_at=NOW)


def text_of(made: bytes) -> str:
    return "\n".join(one.extract_text() for one in PdfReader(BytesIO(made)).pages)


def test_the_electronic_invoice_is_inside_byte_for_byte(renderer: Renderer) -> None:
    given = facts(renderer, line(text="Été – ∑ 日本"), language="fr")
    cii = build_cii(given)
    made = page(renderer, given, cii=cii)
    assert PdfReader(BytesIO(made)).attachments == {"factur-x.xml": [cii]}
    with pikepdf.open(BytesIO(made)) as document:
        [attached] = document.Root.AF
        assert attached.AFRelationship == "/Alternative"
        assert attached.UF == "factur-x.xml"
        assert attached.EF.F.Subtype == "/text/xml"
        xmp = etree.fromstring(document.Root.Metadata.read_bytes())
    said = {etree.QName(one).localname: one.text for one in xmp.iter() if isinstance(one.tag, str)}
    assert (said["part"], said["conformance"]) == ("3", "B")
    assert (said["ConformanceLevel"], said["DocumentFileName"]) == ("EN 16931", "factur-x.xml")
    assert (said["DocumentType"], said["Version"]) == ("INVOICE", "1.0")


@pytest.mark.parametrize("kind", DocumentKind)
def test_it_is_what_it_claims_to_be(renderer: Renderer, kind: DocumentKind) -> None:
    given = facts(renderer, kind=kind)
    for cii in (build_cii(given), None):
        report = pdfa.validate_written(BytesIO(page(renderer, given, cii=cii)), "3b")
        wrong = [found for found in report.findings if not any(t in found.message for t in NOT_KNOWN_TO_THE_VALIDATOR)]
        assert wrong == []


def test_without_an_electronic_invoice_it_claims_none(renderer: Renderer) -> None:
    made = page(renderer, facts(renderer))
    assert PdfReader(BytesIO(made)).attachments == {}
    with pikepdf.open(BytesIO(made)) as document:
        assert b"factur-x" not in document.Root.Metadata.read_bytes()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("Invoice", "Billed to", "€1,164.98", "16 March 2026", "To be paid by 30 April 2026", "Page 1 of 1")),
        ("fr", ("Facture", "Facturé à", "164,98", "16 mars 2026", "À payer au plus tard le 30 avril", "Page 1 sur 1")),
    ],
)
def test_it_is_written_in_the_customers_language(renderer: Renderer, language: str, said: tuple[str, ...]) -> None:
    text = " ".join(text_of(page(renderer, facts(renderer, language=language))).split())
    for words in (*said, "FR14 2004 1010 0505 0001 3M02 606", "PSSTFRPPLIL", "Nordlicht Werkzeuge", "PO-8841"):
        assert words in text


def test_legal_mentions_are_those_of_the_sellers_country(renderer: Renderer) -> None:
    text = " ".join(text_of(page(renderer, facts(renderer, language="fr"))).split())
    assert "majoré de 10 points" in text
    assert "40 euros" in text
    assert "escompte" in text
    credit = " ".join(text_of(page(renderer, facts(renderer, kind=DocumentKind.CREDIT_NOTE))).split())
    assert "L441-10" not in credit
    assert "IBAN" not in credit
    assert "Corrects invoice" in credit


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_ever_markup_or_a_fault(renderer: Renderer, text: str) -> None:
    given = facts(renderer, line(text=text), note=text)
    cii = build_cii(given)
    made = page(renderer, given, cii=cii)
    assert PdfReader(BytesIO(made)).attachments["factur-x.xml"] == [cii]
    if text.startswith("<b>"):
        shown = "".join(text_of(made).split())
        assert "".join(text.replace("'", "’").split())[:14] in shown.replace("'", "’")
        assert "#import" in shown


def test_a_word_without_end_is_broken_into_lines(renderer: Renderer) -> None:
    pages = PdfReader(BytesIO(page(renderer, facts(renderer, line(text="x" * 1000))))).pages
    lines = [row for one in pages for row in one.extract_text().splitlines() if "xxx" in row]
    assert max(map(len, lines)) < 80
    say = partial(renderer.text, language="en")
    usual = sheet(facts(renderer, line(text="Donaudampfschifffahrt")), say, qr=None)
    assert usual["rows"][0][0] == "Donaudampfschifffahrt"


def test_many_lines_take_many_pages(renderer: Renderer) -> None:
    made = page(renderer, facts(renderer, *[line("1", "3", text=f"Piece {n}") for n in range(300)]))
    pages = PdfReader(BytesIO(made)).pages
    assert len(pages) > 5
    assert "Piece 0" in pages[0].extract_text()
    assert f"Page {len(pages)} of {len(pages)}" in pages[-1].extract_text()
    assert all("Unit price" in one.extract_text() for one in pages[:5]), "each page has the heads of its columns"


def test_the_same_facts_make_the_same_bytes(renderer: Renderer) -> None:
    given = facts(renderer)
    cii = build_cii(given)
    assert page(renderer, given, cii=cii) == page(renderer, given, cii=cii)


def test_the_page_holds_no_key_to_the_customers_pages(renderer: Renderer) -> None:
    made = PdfReader(BytesIO(page(renderer, facts(renderer)))).pages[0]
    assert made.get("/Annots") is None, "staff read it as well: a link would let them act as the customer"
    given = replace(facts(renderer), pay_online="https://pay.example/pay")
    links: list[Any] = PdfReader(BytesIO(page(renderer, given))).pages[0].annotations or []
    assert [str(one.get_object()["/A"]["/URI"]) for one in links] == ["https://pay.example/pay"]


def test_a_banking_app_reads_the_qr_code_on_the_page(renderer: Renderer) -> None:
    given = replace(facts(renderer), bank=Bank(BANK.iban, BANK.bic, "Société Générale d’Essieux"))
    svg = etree.fromstring(epc_qr(given) or "")
    size, scale, quiet = int(svg.get("viewBox", "").split()[-1]), 4, 4
    side = (size + 2 * quiet) * scale
    pixels = bytearray(b"\xff") * side * side
    for row, strokes in enumerate(svg[0].get("d", "").split("M0 ")[1:]):
        at = quiet
        for move, length in re.findall(r"([hm])(\d+)", strokes):
            for y in range((row + quiet) * scale, (row + quiet + 1) * scale):
                if move == "h":
                    start, end = y * side + at * scale, y * side + (at + int(length)) * scale
                    pixels[start:end] = bytes(end - start)
            at += int(length)
    (read,) = zxingcpp.read_barcodes(memoryview(pixels).cast("B", (side, side)))
    name, total = given.bank.holder if given.bank else "", to_decimal(given.total_minor, "EUR")
    assert read.bytes.decode().split("\n") == [
        "BCD", "002", "1", "SCT", BANK.bic, name, BANK.iban, f"EUR{total}", "", "", given.number,
    ]  # fmt: skip


def test_the_qr_code_is_for_euros_by_iban_alone(renderer: Renderer) -> None:
    assert "<svg" in (epc_qr(facts(renderer)) or "")
    assert epc_qr(facts(renderer, currency="USD")) is None
    assert epc_qr(facts(renderer, bank=None)) is None
    assert epc_qr(facts(renderer, kind=DocumentKind.CREDIT_NOTE)) is None
    assert epc_qr(facts(renderer, line("1000", "9999999"))) is None, "more than a transfer carries"
    long = Bank(BANK.iban, BANK.bic, "\N{GRINNING FACE}" * 80)
    assert epc_qr(facts(renderer, bank=long)) is None, "more than a code holds"


def test_a_pdf_of_another_form_is_refused_and_never_guessed_at(renderer: Renderer) -> None:
    plain = page(renderer, facts(renderer))
    for broken in (
        plain[:-8],
        plain.replace(b"65535 f\r\n", b"65535 f \n"),
        plain.replace(b"/Metadata ", b"/Metadato "),
        plain.replace(b"/Type/Metadata/Subtype/XML", b"/Type/Metadata/Subtype/XMl"),
        plain.replace(b"</pdfaExtension:schemas>", b"</pdfaExtension:schemos>"),
    ):
        assert broken != plain
        with pytest.raises(PdfFormError):
            claim_facturx(broken)


def test_the_table_of_objects_is_right_after_the_claim(renderer: Renderer) -> None:
    given = facts(renderer, note="é" * 500)
    made = page(renderer, given, cii=build_cii(given))
    with pikepdf.open(BytesIO(made)) as document:
        assert document.check_pdf_syntax() == []
    offsets = re.findall(rb"(\d{10}) 00000 n\r\n", made[made.rindex(b"xref\n0") :])
    for number, offset in enumerate(offsets, start=1):
        assert made.startswith(b"%d 0 obj\n" % number, int(offset))
