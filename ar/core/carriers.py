"""Who takes the messages of each channel out of the house, as the settings say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ar.core.mail import Carrier, Fate, FateKind, Mail, Send
from ar.core.outbox.models import MessageChannel
from ar.core.settings import Settings
from ar.core.smtp import mailer_of


class Portal:
    """The customer's own page: a notice is delivered by being there to read."""

    @contextmanager
    def connect(self) -> Iterator[Send]:
        yield _shown


def _shown(_mail: Mail) -> Fate:
    return Fate(FateKind.SENT, "shown on the customer's page")


def carriers_of(settings: Settings) -> Mapping[MessageChannel, Carrier]:
    """The carrier of each channel that goes by itself; letters are taken in batches. Raises SettingsError."""
    return {
        MessageChannel.PORTAL: Portal(),
        MessageChannel.EMAIL: mailer_of(settings),
    }
