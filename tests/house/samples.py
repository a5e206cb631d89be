"""What the frames and their own pages are given, and the finding of every room's samples.

A room adds tests/<room>/samples.py with SAMPLES: the name of each of its templates ("console/customers.html", or
"messages/<kind>" for the three parts of a message) and an example of what it is given; "...#paid" names one more
example of the same template. What a frame wants is filled in by `samples()`; a sample gives only its own, or overrides.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ar.core.errors import Fault

Sample = dict[str, Any]

FRAMES: dict[str, Sample] = {
    "console/": {
        "menu": [("/", "Overview", True), ("/customers", "Customers", False), ("/elsewhere", "Elsewhere", False)],
        "user_name": "Collector <One>",
        "role_label": "Collector",
        "csrf_token": "sample-token",
        "here": "/",
        "principal": SimpleNamespace(may=lambda permission: True),
        "flashes": [("good", "Saved."), ("warn", "Look here.")],
    },
    "portal/": {
        "seller": "Atelier & Fils",
        "customer": "Nordlicht Werkzeuge",
        "help_line": "accounts@atelier.example",
        "test_gateway": True,
        "csrf_token": "sample-token",
        "here": "/portal",
        "flashes": [("info", "Your payment is on its way.")],
    },
    "messages/": {},
}

SAMPLES: dict[str, Sample] = {
    "console/sign_in.html": {"email": "one@amiable.example", "message": "They do not go together.", "next": "/"},
    "console/error.html": {
        "title": "Not found",
        "message": "There is no such page.",
        "faults": [Fault("/due_on", "Not a day.")],
    },
    "portal/error.html": {"title": "Too old", "message": "This link has grown too old."},
}


@cache
def samples() -> dict[str, Sample]:
    """Every room's samples by template, completed with what the template's frame is given."""
    own: dict[str, Sample] = {}
    for path in sorted(Path(__file__).parents[1].glob("*/samples.py")):
        for name, sample in import_module(f"tests.{path.parent.name}.samples").SAMPLES.items():
            assert name not in own, f"{name} has a sample in two rooms"
            frame = next((given for prefix, given in FRAMES.items() if name.startswith(prefix)), {})
            own[name] = frame | sample
    return own
