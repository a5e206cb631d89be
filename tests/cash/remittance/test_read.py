"""The files and e-mails that advices come in, honest and hostile: read, or refused in words, and never for long."""

from __future__ import annotations

import io
import time
import zipfile
from datetime import date

import pikepdf
import pytest
from hypothesis import given
from hypothesis import settings as property_settings
from hypothesis import strategies as st

from ar.cash.remittance.advice import Advice, Known
from ar.cash.remittance.edifact import EdifactError, read_remadv
from ar.cash.remittance.message import MessageRefusedError, read_message
from ar.cash.remittance.pdf import PdfError, pdf_text
from ar.cash.remittance.read import AdviceRefusedError, best_of, keys_of, open_file, open_mail, open_upload
from ar.core.errors import DomainError
from tests.cash.remittance.make import REMADV, eml, xlsx

NEAR = date(2026, 3, 15)
KNOWN = {"FR12026000101": Known("FR1-2026-000101", "EUR"), "FR12026000102": Known("FR1-2026-000102", "EUR")}
TABLE = "Invoice;Gross;Discount;Paid\nFR1-2026-000101;1.000,00;20,00;980,00\nFR1-2026-000102;500,00;;500,00\n"
PAID = [("FR1-2026-000101", 98_000), ("FR1-2026-000102", 50_000)]


def advice_of(content: bytes, name: str) -> Advice:
    opened = open_upload(content, name=name)
    advice, _ = best_of(opened.parts, KNOWN, currency="EUR", near=NEAR)
    return advice


def paid(advice: Advice) -> list[tuple[str, int | None]]:
    return [(line.reference, line.paid_minor) for line in advice.lines]


