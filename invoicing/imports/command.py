"""`amiable import invoices`: the file in, a progress bar meanwhile, and a report of what came of its rows."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from sqlmodel import Session

from ar.core import clock
from ar.core.kernel import Kernel
from ar.core.tabular import FileError
from ar.customers.entities import EntityDraft, entities, found_entity
from invoicing.imports.batches import read_batch, write_refused
from invoicing.imports.profiles import chosen
from invoicing.imports.run import Report, import_invoices

FIRST_SELLER = "MAIN"


def run(
    kernel: Kernel,
    file: Path,
    *,
    profile: str | None,
    entity: str | None,
    refused: Path | None,
    as_json: bool,
    out: Console,
    err: Console,
) -> None:
    """Import `file` in one transaction and tell what came of it, the refused rows into the file `refused`.

    An installation without a legal entity gets a first one, to be renamed later. Raises what import_invoices raises,
    and FileError, before anything is imported, when `refused` cannot be written.
    """
    if refused is not None:
        _check_writable(refused)
    mapping = chosen(profile)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeElapsedColumn(),
        console=err,
        disable=as_json or not err.is_terminal,
        transient=True,
    )
    with bar, kernel.database.transaction() as session, file.open("rb") as stream:
        task = bar.add_task(f"Importing {file.name}", total=1.0, rows=0)
        if entity is None and not entities(session):
            _found_first(session, kernel, err)
        report = import_invoices(
            session,
            stream,
            file_name=file.name,
            profile=mapping,
            entity_code=entity,
            by="system",
            today=clock.today(),
            now=clock.now(),
            progress=lambda rows, part: bar.update(task, completed=part or 0.0, rows=rows),
        )
    if refused is not None:
        with kernel.database.reading() as session, refused.open("w", encoding="utf-8-sig", newline="") as target:
            write_refused(session, read_batch(session, report.batch_id), target)
    if as_json:
        out.file.write(json.dumps(report.counts()) + "\n")
    else:
        _tell(report, refused, out)


def _check_writable(path: Path) -> None:
    try:
        path.open("a").close()
    except OSError as error:
        raise FileError(f"The refused rows cannot be written to {path}: {error.strerror}") from error


def _found_first(session: Session, kernel: Kernel, err: Console) -> None:
    draft = EntityDraft(
        code=FIRST_SELLER,
        name="Main legal entity",
        country="FR",
        currency=kernel.settings.reporting_currency,
        language=kernel.settings.default_language,
    )
    found_entity(session, draft, by="system", now=clock.now())
    err.print(f"There was no legal entity yet: the invoices belong to a first one, {FIRST_SELLER}.", highlight=False)


def _tell(report: Report, refused: Path | None, out: Console) -> None:
    counts = f"{report.accepted:,} accepted, {report.refused:,} refused, {report.unchanged:,} unchanged."
    out.print(counts, highlight=False)
    if not report.refused:
        return
    table = Table("Row", "Column", "Value", "Why")
    for one in report.first_refusals:
        table.add_row(str(one.row), Text(one.column), Text(one.value), Text(one.reason))
    out.print(table)
    if report.refused > len(report.first_refusals):
        out.print(f"... and {report.refused - len(report.first_refusals):,} more", highlight=False)
    if refused is not None:
        told = f"The refused rows are in {refused}: mend them there and import that file."
        out.print(told, highlight=False, markup=False)
    else:
        out.print("Import again with --refused FILE.csv to get the refused rows as a file to mend.", highlight=False)
