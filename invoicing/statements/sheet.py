"""What the printed statement shows: every text, amount and day as its reader writes it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from babel import Locale

from ar.core import i18n, money
from ar.core.i18n import marked as _
from invoicing.einvoice.facts import SIREN, Party
from invoicing.einvoice.words import Say
from invoicing.statements.facts import Section, Show, StatementFacts
from invoicing.statements.words import KINDS, buckets
from invoicing.typeset import breakable


def sheet(facts: StatementFacts, say: Say) -> dict[str, Any]:
    """The content of the pages, for templates/documents/statement.typ."""
    title = say(_("Statement of account"))
    return {
        "language": facts.language,
        "title": f"{title} {facts.account_code}",
        "author": facts.sections[0].seller.name,
        "made": [facts.until.year, facts.until.month, facts.until.day],
        "kind": title,
        "code": facts.account_code,
        "page": say(_("Page %(n)s of %(of)s"), n="{n}", of="{of}"),
        "sections": [_section(facts, section, say) for section in facts.sections],
    }


def _section(facts: StatementFacts, section: Section, say: Say) -> dict[str, Any]:
    def amount(minor: int) -> str:
        return money.localized(minor, section.currency, facts.language)

    seller = section.seller
    in_credit = section.closing_minor < 0
    return {
        "logo": section.logo,
        "seller": {"name": breakable(seller.name), "lines": _lines_of(seller, facts, section, say)},
        "buyer": {
            "label": say(_("Made out to")),
            "name": breakable(facts.customer.name),
            "lines": _lines_of(facts.customer, facts, section, say),
        },
        "facts": list(_period(facts, section, say)),
        **_table(facts, section, say),
        "ageing": {
            "heads": [*buckets(say), say(_("In credit")), say(_("Balance"))],
            "row": [*(amount(minor) for minor in section.aged), amount(section.credits), amount(section.closing_minor)],
        },
        "due": [
            say(_("In your favour") if in_credit else _("Balance due")),
            amount(abs(section.closing_minor)),
        ],
        "pay": _pay(facts, section, say),
        "footer": " · ".join([seller.name, *_numbers(seller, say)]),
    }


def _period(facts: StatementFacts, section: Section, say: Say) -> Iterator[list[str]]:
    def day(on: date) -> str:
        return i18n.long_day(on, language=facts.language)

    if facts.show is Show.MOVEMENTS:
        yield [say(_("From")), day(facts.since)]
        yield [say(_("Until")), day(facts.until)]
    else:
        yield [say(_("As of")), day(facts.until)]
    yield [say(_("Customer number")), breakable(facts.account_code)]
    yield [say(_("Currency")), section.currency]


def _table(facts: StatementFacts, section: Section, say: Say) -> dict[str, Any]:
    """The heads of the columns and the rows: a row is its cells, and whether it is a balance rather than an entry."""

    def amount(minor: int) -> str:
        return money.localized(minor, section.currency, facts.language)

    def day(on: date | None) -> str:
        return i18n.short_day(on, language=facts.language) if on else ""

    document = say(_("Document"))
    rows: list[dict[str, Any]]
    if facts.show is Show.OPEN:
        heads = [say(_("Issued")), document, say(_("Due")), say(_("Amount")), say(_("Open"))]
        rows = [
            _row(
                day(item.effective_on),
                breakable(f"{say(KINDS[item.kind])} {item.reference}".strip()),
                day(item.due_on) if item.side > 0 else "",
                amount(item.side * item.amount_minor),
                amount(item.side * item.open_minor),
                note=say(_("contested: %(amount)s"), amount=amount(item.disputed_minor)) if item.disputed_minor else "",
            )
            for item in section.open_items
        ]
    else:
        heads = [say(_("Day")), document, say(_("Due")), say(_("Amount")), say(_("Balance"))]
        opening = say(_("Balance brought forward"))
        rows = [_row(day(facts.since), opening, "", "", amount(section.opening_minor), balance=True)]
        rows += [
            _row(
                day(line.effective_on),
                breakable(f"{say(KINDS[line.kind])} {line.reference}".strip()),
                day(line.due_on) if line.change_minor > 0 else "",
                amount(line.change_minor),
                amount(line.balance_minor),
            )
            for line in section.movements
        ]
    closing = say(_("Balance"))
    rows.append(_row(day(facts.until), closing, "", "", amount(section.closing_minor), balance=True))
    return {"columns": heads, "rows": rows}


def _row(*cells: str, balance: bool = False, note: str = "") -> dict[str, Any]:
    return {"cells": list(cells), "balance": balance, "note": note}


def _lines_of(party: Party, facts: StatementFacts, section: Section, say: Say) -> list[str]:
    place = " ".join(part for part in (party.postcode, party.city) if part)
    country = ""
    if section.seller.country != facts.customer.country or not place:
        country = str(Locale(facts.language).territories.get(party.country, party.country))
    contact = " · ".join(part for part in (party.email, party.phone) if part)
    return [breakable(line) for line in (party.street, place, country, *_numbers(party, say), contact) if line]


def _numbers(party: Party, say: Say) -> list[str]:
    written = []
    if party.registration is not None:
        value = party.registration.value
        siren = party.registration.scheme == SIREN
        written.append(f"SIREN {value}" if siren else say(_("Registration %(number)s"), number=value))
    if party.vat_number:
        written.append(say(_("VAT number %(number)s"), number=party.vat_number))
    return written


def _pay(facts: StatementFacts, section: Section, say: Say) -> list[list[str]]:
    """Where to pay, when there is something to pay and somewhere is known."""
    bank = section.bank
    if bank is None or section.closing_minor <= 0:
        return []
    return [
        [say(_("Bank account of")), breakable(bank.holder)],
        ["IBAN", " ".join(bank.iban[start : start + 4] for start in range(0, len(bank.iban), 4))],
        *([["BIC", bank.bic]] if bank.bic else []),
        [say(_("Reference to give")), breakable(facts.account_code)],
    ]
