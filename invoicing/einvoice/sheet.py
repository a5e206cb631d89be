"""What the printed page of an invoice shows: every text, amount and day as its reader writes it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from babel import Locale

from ar.core import i18n, money
from ar.core.i18n import marked as _
from invoicing.einvoice.facts import (
    CREDIT_NOTE_CODE,
    DEPOSIT_CODE,
    INVOICE_CODE,
    SIREN,
    AdjustmentFacts,
    DocumentFacts,
    Party,
    Period,
)
from invoicing.einvoice.words import Say, operation
from invoicing.models import TaxCategory
from invoicing.totals import ONE
from invoicing.typeset import breakable

_KINDS = {INVOICE_CODE: _("Invoice"), DEPOSIT_CODE: _("Deposit invoice"), CREDIT_NOTE_CODE: _("Credit note")}


def sheet(facts: DocumentFacts, say: Say, *, qr: str | None) -> dict[str, Any]:
    """The content of the page, for templates/documents/invoice.typ."""
    kind = say(_KINDS[facts.type_code])
    total = _("Amount due") if facts.is_invoice else _("Amount credited")
    return {
        "language": facts.language,
        "title": f"{kind} {facts.number}",
        "kind": kind,
        "number": facts.number,
        "issued": [facts.issue_on.year, facts.issue_on.month, facts.issue_on.day],
        "logo": None,
        "seller": {
            "name": breakable(facts.seller.name),
            "lines": _lines_of(facts.seller, facts, say, with_contact=True),
        },
        "buyer": {
            "label": say(_("Billed to") if facts.is_invoice else _("Credited to")),
            "name": breakable(facts.buyer.name),
            "lines": _lines_of(facts.buyer, facts, say, with_contact=False),
        },
        "facts": list(_facts(facts, say)),
        "note": breakable("\n".join(note.text for note in facts.notes if not note.subject)),
        "columns": [say(_("Description")), say(_("Quantity")), say(_("Unit price")), say(_("VAT")), say(_("Net"))],
        "rows": list(_rows(facts, say)),
        "taxes": {"heads": [say(_("VAT rate")), say(_("Net")), say(_("Tax"))], "rows": list(_taxes(facts))},
        "sums": list(_sums(facts, say)),
        "due": [say(total), _money(facts, facts.total_minor)],
        "terms": facts.terms,
        "pay": _pay(facts, say, qr),
        "mentions": [note.text for note in facts.notes if note.subject and facts.is_invoice],
        "footer": " · ".join([facts.seller.name, *_numbers(facts.seller, facts, say)]),
        "page": say(_("Page %(n)s of %(of)s"), n="{n}", of="{of}"),
    }


def _money(facts: DocumentFacts, minor: int) -> str:
    return money.localized(minor, facts.currency, facts.language)


def _lines_of(party: Party, facts: DocumentFacts, say: Say, *, with_contact: bool) -> list[str]:
    place = " ".join(part for part in (party.postcode, party.city) if part)
    country = ""
    if facts.seller.country != facts.buyer.country or not place:
        country = str(Locale(facts.language).territories.get(party.country, party.country))
    contact = " · ".join(part for part in (party.email, party.phone) if part) if with_contact else ""
    written = (party.street, place, country, *_numbers(party, facts, say), contact)
    return [breakable(line) for line in written if line]


def _numbers(party: Party, facts: DocumentFacts, say: Say) -> list[str]:
    written = []
    if party.registration is not None:
        value = party.registration.value
        siren = party.registration.scheme == SIREN
        written.append(f"SIREN {value}" if siren else say(_("Registration %(number)s"), number=value))
    if party.vat_number and facts.taxable:
        written.append(say(_("VAT number %(number)s"), number=party.vat_number))
    return written


def _facts(facts: DocumentFacts, say: Say) -> Iterator[list[str]]:
    def day(on: Any) -> str:
        return i18n.long_day(on, language=facts.language)

    yield [say(_("Issued")), day(facts.issue_on)]
    if facts.supplied_on is not None:
        yield [say(_("Supplied")), day(facts.supplied_on)]
    if facts.is_invoice:
        yield [say(_("Due")), day(facts.due_on)]
    if facts.period is not None:
        yield [say(_("Period")), _span(facts.period, facts.language)]
    if facts.corrects is not None:
        yield [say(_("Corrects invoice")), facts.corrects.number]
        yield [say(_("of")), day(facts.corrects.issue_on)]
    for earlier in facts.follows:
        yield [say(_("Follows")), f"{earlier.number}, {day(earlier.issue_on)}"]
    if facts.order_reference:
        yield [say(_("Order")), breakable(facts.order_reference)]
    if facts.purchase_order:
        yield [say(_("Purchase order")), breakable(facts.purchase_order)]
    if facts.buyer_reference:
        yield [say(_("Your reference")), breakable(facts.buyer_reference)]
    if facts.deliver_to is not None:
        place = facts.deliver_to
        town = " ".join(part for part in (place.postcode, place.city, place.country) if part)
        yield [say(_("Delivered to")), breakable(", ".join(part for part in (place.name, place.street, town) if part))]
    if told := operation(facts.supplies, facts.seller.country, say):
        yield [say(_("Operation")), told]


def _rows(facts: DocumentFacts, say: Say) -> Iterator[list[str]]:
    least = money.exponent(facts.currency)
    for line in facts.lines:
        more = [line.item_code, _span(line.period, facts.language) if line.period else ""]
        if line.order_line:
            more.append(say(_("your line %(number)s"), number=line.order_line))
        more += [_adjustment(one, facts) for one in line.adjustments]
        yield [
            breakable(line.description),
            breakable(" · ".join(part for part in more if part)),
            _decimal(line.quantity_millionths, 0, facts.language) + _unit(line.unit, say),
            _decimal(line.unit_price_millionths, least, facts.language),
            _rate(line.category, line.rate_bp, facts.language),
            _money(facts, line.net_minor),
        ]


_UNITS = {
    "HUR": _("h"),
    "DAY": _("days"),
    "MON": _("months"),
    "KGM": "kg",
    "GRM": "g",
    "TNE": "t",
    "LTR": "l",
    "MTR": "m",
    "MTK": "m²",
    "MTQ": "m³",
    "KMT": "km",
    "KWH": "kWh",
    ONE: "",
    "H87": "",
    "EA": "",
}
"""What is printed for the usual units of UN/ECE recommendation 20; of another its code."""


def _unit(code: str, say: Say) -> str:
    written = _UNITS.get(code, code)
    return f"\u00a0{say(written)}" if written else ""


def _adjustment(one: AdjustmentFacts, facts: DocumentFacts) -> str:
    """What is taken off or added, and why: 'Trade discount 5 %: -4,50 EUR'."""
    percent = "" if one.percent_bp is None else f" {_percent(one.percent_bp, facts.language)}"
    return f"{one.reason}{percent}\u00a0: {_money(facts, one.amount_minor if one.charge else -one.amount_minor)}"


def _span(period: Period, language: str) -> str:
    days = [i18n.long_day(day, language=language) for day in (period.first, period.last) if day]
    return " – ".join(days)


def _sums(facts: DocumentFacts, say: Say) -> Iterator[list[str]]:
    if facts.adjustments:
        yield [say(_("Sum of the lines")), _money(facts, facts.lines_minor)]
    told: dict[tuple[str, int | None, bool], int] = defaultdict(int)
    for one in facts.adjustments:
        told[one.reason, one.percent_bp, one.charge] += one.amount_minor
    for (reason, percent_bp, charge), minor in told.items():
        percent = "" if percent_bp is None else f" {_percent(percent_bp, facts.language)}"
        yield [breakable(f"{reason}{percent}"), _money(facts, minor if charge else -minor)]
    yield [say(_("Total without VAT")), _money(facts, facts.net_minor)]
    yield [say(_("VAT")), _money(facts, facts.tax_minor)]
    if facts.tax_currency is not None and facts.tax_accounting_minor is not None:
        in_accounts = money.localized(facts.tax_accounting_minor, facts.tax_currency, facts.language)
        yield [say(_("VAT in %(currency)s"), currency=facts.tax_currency), in_accounts]


def _decimal(millionths: int, least: int, language: str) -> str:
    """All decimals that there are, and `least` of them at least."""
    value = Decimal(millionths).scaleb(-6).normalize()
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return i18n.number(value, max(least, -exponent), language=language)


def _rate(category: TaxCategory, rate_bp: int, language: str) -> str:
    if category is TaxCategory.NOT_SUBJECT:
        return "–"
    return _percent(rate_bp, language)


def _percent(rate_bp: int, language: str) -> str:
    places = 0 if rate_bp % 100 == 0 else 2 if rate_bp % 10 else 1
    return i18n.percent(Decimal(rate_bp).scaleb(-4), places, language=language)


def _taxes(facts: DocumentFacts) -> Iterator[list[str]]:
    for tax in facts.taxes:
        yield [
            _rate(tax.category, tax.rate_bp, facts.language),
            _money(facts, tax.net_minor),
            _money(facts, tax.tax_minor),
            tax.reason,
        ]


def _pay(facts: DocumentFacts, say: Say, qr: str | None) -> dict[str, Any] | None:
    """How to pay; None for a credit note, and where there is no way to tell."""
    rows = []
    if facts.bank is not None:
        iban = facts.bank.iban
        rows = [
            [say(_("Bank account of")), facts.bank.holder],
            ["IBAN", " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))],
            *([["BIC", facts.bank.bic]] if facts.bank.bic else []),
            [say(_("Reference to give")), facts.number],
        ]
    if facts.pay_online:
        rows.append([say(_("Pay online")), facts.pay_online])
    if not rows or not facts.is_invoice:
        return None
    return {
        "facts": rows,
        "link": facts.pay_online,
        "qr": qr or "",
        "qr_label": say(_("Scan to pay by transfer")),
    }
