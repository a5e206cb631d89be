"""`amiable export journal`: the receivables journal of a period, into a file."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import uuid4

from rich.console import Console

from ar.core.errors import DomainError
from ar.core.kernel import Kernel
from ar.customers.entities import entity_by_code
from invoicing.exports.accounts import SHIPPED, read_chart
from invoicing.exports.write import JournalFormat, file_name, write_journal


class FormatError(DomainError):
    code = "bad-format"


def run(
    kernel: Kernel,
    file: Path | None,
    *,
    entity: str | None,
    first: date,
    last: date,
    form: str,
    accounts: Path | None,
    out: Console,
) -> None:
    """Write the journal and say where; the file appears whole or not at all.

    Raises FormatError, ChartError, EntityNotFoundError, PeriodError, RateMissingError.
    """
    if form not in set(JournalFormat):
        raise FormatError(f"{form} is no format: write csv or fec")
    chart = read_chart((accounts or SHIPPED).read_text(encoding="utf-8"))
    with kernel.database.reading() as session:
        seller = entity_by_code(session, entity)
        target = file or Path(file_name(seller, last, JournalFormat(form)))
        half = target.with_name(f".{target.name}.{uuid4().hex[:8]}")
        try:
            with half.open("w", encoding="utf-8", newline="") as stream:
                write_journal(stream, session, seller, first=first, last=last, chart=chart, form=JournalFormat(form))
            half.replace(target)
        finally:
            half.unlink(missing_ok=True)
    out.print(f"The journal of {seller.name} from {first} to {last} is in {target}.", highlight=False)
