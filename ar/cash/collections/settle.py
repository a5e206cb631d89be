"""Lines of bank statements that are of our direct debits: sums credited, and debits that came back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dateutil.relativedelta import relativedelta
from sqlalchemy import RowMapping, select
from sqlmodel import Session, col

from ar.cash.apply import learn
from ar.cash.bank.models import BankLine
from ar.cash.bank.models import LineState as BankLineState
from ar.cash.collections.days import noon
from ar.cash.collections.models import Collection, CollectionLine, LineState
from ar.cash.collections.payments import locked_payments
from ar.cash.collections.reasons import REFUND_WEEKS, UNAUTHORISED_MONTHS, ReturnReason, reason_of
from ar.cash.collections.returned import LATER, RETURNABLE, Debited, came_back
from ar.cash.collections.sepa_file import payment_information_id
from ar.cash.mandates.models import Mandate, Scheme
from ar.cash.models import Payment
from ar.cash.payment_states import Facts
from ar.core.db import among
from ar.customers.models import LegalEntity

BY = "bank"


def settle_lines(session: Session, lines: Sequence[BankLine], *, now: datetime) -> set[int]:
    """Deal with the open lines that are of our direct debits, and set them to applied: their ids.

    A line that credits what a file, a sequence type of it, or one debit of it asked for settles those payments; one
    that takes a debit back fails its payment, so that what it had settled is open again, and its customer is told. A
    line that names a debit of ours but not its amount is left open, for a person.
    """
    wanted = [line for line in lines if line.state is BankLineState.OPEN and line.currency == "EUR" and line.id]
    debits = _debits(session, wanted)
    dealt: set[int] = set()
    # In the order of the bank's days, credits before returns: a statement may tell them in any order.
    for line in sorted(wanted, key=lambda line: (line.booked_on, line.amount_minor < 0, line.id or 0)):
        said = (
            _credit(session, debits, line, now=now)
            if line.amount_minor > 0
            else _return(session, debits, line, now=now)
        )
        if said:
            line.state, line.state_reason = BankLineState.APPLIED, said[:400]
            line.decided_by, line.decided_at = "system", now
            session.add(line)
            dealt.add(line.id or 0)
    session.flush()
    return dealt


@dataclass
class _Known:
    """The debits that the lines may be of, by each name that a bank may call them by."""

    by_end_to_end: dict[str, RowMapping]
    by_batch: dict[str, list[RowMapping]]
    by_mandate: dict[str, list[RowMapping]]
    payments: dict[int, Payment]


def _names(line: BankLine) -> Iterator[str]:
    """Every word of a line that may be a name of ours: the bank writes them where it likes."""
    yield from (line.end_to_end_id, line.batch_reference, line.bank_reference, line.structured_reference)
    yield from line.remittance.replace("/", " ").split()


def _debits(session: Session, lines: Sequence[BankLine]) -> _Known:
    names = sorted({name for line in lines for name in _names(line) if name})
    files = sorted({cut for name in names for cut in (name, name.rpartition("-")[0]) if cut})
    mandates = sorted({line.mandate_id for line in lines if line.mandate_id and line.amount_minor < 0})
    query = (
        select(
            col(CollectionLine.id),
            col(CollectionLine.payment_id),
            col(CollectionLine.mandate_id),
            col(CollectionLine.end_to_end_id),
            col(CollectionLine.amount_minor),
            col(CollectionLine.sequence),
            col(Collection.message_id),
            col(Collection.entity_id),
            col(Collection.collect_on),
            col(Collection.scheme),
            col(Mandate.reference).label("mandate"),
            col(LegalEntity.time_zone),
        )
        .join(Collection, col(Collection.id) == col(CollectionLine.collection_id))
        .join(Mandate, col(Mandate.id) == col(CollectionLine.mandate_id))
        .join(LegalEntity, col(LegalEntity.id) == col(Collection.entity_id))
        .where(col(CollectionLine.state) == LineState.IN_FILE)
    )
    found: dict[int, RowMapping] = {}
    for column, values in (
        (col(Collection.message_id), files),
        (col(CollectionLine.end_to_end_id), names),
        (col(Mandate.reference), mandates),
    ):
        for row in session.connection().execute(query.where(among(session, column, values))).mappings():
            found[row["id"]] = row
    known = _Known({}, defaultdict(list), defaultdict(list), {})
    for row in found.values():
        known.by_end_to_end[row["end_to_end_id"]] = row
        known.by_batch[row["message_id"]].append(row)
        known.by_batch[payment_information_id(row["message_id"], row["sequence"])].append(row)
        known.by_mandate[row["mandate"]].append(row)
    known.payments = locked_payments(session, sorted(row["payment_id"] for row in found.values()))
    return known


def _credit(session: Session, known: _Known, line: BankLine, *, now: datetime) -> str:
    """What a credit settled, in words; empty when it is of none of our debits, or its amount is not theirs."""
    for name in _names(line):
        one = known.by_end_to_end.get(name)
        group = [one] if one is not None else known.by_batch.get(name, [])
        rows = [row for row in group if row["entity_id"] == line.entity_id]
        # A bank that takes rejects off the sum credits the rest alone.
        standing = [row for row in rows if known.payments[row["payment_id"]].failed_at is None]
        if not rows or line.amount_minor not in (_sum(rows), _sum(standing)):
            continue
        paid = rows if line.amount_minor == _sum(rows) else standing
        for row in paid:
            payment = known.payments[row["payment_id"]]
            payment.bank_line_id = line.id
            at = noon(line.booked_on, row["time_zone"])
            if payment.failed_at is not None:  # it came back already: the money was here before that
                at = min(at, payment.failed_at - LATER)
            learn(session, payment, Facts(succeeded_at=at), by=BY, said=f"credited on {line.booked_on}", now=now)
        return f"direct debit: {len(paid)} of {name} credited"
    return ""


def _sum(rows: Iterable[RowMapping]) -> int:
    return sum(row["amount_minor"] for row in rows)


def _return(session: Session, known: _Known, line: BankLine, *, now: datetime) -> str:
    """What a return took back, in words; empty when it is of none of our debits, or its amount is not that one's."""
    row = _returned(known, line)
    if row is None:
        return ""
    payment = known.payments[row["payment_id"]]
    debit = Debited(row["id"], row["mandate_id"], row["end_to_end_id"], row["time_zone"])
    code, on = line.return_reason, line.booked_on
    said = came_back(session, debit, payment, code=code, on=on, key=f"line {line.id}", by=BY, now=now)
    late = _right(row["collect_on"], row["scheme"], reason_of(code), line)
    return f"direct debit {debit.end_to_end_id} returned, {said}{late}{_cost(line, payment)}"


