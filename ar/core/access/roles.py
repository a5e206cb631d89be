"""What roles are called."""

from __future__ import annotations

from ar.core.access.models import Role
from ar.core.i18n import marked as _

ROLE_LABELS: dict[Role, str] = {
    Role.ADMIN: _("Administrator"),
    Role.CREDIT_MANAGER: _("Credit manager"),
    Role.COLLECTOR: _("Collector"),
    Role.CASH: _("Cash application"),
    Role.SALES: _("Sales"),
    Role.CFO: _("Chief financial officer"),
    Role.AUDITOR: _("Auditor"),
}
"""English names, marked for translation."""
