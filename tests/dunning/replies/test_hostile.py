"""Guarantee 16: mail made to break its reader is read, or refused in words; nothing else comes out of it."""

from __future__ import annotations

import base64
import io
import zipfile
from datetime import date

import pytest
from sqlmodel import select

from ar.cash.remittance.message import MAX_BYTES, MessageRefusedError
from dunning.replies.jobs import _take
from dunning.replies.letter import MAX_TEXT, read_letter
from dunning.replies.mailbox import Fetched
from dunning.replies.models import Reply
from dunning.replies.nature import nature_of
from dunning.replies.understand import nobody_says, understand
from tests.dunning.replies.mails import WRITTEN, mail
from tests.dunning.world import World

HEAD = b"From: Jo <jo@bakery.example>\r\nTo: a@b.example\r\nSubject: Re\r\nMessage-ID: <h@x>\r\n"


def body(content: bytes, kind: bytes = b"text/plain; charset=utf-8", more: bytes = b"") -> bytes:
    return HEAD + more + b"Content-Type: " + kind + b"\r\n\r\n" + content


def headed(line: bytes) -> bytes:
    return line + b"\r\nFrom: jo@bakery.example\r\n\r\nWe pay.\r\n"


def nested(depth: int) -> bytes:
    parts = [b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth)]
    return HEAD + b"".join(parts) + b"Content-Type: text/plain\r\n\r\nhi\r\n"


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 20_000_000)
    return packed.getvalue()


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "a NUL alone": b"\x00",
    "no headers": b"just words",
    "headers alone": HEAD,
    "NUL in the words": body(b"We\x00 pay\x00."),
    "NUL in the subject": headed(b"Subject: a\x00b"),
    "controls in the words": body(bytes(range(1, 32)) + b"We pay."),
    "charset of nobody": body(b"\xff\xfe\x80", b"text/plain; charset=x-none"),
    "charset that is no text codec": body(b"abc", b"text/plain; charset=base64"),
    "charset with a NUL": body(b"abc", b'text/plain; charset="utf\x00-8"'),
    "utf-16 with halves": body(b"\xd8\x00" * 500, b"text/plain; charset=utf-16-be"),
    "utf-7": body(b"+2AD/-", b"text/plain; charset=utf-7"),
    "lone surrogates": body(b"\xed\xa0\x80 We pay."),
    "bad quoted-printable": body(b"=ZZ=\r\n=3", more=b"Content-Transfer-Encoding: quoted-printable\r\n"),
    "bad base64": body(b"!!!!====", more=b"Content-Transfer-Encoding: base64\r\n"),
    "encoding of nobody": body(b"abc", more=b"Content-Transfer-Encoding: x-zip\r\n"),
    "uuencode without end": body(b"begin 644 x\r\n#0V%T", more=b"Content-Transfer-Encoding: x-uuencode\r\n"),
    "date of nonsense": headed(b"Date: yesterday at noon"),
    "date far out": headed(b"Date: Mon, 99 Jan 99999999999 99:99:99 +9999"),
    "date with a huge zone": headed(b"Date: Mon, 1 Jan 2026 00:00:00 +99999999999999"),
    "two senders": headed(b"From: a@b.example, c@d.example"),
    "two From lines": headed(b"From: other@x.example"),
    "sender without end": headed(b"From: " + b"<" * 50_000),
    "sender with line breaks": headed(b"From: =?utf-8?b?YQ0KQmNjOiBldmlsQHguZXhhbXBsZQ==?= <a@b.example>"),
    "subject that injects": headed(b"Subject: =?utf-8?q?hi=0D=0ABcc:_evil=40x.example?="),
    "subject of encoded words": headed(b"Subject: " + b"=?utf-8?b?YQ==?= " * 20_000),
    "subject in a charset of nobody": headed(b"Subject: =?x-none?b?YQ==?="),
    "subject in broken base64": headed(b"Subject: =?utf-8?b?Y?="),
    "references without end": headed(b"References: " + b"<a@b> " * 50_000),
    "message-id of brackets": headed(b"Message-ID: " + b"<" * 10_000),
    "message-id with a NUL": headed(b"Message-ID: <a\x00b@c.example>"),
    "a header without end": b"X-Long: " + b"a" * 2_000_000,
    "headers without end": b"".join(b"X-%d: y\r\n" % n for n in range(100_000)) + b"\r\nhi",
    "folded without end": b"Subject: a\r\n" + b" b\r\n" * 150_000 + b"\r\nhi",
    "deep nesting": nested(3_000),
    "nesting below the limit": nested(90) + b"--b0\r\n" * 2_000,
    "a thousand parts": HEAD
    + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n" * 1_000,
    "boundary missing": body(b"--b\r\n\r\nhi", b"multipart/mixed"),
    "boundary empty": body(b"--\r\n\r\nhi", b'multipart/mixed; boundary=""'),
    "boundary never closed": body(b"--b\r\nContent-Type: text/plain\r\n\r\nhi", b"multipart/mixed; boundary=b"),
    "message within message": HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 500,
    "HTML of nests": body(b"<div>" * 150_000 + b"We pay.", b"text/html"),
    "HTML of open comments": body(b"<!--" * 200_000, b"text/html"),
    "HTML of open tags": body(b"<a " * 250_000, b"text/html"),
    "HTML with script": body(b"<script>alert(1)</script><p onclick=x>We pay.</p><style>p{}</style>", b"text/html"),
    "HTML entities": body(b"&#" + b"9" * 5_000 + b";&amp" * 50_000, b"text/html"),
    "one line of megabytes": body(b"a " * 1_500_000),
    "lines without end": body(b"on 1\n" * 400_000),
    "quotes without end": body(b"> " * 20_000 + b"\n"),
    "words of a template": body(b"{{ 7*7 }} {% raw %} ${7*7} <%= 7 %>"),
    "file name of hell": body(
        b"a", more=b'Content-Disposition: attachment; filename="../../etc/pass\x00wd' + b"x" * 900 + b'"\r\n'
    ),
    "file name by RFC 2231": body(b"hi", b"text/plain", b"Content-Disposition: attachment; filename*0*=x''%00%FF\r\n"),
    "zip bomb": mail("Please find attached our remittance advice.", files=(("a.xlsx", "application/zip", bomb()),)),
    "zip bomb as text": body(base64.b64encode(bomb()), more=b"Content-Transfer-Encoding: base64\r\n"),
    "PDF of nonsense": mail(
        "Remittance advice attached.", files=(("a.pdf", "application/pdf", b"%PDF-1.7\n" + b"<<" * 9_000),)
    ),
    "too large": b"From: a@b.example\r\n\r\n" + b"a" * MAX_BYTES,
    "right to left": body("We \u202epay\u202c \u2066x\u2069.".encode()),
    "regular expressions' worst": body(b"we will " * 20_000),
    "days without end": body(b"by the end of next the 1st of in two " * 3_000),
    "amounts without end": body(b"1.234.567.890.123,1.1,1.1,1 EUR " * 5_000),
    "report of nothing": body(b"x", b"multipart/report; report-type=delivery-status; boundary=b"),
    "report type by halves": body(b"x", b"multipart/report; report-type*=utf-8''%FF; boundary=b"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_is_read_or_refused(name: str) -> None:
    try:
        letter = read_letter(HOSTILE[name])
    except MessageRefusedError:
        return
    for text in (letter.text, letter.subject, letter.sender, letter.sender_name, letter.message_id, *letter.parents):
        text.encode()  # no half of a surrogate pair
        assert "\x00" not in text
    for line in (letter.subject, letter.sender, letter.sender_name, letter.message_id, *letter.recipients):
        assert "\n" not in line
        assert "\r" not in line
    assert len(letter.text) <= MAX_TEXT
    assert "alert(1)" not in letter.text
    nature_of(letter, on=date(2026, 3, 11), ours=False)
    understand(letter.text, on=date(2026, 3, 11), likely=nobody_says)


def test_hostile_mail_is_kept_each_once(world: World) -> None:
    """All of them through to the database: none stops those after it."""
    with world.database.transaction() as session:
        world.customer(session, "BAKERY", email="jo@bakery.example")
    names = [name for name in HOSTILE if name != "too large"]
    ids = {
        name: _take(world.kernel, Fetched(n, len(HOSTILE[name]), HOSTILE[name]), nobody_says, now=WRITTEN).id
        for n, name in enumerate(names)
    }
    with world.database.reading() as session:
        kept = session.exec(select(Reply.id)).all()
    assert set(ids.values()) == set(kept)
    again = _take(world.kernel, Fetched(1, 1, HOSTILE["zip bomb"]), nobody_says, now=WRITTEN)
    assert again.id == ids["zip bomb"]