def text_pdf(*lines: str) -> bytes:
    """A PDF of one page with these lines in a fixed-width font."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(595, 842))
    page = pdf.pages[0]
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Courier)
    page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=pdf.make_indirect(font)))
    shown = " ".join(f"({line}) Tj 0 -14 Td" for line in lines)
    page.Contents = pdf.make_stream(f"BT /F1 10 Tf 40 800 Td {shown} ET".encode())
    written = io.BytesIO()
    pdf.save(written)
    return written.getvalue()


def test_a_table_of_separated_values_with_words_before_it() -> None:
    advice = advice_of(
        f"Avis de paiement\nPayer;Nordlicht\nPayment date;12/03/2026\n\n{TABLE}".encode("cp1252"), "a.csv"
    )
    assert (paid(advice), advice.payer, advice.paid_on) == (PAID, "Nordlicht", date(2026, 3, 12))
    assert (advice.amount_minor, advice.lines[0].deduction_minor) == (148_000, 2_000)


def test_a_workbook_with_real_numbers_and_days() -> None:
    content = xlsx(
        ["Document", "Date", "Amount due", "Discount", "Amount paid"],
        ["FR1-2026-000101", date(2026, 1, 5), 1000, 20, 980.0],
        ["FR1-2026-000102", date(2026, 1, 6), 500.5, 0, 500.5],
        ["Total", None, None, None, 1480.5],
    )
    advice = advice_of(content, "advice.xlsx")
    assert paid(advice) == [("FR1-2026-000101", 98_000), ("FR1-2026-000102", 50_050)]
    assert (advice.amount_minor, advice.lines[0].document_on, advice.doubts) == (148_050, date(2026, 1, 5), ())


def test_a_pdf_is_read_by_its_columns() -> None:
    content = text_pdf(
        "Invoice              Gross      Discount      Paid",
        "FR1-2026-000101    1,000.00       20.00     980.00",
        "FR1-2026-000102      500.00        0.00     500.00",
        "Total                                     1,480.00 EUR",
    )
    advice = advice_of(content, "advice.pdf")
    assert (paid(advice), advice.amount_minor, advice.lines[0].deduction_minor) == (PAID, 148_000, 2_000)


def test_edifact_says_it_all() -> None:
    advice = advice_of(REMADV.encode(), "remadv.edi")
    assert paid(advice) == [("FR1-2026-000101", 98_000), ("AV-1", -8_000)]
    assert (advice.amount_minor, advice.currency, advice.paid_on) == (90_000, "EUR", date(2026, 3, 12))
    assert (advice.reference, advice.payer) == ("E2E-4711", "Nordlicht Werkzeuge: Werk")
    assert (advice.lines[0].deduction_minor, advice.lines[0].reason) == (2_000, "two boxes broken")
    assert advice.doubts == ()


@pytest.mark.parametrize("text", ["UNA", "UNB+", "UNH+1+INVOIC:D:96A'", "UNA:+,? 'UNH+1+INVOIC'", "UNH" + "+" * 9999])
def test_other_edifact_is_refused(text: str) -> None:
    with pytest.raises(EdifactError):
        read_remadv(text)


@given(st.text("UNABHDOCMRFT+:'?0123456789.,-E\n", max_size=400))
def test_no_edifact_breaks_the_reader(text: str) -> None:
    for beginning in ("UNA:+,? '", ""):
        told = f"{beginning}UNH+1+REMADV'{text}"
        assert isinstance(read_remadv(told), Advice)


def test_an_email_in_html_with_its_table_without_what_it_quotes() -> None:
    html = (
        "<html><head><style>td{color:red}</style></head><body><p>Payment of 1&nbsp;480,00&nbsp;&euro; on 12/03/2026</p>"
        "<table><tr><th>Facture</th><th>Montant</th></tr><tr><td><p>FR1-2026-000101</p></td><td>980,00</td></tr>"
        "<tr><td>FR1-2026-000102</td><td>500,00</td></tr></table>"
        "<div style='display:none'>FR1-2026-000103 1,00</div>"
        "<blockquote>FR1-2026-000104 99,00</blockquote></body></html>"
    )
    mail = open_mail(read_message(eml("see the other part", html=html)))
    advice, _ = best_of(mail.parts, KNOWN, currency="EUR", near=NEAR)
    assert (paid(advice), advice.amount_minor, advice.paid_on) == (PAID, 148_000, date(2026, 3, 12))
    assert "000104" not in advice.text


def test_the_file_says_the_lines_and_the_words_say_the_rest() -> None:
    raw = eml(
        "Our payment of EUR 1,480.00.\nTransfer ref: E2E-77", files={"lines.csv": TABLE.encode(), "x.bin": b"\0\1"}
    )
    mail = open_mail(read_message(raw))
    advice, part = best_of(mail.parts, KNOWN, currency="EUR", near=NEAR)
    assert part is not None
    assert (part.name, paid(advice), advice.reference) == ("lines.csv", PAID, "E2E-77")
    assert any(doubt.startswith("x.bin: ") for doubt in advice.doubts)
    assert "FR12026000101" in keys_of(mail.parts)


def test_a_message_passed_on_is_read_whole() -> None:
    quoted = "FYI\n\n-----Original Message-----\nFrom: payables\nFR1-2026-000101 EUR 980.00 paid"
    assert paid(advice_of(eml(quoted, subject="Fwd: Payment"), "a.eml")) == PAID[:1]
    assert paid(advice_of(eml(quoted, subject="Re: Payment"), "a.eml")) == []


@pytest.mark.parametrize(
    ("header", "sender"),
    [
        ("From: Payables <PAY@customer.example>", "pay@customer.example"),
        ("From: a@x.example\nFrom: b@x.example", ""),
        ("From: a@x.example, b@x.example", ""),
        ('From: "boss@seller.example" <evil@x.example>', "evil@x.example"),
        ("From: =?utf-8?q?boss=40seller=2Eexample?= <evil@x.example>", "evil@x.example"),
        ("From: nobody", ""),
        ("From: =?x-unknown?b?////?= <a@x.example>", "a@x.example"),
        ("Sender: a@x.example", ""),
        ("From: " + "a@x.example," * 5000, ""),
    ],
)
def test_a_sender_is_one_address_or_none(header: str, sender: str) -> None:
    mail = read_message(f"{header}\nSubject: =?utf-8?q?a=0D=0ABcc=3A_x?=\n\nhello".encode())
    assert mail.sender == sender
    assert mail.subject.isprintable()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        b"A: " + b"x" * 16_000_000,
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: text/plain\n\nx\n" * 300,
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)),
    ],
)
def test_what_is_no_message_or_has_no_end_is_refused(raw: bytes) -> None:
    with pytest.raises(MessageRefusedError):
        read_message(raw)


@property_settings(max_examples=60)
@given(st.binary(max_size=600))
def test_no_message_breaks_the_reader(body: bytes) -> None:
    for head in (
        b"From: a@b.example\nContent-Type: text/html; charset=",
        b"MIME-Version: 1.0\nContent-Type: multipart/x;",
    ):
        try:
            opened = open_mail(read_message(head + body))
        except DomainError:
            continue
        best_of(opened.parts, KNOWN, currency="EUR", near=NEAR)


def bomb() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 450_000_000)
    return written.getvalue()


def written_with(count: int) -> bytes:
    """A small PDF whose page says one letter `count` times over."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Courier)
    pdf.pages[0].Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=font))
    pdf.pages[0].Contents = pdf.make_stream(b"BT /F 9 Tf (x) Tj ET " * count)
    written = io.BytesIO()
    pdf.save(written, compress_streams=True)
    return written.getvalue()


