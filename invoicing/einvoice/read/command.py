"""`amiable import einvoice`: files taken in one after the other, and what became of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from ar.core import clock
from ar.core.errors import DomainError
from ar.core.kernel import Kernel
from invoicing.einvoice.read.take import Outcome, examine, take_in


def run(
    kernel: Kernel,
    files: Sequence[Path],
    *,
    account: str | None,
    create_accounts: bool,
    as_json: bool,
    out: Console,
) -> bool:
    """Take in each file in a transaction of its own, and tell what became of it; False when one was refused."""
    whole = True
    for file in files:
        told = _taken(kernel, file, account=account, create_accounts=create_accounts)
        whole = whole and told["outcome"] != "refused"
        if as_json:
            out.file.write(json.dumps(told) + "\n")
        else:
            out.print(_in_words(told), highlight=False, markup=False)
    return whole


def _taken(kernel: Kernel, file: Path, *, account: str | None, create_accounts: bool) -> dict[str, Any]:
    try:
        examined = examine(file.read_bytes())
        with kernel.database.transaction() as session:
            taken = take_in(
                session,
                kernel.settings.files,
                examined,
                file_name=file.name,
                account_code=account,
                create_accounts=create_accounts,
                by="system",
                today=clock.today(),
                now=clock.now(),
            )
    except DomainError as error:
        reasons = [fault.message for fault in error.faults] or [error.message]
        return {"file": file.name, "outcome": "refused", "reasons": reasons}
    return {
        "file": file.name,
        "outcome": taken.outcome.value,
        "number": taken.number,
        "invoice_id": taken.entry_id,
        "account_id": taken.account_id,
    }


def _in_words(told: dict[str, Any]) -> str:
    if told["outcome"] == "refused":
        return f"{told['file']}: refused: {'; '.join(told['reasons'])}"
    if told["outcome"] == Outcome.UNCHANGED.value:
        return f"{told['file']}: {told['number']} was taken in before"
    return f"{told['file']}: {told['number']} is taken in"
