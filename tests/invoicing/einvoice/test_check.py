"""What is built holds against the XSD and the EN 16931 Schematron, over every category, currency and kind of text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import product

import pytest

from ar.core.money import parse_minor
from ar.core.render import Renderer
from invoicing.draft import Place
from invoicing.einvoice.check import failures
from invoicing.einvoice.cii import build_cii
from invoicing.einvoice.facts import GLN, LEI, SIRET, DocumentFacts, Earlier, Number, Period
from invoicing.einvoice.parties import _VAT_SCHEMES
from invoicing.einvoice.ubl import build_ubl
from invoicing.models import DocumentKind, FileFormat, InvoiceStage, SupplyKind, TaxCategory
from invoicing.totals import Adjustment
from tests.invoicing.einvoice.make import BUYER, HOSTILE, SELLER, facts, of_category
from tests.invoicing.make import line

KINDS = tuple(DocumentKind)
RENDERER = Renderer()


def documents() -> Iterator[tuple[str, DocumentFacts]]:
    """Many whole documents, each of which must pass in both syntaxes."""
    for category, kind, language in product(TaxCategory, KINDS, ("en", "fr")):
        yield f"{category}-{kind}-{language}", facts(RENDERER, of_category(category), kind=kind, language=language)
    for currency, price, kind in product(
        ("EUR", "USD", "JPY", "KRW", "ISK"), ("1", "1234567", "99.999999", "0.005"), KINDS
    ):
        three = line("7", price), line("-1", "0.9"), line("1000", price, "5.5")
        yield f"{currency}-{price}-{kind}", facts(RENDERER, *three, currency=currency, kind=kind)
    for currency in ("KWD", "BHD", "TND"):
        yield f"{currency}-tens", facts(RENDERER, line("2", "12.50", "10"), currency=currency, bank=None)
    for n, text in enumerate(HOSTILE):
        shaped = replace(BUYER, name=text[:200], street=text[:200], city=text[:100])
        given = line(text=text), line(text=text, category="E", rate="0")
        yield f"hostile-{n}", facts(RENDERER, *given, buyer=shaped, note=text, buyer_reference=text[:60])
    mixed = [of_category(one) for one in TaxCategory if one is not TaxCategory.NOT_SUBJECT]
    yield "all-categories", facts(RENDERER, *mixed)
    yield "many-lines", facts(RENDERER, *[line(str(n), f"{n}.1{n}", "20" if n % 2 else "5.5") for n in range(1, 501)])
    bare = replace(BUYER, street="", postcode="", city="", vat_number="", endpoint=None)
    yield "bare", facts(RENDERER, buyer=bare, bank=None, buyer_reference="", supplied_on=None, terms="net 0")
    for number in (Number("30326504500012", SIRET), Number("4006381333931", GLN), Number("5299000J2N45DDNE4Y28", LEI)):
        yield f"endpoint-{number.scheme}", facts(RENDERER, buyer=replace(BUYER, endpoint=number, registration=number))
    yield from adjusted()
    yield from more_said()
    for letters, scheme in _VAT_SCHEMES.items():
        yield f"endpoint-{letters}", facts(RENDERER, buyer=replace(BUYER, endpoint=Number(f"{letters}123", scheme)))


def adjusted() -> Iterator[tuple[str, DocumentFacts]]:
    """Every form of discount and charge, on lines and on documents, over every category."""
    off, less = Adjustment("Trade discount", percent_bp=333), Adjustment("Damaged", amount_minor=101)
    freight, pack = Adjustment("Freight", amount_minor=1999, charge=True), Adjustment("Packing", 250, charge=True)
    forms = {"off": [off], "less": [less], "freight": [freight], "pack": [pack], "all": [off, less, freight, pack]}
    for (name, form), kind in product(forms.items(), KINDS):
        given = replace(line("3", "33.33"), adjustments=tuple(form))
        yield f"line-{name}-{kind}", facts(RENDERER, given, line("1", "0.07", "5.5"), kind=kind)
        yield f"document-{name}-{kind}", facts(RENDERER, line("7", "9.99"), line("2", "80.55", "5.5"), adjustments=form)
        yield f"both-{name}-{kind}", facts(RENDERER, given, line("1", "5", "5.5"), kind=kind, adjustments=form)
    for category in TaxCategory:
        given = replace(of_category(category), adjustments=(off, freight))
        yield f"adjusted-{category}", facts(RENDERER, given, adjustments=[less, pack])
    yield "adjusted-yen", facts(RENDERER, line("3", "3333"), currency="JPY", adjustments=[off, freight])


def more_said() -> Iterator[tuple[str, DocumentFacts]]:
    """Periods, places, references, units, deposits, what is followed, and tax in the currency of the accounts."""
    march = Period(date(2026, 3, 1), date(2026, 3, 31))
    service = replace(
        line("12.5", "80"),
        unit="HUR",
        item_code="SRV-1",
        order_line="10",
        period_from=march.first,
        period_to=march.last,
        supply=SupplyKind.SERVICES,
    )
    place = Place("Atelier 3", "FR", "4 quai Perrache", "69002", "Lyon")
    for kind in KINDS:
        yield f"service-{kind}", facts(RENDERER, service, kind=kind, period=march, deliver_to=place)
        yield f"sales-order-{kind}", replace(facts(RENDERER, kind=kind, order_reference="SO-77"), purchase_order="")
        told = facts(RENDERER, kind=kind, currency="USD")
        yield f"tax-{kind}", replace(told, tax_currency="EUR", tax_accounting_minor=told.tax_minor * 9 // 10)
    yield "deposit", facts(RENDERER, stage=InvoiceStage.DEPOSIT)
    off = line("-1", "300", text="Deposit FR1-2026-000007")
    earlier = (Earlier("FR1-2026-000007", date(2026, 1, 5)), Earlier("FR1-2026-000009", date(2026, 2, 5)))
    yield "final", facts(RENDERER, line("1", "1000"), service, off, stage=InvoiceStage.FINAL, follows=earlier)
    for code in ("VATEX-EU-132-1I", "VATEX-FR-FRANCHISE", "VATEX-FR-CGI261-4", "VATEX-EU-D", "VATEX-FR-CGI261D-1BIS"):
        yield code, facts(RENDERER, replace(line(category="E", rate="0"), exemption=code))


DOCUMENTS = dict(documents())


def test_there_are_many() -> None:
    assert len(DOCUMENTS) > 100


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_pass_in_both_syntaxes(name: str) -> None:
    given = DOCUMENTS[name]
    assert failures(build_cii(given), FileFormat.CII) == []
    assert failures(build_ubl(given), FileFormat.UBL) == []


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (facts(RENDERER, seller=replace(SELLER, vat_number="")), "BR-S-02"),
        (facts(RENDERER, of_category(TaxCategory.INTRA_COMMUNITY), supplied_on=None), "BR-IC-11"),
        (
            facts(
                RENDERER,
                of_category(TaxCategory.REVERSE_CHARGE),
                buyer=replace(BUYER, vat_number="", registration=None),
            ),
            "BR-AE-02",
        ),
        (replace(facts(RENDERER), total_minor=1), "BR-CO-15"),
    ],
    ids=["no-vat-number", "no-day-of-supply", "no-buyer-number", "wrong-sum"],
)
def test_what_is_wrong_is_named(given: DocumentFacts, rule: str) -> None:
    for syntax, build in ((FileFormat.CII, build_cii), (FileFormat.UBL, build_ubl)):
        found = failures(build(given), syntax)
        assert rule in {failure.rule for failure in found}, (syntax, found)
        assert all(failure.message for failure in found)


def test_a_real_third_decimal_is_no_amount_of_the_standard() -> None:
    given = facts(RENDERER, line("1", "12.345", "10"), currency="KWD", bank=None)
    assert given.amount(parse_minor("12.345", "KWD")) == "12.345"
    assert given.amount(parse_minor("12.340", "KWD")) == "12.34"
    for syntax, build in ((FileFormat.CII, build_cii), (FileFormat.UBL, build_ubl)):
        assert any(failure.rule.startswith("BR-DEC") for failure in failures(build(given), syntax))


def test_a_document_that_leaves_the_schema_is_told_where() -> None:
    broken = build_cii(facts(RENDERER)).replace(b"ram:IssueDateTime", b"ram:Unknown")
    [first, *_] = failures(broken, FileFormat.CII)
    assert first.rule == "XSD"
    assert "Unknown" in first.message


@pytest.mark.parametrize("kind", KINDS)
def test_french_platforms_take_them(kind: DocumentKind) -> None:
    """Between two French parties the rules of the reform are looked at too, in both syntaxes."""
    french = replace(BUYER, country="FR", vat_number=SELLER.vat_number, endpoint=SELLER.endpoint)
    french = replace(french, registration=SELLER.registration)
    given = facts(RENDERER, kind=kind, buyer=french, language="fr", note="Merci")
    assert given.by_french_platform
    assert failures(build_cii(given), FileFormat.CII, french=True) == []
    assert failures(build_ubl(given), FileFormat.UBL, french=True) == []
    unknown = replace(given, notes=())
    for build, syntax in ((build_cii, FileFormat.CII), (build_ubl, FileFormat.UBL)):
        assert any(one.rule.startswith("BR-FR") for one in failures(build(unknown), syntax, french=True))
