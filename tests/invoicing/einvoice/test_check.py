"""What is built holds against the XSD and the EN 16931 Schematron, over every category, currency and kind of text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from lxml import etree

from ar.core.money import parse_minor
from ar.core.render import Renderer
from invoicing.einvoice.check import failures, folder
from invoicing.einvoice.cii import build_cii
from invoicing.einvoice.facts import GLN, LEI, SIRET, DocumentFacts, Number
from invoicing.einvoice.parties import _VAT_SCHEMES
from invoicing.einvoice.schematron import report
from invoicing.einvoice.ubl import PEPPOL, build_ubl, claims_peppol
from invoicing.models import DocumentKind, FileFormat, TaxCategory
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
    for letters, scheme in _VAT_SCHEMES.items():
        yield f"endpoint-{letters}", facts(RENDERER, buyer=replace(BUYER, endpoint=Number(f"{letters}123", scheme)))


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


def test_french_platforms_miss_the_category_of_operation_alone() -> None:
    """Their own rules, of which the product does not know the category of operation (BT-23)."""
    rules = {
        build_cii: "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt",
        build_ubl: "ubl-2.1/BR-FR-Flux2-Schematron-UBL.xslt",
    }
    for kind, (build, path) in product(KINDS, rules.items()):
        french = replace(BUYER, country="FR", vat_number=SELLER.vat_number, endpoint=SELLER.endpoint)
        french = replace(french, registration=SELLER.registration)
        given = facts(RENDERER, kind=kind, buyer=french, language="fr", note="Merci")
        told = etree.fromstring(report(folder() / path, build(given)).encode())
        failed = [one.get("id") for one in told.iter("{*}failed-assert", "{*}successful-report")]
        assert failed == ["BR-FR-08_BT-23"], (kind, path)


def test_peppol_is_claimed_where_its_rules_hold_alone() -> None:
    given = facts(RENDERER)
    assert claims_peppol(given)
    assert PEPPOL.encode() in build_ubl(given)
    assert build_ubl(given).count(b"<cbc:Note>") == 2, "one note of the document, and the payment terms"
    unreachable = replace(given, buyer=replace(BUYER, endpoint=None))
    nameless = replace(given, buyer_reference="", purchase_order="")
    within_france = replace(given, buyer=SELLER)
    for one in (unreachable, nameless, within_france):
        assert PEPPOL.encode() not in build_ubl(one)
        assert b"#PMD#" in build_ubl(one)
