"""Every setting of an installation, read from the environment with the prefix AMIABLE_.

The roof builds one Settings object and passes it down; nothing else reads the environment.
docs/settings.md lists them all, and a test keeps that list true.
"""

from __future__ import annotations

import secrets
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from ar.core.errors import DomainError


class SettingsError(DomainError):
    """A setting is missing or contradicts another; the message names it."""

    code = "bad-settings"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="AMIABLE_", extra="ignore", frozen=True)

    database_url: str = Field(
        default="", description="SQLAlchemy URL of the database; empty means the file amiable.db under var_dir."
    )
    var_dir: Path = Field(
        default=Path("var"),
        description="Folder for what is kept on disk: database, files, keys, models.",
    )
    files_url: str = Field(
        default="", description="fsspec URL where documents are stored; empty means the folder files under var_dir."
    )
    base_url: str = Field(
        default="http://127.0.0.1:8000", description="Public address of the service, as customers' links carry it."
    )
    secret_key: SecretStr | None = Field(
        default=None, description="Key that signs links and cookies; made once under var_dir when not given."
    )
    reporting_currency: str = Field(default="EUR", description="Currency into which consolidated reports convert.")
    default_language: Literal["en", "fr"] = Field(
        default="en", description="Language of pages for a visitor who states none."
    )
    smtp_url: str = Field(
        default="",
        description="smtp://user:password@host:port (smtps:// for TLS from the start, ?starttls=1 to upgrade); "
        "empty writes messages to the folder mail under var_dir.",
    )
    sms_url: SecretStr | None = Field(
        default=None,
        description="https://account:token@host/ of a provider of text messages with Twilio's interface; empty writes "
        "them to the folder sms under var_dir.",
    )
    sms_from: str = Field(
        default="",
        description="Number (E.164), name of at most 11 characters, or messaging service that text messages come from.",
    )
    mail_from: str = Field(
        default="accounts@localhost", description="Sender address when a legal entity has none of its own."
    )
    imap_url: SecretStr | None = Field(
        default=None,
        description="imaps://user:password@host:port/INBOX of the mailbox that customers answer to (imap:// without "
        "TLS, ?starttls=1 to upgrade); without one no mailbox is read.",
    )
    imap_done_folder: str = Field(
        default="", description="Folder that messages are moved to once they are read; empty only marks them as seen."
    )
    reply_address: str = Field(
        default="",
        description="Address of that mailbox; answers are then asked for at replies+k17.signature@..., which names the "
        "customer.",
    )
    replies_kept_days: int = Field(
        default=1095, ge=30, le=3650, description="Days that the words of messages from customers are kept."
    )
    webhooks_to_private: bool = Field(
        default=False, description="Whether webhooks may be posted into a private network, and to this machine."
    )
    platform_folder: Path | None = Field(
        default=None,
        description="Folder that an approved platform of electronic invoicing empties (out) and fills (in); "
        "empty means the folder platform under var_dir.",
    )
    bank_folder: Path | None = Field(
        default=None,
        description="Folder whose bank files are taken in every five minutes; empty means the folder bank under "
        "var_dir.",
    )
    collections_folder: Path | None = Field(
        default=None,
        description="Folder that the bank's program empties of direct debit files; empty means that a person fetches "
        "them.",
    )
    collector_minute_minor: int = Field(
        default=60,
        ge=0,
        le=1_000_000,
        description="What a minute of a collector's work costs, in minor units of the reporting currency: the "
        "work-list sets it off against what a contact may bring.",
    )
    first_invoice_notice_days: int = Field(
        default=3, ge=0, le=60, description="Days before its first invoice that a new customer is told of it."
    )
    stripe_secret_key: SecretStr | None = Field(
        default=None, description="Stripe's secret key; without one payments go to the built-in test gateway."
    )
    stripe_webhook_secret: SecretStr | None = Field(
        default=None, description="Signing secret of the Stripe webhook endpoint (whsec_...)."
    )
    stripe_api_base: str = Field(
        default="",
        description="Where the Stripe API answers; empty means Stripe, or without a key the test gateway.",
    )
    session_hours: int = Field(default=12, ge=1, le=720, description="Hours a staff session lives without sign-in.")
    portal_link_days: int = Field(default=90, ge=1, le=400, description="Days a customer's link in a message opens.")
    portal_session_hours: int = Field(default=8, ge=1, le=168, description="Hours a customer's page stays open.")
    sign_in_attempts: str = Field(
        default="10/minute", description="How many sign-ins one address, and one e-mail, may try (N/minute, N/hour)."
    )
    portal_requests: str = Field(default="120/minute", description="How many portal requests one customer may make.")
    api_requests: str = Field(default="1200/minute", description="How many requests one API key may make.")
    trusted_proxies: int = Field(
        default=0, ge=0, le=5, description="Proxies in front of the service whose X-Forwarded-For entry is believed."
    )
    argon2_memory_kib: int = Field(default=65536, ge=8, description="Memory of one password hash, in KiB.")
    argon2_rounds: int = Field(default=3, ge=1, description="Passes of one password hash.")
    max_upload_mb: int = Field(default=25, ge=1, le=500, description="Largest file taken by upload, in MB.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level logged.")
    log_json: bool = Field(default=False, description="Whether logs are JSON lines rather than text.")

    @property
    def database(self) -> str:
        """The database's URL, the default filled in."""
        return self.database_url or f"sqlite:///{(self.var_dir / 'amiable.db').absolute()}"

    @property
    def files(self) -> str:
        """The document store's URL, the default filled in."""
        return self.files_url or f"file://{(self.var_dir / 'files').absolute()}"

    @property
    def secure(self) -> bool:
        """Whether the public address is HTTPS, so that cookies and headers may insist on it."""
        return self.base_url.startswith("https://")

    @cached_property
    def signing_key(self) -> str:
        """The given secret key, or the one kept under var_dir, made on first use."""
        if self.secret_key:
            return self.secret_key.get_secret_value()
        return kept_secret(self.var_dir / "secret.key")

    @cached_property
    def webhook_secret(self) -> str:
        """The gateway's webhook signing secret. Raises SettingsError when a live key has none."""
        if self.stripe_webhook_secret:
            return self.stripe_webhook_secret.get_secret_value()
        if self.stripe_secret_key:
            raise SettingsError("AMIABLE_STRIPE_WEBHOOK_SECRET is missing: copy it from the webhook endpoint's page")
        return "whsec_" + kept_secret(self.var_dir / "test-gateway.key")


def kept_secret(path: Path) -> str:
    """A random secret that lives in `path`, readable by its owner alone, made on first use."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # another process was first: its secret is the one
        finally:
            draft.unlink()
    return path.read_text().strip()
