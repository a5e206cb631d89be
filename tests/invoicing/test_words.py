"""Payment terms in words, in English and in French, as an invoice prints them."""

from __future__ import annotations

import pytest

from ar.core.render import Renderer
from invoicing.terms import parse
from invoicing.terms.words import words

# French sets a narrow space before a percent sign, a wide one before a colon, and a curled apostrophe.
SAID = [
    ("net 30", "30 days net", "30 jours net"),
    ("net 1", "1 day net", "1 jour net"),
    ("net 0", "payable on the day of the invoice", "paiement le jour de la facture"),
    ("cash with order", "payable with the order", "paiement à la commande"),
    ("45 days end of month", "45 days end of month", "45 jours fin de mois"),
    ("end of month + 45", "end of month plus 45 days", "fin de mois plus 45 jours"),
    ("end of month", "end of month", "fin de mois"),
    ("net 30 on the 10th", "30 days net, on day 10 of the month", "30 jours net, le 10 du mois"),
    ("net 30 on the 1st", "30 days net, on the first of the month", "30 jours net, le 1er du mois"),
    ("net 30 on the 31st", "30 days net, on the last day of the month", "30 jours net, le dernier jour du mois"),
    (
        "2/10 net 30",
        "2% discount if paid within 10 days; 30 days net",
        "2\u202f% d’escompte pour paiement sous 10 jours\u202f; 30 jours net",
    ),
    (
        "2.5/0 net 30",
        "2.5% discount if paid on the day of the invoice; 30 days net",
        "2,5\u202f% d’escompte pour paiement le jour de la facture\u202f; 30 jours net",
    ),
    (
        "33.33% net 0; 66.67% net 60",
        "33.33%: payable on the day of the invoice; 66.67%: 60 days net",
        "33,33\u202f%\u00a0: paiement le jour de la facture\u202f; 66,67\u202f%\u00a0: 60 jours net",
    ),
]


@pytest.mark.parametrize(("text", "english", "french"), SAID)
def test_terms_are_said_as_an_invoice_says_them(renderer: Renderer, text: str, english: str, french: str) -> None:
    terms = parse(text)
    assert words(terms, language="en", say=renderer.text) == english
    assert words(terms, language="fr", say=renderer.text) == french
