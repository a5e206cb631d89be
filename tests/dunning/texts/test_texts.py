"""Texts of staff: examined, kept, published, in force, previewed; the shipped words as one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from ar.core.access.models import Role
from ar.core.kernel import Kernel
from dunning.steps import Tone
from dunning.texts import edit
from dunning.texts.examine import examine
from dunning.texts.kinds import KINDS
from dunning.texts.live import Texts, texts_in_force
from dunning.texts.models import MessageText, TextState
from dunning.texts.preview import preview
from dunning.texts.samples import sample, samples
from dunning.texts.shipped import shipped_words
from dunning.texts.speak import Words, make_ready, speak
from dunning.tone.check import LEAST_SCORE
from tests.dunning.test_messages import SIX
from tests.dunning.world import MORNING, World, link_for, renderer
from tests.web import client

KIND = "reminder_friendly"


def words(**changed: str) -> Words:
    return replace(shipped_words(renderer(), KIND, "en"), **changed)


def draft(of: Words | None = None, **other: Any) -> edit.TextDraft:
    given: dict[str, Any] = {"kind": KIND, "language": "en", "tone": Tone.FRIENDLY, **other}
    return edit.TextDraft(words=of or words(), **given)


def kept(session: Session, subject: str, **other: Any) -> MessageText:
    """A draft that is told from others by what its subject begins with."""
    made = draft(words(subject=subject + " {{ rows[0].reference }}"), **other)
    return edit.save_draft(session, renderer(), made, by="user:1", now=MORNING)


def published(session: Session, subject: str, **other: Any) -> MessageText:
    row = kept(session, subject, **other)
    assert row.id is not None
    return edit.publish(session, renderer(), row.id, by="user:1", now=MORNING)


@pytest.mark.parametrize("language", SIX)
@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_words_can_be_had_as_a_text_that_says_the_same(kind: str, language: str) -> None:
    flat = shipped_words(renderer(), kind, language)
    spoken = make_ready(renderer(), flat, language)
    for given in samples().values():
        own, shipped = speak(renderer(), spoken, given), renderer().message(kind, language=language, **given)
        for one, other in ((own.subject, shipped.subject), (own.text, shipped.text), (own.html, shipped.html)):
            assert one.split() == other.split()
    found = examine(renderer(), flat, language=language, tone=KINDS[kind], least_score=LEAST_SCORE)
    assert found.passed, (found.faults, found.findings)


@pytest.mark.parametrize(
    ("part", "old", "new", "fault"),
    [
        ("text", "{{ link }}", "", "Put {{ link }} in exactly once"),
        ("text", "{{ link }}", "{{ link }} {{ link }}", "Put {{ link }} in exactly once"),
        ("html", 'href="{{ link }}"', 'href="https://x.example"', "Put {{ link }} in exactly once"),
        ("text", "{{ invoice_lines }}", "{{ rows[0].reference }}", "Name each invoice with its amount"),
        ("html", "{{ invoice_lines }}", "<p>{{ total }}</p>", "Name each invoice with its amount"),
        ("subject", "{{ rows[0].reference }}, {{ total }}", "yours", "Name the invoice or the amount"),
        ("text", "{{ signature }}", "{{ upcoming[0].reference }}", "This cannot be filled in"),
        ("html", "<p>", "<p><script>", "“%(what)s” is not let in"),
        ("text", "{{ signature }}", "{{ terms.source }}", "This cannot be filled in"),
    ],
)
def test_what_a_text_must_say_is_looked_for(part: str, old: str, new: str, fault: str) -> None:
    source = getattr(words(), part)
    assert old in source
    found = examine(
        renderer(), words(**{part: source.replace(old, new)}), language="en", tone=Tone.FRIENDLY, least_score=60
    )
    assert not found.passed
    assert [one.part for one in found.faults if one.message.startswith(fault)] == [part]


def test_a_menace_is_found_in_the_source_and_where_it_only_shows_once_filled_in() -> None:
    plain = words(text=words().text.replace("{{ signature }}", "We will take legal action.\n{{ signature }}"))
    [found] = examine(renderer(), plain, language="en", tone=Tone.FRIENDLY, least_score=60).findings
    assert found.placed
    assert plain.text[found.finding.start : found.finding.end] == found.finding.phrase == "legal action"
    split = plain.text.replace("legal action", "{% if rows %}le{% endif %}gal{{ ' action' }}")
    findings = examine(renderer(), replace(plain, text=split), language="en", tone=Tone.FRIENDLY, least_score=60)
    assert [(one.part, one.placed, one.finding.phrase) for one in findings.findings] == [
        ("text", False, "legal action")
    ]
    assert not findings.passed
    formal = examine(renderer(), plain, language="en", tone=Tone.FORMAL, least_score=60)
    assert formal.passed


def test_a_text_is_kept_published_and_withdrawn(world: World) -> None:
    with world.database.transaction() as session:
        assert texts_in_force(session).found == {}
        first, second = published(session, "First"), kept(session, "Second")
        assert (first.version, second.version) == (1, 2)
        assert [live.version for live in texts_in_force(session).found.values()] == [1]
        assert second.id is not None
        edit.publish(session, renderer(), second.id, by="user:1", now=MORNING)
        session.refresh(first)
        assert (first.state, second.state) == (TextState.RETIRED, TextState.LIVE)
        assert [live.version for live in texts_in_force(session).found.values()] == [2]
        edit.withdraw(session, second.id, by="user:1", now=MORNING)
        assert texts_in_force(session).found == {}
        with pytest.raises(edit.TextNotFoundError):
            edit.publish(session, renderer(), 999, by="user:1", now=MORNING)


def test_the_database_keeps_one_live_text_for_each_place(world: World) -> None:
    for entity_id in (None, world.entity_id):
        with world.database.transaction() as session:
            one, other = published(session, "One", entity_id=entity_id), kept(session, "Other", entity_id=entity_id)
        with pytest.raises(IntegrityError), world.database.transaction() as session:
            session.connection().execute(
                update(MessageText).where(col(MessageText.id) == other.id).values(state=TextState.LIVE)
            )
        assert one.id != other.id


def test_a_text_with_a_menace_is_kept_but_not_published(world: World) -> None:
    menacing = words(text=words().text.replace("{{ signature }}", "This is our final notice.\n{{ signature }}"))
    with world.database.transaction() as session:
        row = edit.save_draft(session, renderer(), draft(menacing), by="user:1", now=MORNING)
        assert row.id is not None
        with pytest.raises(edit.TextError) as refused:
            edit.publish(session, renderer(), row.id, by="user:1", now=MORNING)
        assert row.state is TextState.DRAFT
    assert {fault.pointer for fault in refused.value.faults} == {"/text"}
    assert "final notice" in refused.value.faults[0].message


@pytest.mark.parametrize(
    ("other", "pointer"),
    [
        ({"kind": "payment_thanks"}, "/kind"),
        ({"language": "pl"}, "/language"),
        ({"tone": Tone.FORMAL}, "/tone"),
        ({"entity_id": 999}, "/entity_id"),
    ],
)
def test_a_text_has_a_place(world: World, other: dict[str, Any], pointer: str) -> None:
    with world.database.transaction() as session:
        with pytest.raises(edit.TextError) as refused:
            edit.save_draft(session, renderer(), draft(**other), by="user:1", now=MORNING)
        assert [fault.pointer for fault in refused.value.faults] == [pointer]


def test_the_sellers_own_text_comes_before_the_companys_and_both_before_the_shipped(world: World) -> None:
    def subject(texts: Texts, entity_id: int, language: str = "en") -> str:
        given = {"language": language, "entity_id": entity_id, "context": sample()}
        return texts.render(renderer(), KIND, **given).subject  # type: ignore[arg-type]

    with world.database.transaction() as session:
        published(session, "Company", entity_id=None)
        published(session, "Own", entity_id=world.entity_id)
        texts = texts_in_force(session)
    assert subject(texts, world.entity_id) == "Own INV-201"
    assert subject(texts, world.entity_id + 1) == "Company INV-201"
    shipped = renderer().message(KIND, language="de", **sample()).subject
    assert subject(texts, world.entity_id, "de") == shipped
    assert shipped.startswith("Kleine Erinnerung: Rechnung INV-201")


def test_a_text_that_fails_gives_way_to_the_shipped_words_and_the_failure_is_kept(world: World) -> None:
    with world.database.transaction() as session:
        row = published(session, "Mine")
        broken = update(MessageText).where(col(MessageText.id) == row.id).values(subject="{{ nobody }}")
        session.connection().execute(broken)
        texts = texts_in_force(session)
        for _ in range(2):
            message = texts.render(renderer(), KIND, language="en", entity_id=1, context=sample())
            assert message == renderer().message(KIND, language="en", **sample())
        texts.note_failures(session, now=MORNING)
    with world.database.transaction() as session:
        assert row.id is not None
        told = edit.text_by_id(session, row.id)
        assert told.failure == "There is no “nobody”: use the names of the list."
        assert told.failed_at == MORNING
        texts_in_force(session).note_failures(session, now=MORNING)


def test_a_preview_shows_what_the_customer_has_open(world: World) -> None:
    with world.database.transaction() as session:
        account_id = world.customer(session, "A1")
        for expected, made_up in (("INV-201", True), ("INV-1", False)):
            shown = preview(
                session,
                renderer(),
                draft(),
                account_id,
                now=MORNING,
                link=link_for(account_id, 1),
                in_flight=world.in_flight,
            )
            assert expected in shown.message.subject
            assert shown.made_up is made_up
            assert "Company A1" in shown.message.text
            assert shown.message.text.count(link_for(account_id, 1)) == 1
            world.invoice(session, account_id)
        assert shown.on == MORNING.date()


def body(**changed: Any) -> dict[str, Any]:
    own = words()
    told = {"kind": KIND, "language": "en", "tone": "friendly"}
    return {**told, "subject": own.subject, "text": own.text, "html": own.html, **changed}


def test_texts_by_the_api(kernel: Kernel) -> None:
    with client(kernel, Role.COLLECTOR) as web:
        shipped = web.get("/api/v1/message-texts/shipped", params={"kind": KIND, "language": "fr"}).json()
        assert "Bonjour" in shipped["text"]
        assert web.get("/api/v1/message-texts/shipped", params={"kind": "x"}).status_code == 404
        names = [one["name"] for one in web.get("/api/v1/message-texts/variables").json()["items"]]
        assert {"link", "total", "invoice_lines"} <= set(names)
        checked = web.post("/api/v1/message-texts/check", json=body(text="{{ ros }}")).json()
        assert checked["faults"] == [{"part": "text", "line": 1, "message": "There is no “ros”: did you mean “rows”?"}]
        assert web.post("/api/v1/message-texts/check", json=body()).json()["passed"] is True
    with client(kernel, Role.CREDIT_MANAGER) as web:
        made = web.post("/api/v1/message-texts", json=body(), headers={"idempotency-key": "k1"})
        again = web.post("/api/v1/message-texts", json=body(), headers={"idempotency-key": "k1"})
        assert made.status_code == again.status_code == 201, made.text
        assert made.json() == again.json()
        number = made.json()["id"]
        assert web.post(f"/api/v1/message-texts/{number}/publish").json()["state"] == "live"
        listed = web.get("/api/v1/message-texts", params={"state": "live", "kind": KIND, "language": "en"}).json()
        assert [one["id"] for one in listed["items"]] == [number]
        assert web.get(f"/api/v1/message-texts/{number}").json()["version"] == 1
        assert web.post(f"/api/v1/message-texts/{number}/withdraw").json()["state"] == "retired"
        bad = web.post("/api/v1/message-texts", json=body(html="<script>"), headers={"idempotency-key": "k2"})
        assert bad.status_code == 422
        assert bad.json()["faults"][0]["pointer"] == "/html, line 1"
        for wrong in ({"subject": "a\nb"}, {"text": "\x00"}, {"tone": "rude"}, {"more": 1}, {"entity_id": 2**70}):
            assert web.post("/api/v1/message-texts/check", json=body(**wrong)).status_code in (400, 422)
        assert web.post("/api/v1/message-texts/preview", json=body(account_id=999)).status_code == 404
    with client(kernel, Role.AUDITOR) as web:
        assert web.post("/api/v1/message-texts", json=body(), headers={"idempotency-key": "k3"}).status_code == 403
