"""The words of a statement: what its entries and its columns are called. Pure."""

from __future__ import annotations

from ar.core.i18n import marked as _
from ar.ledger.ageing import bucket_names
from ar.ledger.models import EntryKind
from invoicing.einvoice.words import Say

KINDS = {
    EntryKind.INVOICE: _("Invoice"),
    EntryKind.CREDIT_NOTE: _("Credit note"),
    EntryKind.PAYMENT: _("Payment"),
    EntryKind.REFUND: _("Refund"),
    EntryKind.WRITE_OFF: _("Write-off"),
    EntryKind.LATE_CHARGE: _("Late-payment charge"),
    EntryKind.ADJUSTMENT: _("Adjustment"),
    EntryKind.REVERSAL: _("Reversal"),
}


def buckets(say: Say) -> list[str]:
    """What each bucket of the ageing is called."""
    return [say(_("Not due")) if n == "not_due" else say(_("%(range)s days late"), range=n) for n in bucket_names()]
