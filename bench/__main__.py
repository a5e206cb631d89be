"""`python -m bench [NAME ...] [--size N] [--repeat N]`: each named bench, or all, in a process of its own."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib import import_module, util

from bench import Result, peak_memory_mb

BENCHES = {
    "import": "bench.imports",
    "ageing": "bench.ageing",
    "dunning": "bench.dunning",
    "portal": "bench.portal",
    "worklist": "bench.worklist",
    "issue": "bench.issue",
    "pdf": "bench.pdf",
    "schematron": "bench.schematron",
    "match": "bench.match",
    "bankfile": "bench.bankfile",
    "match_rate": "bench.match_score",
    "match_error": "bench.match_error",
    "smtp": "bench.smtp",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; all when none is given")
    parser.add_argument("--size", type=int, help="how many rows, items or requests; each bench has its default")
    parser.add_argument("--repeat", type=int, default=3, help="measurements of which the median counts (3 or more)")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in BENCHES]
    if unknown:
        parser.error(f"there is no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    if (given.size is not None and given.size < 1) or given.repeat < 1:
        parser.error("--size and --repeat need a number of 1 or more")
    if given.inside:
        print(line(import_module(BENCHES[given.names[0]]).run(given.size, given.repeat)), flush=True)
        return 0
    chosen = given.names or [name for name, module in BENCHES.items() if util.find_spec(module)]
    options = ["--repeat", str(given.repeat), *(["--size", str(given.size)] if given.size else [])]
    failed = 0
    for name in chosen:
        failed |= subprocess.run([sys.executable, "-m", "bench", name, "--inside", *options], check=False).returncode
    return 1 if failed else 0


def line(result: Result) -> str:
    """The one JSON line of a bench."""
    shown: dict[str, object] = {
        "bench": result.bench,
        "value": round(result.value, 3),
        "unit": result.unit,
        "ratio": round(result.ratio, 3),
        "against": result.against,
        "memory_mb": peak_memory_mb(),
    }
    return json.dumps(shown | dict(result.extra))


if __name__ == "__main__":
    sys.exit(main())
