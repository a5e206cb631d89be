"""What became of autopay's charges: paid, tried again on another day, or the end of autopay, told to the customer."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from ar.cash.autopay.agree import end
from ar.cash.autopay.decide import AfterFailure, Terms, after_failure
from ar.cash.autopay.models import Autopay, AutopayItem, AutopayState
from ar.cash.autopay.tell import tell_failed
from ar.cash.models import Payment
from ar.cash.online.methods import method_by_id
from ar.cash.online.models import SavedMethod
from ar.cash.payment_states import UNFINISHED, PaymentState
from ar.core.clock import local_date
from ar.core.kernel import Kernel
from ar.customers.accounts import account

_CHUNK = 500


def follow(kernel: Kernel, *, now: datetime, item_id: int | None = None) -> int:
    """Draw the consequences of payments that ended since (of one announcement, or of all): how many.

    A payment that was taken back weeks later ends autopay too.
    """
    query = (
        select(AutopayItem.id)
        .join(Payment, col(Payment.id) == col(AutopayItem.payment_id))
        .where(
            or_(
                and_(col(AutopayItem.state) == AutopayState.PAYING, col(Payment.state).not_in(UNFINISHED)),
                and_(
                    col(AutopayItem.state) == AutopayState.PAID,
                    col(Payment.state).in_((PaymentState.DISPUTED, PaymentState.FAILED)),
                ),
            )
        )
        .order_by(col(AutopayItem.id))
        .limit(_CHUNK)
    )
    if item_id is not None:
        query = query.where(AutopayItem.id == item_id)
    with kernel.database.reading() as session:
        ended = [number for number in session.exec(query) if number is not None]
    for number in ended:
        with kernel.database.transaction() as session:
            _ended(session, kernel, number, now=now)
    return len(ended)


def _ended(session: Session, kernel: Kernel, item_id: int, *, now: datetime) -> None:
    item = session.exec(select(AutopayItem).where(AutopayItem.id == item_id).with_for_update()).one()
    payment = session.exec(select(Payment).where(Payment.id == item.payment_id)).one()
    if payment.state in (PaymentState.SETTLED, PaymentState.REFUNDED):
        if item.state is AutopayState.PAYING:
            item.state, item.why, item.updated_at = AutopayState.PAID, "", now
            session.add(item)
        return
    if payment.state not in (PaymentState.FAILED, PaymentState.DISPUTED) or item.state is AutopayState.FAILED:
        return
    autopay = session.exec(select(Autopay).where(Autopay.id == item.autopay_id).with_for_update()).one()
    code = "disputed" if payment.state is PaymentState.DISPUTED else payment.failure
    today = local_date(now, account(session, item.account_id).time_zone)
    method = method_by_id(session, autopay.saved_method_id)
    fail(session, kernel, item, autopay, method, code, today=today, now=now)


def fail(
    session: Session,
    kernel: Kernel,
    item: AutopayItem,
    autopay: Autopay,
    method: SavedMethod,
    code: str,
    *,
    today: date,
    now: datetime,
) -> None:
    """A charge failed: it is tried again on a day that the customer is told, or autopay is off, and that is told."""
    terms = Terms(autopay.limit_minor, autopay.offset_days, autopay.notice_days)
    then = after_failure(code, item.attempts, method.kind, terms, today=today)
    if item.state is AutopayState.PAID or autopay.ended_at is not None or code in ("disputed", "method_unusable"):
        then = AfterFailure(None)
    if then.retry_on is not None:
        item.state, item.why, item.pay_on, item.updated_at = AutopayState.ANNOUNCED, code, then.retry_on, now
    else:
        item.state, item.why, item.updated_at = AutopayState.FAILED, code, now
    session.add(item)
    session.flush()
    if then.retry_on is None and autopay.ended_at is None:
        end(session, autopay, why="charge_failed", by="system", now=now)
    told = tell_failed(session, kernel, autopay, item, code, retry_on=then.retry_on, now=now)
    if not told and then.retry_on is not None:  # nobody could be told of the next try, so there is none
        item.state, item.why = AutopayState.SKIPPED, "no_notice"
        session.add(item)
