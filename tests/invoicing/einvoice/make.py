"""Facts of documents, whole and consistent, for the tests of what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any

from ar.core.render import Renderer
from invoicing.einvoice import words
from invoicing.einvoice.facts import (
    SIREN,
    AdjustmentFacts,
    Bank,
    DocumentFacts,
    Earlier,
    LineFacts,
    Note,
    Number,
    Party,
    Period,
    TaxFacts,
)
from invoicing.models import DocumentKind, TaxCategory
from invoicing.terms import Instalment
from invoicing.totals import Adjustment, Line, Totals, totals
from tests.invoicing.make import line

SELLER = Party(
    name="Atelier Amiable",
    country="FR",
    street="14 rue des Ébénistes",
    postcode="69002",
    city="Lyon",
    vat_number="FR40303265045",
    registration=Number("303265045", SIREN),
    endpoint=Number("303265045", SIREN),
    email="comptes@atelier.example",
)
BUYER = Party(
    name="Nordlicht Werkzeuge",
    country="DE",
    street="Hafenstraße 1",
    postcode="20457",
    city="Hamburg",
    vat_number="DE136695976",
    endpoint=Number("DE136695976", "9930"),
)
BANK = Bank(iban="FR1420041010050500013M02606", bic="PSSTFRPPLIL", holder="Atelier Amiable")
HOSTILE = (
    '<b>&amp;</b> ]]> "quotes" \'\' #import "x" $ \\ {{ _("x") }} #[*a*] // @a <!-- --> %s',
    "日本語 العربية עברית 😀 \u202e\u200b\ufeff\u0301 \U000fffff \ufffe",
    "tab\tand\nlines\r\nof it \x01\x0b",
    "x" * 1000,
    "w " * 400,
)


def facts(
    renderer: Renderer,
    *lines: Line,
    kind: DocumentKind = DocumentKind.INVOICE,
    currency: str = "EUR",
    language: str = "en",
    seller: Party = SELLER,
    buyer: Party = BUYER,
    bank: Bank | None = BANK,
    note: str = "",
    buyer_reference: str = "Halle 3",
    terms: str = "45 days end of month",
    supplied_on: date | None = date(2026, 3, 12),
    adjustments: Sequence[Adjustment] = (),
    **more: Any,
) -> DocumentFacts:
    """A document of `lines`, its sums made as those of an issued one are."""
    given: Sequence[Line] = lines or (line("2", "450"), line("1", "80.55", "5.5"))
    sums = totals(given, currency, adjustments)
    say = partial(renderer.text, language=language)
    due_on = date(2026, 4, 30)
    return DocumentFacts(
        kind=kind,
        number="FR1-2026-000123",
        issue_on=date(2026, 3, 16),
        due_on=due_on,
        supplied_on=supplied_on,
        currency=currency,
        language=language,
        seller=seller,
        buyer=buyer,
        lines=tuple(
            LineFacts(
                n,
                one.description,
                one.quantity_millionths,
                one.unit_price_millionths,
                one.category,
                one.rate_bp,
                net,
                one.unit,
                one.item_code,
                one.order_line,
                Period(one.period_from, one.period_to) if one.period_from or one.period_to else None,
                _adjusted(sums, n - 1),
                one.supply,
            )
            for n, (one, net) in enumerate(zip(given, sums.lines, strict=True), start=1)
        ),
        adjustments=_adjusted(sums, None),
        taxes=tuple(
            TaxFacts(
                tax.category,
                tax.rate_bp,
                tax.net_minor,
                tax.tax_minor,
                words.reason(tax.category, tax.exemption, seller.country, say),
                tax.exemption or words.REASON_CODES.get(tax.category, ""),
            )
            for tax in sums.taxes
        ),
        net_minor=sums.net_minor,
        tax_minor=sums.tax_minor,
        total_minor=sums.total_minor,
        terms=words.terms_in_words(kind, [Instalment(due_on, sums.total_minor)], currency, terms, say, language),
        bank=bank,
        buyer_reference=buyer_reference,
        purchase_order="PO-8841",
        notes=((Note(note),) if note else ()) + words.mentions(seller.country, "", say),
        corrects=Earlier("FR1-2026-000100", date(2026, 2, 1)) if kind is DocumentKind.CREDIT_NOTE else None,
        **more,
    )


def _adjusted(sums: Totals, at: int | None) -> tuple[AdjustmentFacts, ...]:
    return tuple(
        AdjustmentFacts(
            one.adjustment.charge,
            one.adjustment.reason,
            one.adjustment.percent_bp,
            one.base_minor,
            one.amount_minor,
            one.category,
            one.rate_bp,
        )
        for one in sums.applied
        if one.line == at
    )


def of_category(category: TaxCategory) -> Line:
    return line("3", "33.33", "20" if category is TaxCategory.STANDARD else "0", category.value)
