"""Advices set beside the money that they are about, whichever of the two came first; what matching is told of them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_
from sqlmodel import Session, col, select

from ar.cash.bank.models import BankLine, LineState
from ar.cash.matching.facts import Advised
from ar.cash.matching.models import AliasKind, PayerAlias
from ar.cash.models import Payment
from ar.cash.remittance.models import AdviceState, RemittanceAdvice, RemittanceLine
from ar.cash.remittance.partners import AFTER, Money, Pair, Told, pair_up
from ar.cash.remittance.references import keys_in
from ar.core.audit import Act, record
from ar.core.db import among, bulk_update
from ar.core.jobs import enqueue
from ar.customers.accounts import names_of
from ar.ledger.models import OpenItem
from ar.ledger.references import reference_key

REMATCH_JOB = "match-again"
"""Wanted when an advice arrives for money that is there already: {"bank_line_ids": [...], "payment_ids": [...]}."""

_LIVE = (AdviceState.PAIRED, AdviceState.USED)


def advice_for(session: Session, lines: Sequence[BankLine]) -> dict[int, tuple[Advised, ...]]:
    """For each bank line that has an advice: what the payer says that it is for. Lines without one are left out.

    Those paired before, and those that pair_up() pairs now, which is not recorded: see pair_lines() and mark_used().
    """
    line_ids = [line.id for line in lines if line.id is not None]
    query = select(RemittanceAdvice.bank_line_id, RemittanceAdvice.id).where(
        among(session, col(RemittanceAdvice.bank_line_id), line_ids), col(RemittanceAdvice.state).in_(_LIVE)
    )
    advice_of = dict(session.exec(query).all())
    fresh = [line for line in lines if line.id not in advice_of and line.amount_minor > 0]
    wanted = {line.id for line in fresh}
    for pair in _pairs_of_lines(session, fresh):
        if pair.money.id in wanted:
            advice_of[pair.money.id] = pair.advice_id
    told = _advised(session, [advice_id for advice_id in advice_of.values() if advice_id is not None])
    return {
        line_id: told[advice_id]
        for line_id, advice_id in advice_of.items()
        if line_id is not None and advice_id is not None and told.get(advice_id)
    }


def _advised(session: Session, advice_ids: Sequence[int]) -> dict[int, tuple[Advised, ...]]:
    query = (
        select(RemittanceLine, OpenItem.reference)
        .outerjoin(OpenItem, col(OpenItem.entry_id) == col(RemittanceLine.entry_id))
        .where(among(session, col(RemittanceLine.advice_id), advice_ids), col(RemittanceLine.reference) != "")
        .order_by(col(RemittanceLine.advice_id), col(RemittanceLine.position))
    )
    told: dict[int, list[Advised]] = defaultdict(list)
    for line, reference in session.exec(query):
        told[line.advice_id].append(Advised(reference or line.reference, line.paid_minor))
    return {advice_id: tuple(lines) for advice_id, lines in told.items()}


def pair_lines(session: Session, lines: Sequence[BankLine], *, by: str, now: datetime) -> int:
    """Record the advices of these open bank lines as paired: how many were."""
    wanted = {line.id for line in lines}
    pairs = [pair for pair in _pairs_of_lines(session, lines, lock=True) if pair.money.id in wanted]
    return _record(session, pairs, by=by, now=now)


def mark_used(session: Session, lines: Sequence[BankLine], *, by: str, now: datetime) -> int:
    """Record that these bank lines were applied as their advices say: how many advices they had."""
    pair_lines(session, [line for line in lines if line.state is LineState.OPEN], by=by, now=now)
    query = select(RemittanceAdvice.id).where(
        among(session, col(RemittanceAdvice.bank_line_id), [line.id for line in lines if line.id is not None]),
        RemittanceAdvice.state == AdviceState.PAIRED,
    )
    found = [advice_id for advice_id in session.exec(query.with_for_update()) if advice_id is not None]
    rows = [{"id": n, "state": AdviceState.USED, "decided_by": by, "decided_at": now} for n in found]
    bulk_update(session, RemittanceAdvice, rows)
    record(session, [Act(by, "remittance.used", f"remittance:{n}", {}) for n in found], now=now)
    return len(found)


def after_advice(session: Session, advice_ids: Sequence[int], *, by: str, now: datetime) -> int:
    """Pair new advices with money that is there and open, and have that money matched again: how many were paired."""
    advices = _open_advices(session, col(RemittanceAdvice.id), advice_ids, lock=True)
    if not advices:
        return 0
    moneys = _moneys_for(session, advices)
    rivals = _advices_for(session, moneys, lock=True)
    told = _told(session, {advice.id: advice for advice in [*rivals, *advices]}.values())
    pairs = [pair for pair in pair_up(told, moneys) if pair.advice_id in set(advice_ids)]
    paired = _record(session, pairs, by=by, now=now)
    wanted = {
        "bank_line_ids": sorted(pair.money.id for pair in pairs if pair.money.kind == "bank_line"),
        "payment_ids": sorted(pair.money.id for pair in pairs if pair.money.kind == "payment"),
    }
    if pairs:
        want_match_again(session, wanted, pairs=[(pair.advice_id, pair.money.id) for pair in pairs], now=now)
    return paired


def want_match_again(
    session: Session, wanted: Mapping[str, Sequence[int]], *, pairs: Iterable[tuple[int, int]], now: datetime
) -> None:
    """Have the money matched again, once for each such pairing of it."""
    told = hashlib.sha256(repr((sorted(pairs), now.isoformat())).encode()).hexdigest()[:32]
    enqueue(session, REMATCH_JOB, dict(wanted), dedup_key=f"{REMATCH_JOB}:{told}", now=now)


def _pairs_of_lines(session: Session, lines: Sequence[BankLine], *, lock: bool = False) -> list[Pair]:
    """The pairs of these lines with open advices, all rivals of either considered."""
    own = _moneys(session, lines)
    advices = _advices_for(session, own, lock=lock)
    if not advices:
        return []
    rivals = [money for money in _moneys_for(session, advices) if money.kind == "bank_line"]
    every = {money.id: money for money in [*rivals, *own]}
    return pair_up(_told(session, advices), list(every.values()))


def _advices_for(session: Session, moneys: Sequence[Money], *, lock: bool = False) -> list[RemittanceAdvice]:
    """The open advices that name one of `moneys`, or have its amount."""
    numbers = sorted({number for money in moneys for number in money.numbers})
    amounts = sorted({money.amount_minor for money in moneys})
    by_number = _open_advices(session, col(RemittanceAdvice.reference_key), numbers, lock=lock)
    by_amount = _open_advices(session, col(RemittanceAdvice.amount_minor), amounts, lock=lock)
    return list({advice.id: advice for advice in [*by_number, *by_amount]}.values())


def _open_advices(
    session: Session, column: Any, values: Sequence[int] | Sequence[str], *, lock: bool
) -> list[RemittanceAdvice]:
    if not values:
        return []
    query = select(RemittanceAdvice).where(RemittanceAdvice.state == AdviceState.OPEN, among(session, column, values))
    query = query.order_by(col(RemittanceAdvice.id))
    return list(session.exec(query.with_for_update() if lock else query))


def _told(session: Session, advices: Iterable[RemittanceAdvice]) -> list[Told]:
    """Advices as pairing takes them."""
    kept = list(advices)
    keys: dict[int, set[str]] = defaultdict(set)
    query = select(RemittanceLine.advice_id, RemittanceLine.reference).where(
        among(session, col(RemittanceLine.advice_id), [advice.id for advice in kept if advice.id is not None])
    )
    for advice_id, reference in session.exec(query):
        if len(key := reference_key(reference)) >= 4:
            keys[advice_id].add(key)
    names = names_of(session, sorted({advice.account_id for advice in kept if advice.account_id is not None}))
    told = []
    for advice in kept:
        assert advice.id is not None
        called = {reference_key(name) for name in (advice.payer, names.get(advice.account_id or 0, ""))}
        told.append(
            Told(
                advice.id,
                advice.account_id,
                advice.amount_minor,
                advice.currency,
                advice.paid_on or advice.taken_at.date(),
                advice.reference_key,
                frozenset(keys[advice.id]),
                frozenset(called - {""}),
            )
        )
    return told


def _moneys_for(session: Session, advices: Sequence[RemittanceAdvice]) -> list[Money]:
    """The open money that may be these advices': bank lines by number or amount, payments of the same customers."""
    numbers = sorted({advice.reference for advice in advices if advice.reference})
    amounts = sorted({advice.amount_minor for advice in advices if advice.amount_minor is not None})
    query = select(BankLine).where(
        BankLine.state == LineState.OPEN,
        col(BankLine.amount_minor) > 0,
        or_(
            among(session, col(BankLine.end_to_end_id), numbers),
            among(session, col(BankLine.amount_minor), amounts),
        ),
    )
    lines = session.exec(query.order_by(col(BankLine.id))).all()
    return [*_moneys(session, lines), *_payments_for(session, advices)]


