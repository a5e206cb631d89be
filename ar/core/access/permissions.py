"""Which role may do what: one table, read by the guards, the menu and the tests.

Duties are kept apart: who administers users neither books nor takes money, who grants credit and corrects the ledger
does not apply cash, and the auditor reads everything and writes nothing.
"""

from __future__ import annotations

from typing import Literal, get_args

from ar.core.access.models import Role

Permission = Literal[
    "customers:read",
    "customers:write",
    "ledger:read",
    "ledger:write",
    "invoices:read",
    "invoices:write",
    "invoices:approve",
    "orders:read",
    "orders:write",
    "deliveries:read",
    "deliveries:write",
    "law:read",
    "law:write",
    "cash:read",
    "cash:write",
    "collections:approve",
    "credit:read",
    "credit:write",
    "credit:override",
    "disputes:read",
    "disputes:write",
    "dunning:read",
    "dunning:write",
    "prediction:read",
    "prediction:run",
    "import:write",
    "kpis:read",
    "audit:read",
    "users:read",
    "users:write",
    "keys:write",
    "webhooks:read",
    "webhooks:write",
]

ALL: frozenset[Permission] = frozenset(get_args(Permission))

_A, _M, _C, _H, _S, _F, _U = (
    Role.ADMIN,
    Role.CREDIT_MANAGER,
    Role.COLLECTOR,
    Role.CASH,
    Role.SALES,
    Role.CFO,
    Role.AUDITOR,
)

PERMISSIONS: dict[Permission, frozenset[Role]] = {
    "customers:read": frozenset(Role),
    "customers:write": frozenset({_A, _M, _C}),
    "ledger:read": frozenset({_A, _M, _C, _H, _F, _U}),
    "ledger:write": frozenset({_M}),
    "invoices:read": frozenset(Role),
    "invoices:write": frozenset({_A, _M}),
    "invoices:approve": frozenset({_A, _M}),
    "orders:read": frozenset(Role),
    "orders:write": frozenset({_A, _M, _S}),
    "deliveries:read": frozenset(Role),
    "deliveries:write": frozenset({_A, _M, _C}),
    "law:read": frozenset({_A, _M, _C, _F, _U}),
    "law:write": frozenset({_A}),
    "cash:read": frozenset({_A, _M, _C, _H, _F, _U}),
    "cash:write": frozenset({_H}),
    "collections:approve": frozenset({_M}),
    "credit:read": frozenset(Role),
    "credit:write": frozenset({_M}),
    "credit:override": frozenset({_M}),
    "disputes:read": frozenset(Role),
    "disputes:write": frozenset({_A, _M, _C}),
    "dunning:read": frozenset({_A, _M, _C, _F, _U}),
    "dunning:write": frozenset({_A, _M, _C}),
    "prediction:read": frozenset({_A, _M, _C, _F, _U}),
    "prediction:run": frozenset({_A, _M}),
    "import:write": frozenset({_A, _M}),
    "kpis:read": frozenset({_A, _M, _C, _F, _U}),
    "audit:read": frozenset({_A, _F, _U}),
    "users:read": frozenset({_A, _U}),
    "users:write": frozenset({_A}),
    "keys:write": frozenset({_A, _M, _H}),
    "webhooks:read": frozenset({_A, _U}),
    "webhooks:write": frozenset({_A}),
}


def permissions_of(role: Role) -> frozenset[Permission]:
    """What `role` may do."""
    return _BY_ROLE[role]


_BY_ROLE = {role: frozenset(name for name, roles in PERMISSIONS.items() if role in roles) for role in Role}
