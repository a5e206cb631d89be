"""The link to a customer's own pages in the hands of staff: made for a telephone call, or all of them revoked."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from ar.core.access.links import portal_url
from ar.core.audit import Act, record
from ar.core.settings import Settings
from ar.customers.accounts import AccountNotFoundError, account
from ar.customers.models import Account


def fresh_link(session: Session, settings: Settings, account_id: int, *, by: str, now: datetime) -> str:
    """The address that opens the account's pages from now on; who made it is on the audit trail.

    Whoever has it can act as the customer. Raises AccountNotFoundError.
    """
    found = account(session, account_id)
    record(session, [Act(by, "account.link_made", f"account:{account_id}", {})], now=now)
    return portal_url(settings.base_url, settings.signing_key, account_id, found.portal_epoch, now=now)


def revoke_links(session: Session, account_id: int, *, by: str, now: datetime) -> None:
    """End every link and visit of the account made so far, those in messages too. Raises AccountNotFoundError."""
    found = session.get(Account, account_id, populate_existing=True, with_for_update=True)
    if found is None:
        raise AccountNotFoundError(f"There is no account {account_id}")
    before = found.portal_epoch
    found.portal_epoch += 1
    session.flush()
    change = {"before": {"portal_epoch": before}, "after": {"portal_epoch": found.portal_epoch}}
    record(session, [Act(by, "account.links_revoked", f"account:{account_id}", change)], now=now)
