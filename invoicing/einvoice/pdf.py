"""The printed page of an invoice, with the electronic invoice inside where there is one: a Factur-X document.

The electronic invoice keeps what no font at hand can draw on the page.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from invoicing.einvoice.xmp import claim_facturx
from invoicing.typeset import typeset


def build_pdf(sheet: dict[str, Any], cii: bytes | None, *, made_at: datetime) -> bytes:
    """The page of `sheet` (see sheet.py); with `cii`, a Factur-X document of the profile EN 16931."""
    if cii is None:
        return typeset("invoice", sheet, {}, made_at=made_at)
    return claim_facturx(typeset("invoice", sheet, {"cii": cii.decode()}, made_at=made_at))
