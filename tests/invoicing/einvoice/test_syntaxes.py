"""Both syntaxes say what the facts say, and texts cannot get out of their places."""

from __future__ import annotations

from lxml import etree

from ar.core.render import Renderer
from invoicing.einvoice.cii import NAMESPACES, build_cii
from invoicing.einvoice.facts import EN16931, DocumentFacts, writable
from invoicing.einvoice.ubl import build_ubl
from invoicing.models import DocumentKind, TaxCategory
from tests.invoicing.einvoice.make import HOSTILE, facts, of_category
from tests.invoicing.make import line


def cii_values(given: DocumentFacts, path: str) -> list[str]:
    found = etree.fromstring(build_cii(given)).xpath(f"//{path}", namespaces=NAMESPACES)
    assert isinstance(found, list)
    return [str(one.text) if isinstance(one, etree._Element) else str(one) for one in found]


def ubl_values(given: DocumentFacts, name: str) -> list[str]:
    return [str(one.text) for one in etree.fromstring(build_ubl(given)).iter(f"{{*}}{name}")]


def test_an_invoice_in_cii(renderer: Renderer) -> None:
    given = facts(renderer)
    assert cii_values(given, "ram:GuidelineSpecifiedDocumentContextParameter/ram:ID") == [EN16931]
    assert cii_values(given, "rsm:ExchangedDocument/ram:TypeCode") == ["380"]
    assert cii_values(given, "ram:GrandTotalAmount") == ["1164.98"]
    assert cii_values(given, "ram:TaxTotalAmount/@currencyID") == ["EUR"]
    assert cii_values(given, "ram:SubjectCode") == ["PMD", "PMT", "AAB"]
    assert cii_values(given, "ram:SpecifiedTradeSettlementPaymentMeans/ram:TypeCode") == ["58"]
    assert cii_values(given, "ram:DueDateDateTime/udt:DateTimeString") == ["20260430"]
    assert cii_values(given, "ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID") == ["PO-8841"]


def test_a_credit_note_names_what_it_corrects(renderer: Renderer) -> None:
    given = facts(renderer, kind=DocumentKind.CREDIT_NOTE)
    assert cii_values(given, "rsm:ExchangedDocument/ram:TypeCode") == ["381"]
    assert cii_values(given, "ram:InvoiceReferencedDocument/ram:IssuerAssignedID") == ["FR1-2026-000100"]
    assert cii_values(given, "ram:IBANID") == []
    assert ubl_values(given, "CreditNoteTypeCode") == ["381"]
    assert ubl_values(given, "CreditedQuantity") == ["2", "1"]
    assert ubl_values(given, "PayableAmount") == ["1164.98"]


def test_no_vat_numbers_outside_the_scope_of_vat(renderer: Renderer) -> None:
    given = facts(renderer, of_category(TaxCategory.NOT_SUBJECT))
    assert cii_values(given, "ram:SpecifiedTaxRegistration/ram:ID") == []
    assert cii_values(given, "ram:ExemptionReasonCode") == ["VATEX-EU-O"]
    assert "Percent" not in build_ubl(given).decode()


def test_hostile_texts_stay_texts(renderer: Renderer) -> None:
    for text in HOSTILE:
        given = facts(renderer, line(text=text), note=text)
        readable = writable(text).replace("\r\n", "\n").replace("\r", "\n")
        assert [one.replace("\r", "") for one in cii_values(given, "ram:SpecifiedTradeProduct/ram:Name")] == [readable]
        assert [one.replace("\r", "") for one in ubl_values(given, "Name") if one == one][-1] != ""
        assert cii_values(given, "ram:IncludedNote/ram:Content")[0].replace("\r", "") == readable


def test_quantities_and_prices_keep_every_decimal(renderer: Renderer) -> None:
    given = facts(renderer, line("0.333333", "1.000001"), line("1000000", "0.01"))
    assert cii_values(given, "ram:ChargeAmount") == ["1.000001", "0.01"]
    assert cii_values(given, "ram:BilledQuantity") == ["0.333333", "1000000"]
