"""Messages to the outside: written with the business fact, sent after it, each at most once.

`queue` writes them in the transaction that decides them, `deliver` sends them, and a person decides about those
whose fate is unknown.
"""

from __future__ import annotations

from ar.core.outbox.claim import Guard, always_wanted
from ar.core.outbox.decide import MessageStateError, cancel, mark_arrived, send_again
from ar.core.outbox.deliver import DeliveryReport, deliver
from ar.core.outbox.find import known_as
from ar.core.outbox.models import Arrival, MessageChannel, MessageState, OutboxMessage
from ar.core.outbox.queue import Draft, DraftError, queue

__all__ = [
    "Arrival",
    "DeliveryReport",
    "Draft",
    "DraftError",
    "Guard",
    "MessageChannel",
    "MessageState",
    "MessageStateError",
    "OutboxMessage",
    "always_wanted",
    "cancel",
    "deliver",
    "known_as",
    "mark_arrived",
    "queue",
    "send_again",
]