def _payments_for(session: Session, advices: Sequence[RemittanceAdvice]) -> list[Money]:
    """Payments of the advices' customers with money that settles nothing yet, and no advice of their own."""
    accounts = sorted({advice.account_id for advice in advices if advice.account_id is not None})
    earliest = min(advice.paid_on or advice.taken_at.date() for advice in advices) - AFTER
    having = select(RemittanceAdvice.id).where(RemittanceAdvice.payment_id == Payment.id).exists()
    query = (
        select(Payment, col(OpenItem.effective_on))
        .join(OpenItem, col(OpenItem.entry_id) == col(Payment.entry_id))
        .where(
            among(session, col(Payment.account_id), accounts),
            col(OpenItem.open_minor) > 0,
            col(OpenItem.effective_on) >= earliest,
            ~having,
        )
    )
    return [_of_payment(payment, day) for payment, day in session.exec(query.order_by(col(Payment.id)))]


def _of_payment(payment: Payment, day: date) -> Money:
    assert payment.id is not None
    named = (payment.reference, payment.public_id, payment.gateway_intent or "")
    return Money(
        "payment",
        payment.id,
        payment.amount_minor,
        payment.currency,
        day,
        numbers=frozenset(reference_key(number) for number in named if number),
        account_ids=frozenset({payment.account_id}),
    )


