"""`amiable bank read` and `amiable bank import`: a file told, or taken in."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ar.cash.bank.profiles import chosen_or_own
from ar.cash.bank.readers.facts import BankFileError
from ar.cash.bank.readers.read import parts_of
from ar.cash.bank.take import MAX_BYTES, take_file
from ar.cash.bank.tell import told
from ar.core import clock
from ar.core.kernel import Kernel
from ar.core.money import plain


def read(file: Path, *, profile: str | None, account: str, currency: str, as_json: bool, out: Console) -> None:
    """Print what `file` says; nothing is stored. Raises what the readers raise."""
    parts = parts_of(content_of(file), profiles=chosen_or_own(profile), account=account, currency=currency)
    found = told(parts)
    if as_json:
        out.file.write(json.dumps({"statements": found}, ensure_ascii=False, indent=2) + "\n")
        return
    for one in found:
        table = Table("Booked", "Amount", "", "From or to", "Text", title=Text(_title(one)))
        for line in one["lines"]:
            amount = plain(line["amount_minor"], line["currency"])
            words = line["structured_reference"] or line["remittance"]
            table.add_row(
                line["booking_date"],
                Text(amount, justify="right"),
                line["currency"] if line["status"] == "booked" else f"{line['currency']} {line['status']}",
                Text(line["counterparty_name"] or line["counterparty_iban"]),
                Text(words),
            )
        out.print(table)


def _title(one: dict[str, object]) -> str:
    balances = [
        f"{name} {plain(minor, str(one[f'{name}_balance_currency']))} on {one[f'{name}_balance_date']}"
        for name in ("opening", "closing")
        if isinstance(minor := one[f"{name}_balance_minor"], int)
    ]
    return ", ".join([f"{one['format']}: account {one['account'] or 'not said'}", *balances])


def take(
    kernel: Kernel, file: Path, *, profile: str | None, account: str, currency: str, as_json: bool, out: Console
) -> None:
    """Take `file` in, all of it or nothing, and say what came of each statement."""
    content = content_of(file)
    with kernel.database.transaction() as session:
        report = take_file(
            session,
            kernel.settings.files,
            content,
            name=file.name,
            by="system",
            now=clock.now(),
            profiles=chosen_or_own(profile),
            account=account,
            currency=currency,
        )
    if as_json:
        out.file.write(json.dumps(asdict(report), ensure_ascii=False, default=str) + "\n")
        return
    for one in report.statements:
        words = f"{one.account} {one.reference}: {one.read:,} lines read, {one.added:,} added, {one.known:,} known"
        out.print(Text("; ".join([words, *one.gaps])))


def content_of(file: Path) -> bytes:
    """The bytes of `file`. Raises BankFileError for one that is larger than is taken, before it is read."""
    if file.stat().st_size > MAX_BYTES:
        raise BankFileError(f"The file has more than {MAX_BYTES:,} bytes")
    return file.read_bytes()
