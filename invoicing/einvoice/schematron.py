"""Schematron, run by Saxon in one process of its own: what it does there can neither block nor end this one.

Rules that could not be run are an error, never a pass.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures import TimeoutError as Late
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

from ar.core.errors import DomainError

SECONDS = 60.0
"""How long one document may take; the largest of a thousand lines takes a few."""

_compiled: dict[Path, Any] = {}
"""In the worker alone: a processor, and the rules compiled once."""


class SchematronError(DomainError):
    """The rules could not be run: nothing is known of the document."""

    status = 503
    code = "schematron-unavailable"


class _Worker:
    """The process, begun when it is first needed and again after it died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: Executor | None = None

    def run(self, rules: Path, document: bytes) -> str:
        with self._lock:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_end_with_parent)
            try:
                return self._pool.submit(_transform, rules, document).result(SECONDS)
            except (BrokenProcessPool, Late) as error:
                self._stop()
                raise SchematronError(f"The rules of EN 16931 could not be run: {type(error).__name__}") from error

    def _stop(self) -> None:
        pool, self._pool = self._pool, None
        if isinstance(pool, ProcessPoolExecutor):
            for process in (pool._processes or {}).values():
                process.kill()
            pool.shutdown(wait=True, cancel_futures=True)


_worker = _Worker()


def report(rules: Path, document: bytes) -> str:
    """The report (SVRL) of `document` by the compiled Schematron `rules`. Raises SchematronError."""
    try:
        found = _worker.run(rules, document)
    except SchematronError:
        raise
    except Exception as error:
        raise SchematronError(f"The rules of EN 16931 could not be run: {error}") from error
    if "schematron-output" not in found:
        raise SchematronError("The rules of EN 16931 gave no report")
    return found


def _end_with_parent() -> None:
    """In the worker: a process that was killed cannot tell its worker to end, which would wait for work for ever."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(0)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def _transform(rules: Path, document: bytes) -> str:
    """In the worker."""
    import saxonche

    if rules not in _compiled:
        processor = _compiled.setdefault(Path(), saxonche.PySaxonProcessor(license=False))
        _compiled[rules] = (processor, processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(rules)))
    processor, executable = _compiled[rules]
    node = processor.parse_xml(xml_text=document.decode())
    return str(executable.transform_to_string(xdm_node=node))
