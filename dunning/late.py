"""What a message may announce, or have booked, for lateness: the law's figures, and the sums of each late item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session, col

from ar.core.audit import Act, record
from ar.core.db import among, table
from ar.core.kernel import Kernel
from ar.core.outbox import MessageState, OutboxMessage
from ar.customers.models import Account, AccountKind
from ar.ledger.items import balance_steps
from ar.ledger.models import Entry, EntryKind, OpenItem
from ar.ledger.post import Posting, post
from dunning.case import CustomerFacts, LateTerms
from dunning.decision import Send
from dunning.message import Charged
from dunning.models import DunningNotice
from dunning.steps import Charge
from invoicing.law.contract import Agreed, agreed_on, agreed_rates, with_agreed
from invoicing.law.interest import segments
from invoicing.law.rules import Law, LawMissingError
from invoicing.law.table import law_of
from invoicing.models import InvoiceInstalment, LawKind

PAYABLE_DAYS = 30
"""A charge that is booked is due so many days after it was announced."""


@dataclass(frozen=True)
class _Known:
    """What the sums of a chunk of messages rest on, by one query each."""

    laws: Mapping[str, Law]
    rates: Mapping[int, list[Agreed]]
    consumers: frozenset[int]
    balances: Mapping[int, list[tuple[date, int]]]
    invoices: Mapping[int, int]
    charged: frozenset[int]


def charges_for(
    session: Session, sends: Sequence[tuple[CustomerFacts, Send, date]], countries: Mapping[int, str]
) -> list[tuple[Charged, ...]]:
    """What each message adds for the late items that reach a step with charges; `countries` are the sellers'.

    Interest as invoicing.law.interest reckons it up to the message's day, on invoices of which nothing is contested.
    The fixed sum once per invoice, in its currency alone. What was booked before is not told again; a consumer owes
    nothing; where the law's table lacks a day nothing is told.
    """
    if not any(line.step.charges for _, send, _ in sends for line in send.lines):
        return [() for _ in sends]
    known = _known(session, sends, countries)
    return [_charges(facts, send, day, countries[send.entity_id], known) for facts, send, day in sends]


def _known(session: Session, sends: Sequence[tuple[CustomerFacts, Send, date]], countries: Mapping[int, str]) -> _Known:
    lines = [line for _, send, _ in sends for line in send.lines if line.step.charges]
    entry_ids = sorted({line.ask.item.entry_id for line in lines})
    accounts = sorted({facts.account_id for facts, _, _ in sends})
    invoice_items = select(col(OpenItem.entry_id)).where(
        among(session, col(OpenItem.entry_id), entry_ids), col(OpenItem.kind) == EntryKind.INVOICE
    )
    invoices = sorted(session.connection().execute(invoice_items).scalars())
    parts = select(col(InvoiceInstalment.entry_id), col(InvoiceInstalment.invoice_id)).where(
        among(session, col(InvoiceInstalment.entry_id), invoices)
    )
    document_of = {row.entry_id: row.invoice_id for row in session.connection().execute(parts)}
    keys = {_key(entry_id): entry_id for entry_id in invoices}
    booked = select(col(Entry.source_key)).where(among(session, col(Entry.source_key), list(keys)))
    consumers = select(col(Account.id)).where(
        among(session, col(Account.id), accounts), col(Account.kind) == AccountKind.CONSUMER
    )
    return _Known(
        {country: law_of(session, country) for country in set(countries.values())},
        agreed_rates(session, accounts),
        frozenset(number for number in session.connection().execute(consumers).scalars() if number is not None),
        balance_steps(session, invoices),
        {entry_id: document_of.get(entry_id, -entry_id) for entry_id in invoices},
        frozenset(keys[key] for key in session.connection().execute(booked).scalars() if key is not None),
    )


def _charges(facts: CustomerFacts, send: Send, day: date, country: str, known: _Known) -> tuple[Charged, ...]:
    if facts.account_id in known.consumers:
        return ()
    law = with_agreed(known.laws[country], known.rates.get(facts.account_id, ()))
    found: list[Charged] = []
    told: set[int] = set()
    try:
        for line in send.lines:
            item, step = line.ask.item, line.step
            document = known.invoices.get(item.entry_id)
            if not step.charges or document is None or item.entry_id in known.charged or line.ask.contested_minor:
                continue
            stretches = segments(law, due_on=item.due_on, balances=known.balances[item.entry_id], as_of=day)
            if not stretches:
                continue
            fixed = law.on(LawKind.FIXED_COMPENSATION, stretches[0].first).amount()
            interest = 0 if step.interest is Charge.NONE else sum(part.interest_minor for part in stretches)
            once = step.fixed_sum is Charge.NONE or document in told or fixed.currency != item.currency
            fixed_minor = 0 if once else fixed.minor
            told.add(document)
            booked = (interest if step.interest is Charge.BOOKED else 0) + (
                fixed_minor if step.fixed_sum is Charge.BOOKED else 0
            )
            days = (day - item.due_on).days
            found.append(Charged(item.entry_id, item.reference, item.currency, days, interest, fixed_minor, booked))
    except LawMissingError:
        return ()
    return tuple(found)


def _key(entry_id: int) -> str:
    return f"late:{entry_id}"


def book_charges(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """The job: post what messages that have left said would be booked; each item once, in what words were sent."""
    with kernel.database.transaction() as session:
        notice = table(DunningNotice).c
        query = (
            select(notice.id, notice.account_id, notice.entity_id, notice.cycle, notice.charges)
            .join(OutboxMessage, col(OutboxMessage.dedup_key) == notice.message_key)
            .where(notice.to_book, col(OutboxMessage.state) == MessageState.SENT)
            .order_by(notice.id)
            .limit(1000)
            .with_for_update(of=table(DunningNotice))
        )
        rows = session.connection().execute(query).all()
        wanted = {
            (row.id, charge["entry_id"]): (row, charge)
            for row in rows
            for charge in row.charges
            if charge["book_minor"]
        }
        keys = [_key(entry_id) for _, entry_id in wanted]
        known = select(col(Entry.source_key)).where(among(session, col(Entry.source_key), keys))
        booked = set(session.connection().execute(known).scalars())
        postings = {
            _key(charge["entry_id"]): _posting(row, charge)
            for row, charge in wanted.values()
            if _key(charge["entry_id"]) not in booked
        }
        post(session, list(postings.values()), now=now)
        ids = [row.id for row in rows]
        done = update(DunningNotice).where(among(session, col(DunningNotice.id), ids)).values(to_book=False)
        session.connection().execute(done)
        if postings:
            record(session, [Act("system", "dunning.charged", "dunning", {"entries": sorted(postings)})], now=now)
    return f"{len(postings)} late charges booked"


def _posting(row: Any, charge: Mapping[str, Any]) -> Posting:
    return Posting(
        row.entity_id,
        row.account_id,
        EntryKind.LATE_CHARGE,
        charge["book_minor"],
        charge["currency"],
        row.cycle,
        row.cycle + timedelta(days=PAYABLE_DAYS),
        reference=charge["reference"],
        memo=f"interest {charge['interest_minor']}, fixed sum {charge['fixed_minor']}, {charge['days']} days late",
        source="dunning",
        source_key=_key(charge["entry_id"]),
    )


def late_terms(session: Session, country: str, *, on: date) -> LateTerms | None:
    """What the law's table lets a seller of `country` announce on the day `on`; None where it lacks one of the two."""
    law = law_of(session, country)
    interest, fixed = (law.find(kind, on) for kind in (LawKind.INTEREST, LawKind.FIXED_COMPENSATION))
    if interest is None or fixed is None:
        return None
    amount = fixed.amount()
    return LateTerms(interest.value, amount.minor, amount.currency, interest.source)


def terms_for(session: Session, asked: Sequence[tuple[int, str, date]]) -> list[LateTerms | None]:
    """What may be announced to each account by a seller of a country on a day: the contract's rate where one is agreed.

    None where late_terms() is, and for a consumer, to whom the law between professionals gives nothing.
    """
    law = {(country, on): late_terms(session, country, on=on) for country, on in {one[1:] for one in asked}}
    ids = sorted({account_id for account_id, _, _ in asked})
    query = select(col(Account.id)).where(
        among(session, col(Account.id), ids), col(Account.kind) == AccountKind.CONSUMER
    )
    consumers = set(session.connection().execute(query).scalars())
    rates = agreed_rates(session, ids)
    found: list[LateTerms | None] = []
    for account_id, country, on in asked:
        terms, agreed = law[country, on], agreed_on(rates.get(account_id, ()), on)
        if terms is not None and agreed is not None and agreed.percent is not None:
            terms = terms._replace(interest_percent=agreed.percent, source=agreed.source)
        found.append(None if account_id in consumers else terms)
    return found
