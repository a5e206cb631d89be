"""`amiable demo`: makes the simulated company in a folder of its own, lives it to today, and serves it."""

from __future__ import annotations

import secrets
import shutil
import socket
from contextlib import closing
from dataclasses import asdict
from datetime import date, datetime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlmodel import Session

from ar.core import clock, logs
from ar.core.access.links import portal_url
from ar.core.access.passwords import hash_password
from ar.core.errors import DomainError
from ar.core.kernel import Kernel, build
from ar.core.settings import Settings
from ar.customers.accounts import account
from ar.demo.answers import answers
from ar.demo.banking import bank_day
from ar.demo.company import USERS, company
from ar.demo.engine import Summary, last_lived, live
from ar.ledger.figures import kpis
from ar.ledger.items import open_items
from ar.schema import upgrade
from ar.serve import run as serve_kernel
from dunning.jobs import mark_attention, refresh_worklist
from dunning.policies import seed_policies
from prediction.run import predict, train

HOST = "127.0.0.1"
LEARNT_CELLS = 100_000
"""Days of invoices that the demo's model learns from: a quarter of the usual, for it is waited for."""


class PortTakenError(DomainError):
    """Another program listens there already."""

    code = "port-taken"


def run(*, customers: int, months: int, seed: int, port: int, serve: bool) -> None:
    """Make, live and, unless told not to, serve the company of `seed`. Raises PortTakenError before it begins."""
    out = Console()
    if serve:
        check_port(port)
    settings = demo_settings(Settings(), port=port)
    logs.configure(settings)
    watch = clock.stopwatch()
    kernel, password, summary = make(settings, customers=customers, months=months, seed=seed, now=clock.now(), out=out)
    with kernel.database.reading() as session:
        tell(out, session, kernel, summary, last_lived(clock.now()))
    out.print(f"Ready after {watch():.0f} s.")
    if not serve:
        return

    def started() -> None:
        with kernel.database.reading() as session:
            tell_doors(out, session, kernel, password, now=clock.now())

    serve_kernel(kernel, host=HOST, port=port, with_scheduler=True, started=started)


def make(
    settings: Settings, *, customers: int, months: int, seed: int, now: datetime, out: Console
) -> tuple[Kernel, str, Summary]:
    """A new installation in the folder of `settings`, the company lived in it; the password of all its users."""
    shutil.rmtree(settings.var_dir, ignore_errors=True)
    kernel = build(settings)
    upgrade(kernel.database)
    plan = company(seed=seed, customers=customers, months=months, today=last_lived(now))
    password = secrets.token_urlsafe(12)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out) as progress:
        days = progress.add_task("Living the days", total=(plan.today - plan.first_day).days + 1)
        summary = live(
            kernel,
            plan,
            password_hash=hash_password(password, settings=settings),
            told=lambda day: progress.update(days, advance=1, description=f"Living {day}"),
        )
    with out.status("Reading the bank's file"):
        out.print(f"Of the money of the last day: {bank_day(kernel, today=plan.today, now=now)}.")
    with out.status("Learning who pays when"):
        train(kernel, as_of=plan.today, now=now, folds=2, max_cells=LEARNT_CELLS)
        predict(kernel, as_of=plan.today, now=now)
    with out.status("Reading what customers answer"):
        answers(kernel, today=plan.today, now=now)
    with out.status("Ordering the work"):
        with kernel.database.transaction() as session:
            seed_policies(session, now=now)
        mark_attention(kernel, {}, now)
        refresh_worklist(kernel, {}, now)
    return kernel, password, summary


def demo_settings(settings: Settings, *, port: int) -> Settings:
    """`settings` with a folder, a database and doors of its own: no real mail and no real payment leaves a demo."""
    changes = {
        "var_dir": settings.var_dir / "demo",
        "database_url": "",
        "files_url": "",
        "base_url": f"http://{HOST}:{port}",
        "secret_key": None,
        "smtp_url": "",
        "imap_url": None,
        "sms_url": None,
        "stripe_secret_key": None,
        "stripe_webhook_secret": None,
        "stripe_api_base": "",
    }
    return Settings.model_validate(settings.model_dump() | changes)


def check_port(port: int) -> None:
    """Raises PortTakenError when something listens on `port`."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise PortTakenError(f"Port {port} is taken: stop what listens there, or give another by --port") from None


def portal_account(session: Session, *, as_of: date) -> int:
    """The account whose page shows most: several invoices open, some late, one contested if there is such a one."""
    invoices: dict[int, list[tuple[bool, bool]]] = {}
    for item in open_items(session, as_of=as_of):
        if item.side == 1:
            invoices.setdefault(item.account_id, []).append((item.due_on < as_of, item.disputed_minor > 0))
    fitting = {key: rows for key, rows in invoices.items() if 2 <= len(rows) <= 12} or invoices
    return max(
        fitting, key=lambda key: (*(any(row[n] for row in fitting[key]) for n in (0, 1)), len(fitting[key]), key)
    )


def tell(out: Console, session: Session, kernel: Kernel, summary: Summary, as_of: date) -> None:
    """What happened, and the figures of the last day."""
    figures = kpis(session, as_of=as_of, currency=kernel.settings.reporting_currency)
    table = Table("What", "Count", title="The simulated months")
    for name, count in asdict(summary).items():
        table.add_row(name.replace("_", " "), f"{count:,}")
    for name in ("dso_simple", "dso_countback", "dso_best_possible", "add", "cei"):
        table.add_row(f"{name.replace('_', ' ')} ({as_of})", str(getattr(figures, name)))
    out.print(table)


def tell_doors(out: Console, session: Session, kernel: Kernel, password: str, *, now: datetime) -> None:
    """One sign-in for each role, and one customer's link."""
    base = kernel.settings.base_url
    table = Table("Role", "E-mail", "Password", title=f"Sign in at {base}/sign-in")
    told: set[str] = set()
    for user in USERS:
        if user.role not in told:
            table.add_row(user.role, user.email, password)
            told.add(user.role)
    out.print(table)
    chosen = account(session, portal_account(session, as_of=last_lived(now)))
    assert chosen.id is not None
    link = portal_url(base, kernel.settings.signing_key, chosen.id, chosen.portal_epoch, now=now)
    out.print(f"A customer's page ({chosen.legal_name}):")
    out.print(link, soft_wrap=True, highlight=False)
