"""The file of an approved collection: looked at once more, written, checked, kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping, delete
from sqlmodel import Session, col, select

from ar.cash.collections.act import leave_out, locked_collection, waiting_lines
from ar.cash.collections.choose import remittance, sequence_of
from ar.cash.collections.days import add_target_days
from ar.cash.collections.models import Collection, CollectionLine, CollectionState, LineState
from ar.cash.collections.payments import learn_unbooked, locked_payments
from ar.cash.collections.sepa_file import Debit, DebitOrder, open_sepa_files
from ar.cash.gateway import GatewayRefusedError
from ar.cash.mandates.creditor import collection_account, creditor
from ar.cash.mandates.models import CollectionAccount, Mandate, MandateAmendment, MandateState
from ar.cash.models import PaymentTarget
from ar.cash.payment_states import Facts
from ar.core.audit import Act, record
from ar.core.clock import local_date
from ar.core.db import among, bulk_update
from ar.core.files import store
from ar.core.jobs import enqueue
from ar.core.kernel import Kernel
from ar.customers.entities import entity
from ar.ledger.allocate import locked_items

DROP_JOB = "drop-collection-file"


@dataclass(frozen=True)
class _Ready:
    """A line to be written, its mandate, and what it is for: (target, reference, minor units now)."""

    line: CollectionLine
    mandate: Mandate
    parts: Sequence[tuple[PaymentTarget, str, int]]

    @property
    def amount_minor(self) -> int:
        return sum(minor for _, _, minor in self.parts)


def make_file(kernel: Kernel, collection_id: int, *, now: datetime) -> str:
    """Make the file of an approved collection whose day has come: what was done, in words.

    A line is left out when its mandate is not in force any more, its customer was not told in time, or all of it was
    paid or contested meanwhile; what is open still is taken, never more than was announced. A file that the schema
    does not take is not given out: the collection stays, and says why. Two makers at once make one file.
    """
    try:
        with kernel.database.transaction() as session:
            return _make(session, kernel, collection_id, now=now)
    except GatewayRefusedError as refused:
        with kernel.database.transaction() as session:
            found = locked_collection(session, collection_id)
            found.problem = refused.message[:2000]
            record(
                session,
                [Act("system", "collection.refused", f"collection:{collection_id}", {"why": found.problem})],
                now=now,
            )
        return f"not made: {refused.message}"


def file_day(collect_on: date, lead_days: int) -> date:
    """The day on which a file is made: as late as the bank lets it come."""
    return add_target_days(collect_on, -lead_days)


def _make(session: Session, kernel: Kernel, collection_id: int, *, now: datetime) -> str:
    found = locked_collection(session, collection_id)
    account, bank = collection_account(session, found.bank_account_id)
    seller = entity(session, found.entity_id)
    today = local_date(now, seller.time_zone)
    if found.state is not CollectionState.APPROVED or today < file_day(found.collect_on, account.lead_days):
        return "not to be made"
    lines = waiting_lines(session, collection_id)
    ready, out = _looked_at(session, found, lines)
    leave_out(session, out, by="system", now=now)
    if not ready:
        found.state, found.problem = CollectionState.CANCELLED, "nothing was left to collect"
        record(session, [Act("system", "collection.cancelled", f"collection:{found.id}", {})], now=now)
        return "nothing left to collect"
    found.collect_on = max(found.collect_on, add_target_days(today, account.lead_days))  # when a maker was late
    debits = _debits(session, account, ready)
    order = DebitOrder(
        message_id=found.message_id,
        created_at=now.astimezone(ZoneInfo(seller.time_zone)),
        creditor_name=seller.name,
        creditor_id=creditor(session, found.entity_id).identifier,
        iban=bank.iban,
        bic=bank.bic,
        file_schema=account.file_schema,
        scheme=found.scheme,
        collect_on=found.collect_on,
        debits=debits,
    )
    gateway = open_sepa_files()
    content = gateway.write(order)
    stored = store(
        session,
        kernel.settings.files,
        name=f"{found.message_id}.xml",
        content=content,
        media_type="application/xml",
        subject_ref=f"collection:{found.id}",
        stored_by="system",
        max_bytes=len(content),
        now=now,
    )
    found.state, found.file_id, found.made_at, found.problem = CollectionState.MADE, stored.id, now, ""
    found.lines_made, found.total_minor = len(debits), sum(debit.amount_minor for debit in debits)
    _write_down(session, found, ready, debits, now=now)
    if kernel.settings.collections_folder is not None:
        enqueue(session, DROP_JOB, {"collection_id": found.id}, dedup_key=f"{DROP_JOB}:{found.message_id}", now=now)
    return f"{len(debits)} debits written, {len(out)} left out"


def _looked_at(
    session: Session, found: Collection, lines: Sequence[CollectionLine]
) -> tuple[list[_Ready], list[tuple[CollectionLine, str]]]:
    """The lines to write and those to leave out, each with the reason; payments, mandates and items are locked."""
    locked_payments(session, [line.payment_id for line in lines])
    query = select(Mandate).where(among(session, col(Mandate.id), [line.mandate_id for line in lines]))
    query = query.order_by(col(Mandate.id)).with_for_update().execution_options(populate_existing=True)
    mandates = {mandate.id: mandate for mandate in session.exec(query)}
    targets = _targets(session, [line.payment_id for line in lines])
    wanted = sorted({target.entry_id for group in targets.values() for target in group})
    items = locked_items(session, wanted)
    usual = creditor(session, found.entity_id).notice_days
    ready, out = [], []
    for line in lines:
        mandate = mandates[line.mandate_id]
        parts = [
            (target, items[target.entry_id]["reference"], minor)
            for target in targets[line.payment_id]
            if (minor := _still(target, items[target.entry_id])) > 0
        ]
        why = _why_not(found, line, mandate, usual, parts)
        if why:
            out.append((line, why))
        else:
            ready.append(_Ready(line, mandate, parts))
    return ready, out


def _still(target: PaymentTarget, item: RowMapping) -> int:
    free: int = item["open_minor"] - item["disputed_minor"]
    return min(target.amount_minor, max(0, free))


def _why_not(
    found: Collection,
    line: CollectionLine,
    mandate: Mandate,
    usual: int,
    parts: Sequence[tuple[PaymentTarget, str, int]],
) -> str:
    if mandate.state is not MandateState.ACTIVE or mandate.signed_on is None:
        return f"the mandate is {mandate.state.value}"
    days = mandate.notice_days or usual
    if line.told_on is None:
        return line.reason or "the customer was not told"
    if line.told_on + timedelta(days=days) > found.collect_on:
        return f"the customer was told on {line.told_on}, less than {days} days before"
    return "" if parts else "paid or contested meanwhile"


def _targets(session: Session, payment_ids: Sequence[int]) -> Mapping[int, list[PaymentTarget]]:
    query = select(PaymentTarget).where(among(session, col(PaymentTarget.payment_id), payment_ids))
    targets: dict[int, list[PaymentTarget]] = defaultdict(list)
    for target in session.exec(query.order_by(col(PaymentTarget.id))):
        targets[target.payment_id].append(target)
    return targets


def _debits(session: Session, account: CollectionAccount, ready: Sequence[_Ready]) -> list[Debit]:
    query = select(MandateAmendment.mandate_id).where(
        among(session, col(MandateAmendment.mandate_id), [one.line.mandate_id for one in ready]),
        col(MandateAmendment.told_in).is_(None),
    )
    amended = set(session.exec(query))
    debits = []
    for one in ready:
        mandate = one.mandate
        assert mandate.signed_on is not None
        sequence = sequence_of(
            one_off=mandate.one_off,
            final=mandate.final,
            used=mandate.last_used_on is not None,
            says_first=account.says_first,
        )
        debits.append(
            Debit(
                end_to_end_id=one.line.end_to_end_id,
                amount_minor=one.amount_minor,
                sequence=sequence,
                mandate_reference=mandate.reference,
                signed_on=mandate.signed_on,
                debtor_name=mandate.debtor_name,
                iban=mandate.iban,
                bic=mandate.bic,
                text=remittance([reference or f"no. {target.entry_id}" for target, reference, _ in one.parts]),
                amended=mandate.id in amended,
            )
        )
    return debits


def _write_down(
    session: Session, found: Collection, ready: Sequence[_Ready], debits: Sequence[Debit], *, now: datetime
) -> None:
    """Lines, payments, their targets, mandates and amendments as the file says, in bulk."""
    payments = locked_payments(session, [one.line.payment_id for one in ready])
    kept: dict[int, int] = {}
    for one, debit in zip(ready, debits, strict=True):
        mandate = one.mandate
        one.line.state, one.line.sequence = LineState.IN_FILE, debit.sequence
        one.line.amount_minor = payments[one.line.payment_id].amount_minor = debit.amount_minor
        mandate.last_used_on, mandate.updated_at = found.collect_on, now
        if mandate.one_off or mandate.final:
            mandate.state, mandate.state_reason = MandateState.USED, "its last collection is made"
        for target, _, minor in one.parts:
            assert target.id is not None
            target.amount_minor = kept[target.id] = minor
    session.flush()
    gone = delete(PaymentTarget).where(
        among(session, col(PaymentTarget.payment_id), sorted(payments)),
        ~among(session, col(PaymentTarget.id), sorted(kept)),
    )
    session.connection().execute(gone)
    query = select(MandateAmendment.id).where(
        among(session, col(MandateAmendment.mandate_id), [one.line.mandate_id for one in ready]),
        col(MandateAmendment.told_in).is_(None),
    )
    told = [{"id": number, "told_in": found.id} for number in session.exec(query)]
    bulk_update(session, MandateAmendment, told)
    facts = Facts(asked=True, processing_at=now)
    learn_unbooked(session, list(payments.values()), facts, by="system", said=found.message_id, now=now)
    change = {"debits": found.lines_made, "total_minor": found.total_minor, "collect_on": found.collect_on}
    record(session, [Act("system", "collection.made", f"collection:{found.id}", change)], now=now)
