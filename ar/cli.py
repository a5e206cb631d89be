"""The command `amiable`: assembly only. Each command imports what it needs, so that none waits for the others."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ar.core import clock
from ar.core.errors import DomainError
from ar.core.kernel import Kernel, build
from ar.core.settings import Settings

app = typer.Typer(
    name="amiable",
    help="Accounts receivable, kindly: bill, remind, get paid, and see what comes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
imports = typer.Typer(help="Bring in files: invoices, exchange rates.", no_args_is_help=True)
users = typer.Typer(help="The people who work with this installation.", no_args_is_help=True)
entities = typer.Typer(help="The legal entities that sell.", no_args_is_help=True)
audit = typer.Typer(help="The audit trail.", no_args_is_help=True)
exports = typer.Typer(help="Take data out: for the bookkeeping, or all there is.", no_args_is_help=True)
replies = typer.Typer(help="What customers write back.", no_args_is_help=True)
bank = typer.Typer(help="Bank files: statements and notifications.", no_args_is_help=True)
dunning = typer.Typer(help="Reminders: policies tried on the past.", no_args_is_help=True)
app.add_typer(imports, name="import")
app.add_typer(bank, name="bank")
app.add_typer(dunning, name="dunning")
app.add_typer(replies, name="replies")
app.add_typer(users, name="user")
app.add_typer(entities, name="entity")
app.add_typer(audit, name="audit")
app.add_typer(exports, name="export")

out = Console()
err = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")]
AsOf = Annotated[
    datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The day, at its end; today when not given.")
]


def main() -> None:
    """Run the command line; a refusal is told on stderr with exit code 1, never as a trace."""
    try:
        app()
    except DomainError as error:
        err.print(f"[bold red]{error.code}[/]: {error.message}", highlight=False)
        for fault in error.faults:
            err.print(f"  {fault.pointer}: {fault.message}", highlight=False, markup=False)
        sys.exit(1)


def ready() -> Kernel:
    """The installation that the environment describes, its logs set up and its database in the current form."""
    from ar.core import logs
    from ar.schema import bring_up

    settings = Settings()
    logs.configure(settings)
    kernel = build(settings)
    bring_up(kernel.database)
    return kernel


def day_of(as_of: datetime | None) -> date:
    return as_of.date() if as_of else clock.today()


def put(told: dict[str, Any]) -> None:
    print(json.dumps(told, ensure_ascii=False, default=str))


@app.command()
def migrate() -> None:
    """Bring the database to the current form; what it holds stays."""
    from ar.schema import upgrade

    kernel = build(Settings())
    upgrade(kernel.database)
    out.print("The database is in its current form.")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    with_scheduler: Annotated[bool, typer.Option(help="Run the rota and its jobs in this process too.")] = False,
) -> None:
    """Serve the pages and the API."""
    from ar.serve import run

    run(ready(), host=host, port=port, with_scheduler=with_scheduler)


@app.command()
def scheduler() -> None:
    """Tick the rota: decides hourly what is due. One process; a second one does no harm."""
    from ar.rota import run_scheduler

    run_scheduler(ready())


@app.command()
def worker() -> None:
    """Run jobs, on PostgreSQL. Any number of these may run."""
    from ar.worker import run_worker

    run_worker(ready())


@app.command()
def demo(
    customers: Annotated[int, typer.Option(min=10, max=5000, help="How many customers.")] = 300,
    months: Annotated[int, typer.Option(min=3, max=60, help="How many months of history.")] = 18,
    seed: Annotated[int, typer.Option(help="Another number is another company.")] = 1,
    port: Annotated[int, typer.Option(help="Port to serve on.")] = 8000,
    serve_after: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the company when it is there.")] = True,
) -> None:
    """A simulated company, lived day by day to today, then served on 127.0.0.1."""
    from ar.demo.command import run

    run(customers=customers, months=months, seed=seed, port=port, serve=serve_after)


@imports.command("invoices")
def import_invoices(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A CSV or XLSX file.")],
    profile: Annotated[str | None, typer.Option(help="A shipped mapping (ibm, hr) or a TOML file.")] = None,
    entity: Annotated[str | None, typer.Option(help="Code of the legal entity that sells.")] = None,
    refused: Annotated[Path | None, typer.Option(help="Where to write the refused rows as CSV.")] = None,
    as_json: AsJson = False,
) -> None:
    """Import invoices, and what is known of their payment. Importing a file again adds nothing."""
    from invoicing.imports.command import run

    run(ready(), file, profile=profile, entity=entity, refused=refused, as_json=as_json, out=out, err=err)


@imports.command("einvoice")
def import_einvoices(
    files: Annotated[
        list[Path],
        typer.Argument(exists=True, dir_okay=False, readable=True, help="Factur-X or ZUGFeRD (PDF), CII or UBL (XML)."),
    ],
    account: Annotated[str | None, typer.Option(help="Code of the customer, when no number says which.")] = None,
    create_accounts: Annotated[
        bool, typer.Option("--create-accounts", help="Open an account for a customer that has none.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take in electronic invoices made elsewhere. The same file again changes nothing; with one refused, ends in 1."""
    from invoicing.einvoice.read.command import run

    taken = run(ready(), files, account=account, create_accounts=create_accounts, as_json=as_json, out=out)
    if not taken:
        raise typer.Exit(1)


