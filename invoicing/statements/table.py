"""The statement as rows for a spreadsheet: days as ISO 8601, amounts as plain decimals. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ar.core.i18n import marked as _
from ar.core.money import plain
from invoicing.einvoice.words import Say
from invoicing.statements.facts import Section, Show, StatementFacts
from invoicing.statements.words import KINDS

_COMMON = (_("Seller"), _("Currency"))
_HEADS = {
    Show.MOVEMENTS: (*_COMMON, _("Day"), _("Entry"), _("Document"), _("Due"), _("Amount"), _("Balance")),
    Show.OPEN: (*_COMMON, _("Issued"), _("Entry"), _("Document"), _("Due"), _("Amount"), _("Open"), _("Contested")),
}


def heads(facts: StatementFacts, say: Say) -> list[str]:
    """The headings, in the customer's language."""
    return [say(head) for head in _HEADS[facts.show]]


def rows(facts: StatementFacts, say: Say) -> Iterator[list[str]]:
    """One row for each movement, between the balances it began and ended with; or one for each open item."""
    for section in facts.sections:
        yield from _open(section, say) if facts.show is Show.OPEN else _movements(facts, section, say)


def _movements(facts: StatementFacts, section: Section, say: Say) -> Iterator[list[str]]:
    seller, currency = section.seller_code, section.currency
    brought, closing = say(_("Balance brought forward")), say(_("Balance"))
    opening = plain(section.opening_minor, currency)
    yield [seller, currency, facts.since.isoformat(), brought, "", "", "", opening]
    for line in section.movements:
        yield [
            seller,
            currency,
            line.effective_on.isoformat(),
            say(KINDS[line.kind]),
            line.reference,
            line.due_on.isoformat() if line.due_on and line.change_minor > 0 else "",
            plain(line.change_minor, currency),
            plain(line.balance_minor, currency),
        ]
    yield [seller, currency, facts.until.isoformat(), closing, "", "", "", plain(section.closing_minor, currency)]


def _open(section: Section, say: Say) -> Iterator[list[str]]:
    for item in section.open_items:
        yield [
            section.seller_code,
            section.currency,
            item.effective_on.isoformat(),
            say(KINDS[item.kind]),
            item.reference,
            item.due_on.isoformat() if item.side > 0 else "",
            plain(item.side * item.amount_minor, section.currency),
            plain(item.side * item.open_minor, section.currency),
            plain(item.disputed_minor, section.currency),
        ]
