"""`amiable replies read` tells what a message says, and stores nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ar.cash.remittance.message import MessageRefusedError
from ar.cli import app
from dunning.replies.command import read
from tests.dunning.replies.mails import mail


def test_what_a_message_says_is_told_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.eml"
    file.write_bytes(mail("We will pay 60.00 EUR on Friday."))
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(app, ["replies", "read", "--rules-only", str(file)])
    told = json.loads(ran.stdout)
    assert (told["kind"], told["proposals"][0]["data"]["amount_minor"]) == ("promise", 6_000)
    assert list(tmp_path.iterdir()) == [file]


def test_mail_of_machines_and_what_is_no_mail(tmp_path: Path) -> None:
    file = tmp_path / "a.eml"
    file.write_bytes(mail("Away until 20 March.", subject="Out of office", Auto_Submitted="auto-replied"))
    assert (read(file)["kind"], str(read(file)["back_on"])) == ("out_of_office", "2026-03-21")
    file.write_bytes(b"nothing")
    with pytest.raises(MessageRefusedError):
        read(file)
