"""The kinds of reminders: each with the tone it may take. Their templates are in templates/messages/."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dunning.steps import Tone

KINDS: Mapping[str, Tone] = MappingProxyType(
    {
        "reminder_received": Tone.FRIENDLY,
        "reminder_courtesy": Tone.FRIENDLY,
        "reminder_due": Tone.NEUTRAL,
        "reminder_friendly": Tone.FRIENDLY,
        "reminder_question": Tone.NEUTRAL,
        "reminder_broken_promise": Tone.NEUTRAL,
        "reminder_firm": Tone.FIRM,
        "reminder_formal": Tone.FORMAL,
    }
)
"""Every kind that a step of a policy may write, in the order of the ladder, and the firmest tone of its words."""