def _moneys(session: Session, lines: Sequence[BankLine]) -> list[Money]:
    """Bank lines as pairing takes them, those that have an advice already left out."""
    line_ids = [line.id for line in lines if line.id is not None]
    having = select(RemittanceAdvice.bank_line_id).where(among(session, col(RemittanceAdvice.bank_line_id), line_ids))
    taken = set(session.exec(having))
    known = _customers_of(session, sorted({line.counterparty_iban for line in lines if line.counterparty_iban}))
    moneys = []
    for line in lines:
        if line.id is None or line.id in taken:
            continue
        named = (line.end_to_end_id, line.bank_reference, line.batch_reference)
        words = keys_in([*line.remittance.split("\n"), line.structured_reference])
        moneys.append(
            Money(
                "bank_line",
                line.id,
                line.amount_minor,
                line.currency,
                line.booked_on,
                numbers=frozenset({reference_key(number) for number in named if number} | words),
                keys=frozenset(words),
                account_ids=frozenset(known.get(line.counterparty_iban, ())),
                name_key=reference_key(line.counterparty_name),
            )
        )
    return moneys


def _customers_of(session: Session, ibans: Sequence[str]) -> dict[str, set[int]]:
    """The customers that money from these accounts was confirmed to be of, more often than not."""
    query = select(PayerAlias.value, PayerAlias.account_id).where(
        PayerAlias.kind == AliasKind.IBAN,
        among(session, col(PayerAlias.value), ibans),
        col(PayerAlias.confirmed) > col(PayerAlias.refused),
    )
    found: dict[str, set[int]] = defaultdict(set)
    for value, account_id in session.exec(query):
        found[value].add(account_id)
    return found


def _record(session: Session, pairs: Sequence[Pair], *, by: str, now: datetime) -> int:
    rows = [
        {
            "id": pair.advice_id,
            "state": AdviceState.PAIRED,
            "bank_line_id": pair.money.id if pair.money.kind == "bank_line" else None,
            "payment_id": pair.money.id if pair.money.kind == "payment" else None,
            "paired_why": pair.why[:400],
            "decided_by": by,
            "decided_at": now,
        }
        for pair in pairs
    ]
    bulk_update(session, RemittanceAdvice, rows)
    acts = [
        Act(by, "remittance.paired", f"remittance:{pair.advice_id}", {pair.money.kind: pair.money.id, "why": pair.why})
        for pair in pairs
    ]
    record(session, acts, now=now)
    return len(pairs)
