"""From the tables to the facts of one issued document."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlmodel import Session, col, select

from ar.core import i18n
from ar.core.render import Renderer
from ar.customers.accounts import account, identifiers_of
from ar.customers.entities import entity
from ar.customers.models import BankAccount
from ar.ledger.models import Entry
from invoicing.documents import document_of
from invoicing.einvoice import parties, words
from invoicing.einvoice.facts import Bank, Corrected, DocumentFacts, LineFacts, Note, TaxFacts
from invoicing.law.contract import agreed_on, agreed_rates
from invoicing.models import Invoice, InvoiceInstalment, InvoiceLine, InvoiceTax
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
        lines=_lines(session, document.id),
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
    )


def _agreed_rate(session: Session, document: Invoice, language: str) -> str:
    """The interest agreed with the customer for the day of issue, as a percentage; empty for the law's own."""
    rates = agreed_rates(session, [document.account_id]).get(document.account_id, ())
    found = agreed_on(rates, document.issue_on)
    if found is None or found.percent is None:
        return ""
    percent = found.percent.normalize()
    return i18n.percent(percent / 100, max(0, -int(percent.as_tuple().exponent)), language=language)


def _lines(session: Session, invoice_id: int) -> tuple[LineFacts, ...]:
    found: Sequence[InvoiceLine] = session.exec(
        select(InvoiceLine).where(col(InvoiceLine.invoice_id) == invoice_id).order_by(col(InvoiceLine.position))
    ).all()
    return tuple(
        LineFacts(
            position=line.position,
            description=line.description,
            quantity_millionths=line.quantity_millionths,
            unit_price_millionths=line.unit_price_millionths,
            category=line.tax_category,
            rate_bp=line.tax_rate_bp,
            net_minor=line.net_minor,
        )
        for line in found
    )


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
            reason=words.reason(tax.category, seller_country, say),
            reason_code=words.REASON_CODES.get(tax.category, ""),
        )
        for tax in found
    )


def _bank(session: Session, document: Invoice) -> Bank | None:
    """The seller's first bank account in the document's currency."""
    query = select(BankAccount).where(
        col(BankAccount.entity_id) == document.entity_id, col(BankAccount.currency) == document.currency
    )
    found = session.exec(query.order_by(col(BankAccount.id))).first()
    return None if found is None else Bank(iban=found.iban, bic=found.bic or "", holder=found.holder)


def _due(session: Session, document: Invoice) -> list[Instalment]:
    part = InvoiceInstalment
    query = select(part).where(col(part.invoice_id) == document.id).order_by(col(part.position))
    return [Instalment(one.due_on, one.amount_minor) for one in session.exec(query)]


def _corrected(session: Session, document: Invoice) -> Corrected | None:
    if document.corrects_entry_id is None:
        return None
    entry = session.exec(select(Entry).where(col(Entry.id) == document.corrects_entry_id)).one()
    original = document_of(session, document.corrects_entry_id)
    number = (original.number if original else None) or entry.reference
    return Corrected(number=number, issue_on=entry.effective_on)
