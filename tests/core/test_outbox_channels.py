"""Messages by other channels than e-mail: what gets in, who takes them out, and one carrier that is down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ar.core.carriers import Portal
from ar.core.db import Database
from ar.core.kernel import Kernel
from ar.core.mail import Carrier, Fate, FateKind, Mail, Send
from ar.core.outbox import DraftError, MessageChannel, always_wanted, deliver, known_as, queue
from ar.core.smtp import SmtpMailer
from tests.core.outboxes import NOW, draft, messages, states
from tests.smtp import closed_port, smtp_server

Carriers = dict[MessageChannel, Carrier]
BARE = {"body_html": "", "subject": ""}
SMS = BARE | {"channel": MessageChannel.SMS, "recipient": "+33612345678", "sender": ""}
ADDRESS = "Nordlicht GmbH\n1 Hafenstr.\n20095 Hamburg"
LETTER = BARE | {"channel": MessageChannel.LETTER, "recipient": ADDRESS, "sender": "FR1"}
PORTAL = BARE | {"channel": MessageChannel.PORTAL, "recipient": "", "sender": ""}


class Memory:
    """A carrier that keeps what it takes."""

    def __init__(self) -> None:
        self.taken: list[Mail] = []

    @contextmanager
    def connect(self) -> Iterator[Send]:
        yield self._take

    def _take(self, mail: Mail) -> Fate:
        self.taken.append(mail)
        return Fate(FateKind.SENT, "taken", f"ref-{len(self.taken)}")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        (SMS | {"recipient": "0612345678"}, "recipient"),
        (SMS | {"recipient": "+33 6 12 34 56 78"}, "recipient"),
        (SMS | {"recipient": "+٣٣٦١٢٣٤٥٦٧٨"}, "recipient"),
        (SMS | {"sender": "A name far too long"}, "sender"),
        (SMS | {"body_text": "x" * 1601}, "body_text"),
        (SMS | {"body_text": " \n"}, "body_text"),
        (SMS | {"body_html": "<p>x</p>"}, "body_html"),
        (SMS | {"headers": {"X-A": "b"}}, "headers"),
        (LETTER | {"recipient": "Nordlicht GmbH"}, "recipient"),
        (LETTER | {"recipient": "a\n\nb"}, "recipient"),
        (LETTER | {"recipient": "a\x00\nb"}, "recipient"),
        (LETTER | {"recipient": "a\n" + "b" * 61}, "recipient"),
        (LETTER | {"sender": ""}, "sender"),
        (PORTAL | {"account_id": None}, "account_id"),
    ],
)
def test_what_a_channel_cannot_carry_is_refused(database: Database, fields: dict[str, Any], name: str) -> None:
    with pytest.raises(DraftError) as error, database.transaction() as session:
        queue(session, [draft(1, **fields)], now=NOW)
    assert {fault.pointer for fault in error.value.faults} == {f"/0/{name}"}
    assert messages(database) == {}


def filled(database: Database) -> None:
    drafts = [draft(1), draft(2, **SMS), draft(3, **LETTER), draft(4, **PORTAL), draft(5, **SMS, purpose="unwanted")]
    with database.transaction() as session:
        assert queue(session, drafts, now=NOW) == 5


def test_each_channel_has_its_own_carrier_and_the_same_guards(kernel: Kernel, database: Database) -> None:
    filled(database)

    def unwanted(_session: object, asked: Any, _now: object) -> dict[int, str]:
        return {message.id: "paid meanwhile" for message in asked}

    mail, texts = Memory(), Memory()
    carriers: Carriers = {MessageChannel.EMAIL: mail, MessageChannel.SMS: texts, MessageChannel.PORTAL: Portal()}
    guards = {"reminder": always_wanted, "unwanted": unwanted}
    report = deliver(kernel, carriers, guards, now=NOW, limit=10, worker="tests")
    assert (report.sent, report.cancelled, report.more) == (3, 1, False)
    assert [one.key for one in mail.taken] == ["notice/1"]
    assert [(one.key, one.recipient) for one in texts.taken] == [("notice/2", "+33612345678")]
    found = messages(database)
    assert {key: one.state.value for key, one in found.items()} == {
        "notice/1": "sent",
        "notice/2": "sent",
        "notice/3": "queued",  # letters wait for their batch
        "notice/4": "sent",
        "notice/5": "cancelled",
    }
    assert found["notice/2"].carrier_ref == "ref-1"
    assert found["notice/1"].digest == mail.taken[0].digest == mail.taken[0].message_id[1:41]


def test_a_carrier_that_is_down_holds_up_no_other(kernel: Kernel, database: Database) -> None:
    filled(database)
    texts = Memory()
    gone = SmtpMailer("127.0.0.1", closed_port(), timeout=0.5)
    carriers: Carriers = {MessageChannel.EMAIL: gone, MessageChannel.SMS: texts}
    guards = {"reminder": always_wanted, "unwanted": always_wanted}
    report = deliver(kernel, carriers, guards, now=NOW, limit=1, worker="tests")
    assert (report.sent, report.given_back, report.more) == (1, 1, True)
    assert "refused" in report.unreachable
    assert deliver(kernel, carriers, guards, now=NOW, limit=1, worker="tests").sent == 1
    assert len(texts.taken) == 2
    assert states(database) == {"sent": 2, "queued": 3}


def test_mail_keeps_its_message_id_over_the_wire(kernel: Kernel, database: Database) -> None:
    with database.transaction() as session:
        queue(session, [draft(1)], now=NOW)
    with smtp_server() as server:
        carriers = {MessageChannel.EMAIL: SmtpMailer.from_url(server.url)}
        deliver(kernel, carriers, {"reminder": always_wanted}, now=NOW, limit=10, worker="tests")
        name = server.received[0].message_id
    assert name == f"<{messages(database)['notice/1'].digest}@seller.example>"
    with database.reading() as session:
        found = known_as(session, [name, "<other@client.example>", f"<{'0' * 40}@seller.example>", "", "\x00"])
        assert {key: message.dedup_key for key, message in found.items()} == {name: "notice/1"}
