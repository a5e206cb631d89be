"""Import a file of invoices: all its good rows in one transaction, each bad one told, or nothing of a bad file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from typing import BinaryIO

from sqlalchemy import select, text
from sqlmodel import Session, col

from ar.core.audit import Act, record
from ar.core.db import among, bulk_insert, is_postgres, table
from ar.core.mapping import Profile
from ar.core.tabular import FileError, Row, Table, opened
from ar.customers.entities import entity_by_code
from ar.customers.models import Account, LegalEntity
from ar.ledger.allocate import Share, allocate_on
from ar.ledger.items import mark_disputed_all
from ar.ledger.models import DisputeMark, EntryKind, OpenItem
from ar.ledger.post import Posting, post
from invoicing.imports.accounts import Accounts
from invoicing.imports.decide import Known, Outcome, Seen, Verdict, decide, dispute_days, kind_of
from invoicing.imports.profiles import REQUIRED, fitting
from invoicing.imports.read import Bill, Home, Reader, Refusal
from invoicing.models import DocumentKind, ImportBatch, ImportRefusal, Invoice, InvoiceInstalment

CHUNK = 10_000
MAX_ROWS = 1_000_000
_LOCK = 0x696D706F

Progress = Callable[[int, float | None], None]
"""Told now and then how many rows have been read, and what part of the file that is (None when unknown)."""


@dataclass(frozen=True)
class Report:
    """What became of the rows of one file."""

    batch_id: int
    accepted: int
    refused: int
    unchanged: int
    first_refusals: tuple[Refusal, ...] = ()

    def counts(self) -> dict[str, int]:
        return {"accepted": self.accepted, "refused": self.refused, "unchanged": self.unchanged}


def import_invoices(
    session: Session,
    stream: BinaryIO,
    *,
    file_name: str,
    profile: Profile,
    entity_code: str | None,
    by: str,
    today: date,
    now: datetime,
    progress: Progress = lambda rows, part: None,  # noqa: ARG005
) -> Report:
    """Read `stream`, a seekable file, into the ledger of one legal entity: what was accepted, refused, unchanged.

    Raises FileError, ProfileError, TermsError or EntityNotFoundError for what makes the whole file unreadable;
    the caller's transaction then holds nothing of it.
    """
    seller = entity_by_code(session, entity_code)
    wanted = list(profile.columns.values())
    with opened(stream, layout=profile.layout, wanted=wanted) as found:
        work = _Import(session, seller, found, profile, file_name=file_name, by=by, today=today, now=now)
        rows = 0
        for chunk in _chunks(found.rows):
            work.take(chunk)
            rows += len(chunk)
            if rows > MAX_ROWS:
                raise FileError(f"The file has more than {MAX_ROWS:,} rows: split it, each part with the first line")
            progress(rows, found.progress())
        return work.finish()


def _base_name(given: str) -> str:
    """The name without its folders, in characters that can be stored and shown."""
    return "".join(filter(str.isprintable, given.replace("\\", "/").rsplit("/", 1)[-1]))[:200]


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    source = iter(rows)
    while chunk := list(islice(source, CHUNK)):
        yield chunk


def check_columns(found: Table, profile: Profile) -> dict[str, int]:
    """Where the columns of `profile` stand. Raises FileError naming those that are needed and missing."""
    places = found.places(profile.columns.values())
    given = set(profile.constants) | set(profile.defaults) | ({"due_date"} if "terms" in profile.options else set())
    missing = [
        profile.columns.get(name, name)
        for name in REQUIRED
        if name not in given and profile.columns.get(name) not in places
    ]
    if missing:
        others = [name for name in fitting(found.headings) if name != profile.name]
        hint = (
            f"the columns are those of --profile {others[0]}"
            if others
            else "rename them, or name them in a mapping profile"
        )
        shown = ", ".join(heading[:40] for heading in found.headings[:30])
        raise FileError(
            f"The file lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)} (it has: {shown}): {hint}"
        )
    return places


class _Import:
    """One file on its way into the ledger, chunk by chunk."""

    def __init__(
        self,
        session: Session,
        seller: LegalEntity,
        found: Table,
        profile: Profile,
        *,
        file_name: str,
        by: str,
        today: date,
        now: datetime,
    ) -> None:
        assert seller.id is not None
        home = Home(seller.country, seller.currency, seller.language)
        self._reader = Reader(profile, check_columns(found, profile), home, today=today)
        self._session, self._entity_id, self._today, self._now = session, seller.id, today, now
        if is_postgres(session):  # two imports at once would open the same customers
            session.connection().execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        self._batch = ImportBatch(
            entity_id=seller.id,
            file_name=_base_name(file_name),
            sha256=found.sha256,
            profile=profile.name,
            headings=found.headings,
            imported_at=now,
            imported_by=by,
        )
        session.add(self._batch)
        session.flush()
        assert self._batch.id is not None
        self._source = f"import:{self._batch.id}"
        self._accounts = Accounts()
        self._seen = Seen()
        self._first_refusals: list[Refusal] = []

    def take(self, chunk: Sequence[Row]) -> None:
        """Read, decide and record some rows."""
        read = [(row, self._reader.read(row)) for row in chunk]
        bills = [bill for _, bill in read if isinstance(bill, Bill)]
        known, split = self._known(bills), self._in_instalments(bills)
        verdicts: list[tuple[Bill, Known | None, Verdict]] = []
        refusals: list[Refusal] = []
        for row, bill in read:
            if isinstance(bill, Refusal):
                refusals.append(bill)
                continue
            before = known.get(bill.number)
            verdict = self._seen.decide(bill) or decide(bill, before, in_instalments=bill.number in split)
            if verdict.outcome is Outcome.REFUSED:
                refusals.append(self._reader.refusal(row, verdict.field, verdict.reason))
            else:
                self._seen.add(bill)
                verdicts.append((bill, before, verdict))
        self._record(verdicts)
        self._refuse(refusals)

    def _known(self, bills: Sequence[Bill]) -> dict[str, Known]:
        """The documents of this seller that the ledger holds under the numbers of `bills`."""
        contested = (
            select(col(DisputeMark.entry_id)).where(col(DisputeMark.entry_id) == col(OpenItem.entry_id)).exists()
        )
        query = (
            select(table(OpenItem), col(Account.code).label("account_code"), contested.label("contested"))
            .join(table(Account), col(Account.id) == col(OpenItem.account_id))
            .where(
                among(self._session, col(OpenItem.reference), sorted({bill.number for bill in bills})),
                col(OpenItem.entity_id) == self._entity_id,
                col(OpenItem.kind).in_([EntryKind.INVOICE, EntryKind.CREDIT_NOTE]),
            )
        )
        return {
            row["reference"]: Known(
                entry_id=row["entry_id"],
                kind=row["kind"],
                account_code=row["account_code"],
                currency=row["currency"],
                amount_minor=row["amount_minor"],
                open_minor=row["open_minor"],
                issue_on=row["effective_on"],
                due_on=row["due_on"],
                was_disputed=row["contested"],
            )
            for row in self._session.connection().execute(query).mappings()
        }

    def _in_instalments(self, bills: Sequence[Bill]) -> set[str]:
        """Those numbers of `bills` that are of invoices issued here in instalments: no item of the ledger has them."""
        query = (
            select(col(Invoice.number))
            .join(InvoiceInstalment, col(InvoiceInstalment.invoice_id) == col(Invoice.id))
            .where(
                among(self._session, col(Invoice.number), sorted({bill.number for bill in bills})),
                col(Invoice.entity_id) == self._entity_id,
                col(Invoice.kind) == DocumentKind.INVOICE,
                col(InvoiceInstalment.position) == 2,
            )
        )
        return {number for number in self._session.connection().execute(query).scalars() if number is not None}

    def _record(self, verdicts: Sequence[tuple[Bill, Known | None, Verdict]]) -> None:
        """Write what `verdicts` decide: accounts, entries, payments, allocations, contested amounts."""
        session, source = self._session, self._source
        new = [bill for bill, _, verdict in verdicts if verdict.outcome is Outcome.NEW]
        settled = [(bill, known) for bill, known, verdict in verdicts if verdict.outcome is Outcome.SETTLED and known]
        contested = [
            (bill, known) for bill, known, verdict in verdicts if verdict.outcome is Outcome.CONTESTED and known
        ]
        accepted = new + [bill for bill, _ in settled + contested]
        self._batch.accepted += len(accepted)
        self._batch.unchanged += len(verdicts) - len(accepted)
        self._accounts.look_up(session, [bill.code for bill in accepted])
        self._accounts.open_missing(session, new, now=self._now)
        self._accounts.add_contacts(session, accepted)

        paid = [bill for bill in new if bill.paid_on is not None]
        postings = [self._document(bill) for bill in new]
        postings += [self._settlement(bill, abs(bill.amount_minor)) for bill in paid]
        postings += [self._settlement(bill, known.open_minor) for bill, known in settled]
        ids = post(session, postings, now=self._now)
        entry_of = {bill.number: entry_id for bill, entry_id in zip(new, ids, strict=False)}
        entry_of |= {bill.number: known.entry_id for bill, known in settled}
        shares = []
        for bill, posting, entry_id in zip(
            paid + [bill for bill, _ in settled], postings[len(new) :], ids[len(new) :], strict=True
        ):
            pair = (entry_of[bill.number], entry_id)
            debit, credit = pair if bill.amount_minor > 0 else pair[::-1]
            shares.append((Share(debit, credit, posting.amount_minor), posting.effective_on))
        allocate_on(session, shares, source=source, now=self._now)
        marks = [mark for bill in new for mark in self._marks(bill, entry_of[bill.number], bill.amount_minor)]
        marks += [mark for bill, known in contested for mark in self._marks(bill, known.entry_id, known.open_minor)]
        mark_disputed_all(session, marks, source=source)

    def _document(self, bill: Bill) -> Posting:
        return Posting(
            entity_id=self._entity_id,
            account_id=self._accounts.ids[bill.code],
            kind=kind_of(bill),
            amount_minor=abs(bill.amount_minor),
            currency=bill.currency,
            effective_on=bill.issue_on,
            due_on=bill.due_on,
            reference=bill.number,
            source=self._source,
        )

    def _settlement(self, bill: Bill, amount_minor: int) -> Posting:
        """The payment of an invoice, or the refund of a credit note, on the day that the file tells."""
        assert bill.paid_on is not None
        return replace(
            self._document(bill),
            kind=EntryKind.PAYMENT if bill.amount_minor > 0 else EntryKind.REFUND,
            amount_minor=amount_minor,
            effective_on=bill.paid_on,
            due_on=bill.paid_on,
        )

    def _marks(self, bill: Bill, entry_id: int, amount_minor: int) -> list[tuple[int, int, date]]:
        if not bill.disputed or amount_minor < 0:
            return []
        since, until = dispute_days(bill, today=self._today)
        marks = [(entry_id, amount_minor, since)]
        return marks if until is None else [*marks, (entry_id, -amount_minor, until)]

    def _refuse(self, refusals: Sequence[Refusal]) -> None:
        self._batch.refused += len(refusals)
        self._first_refusals += refusals[: 20 - len(self._first_refusals)]
        bulk_insert(
            self._session,
            ImportRefusal,
            [
                {
                    "batch_id": self._batch.id,
                    "row_number": refusal.row,
                    "column_name": refusal.column[:60],
                    "value": refusal.value,
                    "reason": refusal.reason[:400],
                    "cells": refusal.cells,
                }
                for refusal in refusals
            ],
        )

    def finish(self) -> Report:
        """Close the batch, with one act in the audit trail."""
        batch = self._batch
        assert batch.id is not None
        change = {
            "after": {
                "file_name": batch.file_name,
                "sha256": batch.sha256,
                "profile": batch.profile,
                "entity_id": batch.entity_id,
                "accounts_opened": self._accounts.opened,
                "accepted": batch.accepted,
                "refused": batch.refused,
                "unchanged": batch.unchanged,
            }
        }
        self._session.flush()
        act = Act(batch.imported_by, "invoices.imported", f"import_batch:{batch.id}", change)
        record(self._session, [act], now=self._now)
        return Report(batch.id, batch.accepted, batch.refused, batch.unchanged, tuple(self._first_refusals))
