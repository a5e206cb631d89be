"""What is refused at which tone, and where it stands; sentences written by hand; every reminder that is shipped."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dunning.steps import Step, Tone
from dunning.texts.kinds import KINDS
from dunning.tone.check import LEAST_SCORE, Offence, check
from dunning.tone.lexicon import LexiconError, folded, languages
from tests.dunning.test_messages import LADDER, LINK, SIX, reminder, told
from tests.dunning.world import renderer

CORPUS = Path(__file__).parent / "corpus"
LEAST_SHIPPED = 70
"""Every reminder of ours scores this or more at its own tone."""


@pytest.mark.parametrize("language", SIX)
def test_sentences_written_by_hand_are_told_apart(language: str) -> None:
    corpus = tomllib.loads((CORPUS / f"{language}.toml").read_text(encoding="utf-8"))
    good, bad = corpus["acceptable"], corpus["unacceptable"]
    assert min(len(good), len(bad)) >= 20
    refused = [sentence for tone, sentence in good if check(sentence, language=language, tone=Tone(tone)).refused]
    found = [
        (offence, {one.offence.value for one in check(sentence, language=language, tone=Tone(tone)).refused})
        for tone, offence, sentence in bad
    ]
    hits = sum(bool(offences) for _, offences in found)
    assert hits / len(bad) >= 0.97, "recall"
    assert hits / (hits + len(refused)) >= 0.97, f"precision: {refused}"
    assert sum(offence in offences for offence, offences in found) >= 0.95 * len(bad), "the right kind of offence"
    assert {offence for offence, _ in found} == {offence.value for offence in Offence}


@pytest.mark.parametrize("language", SIX)
@pytest.mark.parametrize("step", LADDER, ids=lambda step: step.key)
def test_every_reminder_is_polite_at_its_own_tone(step: Step, language: str) -> None:
    for count in (1, 3):
        message = reminder(step, language, count, mixed=count > 1)
        sms = renderer().sms(step.kind, language=language, **told(step, count))
        for text in (message.subject, message.text, sms):
            verdict = check(
                text.replace(LINK, ""), language=language, tone=KINDS[step.kind], names=("Atelier Example",)
            )
            assert verdict.findings == ()
            if text is message.text:
                assert verdict.score >= LEAST_SHIPPED, verdict.points


@pytest.mark.parametrize(
    ("sentence", "offence", "refused_at"),
    [
        ("We will take legal action.", Offence.MENACE, {"friendly", "neutral", "firm"}),
        ("This is your final notice.", Offence.ULTIMATUM, {"friendly", "neutral", "firm"}),
        ("Please pay immediately.", Offence.URGENCY, {"friendly", "neutral"}),
        ("You will regret this.", Offence.THREAT, {"friendly", "neutral", "firm", "formal"}),
        ("You have ignored us.", Offence.BLAME, {"friendly", "neutral", "firm", "formal"}),
        ("PAY NOW", Offence.SHOUTING, {"friendly", "neutral", "firm", "formal"}),
    ],
)
def test_what_is_refused_depends_on_the_tone(sentence: str, offence: Offence, refused_at: set[str]) -> None:
    for tone in Tone:
        verdict = check(sentence, language="en", tone=tone)
        assert offence in {found.offence for found in verdict.findings}
        assert (offence in {found.offence for found in verdict.refused}) is (tone.value in refused_at)
        assert verdict.passed is False or tone.value not in refused_at


def test_a_finding_names_the_phrase_its_place_and_a_better_one() -> None:
    text = "Bonjour, vous avez IGNORÉ nos rappels ; merci de régler."
    verdict = check(text, language="fr", tone=Tone.FORMAL)
    [blame, shouting] = verdict.findings
    assert text[blame.start : blame.end] == blame.phrase == "vous avez IGNORÉ"
    assert blame.better == "Nous n'avons pas encore vu arriver le règlement."
    assert shouting.phrase == "IGNORÉ"
    assert verdict.score == 50 + 20 - 40 - 25
    assert [(one.why, one.points) for one in verdict.points] == [
        ("start", 50),
        ("polite", 20),
        ("blame", -40),
        ("shouting", -25),
    ]


@pytest.mark.parametrize(
    "calm",
    [
        "Invoice INV-204 of EUR 12.00 is due: IBAN FR76, VAT no. FR12, SEPA, PDF.",
        "ATELIER MARTIN SARL owes nothing.",
        "Is it paid? Thank you!",
        "See https://pay.example/PAY/NOW/abcDEF or write to PAY@NOW.EXAMPLE.",
        "U.S. customers, Q4-2026, R&D.",
    ],
)
def test_acronyms_references_names_and_addresses_are_not_shouting(calm: str) -> None:
    assert check(calm, language="en", tone=Tone.FRIENDLY, names=("ATELIER MARTIN SARL",)).findings == ()


@pytest.mark.parametrize("language", SIX)
def test_accents_capitals_and_odd_spaces_hide_nothing(language: str) -> None:
    written = {
        "en": "You\u00a0will\nREGRET it",
        "fr": "Vous  allez le REGRETTER",
        "de": "Das werden Sie BEREUEN",
        "es": "Se va a ARREPENTIR",
        "it": "Se ne pentira",
        "nl": "U zult er SPIJT van krijgen",
    }
    found = check(written[language], language=language, tone=Tone.FORMAL).findings
    assert Offence.THREAT in {one.offence for one in found}


def test_words_inside_other_words_are_left_alone() -> None:
    assert check("We discourt the courtyard of Suehaven.", language="en", tone=Tone.FRIENDLY).findings == ()
    assert check("Dieses Schreiben ist an Sie gerichtet.", language="de", tone=Tone.FRIENDLY).findings == ()


def test_a_text_without_a_kind_word_is_not_polite_enough() -> None:
    verdict = check("The invoice is open.", language="en", tone=Tone.FRIENDLY)
    assert (verdict.score, verdict.refused, verdict.passed) == (50, (), False)
    assert check("Thank you. Tell us when it suits you.", language="en", tone=Tone.FRIENDLY).score >= LEAST_SCORE


def test_only_six_languages_are_read() -> None:
    assert languages() == list(SIX)
    with pytest.raises(LexiconError):
        check("x", language="../en", tone=Tone.FIRM)


@given(st.text(max_size=60), st.sampled_from(SIX))
@settings(max_examples=40, deadline=None)
def test_any_text_gets_a_verdict_with_places_inside_it(text: str, language: str) -> None:
    verdict = check(text, language=language, tone=Tone.FIRM)
    assert 0 <= verdict.score <= 100
    for found in verdict.findings:
        assert text[found.start : found.end] == found.phrase != ""


@given(st.text(max_size=40))
@settings(max_examples=40, deadline=None)
def test_folding_keeps_places(text: str) -> None:
    plain, places = folded(text)
    assert len(plain) == len(places)
    assert places == sorted(places)
