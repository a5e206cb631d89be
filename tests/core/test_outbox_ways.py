"""A mail server that fails in every way there is: nothing goes twice, and what it may have taken is shown as uncertain.

Guarantee 12: for each way the states after it, what the server took, and that a server that is well again gets exactly
what it had surely not taken.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import pytest

from ar.core.access.models import Role
from ar.core.db import Database
from ar.core.kernel import Kernel
from ar.core.outbox import DeliveryReport, MessageChannel, always_wanted, deliver
from ar.core.smtp import SmtpMailer
from tests.core.outboxes import NOW, fill, messages, states
from tests.smtp import Manner, SmtpServer, closed_port, smtp_server
from tests.web import client

COUNT = 3


@dataclass(frozen=True)
class Way:
    """What a server's manner does to each of COUNT messages: the state it leaves them in, and how many it took."""

    manner: Manner
    state: str
    taken: int = 0
    attempts: int = 1


WAYS = (
    Way(Manner.RCPT_NEVER, "failed"),
    Way(Manner.SENDER_NEVER, "failed"),
    Way(Manner.DOT_NEVER, "failed"),
    Way(Manner.RCPT_LATER, "queued"),
    Way(Manner.DATA_LATER, "queued"),
    Way(Manner.DOT_LATER, "queued"),
    Way(Manner.SLOW_AT_RCPT, "queued"),
    Way(Manner.DROP_AT_RCPT, "queued"),
    Way(Manner.BUSY_GREETING, "queued", attempts=0),
    Way(Manner.SIGN_IN_FIRST, "queued", attempts=0),
    Way(Manner.CLOSING, "sent", taken=COUNT),
    Way(Manner.NONSENSE_AFTER_DOT, "uncertain", taken=COUNT),
    Way(Manner.DROP_AFTER_DOT, "uncertain", taken=COUNT),
    Way(Manner.SLOW_AFTER_DOT, "uncertain", taken=COUNT),
)


def send(kernel: Kernel, server: SmtpServer, *, days: int = 0) -> DeliveryReport:
    patience = 0.4 if server.manner in (Manner.SLOW_AT_RCPT, Manner.SLOW_AFTER_DOT) else 10
    mail = {MessageChannel.EMAIL: SmtpMailer.from_url(server.url, timeout=patience)}
    now = NOW + timedelta(days=days)
    return deliver(kernel, mail, {"reminder": always_wanted}, now=now, limit=100, worker="tests")


@pytest.mark.parametrize("pipelining", [False, True], ids=["one by one", "together"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.manner.name)
def test_each_way_of_failing(kernel: Kernel, database: Database, way: Way, pipelining: bool) -> None:
    fill(database, COUNT)
    with smtp_server() as server:
        server.manner, server.pipelining = way.manner, pipelining
        send(kernel, server)
        assert states(database) == {way.state: COUNT}
        assert len(server.received) == way.taken
        assert {message.attempts for message in messages(database).values()} == {way.attempts}
        server.manner = Manner.OK
        for days in (1, 2):
            send(kernel, server, days=days)
        after = "sent" if way.state == "queued" else way.state
        assert states(database) == {after: COUNT}
        assert server.twins() == []
        expected = Counter(f"c{n}@client.example" for n in range(COUNT)) if after != "failed" else Counter()
        assert Counter(message.recipient for message in server.received) == expected
    if after == "uncertain":
        with client(kernel, Role.COLLECTOR, html=True) as browser:
            shown = browser.get("/messages").text
        assert "A person must decide" in shown
        assert all(f"c{n}@client.example" in shown for n in range(COUNT))


def test_a_server_that_drops_in_the_middle_of_the_content_has_not_taken_it(kernel: Kernel, database: Database) -> None:
    """The socket may or may not have swallowed all of it: either way nothing goes twice, and none is called sent."""
    fill(database, COUNT)
    with smtp_server() as server:
        server.manner = Manner.DROP_AFTER_DATA
        send(kernel, server)
        assert set(states(database)) <= {"queued", "uncertain"}
        server.manner = Manner.OK
        send(kernel, server, days=1)
        assert server.twins() == []
        found = messages(database)
        assert {f"notice/{message.recipient[1]}" for message in server.received} == {
            key for key, message in found.items() if message.state == "sent"
        }


def test_a_sign_in_that_is_refused_sends_nothing(kernel: Kernel, database: Database) -> None:
    fill(database, COUNT)
    with smtp_server() as server:
        mail = {MessageChannel.EMAIL: SmtpMailer("127.0.0.1", server.port, user="u", password="p")}
        report = deliver(kernel, mail, {"reminder": always_wanted}, now=NOW, limit=9, worker="tests")
        assert (report.given_back, report.sent, server.received) == (COUNT, 0, [])


def test_nobody_listening(kernel: Kernel, database: Database) -> None:
    fill(database, COUNT)
    mail = {MessageChannel.EMAIL: SmtpMailer("127.0.0.1", closed_port())}
    report = deliver(kernel, mail, {"reminder": always_wanted}, now=NOW, limit=9, worker="tests")
    assert (report.given_back, states(database)) == (COUNT, {"queued": COUNT})
