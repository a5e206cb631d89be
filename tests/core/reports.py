"""Reports of mail servers, written by hand after the standards and after the manners of servers that keep to none."""

from __future__ import annotations

from ar.core.mail import digest_of

OURS = f"<{digest_of('notice/1')}@seller.example>"


def status_report(
    action: str = "failed",
    status: str = "5.1.1",
    code: str = "smtp; 550 5.1.1 no such mailbox",
    *,
    message_id: str = OURS,
    recipient: str = "c1@client.example",
    sender: str = "MAILER-DAEMON@mx.client.example (Mail Delivery System)",
    brings: str = "message/rfc822",
) -> bytes:
    """An RFC 3464 report, as Postfix writes it."""
    return f"""\
From: {sender}
To: billing@seller.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="4711/mx.client.example"
Message-ID: <20260302090000.4711@mx.client.example>

--4711/mx.client.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.client.example.

--4711/mx.client.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.client.example
Arrival-Date: Mon,  2 Mar 2026 09:00:00 +0000 (UTC)

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Diagnostic-Code: {code}

--4711/mx.client.example
Content-Type: {brings}

From: billing@seller.example
To: {recipient}
Subject: Invoice 1
Message-ID: {message_id}

--4711/mx.client.example--
""".replace("\n", "\r\n").encode()


QMAIL = f"""\
Return-Path: <>
From: MAILER-DAEMON@old.example
To: billing@seller.example
Subject: failure notice

Hi. This is the qmail-send program at old.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<c1@client.example>:
192.0.2.7 does not like recipient.
Remote host said: 550 5.1.1 <c1@client.example>: user unknown

--- Below this line is a copy of the message.

Return-Path: <billing@seller.example>
Message-ID: {OURS}
Subject: A payment delayed?
""".encode()

EXIM = f"""\
Return-path: <>
X-Failed-Recipients: c1@client.example
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@exim.example>
To: billing@seller.example
Subject: Mail delivery failed: returning message to sender

A message that you sent could not be delivered to one or more of its recipients.
The following address(es) failed:

  c1@client.example
    SMTP error from remote mail server after RCPT TO:<c1@client.example>:
    550 no such user here

------ This is a copy of the message, including all the headers. ------

Message-Id: {OURS}
""".encode()

EXCHANGE_DE = f"""\
From: postmaster@firma.example
To: billing@seller.example
Subject: =?utf-8?q?Unzustellbar=3A_Rechnung_1?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Ihre Nachricht an c1@client.example konnte nicht zugestellt werden.
Die Adresse wurde nicht gefunden.
--b
Content-Type: text/rfc822-headers

Subject: Rechnung 1
Message-ID: {OURS}

--b--
""".encode()

SENDMAIL_LATE = f"""\
Return-Path: <>
From: Mail Delivery Subsystem <MAILER-DAEMON@late.example>
To: billing@seller.example
Subject: Warning: could not send message for past 4 hours

    **********************************************
    **      THIS IS A WARNING MESSAGE ONLY      **
    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **
    **********************************************
c1@client.example... Deferred: Connection timed out
Message could not be delivered for 4 hours; will be retried

Message-ID: {OURS}
""".encode()

RECEIPT = f"""\
From: Zoe <c1@client.example>
Subject: Read: Invoice 1
MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary="r"

--r
Content-Type: text/plain

I have read it.
--r
Content-Type: message/disposition-notification

Reporting-UA: client.example; Mail 1.0
Final-Recipient: rfc822;c1@client.example
Original-Message-ID: {OURS}
Disposition: manual-action/MDN-sent-manually; displayed

--r--
""".encode()

ANSWER = f"""\
From: Zoe <c1@client.example>
Subject: Re: Invoice 1
In-Reply-To: {OURS}

Our mailer-daemon could not be delivered a coffee; the payment is delayed. 5.1.1
""".encode()

OUT_OF_OFFICE = f"""\
Return-Path: <>
Auto-Submitted: auto-replied
From: Zoe <c1@client.example>
Subject: Out of office
In-Reply-To: {OURS}

I am away until Monday and will answer then.
""".encode()
