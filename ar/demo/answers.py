"""What customers wrote back on the last day: read, understood, and proposed to people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

from sqlmodel import Session, col, select

from ar.core.kernel import Kernel
from ar.core.outbox import MessageChannel, MessageState, OutboxMessage
from ar.customers.models import Account, Contact
from ar.ledger.items import ItemState, open_items
from dunning.message import PURPOSE
from dunning.replies.model import likely
from dunning.replies.take import take
from dunning.texts.headers import message_id

WORDS = {
    "en": (
        "Hello,\n\nThank you for the reminder. We will pay {reference} by Friday.\n\nKind regards",
        "Hello,\n\nCould you please send us a copy of invoice {reference}? We cannot find it.\n\nThanks",
        "Hello,\n\nTwo boxes are missing on invoice {reference}, please check before we pay.\n\nRegards",
        "I am out of the office until next Monday and will read your message then.",
    ),
    "fr": (
        "Bonjour,\n\nMerci de votre rappel. Nous réglerons {reference} d'ici vendredi.\n\nCordialement",
        "Bonjour,\n\nPourriez-vous nous envoyer une copie de la facture {reference} ? Elle nous manque.\n\nMerci",
        "Bonjour,\n\nIl manque deux cartons sur la facture {reference}, merci de vérifier.\n\nCordialement",
        "Je suis absente du bureau jusqu'à lundi prochain et lirai votre message à mon retour.",
    ),
}
_PER_LANGUAGE = 4


def answers(kernel: Kernel, *, today: date, now: datetime) -> int:
    """Take in a few answers to reminders of the last days, in both languages: how many."""
    with kernel.database.reading() as session:
        letters = list(_letters(session, today=today, now=now))
    for raw in letters:
        take(kernel, raw, likely=likely, by="system", now=now)
    return len(letters)


def _letters(session: Session, *, today: date, now: datetime) -> Iterator[bytes]:
    late: dict[int, ItemState] = {}
    for item in open_items(session, as_of=today):
        if item.side == 1 and item.due_on < today and item.reference:
            late.setdefault(item.account_id, item)
    query = (
        select(Contact, OutboxMessage, Account.language)
        .join(Account, col(Account.id) == col(Contact.account_id))
        .join(OutboxMessage, col(OutboxMessage.account_id) == col(Account.id))
        .where(
            OutboxMessage.purpose == PURPOSE,
            OutboxMessage.state == MessageState.SENT,
            OutboxMessage.channel == MessageChannel.EMAIL,
            OutboxMessage.recipient == Contact.email,
        )
        .order_by(col(OutboxMessage.id).desc())
        .limit(400)
    )
    said: dict[int, tuple[Contact, OutboxMessage, str]] = {}
    for contact, message, language in session.exec(query):
        if contact.account_id in late and language in WORDS:
            said.setdefault(contact.account_id, (contact, message, language))
    used = dict.fromkeys(WORDS, 0)
    for account_id, (contact, message, language) in said.items():
        at = used[language]
        if at < _PER_LANGUAGE:
            used[language] = at + 1
            text = WORDS[language][at].format(reference=late[account_id].reference)
            yield _letter(contact, message, text, by_machine=at == _PER_LANGUAGE - 1, now=now)


def _letter(contact: Contact, message: OutboxMessage, text: str, *, by_machine: bool, now: datetime) -> bytes:
    mail = EmailMessage()
    mail["From"] = formataddr((contact.name, contact.email or ""))
    mail["To"] = message.sender
    mail["Subject"] = f"Re: {message.subject}"
    mail["Message-ID"] = f"<answer-{message.id}@customer.example>"
    mail["In-Reply-To"] = message_id(message.dedup_key, message.sender)
    mail["Date"] = format_datetime(now)
    if by_machine:
        mail["Auto-Submitted"] = "auto-replied"
    mail.set_content(text)
    return mail.as_bytes()
