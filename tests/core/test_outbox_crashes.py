"""Guarantees 11 and 12, quick form: senders killed at every named point, beside one that lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from ar.core.db import Database
from ar.core.kernel import Kernel
from ar.core.outbox import MessageChannel, always_wanted, deliver
from ar.core.outbox.claim import LOST_AFTER
from ar.core.smtp import SmtpMailer
from tests.core.outboxes import NOW, fill, messages, states
from tests.smtp import SmtpServer, smtp_server

MESSAGES = 500
POINTS = ("guard:1", "claim:1", "before-data:2", "after-data:3", "before-record:1")
ROUNDS = 12
KILLS = POINTS * ROUNDS


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with smtp_server() as running:
        yield running


def kill_senders(kernel: Kernel, server: SmtpServer) -> list[int]:
    """How the senders ended, each of which was to die at one of KILLS."""
    url = kernel.database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.core.outbox_sender", url, server.url, str(kernel.settings.var_dir), *KILLS]
    process = subprocess.Popen(
        command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=120)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return [int(code) for code in output.split()]


def test_killed_senders_send_nothing_twice_and_leave_nothing_unclassified(
    kernel: Kernel, database: Database, server: SmtpServer
) -> None:
    fill(database, MESSAGES)
    assert kill_senders(kernel, server) == [-signal.SIGKILL] * len(KILLS)
    mail = {MessageChannel.EMAIL: SmtpMailer.from_url(server.url)}
    for now in (NOW, NOW + LOST_AFTER + timedelta(minutes=1), NOW + timedelta(days=3)):
        while deliver(kernel, mail, {"reminder": always_wanted}, now=now, limit=20, worker="survivor").handled:
            pass

    assert server.twins() == []
    assert set(states(database)) <= {"sent", "uncertain"}
    arrived = {f"notice/{message.recipient.split('@')[0][1:]}" for message in server.received}
    by_state = messages(database)
    sent = {key for key, message in by_state.items() if message.state == "sent"}
    uncertain = {key for key, message in by_state.items() if message.state == "uncertain"}
    assert sent <= arrived
    assert arrived - sent <= uncertain
    assert len(arrived - sent) >= 2 * ROUNDS  # the victims after DATA and before the record did send
    assert len(uncertain - arrived) >= ROUNDS  # and the one at the claim did not: no one can tell them apart
    assert len(uncertain) <= 4 * len(KILLS)
