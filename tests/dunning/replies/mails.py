"""Messages as customers' mail programs write them."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
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


def bounce_of(message_id: str, recipient: str) -> bytes:
    """A report (RFC 3464) that our message did not arrive for good."""
    return f"""From: MAILER-DAEMON@mx.example
To: accounts@seller.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce@mx.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The mail system could not deliver your message.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such mailbox

--b
Content-Type: message/rfc822-headers

From: accounts@seller.example
Message-ID: {message_id}
Subject: Invoice

--b--
""".replace("\n", "\r\n").encode()
