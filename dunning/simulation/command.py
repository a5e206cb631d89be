"""What `amiable dunning simulate` prints."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ar.core.kernel import Kernel
from dunning.policies import policies_in_force
from dunning.policy import Policy, PolicyError, parse_policy
from dunning.simulation.figures import Outcome
from dunning.simulation.simulate import Simulation, months_before, simulate

_LARGEST = 1_000_000


def run(
    kernel: Kernel,
    file: Path | None,
    *,
    months: int,
    sample: int,
    seed: int,
    now: datetime,
    as_json: bool,
    out: Console,
) -> None:
    """Simulate the policy of a JSON file, or the company's own, over the last months, and print the result.

    Raises PolicyError for a file that holds no policy.
    """
    first, last = months_before(now.date(), months)
    with kernel.database.reading() as session:
        policy = read_policy(file) if file is not None else policies_in_force(session, now=now).company
        found = simulate(session, policy, first=first, last=last, sample=sample, seed=seed, now=now)
    if as_json:
        out.print_json(json.dumps(found.as_data(), ensure_ascii=False))
    else:
        put(found, out)


def read_policy(file: Path) -> Policy:
    """The policy in a JSON file: the body as the API takes it, `name` beside it or not. Raises PolicyError."""
    text = file.read_bytes()[: _LARGEST + 1]
    try:
        body = json.loads(text) if len(text) <= _LARGEST else None
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise PolicyError(f"{file.name} holds no policy: give one JSON object")
    name = body.pop("name", file.stem)
    body.pop("version", None)
    return parse_policy(name if isinstance(name, str) and name else file.stem, 1, body)


def put(found: Simulation, out: Console) -> None:
    table = Table("", found.policy, "In force", title=f"{found.first} to {found.last}")
    scaled = _scaled(found.factor)
    _rows(table, found, scaled)
    out.print(table)
    words = f"{found.sampled:,} of {found.customers:,} customers were drawn"
    if found.factor != 1:
        words += f"; counts are scaled up by {found.factor:g}"
    out.print(f"{words}. What customers would have done otherwise cannot be known: see docs/simulation.md.")


def _scaled(factor: float) -> Callable[[int], str]:
    return lambda count: f"{round(count * factor):,}"


def _rows(table: Table, found: Simulation, scaled: Callable[[int], str]) -> None:
    tried, usual = found.candidate, found.in_force

    def both(words: str, told: Callable[[Outcome], str]) -> None:
        table.add_row(words, told(tried), told(usual))

    both("messages", lambda one: scaled(one.messages))
    both("customers written to", lambda one: scaled(one.customers))
    for title, name in (("step", "by_step"), ("channel", "by_channel"), ("tone", "by_tone"), ("month", "by_month")):
        for key in sorted({*getattr(tried, name), *getattr(usual, name)}):
            both(f"  {title} {key}", lambda one, name=name, key=key: scaled(getattr(one, name).get(key, 0)))  # type: ignore[misc]
    both("most to one customer in 7 days", lambda one: str(one.most_in_7))
    both("most to one customer in 30 days", lambda one: str(one.most_in_30))
    both("settled within 3 days anyway", lambda one: scaled(one.needless))
    both("late items without a word by day 15", lambda one: f"{scaled(one.unwarned)} of {scaled(one.aged)}")
    for reason in sorted({*tried.held, *usual.held}):
        both(f"  held: {reason}", lambda one, reason=reason: scaled(one.held.get(reason, 0)))  # type: ignore[misc]
    for title, name in (("announced", "announced"), ("booked", "booked")):
        for currency in sorted({*getattr(tried, name), *getattr(usual, name)}):
            both(
                f"late charges {title}, {currency} minor units",
                lambda one, name=name, currency=currency: scaled(getattr(one, name).get(currency, 0)),  # type: ignore[misc]
            )
