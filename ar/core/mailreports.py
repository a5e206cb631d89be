"""Reports of mail servers about a message that we sent: it came back, it is delayed, it arrived. Pure.

RFC 3464 (delivery status), RFC 8098 (read by the recipient), and the common forms of servers that keep to neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message
from enum import StrEnum

MAX_READ = 512 * 2**10
"""How much of a report is read, in bytes: what it says stands before the copy of the message that it brings back."""

_MOST_PARTS = 60
_OURS = re.compile(r"<[0-9a-f]{40}@[^\s<>@]{1,255}>", re.ASCII)
_ANY_ID = re.compile(r"(?im)^message-id:\s*(<[^\s<>]{1,300}>)")
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b", re.ASCII)
_REPLY = re.compile(r"\b([45])\d\d[ -]", re.ASCII)
_ADDRESS = re.compile(r"[^\s<>@,;:\"()\[\]]{1,64}@[^\s<>@,;:\"()\[\]]{0,254}[^\s<>@,;:\"()\[\].]", re.ASCII)
_FROM_SERVER = re.compile(r"mailer-daemon|postmaster|mail delivery|mail-daemon|mail system", re.IGNORECASE)
_SAYS_FAILED = re.compile(
    r"undeliver|could ?n[o']t be delivered|not be delivered|delivery (?:has |status notification \()?fail|"
    r"returned mail|permanent (?:fatal )?error|permanent failure|failure notice|delivery failure|"
    r"user unknown|no such user|mailbox unavailable|does not exist|address rejected|recipient rejected|"
    r"non remis|n'a pas pu être (?:remis|livr)|échec de (?:la )?remise|boîte inexistante|"
    r"unzustellbar|konnte nicht zugestellt|no se (?:ha podido|pudo) entregar|non è stato possibile consegnare|"
    r"onbestelbaar|kon niet worden (?:bezorgd|afgeleverd)",
    re.IGNORECASE,
)
_SAYS_DELAYED = re.compile(
    r"delayed|will (?:be retried|keep trying|retry|continue to try)|not yet been delivered|still being retried|"
    r"warning: (?:could not send|message)|temporary failure|"
    r"retardé|sera retent|verzögert|retrasad|in ritardo|vertraagd",
    re.IGNORECASE,
)
_NOT_THE_ADDRESS = re.compile(r"5\.2\.[23]|5\.3\.4|5\.7\.\d+", re.ASCII)
"""RFC 3463: mailbox full, message too long, too big, refused by policy: the address itself is not at fault."""


class ReportKind(StrEnum):
    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"


@dataclass(frozen=True)
class Report:
    """What one report says. `message_id` names the message it is about, with its brackets, empty where it is not told;
    `recipient` may be the address that it was forwarded to. `status` is as in RFC 3463 ('5.1.1'), or empty."""

    kind: ReportKind
    message_id: str
    recipient: str
    status: str
    words: str

    @property
    def bad_address(self) -> bool:
        """Whether nothing sent to this address can arrive: failed for good, and not for what the message was."""
        if self.kind is not ReportKind.FAILED or self.status.startswith("4"):
            return False
        return not _NOT_THE_ADDRESS.fullmatch(self.status)


def read_report(raw: bytes) -> Report | None:
    """What the mail `raw` reports about a message of ours, or None when it is no report. Never raises for its content.

    A report of several recipients, which we never write to at once, is read for the first that has a fate.
    """
    raw = raw[:MAX_READ].replace(b"\x00", b"")
    if len(re.findall(rb"(?im)^content-type:", raw)) > _MOST_PARTS:
        return None
    try:
        mail = message_from_bytes(raw, policy=policy.compat32)
        parts = list(mail.walk())
    except (RecursionError, LookupError, ValueError, TypeError):
        return None
    kinds = [part.get_content_type() for part in parts]
    if "message/delivery-status" in kinds:
        return _status_report(raw, parts)
    if "message/disposition-notification" in kinds:
        return _read_receipt(raw, parts)
    return _free_form(raw, mail, parts)


def _status_report(raw: bytes, parts: list[Message]) -> Report | None:
    for fields in _fields(parts, "message/delivery-status"):
        action = fields.get("action", "").split("(")[0].strip().lower()
        kind = {
            "failed": ReportKind.FAILED,
            "delayed": ReportKind.DELAYED,
            "delivered": ReportKind.DELIVERED,
            "relayed": ReportKind.DELIVERED,
            "expanded": ReportKind.DELIVERED,
        }.get(action)
        if kind is None:
            continue
        status = _STATUS.search(fields.get("status", ""))
        words = fields.get("diagnostic-code", "").partition(";")[2].strip() or fields.get("status", "") or action
        recipient = _ADDRESS.search(fields.get("original-recipient", "")) or _ADDRESS.search(
            fields.get("final-recipient", "")
        )
        code = status[0] if status else ""
        return Report(kind, _original_id(raw, parts), recipient[0] if recipient else "", code, _short(words))
    return None


def _read_receipt(raw: bytes, parts: list[Message]) -> Report | None:
    for fields in _fields(parts, "message/disposition-notification"):
        disposition = fields.get("disposition", "").lower()
        if "displayed" not in disposition:
            continue
        told = fields.get("original-message-id", "").strip()
        recipient = _ADDRESS.search(fields.get("final-recipient", ""))
        message_id = told if _OURS.fullmatch(told) else _original_id(raw, parts)
        return Report(ReportKind.DELIVERED, message_id, recipient[0] if recipient else "", "", "read by the recipient")
    return None


def _free_form(raw: bytes, mail: Message, parts: list[Message]) -> Report | None:
    """A report by a server of its own manners: it comes from a server, and says that delivery failed or is late."""
    sender = f"{mail.get('From', '')} {mail.get('Return-Path', '')}"
    failed_to = mail.get("X-Failed-Recipients")
    from_server = bool(_FROM_SERVER.search(sender)) or str(mail.get("Return-Path", "")).strip() == "<>"
    if failed_to is None and not from_server:
        return None
    told = "\n".join([str(mail.get("Subject", "")), *(_text(part) for part in parts[:6] if _is_text(part))])[:20_000]
    # What comes back with a report may itself be about delays: only what stands before it is the server's own.
    own = re.split(r"(?im)^-{2,}.*(?:original message|copy of (?:your|the) message|below this line).*$", told)[0]
    status = _STATUS.search(own)
    reply = _REPLY.search(own)
    failed = bool(failed_to is not None or _SAYS_FAILED.search(own))
    delayed = bool(_SAYS_DELAYED.search(own))
    if delayed and not (reply and reply[1] == "5") and not (status and status[1] == "5"):
        kind = ReportKind.DELAYED
    elif failed:
        kind = ReportKind.FAILED
    else:
        return None
    recipient = _ADDRESS.search(str(failed_to or "")) or _recipient_in(own, str(mail.get("From", "")))
    line = next((line for line in own.splitlines() if status and status[0] in line), "") or _said(own)
    code = status[0] if status else f"{reply[1]}.0.0" if reply else ""
    return Report(kind, _original_id(raw, parts), recipient[0] if recipient else "", code, _short(line))


def _said(own: str) -> str:
    lines = [line.strip() for line in own.splitlines() if line.strip()]
    telling = [line for line in lines if _SAYS_FAILED.search(line) or _SAYS_DELAYED.search(line)]
    return (telling[-1:] or lines[:1] or [""])[0]


def _recipient_in(own: str, sender: str) -> re.Match[str] | None:
    return next((found for found in _ADDRESS.finditer(own) if found[0] not in sender), None)


def _fields(parts: list[Message], kind: str) -> Iterator[dict[str, str]]:
    """The blocks of fields of the parts of that kind, names in small letters."""
    for part in parts:
        if part.get_content_type() != kind:
            continue
        blocks = part.get_payload()
        if isinstance(blocks, list):
            for block in blocks:
                if isinstance(block, Message):
                    yield {name.lower(): " ".join(str(value).split()) for name, value in block.items()}
        else:  # encoded as text, which no standard allows and some servers do
            for block_text in re.split(r"\n\s*\n", _text(part)):
                named = re.findall(r"(?m)^([A-Za-z-]{2,40}):[ \t]*(.*)$", block_text)
                yield {name.lower(): value.strip() for name, value in named}


def _original_id(raw: bytes, parts: list[Message]) -> str:
    """The Message-ID of the message that the report brings back, or else one of ours that it names."""
    for part in parts[1:]:
        kind = part.get_content_type()
        if kind == "message/rfc822" and isinstance(part.get_payload(), list):
            for inner in part.get_payload():
                if isinstance(inner, Message) and (named := str(inner.get("Message-ID", "")).strip()):
                    return named[:300]
        elif kind in ("text/rfc822-headers", "message/rfc822-headers") and (found := _ANY_ID.search(_text(part))):
            return found[1]
    text = raw.decode("ascii", "replace")
    ours = _OURS.findall(text)
    return ours[-1] if ours else ""


def _is_text(part: Message) -> bool:
    return part.get_content_type() in ("text/plain", "text/html")


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):
        return payload.decode("utf-8", "replace")


def _short(words: str) -> str:
    return " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", words).split())[:300]
