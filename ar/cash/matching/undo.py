"""Taking one act of applying money back, whole: what was settled is open again, and the money as it was before."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime

from sqlmodel import Session, col, select

from ar.cash.apply import learn
from ar.cash.bank.models import BankLine, LineState
from ar.cash.cashed import want_cashed
from ar.cash.matching.aliases import Came, doubt_payers
from ar.cash.matching.models import CashApplication
from ar.cash.models import Payment
from ar.cash.payment_states import Facts, PaymentState
from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.db import among
from ar.core.errors import ConflictError, NotFoundError
from ar.core.i18n import marked as _
from ar.customers.entities import entity
from ar.ledger.allocate import deallocate, standing
from ar.ledger.models import Entry
from ar.ledger.post import AlreadyReversedError, reverse


class ApplicationNotFoundError(NotFoundError):
    code = "application-not-found"


class AlreadyUndoneError(ConflictError):
    """An act is undone once."""

    code = "application-undone"


class RefundedError(ConflictError):
    """Money of it was given back: it is not ours to apply anew."""

    code = "application-refunded"


def application(session: Session, application_id: int) -> CashApplication:
    """The act, locked until this transaction ends. Raises ApplicationNotFoundError."""
    query = select(CashApplication).where(CashApplication.id == application_id).with_for_update()
    found = session.exec(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise ApplicationNotFoundError(f"There is no application {application_id}")
    return found


def undo(session: Session, application_id: int, *, why: str, by: str, now: datetime) -> CashApplication:
    """The act, undone as of today: its payments and differences are reversed, its bank line waits in the queue again.

    What was allocated by it or, from its money, since then, is open on both sides. Raises ApplicationNotFoundError,
    AlreadyUndoneError, RefundedError.
    """
    act = application(session, application_id)
    if act.undone_at is not None:
        raise AlreadyUndoneError(f"Application {application_id} was undone already, by {act.undone_by}")
    on = local_date(now, entity(session, act.entity_id).time_zone)
    for payment in _payments(session, act):
        at = max(now, payment.succeeded_at) if payment.succeeded_at else now
        learn(session, payment, Facts(failed_at=at), by=by, said=why, now=now)
        payment.reason = _("taken back: the money was for something else")
    source = f"application:{application_id}"
    deallocate(session, standing(session, act.content["allocations"]), on=on, source=source, now=now)
    if act.payment_id is not None:
        entry_id = session.exec(select(Payment.entry_id).where(Payment.id == act.payment_id)).one()
        want_cashed(session, [entry_id] if entry_id else [], key=f"undone:{application_id}", now=now)
    _owe_again(session, act.content["entries"], on=on, source=source, now=now)
    act.undone_at, act.undone_by, act.undone_why = now, by, why[:400]
    if act.bank_line_id is not None:
        line = session.exec(select(BankLine).where(BankLine.id == act.bank_line_id).with_for_update()).one()
        line.state, line.state_reason, line.decided_by, line.decided_at = LineState.OPEN, "", by, now
        accounts = sorted({account_id for account_id, _, _ in act.content["parts"]})
        doubted = [Came(line.counterparty_iban, line.counterparty_name, account_id) for account_id in accounts]
        doubt_payers(session, doubted, now=now)
    session.flush()
    subject = f"bank_line:{act.bank_line_id}" if act.bank_line_id else f"payment:{act.payment_id}"
    record(session, [Act(by, "cash.undone", subject, {"application": application_id, "why": why})], now=now)
    return act


def _payments(session: Session, act: CashApplication) -> list[Payment]:
    """The payments that the act made, locked. Raises RefundedError."""
    query = (
        select(Payment)
        .where(among(session, col(Payment.id), act.content["payments"]), Payment.state != PaymentState.FAILED)
        .order_by(col(Payment.id))
        .with_for_update()
    )
    found = list(session.exec(query.execution_options(populate_existing=True)))
    if any(payment.refunded_minor for payment in found):
        raise RefundedError("Money of this was given back already: it cannot be applied to something else")
    return found


def _owe_again(session: Session, entry_ids: Sequence[int], *, on: date, source: str, now: datetime) -> None:
    """Reverse what items were let off; what a person reversed before stays so."""
    days = select(Entry).where(among(session, col(Entry.id), entry_ids)).order_by(col(Entry.id))
    for entry_id, day in [(entry.id, entry.effective_on) for entry in session.exec(days)]:
        assert entry_id is not None
        with suppress(AlreadyReversedError):
            reverse(session, entry_id, on=max(on, day), source=source, now=now)
