"""Forty payloads in every field of every reminder in every language: none becomes a header, markup or a template."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest

from ar.core.mail import Mail, compose
from ar.core.render import RenderedMessage
from dunning.message import Seller, mailbox
from dunning.texts.kinds import KINDS
from dunning.texts.samples import LINK, everything
from dunning.texts.shipped import shipped_words
from dunning.texts.speak import make_ready, speak
from tests.dunning.test_messages import SIX
from tests.dunning.world import renderer

BREAKS = ("\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029")
HEADERS = [f"A{mark}Bcc: victim@evil.example" for mark in BREAKS]
HEADERS += [
    "A\r\n\r\n<script>x</script>",
    "A\r\nContent-Type: text/html",
    "A\r\n.\r\nMAIL FROM:<x>",
    "=?utf-8?q?A=0ABcc:x?=",
]
MARKUP = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</td></tr></table><h1>x</h1>",
    "<a href='https://evil.example'>pay here</a>",
    "<!--",
    "-->",
    "<![CDATA[x]]>",
    "<style>*{display:none}</style>",
    "<iframe src=//evil.example>",
    '" onmouseover="alert(1)',
    "&lt;b&gt;x&lt;/b&gt;",
    "&#60;script&#62;",
    "</title><base href=//evil.example>",
    "<form action=//evil.example>",
]
TEMPLATES = [
    "{{ 7*7 }}",
    "{{ ''.__class__ }}",
    "{% for x in range(999999) %}x{% endfor %}",
    "{% include 'messages/layout.html' %}",
    "{% import 'messages/parts/en.txt' as x %}",
    "{# x #}",
    "{% raw %}",
    "{{ config.items() }}",
    "%(name)s",
    "${7*7}",
    "#{7*7}",
    "{{ link }}",
    "{0.__class__}",
]
PAYLOADS = HEADERS + MARKUP + TEMPLATES


class Skeleton(HTMLParser):
    """The elements of a page with their attributes, but for the words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[Any] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(tag)

    def handle_comment(self, data: str) -> None:
        self.seen.append("a comment")


def given(payload: str) -> dict[str, Any]:
    """What a reminder is given, the payload wherever somebody else chose the words."""
    told = everything()
    seller: Seller = told["seller"]
    return told | {
        "customer": SimpleNamespace(name=payload),
        "contact": SimpleNamespace(name=payload),
        "seller": replace(seller, name=payload, phone=payload),
        "signer": SimpleNamespace(name=payload, phone=payload, email=None),
        "rows": [row._replace(reference=payload) for row in told["rows"]],
        "upcoming": [row._replace(reference=payload) for row in told["upcoming"]],
        "charges": [row._replace(reference=payload) for row in told["charges"]],
        "terms": told["terms"]._replace(source=payload),
        "copy_links": {},
    }


def harmless(message: RenderedMessage, calm: list[Any], payload: str) -> None:
    assert len(message.subject.splitlines()) == 1
    assert Skeleton(message.html).seen == calm
    assert message.text.count(LINK) == message.html.count(LINK) == 1
    if payload in TEMPLATES:
        assert payload in message.text, "said as it is"
        assert "49" not in message.text.replace("49,50", "").replace("49.50", "")


@pytest.mark.parametrize("language", SIX)
@pytest.mark.parametrize("kind", KINDS)
def test_no_payload_does_anything_in_any_field(kind: str, language: str) -> None:
    assert len(PAYLOADS) == 40
    own = make_ready(renderer(), shipped_words(renderer(), kind, language), language)
    calm = Skeleton(renderer().message(kind, language=language, **given("calm")).html).seen
    for payload in PAYLOADS:
        told = given(payload)
        shipped = renderer().message(kind, language=language, **told)
        harmless(shipped, calm, payload)
        if kind in ("reminder_received", "reminder_formal"):
            harmless(speak(renderer(), own, told), calm, payload)
        assert len(renderer().sms(kind, language=language, **told).splitlines()) == 1


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_becomes_a_header(payload: str) -> None:
    told = given(payload)
    message = renderer().message("reminder_friendly", language="en", **told)
    sender = mailbox(payload, "accounts@seller.example")
    mail = Mail("k", sender, "jo@customer.example", message.subject, message.text, message.html, {}, datetime.now(UTC))
    read = message_from_bytes(compose(mail), policy=default)
    assert sorted(name.lower() for name in read.keys()) == sorted(  # noqa: SIM118
        ("from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type")
    )
    assert [address.addr_spec for address in read["from"].addresses] == ["accounts@seller.example"]
    assert [address.addr_spec for address in read["to"].addresses] == ["jo@customer.example"]
    assert [part.get_content_type() for part in read.walk()] == ["multipart/alternative", "text/plain", "text/html"]
