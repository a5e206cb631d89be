"""Who is asking: the one thing that guards hand to routes."""

from __future__ import annotations

from dataclasses import dataclass

from ar.core.access.models import Role
from ar.core.access.permissions import Permission


@dataclass(frozen=True)
class Person:
    """A user as a request sees it."""

    id: int
    email: str
    name: str


@dataclass(frozen=True)
class Principal:
    """A signed-in user, or an API key. `actor` is how the audit trail names it: 'user:3' or 'key:2'."""

    actor: str
    language: str
    permissions: frozenset[Permission]
    user: Person | None = None
    role: Role | None = None
    csrf_token: str = ""

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions
