"""Extra headers of reminders: a way out of courtesy mail, and the thread that messages about the same invoices form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

from sqlalchemy import select
from sqlmodel import Session, col

from ar.core.db import among
from ar.core.mail import Mail, parse_address
from ar.core.outbox import MessageChannel, MessageState, OutboxMessage
from dunning.models import DunningNotice, DunningNoticeItem

_ID = re.compile(r"<[^<>\s@]{1,200}@[^<>\s@]{1,255}>")
_LONGEST = 880
"""Characters of one header: beyond it a line would have to be folded in a way that mail programs read differently."""


def courtesy_headers(unsubscribe_url: str, *, mailbox: str | None = None) -> dict[str, str]:
    """List-Unsubscribe for courtesy mail alone (RFC 2369), in one click where the address is https (RFC 8058).

    `mailbox` is where an answer is read: a word to it does the same. A reminder of a debt carries none of this.
    """
    ways = [f"<{unsubscribe_url}>"]
    if mailbox:
        address = parse_address(mailbox)[1]
        if address.isascii():
            ways.append(f"<mailto:{quote(address, safe='@.+-_')}?subject=unsubscribe>")
    headers = {"List-Unsubscribe": ", ".join(ways)}
    if unsubscribe_url.startswith("https://"):
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def thread_headers(previous_message_ids: Sequence[str]) -> dict[str, str]:
    """In-Reply-To the last of the messages before, References to them, the first of all and the last that there is
    room for. Nothing when there is none; what is no Message-ID is left out."""
    known = list(dict.fromkeys(one for one in previous_message_ids if _ID.fullmatch(one) and one.isascii()))
    if not known:
        return {}
    first, last, kept = known[0], known[-1], list[str]()
    length = len(first) + len(last) + 1
    for one in reversed(known[1:-1]):
        length += len(one) + 1
        if length > _LONGEST:
            break
        kept.insert(0, one)
    return {"In-Reply-To": last, "References": " ".join(dict.fromkeys([first, *kept, last]))}


def message_id(dedup_key: str, sender: str) -> str:
    """The Message-ID that the outbox gives to the message of that key and sender."""
    return Mail(dedup_key, sender, "", "", "", "", {}, datetime.fromtimestamp(0, UTC)).message_id


class Thread(NamedTuple):
    """A reminder that is about to be written: to whom, for which seller, about which items."""

    account_id: int
    entity_id: int
    entry_ids: frozenset[int]


def earlier_messages(session: Session, wanted: Sequence[Thread]) -> list[list[str]]:
    """For each, the Message-IDs of the e-mails that were sent about any of the same items, the oldest first.

    One query for all of them.
    """
    notice, item, sent = DunningNotice, DunningNoticeItem, OutboxMessage
    query = (
        select(
            col(notice.account_id),
            col(notice.entity_id),
            col(item.entry_id),
            col(notice.id),
            col(sent.dedup_key),
            col(sent.sender),
        )
        .join(item, col(item.notice_id) == col(notice.id))
        .join(sent, col(sent.dedup_key) == col(notice.message_key))
        .where(
            among(session, col(notice.account_id), sorted({one.account_id for one in wanted})),
            col(notice.cancelled_at).is_(None),
            col(sent.channel) == MessageChannel.EMAIL,
            col(sent.state) == MessageState.SENT,
        )
        .order_by(col(notice.id))
    )
    told: dict[tuple[int, int], list[tuple[int, str, str]]] = {}
    for row in session.connection().execute(query) if wanted else ():
        told.setdefault((row.account_id, row.entity_id), []).append((row.entry_id, row.dedup_key, row.sender))
    return [_ids(told.get((one.account_id, one.entity_id), ()), one.entry_ids) for one in wanted]


def _ids(told: Iterable[tuple[int, str, str]], entry_ids: frozenset[int]) -> list[str]:
    keys: Mapping[str, str] = {key: sender for entry_id, key, sender in told if entry_id in entry_ids}
    return [message_id(key, sender) for key, sender in keys.items()]
