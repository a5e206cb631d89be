"""Files attached to messages: read when the message goes, each to its own recipient, and nothing sent without them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from ar.core.files import StoredFile, safe_name, store
from ar.core.kernel import Kernel
from ar.core.mail import MAX_ATTACHED_BYTES, Attachment, compose
from ar.core.outbox import DraftError, MessageChannel, always_wanted, deliver, queue
from ar.core.smtp import SmtpMailer
from tests.core.outboxes import NOW, draft, messages, states
from tests.core.test_outbox_mail import MAIL
from tests.smtp import Manner, SmtpServer, smtp_server


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with smtp_server() as running:
        yield running


def kept(session: Session, kernel: Kernel, number: int) -> StoredFile:
    return store(
        session,
        kernel.settings.files,
        name=f"Été {number}.txt",
        content=f"for customer {number} alone\n.\n".encode(),
        media_type="text/plain",
        subject_ref=f"test:{number}",
        stored_by="tests",
        max_bytes=1000,
        now=NOW,
    )


def send(kernel: Kernel, server: SmtpServer, *, minutes: int = 0) -> None:
    mailer, now = SmtpMailer.from_url(server.url, timeout=0.2), NOW + timedelta(minutes=minutes)
    deliver(kernel, {MessageChannel.EMAIL: mailer}, {"reminder": always_wanted}, now=now, limit=100, worker="tests")


def attached(message: EmailMessage) -> list[tuple[str | None, bytes]]:
    return [(part.get_filename(), part.get_payload(decode=True)) for part in message.iter_attachments()]  # type: ignore[misc]


@given(
    st.lists(st.tuples(st.text(max_size=60), st.binary(max_size=300)), min_size=1, max_size=3),
    st.booleans(),
)
def test_any_file_under_any_name_survives_the_wire(given_: list[tuple[str, bytes]], with_html: bool) -> None:
    files = [Attachment(safe_name(name), "application/pdf", content) for name, content in given_]
    raw = compose(replace(MAIL, html=MAIL.html if with_html else "", attachments=files))
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    parsed = message_from_bytes(raw, policy=policy.default)
    assert parsed.get_content_type() == "multipart/mixed"
    assert attached(parsed) == [(one.name, one.content) for one in files]
    body = parsed.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n").rstrip("\n") == MAIL.text.rstrip("\n")
    assert (parsed.get_body(("html",)) is not None) == with_html


def test_each_file_reaches_its_own_recipient(kernel: Kernel, server: SmtpServer) -> None:
    with kernel.database.transaction() as session:
        files = [kept(session, kernel, number) for number in range(30)]
        queue(session, [draft(n, attachments=[one.id]) for n, one in enumerate(files)], now=NOW)
        queue(session, [draft(30)], now=NOW)
    send(kernel, server)
    assert len(server.received) == 31
    for number in range(30):
        [message] = server.to(f"c{number}@client.example")
        content = f"for customer {number} alone\n.\n".encode()
        assert attached(message.parsed) == [(f"Été {number}.txt", content)]
        assert message.body().strip() == f"Invoice {number} is due."
    assert attached(server.to("c30@client.example")[0].parsed) == []
    assert server.twins() == []


def test_a_file_that_is_lost_or_altered_stops_its_message_alone(kernel: Kernel, server: SmtpServer) -> None:
    with kernel.database.transaction() as session:
        files = [kept(session, kernel, number) for number in range(3)]
        queue(session, [draft(n, attachments=[one.id]) for n, one in enumerate(files)], now=NOW)
    places = [Path(kernel.settings.files.removeprefix("file://")) / one.sha256[:2] / one.sha256 for one in files]
    places[0].unlink()
    places[1].write_bytes(b"for somebody else")
    send(kernel, server)
    assert [message.recipient for message in server.received] == ["c2@client.example"]
    assert states(kernel.database) == {"failed": 2, "sent": 1}
    found = messages(kernel.database)
    assert "missing from the store" in (found["notice/0"].outcome or "")
    assert "altered in the store" in (found["notice/1"].outcome or "")


def test_a_store_that_cannot_be_reached_is_tried_again(kernel: Kernel, server: SmtpServer) -> None:
    with kernel.database.transaction() as session:
        one = kept(session, kernel, 1)
        queue(session, [draft(1, attachments=[one.id])], now=NOW)
    unknown = kernel.settings.model_copy(update={"files_url": "nowhere://x"})
    send(replace(kernel, settings=unknown), server)
    assert (states(kernel.database), server.received) == ({"queued": 1}, [])
    server.manner = Manner.DROP_AFTER_DOT
    send(kernel, server, minutes=10)
    send(kernel, server, minutes=20)
    assert (states(kernel.database), len(server.received)) == ({"uncertain": 1}, 1)


def test_what_cannot_be_attached_is_refused_with_its_place(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        one = kept(session, kernel, 1)
        with pytest.raises(DraftError) as caught:
            queue(session, [draft(1), draft(2, attachments=[one.id, 999])], now=NOW)
        assert [fault.pointer for fault in caught.value.faults] == ["/1/attachments"]
        large = one.model_copy(update={"id": None, "size": MAX_ATTACHED_BYTES})
        session.add(StoredFile(**large.model_dump(exclude={"id"})))
        session.flush()
        ids = session.exec(select(StoredFile.id).order_by(col(StoredFile.id))).all()
        assert queue(session, [draft(3, attachments=ids[1:])], now=NOW) == 1
        with pytest.raises(DraftError, match="10 MB"):
            queue(session, [draft(4, attachments=ids)], now=NOW)
