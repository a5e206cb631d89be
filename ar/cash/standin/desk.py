"""What the test gateway's API and pages share: its keys, its address, its store, its clock, its postman."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ar.cash.standin import play
from ar.cash.standin.postman import Postman
from ar.cash.standin.store import Store


@dataclass(frozen=True)
class Desk:
    """`base_url` is where customers' browsers find the gateway; `answer_seconds` how long a bank takes for a debit."""

    base_url: str
    api_key: str
    store: Store
    clock: Callable[[], datetime]
    postman: Postman
    answer_seconds: float

    def now(self) -> float:
        """Epoch seconds."""
        return self.clock().timestamp()

    def wake(self) -> None:
        """Have what is due sent, after this answer."""
        self.postman.wake()


_LATER: dict[str, play.Act] = {
    "bank_pays": play.bank_answers(pays=True),
    "bank_refuses": play.bank_answers(pays=False),
    "debit_pays": play.debit_answered(pays=True),
    "debit_refuses": play.debit_answered(pays=False),
    "expires": play.expire_if_open,
}


def catch_up(store: Store, at: float) -> None:
    """Let happen what happens by itself until `at` (epoch seconds): banks answer, payment pages expire."""
    with store.open() as kept:
        for number, act in kept.due(at=at):
            thing = kept.get(number)
            if thing is not None:
                _LATER[act](thing, kept, at)
