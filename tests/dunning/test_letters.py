"""Letters printed in batches: each once, with its guard asked, and sent when a person says that it is posted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader
from sqlmodel import select

from ar.core.access.models import Role
from ar.core.db import Database
from ar.core.jobs import run_due
from ar.core.kernel import Kernel
from ar.core.outbox import Guard, MessageChannel, always_wanted, deliver, queue
from ar.core.outbox.claim import LOST_AFTER
from ar.customers.entities import entities
from ar.customers.models import LegalEntity
from dunning.letters import settle
from dunning.letters.make import HOUR, MOST_LETTERS, make_batch, make_letters, make_letters_now
from dunning.letters.models import BatchState, LetterBatch
from dunning.letters.sheet import LetterFacts, checksum, paragraphs
from tests.core.outboxes import NOW, draft, messages, states
from tests.ledger.make import seller
from tests.web import client

GUARDS: Mapping[str, Guard] = {"reminder": always_wanted}


@pytest.fixture
def selling(kernel: Kernel) -> LegalEntity:
    with kernel.database.transaction() as session:
        seller(session)
    with kernel.database.reading() as session:
        [found] = entities(session)
        session.expunge_all()
    return found


def write(database: Database, code: str, count: int = 3, *, first: int = 0, **other: Any) -> None:
    fields = {
        "channel": MessageChannel.LETTER,
        "sender": code,
        "body_html": "",
        "language": "fr",
    }
    drafts = [
        draft(
            n,
            recipient=f"Client {n}\n{n} rue des Lilas\n75011 Paris",
            body_text=f"Bonjour,\n\nvotre facture {n} <b> #sum $x$.\n\nCordialement",
            **(fields | other),
        )
        for n in range(first, first + count)
    ]
    with database.transaction() as session:
        assert queue(session, drafts, now=NOW) == count


def made(kernel: Kernel, selling: LegalEntity, *, now: datetime = NOW, guards: Mapping[str, Guard] = GUARDS) -> int:
    batch = make_batch(kernel, guards, selling, by="user:1", now=now)
    assert batch is not None
    assert batch.id is not None
    return batch.id


def pages(kernel: Kernel, batch_id: int) -> list[str]:
    with kernel.database.reading() as session:
        stored, content = settle.file_of(session, batch_id, kernel.settings.files)
    assert stored.name.endswith(".pdf")
    return [page.extract_text() for page in PdfReader(BytesIO(content)).pages]


def test_letters_are_printed_together_and_sent_by_being_posted(
    kernel: Kernel, database: Database, selling: LegalEntity
) -> None:
    write(database, selling.code)
    batch_id = made(kernel, selling)
    printed = pages(kernel, batch_id)
    assert len(printed) == 1 + 1 + 3 + 2, "the cover, and every letter on a front side"
    assert "Client 2" in printed[0]
    fronts = printed[2::2]
    assert [re.findall(r"votre facture (\d) <b> #sum \$x\$", text) for text in fronts] == [["0"], ["1"], ["2"]]
    assert all("75011 Paris" in text and "Page 1" in text for text in fronts)
    assert [text.strip() for text in printed[1::2]] == ["", "", ""]
    with database.reading() as session:
        batch = settle.batch_of(session, batch_id)
        assert (batch.letters, batch.pages, batch.state) == (3, 7, BatchState.MADE)
        assert re.sub(r"\s", "", printed[0]).count(batch.checksum[:32]) == 1
    assert states(database) == {"claimed": 3}
    days = NOW + timedelta(days=3)
    deliver(kernel, {}, GUARDS, now=days, limit=10, worker="tests")
    assert states(database) == {"claimed": 3}, "paper in a person's hands is not lost"
    assert make_batch(kernel, GUARDS, selling, by="user:1", now=days) is None
    with database.transaction() as session:
        settle.mark_printed(session, batch_id, by="user:1", now=days)
        settle.mark_posted(session, batch_id, by="user:1", now=days)
    assert states(database) == {"sent": 3}
    assert {message.ended_at for message in messages(database).values()} == {days}
    for act in (settle.mark_printed, settle.mark_posted, settle.discard):
        with pytest.raises(settle.BatchStateError), database.transaction() as session:
            act(session, batch_id, by="user:1", now=days)


def test_guards_are_asked_when_the_batch_is_made(kernel: Kernel, database: Database, selling: LegalEntity) -> None:
    write(database, selling.code)

    def paid(_session: object, asked: Any, _now: object) -> dict[int, str]:
        return {message.id: "paid meanwhile" for message in asked if message.account_id == 1}

    batch_id = made(kernel, selling, guards={"reminder": paid})
    assert states(database) == {"claimed": 2, "cancelled": 1}
    assert not any("facture 1" in text for text in pages(kernel, batch_id))


class Killed(BaseException):
    """A process that ends where it stands."""


@pytest.mark.parametrize("point", ["claim", "before-record"])
def test_a_maker_that_dies_leaves_its_letters_uncertain_and_in_no_batch(
    kernel: Kernel, database: Database, selling: LegalEntity, point: str
) -> None:
    write(database, selling.code)

    def die(here: str) -> None:
        if here == point:
            raise Killed

    with pytest.raises(Killed):
        make_batch(kernel, GUARDS, selling, by="user:1", now=NOW, at=die)
    write(database, selling.code, 1, first=9)
    late = NOW + LOST_AFTER + timedelta(seconds=1)
    made(kernel, selling, now=late)
    deliver(kernel, {}, GUARDS, now=late, limit=10, worker="tests")
    assert states(database) == {"uncertain": 3, "claimed": 1}
    with database.reading() as session:
        assert [batch.letters for batch in session.exec(select(LetterBatch))] == [1]


def test_letters_given_up_meanwhile_are_in_no_batch(kernel: Kernel, database: Database, selling: LegalEntity) -> None:
    write(database, selling.code)

    def slow(here: str) -> None:
        if here == "before-record":
            late = NOW + LOST_AFTER + timedelta(seconds=1)
            deliver(kernel, {}, GUARDS, now=late, limit=10, worker="tests")

    with pytest.raises(Exception, match="it is not kept"):
        make_batch(kernel, GUARDS, selling, by="user:1", now=NOW, at=slow)
    assert states(database) == {"uncertain": 3}
    with database.reading() as session:
        assert session.exec(select(LetterBatch)).all() == []


def test_a_discarded_batch_gives_its_letters_back(kernel: Kernel, database: Database, selling: LegalEntity) -> None:
    write(database, selling.code)
    first = made(kernel, selling)
    with database.transaction() as session:
        settle.discard(session, first, by="user:1", now=NOW)
    assert states(database) == {"queued": 3}
    second = made(kernel, selling)
    with database.transaction() as session:
        settle.mark_posted(session, second, by="user:1", now=NOW)
    assert states(database) == {"sent": 3}


def test_each_seller_has_batches_of_its_own(kernel: Kernel, database: Database, selling: LegalEntity) -> None:
    write(database, selling.code, 1)
    write(database, "another", 1, first=5)
    made(kernel, selling)
    found = messages(database)
    assert (found["notice/0"].state, found["notice/5"].state) == ("claimed", "queued")


def test_the_rota_takes_them_in_the_afternoon_of_a_business_day(
    kernel: Kernel, database: Database, selling: LegalEntity
) -> None:
    write(database, selling.code, 1)
    monday = datetime(2026, 3, 2, tzinfo=UTC)
    make = make_letters(GUARDS)
    said = []
    for hour in range(-24, 30):
        until = monday + timedelta(hours=hour, minutes=7)
        arguments = {"since": (until - timedelta(hours=1)).isoformat(), "scheduled_for": until.isoformat()}
        said.append((hour, make(kernel, arguments, until)))
    # 15:00 in Paris is 14:00 UTC in March; the letters were written at 9:00 UTC
    assert [hour for hour, words in said if words != "no letter to print"] == [14]
    assert HOUR == 15
    with database.reading() as session:
        assert [batch.day for batch in session.exec(select(LetterBatch))] == [date(2026, 3, 2)]


def test_by_api(kernel: Kernel, database: Database, selling: LegalEntity) -> None:
    write(database, selling.code, 2)
    with client(kernel, Role.COLLECTOR) as browser:
        asked = browser.post("/api/v1/letters/batches", json={"entity_id": selling.id})
        assert (asked.status_code, asked.json()) == (202, {"state": "queued"})
        assert browser.post("/api/v1/letters/batches", json={"entity_id": 999}).status_code == 404
        later = datetime.now(UTC) + timedelta(minutes=1)
        run_due(kernel, {"make-letters-now": make_letters_now(GUARDS)}, now=later, limit=10)
        [batch] = browser.get("/api/v1/letters/batches", params={"state": "made"}).json()["items"]
        assert (batch["letters"], batch["made_by"].split(":")[0]) == (2, "user")
        path = f"/api/v1/letters/batches/{batch['id']}"
        pdf = browser.get(f"{path}/letters.pdf")
        assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
        assert browser.post(f"{path}/printed").json()["state"] == "printed"
        assert browser.post(f"{path}/posted").json()["state"] == "posted"
        assert browser.post(f"{path}/discarded").status_code == 409
        assert browser.get("/api/v1/letters/batches/999").status_code == 404
    with client(kernel, Role.AUDITOR) as browser:
        assert browser.get(path).json()["state"] == "posted"
        assert browser.post(f"{path}/posted").status_code == 403


def test_what_no_font_draws_does_not_stop_a_batch(kernel: Kernel, database: Database, selling: LegalEntity) -> None:
    write(database, selling.code, 1, subject="𓀀 Facture 0")
    assert "Facture 0" in pages(kernel, made(kernel, selling))[2]
    assert MOST_LETTERS >= 100


def test_the_checksum_covers_all_that_a_letter_says() -> None:
    one = LetterFacts("d", ["a", "b"], "en", "s", "t")
    others = [
        LetterFacts("e", ["a", "b"], "en", "s", "t"),
        LetterFacts("d", ["ab"], "en", "s", "t"),
        LetterFacts("d", ["a", "b"], "en", "st", ""),
    ]
    assert len({checksum([one]), checksum([one, one]), *(checksum([other]) for other in others)}) == 5
    assert paragraphs("a\r\nb\n \n\nc\n") == ["a\nb", "c"]
