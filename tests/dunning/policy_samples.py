"""An example of what each page of policies is given."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ar.core.errors import Fault
from ar.customers.models import Channel
from dunning.models import DunningPolicy
from dunning.policy import FRIENDLY_FIVE, PolicyError
from dunning.steps import Anchor, Charge, Condition

STORED = DunningPolicy(
    id=3,
    name="calm",
    version=2,
    segment="retail",
    body=FRIENDLY_FIVE.body(),
    created_by="user:3",
)
LATER = {**STORED.model_dump(), "active_from": datetime(2026, 3, 2, 9, tzinfo=UTC)}
EVERY_WAY = replace(
    FRIENDLY_FIVE,
    steps=(
        replace(FRIENDLY_FIVE.steps[0], offset_days=0, channel=Channel.PORTAL),
        replace(
            FRIENDLY_FIVE.steps[3],
            channel=Channel.LETTER,
            when=Condition(("shop",), ("high",), ("EUR",), ("fr",), {"EUR": 10_000}, 5, True, False),
        ),
        replace(FRIENDLY_FIVE.steps[4], channel=Channel.PHONE, interest=Charge.BOOKED),
        replace(FRIENDLY_FIVE.steps[1], key="after", after=Anchor.EVENT, channel=Channel.SMS),
    ),
)

SAMPLES: dict[str, dict[str, Any]] = {
    "console/policies/list.html": {
        "rows": [
            STORED,
            DunningPolicy(**LATER | {"id": 4, "named": True}),
            DunningPolicy(**LATER | {"id": 5, "entity_id": 1}),
        ],
        "live": {"calm 2"},
        "next_cursor": None,
        "may_act": True,
    },
    "console/policies/list.html#none": {"rows": [], "live": set(), "next_cursor": None, "may_act": True},
    "console/policies/policy.html": {
        "row": STORED,
        "policy": EVERY_WAY,
        "live": False,
        "typed": "{}",
        "error": PolicyError("it cannot be used", faults=[Fault("/steps/0", "list the steps by rising offset")]),
        "may_act": True,
    },
}
