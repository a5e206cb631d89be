"""A seller's logo heads its documents, which stay PDF/A; what is no picture, or too large, is refused in words."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from io import BytesIO

import pikepdf
import pytest
from pikepdf import pdfa
from sqlmodel import select

from ar.core.access.models import Role
from ar.core.audit import AuditEntry
from ar.core.kernel import Kernel
from ar.core.render import Renderer
from invoicing.einvoice.cii import build_cii
from invoicing.einvoice.make import build_all
from invoicing.einvoice.pdf import build_pdf
from invoicing.einvoice.sheet import sheet
from invoicing.logos.change import logos_for, prove
from invoicing.logos.picture import HIGHEST, WIDEST, LogoError, on_paper, picture
from invoicing.statements.facts import Show
from invoicing.statements.make import StatementFormat, make_statement
from tests.invoicing.einvoice.make import facts
from tests.invoicing.einvoice.test_pdf import NOT_KNOWN_TO_THE_VALIDATOR
from tests.invoicing.make import NOW, TODAY, customer, seller
from tests.web import client


def png(width: int = 60, height: int = 20, *, alpha: bool = False) -> bytes:
    """A teal picture, half transparent with `alpha`."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    pixel = b"\x11\x5e\x59" + (b"\x80" if alpha else b"")
    head = struct.pack(">IIBBBBB", width, height, 8, 6 if alpha else 2, 0, 0, 0)
    rows = (b"\0" + pixel * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def jpeg(colours: int) -> bytes:
    """The head of a JPEG of so many colours: enough to tell its size, not to draw it."""
    frame = struct.pack(">BHHB", 8, 20, 60, colours) + b"\0" * 3 * colours
    return b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9" + b"\0" * 20


def pictures_of(made: bytes) -> int:
    with pikepdf.open(BytesIO(made)) as document:
        return len([one for one in document.objects if isinstance(one, pikepdf.Stream) and "/Width" in one])


@pytest.mark.parametrize("alpha", [False, True])
def test_a_page_with_a_logo_is_still_what_it_claims_to_be(renderer: Renderer, alpha: bool) -> None:
    given = facts(renderer)
    content = png(alpha=alpha)
    shown = sheet(given, lambda sentence, **values: renderer.text(sentence, language="en", **values), qr=None)
    made = build_pdf(
        shown | {"logo": on_paper(content, picture(content), alt='a "logo" <&>')}, build_cii(given), made_at=NOW
    )
    assert pictures_of(made) == 1 + alpha, "the picture, and how transparent it is"
    report = pdfa.validate_written(BytesIO(made), "3b")
    assert [f for f in report.findings if not any(t in f.message for t in NOT_KNOWN_TO_THE_VALIDATOR)] == []


def test_it_is_fitted_into_its_place() -> None:
    for width, height in ((60, 20), (2000, 10), (10, 2000), (1, 1)):
        fitted = on_paper(b"", replace(picture(png()), width=width, height=height), alt="")
        assert fitted["width"] <= WIDEST
        assert fitted["height"] <= HIGHEST
        assert fitted["width"] == WIDEST or fitted["height"] == HIGHEST


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "neither a PNG nor a JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "neither a PNG nor a JPEG"),
        (png()[:20], "neither a PNG nor a JPEG"),
        (png(2001, 1), "2001 x 1 pixels"),
        (jpeg(4), "in grey or in RGB"),
        (jpeg(3), "damaged"),
        (png()[:60] + b"\0" * 40, "damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 400_000, "bytes"),
        (b"\xff\xd8" + b"\xff\xe0\x00\x00" * 100, "neither a PNG nor a JPEG"),
    ],
)
def test_what_cannot_be_a_logo_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(LogoError, match=words):
        prove(content, now=NOW)


