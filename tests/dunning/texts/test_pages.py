"""The pages of texts: what is in force; a text checked with what offends marked, kept, published, withdrawn."""

from __future__ import annotations

from ar.core.access.models import Role
from ar.core.kernel import Kernel
from dunning.texts.shipped import shipped_words
from tests.dunning.world import renderer
from tests.web import client

PATH = "/messages/texts/reminder_friendly/en"


def form(**changed: str) -> dict[str, str]:
    own = shipped_words(renderer(), "reminder_friendly", "en")
    return {"subject": own.subject, "text": own.text, "html": own.html, "tone": "friendly", "action": "check"} | changed


def test_a_text_is_written_on_its_page(kernel: Kernel) -> None:
    with client(kernel, Role.CREDIT_MANAGER, html=True) as browser:
        listed = browser.get("/messages/texts").text
        assert listed.count("/messages/texts/reminder_") == 8 * 6
        assert "It may simply have slipped through" in browser.get(PATH).text
        rude = browser.post(PATH, data=form(text=form()["text"] + "You will regret it, <b>{{ nobody }}"))
        assert "<mark" in rude.text
        assert "You will regret</mark>" in rude.text
        assert "There is no “nobody”" in rude.text
        assert "&lt;b&gt;{{ nobody }}" in rude.text
        kept = browser.post(PATH, data=form(action="save", subject="Mine {{ rows[0].reference }}"))
        assert kept.status_code == 303
        number = kept.headers["location"].rpartition("=")[2]
        assert "Mine {{ rows[0].reference }}" in browser.get(kept.headers["location"]).text
        assert browser.post(f"/messages/texts/versions/{number}/publish").status_code == 303
        assert "own, version 1" in browser.get("/messages/texts").text
        assert "Mine {{ rows[0].reference }}" in browser.get(PATH).text
        assert browser.post(f"/messages/texts/versions/{number}/withdraw").status_code == 303
        assert "own, version 1" not in browser.get("/messages/texts").text
        for wrong in (
            {"action": "save", "text": "{{ x"},
            {"account_id": "999"},
            {"subject": "a\nb"},
            {"tone": "formal"},
        ):
            assert 400 <= browser.post(PATH, data=form(**wrong)).status_code < 500, wrong
        for path in ("/messages/texts/x/en", "/messages/texts/reminder_firm/pl", PATH + "?version=99"):
            assert browser.get(path).status_code == 404
        assert browser.get(f"/messages/texts/reminder_firm/en?version={number}").status_code == 404


def test_who_may_only_read_changes_nothing(kernel: Kernel) -> None:
    with client(kernel, Role.AUDITOR, html=True) as browser:
        assert "Keep as a draft" not in browser.get(PATH).text
        assert browser.post(PATH, data=form(action="save")).status_code == 403
