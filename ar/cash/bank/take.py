"""A bank file taken in: read twice, first to see that all of it can be taken, then to store it; all of it or nothing.

The caller's transaction holds it. The first reading writes nothing and asks the database nothing, so that a bad file
costs no lock; both hold one entry at a time, however long the file is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sqlmodel import Session, col, select

from ar.cash.bank.after import want_work
from ar.cash.bank.chain import Span, entries_beside
from ar.cash.bank.gaps import unclosed, unjoined
from ar.cash.bank.models import BankStatement
from ar.cash.bank.own_accounts import own_account
from ar.cash.bank.readers.facts import BankFileError, End, Head, Line, Part, Status, refused
from ar.cash.bank.readers.read import parts_of
from ar.cash.bank.settle import Entry, Numbering, settle
from ar.cash.bank.store import known_lines, pending_lines, write
from ar.core.audit import Act, record
from ar.core.db import among
from ar.core.files import XLSX, StoredFile, store
from ar.core.mapping import Profile
from ar.customers.entities import bank_accounts
from ar.customers.models import BankAccount

MAX_BYTES = 500_000_000
_CHUNK = 5_000


@dataclass(frozen=True)
class Taken:
    """What came of one statement. `known` lines were there before, `replaced` ones are told better now; `gaps` are
    sentences on balances that do not fit."""

    statement_id: int | None
    bank_account_id: int
    account: str
    currency: str
    reference: str
    format: str
    provisional: bool
    read: int
    added: int
    known: int
    replaced: int
    gaps: Sequence[str]


@dataclass(frozen=True)
class Report:
    """What came of a file; `file_id` is None when all of it was known."""

    file_id: int | None
    sha256: str
    statements: Sequence[Taken]


@dataclass(slots=True)
class _Plan:
    """What the first reading saw of one statement."""

    head: Head
    end: End = field(default_factory=End)
    lines: int = 0
    moved: int = 0
    first: date = date.max
    last: date = date.min
    foreign: Line | None = None
    currency: str = ""


def take_file(
    session: Session,
    files_url: str,
    content: bytes,
    *,
    name: str,
    by: str,
    now: datetime,
    profiles: Sequence[Profile] = (),
    account: str = "",
    currency: str = "",
    max_bytes: int = MAX_BYTES,
) -> Report:
    """What came of the statements in `content`, stored with the file itself; in this transaction.

    `account` and `currency` are for a table that does not say them. Raises BankFileError, UnknownBankAccountError,
    FileError, FileRefusedError or FileTooLargeError; nothing is to be kept then.
    """
    if len(content) > max_bytes:
        raise BankFileError(f"The file has {len(content):,} bytes; at most {max_bytes:,} are taken")

    def parts() -> Iterator[Part]:
        return parts_of(content, profiles=profiles, account=account, currency=currency)

    plans = _survey(parts())
    accounts = bank_accounts(session)
    owners = [_owner(accounts, plan, number) for number, plan in enumerate(plans, start=1)]
    _lock(session, owners)
    kept = store(
        session,
        files_url,
        name=name,
        content=content,
        media_type=_media_type(content, plans[0].head.format),
        subject_ref="bank",
        stored_by=by,
        max_bytes=max_bytes,
        now=now,
    )
    taken = []
    for owner, plan, lines in zip(owners, plans, _grouped(parts()), strict=True):
        taken.append(_take(session, owner, plan, lines, kept, by=by, now=now))
    added = [one.statement_id for one in taken if one.statement_id is not None]
    file_id = kept.id
    if added:
        want_work(session, added, now=now)
        change = {"file": kept.sha256, "statements": added, "lines": sum(one.added for one in taken)}
        record(session, [Act(by, "bank_file.taken", f"bank_file:{file_id}", {"after": change})], now=now)
    else:
        session.delete(kept)
        file_id = None
    session.flush()
    return Report(file_id, kept.sha256, taken)


def _survey(parts: Iterable[Part]) -> list[_Plan]:
    """All statements without their lines. Raises BankFileError, after the whole file has been read at the latest."""
    plans: list[_Plan] = []
    for part in parts:
        if isinstance(part, Line):
            plan = plans[-1]
            plan.lines += 1
            plan.first, plan.last = min(plan.first, part.booked_on), max(plan.last, part.booked_on)
            if part.status is Status.BOOKED:
                plan.moved += part.amount_minor
            plan.currency = plan.currency or part.currency
            if part.currency != plan.currency and plan.foreign is None:
                plan.foreign = part
        elif isinstance(part, Head):
            plans.append(_Plan(part, currency=part.currency or ""))
        else:
            plans[-1].end = part
    if not plans:
        raise refused("the file", "it holds no statement")
    return plans


def _owner(accounts: Sequence[BankAccount], plan: _Plan, number: int) -> BankAccount:
    """The account of a statement. Raises UnknownBankAccountError, or BankFileError for a currency that is not its."""
    where = f"statement {number}"
    found = own_account(accounts, plan.head.account, plan.currency or None)
    if plan.foreign is not None:
        wrong = f"a line is in {plan.foreign.currency}, but the account is kept in {found.currency}"
        raise refused(plan.foreign.place, wrong)
    if plan.currency and plan.currency != found.currency:
        wrong = f"it is in {plan.currency}, but the account {found.iban} is registered in {found.currency}"
        raise refused(where, wrong)
    return found


def _lock(session: Session, owners: Sequence[BankAccount]) -> None:
    """Files of one account are taken one after the other, so that none misses what another has just brought."""
    ids = sorted({one.id for one in owners if one.id is not None})
    query = select(BankAccount.id).where(among(session, col(BankAccount.id), ids)).order_by(col(BankAccount.id))
    session.exec(query.with_for_update()).all()


def _media_type(content: bytes, form: str) -> str:
    if form.startswith("camt"):
        return "application/xml"
    if form == "table":
        return XLSX if content.startswith(b"PK") else "text/csv"
    return "text/plain"


def _grouped(parts: Iterator[Part]) -> Iterator[Iterator[Sequence[Line]]]:
    """For each statement its entries: lines that are parts of one stand together. Each is to be used up before the
    next is asked for."""
    for part in parts:
        if isinstance(part, Head):
            yield _entries(parts)


def _entries(parts: Iterator[Part]) -> Iterator[Sequence[Line]]:
    entry: list[Line] = []
    for part in parts:
        if not isinstance(part, Line):
            return
        entry.append(part)
        if part.part == part.parts:
            yield entry
            entry = []


def _take(
    session: Session,
    owner: BankAccount,
    plan: _Plan,
    entries: Iterator[Sequence[Line]],
    kept: StoredFile,
    *,
    by: str,
    now: datetime,
) -> Taken:
    assert owner.id is not None
    opening, closing = plan.head.opening or plan.end.opening, plan.end.closing
    span = Span(opening, closing, plan.first, plan.last)
    beside = entries_beside(session, owner.id, span, owner.currency) if plan.lines else {}
    numbering, pending = Numbering(owner.id, beside), pending_lines(session, owner.id)
    statement = _statement(session, owner, plan, kept, by=by, now=now)
    digest = hashlib.sha256(repr((replace(plan.head, opening=None), opening, closing)).encode())
    added = known = replaced = 0
    for chunk in _chunks(entries, numbering):
        for entry in chunk:
            digest.update(f"{entry.look}|{len(entry.lines)}\n".encode())
        stored = known_lines(session, owner.id, [entry.key for entry in chunk])
        outcome = settle(chunk, stored, pending, provisional=plan.head.provisional)
        write(session, outcome, owner=owner, statement=statement, now=now)
        added += len(outcome.inserted)
        known += outcome.known
        replaced += len(outcome.replaced) + len(outcome.booked) + len(outcome.superseded)
    statement.lines_added = added
    same = _same(session, owner.id, digest.hexdigest())
    again = same is not None and added == replaced == 0
    if again:
        session.delete(statement)
    elif same is None:
        statement.digest = digest.hexdigest()
    session.flush()
    standing = same if again and same is not None else statement
    gaps = [*unclosed(plan.head, plan.end, plan.moved, owner.currency), *unjoined(session, standing, owner.currency)]
    return Taken(
        statement_id=None if again else statement.id,
        bank_account_id=owner.id,
        account=plan.head.account,
        currency=owner.currency,
        reference=plan.head.reference,
        format=plan.head.format,
        provisional=plan.head.provisional,
        read=plan.lines,
        added=added,
        known=known,
        replaced=replaced,
        gaps=gaps,
    )


def _chunks(entries: Iterator[Sequence[Line]], numbering: Numbering) -> Iterator[list[Entry]]:
    """The entries that move anything, some thousand lines at a time."""
    chunk: list[Entry] = []
    size = 0
    for lines in entries:
        moving = [line for line in lines if line.amount_minor]
        if not moving:
            continue
        chunk.append(numbering.entry(moving))
        size += len(moving)
        if size >= _CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _statement(
    session: Session, owner: BankAccount, plan: _Plan, kept: StoredFile, *, by: str, now: datetime
) -> BankStatement:
    """The statement's row, under a digest of its own until all its lines were seen."""
    assert owner.id is not None
    opening, closing = plan.head.opening or plan.end.opening, plan.end.closing
    opening = opening if opening is not None and opening.currency == owner.currency else None
    closing = closing if closing is not None and closing.currency == owner.currency else None
    both = opening is not None and closing is not None and not plan.head.provisional
    made = BankStatement(
        bank_account_id=owner.id,
        file_id=kept.id,
        format=plan.head.format,
        reference=plan.head.reference,
        digest=hashlib.sha256(f"{kept.id}|{plan.head!r}|{plan.first}|{plan.lines}|{now}".encode()).hexdigest(),
        currency=owner.currency,
        opening_minor=opening.minor if opening else None,
        opening_on=opening.on if opening else None,
        closing_minor=closing.minor if closing else None,
        closing_on=closing.on if closing else (plan.last if plan.lines else None),
        difference_minor=closing.minor - opening.minor - plan.moved if both and opening and closing else None,
        provisional=plan.head.provisional,
        lines_read=plan.lines,
        lines_added=0,
        imported_by=by,
        imported_at=now,
    )
    session.add(made)
    session.flush()
    return made


def _same(session: Session, account_id: int, digest: str) -> BankStatement | None:
    query = select(BankStatement).where(
        col(BankStatement.bank_account_id) == account_id, col(BankStatement.digest) == digest
    )
    return session.exec(query).first()
