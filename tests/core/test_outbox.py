"""The outbox: what gets in, what goes out, and what becomes of each message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from sqlmodel import Session, select

from ar.core.audit import AuditEntry
from ar.core.clock import stopwatch
from ar.core.db import Database
from ar.core.errors import NotFoundError
from ar.core.kernel import Kernel
from ar.core.mail import Carrier, FolderMailer
from ar.core.outbox import (
    DeliveryReport,
    DraftError,
    Guard,
    MessageChannel,
    MessageStateError,
    OutboxMessage,
    always_wanted,
    cancel,
    deliver,
    mark_arrived,
    queue,
    send_again,
)
from ar.core.outbox.claim import BACKOFF, LOST_AFTER
from ar.core.smtp import SmtpMailer
from tests.core.outboxes import NOW, draft, fill, messages, states
from tests.smtp import Manner, SmtpServer, closed_port, smtp_server

WANTED: Mapping[str, Guard] = {"reminder": always_wanted}


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with smtp_server() as running:
        yield running


def send(
    kernel: Kernel,
    server: SmtpServer,
    *,
    now: datetime = NOW,
    guards: Mapping[str, Guard] = WANTED,
    limit: int = 100,
) -> DeliveryReport:
    mailer = SmtpMailer.from_url(server.url, timeout=0.2)
    return deliver(kernel, {MessageChannel.EMAIL: mailer}, guards, now=now, limit=limit, worker="tests")


def test_known_keys_are_left_out(database: Database) -> None:
    fill(database, 3)
    with database.transaction() as session:
        assert queue(session, [draft(number) for number in range(5)] + [draft(4)], now=NOW) == 2
        assert queue(session, [], now=NOW) == 0
    assert len(messages(database)) == 5


def test_rollback_leaves_nothing_queued(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as session:
        queue(session, [draft(1)], now=NOW)
        raise RuntimeError
    assert messages(database) == {}


def test_five_thousand_at_once(database: Database) -> None:
    watch = stopwatch()
    fill(database, 5000)
    assert watch() < 5  # about 0.25 s on a quiet machine
    assert states(database) == {"queued": 5000}


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"subject": "Hello\r\nBcc: all@firm.example"}, "/1/subject"),
        ({"subject": "x" * 401}, "/1/subject"),
        ({"subject": "\ud800"}, "/1/subject"),
        ({"recipient": "a@b.example\nBcc: all@firm.example"}, "/1/recipient"),
        ({"recipient": "a@b.example,c@d.example"}, "/1/recipient"),
        ({"sender": "nobody"}, "/1/sender"),
        ({"headers": {"Reply-To": "a@b.example\r\nBcc: all@firm.example"}}, "/1/headers"),
        ({"headers": {"Bcc": "all@firm.example"}}, "/1/headers"),
        ({"headers": {"X-A: b\r\nBcc": "all@firm.example"}}, "/1/headers"),
        ({"headers": {"Content-Type": "text/html"}}, "/1/headers"),
        ({"body_text": "NUL \x00"}, "/1/body_text"),
        ({"body_html": "\udfff"}, "/1/body_html"),
        ({"body_html": "x" * 500_001}, "/1/body_html"),
        ({"dedup_key": "k" * 161}, "/1/dedup_key"),
    ],
)
def test_draft_that_cannot_be_sent_is_refused_with_its_place(
    database: Database, fields: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(DraftError) as error, database.transaction() as session:
        queue(session, [draft(1), draft(2, **fields)], now=NOW)
    assert {fault.pointer for fault in error.value.faults} == {pointer}
    assert messages(database) == {}


def test_due_messages_go_out_oldest_first_and_once(kernel: Kernel, database: Database, server: SmtpServer) -> None:
    with database.transaction() as session:
        later = NOW + timedelta(hours=1)
        queue(session, [draft(1, send_after=later), draft(2), draft(3, send_after=NOW - timedelta(hours=1))], now=NOW)
    assert str(send(kernel, server)) == "2 sent"
    assert [message.recipient for message in server.received] == ["c3@client.example", "c2@client.example"]
    assert str(send(kernel, server)) == "nothing to send"
    assert send(kernel, server, now=later).sent == 1
    sent = messages(database)["notice/1"]
    assert (sent.state, sent.attempts, sent.claimed_by, sent.ended_at) == ("sent", 1, "tests", later)
    assert sent.outcome is not None
    assert sent.outcome.startswith("250")
    assert server.connections == 2


def test_message_arrives_as_it_was_written(kernel: Kernel, database: Database, server: SmtpServer) -> None:
    headers = {"List-Unsubscribe": "<https://pay.example/stop>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    with database.transaction() as session:
        queue(session, [draft(1, subject="Échéance le 3 août", body_text="Déjà\npayé ?\n", headers=headers)], now=NOW)
    send(kernel, server)
    (received,) = server.received
    assert received.parsed["Subject"] == "Échéance le 3 août"
    assert received.body().replace("\r\n", "\n").strip() == "Déjà\npayé ?"
    assert received.body("html").strip() == "<p>Invoice 1 is due.</p>"
    assert received.parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    ("manner", "state", "taken"),
    [
        (Manner.RCPT_LATER, "queued", 0),
        (Manner.DATA_LATER, "queued", 0),
        (Manner.DOT_LATER, "queued", 0),
        (Manner.DROP_AT_RCPT, "queued", 0),
        (Manner.RCPT_NEVER, "failed", 0),
        (Manner.DOT_NEVER, "failed", 0),
        (Manner.DROP_AFTER_DOT, "uncertain", 1),
        (Manner.SLOW_AFTER_DOT, "uncertain", 1),
    ],
)
def test_one_bad_message_among_good_ones(
    kernel: Kernel, database: Database, server: SmtpServer, manner: Manner, state: str, taken: int
) -> None:
    fill(database, 4)
    server.manners["c1@client.example"] = manner
    send(kernel, server)
    found = {key: message.state for key, message in messages(database).items()}
    assert found == {"notice/0": "sent", "notice/1": state, "notice/2": "sent", "notice/3": "sent"}
    assert len(server.to("c1@client.example")) == taken
    for hours in range(1, 4):  # an uncertain or failed one stays where it is, whatever the server does next
        server.manners.clear()
        send(kernel, server, now=NOW + timedelta(hours=hours))
    assert server.twins() == []
    expected = "sent" if state == "queued" else state
    assert messages(database)["notice/1"].state == expected


def test_dropped_after_data_is_never_sent_again(kernel: Kernel, database: Database, server: SmtpServer) -> None:
    """Guarantee 12, quick form: the client cannot know what a server did that took DATA and vanished."""
    fill(database, 20)
    server.manner = Manner.DROP_AFTER_DOT
    assert send(kernel, server).uncertain == 20
    server.manner = Manner.OK
    for days in range(1, 5):
        assert send(kernel, server, now=NOW + timedelta(days=days)).handled == 0
    assert len(server.received) == 20
    assert server.twins() == []
    assert states(database) == {"uncertain": 20}


def test_refused_for_now_waits_longer_each_time_and_fails_at_last(
    kernel: Kernel, database: Database, server: SmtpServer
) -> None:
    fill(database, 1)
    server.manner = Manner.RCPT_LATER
    now = NOW
    for wait in BACKOFF:
        assert send(kernel, server, now=now).later == 1
        assert send(kernel, server, now=now + wait - timedelta(seconds=1)).handled == 0
        now += wait
    assert send(kernel, server, now=now).failed == 1
    message = messages(database)["notice/0"]
    assert message.outcome == f"given up after {len(BACKOFF) + 1} attempts: 450 4.2.1 mailbox busy"


def test_unreachable_server_costs_no_message_an_attempt(kernel: Kernel, database: Database, server: SmtpServer) -> None:
    fill(database, 5)
    gone = SmtpMailer("127.0.0.1", closed_port(), timeout=0.5)
    for minute in range(0, 100, 2):
        now = NOW + timedelta(minutes=minute)
        report = deliver(kernel, {MessageChannel.EMAIL: gone}, WANTED, now=now, limit=10, worker="tests")
        assert report.given_back == 5
        assert "refused" in report.unreachable
    assert {message.attempts for message in messages(database).values()} == {0}
    assert send(kernel, server, now=NOW + timedelta(hours=2)).sent == 5


def test_guard_is_asked_at_the_claim(kernel: Kernel, database: Database, server: SmtpServer) -> None:
    """Guarantee 13, quick form: paid between the decision and the sending means not sent."""
    fill(database, 6)
    paid: set[int] = set()

    def still_open(_session: Session, asked: Sequence[OutboxMessage], now: datetime) -> dict[int, str]:
        return {m.id: "paid meanwhile" for m in asked if m.id is not None and m.account_id in paid}

    server.manner = Manner.RCPT_LATER
    assert send(kernel, server, guards={"reminder": still_open}).later == 6
    paid |= {1, 4}
    server.manner = Manner.OK
    report = send(kernel, server, guards={"reminder": still_open}, now=NOW + timedelta(hours=1))
    assert str(report) == "4 sent, 2 cancelled"
    assert server.to("c1@client.example") == server.to("c4@client.example") == []
    assert messages(database)["notice/4"].outcome == "paid meanwhile"


def test_guard_that_fails_for_one_holds_up_no_other(kernel: Kernel, database: Database, server: SmtpServer) -> None:
    fill(database, 9)
    with database.transaction() as session:
        queue(session, [draft(100, purpose="unheard-of")], now=NOW)

    def fragile(session: Session, asked: Sequence[OutboxMessage], now: datetime) -> dict[int, str]:
        if any(message.account_id == 5 for message in asked):
            session.connection().exec_driver_sql("SELECT nothing FROM nowhere")
        return {}

    report = send(kernel, server, guards={"reminder": fragile})
    assert (report.sent, report.later) == (8, 2)
    held = messages(database)
    assert held["notice/5"].outcome == "its guard failed: " + type_of_missing_table(database)
    assert held["notice/100"].outcome == "no guard is known for the purpose unheard-of"
    assert held["notice/5"].state == held["notice/100"].state == "queued"


def type_of_missing_table(database: Database) -> str:
    return "ProgrammingError" if database.is_postgres else "OperationalError"


def test_two_senders_share_the_work(kernel: Kernel, database: Database, server: SmtpServer) -> None:
    fill(database, 120)
    reports: list[DeliveryReport] = []

    def sender(name: str) -> None:
        mail = {MessageChannel.EMAIL: SmtpMailer.from_url(server.url)}
        reports.extend(deliver(kernel, mail, WANTED, now=NOW, limit=10, worker=name) for _ in range(12))

    threads = [Thread(target=sender, args=(f"sender-{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(report.sent for report in reports) == 120
    assert len(server.received) == 120
    assert server.twins() == []
    assert {message.claimed_by for message in messages(database).values()} == {"sender-0", "sender-1"}


def test_claim_of_a_dead_sender_becomes_uncertain(kernel: Kernel, database: Database, server: SmtpServer) -> None:
    fill(database, 3)

    class Killed(BaseException):
        pass

    def die(point: str) -> None:
        if point == "claim":
            raise Killed

    mail = {MessageChannel.EMAIL: SmtpMailer.from_url(server.url)}
    with pytest.raises(Killed):
        deliver(kernel, mail, WANTED, now=NOW, limit=2, worker="dead", at=die)
    assert states(database) == {"claimed": 2, "queued": 1}
    assert send(kernel, server, now=NOW + LOST_AFTER).sent == 1
    report = send(kernel, server, now=NOW + LOST_AFTER + timedelta(seconds=1))
    assert (report.lost, report.sent) == (2, 0)
    assert states(database) == {"uncertain": 2, "sent": 1}


def test_interrupted_sender_classifies_what_it_held(kernel: Kernel, database: Database, server: SmtpServer) -> None:
    fill(database, 5)
    seen: list[str] = []

    def interrupt(point: str) -> None:
        seen.append(point)
        if seen.count("after-data") == 3:
            raise KeyboardInterrupt

    mailer = SmtpMailer.from_url(server.url, at=interrupt)
    with pytest.raises(KeyboardInterrupt):
        deliver(kernel, {MessageChannel.EMAIL: mailer}, WANTED, now=NOW, limit=10, worker="tests")
    assert states(database) == {"sent": 2, "uncertain": 1, "queued": 2}


def test_folder_mailer_delivers_too(kernel: Kernel, database: Database) -> None:
    fill(database, 3)
    mailer: Carrier = FolderMailer(kernel.settings.var_dir / "mail")
    assert deliver(kernel, {MessageChannel.EMAIL: mailer}, WANTED, now=NOW, limit=10, worker="tests").sent == 3
    assert len(list((kernel.settings.var_dir / "mail").glob("*.eml"))) == 3


def test_a_person_decides_about_the_uncertain(kernel: Kernel, database: Database, server: SmtpServer) -> None:
    fill(database, 4)
    server.manner = Manner.DROP_AFTER_DOT
    send(kernel, server)
    server.manner = Manner.OK
    ids = [message.id for message in messages(database).values()]
    assert all(ids)
    with database.transaction() as session:
        mark_arrived(session, ids[0] or 0, actor="user:1", now=NOW)
        send_again(session, ids[1] or 0, actor="user:1", now=NOW)
        cancel(session, ids[2] or 0, reason="they called", actor="user:1", now=NOW)
    assert send(kernel, server).sent == 1
    assert states(database) == {"sent": 2, "cancelled": 1, "uncertain": 1}
    with database.reading() as session:
        acts = [(entry.action, entry.subject) for entry in session.exec(select(AuditEntry))]
    assert acts == [
        ("message.arrived", f"message:{ids[0]}"),
        ("message.sent-again", f"message:{ids[1]}"),
        ("message.cancelled", f"message:{ids[2]}"),
    ]
    with pytest.raises(MessageStateError), database.transaction() as session:
        send_again(session, ids[0] or 0, actor="user:1", now=NOW)
    with pytest.raises(NotFoundError), database.transaction() as session:
        cancel(session, 10**9, reason="", actor="user:1", now=NOW)
