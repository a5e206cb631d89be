"""Work that makes many short-lived objects, without Python looking for rings among them every few hundred."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unswept() -> Iterator[None]:
    """No search for garbage in rings while the block runs; everything else is freed as always.

    For one chunk of work: what it makes in rings stays until it ends. Several threads may be in it: the first that
    leaves brings the search back.
    """
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()
