"""Invoices made elsewhere: what our writers write is read back, what is hostile or wrong is refused in words, and what
is taken in is owed once, under its own number, with its file as it came."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import replace
from datetime import date
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from lxml import etree
from rich.console import Console
from sqlmodel import col, select

from ar.core.access.models import Role
from ar.core.files import StoredFile
from ar.core.files import read as read_file
from ar.core.kernel import Kernel
from ar.core.render import Renderer
from ar.customers.accounts import AccountDraft, open_account
from ar.customers.entities import EntityDraft, found_entity
from ar.customers.models import Account
from ar.ledger.items import open_items
from invoicing.einvoice.cii import build_cii
from invoicing.einvoice.facts import AdjustmentFacts, DocumentFacts, LineFacts, Period
from invoicing.einvoice.read.command import run
from invoicing.einvoice.read.match import BuyerUnknownError
from invoicing.einvoice.read.original import opened
from invoicing.einvoice.read.reckon import reckoned
from invoicing.einvoice.read.take import NumberTakenError, Outcome, Taken, examine, take_in
from invoicing.einvoice.read.told import EInvoiceRefusedError, ToldInvoice, ToldLine
from invoicing.einvoice.ubl import build_ubl, claims_peppol
from invoicing.models import (
    DocumentKind,
    FileFormat,
    Invoice,
    InvoiceFile,
    InvoiceLine,
    InvoiceStage,
    InvoiceTax,
    TaxCategory,
)
from invoicing.totals import Adjustment, Line
from tests.invoicing.einvoice.make import BUYER, facts, of_category
from tests.invoicing.einvoice.test_pdf import page
from tests.invoicing.make import NOW, TODAY, line
from tests.web import client

WRITERS = {FileFormat.CII: build_cii, FileFormat.UBL: build_ubl}


def read(document: bytes) -> ToldInvoice:
    return opened(document).read()


def same(told: ToldInvoice, written: DocumentFacts) -> None:
    assert (told.kind, told.number, told.issue_on) == (written.kind, written.number, written.issue_on)
    assert told.due_on in (written.due_on, None if written.kind is DocumentKind.CREDIT_NOTE else written.due_on)
    assert (told.currency, told.supplied_on) == (written.currency, written.supplied_on)
    assert (told.buyer_reference, told.purchase_order) == (written.buyer_reference, written.purchase_order)
    assert told.corrects == (written.corrects.number if written.corrects else "")
    for party, was in ((told.seller, written.seller), (told.buyer, written.buyer)):
        assert (party.name, party.country, party.street) == (was.name, was.country, was.street)
        assert (party.postcode, party.city) == (was.postcode, was.city)
        assert party.vat_number == (was.vat_number if written.taxable else "")
        assert {was.registration, was.endpoint} - {None} <= set(party.numbers)
    assert told.order_reference == written.order_reference
    if told.syntax is FileFormat.CII or not claims_peppol(written):  # Peppol has a process of its own
        assert told.stage is written.stage
    assert (told.period_from, told.period_to) == (
        (written.period.first, written.period.last) if written.period else (None, None)
    )
    assert [as_facts(one) for one in told.lines] == [
        replace(one, position=0, description=" ".join(one.description.split()), adjustments=bare(one.adjustments))
        for one in written.lines
    ]
    assert [
        AdjustmentFacts(
            one.adjustment.charge,
            one.adjustment.reason,
            None,
            0,
            one.adjustment.amount_minor or 0,
            one.tax.category,
            one.tax.rate_bp,
        )
        for one in told.adjustments
    ] == list(bare(written.adjustments))
    assert {(t.category, t.rate_bp, t.net_minor, t.tax_minor) for t in told.taxes} == {
        (t.category, t.rate_bp, t.net_minor, t.tax_minor) for t in written.taxes
    }
    sums = reckoned(told)
    assert (sums.net_minor, sums.tax_minor, sums.total_minor) == (
        written.net_minor,
        written.tax_minor,
        written.total_minor,
    )


def as_facts(told: ToldLine) -> LineFacts:
    one = told.line
    return LineFacts(
        0,
        one.description,
        one.quantity_millionths,
        one.unit_price_millionths,
        one.category,
        one.rate_bp,
        told.net_minor,
        one.unit,
        one.item_code,
        one.order_line,
        Period(one.period_from, one.period_to) if one.period_from or one.period_to else None,
        tuple(
            AdjustmentFacts(a.charge, a.reason, None, 0, a.amount_minor or 0, one.category, one.rate_bp)
            for a in one.adjustments
        ),
        one.supply,
    )


def bare(adjustments: tuple[AdjustmentFacts, ...]) -> tuple[AdjustmentFacts, ...]:
    """As an amount alone: that it was a percentage, and of what, is not read."""
    return tuple(replace(one, percent_bp=None, base_minor=0) for one in adjustments)


ADJUSTMENTS = st.builds(
    Adjustment, st.just("Season"), percent_bp=st.integers(1, 5_000), amount_minor=st.none(), charge=st.booleans()
)
LINES = st.builds(
    Line,
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1).filter(str.strip),
    st.integers(1, 10**9),
    st.integers(1, 10**11),
    st.just(TaxCategory.STANDARD),
    st.sampled_from((2000, 1000, 550, 210)),
    st.lists(ADJUSTMENTS, max_size=2).map(tuple),
    st.sampled_from(("C62", "HUR", "KGM")),
    st.sampled_from(("", "SKU-1")),
    st.sampled_from(("", "10")),
    st.sampled_from((None, date(2026, 2, 1))),
    st.sampled_from((None, date(2026, 2, 28))),
)


@drawn(
    lines=st.lists(LINES, min_size=1, max_size=5),
    currency=st.sampled_from(("EUR", "USD", "JPY")),
    kind=st.sampled_from(DocumentKind),
    syntax=st.sampled_from(tuple(WRITERS)),
    adjustments=st.lists(ADJUSTMENTS, max_size=2),
    period=st.sampled_from((None, Period(date(2026, 2, 1), date(2026, 2, 28)), Period(None, date(2026, 2, 28)))),
    stage=st.sampled_from(InvoiceStage),
)
def test_what_we_write_is_read_back_equal(
    renderer: Renderer,
    lines: list[Line],
    currency: str,
    kind: DocumentKind,
    syntax: FileFormat,
    adjustments: list[Adjustment],
    period: Period | None,
    stage: InvoiceStage,
) -> None:
    lines.append(line("1", "1000"))  # adds up to more than zero
    more: dict[str, Any] = {"period": period, "order_reference": "SO-7"}
    if kind is DocumentKind.INVOICE:
        more["stage"] = stage
    written = facts(renderer, *lines, currency=currency, kind=kind, adjustments=adjustments, **more)
    same(read(WRITERS[syntax](written)), written)


SPOILED = ("", "-1", "1e9", "٣", "x" * 3000, "9" * 17, "0.0000001", "2026-02-30", "\u202e", "AE", "100.01")


@drawn(syntax=st.sampled_from(tuple(WRITERS)), data=st.data())
def test_whatever_a_text_in_it_says_it_is_read_or_refused(
    renderer: Renderer, syntax: FileFormat, data: st.DataObject
) -> None:
    discount = Adjustment("Season", percent_bp=500)
    given = facts(renderer, line("2", "450"), adjustments=[discount], kind=data.draw(st.sampled_from(DocumentKind)))
    root = etree.fromstring(WRITERS[syntax](given))
    elements = [one for one in root.iter() if isinstance(one.tag, str) and one is not root]
    for one in data.draw(st.lists(st.sampled_from(elements), min_size=1, max_size=3)):
        one.text = data.draw(st.sampled_from(SPOILED))
        if data.draw(st.booleans()) and (parent := one.getparent()) is not None:
            parent.remove(one)
    with suppress(EInvoiceRefusedError):
        reckoned(read(etree.tostring(root)))


@pytest.mark.parametrize("category", TaxCategory)
def test_each_category_is_read_back(renderer: Renderer, category: TaxCategory) -> None:
    written = facts(renderer, of_category(category), buyer=replace(BUYER, country="DE"))
    for build in WRITERS.values():
        same(read(build(written)), written)


def hostile(good: bytes) -> dict[str, bytes]:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    text = good.decode()
    return {
        "document type": good.replace(b"?>", b"?>" + bomb, 1),
        "document type ": ("<?xml version='1.0' encoding='UTF-16'?>" + bomb.decode() + "<a/>").encode("utf-16"),
        "NUL": good.replace(b"Work", b"Wo\0rk"),
        "not XML": b"%PDF without anything",
        "nested too deeply": b"<a>" * 100 + b"</a>" * 100,
        "too many elements": b"<a>" + b"<b/>" * 400_001 + b"</a>",
        "MiB": b"<a>" + b" " * (10 << 20) + b"</a>",
        "neither a CII nor a UBL": b"<html><body/></html>",
        "not a number": re.sub(r"(GrandTotalAmount>)[\d.]+", r"\g<1>1e400", text).encode(),
        "larger than any": re.sub(r"(GrandTotalAmount>)[\d.]+", r"\g<1>99999999999999999", text).encode(),
        "more decimals": re.sub(r"(GrandTotalAmount>)[\d.]+", r"\g<1>1.001", text).encode(),
        "not a day": text.replace("20260316", "20269999").encode(),
        "not a currency": text.replace("InvoiceCurrencyCode>EUR", "InvoiceCurrencyCode>ZZZ").encode(),
        "neither an invoice": text.replace("TypeCode>380", "TypeCode>751").encode(),
        "VAT category": text.replace("CategoryCode>S", "CategoryCode>L").encode(),
        "lacks": b'<r:CrossIndustryInvoice xmlns:r="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"/>',
    }


def test_what_is_hostile_is_refused_in_words(renderer: Renderer) -> None:
    good = build_cii(facts(renderer))
    for words, document in hostile(good).items():
        with pytest.raises(EInvoiceRefusedError) as refusal:
            read(document)
        wanted = {"not XML": "read", "NUL": "NUL", "document type ": "read"}.get(words, words.strip())
        assert wanted in refusal.value.message, (words, refusal.value.message)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("LineTotalAmount", "BT-131"),
        ("TaxBasisTotalAmount", "BT-109"),
        ("TaxTotalAmount", "BT-110"),
        ("GrandTotalAmount", "BT-112"),
        ("DuePayableAmount", "BT-115"),
        ("BasisAmount", "BT-116"),
        ("CalculatedAmount", "BT-117"),
    ],
)
def test_what_does_not_add_up_is_refused(renderer: Renderer, place: str, words: str) -> None:
    text = build_cii(facts(renderer)).decode()
    wrong = re.sub(rf"(<ram:{place}[^>]*>)([\d.]+)", r"\g<1>17.03", text, count=1)
    assert wrong != text
    with pytest.raises(EInvoiceRefusedError) as refusal:
        reckoned(read(wrong.encode()))
    assert any(words in fault.message for fault in refusal.value.faults)
    below = re.sub(r"(GrandTotalAmount>|DuePayableAmount>)", r"\g<1>-", text)
    with pytest.raises(EInvoiceRefusedError, match=r"above zero|BT-112"):
        reckoned(read(below.encode()))


def test_a_pdf_without_an_invoice_or_with_a_bomb_is_refused(renderer: Renderer) -> None:
    for content, words in (
        (page(renderer, facts(renderer)), "carries no electronic invoice"),
        (b"%PDF-1.7 nothing", "not a PDF that can be read"),
    ):
        with pytest.raises(EInvoiceRefusedError, match=words):
            opened(content)
    with pikepdf.new() as document:
        document.add_blank_page()
        document.attachments["factur-x.xml"] = pikepdf.AttachedFileSpec(document, b"<a>" + b" " * (30 << 20))
        bomb = BytesIO()
        document.save(bomb, compress_streams=True, recompress_flate=True)
    assert len(bomb.getvalue()) < 1 << 20
    with pytest.raises(EInvoiceRefusedError, match="MiB"):
        opened(bomb.getvalue())


def test_a_rule_that_is_broken_is_named(renderer: Renderer) -> None:
    written = facts(renderer)
    with pytest.raises(EInvoiceRefusedError, match="BR-S-02"):
        examine(build_cii(replace(written, seller=replace(written.seller, vat_number=""))))
    with pytest.raises(EInvoiceRefusedError, match="XSD"):
        examine(build_ubl(written).replace(b"cbc:IssueDate>", b"cbc:IssuDate>"))


def test_taken_in(kernel: Kernel, renderer: Renderer, tmp_path: Path) -> None:
    """One company on each database: matched, owed, kept byte for byte; again, another of its number, a credit note."""
    invoice = facts(renderer)
    cii, ubl = build_cii(invoice), build_ubl(replace(invoice, number="F-2", kind=DocumentKind.INVOICE))
    pdf = page(renderer, invoice, cii=cii)
    files = kernel.settings.files

    def take(content: bytes, **changes: object) -> Taken:
        examined = examine(content)
        with kernel.database.transaction() as session:
            return take_in(
                session,
                files,
                examined,
                file_name="f.pdf",
                by="user:1",
                today=TODAY,
                now=NOW,
                **changes,  # type: ignore[arg-type]
            )

    with pytest.raises(EInvoiceRefusedError, match="none of the legal entities"):
        take(pdf)
    with kernel.database.transaction() as session:
        seller = EntityDraft("FR1", "Another name", "FR", "EUR", "fr", vat_number="FR40303265045")
        found_entity(session, seller, by="system", now=NOW)
    with pytest.raises(BuyerUnknownError, match="have the account opened"):
        take(pdf)
    with kernel.database.transaction() as session:
        for code in ("N1", "N2"):
            draft = AccountDraft(code, code, "DE", "de", "EUR", identifiers=(("vat", "DE136695976"),))
            open_account(session, draft, by="system", now=NOW)
    with pytest.raises(BuyerUnknownError, match="N1, N2"):
        take(pdf)
    taken = take(pdf, account_code="N1")
    assert (taken.outcome, taken.number) == (Outcome.IMPORTED, "FR1-2026-000123")
    assert take(pdf, account_code="N1") == replace(taken, outcome=Outcome.UNCHANGED)
    assert take(cii).outcome is Outcome.UNCHANGED, "the XML that the PDF carries is the same invoice"
    with pytest.raises(NumberTakenError):
        take(build_cii(replace(invoice, buyer_reference="other")), account_code="N1")

    with kernel.database.reading() as session:
        document = session.exec(select(Invoice)).one()
        assert (document.number, document.total_minor, document.due_on) == (
            "FR1-2026-000123",
            invoice.total_minor,
            date(2026, 4, 30),
        )
        assert len(session.exec(select(InvoiceLine)).all()) == len(invoice.lines)
        assert sum(tax.tax_minor for tax in session.exec(select(InvoiceTax))) == invoice.tax_minor
        stored = dict(
            session.exec(
                select(InvoiceFile.format, StoredFile).join(StoredFile, col(StoredFile.id) == col(InvoiceFile.file_id))
            ).all()
        )
        assert {form: read_file(one, files) for form, one in stored.items()} == {
            FileFormat.PDF: pdf,
            FileFormat.CII: cii,
        }
        [item] = open_items(session, as_of=TODAY)
        assert (item.entry_id, item.open_minor, item.reference) == (
            taken.entry_id,
            invoice.total_minor,
            "FR1-2026-000123",
        )

    # A credit note of another system that names it is set against it.
    note = facts(renderer, line("1", "100"), kind=DocumentKind.CREDIT_NOTE)
    assert note.corrects is not None
    named = replace(note, number="CN-1", corrects=replace(note.corrects, number="FR1-2026-000123"))
    with pytest.raises(EInvoiceRefusedError, match="another customer's"):
        take(build_ubl(named), account_code="N2")
    credited = take(build_ubl(named), account_code="N1")
    with kernel.database.reading() as session:
        [item] = open_items(session, as_of=TODAY)
        assert item.open_minor == invoice.total_minor - note.total_minor
        corrects = session.exec(select(Invoice.corrects_entry_id).where(Invoice.entry_id == credited.entry_id)).one()
        assert corrects == taken.entry_id

    # An unknown buyer is opened when asked; over the wire, on the page, by the command.
    swiss = replace(BUYER, name="Rive Gauche", country="FR", vat_number="FR83404833048", endpoint=None)
    with client(kernel, Role.CREDIT_MANAGER) as browser:
        upload = {"file": ("f.xml", build_ubl(replace(invoice, number="F-3", buyer=swiss)), "text/xml")}
        refusal = browser.post("/api/v1/imports/einvoices", files=upload)
        assert (refusal.status_code, refusal.json()["code"]) == (422, "buyer-unknown")
        made = browser.post("/api/v1/imports/einvoices", files=upload, data={"create_accounts": "true"})
        assert (made.status_code, made.json()["outcome"]) == (201, "imported"), made.text
        bad = browser.post("/api/v1/imports/einvoices", files={"file": ("f.xml", b"<a/>", "text/xml")})
        assert (bad.status_code, bad.json()["code"]) == (422, "einvoice-refused")
        posted = browser.post(
            "/imports/einvoices", files={"einvoice": ("f.xml", ubl, "text/xml")}, data={"account": "N2"}
        )
        assert posted.status_code == 303, posted.text
        shown = browser.get(posted.headers["location"], headers={"accept": "text/html"})
        assert "F-2" in shown.text
        kept = f"/api/v1{posted.headers['location']}/documents"
        assert browser.get(f"{kept}/ubl").content == ubl
        missing = browser.get(f"{kept}/pdf")
        assert (missing.status_code, missing.json()["code"]) == (404, "no-document")
        wrong = browser.post("/imports/einvoices", files={"einvoice": ("f.xml", b"<a/>", "text/xml")})
        assert (wrong.status_code, "neither a CII nor a UBL" in wrong.text) == (422, True)
    with kernel.database.reading() as session:
        opened_one = session.exec(select(Account).where(Account.legal_name == "Rive Gauche")).one()
        assert (opened_one.code, opened_one.language) == ("404833048", "fr")

    # The command takes in one after the other, tells of each, and says whether one was refused.
    good, bad_file = tmp_path / "good.xml", tmp_path / "bad.xml"
    good.write_bytes(build_cii(replace(invoice, number="F-4")))
    bad_file.write_bytes(b"<a/>")
    assert commanded(kernel, [good], as_json=False) == (True, "good.xml: F-4 is taken in\n")
    whole, told = commanded(kernel, [good, bad_file], as_json=True)
    first, second = map(json.loads, told.splitlines())
    assert (whole, first["outcome"], second["outcome"]) == (False, "unchanged", "refused")
    assert "neither a CII nor a UBL" in second["reasons"][0]


def commanded(kernel: Kernel, given: list[Path], *, as_json: bool) -> tuple[bool, str]:
    out = Console(file=StringIO(), width=200)
    whole = run(kernel, given, account="N1", create_accounts=False, as_json=as_json, out=out)
    assert isinstance(out.file, StringIO)
    return whole, out.file.getvalue()
