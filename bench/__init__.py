"""The figures that the product promises, each a ratio against the raw limit measured in the same run.

`python -m bench [NAME ...]` prints one JSON line for each. A bench is a module of this package with
`run(size: int | None, repeat: int) -> Result`, named in bench/__main__.py; None is its own default size.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context


@dataclass(frozen=True)
class Result:
    """What a bench found: `value` in `unit`, and `ratio` against the raw limit that `against` names.

    `extra` goes into the same JSON line; a `memory_mb` there replaces the peak of the whole process.
    """

    bench: str
    value: float
    unit: str
    ratio: float
    against: str
    extra: Mapping[str, object] = field(default_factory=dict)


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes, by the monotonic clock."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_own_process(measure: Callable[..., dict[str, float]], *arguments: object) -> dict[str, float]:
    """measure(*arguments) where no earlier measurement counts as its memory."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, *arguments).result()


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def peak_memory_mb() -> float:
    """The most memory that this process has held so far, in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