@imports.command("rates")
def import_rates(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The ECB's XML, CSV or zip.")
    ],
    as_json: AsJson = False,
) -> None:
    """Import the European Central Bank's exchange rates. Importing a file again adds nothing."""
    from ar.ledger.ecb import import_rates as take

    kernel = ready()
    with kernel.database.transaction() as session:
        report = take(session, file.read_bytes(), by="system", today=clock.today(), now=clock.now())
    if as_json:
        put({"added": report.added, "unchanged": report.unchanged})
    else:
        out.print(f"{report.added} rates added, {report.unchanged} known already.")


BankFile = Annotated[
    Path,
    typer.Argument(exists=True, dir_okay=False, readable=True, help="CAMT, MT940, CFONB, BAI2, OFX, CSV or XLSX."),
]
BankProfile = Annotated[str | None, typer.Option("--profile", help="For a table: a shipped mapping or a TOML file.")]
BankNumber = Annotated[str, typer.Option("--account", help="For a table that does not say it: the account's number.")]
BankCurrency = Annotated[str, typer.Option("--currency", help="For a table that does not say it: the currency.")]


@bank.command("read")
def read_bank_file(
    file: BankFile,
    profile: BankProfile = None,
    account: BankNumber = "",
    currency: BankCurrency = "",
    as_json: AsJson = False,
) -> None:
    """Show what a bank file says. Needs no installation and stores nothing."""
    from ar.cash.bank.command import read

    read(file, profile=profile, account=account, currency=currency, as_json=as_json, out=out)


@bank.command("import")
def import_bank_file(
    file: BankFile,
    profile: BankProfile = None,
    account: BankNumber = "",
    currency: BankCurrency = "",
    as_json: AsJson = False,
) -> None:
    """Take in a bank file, all of it or nothing. Importing a file again adds nothing."""
    from ar.cash.bank.command import take

    take(ready(), file, profile=profile, account=account, currency=currency, as_json=as_json, out=out)


@replies.command("read")
def read_reply(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="An e-mail (.eml).")],
    rules_only: Annotated[bool, typer.Option("--rules-only", help="By the phrases alone, without the model.")] = False,
) -> None:
    """Show what a message from a customer says, as JSON. Needs no installation and stores nothing."""
    from dunning.replies.command import read

    put(read(file, rules_only=rules_only))


@app.command("match")
def match_bank_file(
    file: BankFile,
    profile: BankProfile = None,
    account: BankNumber = "",
    currency: BankCurrency = "",
    as_json: AsJson = False,
) -> None:
    """Show what the money of a bank file would be applied to, and why. Stores nothing."""
    from ar.cash.matching.command import run
    from ar.rota import said_to_come

    run(ready(), file, said_to_come, profile=profile, account=account, currency=currency, as_json=as_json, out=out)


@exports.command("journal")
def export_journal(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day.")],
    file: Annotated[Path | None, typer.Argument(dir_okay=False, help="Where to write; its usual name if not.")] = None,
    entity: Annotated[str | None, typer.Option(help="Code of the legal entity that sells.")] = None,
    form: Annotated[str, typer.Option("--format", help="csv, or fec for the French tax office.")] = "csv",
    accounts: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A TOML file of your accounts; French ones if not.")
    ] = None,
) -> None:
    """Write the receivables journal of a period, each posting as an entry that balances."""
    from invoicing.exports.command import run

    run(ready(), file, entity=entity, first=first.date(), last=last.date(), form=form, accounts=accounts, out=out)


@exports.command("all")
def export_all(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The zip archive to write.")],
) -> None:
    """Write all that this installation holds into one archive: a file a table, and every stored document."""
    from ar.core.export import export
    from ar.schema import metadata

    counts = export(ready(), file, metadata(), now=clock.now())
    out.print(f"{sum(counts.values()):,} rows of {len(counts)} tables written to {file}.")


@app.command()
def bill(as_json: AsJson = False) -> None:
    """Bill every customer what is due by now, each its own way. Doing it again bills nothing twice."""
    from invoicing.billing.run import bill as carry_out

    report = carry_out(ready(), by="system", now=clock.now())
    if as_json:
        put(asdict(report))
    else:
        out.print(str(report))


