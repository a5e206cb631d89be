"""Names as banks write them."""

from __future__ import annotations

import pytest

from ar.cash.matching.names import NameIndex, alias_key, likeness, plain_name

NAMES = {
    1: "Boulangerie Lefèvre & Fils SARL",
    2: "Boulangerie Lefebvre SARL",
    3: "Müller Metallbau GmbH",
    4: "Compagnie Générale des Transports Internationaux du Sud-Ouest SAS",
    5: "Garage Martin",
    6: "Garage Martin SAS",
    7: "Jansen Installaties B.V.",
}


@pytest.mark.parametrize(
    ("payer", "account"),
    [
        ("BOULANGERIE LEFEVRE ET FILS", 1),
        ("SARL BOULANGERIE LEFEVRE FILS", 1),
        ("METALLBAU MULLER GMBH", 3),
        ("MULLER METALLBAU", 3),
        ("COMPAGNIE GENERALE DES TRAN", 4),
        ("COMPAGNIE GENERALE DES TRANSPORTS I", 4),
        ("VIR SEPA JANSEN INSTALLATIES BV", 7),
        ("JANSEN INSTALLATIE", 7),
    ],
)
def test_the_customer_is_nearest_whatever_the_bank_did_to_its_name(payer: str, account: int) -> None:
    assert NameIndex(NAMES).nearest(payer, 1)[0][0] == account


def test_customers_of_one_name_are_equally_near() -> None:
    assert NameIndex(NAMES).nearest("GARAGE MARTIN", 4) == [(5, 1.0), (6, 1.0)]


def test_a_near_name_is_nearer_than_another_and_less_than_the_same() -> None:
    (first, likest), (second, near) = NameIndex(NAMES).nearest("BOULANGERIE LEFEBRE", 2)
    assert (first, second) == (2, 1)
    assert 1.0 > likest > near > 0.6


@pytest.mark.parametrize("name", ["", "   ", "...", "\x00", "Ω" * 500, "SARL", "ZZZZ QQQQ"])
def test_a_name_that_is_nobodys_finds_nobody(name: str) -> None:
    assert NameIndex(NAMES).nearest(name) == []


def test_plain_names_drop_what_tells_nobody_apart() -> None:
    assert plain_name("M. ou Mme Jean-Pierre Durand") == "JEAN PIERRE DURAND"
    assert plain_name("S.A.R.L. Durand") == "DURAND"
    assert plain_name("SA") == "SA"
    assert alias_key("Durand, Jean") == alias_key("MR JEAN DURAND") == "DURAND JEAN"


def test_likeness_runs_from_nothing_to_the_same() -> None:
    assert likeness("DURAND", "Durand SAS") == 1.0
    assert likeness("", "Durand") == 0.0
    assert likeness("MULLER METALLBAU", "Garage Martin") < 0.5
