"""The writer's own words of an e-mail, in six languages; and HTML that was made to keep a parser busy."""

from __future__ import annotations

import pytest

from ar.cash.remittance.mailtext import own_words, text_of_html

ENDS = {
    "en": "On Thu, 12 Mar 2026 at 10:00, Accounts <accounts@seller.example> wrote:",
    "en wrapped": "On Thu, 12 Mar 2026 at 10:00, Accounts Receivable\n<accounts@seller.example> wrote:",
    "en outlook": "From: Accounts\nSent: Thursday\nTo: us\nSubject: Invoice",
    "en original": "-----Original Message-----",
    "fr": "Le jeu. 12 mars 2026 à 10:00, Compta <compta@seller.example> a écrit :",
    "fr outlook": "De : Compta\nEnvoyé : jeudi\nÀ : nous\nObjet : Facture",
    "de": "Am 12.03.2026 um 10:00 schrieb Buchhaltung <b@seller.example>:",
    "de outlook": "Von: Buchhaltung\nGesendet: Donnerstag\nAn: uns",
    "es": "El jue, 12 mar 2026 a las 10:00, Cuentas (<c@seller.example>) escribió:",
    "es outlook": "De: Cuentas\nEnviado: jueves\nPara: nosotros",
    "it": "Il giorno gio 12 mar 2026 alle ore 10:00 Conti <c@seller.example> ha scritto:",
    "nl": "Op do 12 mrt 2026 om 10:00 schreef Boekhouding <b@seller.example>:",
    "signed": "Best regards\nJo Baker",
    "signed fr": "Cordialement,\nJo",
    "signed es": "Saludos\nJo",
    "telephone": "Sent from my telephone",
    "disclaimer": "This e-mail and its attachments are confidential and may be privileged.",
    "disclaimer fr": "Ce message et ses pièces jointes sont confidentiels.",
    "disclaimer de": "Diese E-Mail enthält vertrauliche Informationen.",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=list(ENDS))
def test_own_words_end_where_others_begin(end: str) -> None:
    assert own_words(f"We pay on Friday.\n\n{end}\n\nPlease pay 100.00 EUR.").strip() == "We pay on Friday."


def test_an_answer_below_the_quote_is_the_writers_own() -> None:
    text = f"{ENDS['en']}\n> Please pay INV-1\n>\n> Thank you\n\nWe pay on Friday.\n\nRegards\nJo"
    assert own_words(text).strip() == "We pay on Friday."


def test_words_like_an_end_do_not_end() -> None:
    text = "On 12 March we wrote a cheque.\nLe 12 mars nous avons payé.\nThis message is about invoice 12."
    assert own_words(text) == text


@pytest.mark.parametrize(
    "piece", ["<!--", "<a ", "<", "</", '<a href="', "<div>", "<?", "<![CDATA[", "<!doctype ", "\t \n"]
)
def test_html_made_to_keep_a_parser_busy_is_read_once(piece: str) -> None:
    # Without care each of these is read to its end as many times as it has pieces: hours, where this takes moments.
    assert isinstance(text_of_html("<p>We pay.</p>" + piece * (1_000_000 // len(piece))), str)


def test_comments_are_not_shown_and_a_lone_mark_is() -> None:
    assert text_of_html("<p>1 < 2 <!-- <p>hidden</p> -->and 3 > 2</p>").strip() == "1 < 2 and 3 > 2"
