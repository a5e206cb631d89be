"""From the tables to the facts of one issued document."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial

from sqlmodel import Session, col, select

from ar.core import i18n
from ar.core.render import Renderer
from ar.customers.accounts import account, identifiers_of
from ar.customers.entities import entity
from ar.customers.models import BankAccount
from invoicing.documents import adjustments_of, corrected, lines_of, preceding_of
from invoicing.draft import Place
from invoicing.einvoice import parties, words
from invoicing.einvoice.facts import (
    AdjustmentFacts,
    Bank,
    DocumentFacts,
    Earlier,
    LineFacts,
    Note,
    Period,
    TaxFacts,
)
from invoicing.law.contract import agreed_on, agreed_rates
from invoicing.models import Invoice, InvoiceAdjustment, InvoiceInstalment, InvoiceTax
from invoicing.terms import Instalment, parse
from invoicing.terms.words import discount_words
from invoicing.terms.words import words as terms_words


def gather(session: Session, renderer: Renderer, document: Invoice) -> DocumentFacts:
    """The facts of an issued `document` as they stand now, its sentences in the customer's language."""
    assert document.id is not None
    assert document.number is not None
    selling, buying = entity(session, document.entity_id), account(session, document.account_id)
    language = renderer.language(buying.language)
    say = partial(renderer.text, language=language)
    adjusted = adjustments_of(session, document)
    agreed = parse(document.terms) if document.terms else None
    early = discount_words(agreed, language=language, say=renderer.text) if agreed else ""
    agreed_rate = _agreed_rate(session, document, language)
    notes = words.mentions(selling.country, early, say, kind=buying.kind, agreed_rate=agreed_rate)
    if document.note:
        notes = (Note(document.note), *notes)
    return DocumentFacts(
        kind=document.kind,
        number=document.number,
        issue_on=document.issue_on,
        due_on=document.due_on,
        supplied_on=document.supplied_on,
        currency=document.currency,
        language=language,
        seller=parties.seller(selling),
        buyer=parties.buyer(buying, identifiers_of(session, document.account_id)),
        lines=_lines(session, document, adjusted),
        taxes=_taxes(session, document.id, selling.country, say),
        net_minor=document.net_minor,
        tax_minor=document.tax_minor,
        total_minor=document.total_minor,
        terms=words.terms_in_words(
            document.kind,
            _due(session, document),
            document.currency,
            terms_words(agreed, language=language, say=renderer.text) if agreed else "",
            say,
            language,
        ),
        bank=_bank(session, document),
        buyer_reference=document.buyer_reference,
        purchase_order=document.purchase_order,
        notes=notes,
        corrects=_corrected(session, document),
        follows=tuple(Earlier(one.number or "", one.issue_on) for one in preceding_of(session, document)),
        order_reference=document.order_reference,
        period=_period(document.period_from, document.period_to),
        deliver_to=Place(**document.deliver_to) if document.deliver_to else None,
        adjustments=_adjustments(adjusted, None),
        stage=document.stage,
        tax_currency=document.tax_currency,
        tax_accounting_minor=document.tax_accounting_minor,
    )


def _agreed_rate(session: Session, document: Invoice, language: str) -> str:
    """The interest agreed with the customer for the day of issue, as a percentage; empty for the law's own."""
    rates = agreed_rates(session, [document.account_id]).get(document.account_id, ())
    found = agreed_on(rates, document.issue_on)
    if found is None or found.percent is None:
        return ""
    percent = found.percent.normalize()
    return i18n.percent(percent / 100, max(0, -int(percent.as_tuple().exponent)), language=language)


def _lines(session: Session, document: Invoice, adjusted: Sequence[InvoiceAdjustment]) -> tuple[LineFacts, ...]:
    return tuple(
        LineFacts(
            position=line.position,
            description=line.description,
            quantity_millionths=line.quantity_millionths,
            unit_price_millionths=line.unit_price_millionths,
            category=line.tax_category,
            rate_bp=line.tax_rate_bp,
            net_minor=line.net_minor,
            unit=line.unit,
            item_code=line.item_code,
            order_line=line.order_line,
            period=_period(line.period_from, line.period_to),
            adjustments=_adjustments(adjusted, line.position),
            supply=line.supply,
        )
        for line in lines_of(session, document)
    )


def _adjustments(adjusted: Sequence[InvoiceAdjustment], position: int | None) -> tuple[AdjustmentFacts, ...]:
    """Those of a line, or of the document."""
    return tuple(
        AdjustmentFacts(
            charge=one.charge,
            reason=one.reason,
            percent_bp=one.percent_bp,
            base_minor=one.base_minor,
            amount_minor=one.amount_minor,
            category=one.tax_category,
            rate_bp=one.tax_rate_bp,
        )
        for one in adjusted
        if one.line_position == position
    )


def _period(first: date | None, last: date | None) -> Period | None:
    return Period(first, last) if first or last else None


def _taxes(session: Session, invoice_id: int, seller_country: str, say: words.Say) -> tuple[TaxFacts, ...]:
    found = session.exec(
        select(InvoiceTax)
        .where(col(InvoiceTax.invoice_id) == invoice_id)
        .order_by(col(InvoiceTax.rate_bp).desc(), col(InvoiceTax.category))
    )
    return tuple(
        TaxFacts(
            category=tax.category,
            rate_bp=tax.rate_bp,
            net_minor=tax.net_minor,
            tax_minor=tax.tax_minor,
            reason=words.reason(tax.category, tax.exemption, seller_country, say),
            reason_code=tax.exemption or words.REASON_CODES.get(tax.category, ""),
        )
        for tax in found
    )


def _bank(session: Session, document: Invoice) -> Bank | None:
    """The seller's first bank account in the document's currency."""
    query = select(BankAccount).where(
        col(BankAccount.entity_id) == document.entity_id,
        col(BankAccount.currency) == document.currency,
        col(BankAccount.is_iban),
    )
    found = session.exec(query.order_by(col(BankAccount.id))).first()
    return None if found is None else Bank(iban=found.iban, bic=found.bic or "", holder=found.holder)


def _due(session: Session, document: Invoice) -> list[Instalment]:
    part = InvoiceInstalment
    query = select(part).where(col(part.invoice_id) == document.id).order_by(col(part.position))
    return [Instalment(one.due_on, one.amount_minor) for one in session.exec(query)]


def _corrected(session: Session, document: Invoice) -> Earlier | None:
    found = corrected(session, document)
    return None if found is None else Earlier(found.number, found.issue_on)
