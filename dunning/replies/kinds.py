"""What a message that came in is, and what may be proposed for it."""

from __future__ import annotations

from enum import StrEnum


class ReplyKind(StrEnum):
    """What a message says. The first ones were written by nobody; the others are a person's."""

    AUTOMATIC = "automatic"
    OUT_OF_OFFICE = "out_of_office"
    BOUNCE = "bounce"
    DELAY = "delay"
    RECEIPT = "receipt"
    LIST = "list"
    OWN = "own"
    UNREADABLE = "unreadable"  # a person has to look at it in the mailbox
    INSOLVENCY = "insolvency"
    DETAILS = "details"  # other bank details or another address
    DISPUTE = "dispute"
    REMITTANCE = "remittance"
    PAID = "paid"  # says that it has paid
    PLAN = "plan"
    PROMISE = "promise"
    COPY = "copy"
    CONTACT = "contact"  # somebody else is to be written to
    UNSUBSCRIBE = "unsubscribe"
    QUESTION = "question"
    OTHER = "other"


NOBODY = frozenset(
    {
        ReplyKind.AUTOMATIC,
        ReplyKind.OUT_OF_OFFICE,
        ReplyKind.BOUNCE,
        ReplyKind.DELAY,
        ReplyKind.RECEIPT,
        ReplyKind.LIST,
        ReplyKind.OWN,
    }
)
"""Written by no person: recorded, never answered, and no reason to wait."""

MEANINGS = tuple(kind for kind in ReplyKind if kind not in NOBODY and kind is not ReplyKind.UNREADABLE)
"""What a person's words may mean, what matters most first."""


class ProposalKind(StrEnum):
    """What is proposed. COPY, OPT_OUT and REMITTANCE are safe and done at once where the sender is a known contact."""

    PROMISE = "promise"
    DISPUTE = "dispute"
    REMITTANCE = "remittance"
    PAID = "paid"
    COPY = "copy"
    OPT_OUT = "opt_out"
    WAIT = "wait"
    INSOLVENCY = "insolvency"
    CONTACT = "contact"
    DETAILS = "details"
    PLAN = "plan"


class ProposalState(StrEnum):
    """OPEN waits for a person. DONE was safe and done at once; ACCEPTED by a person."""

    OPEN = "open"
    DONE = "done"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"


class ReplyState(StrEnum):
    OPEN = "open"
    HANDLED = "handled"


class MatchedBy(StrEnum):
    """How a message was set to its customer; NOBODY for one that a person has to set."""

    THREAD = "thread"
    TOKEN = "token"  # noqa: S105 - of an address, no secret
    SENDER = "sender"
    PERSON = "person"
    NOBODY = "nobody"