def test_a_logo_is_put_shown_and_taken_away(kernel: Kernel, renderer: Renderer) -> None:
    with kernel.database.transaction() as session:
        one, buyer = seller(session), customer(session)

    def statement() -> bytes:
        asked = {"since": TODAY, "until": TODAY, "show": Show.OPEN, "form": StatementFormat.PDF}
        return make_statement(kernel, buyer, **asked, now=NOW).content  # type: ignore[arg-type]

    path, page = f"/api/v1/legal-entities/{one}/logo", "/admin/legal-entities"
    with client(kernel, Role.ADMIN) as browser:
        assert browser.get(path).json()["code"] == "no-logo"
        assert pictures_of(statement()) == 0
        put = browser.put(path, files={"file": ("l.png", png(), "image/png")})
        assert (put.status_code, put.json()["width"]) == (200, 60), put.text
        assert browser.get(path).content == png()
        assert pictures_of(statement()) == 1
        with kernel.database.reading() as session:
            logos = logos_for(session, kernel.settings.files, {one: "Seller FR1"})
        pdf = build_all(kernel, facts(renderer), logo=logos[one], made_at=NOW)[-1].content
        assert pictures_of(pdf) == 1
        wrong = browser.put(path, files={"file": ("l.svg", b"<svg/>", "image/svg+xml")})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "bad-logo")
        assert browser.put("/api/v1/legal-entities/999/logo", files={"file": ("l.png", png())}).status_code == 404
        assert "60 x 20" in browser.get(page).text
        posted = browser.post(f"{page}/{one}/logo", files={"file": ("l.png", png(30, 30), "image/png")})
        assert posted.status_code == 303
        assert "30 x 30" in browser.get(page).text
        refusal = browser.post(f"{page}/{one}/logo", files={"file": ("l.png", b"x", "image/png")})
        assert (refusal.status_code, "neither a PNG nor a JPEG" in refusal.text) == (422, True)
        assert browser.post(f"{page}/{one}/logo/removal").status_code == 303
        assert browser.delete(path).json()["code"] == "no-logo"
        assert pictures_of(statement()) == 0
    with kernel.database.reading() as session:
        actions = [act.action for act in session.exec(select(AuditEntry))]
    assert actions.count("legal_entity.logo_put") == 2
    assert actions.count("legal_entity.logo_taken_away") == 1


def test_what_heads_the_documents_is_changed_on_the_page_and_by_api(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        one = seller(session)
    page, path = f"/admin/legal-entities/{one}", f"/api/v1/legal-entities/{one}"
    form = {"version": "1", "name": "Atelier Neuf", "street": "1 rue Neuve", "city": "Lyon", "vat_number": ""}
    with client(kernel, Role.ADMIN) as browser:
        assert browser.post(page, data=form).status_code == 303
        assert browser.post(page, data=form).status_code == 412, "it was changed meanwhile"
        wrong = browser.post(page, data=form | {"version": "2", "vat_number": "FR1"})
        assert (wrong.status_code, "is not a valid European VAT number" in wrong.text) == (422, True)
        bank = {"iban": "FR1420041010050500013M02606", "holder": "Atelier Neuf", "currency": "EUR"}
        assert browser.post(f"{page}/bank-accounts", data=bank).status_code == 303
        assert browser.post(f"{page}/bank-accounts", data=bank | {"iban": "FR00"}).status_code == 422
        shown = browser.get("/admin/legal-entities").text
        for said in ("Atelier Neuf", "1 rue Neuve, Lyon, FR", "FR1420041010050500013M02606", "PSSTFRPP"):
            assert said in shown
        read = browser.get(path)
        assert browser.patch(path, json={"phone": "+33 4"}).status_code == 428
        changed = browser.patch(path, json={"phone": "+33 4"}, headers={"If-Match": read.headers["etag"]})
        assert (changed.status_code, changed.json()["phone"], changed.json()["city"]) == (200, "+33 4", "Lyon")
        assert browser.patch(path, json={"city": "Nice"}, headers={"If-Match": read.headers["etag"]}).status_code == 412
    with client(kernel, Role.AUDITOR) as browser:
        assert browser.get("/admin/legal-entities").status_code == 200
        assert browser.post(page, data=form).status_code == 403
