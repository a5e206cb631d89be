"""Messages as customers' mail programs write them."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import format_datetime
from datetime import UTC, datetime
from typing import Any

WRITTEN = datetime(2026, 3, 11, 9, 30, tzinfo=UTC)  # a Wednesday


def mail(
    text: str = "",
    *,
    sender: str = "Jo Baker <jo@bakery.example>",
    to: str = "accounts@seller.example",
    subject: str = "Re: Invoice INV-1",
    message_id: str = "<m1@bakery.example>",
    answers: str = "",
    at: datetime | None = WRITTEN,
    html: str = "",
    files: tuple[tuple[str, str, bytes], ...] = (),
    **headers: Any,
) -> bytes:
    """A message; a keyword such as Auto_Submitted is the header Auto-Submitted."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, to, subject
    if message_id:
        made["Message-ID"] = message_id
    if answers:
        made["In-Reply-To"] = made["References"] = answers
    if at is not None:
        made["Date"] = format_datetime(at)
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    if text or not html:
        made.set_content(text)
    if html and text:
        made.add_alternative(html, subtype="html")
    elif html:
        made.set_content(html, subtype="html")
    for name, kind, content in files:
        main, sub = kind.split("/")
        made.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return made.as_bytes()
