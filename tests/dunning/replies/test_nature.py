"""What no person wrote is told from what one did, in six languages."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from dunning.replies.kinds import ReplyKind
from dunning.replies.letter import read_letter
from dunning.replies.nature import Nature, nature_of
from tests.dunning.replies.mails import bounce_of, mail

ON = date(2026, 3, 11)


def nature(text: str = "Hello.", **given: Any) -> Nature:
    return nature_of(read_letter(mail(text, **given)), on=ON, ours=False)


AWAY = {
    "en": ("Automatic reply: Invoice", "I am out of the office until Friday, 20 March 2026.", "2026-03-21"),
    "en back": ("Out of office", "I will be back on 23 March.", "2026-03-23"),
    "fr": ("Réponse automatique : Facture", "Je suis absente jusqu'au 20 mars inclus.", "2026-03-21"),
    "fr back": ("Absence", "En congés, de retour le lundi 23 mars.", "2026-03-23"),
    "de": ("Automatische Antwort: Rechnung", "Ich bin bis zum 20.03.2026 nicht im Büro.", "2026-03-21"),
    "de back": ("Abwesenheitsnotiz", "Ich bin im Urlaub und ab dem 23.03. wieder da.", "2026-03-23"),
    "es": ("Respuesta automática: Factura", "Estaré fuera de la oficina hasta el 20/03/2026.", "2026-03-21"),
    "it": ("Risposta automatica: Fattura", "Sono in ferie fino al 20/03/2026.", "2026-03-21"),
    "nl": ("Automatisch antwoord: Factuur", "Ik ben afwezig tot en met 20/03/2026.", "2026-03-21"),
}


@pytest.mark.parametrize(("subject", "text", "back"), AWAY.values(), ids=list(AWAY))
def test_who_is_away_and_until_when(subject: str, text: str, back: str) -> None:
    found = nature(text, subject=subject, Auto_Submitted="auto-replied")
    assert (found.kind, str(found.back_on)) == (ReplyKind.OUT_OF_OFFICE, back)
    assert nature(text, subject=subject).kind is ReplyKind.OUT_OF_OFFICE  # by the words alone


MACHINES: dict[str, tuple[ReplyKind, dict[str, Any]]] = {
    "RFC 3834": (ReplyKind.AUTOMATIC, {"Auto_Submitted": "auto-replied; owner-email=x"}),
    "generated": (ReplyKind.AUTOMATIC, {"Auto_Submitted": "auto-generated"}),
    "X-Autoreply": (ReplyKind.AUTOMATIC, {"X_Autoreply": "yes"}),
    "precedence": (ReplyKind.AUTOMATIC, {"Precedence": "auto_reply"}),
    "Exchange": (ReplyKind.AUTOMATIC, {"X_Auto_Response_Suppress": "All"}),
    "null sender": (ReplyKind.AUTOMATIC, {"Return_Path": "<>"}),
    "ticket": (ReplyKind.AUTOMATIC, {"subject": "Ticket received [4711]"}),
    "no-reply": (ReplyKind.AUTOMATIC, {"sender": "no-reply@bakery.example"}),
    "list": (ReplyKind.LIST, {"List_Id": "<news.example>"}),
    "bulk": (ReplyKind.LIST, {"Precedence": "bulk"}),
    "newsletter": (ReplyKind.LIST, {"List_Unsubscribe": "<mailto:x@y.example>"}),
    "read": (ReplyKind.RECEIPT, {"subject": "Read: Invoice INV-1"}),
    "lu": (ReplyKind.RECEIPT, {"subject": "Lu : Facture"}),
    "daemon": (ReplyKind.BOUNCE, {"sender": "MAILER-DAEMON@mx.example", "subject": "Undelivered Mail"}),
    "delay": (ReplyKind.DELAY, {"sender": "postmaster@mx.example", "subject": "Delivery delayed"}),
}


@pytest.mark.parametrize(("kind", "given"), MACHINES.values(), ids=list(MACHINES))
def test_what_machines_write(kind: ReplyKind, given: dict[str, Any]) -> None:
    assert nature(**given).kind is kind


def test_a_report_is_told_by_its_form() -> None:
    letter = read_letter(bounce_of("<a@b>", "jo@bakery.example"))
    assert nature_of(letter, on=ON, ours=False).kind is ReplyKind.BOUNCE


PEOPLE: dict[str, dict[str, Any]] = {
    "plain": {},
    "says no": {"Auto_Submitted": "no"},
    "asks for a receipt": {"Disposition_Notification_To": "jo@bakery.example"},
    "through a marketing program": {"List_Unsubscribe": "<mailto:x@y.example>", "answers": "<a@b>"},
    "about an absence": {"text": "I was on holiday, sorry. We pay on Friday."},
    "subject about reading": {"subject": "Re: Reading your invoice"},
}


@pytest.mark.parametrize("given", PEOPLE.values(), ids=list(PEOPLE))
def test_what_people_write(given: dict[str, Any]) -> None:
    assert nature(**given).kind is None


def test_our_own_message_is_known_first() -> None:
    letter = read_letter(mail("Please pay.", Auto_Submitted="auto-generated"))
    assert nature_of(letter, on=ON, ours=True).kind is ReplyKind.OWN
