"""What the rota and the queue do for billing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session

from ar.core.jobs import enqueue
from ar.core.kernel import Kernel
from invoicing.billing.run import EVENING, bill, carry_out, open_run, seller_days, whose_turn

BILL_JOB = "bill"
"""The name under which the rota registers the evening's run, and its lane: two do not run at once."""

WANTED_JOB = "bill-now"


def bill_evenings(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """Bill for the sellers for whom it is evening; a run is noted only when there is somebody to look at."""
    with kernel.database.reading() as session:
        due, parked = whose_turn(session, seller_days(session, now=now, from_hour=EVENING))
    if not due and not parked:
        return "nobody to bill"
    return str(bill(kernel, by="system", now=now, from_hour=EVENING))


def want_run(session: Session, *, by: str, now: datetime) -> int:
    """The id of a run that a job carries out as soon as this transaction has ended."""
    run_id = open_run(session, by=by, now=now)
    arguments = {"run_id": run_id, "by": by}
    enqueue(session, WANTED_JOB, arguments, dedup_key=f"billing-run/{run_id}", now=now, lane=BILL_JOB)
    return run_id


def bill_wanted(kernel: Kernel, arguments: dict[str, Any], now: datetime) -> str:
    """Carry out the run that somebody asked for."""
    return str(carry_out(kernel, arguments["run_id"], by=arguments["by"], now=now))
