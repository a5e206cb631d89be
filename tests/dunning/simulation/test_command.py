from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from dunning.policy import PolicyError
from dunning.simulation.command import read_policy, run
from tests.dunning.simulation.test_simulate import START
from tests.dunning.world import World

BODY = {
    "name": "gentle",
    "steps": [{"key": "one", "offset_days": 5, "kind": "reminder_friendly", "tone": "friendly"}],
}


def printed(world: World, file: Path | None, *, as_json: bool) -> str:
    told = StringIO()
    out = Console(file=told, width=160)
    run(world.kernel, file, months=2, sample=500, seed=1, now=START, as_json=as_json, out=out)
    return told.getvalue()


def test_a_policy_of_a_file_is_printed_beside_the_one_in_force(world: World, tmp_path: Path) -> None:
    with world.database.transaction() as session:
        world.invoice(session, world.customer(session, "LATE"), due=START.date().replace(month=1, day=7))
    file = tmp_path / "gentle.json"
    file.write_text(json.dumps(BODY), encoding="utf-8")
    words = printed(world, file, as_json=False)
    assert "gentle 1" in words
    assert "step question" in words
    assert "1 of 1 customers were drawn." in words
    told = json.loads(printed(world, file, as_json=True))
    assert (told["candidate"]["messages"], told["in_force"]["messages"]) == (1, 4)
    assert json.loads(printed(world, None, as_json=True))["policy"] == "friendly-five 1"


NOT_TEXT = "\ud800".encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"steps": []}', b"[" * 90_000, b'{"steps": 1e999}', NOT_TEXT])
def test_a_file_that_holds_no_policy(text: bytes, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(text)
    with pytest.raises(PolicyError):
        read_policy(file)