@app.command()
def kpis(
    as_of: AsOf = None,
    entity: Annotated[str | None, typer.Option(help="Only this legal entity, by its code.")] = None,
    currency: Annotated[str | None, typer.Option(help="Currency to tell amounts in.")] = None,
    as_json: AsJson = False,
) -> None:
    """DSO, ADD, CEI, turnover, bad debt and ageing as of any day."""
    from ar.customers.entities import entity_by_code
    from ar.ledger.figures import kpis as figures_of

    kernel = ready()
    with kernel.database.reading() as session:
        entity_id = None if entity is None else entity_by_code(session, entity).id
        told = figures_of(
            session,
            as_of=day_of(as_of),
            currency=currency or kernel.settings.reporting_currency,
            entity_id=entity_id,
        )
    if as_json:
        put(told.as_json())
        return
    words = told.as_json()
    table = Table("Figure", "Value", title=f"As of {told.basis.as_of}, in {told.basis.currency}")
    for name, value in words.items():
        if not isinstance(value, dict):
            table.add_row(name, "–" if value is None else str(value))
    ageing = words["ageing"]
    assert isinstance(ageing, dict)
    for name, minor in ageing.items():
        if isinstance(minor, int):
            table.add_row(f"ageing {name}", f"{minor:,} (minor units)")
    out.print(table)


@app.command()
def train(as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Train the late-payer model on the history, and print its back-test beside a naive baseline."""
    from prediction.report import train as report

    report(ready(), as_of=day_of(as_of), now=clock.now(), as_json=as_json, out=out)


@app.command()
def predict(as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Score the open invoices: who will pay late, and when."""
    from prediction.report import predict as report

    report(ready(), as_of=day_of(as_of), now=clock.now(), as_json=as_json, out=out)


@dunning.command("simulate")
def simulate_policy(
    policy: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, readable=True, help="A policy as JSON; the one in force if not."),
    ] = None,
    months: Annotated[int, typer.Option(min=1, max=12, help="How many months back, up to yesterday.")] = 6,
    sample: Annotated[int, typer.Option(min=1, max=5000, help="How many customers, drawn by chance.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="The same draws the same customers.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Live past months again with a policy: what it would have written. Sends and stores nothing."""
    from dunning.simulation.command import run

    run(ready(), policy, months=months, sample=sample, seed=seed, now=clock.now(), as_json=as_json, out=out)


@users.command("add")
def add_user(
    email: Annotated[str, typer.Argument(help="The address to sign in with.")],
    role: Annotated[str, typer.Option(help="admin, credit_manager, collector, cash, sales, cfo or auditor.")],
    name: Annotated[str, typer.Option(help="The name shown to colleagues.")] = "",
    password: Annotated[
        str | None, typer.Option(help="Given on the command line only in tests; asked when not.")
    ] = None,
    language: Annotated[str, typer.Option(help="en or fr.")] = "en",
) -> None:
    """Let somebody sign in."""
    from ar.core.access.models import Role
    from ar.core.access.passwords import hash_password
    from ar.core.access.users import create_user

    if role not in {one.value for one in Role}:
        raise typer.BadParameter(f"{role} is not a role: choose of {', '.join(one.value for one in Role)}")
    given = password or typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    kernel = ready()
    with kernel.database.transaction() as session:
        create_user(
            session,
            email=email,
            name=name or email.partition("@")[0],
            role=Role(role),
            language=language,
            password_hash=hash_password(given, settings=kernel.settings),
            actor="system",
            now=clock.now(),
        )
    out.print(f"{email} can sign in as {role}.")


@entities.command("add")
def add_entity(
    code: Annotated[str, typer.Argument(help="A short code, such as FR1.")],
    name: Annotated[str, typer.Option(help="Its legal name.")],
    country: Annotated[str, typer.Option(help="ISO 3166 code.")] = "FR",
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "EUR",
    language: Annotated[str, typer.Option(help="ISO 639 code.")] = "fr",
    email: Annotated[str | None, typer.Option(help="Its address for customers' questions.")] = None,
) -> None:
    """Add a seller to the installation."""
    from ar.customers.entities import EntityDraft, found_entity

    kernel = ready()
    draft = EntityDraft(code=code, name=name, country=country, currency=currency, language=language, email=email)
    with kernel.database.transaction() as session:
        found_entity(session, draft, by="system", now=clock.now())
    out.print(f"{name} sells under the code {code}.")


@audit.command("verify")
def verify_audit() -> None:
    """Check the whole chain of the audit trail; exit code 1 when it was tampered with."""
    from ar.core.audit import verify

    kernel = ready()
    with kernel.database.reading() as session:
        wrong = verify(session)
    for line in wrong:
        err.print(line, highlight=False)
    if wrong:
        raise typer.Exit(1)
    out.print("The audit trail is whole.")


if __name__ == "__main__":
    main()
