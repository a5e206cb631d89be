"""The EPC QR code of a SEPA credit transfer (EPC069-12): a banking app reads the payee, the amount and the number."""

from __future__ import annotations

from io import BytesIO

from ar.core.money import to_decimal
from invoicing.einvoice.facts import DocumentFacts

_LONGEST_NAME = 70


def epc_qr(facts: DocumentFacts) -> str | None:
    """The code as SVG; None where the document is not one to pay in euros by IBAN, or does not fit into a code."""
    if facts.payment_means is None or facts.currency != "EUR" or facts.bank is None:
        return None
    from segno import helpers

    try:
        code = helpers.make_epc_qr(
            name=" ".join(facts.bank.holder.split())[:_LONGEST_NAME],
            iban=facts.bank.iban,
            bic=facts.bank.bic or None,
            amount=to_decimal(facts.total_minor, facts.currency),
            text=facts.number,
        )
    except ValueError:  # an amount above what SEPA carries, or a name of too many bytes
        return None
    written = BytesIO()
    code.save(written, kind="svg", border=0, xmldecl=False)
    return written.getvalue().decode()
