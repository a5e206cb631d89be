"""Whether a person wrote a message: bounces, answers by machines, lists, our own mail coming back. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from dunning.replies.days import said_days
from dunning.replies.kinds import ReplyKind
from dunning.replies.letter import Letter
from dunning.replies.rules import phrases, plain

_BULK = frozenset({"bulk", "junk", "list"})
_ROBOT_NAMES = ("mailer-daemon@", "postmaster@", "mail-daemon@", "mailerdaemon@")
_NO_ANSWER = ("noreply@", "no-reply@", "donotreply@", "do-not-reply@", "ne-pas-repondre@", "nepasrepondre@")
_LOOKED_AT = 1_500
_LONGEST_AWAY = timedelta(days=200)


@dataclass(frozen=True)
class Nature:
    """What kind of mail it is when no person wrote it, else `kind` is None. `back_on` is the day an absence ends, where
    it is told. `away` says that a person's own words tell of an absence."""

    kind: ReplyKind | None
    back_on: date | None = None
    away: bool = False


def nature_of(letter: Letter, *, on: date, ours: bool, country: str = "FR") -> Nature:
    """The nature of `letter`, written on the day `on`; `ours` says that it is a message of our own."""
    if ours:
        return Nature(ReplyKind.OWN)
    told, subject, text = phrases().automatic, plain(letter.subject), plain(letter.text[:_LOOKED_AT])
    if letter.report == "disposition-notification" or "message/disposition-notification" in letter.given:
        return Nature(ReplyKind.RECEIPT)
    from_robot = letter.sender.startswith(_ROBOT_NAMES) or "x-failed-recipients" in letter.marks
    if letter.report in ("delivery-status", "delivery-failure") or "message/delivery-status" in letter.given:
        return Nature(_returned(subject, text))
    if from_robot or (told["bounce"].search(subject) and _is_marked(letter)):
        return Nature(_returned(subject, text))
    away = bool(told["away"].search(f"{subject} {text}"))
    back_on = _back_on(letter, on, country) if away else None
    if _is_marked(letter) or told["subject"].search(subject):
        return Nature(ReplyKind.OUT_OF_OFFICE if away else ReplyKind.AUTOMATIC, back_on)
    if told["receipt"].search(subject):
        return Nature(ReplyKind.RECEIPT)
    if "list-id" in letter.marks or letter.marks.get("precedence") in _BULK or "feedback-id" in letter.marks:
        return Nature(ReplyKind.LIST)
    if "list-unsubscribe" in letter.marks and not letter.parents:
        return Nature(ReplyKind.LIST)
    if letter.sender.startswith(_NO_ANSWER):
        return Nature(ReplyKind.AUTOMATIC)
    return Nature(None, back_on, away)


def _returned(subject: str, text: str) -> ReplyKind:
    return ReplyKind.DELAY if phrases().automatic["delay"].search(f"{subject} {text[:400]}") else ReplyKind.BOUNCE


def _is_marked(letter: Letter) -> bool:
    """Whether headers say that a machine wrote it (RFC 3834, and what was used before and beside it)."""
    marks = letter.marks
    if marks.get("auto-submitted", "no").partition(";")[0].strip() not in ("no", ""):
        return True
    if any(name in marks for name in ("x-autoreply", "x-autorespond", "x-autoresponse")):
        return True
    if marks.get("precedence") in ("auto_reply", "auto-reply"):
        return True
    return "x-auto-response-suppress" in marks or marks.get("return-path") == "<>"


def _back_on(letter: Letter, on: date, country: str) -> date | None:
    """The day after which the writer is there again: behind 'until' or 'back on'; None where none is told."""
    text = f"{letter.subject}\n{letter.text[:_LOOKED_AT]}"
    lowered = text.casefold()
    days = [said for said in said_days(text, on=on, country=country) if on <= said.day <= on + _LONGEST_AWAY]
    best: date | None = None
    for said in days:
        before = plain(lowered[max(0, said.start - 40) : said.end])
        found = list(phrases().automatic["until"].finditer(before))
        if found:
            returns = phrases().automatic["back_on"].search(found[-1][0]) is not None
            day = said.day if returns else said.day + timedelta(days=1)
            best = day if best is None or day > best else best
    return best
