"""Messages to the outside: written with the business fact, sent after it, each at most once.

`queue` writes them in the transaction that decides them, `deliver` sends them, and a person decides about those
whose fate is unknown.
"""

from __future__ import annotations

from ar.core.outbox.decide import MessageStateError, cancel, mark_arrived, send_again
from ar.core.outbox.deliver import DeliveryReport, Guard, always_wanted, deliver
from ar.core.outbox.models import MessageState, OutboxMessage
from ar.core.outbox.queue import Draft, DraftError, queue

__all__ = [
    "DeliveryReport",
    "Draft",
    "DraftError",
    "Guard",
    "MessageState",
    "MessageStateError",
    "OutboxMessage",
    "always_wanted",
    "cancel",
    "deliver",
    "mark_arrived",
    "queue",
    "send_again",
]
