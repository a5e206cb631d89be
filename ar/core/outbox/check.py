"""What makes a message unfit to be sent by its channel. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ar.core.db import table
from ar.core.mail import AddressError, header_fault, parse_address, text_fault
from ar.core.outbox.models import MessageChannel, OutboxMessage

if TYPE_CHECKING:
    from ar.core.outbox.queue import Draft

MAX_BODY = 500_000
"""The longest text or HTML of a message, in characters."""

MAX_SMS = 1600
"""The longest text message that carriers take, in characters: they send it in parts."""

ADDRESS_LINES = range(2, 8)
"""How many lines the window of an envelope shows, and the longest of them in characters."""
ADDRESS_WIDTH = 60

E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_SMS_SENDER = re.compile(r"\+?[0-9]{3,15}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}|MG[0-9a-f]{32}", re.ASCII)
_LONGEST: dict[str, int] = {
    name: longest
    for name in ("dedup_key", "purpose", "subject_ref", "recipient", "sender", "language", "subject")
    if (longest := getattr(table(OutboxMessage).c[name].type, "length", None))
}


def faults_of(draft: Draft) -> Iterator[tuple[str, str]]:
    """Each field of `draft` that is wrong, with what is wrong about it."""
    letter = draft.channel is MessageChannel.LETTER
    for name, longest in _LONGEST.items():
        value = getattr(draft, name)
        wrong = text_fault(value, one_line=not (letter and name == "recipient"))
        if len(value) > longest:
            wrong = f"is longer than {longest} characters"
        if wrong:
            yield name, f"{name} {wrong}"
    for name in ("body_text", "body_html"):
        value = getattr(draft, name)
        wrong = text_fault(value, one_line=False) if len(value) <= MAX_BODY else f"is longer than {MAX_BODY} characters"
        if wrong:
            yield name, f"{name} {wrong}"
    yield from _BY_CHANNEL[draft.channel](draft)


def _email(draft: Draft) -> Iterator[tuple[str, str]]:
    for name in ("recipient", "sender"):
        try:
            parse_address(getattr(draft, name))
        except AddressError as error:
            yield name, error.message
    for name, value in draft.headers.items():
        wrong = header_fault(name, value)
        if wrong:
            yield "headers", wrong


def _sms(draft: Draft) -> Iterator[tuple[str, str]]:
    if not E164.fullmatch(draft.recipient):
        yield "recipient", f"{draft.recipient[:40]!r} is not a phone number with its country, such as +33612345678"
    if draft.sender and not _SMS_SENDER.fullmatch(draft.sender):
        yield "sender", "a text message comes from a number, or from a name of at most 11 letters and digits"
    if not draft.body_text.strip():
        yield "body_text", "a text message needs a text"
    if len(draft.body_text) > MAX_SMS:
        yield "body_text", f"a text message has at most {MAX_SMS} characters"
    yield from _text_only(draft)


def _letter(draft: Draft) -> Iterator[tuple[str, str]]:
    lines = draft.recipient.split("\n")
    if len(lines) not in ADDRESS_LINES or any(not line.strip() or len(line) > ADDRESS_WIDTH for line in lines):
        told = f"{ADDRESS_LINES.start} to {ADDRESS_LINES.stop - 1} lines of at most {ADDRESS_WIDTH} characters"
        yield "recipient", f"a postal address is {told}"
    if not draft.sender:
        yield "sender", "a letter needs the code of the legal entity that signs it"
    if not draft.body_text.strip():
        yield "body_text", "a letter needs a text"
    yield from _text_only(draft)


def _portal(draft: Draft) -> Iterator[tuple[str, str]]:
    if draft.account_id is None:
        yield "account_id", "a notice on the customer's page needs its account"
    yield from _text_only(draft)


def _text_only(draft: Draft) -> Iterator[tuple[str, str]]:
    for name, what in (("body_html", "HTML"), ("headers", "headers"), ("attachments", "files")):
        if getattr(draft, name):
            yield name, f"a message by {draft.channel} carries no {what}"


_BY_CHANNEL = {
    MessageChannel.EMAIL: _email,
    MessageChannel.SMS: _sms,
    MessageChannel.LETTER: _letter,
    MessageChannel.PORTAL: _portal,
}
