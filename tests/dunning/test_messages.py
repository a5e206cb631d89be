"""Every message, in every language: complete, exact, friendly."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ar.cash.receipts import SettledItem
from ar.core.gsm import segments
from ar.core.i18n import long_day
from ar.core.render import RenderedMessage, Renderer, template_folder
from dunning.case import ContactFacts, LateTerms
from dunning.decision import Line, Send, asks
from dunning.message import Seller, context, mailbox, message_key
from dunning.policy import FRIENDLY_FIVE
from dunning.steps import Step
from dunning.texts.kinds import KINDS
from tests.dunning.make import DUE, STEPS, customer, item
from tests.dunning.world import renderer

SELLER = Seller(1, "Atelier Example", "accounts@atelier.example", "+33 1 00 00 00 00", "FR")
LINK = "https://pay.example/abc"
LANGUAGES = ("en", "fr")
SIX = ("de", "en", "es", "fr", "it", "nl")
OFFSETS = (-7, -3, 0, 3, 7, 10, 14, 30)
LADDER = tuple(
    Step(kind.removeprefix("reminder_"), offset, kind, tone)
    for offset, (kind, tone) in zip(OFFSETS, KINDS.items(), strict=True)
)
MENACING = re.compile(
    r"(?i)\b(legal action|lawsuit|court|bailiff|solicitor|attorney|prosecut\w+|blacklist\w*|consequences?|final notice|"
    r"immediately|failure to|you (must|failed|have failed|ignored|neglected)|or else|debt collector|seiz\w+|"
    r"tribunal|huissier|poursuites?|contentieux|avocat|saisie|mise en demeure|sanctions?|immédiatement|"
    r"vous (devez|avez omis|avez négligé|avez ignoré)|dernier avis|faute de|sous peine)\b"
)
SHOUTING = re.compile(r"!|\b(?!INV\b|EUR\b)[A-ZÀ-Ü]{3,}\b")
FAMILIAR = re.compile(r"(?i)\b(tu|toi|ton|tes|salut|coucou)\b")


def reminder(step: Step, language: str, count: int = 1, *, mixed: bool = False, **other: Any) -> RenderedMessage:
    return renderer().message(step.kind, language=language, **told(step, count, mixed=mixed, **other))


def told(step: Step, count: int = 1, *, mixed: bool = False, **other: Any) -> dict[str, Any]:
    """What a reminder of `count` invoices at `step` is given."""
    due = DUE - timedelta(days=step.offset_days)
    items = [item(n, due_on=due, open_minor=123_456 + n, **other) for n in range(1, count + 1)]
    if mixed:
        items.append(item(count + 1, due_on=DUE + timedelta(days=2), open_minor=999_99))
    facts = customer(*items, contact=ContactFacts(5, "Camille Martin", "c@bakery.example"))
    lines = tuple(Line(ask, STEPS["courtesy"] if ask.item.due_on > DUE else step) for ask in asks(facts))
    send = Send(17, 1, step, FRIENDLY_FIVE, lines)
    return context(send, facts, SELLER, link=LINK, terms=None, today=DUE)


TOTALS = {
    "en": ("€1,234.57", "€14,815.50"),
    "fr": ("1 234,57 €", "14 815,50 €"),
    "de": ("1.234,57 €", "14.815,50 €"),
    "es": ("1.234,57 €", "14.815,50 €"),
    "it": ("1.234,57 €", "14.815,50 €"),
    "nl": ("€ 1.234,57", "€ 14.815,50"),
}


@pytest.mark.parametrize("language", SIX)
@pytest.mark.parametrize("count", [1, 12])
@pytest.mark.parametrize("step", LADDER, ids=lambda step: step.key)
def test_a_reminder_is_exact_and_personal(step: Step, count: int, language: str) -> None:
    message = reminder(step, language, count)
    total = TOTALS[language][count > 1]
    shown = " ".join(message.subject.split())
    assert total in shown
    assert ("INV-1" if count == 1 else "12") in shown
    for body in (message.text, message.html):
        words = " ".join(body.split())
        assert "Camille Martin" in words
        assert "Bakery Example" in words
        assert "Atelier Example" in words
        assert words.count(LINK) == 1
        for n in range(1, count + 1):
            assert f"INV-{n}" in words
        if count == 12:
            assert total in words
    assert len(message.text.split()) < 260 + 12 * count
    assert not re.search(r"\n{3,}", message.text)
    assert f'lang="{language}"' in message.html


@pytest.mark.parametrize("language", SIX)
@pytest.mark.parametrize("step", LADDER, ids=lambda step: step.key)
def test_a_text_message_is_short_and_says_who_what_and_where(step: Step, language: str) -> None:
    long_link = "https://pay.seller.example/pay/" + "x" * 54
    for count in (1, 12):
        given = {**told(step, count), "link": long_link}
        sms = renderer().sms(step.kind, language=language, **given)
        assert segments(sms) <= 2
        assert len(sms.encode("utf-16-be")) // 2 <= 306, "still in the alphabet of GSM"
        assert sms.count(long_link) == 1
        assert "Camille Martin" in sms
        assert sms.endswith("Atelier Example")
        assert " ".join(TOTALS[language][count > 1].split()) in sms
        assert ("INV-1" if count == 1 else "12") in sms
        assert "  " not in sms


@pytest.mark.parametrize("language", SIX)
def test_the_person_who_signs_and_the_copies_are_shown_when_given(language: str) -> None:
    given = told(STEPS["friendly"], 2)
    given |= {
        "signer": SimpleNamespace(name="Ida Example", phone="+33 1 23", email=None),
        "copy_links": {"INV-2": "https://pay.example/copy/2?a=1&b=2"},
    }
    message = renderer().message("reminder_friendly", language=language, **given)
    for body in (message.text, message.html):
        assert body.index("Ida Example") < body.rindex("Atelier Example")
        assert "+33 1 23" in body
        assert "+33 1 00 00 00 00" not in body
        assert "accounts@atelier.example" in body
    assert message.text.count("https://pay.example/copy/2?a=1&b=2") == 1
    assert message.html.count("https://pay.example/copy/2?a=1&amp;b=2") == 1


@pytest.mark.parametrize("language", SIX)
def test_what_lateness_costs_is_shown_for_each_invoice_when_it_was_worked_out(language: str) -> None:
    row = SimpleNamespace(reference="INV-1", interest_minor=950, fixed_minor=4_000, currency="EUR", days=30)
    for terms in (None, LateTerms(Decimal("9.2500"), 4_000, "EUR", "statute 12")):
        given = told(STEPS["formal"]) | {"charges": [row], "charges_total": [("EUR", 4_950)], "terms": terms}
        message = renderer().message("reminder_formal", language=language, **given)
        point = "." if language == "en" else ","
        for body in (message.text, message.html):
            words = " ".join(body.split())
            for amount in ("9.50", "40.00", "49.50"):
                assert amount.replace(".", point) in words
            assert ("statute 12" in words) is (terms is not None)
            assert "9,25" not in words


def test_a_message_comes_in_the_language_of_its_reader_or_in_the_default_one() -> None:
    assert renderer().message_languages() == list(SIX)
    assert renderer().languages() == list(LANGUAGES)
    assert renderer().message_language("reminder_firm", "de-AT") == "de"
    assert renderer().message_language("payment_thanks", "de-AT") == "en"
    assert renderer().message_language("reminder_firm", "pl") == "en"
    french = Renderer(default_language="fr")
    assert french.message_language("payment_thanks", "de") == "fr"
    assert french.message_language("reminder_firm", None) == "fr"


@pytest.mark.parametrize(
    ("language", "written"),
    [("de", "12. Mai 2026"), ("es", "12 de mayo de 2026"), ("it", "12 maggio 2026"), ("nl", "12 mei 2026")],
)
def test_days_are_written_as_the_language_does(language: str, written: str) -> None:
    assert long_day(date(2026, 5, 12), language=language) == written


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("step", LADDER, ids=lambda step: step.key)
def test_no_reminder_threatens_blames_or_shouts(step: Step, language: str) -> None:
    for count in (1, 3):
        message = reminder(step, language, count)
        for text in (message.subject, message.text):
            words = text.replace(LINK, "")
            assert not MENACING.search(words)
            assert not SHOUTING.search(words)
            if language == "fr":
                assert not FAMILIAR.search(words)


def test_the_check_of_tone_finds_what_it_looks_for() -> None:
    assert MENACING.search("or we will take legal action")
    assert MENACING.search("sous peine de poursuites")
    assert SHOUTING.search("PAY now")
    assert not SHOUTING.search("INV-7 is EUR 3")


@pytest.mark.parametrize("language", LANGUAGES)
def test_invoices_not_yet_due_are_shown_apart_and_not_counted(language: str) -> None:
    message = reminder(STEPS["friendly"], language, 2, mixed=True)
    assert {"en": "€2,469.15", "fr": "2 469,15"}[language] in message.subject.replace("\u202f", " ")
    assert message.text.index("INV-3") > message.text.index("INV-2")
    assert {"en": "Not due yet", "fr": "Pas encore à échéance"}[language] in message.text


@pytest.mark.parametrize(
    ("change", "en", "fr"),
    [
        ({"disputed_minor": 100}, "€1.00 you have contested", "1,00 € que vous contestez"),
        (
            {"promised_minor": 100, "promised_until": date(2026, 3, 9)},
            "€1.00 you have promised for 9 March 2026",
            "1,00 € que vous avez prévu de régler le 9 mars 2026",
        ),
        ({"planned_minor": 100}, "€1.00 of your payment plan", "1,00 € qui font partie de votre échéancier"),
        ({"in_flight_minor": 100}, "€1.00 already on its way", "1,00 € dont le paiement est en cours"),
    ],
)
def test_what_is_left_out_is_said(change: dict[str, Any], en: str, fr: str) -> None:
    for language, words in (("en", en), ("fr", fr)):
        message = reminder(STEPS["friendly"], language, **change)
        for body in (message.text, message.html):
            assert words in " ".join(body.split())


def test_figures_of_the_law_appear_only_when_the_table_gives_them() -> None:
    step = STEPS["formal"]
    facts = customer(item(due_on=DUE - timedelta(days=30)))
    send = Send(17, 1, step, FRIENDLY_FIVE, tuple(Line(ask, step) for ask in asks(facts)))
    for terms, shown in ((LateTerms(Decimal("9.2500"), 4_000, "EUR", "statute 12"), True), (None, False)):
        given = context(send, facts, SELLER, link=LINK, terms=terms, today=DUE)
        for language in LANGUAGES:
            message = renderer().message(step.kind, language=language, **given)
            for body in (message.text, message.html):
                assert ("statute 12" in body) is shown
                rate, fixed = ("9.25%", "€40.00") if language == "en" else ("9,25 %", "40,00 €")
                words = " ".join(body.split())
                assert (rate in words) is shown
                assert (fixed in words) is shown


def test_what_a_customer_is_called_cannot_break_the_page_or_the_header() -> None:
    facts = customer(
        item(reference="<b>1</b>"), contact=ContactFacts(5, "<script>x</script>\r\nBcc: a@b.c", "c@d.example")
    )
    step = STEPS["friendly"]
    send = Send(17, 1, step, FRIENDLY_FIVE, tuple(Line(ask, step) for ask in asks(facts)))
    message = renderer().message(
        step.kind, language="en", **context(send, facts, SELLER, link=LINK, terms=None, today=DUE)
    )
    assert "<script>x" not in message.html
    assert "<b>1</b>" not in message.html
    assert "\n" not in message.subject
    assert mailbox('Ev"il <a@b.c>\r\nBcc: x', "s@e.example") == "Evil a@b.cBcc: x <s@e.example>"
    assert mailbox("<>", "s@e.example") == "s@e.example"


INVOICE = {"reference": "INV-9", "due_on": DUE, "currency": "EUR"}
BASE = {"customer": customer(), "contact": None, "seller": SELLER, "link": LINK}
NOTES: list[tuple[str, dict[str, Any], str]] = [
    ("dispute_received", {"invoice": INVOICE, "contested_minor": 500, "rest_minor": 0, "text": ""}, "5"),
    ("dispute_received", {"invoice": INVOICE, "contested_minor": 500, "rest_minor": 700, "text": "a\nb"}, "7"),
    *(
        (
            "dispute_resolved",
            {
                "invoice": INVOICE,
                "contested_minor": 500,
                "credited_minor": credited,
                "open_minor": open_minor,
                "explanation": explanation,
            },
            "INV-9",
        )
        for credited, open_minor, explanation in ((0, 500, "As agreed."), (200, 300, ""), (500, 0, ""))
    ),
    (
        "payment_thanks",
        {
            "payment": {"amount_minor": 900, "currency": "EUR", "received_on": DUE},
            "invoices": [SettledItem(1, "INV-9", 500, 0, DUE, 5, 1), SettledItem(2, "INV-8", 400, 100, DUE)],
            "unapplied_minor": 100,
            "owed_minor": 700,
            "overdue_minor": 100,
            "next_due_on": DUE,
        },
        "INV-8",
    ),
    (
        "payment_thanks",
        {
            "payment": {"amount_minor": 900, "currency": "EUR", "received_on": DUE},
            "invoices": [],
            "unapplied_minor": 900,
            "owed_minor": 0,
            "overdue_minor": 0,
            "next_due_on": None,
        },
        "9",
    ),
    (
        "promise_noted",
        {
            "promise": {"amount_minor": 900, "currency": "EUR", "due_on": DUE},
            "invoices": [{"reference": "INV-9", "amount_minor": 900}],
        },
        "INV-9",
    ),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("kind", "given", "holds"), NOTES)
def test_the_other_messages_say_what_happened(kind: str, given: dict[str, Any], holds: str, language: str) -> None:
    for contact in (None, ContactFacts(5, "Camille Martin", "c@bakery.example")):
        message = renderer().message(kind, language=language, **{**BASE, **given, "contact": contact or {"name": ""}})
        for body in (message.text, message.html):
            assert ("Camille Martin" if contact else "Bakery Example") in body
            assert holds in body
            assert "Atelier Example" in body
            assert body.count(LINK) == 1
        assert not MENACING.search(message.text)
        assert not SHOUTING.search(message.text.replace(LINK, ""))
        assert not re.search(r"\n{3,}", message.text)


def test_every_message_is_written_in_every_language() -> None:
    folder = Path(template_folder()) / "messages"
    kinds = [path for path in folder.iterdir() if path.is_dir() and path.name != "parts"]
    assert {step.kind for step in FRIENDLY_FIVE.steps} <= {path.name for path in kinds}
    for kind in kinds:
        for language in LANGUAGES:
            names = {path.name for path in (kind / language).iterdir()}
            assert names - {"sms.txt"} == {"subject.txt", "body.txt", "body.html"}, kind
    for reminder_kind in KINDS:
        for language in SIX:
            names = {path.name for path in (folder / reminder_kind / language).iterdir()}
            assert names == {"subject.txt", "body.txt", "body.html", "sms.txt"}, (reminder_kind, language)


def test_message_keys_are_told_apart() -> None:
    assert message_key(1, 2, "firm", DUE) == "dunning:1:2:firm:2026-03-02"
