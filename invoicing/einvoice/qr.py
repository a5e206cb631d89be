"""The EPC QR code of a SEPA credit transfer (EPC069-12): a banking app reads the payee, the amount and the number."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import cast

from typing_extensions import Buffer

from ar.core.money import to_decimal
from invoicing.einvoice.facts import DocumentFacts

_LONGEST_NAME = 70
_MOST = Decimal("999999999.99")
_MOST_BYTES = 331
"""What EPC069-12 carries at most."""

_RUN = re.compile(b"\x00+|\xff+")
_STROKES = {
    **{b"\x00" * n: f"h{n}" for n in range(1, 178)},
    **{b"\xff" * n: f"m{n} 0" for n in range(1, 178)},
}
"""How a run of dark squares, or of light ones, is drawn: a row has 177 at most."""


def epc_qr(facts: DocumentFacts) -> str | None:
    """The code as SVG; None where the document is not one to pay in euros by IBAN, or does not fit into a code."""
    if facts.payment_means is None or facts.currency != "EUR" or facts.bank is None:
        return None
    amount = to_decimal(facts.total_minor, facts.currency)
    name = " ".join(facts.bank.holder.split())[:_LONGEST_NAME]
    lines = (
        "BCD", "002", "1", "SCT", facts.bank.bic, name, facts.bank.iban, f"EUR{amount}", "", "", facts.number,
    )  # fmt: skip
    said = "\n".join(lines).encode("utf-8", "replace")
    if amount > _MOST or len(said) > _MOST_BYTES:
        return None
    import zxingcpp

    code = zxingcpp.create_barcode(said, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    squares = code.to_image(scale=1, add_quiet_zones=False)
    return _drawn(bytes(cast(Buffer, squares)), squares.shape[1])


def _drawn(squares: bytes, size: int) -> str:
    """The dark squares of `size` rows as one path: a line as broad as a square along each row."""
    rows = (squares[start : start + size] for start in range(0, len(squares), size))
    runs = (f"M0 {y}.5" + "".join([_STROKES[run] for run in _RUN.findall(row)]) for y, row in enumerate(rows))
    path = f'<path stroke="#000" d="{"".join(runs)}"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}">{path}</svg>'
