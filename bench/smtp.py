"""Sending from the outbox into a local sink, against smtplib alone handing over the same messages.

Both use one connection that is kept, and the same sink in a process of its own. smtplib is given the messages ready
made; the outbox claims them, asks the guard, makes each message and records what became of it.
"""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ar.core.db import Database
from ar.core.kernel import Kernel
from ar.core.mail import Mail, compose
from ar.core.outbox import Draft, MessageChannel, always_wanted, deliver, queue
from ar.core.render import Renderer
from ar.core.settings import Settings
from ar.core.smtp import SmtpMailer
from bench import Result, in_own_process, median, peak_memory_mb, seconds
from bench.databases import fresh_postgres, fresh_sqlite, postgres_server
from bench.sink import sink
from tests.databases import Postgres

NOW = datetime(2026, 6, 30, 10, tzinfo=UTC)
BATCH = 2000
TURNS = 3

TEXT = """Bonjour Zoé,

nous vous rappelons que la facture FR1-2026-{n:06} de 1 234,50 € est arrivée à échéance le 12 juin 2026. Vous pouvez la
consulter, la régler ou nous dire ce qui ne va pas sur votre page :

https://ar.example/pay/{token}

Si vous avez réglé entre-temps, ne tenez pas compte de ce message. Merci, et à bientôt.

L'équipe comptable de l'Atelier
"""


def run(size: int | None, repeat: int) -> Result:
    """The slower of the two databases counts; both are in the line."""
    size = size or 3_000
    with postgres_server() as server:
        measured = {"sqlite": in_own_process(measure, size, None, repeat)}
        if server is not None:
            measured["postgres"] = in_own_process(measure, size, server.url, repeat)
    return Result(
        "smtp",
        min(figures["value"] for figures in measured.values()),
        "messages/s",
        min(figures["ratio"] for figures in measured.values()),
        "smtplib alone handing the same messages, ready made, to the same sink over one kept connection",
        {"size": size, "memory_mb": max(figures["memory_mb"] for figures in measured.values()), **measured},
    )


def measure(size: int, server: str | None, repeat: int) -> dict[str, float]:
    """Messages a second of the outbox and of smtplib, in turns; SQLite without a server."""
    postgres = Postgres(server) if server else None
    drafts = [draft(n) for n in range(size)]
    ready = [composed(one) for one in drafts]
    ours, raws = [], []
    with fresh_postgres(postgres) if postgres else fresh_sqlite() as database, sink() as port:
        kernel = Kernel(Settings(var_dir=Path("/nowhere")), database, Renderer())
        for _ in range(max(repeat, 3) * TURNS):
            again(database, drafts)
            raws.append(size / seconds(partial(by_smtplib, port, ready)))
            ours.append(size / seconds(partial(by_outbox, kernel, port, size)))
    if postgres:
        postgres.close()
    return {
        "value": round(median(ours)),
        "smtplib": round(median(raws)),
        "ratio": round(median([our / raw for our, raw in zip(ours, raws, strict=True)]), 3),
        "memory_mb": peak_memory_mb(),
    }


def draft(number: int) -> Draft:
    text = TEXT.format(n=number, token=f"{number:064x}")
    return Draft(
        dedup_key=f"bench/{number}",
        purpose="bench",
        account_id=number,
        subject_ref=f"notice:{number}",
        recipient=f"Zoé {number} <c{number}@client.example>",
        sender="L'Atelier <comptes@atelier.example>",
        language="fr",
        subject=f"Facture FR1-2026-{number:06} de 1 234,50 € échue",
        body_text=text,
        body_html="".join(f"<p style='margin:0 0 16px'>{part}</p>\n" for part in text.split("\n\n")),
    )


def composed(one: Draft) -> tuple[str, str, bytes]:
    mail = Mail(one.dedup_key, one.sender, one.recipient, one.subject, one.body_text, one.body_html, {}, NOW)
    return "comptes@atelier.example", f"c{one.account_id}@client.example", compose(mail)


def by_smtplib(port: int, messages: Sequence[tuple[str, str, bytes]]) -> None:
    with smtplib.SMTP("127.0.0.1", port, "bench") as server:
        for sender, recipient, content in messages:
            server.sendmail(sender, [recipient], content)


def by_outbox(kernel: Kernel, port: int, size: int) -> None:
    mail = {MessageChannel.EMAIL: SmtpMailer("127.0.0.1", port)}
    sent = 0
    while report := deliver(kernel, mail, {"bench": always_wanted}, now=NOW, limit=BATCH, worker="bench").sent:
        sent += report
    assert sent == size


def again(database: Database, drafts: Sequence[Draft]) -> None:
    """Every message queued anew, in a table that knows its size, as the database's own upkeep leaves it."""
    with database.transaction() as session:
        session.connection().exec_driver_sql("DELETE FROM outbox_message")
        assert queue(session, drafts, now=NOW) == len(drafts)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE outbox_message" if database.is_postgres else "ANALYZE")
