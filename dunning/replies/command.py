"""`amiable replies read`: what a message says, without a database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ar.cash.remittance.message import MAX_BYTES
from ar.core import clock
from ar.core.clock import local_date
from dunning.replies.letter import read_letter
from dunning.replies.model import likely
from dunning.replies.nature import nature_of
from dunning.replies.propose import Around, propose
from dunning.replies.understand import nobody_says, understand


def read(file: Path, *, rules_only: bool = False) -> dict[str, Any]:
    """What the e-mail in `file` says, and what would be proposed were its sender's invoices known.

    Raises MessageRefusedError.
    """
    with file.open("rb") as opened:
        letter = read_letter(opened.read(MAX_BYTES + 1))
    on = local_date(letter.sent_at or clock.now(), "UTC")
    nature = nature_of(letter, on=on, ours=False)
    text = letter.text or letter.subject
    told: dict[str, Any] = {
        "message_id": letter.message_id,
        "answers": list(letter.parents),
        "sender": letter.sender,
        "subject": letter.subject,
        "written_on": on,
        "text": letter.text,
        "files": [file.name for file in letter.files],
    }
    if nature.kind is not None:
        return told | {"kind": nature.kind.value, "sureness": 100, "back_on": nature.back_on, "proposals": []}
    meant = understand(text, on=on, likely=nobody_says if rules_only else likely)
    proposals = [
        {
            "kind": one.kind.value,
            "sureness": one.sureness,
            "quote": text[one.start : one.end],
            "data": dict(one.data),
        }
        for one in propose(text, meant.findings, Around(on))
    ]
    return told | {"kind": meant.kind.value, "sureness": meant.sureness, "back_on": None, "proposals": proposals}
