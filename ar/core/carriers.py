"""Who takes the messages of each channel out of the house, as the settings say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from ar.core.kernel import Kernel
from ar.core.mail import Carrier, Fate, FateKind, Mail, Send
from ar.core.outbox.models import MessageChannel
from ar.core.sms.numbers import NumberNews, learn_numbers
from ar.core.sms.provider import texts_of
from ar.core.smtp import mailer_of


class Portal:
    """The customer's own page: a notice is delivered by being there to read."""

    @contextmanager
    def connect(self) -> Iterator[Send]:
        yield _shown


def _shown(_mail: Mail) -> Fate:
    return Fate(FateKind.SENT, "shown on the customer's page")


def carriers_of(kernel: Kernel, *, now: datetime) -> Mapping[MessageChannel, Carrier]:
    """The carrier of each channel that goes by itself; letters are taken in batches. Raises SettingsError."""

    def learn(news: Sequence[NumberNews]) -> None:
        with kernel.database.transaction() as session:
            learn_numbers(session, news, now=now)

    return {
        MessageChannel.PORTAL: Portal(),
        MessageChannel.SMS: texts_of(kernel.settings, learn=learn),
        MessageChannel.EMAIL: mailer_of(kernel.settings),
    }
