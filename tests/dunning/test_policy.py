from __future__ import annotations

from dataclasses import replace

import pytest

from dunning.policy import FRIENDLY_FIVE, Policies, PolicyError, parse_policy
from dunning.steps import Step, Tone


def test_default_policy_has_five_steps_that_grow_firmer() -> None:
    tones = list(Tone)
    assert [step.offset_days for step in FRIENDLY_FIVE.steps] == [-3, 3, 7, 14, 30]
    levels = [tones.index(step.tone) for step in FRIENDLY_FIVE.steps]
    assert levels == sorted(levels)
    assert [step.courtesy for step in FRIENDLY_FIVE.steps] == [True, False, False, False, False]
    assert (FRIENDLY_FIVE.per_day, FRIENDLY_FIVE.per_week) == (1, 3)


def test_stored_form_reads_back_the_same() -> None:
    policy = replace(FRIENDLY_FIVE, minimum={"EUR": 500})
    assert parse_policy(policy.name, policy.version, policy.body()) == policy


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"steps": []}, "/steps"),
        ({"steps": [{"key": "a", "offset_days": 5, "kind": "k", "tone": "friendly"}] * 2}, "/steps"),
        ({"steps": [{"key": "a", "offset_days": 400, "kind": "k", "tone": "friendly"}]}, "/steps/0/offset_days"),
        ({"steps": [{"key": "", "offset_days": 4, "kind": "k", "tone": "friendly"}]}, "/steps/0/key"),
        ({"steps": [{"key": "a", "offset_days": 4, "kind": "k", "tone": "angry"}]}, "/steps/0/tone"),
        ({"per_day": 9}, "/per_day"),
        ({"per_week": "many"}, "/per_week"),
        ({"spacing_days": 0}, "/spacing_days"),
        ({"minimum": {"EUR": -1}}, "/minimum"),
    ],
)
def test_a_bad_policy_is_refused_with_the_place(change: dict[str, object], pointer: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy("p", 1, {**FRIENDLY_FIVE.body(), **change})
    assert pointer in {fault.pointer for fault in caught.value.faults}


def test_a_sellers_own_policy_goes_before_the_companys() -> None:
    late = replace(FRIENDLY_FIVE, name="late", steps=(Step("only", 20, "reminder_firm", Tone.FIRM),))
    policies = Policies(FRIENDLY_FIVE, {7: late})
    assert policies.of(7) is late
    assert policies.of(8) is FRIENDLY_FIVE
    assert policies.first_offset == -6
