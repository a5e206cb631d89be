"""Sentences and numbers of parties."""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from typing import Any

import pytest

from ar.core.render import Renderer
from ar.customers.models import Account, AccountIdentifier, AccountKind, LegalEntity
from invoicing.einvoice import parties, words
from invoicing.einvoice.check import folder
from invoicing.einvoice.facts import GLN, LEI, SIREN, SIRET, Number
from invoicing.exemptions import EXEMPTIONS
from invoicing.models import DocumentKind, SupplyKind, TaxCategory
from invoicing.terms import Instalment
from tests.invoicing.make import NOW

DAY = date(2026, 4, 30)


@pytest.mark.parametrize(
    ("agreed", "said"),
    [
        ("", "To be paid by 30 April 2026."),
        ("30 days net", "To be paid by 30 April 2026: 30 days net."),
    ],
)
def test_terms_in_words(renderer: Renderer, agreed: str, said: str) -> None:
    say = partial(renderer.text, language="en")
    told = words.terms_in_words(DocumentKind.INVOICE, [Instalment(DAY, 120_00)], "EUR", agreed, say, "en")
    assert told == said


def test_instalments_are_told_one_by_one(renderer: Renderer) -> None:
    say = partial(renderer.text, language="fr")
    due = [Instalment(DAY, 40_00), Instalment(date(2026, 6, 1), 80_00)]
    told = words.terms_in_words(DocumentKind.INVOICE, due, "EUR", "", say, "fr")
    parts = "40,00\xa0€ au plus tard le 30 avril 2026, 80,00\xa0€ au plus tard le 1er juin 2026"
    assert told == f"À payer en plusieurs fois\xa0: {parts}."


def test_french_law_is_quoted_by_french_sellers_alone(renderer: Renderer) -> None:
    say = partial(renderer.text, language="fr")
    assert [note.subject for note in words.mentions("FR", "", say)] == ["PMD", "PMT", "AAB"]
    assert words.mentions("FR", "", say)[2].text == "Pas d’escompte pour paiement anticipé."
    assert words.mentions("FR", "2 % sous 10 jours", say)[2].text.endswith(": 2 % sous 10 jours.")
    assert words.mentions("DE", "", say) == ()
    private = words.mentions("FR", "", say, kind=AccountKind.CONSUMER)
    assert [note.subject for note in private] == ["AAB"]
    public = words.mentions("FR", "", say, kind=AccountKind.PUBLIC_BODY, agreed_rate="9 %")
    assert [note.subject for note in public] == ["PMD", "PMT", "AAB"]
    assert "L2192-13" in public[0].text
    assert "L441-10" in words.mentions("FR", "", say)[0].text
    agreed = words.mentions("FR", "", say, agreed_rate="9 %")
    assert ": 9 % par an comme convenu" in agreed[0].text.replace("\xa0", " ")
    assert words.reason(TaxCategory.REVERSE_CHARGE, "", "FR", say) == "Autoliquidation"
    assert "262 ter I" in words.reason(TaxCategory.INTRA_COMMUNITY, "", "FR", say)
    assert "262" not in words.reason(TaxCategory.INTRA_COMMUNITY, "", "BE", say)
    assert words.reason(TaxCategory.STANDARD, "", "FR", say) == words.reason(TaxCategory.ZERO, "", "FR", say) == ""


def test_exemptions_cite_their_article(renderer: Renderer) -> None:
    say = partial(renderer.text, language="en")
    cited = {
        "VATEX-EU-132-1I": "article 132(1)(i) of Directive",
        "VATEX-EU-143-1FA": "article 143(1)(fa) of Directive",
        "VATEX-EU-148-A": "article 148(a) of Directive",
        "VATEX-EU-135-1": "article 135(1) of Directive",
        "VATEX-EU-79-C": "article 79(c) of Directive",
        "VATEX-EU-309": "article 309 of Directive",
        "VATEX-FR-CGI261-4": "article 261, 4 of the French",
        "VATEX-FR-CGI261D-1BIS": "article 261 D, 1° bis of the French",
        "VATEX-FR-CGI277A": "article 277 A of the French",
        "VATEX-FR-FRANCHISE": "article 293 B of the French",
    }
    for code, told in cited.items():
        assert told in words.reason(TaxCategory.EXEMPT, code, "FR", say), code
    for code, categories in EXEMPTIONS.items():
        for category in categories:
            assert words.reason(category, code, "FR", say)


def test_the_codes_are_those_that_the_standard_lists() -> None:
    rules = (folder() / "ubl-2.1/EN16931-UBL-validation.xslt").read_text()
    assert set(re.findall(r"VATEX-[A-Z]{2}-[A-Z0-9-]+", rules)) == set(EXEMPTIONS)


def test_the_category_of_operation(renderer: Renderer) -> None:
    say = partial(renderer.text, language="fr")
    assert words.operation(frozenset({SupplyKind.SERVICES}), "FR", say) == "Prestation de services"
    assert words.operation(frozenset(SupplyKind), "FR", say) == "Livraison de biens et prestation de services"
    assert words.operation(frozenset(SupplyKind), "DE", say) == ""


def entity(**given: Any) -> LegalEntity:
    return LegalEntity(code="E", name="E", country="FR", currency="EUR", language="fr", time_zone="UTC", **given)


def test_a_sellers_numbers() -> None:
    known = parties.seller(entity(registration="303 265 045", vat_number="FR 40 303 265 045"))
    assert (known.registration, known.vat_number) == (Number("303265045", SIREN), "FR40303265045")
    assert known.endpoint == Number("303265045", SIREN)
    told = parties.seller(entity(vat_number="FR40303265045"))
    assert told.registration == Number("303265045", SIREN), "a French VAT number holds it"
    odd = parties.seller(entity(registration="RCS Lyon B 12"))
    assert (odd.registration, odd.endpoint) == (Number("RCS Lyon B 12"), None)


@pytest.mark.parametrize(
    ("numbers", "registration", "endpoint"),
    [
        ({}, None, None),
        ({"siret": "30326504500012"}, Number("303265045", SIREN), Number("30326504500012", SIRET)),
        ({"vat": "DE136695976"}, None, Number("DE136695976", "9930")),
        ({"lei": "5299000J2N45DDNE4Y28"}, Number("5299000J2N45DDNE4Y28", LEI), Number("5299000J2N45DDNE4Y28", LEI)),
        ({"siren": "303265045", "gln": "4006381333931"}, Number("303265045", SIREN), Number("4006381333931", GLN)),
    ],
)
def test_a_buyers_numbers(numbers: dict[str, str], registration: Number | None, endpoint: Number | None) -> None:
    account = Account(
        code="C", legal_name="C", country="FR", language="fr", currency="EUR", time_zone="UTC", created_at=NOW
    )
    listed = [AccountIdentifier(account_id=1, scheme=scheme, value=value) for scheme, value in numbers.items()]
    buyer = parties.buyer(account, listed)
    assert (buyer.registration, buyer.endpoint) == (registration, endpoint)
