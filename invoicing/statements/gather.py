"""From the ledger to the facts of a statement, in a handful of queries."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from sqlmodel import Session, col, select

from ar.core.kernel import Kernel
from ar.customers.accounts import account, identifiers_of
from ar.customers.entities import entities
from ar.customers.models import Account, BankAccount
from ar.ledger.ageing import BOUNDS, AgeingRow, ageing
from ar.ledger.items import ItemState, open_items
from ar.ledger.statement import Statement, statements
from invoicing.einvoice import parties
from invoicing.einvoice.facts import Bank
from invoicing.logos.change import logos_for
from invoicing.statements.facts import Section, Show, StatementFacts, check_period


def gather(
    session: Session, kernel: Kernel, account_id: int, *, since: date, until: date, show: Show
) -> StatementFacts:
    """The facts of an account's statement: a section for each seller and currency that moved or stood open.

    Its sums are those of the ledger at the end of `until`. Where nothing ever moved there is one section, of nothing.
    Raises AccountNotFoundError, StatementPeriodError.
    """
    check_period(since, until)
    buying = account(session, account_id)
    sellers = {one.id: one for one in entities(session)}
    banks = _banks(session)
    aged = {(row.entity_id, row.currency): row for row in ageing(session, as_of=until, account_ids=[account_id])}
    items: dict[tuple[int, str], list[ItemState]] = defaultdict(list)
    for item in open_items(session, account_ids=[account_id], as_of=until):
        items[item.entity_id, item.currency].append(item)
    found = statements(session, account_id, since=since, until=until) or _nothing(
        buying, min((i for i in sellers if i), default=0), since, until
    )
    names = {told.entity_id: sellers[told.entity_id].name for told in found}
    logos = logos_for(session, kernel.settings.files, names)
    nothing = AgeingRow(account_id, 0, "", (0,) * (len(BOUNDS) + 1), 0)
    sections = []
    for told in found:
        pair = (told.entity_id, told.currency)
        selling, row = sellers[told.entity_id], aged.get(pair, nothing)
        section = Section(
            seller_code=selling.code,
            seller=parties.seller(selling),
            currency=told.currency,
            opening_minor=told.opening_minor,
            closing_minor=told.closing_minor,
            movements=told.lines,
            open_items=items[pair],
            aged=row.buckets,
            credits=row.credits,
            bank=banks.get(pair),
            logo=logos.get(told.entity_id),
        )
        sections.append(section)
    return StatementFacts(
        account_code=buying.code,
        customer=parties.buyer(buying, identifiers_of(session, account_id)),
        language=kernel.renderer.language(buying.language),
        since=since,
        until=until,
        show=show,
        sections=sections,
    )


def _nothing(buying: Account, entity_id: int, since: date, until: date) -> list[Statement]:
    """The statement of an account that never had one: with the first seller, if there is any, in its currency."""
    assert buying.id is not None
    return [Statement(buying.id, entity_id, buying.currency, since, until, 0, [])] if entity_id else []


def _banks(session: Session) -> dict[tuple[int, str], Bank]:
    """Where each seller is paid in each currency: on its first account."""
    found: dict[tuple[int, str], Bank] = {}
    for row in session.exec(select(BankAccount).where(col(BankAccount.is_iban)).order_by(col(BankAccount.id))):
        found.setdefault((row.entity_id, row.currency), Bank(row.iban, row.bic or "", row.holder))
    return found