def looping() -> bytes:
    """A PDF that keeps a reader busy for minutes."""
    return written_with(2_000_000)


def swollen() -> bytes:
    """A PDF whose page unpacks to hundreds of megabytes."""
    return written_with(20_000_000)


def circular() -> bytes:
    """A PDF whose pages hold themselves."""
    return (
        b"%PDF-1.7\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n"
        b"2 0 obj <</Type/Pages/Kids[2 0 R 2 0 R]/Count 2000000000>> endobj\ntrailer<</Size 3/Root 1 0 R>>"
    )


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (bomb, "bomb.xlsx"),
        (looping, "looping.pdf"),
        (circular, "circular.pdf"),
        (swollen, "swollen.pdf"),
        (lambda: b"%PDF-1.7 and nothing else", "broken.pdf"),
        (lambda: b"PK\x03\x04broken", "broken.xlsx"),
        (lambda: b"\x00\x01\x02", "a.bin"),
        (lambda: b"  \n ", "empty.txt"),
        (lambda: b"<!DOCTYPE html><script>alert(1)</script>", "a.html"),
        (lambda: b"a;b\n" * 5_000_000, "huge.csv"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_hostile_file_is_refused_in_time(make: object, name: str) -> None:
    content = make()  # type: ignore[operator]
    begun = time.monotonic()
    with pytest.raises(DomainError):
        open_upload(content, name=name)
    assert time.monotonic() - begun < 30  # killed at 5 s; a busy machine starts processes late


def test_a_pdf_without_text_or_with_a_password_says_so() -> None:
    pdf = pikepdf.new()
    pdf.add_blank_page()
    plain, locked = io.BytesIO(), io.BytesIO()
    pdf.save(plain)
    with pytest.raises(PdfError, match="no text"):
        pdf_text(plain.getvalue())
    pdf.save(locked, encryption=pikepdf.Encryption(owner="o", user="u"))
    with pytest.raises(PdfError, match="password"):
        pdf_text(locked.getvalue())


def test_formulas_are_words_and_no_more() -> None:
    advice = advice_of(b"Invoice,Amount\n=HYPERLINK(1),10.00\nFR1-2026-000101,980.00\n", "a.csv")
    assert paid(advice)[-1] == PAID[0]
    assert isinstance(open_file(b"=1+1\n", name="a.txt").source.rows, tuple)


def test_too_large_is_refused() -> None:
    with pytest.raises(AdviceRefusedError):
        open_upload(b"x" * 15_000_001, name="a.txt")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"a1;1,00\n", "long.csv"),
        (b"Invoice no: X1 12/03/2026 1.00 2.00 total paid\n", "long.txt"),
        (b"invoice 1 of 2 3 4 5 ", "one-line.txt"),
        (b"<td>1,0 <blockquote>", "nested.eml"),
    ],
)
def test_a_file_without_end_is_read_to_its_limit_and_no_further(line: bytes, name: str) -> None:
    head = b"From: a@b.example\nContent-Type: text/html\n\n" if name.endswith("eml") else b"Invoice;Amount\n"
    begun = time.monotonic()
    opened = open_upload(head + line * (14_000_000 // len(line)), name=name)
    keys_of(opened.parts)
    best_of(opened.parts, KNOWN, currency="EUR", near=NEAR)
    assert time.monotonic() - begun < 60  # seconds alone; the machine may be busy
