"""Errors that a caller can mend: each carries a status, a stable code, a sentence, and the places at fault.

Concrete errors are subclasses that sit beside the function raising them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing wrong at one place. `pointer` is an RFC 6901 JSON pointer, or 'row 12, column due_date'."""

    pointer: str
    message: str


class DomainError(Exception):
    """What the product refuses, why, and how to mend it. Shown as a problem document (RFC 9457) or a page."""

    status = 422
    code = "refused"

    def __init__(self, message: str, *, faults: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.faults = tuple(faults)


class NotFoundError(DomainError):
    """The thing does not exist, or is not the caller's to see: both answer alike."""

    status = 404
    code = "not-found"


class ConflictError(DomainError):
    """The thing changed, or exists already in another form."""

    status = 409
    code = "conflict"


class ForbiddenError(DomainError):
    """The caller is known but may not do this."""

    status = 403
    code = "forbidden"


class ChangedError(ConflictError):
    """Somebody else changed the thing since the caller read it."""

    status = 412
    code = "changed-meanwhile"