def _returned(known: _Known, line: BankLine) -> RowMapping | None:
    """The debit that a line takes back: by its own name, else the only one of the mandate that fits."""
    for name in _names(line):
        row = known.by_end_to_end.get(name)
        if row is not None:
            return row if row["entity_id"] == line.entity_id and _fits(known, row, line) else None
    if not line.return_reason:
        return None
    fitting = [
        row
        for row in known.by_mandate.get(line.mandate_id, [])
        if row["entity_id"] == line.entity_id and row["collect_on"] <= line.booked_on and _fits(known, row, line)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _fits(known: _Known, row: RowMapping, line: BankLine) -> bool:
    """Whether the debit can come back by this line: it was not taken back yet, and the amounts are the same."""
    payment = known.payments[row["payment_id"]]
    amount = row["amount_minor"]
    told = {-line.amount_minor, -line.amount_minor - (line.charges_minor or 0), abs(line.original_minor or 0)}
    return payment.state in RETURNABLE and amount in told


def _right(day: date, scheme: Scheme, reason: ReturnReason, line: BankLine) -> str:
    """A note where money was taken back later than the scheme allows, for a person to ask the bank about."""
    if not reason.refund:
        return ""
    if scheme is Scheme.B2B and line.return_reason == "MD06":
        return "; a B2B debit has no right of refund: ask the bank"
    if line.return_reason == "MD06" and line.booked_on > day + timedelta(weeks=REFUND_WEEKS):
        return f"; later than {REFUND_WEEKS} weeks: ask the bank"
    late = line.booked_on > day + relativedelta(months=UNAUTHORISED_MONTHS)
    return f"; later than {UNAUTHORISED_MONTHS} months: ask the bank" if late else ""


def _cost(line: BankLine, payment: Payment) -> str:
    charged = -line.amount_minor - payment.amount_minor
    return f"; bank charges of {charged} cents" if charged > 0 else ""
