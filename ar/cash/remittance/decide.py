"""What a person decides of an advice: which money it is about, that it is of no use, or that a pairing was wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, select

from ar.cash.bank.models import BankLine, LineState
from ar.cash.history import payment_by_id
from ar.cash.remittance.models import AdviceState, RemittanceAdvice
from ar.cash.remittance.pairing import want_match_again
from ar.core.audit import Act, record
from ar.core.errors import ConflictError, DomainError, Fault, NotFoundError


class AdviceNotFoundError(NotFoundError):
    code = "remittance-not-found"


class AdviceStateError(ConflictError):
    """The advice does not stand where this can be done."""

    code = "remittance-state"


class PairingError(DomainError):
    """The advice and the money do not go together."""

    code = "bad-pairing"


def advice_by_id(session: Session, advice_id: int) -> RemittanceAdvice:
    """Raises AdviceNotFoundError."""
    found = session.exec(select(RemittanceAdvice).where(RemittanceAdvice.id == advice_id)).first()
    if found is None:
        raise AdviceNotFoundError(f"There is no remittance advice {advice_id}")
    return found


def _locked(session: Session, advice_id: int) -> RemittanceAdvice:
    query = select(RemittanceAdvice).where(RemittanceAdvice.id == advice_id).with_for_update()
    found = session.exec(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise AdviceNotFoundError(f"There is no remittance advice {advice_id}")
    return found


def pair_with(
    session: Session,
    advice_id: int,
    *,
    bank_line_id: int | None = None,
    payment_id: int | None = None,
    by: str,
    now: datetime,
) -> RemittanceAdvice:
    """Say which money an open advice is about: one bank line or one payment, matched again if it is open.

    Raises AdviceNotFoundError, AdviceStateError, PairingError, NotFoundError for money that is not there.
    """
    advice = _locked(session, advice_id)
    if (bank_line_id is None) == (payment_id is None):
        told = "give a bank line or a payment, one of the two"
        raise PairingError(f"The advice was not paired: {told}", faults=[Fault("/bank_line_id", told)])
    if advice.state is not AdviceState.OPEN:
        raise AdviceStateError(f"Only an open advice is paired; this one is {advice.state.value}")
    wanted: dict[str, list[int]] = {"bank_line_ids": [], "payment_ids": []}
    if bank_line_id is not None:
        line = _line(session, bank_line_id)
        _check(advice, line.amount_minor > 0, line.currency, "/bank_line_id")
        if line.state is LineState.OPEN:
            wanted["bank_line_ids"].append(bank_line_id)
    else:
        assert payment_id is not None
        payment = payment_by_id(session, payment_id)
        _check(advice, payment.entry_id is not None, payment.currency, "/payment_id")
        if advice.account_id not in (None, payment.account_id):
            told = "the payment is another customer's"
            raise PairingError(f"The advice was not paired: {told}", faults=[Fault("/payment_id", told)])
        advice.account_id = payment.account_id
        wanted["payment_ids"].append(payment_id)
    _check_free(session, bank_line_id, payment_id)
    advice.state, advice.bank_line_id, advice.payment_id = AdviceState.PAIRED, bank_line_id, payment_id
    change = {"bank_line": bank_line_id, "payment": payment_id, "why": "by hand"}
    _decide(session, advice, "remittance.paired", change, why="paired by hand", by=by, now=now)
    if any(wanted.values()):
        pairs = [(advice_id, bank_line_id or payment_id or 0)]
        want_match_again(session, wanted, pairs=pairs, now=now)
    return advice


def refuse(session: Session, advice_id: int, *, why: str, by: str, now: datetime) -> RemittanceAdvice:
    """Lay an open advice aside: it will be paired with nothing. Raises AdviceNotFoundError, AdviceStateError."""
    advice = _locked(session, advice_id)
    if advice.state is not AdviceState.OPEN:
        raise AdviceStateError(f"Only an open advice is refused; this one is {advice.state.value}")
    advice.state = AdviceState.REFUSED
    _decide(session, advice, "remittance.refused", {"why": why}, why=why, by=by, now=now)
    return advice


def release(session: Session, advice_id: int, *, why: str, by: str, now: datetime) -> RemittanceAdvice:
    """Take back a pairing or a refusal: the advice is open again. One that was used stays; undo what was applied first.

    Raises AdviceNotFoundError, AdviceStateError.
    """
    advice = _locked(session, advice_id)
    if advice.state not in (AdviceState.PAIRED, AdviceState.REFUSED):
        raise AdviceStateError(f"Only a paired or refused advice is released; this one is {advice.state.value}")
    change = {"bank_line": advice.bank_line_id, "payment": advice.payment_id, "why": why}
    advice.state, advice.bank_line_id, advice.payment_id = AdviceState.OPEN, None, None
    _decide(session, advice, "remittance.released", change, why=why, by=by, now=now)
    return advice


def _line(session: Session, bank_line_id: int) -> BankLine:
    found = session.exec(select(BankLine).where(BankLine.id == bank_line_id).with_for_update()).first()
    if found is None:
        raise NotFoundError(f"There is no bank line {bank_line_id}")
    return found


def _check(advice: RemittanceAdvice, came_in: bool, currency: str, pointer: str) -> None:
    told = "" if came_in else "no money came in by it"
    if advice.currency not in ("", currency):
        told = f"the advice is in {advice.currency}, the money in {currency}"
    if told:
        raise PairingError(f"The advice was not paired: {told}", faults=[Fault(pointer, told)])


def _check_free(session: Session, bank_line_id: int | None, payment_id: int | None) -> None:
    ours = RemittanceAdvice.bank_line_id == bank_line_id if bank_line_id else RemittanceAdvice.payment_id == payment_id
    other = session.exec(select(RemittanceAdvice.id).where(ours)).first()
    if other is not None:
        raise PairingError(f"That money has an advice already ({other}): release it first")


def _decide(
    session: Session,
    advice: RemittanceAdvice,
    action: str,
    change: Mapping[str, object],
    *,
    why: str,
    by: str,
    now: datetime,
) -> None:
    advice.paired_why, advice.decided_by, advice.decided_at = why[:400], by, now
    session.add(advice)
    session.flush()
    record(session, [Act(by, action, f"remittance:{advice.id}", change)], now=now)
