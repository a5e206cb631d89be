"""The printed receipt as Typst takes it: every word and figure as the reader's language writes it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from ar.cash.models import Method
from ar.cash.receipts import Receipt
from ar.core import i18n, money
from ar.core.i18n import marked as _
from invoicing.einvoice.facts import Party
from invoicing.einvoice.words import Say
from invoicing.typeset import breakable

METHODS = {
    Method.ONLINE: _("Online"),
    Method.CARD: _("Card"),
    Method.SEPA_DEBIT: _("SEPA direct debit"),
    Method.BANK_TRANSFER: _("Bank transfer"),
    Method.CHEQUE: _("Cheque"),
    Method.CASH: _("Cash"),
    Method.OTHER: _("Another way"),
}


@dataclass(frozen=True)
class ReceiptFacts:
    """A receipt, and who gave and got the money; `logo` is as the templates take it, `day` when it is made."""

    receipt: Receipt
    seller: Party
    customer: Party
    customer_code: str
    language: str
    logo: dict[str, Any] | None
    day: date


def sheet(facts: ReceiptFacts, say: Say) -> dict[str, Any]:
    """What the template prints."""
    receipt, payment = facts.receipt, facts.receipt.payment

    def amount(minor: int) -> str:
        return money.localized(minor, payment.currency, facts.language)

    title = say(_("Receipt"))
    return {
        "title": f"{title} {payment.public_id}",
        "author": facts.seller.name,
        "language": facts.language,
        "made": [facts.day.year, facts.day.month, facts.day.day],
        "kind": title,
        "code": "",
        "logo": facts.logo,
        "seller": {"name": breakable(facts.seller.name), "lines": _lines(facts.seller)},
        "buyer": {
            "label": say(_("Received from")),
            "name": breakable(facts.customer.name),
            "lines": _lines(facts.customer),
        },
        "facts": [
            [say(_("Received on")), i18n.long_day(receipt.received_on, language=facts.language)],
            [say(_("How")), say(METHODS[payment.method])],
            [say(_("Reference")), breakable(payment.reference or payment.public_id)],
            [say(_("Customer number")), breakable(facts.customer_code)],
        ],
        "paid": [say(_("Amount received")), amount(payment.amount_minor)],
        "columns": [say(_("Document")), say(_("Due")), say(_("Paid")), say(_("Taken off")), say(_("Still open"))],
        "rows": [
            [
                breakable(one.reference),
                i18n.short_day(one.due_on, language=facts.language),
                amount(one.amount_minor),
                amount(one.discount_minor + one.let_off_minor) if one.discount_minor or one.let_off_minor else "",
                amount(one.open_minor) if one.open_minor else "–",
            ]
            for one in receipt.invoices
        ],
        "nothing": say(_("This payment is not set against any document yet.")),
        "left": _left(facts, say),
        "footer": " · ".join(part for part in (facts.seller.name, facts.seller.vat_number) if part),
        "page": say(_("Page %(n)s of %(of)s"), n="{n}", of="{of}"),
        "words": say(_("Thank you for your payment.")),
    }


def _left(facts: ReceiptFacts, say: Say) -> list[list[str]]:
    """What stays on account, was given back, and is left of the customer's balance."""
    receipt, currency = facts.receipt, facts.receipt.payment.currency

    def amount(minor: int) -> str:
        return money.localized(minor, currency, facts.language)

    rows = []
    if receipt.unapplied_minor:
        rows.append([say(_("Kept on account")), amount(receipt.unapplied_minor)])
    if receipt.payment.refunded_minor:
        rows.append([say(_("Given back")), amount(receipt.payment.refunded_minor)])
    rows.append([say(_("Open on the account in all")), amount(receipt.owed_minor)])
    if receipt.next_due_on:
        rows.append([say(_("Next due date")), i18n.long_day(receipt.next_due_on, language=facts.language)])
    return rows


def _lines(party: Party) -> list[str]:
    place = " ".join(part for part in (party.postcode, party.city) if part)
    return [breakable(line) for line in (party.street, place, party.vat_number) if line]
