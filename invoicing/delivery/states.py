"""Where a delivery stands: by its e-mails, and by what an approved platform told of it. Pure.

A platform's statuses may come twice and in any order: what a delivery comes to is a function of the set of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ar.core.errors import DomainError, Fault
from ar.core.i18n import marked as _
from ar.disputes.models import Reason
from invoicing.delivery.models import DeliveryState

STATUSES = {
    "200": _("deposited"),
    "201": _("issued by the platform"),
    "202": _("received by the customer's platform"),
    "203": _("made available"),
    "204": _("taken in charge"),
    "205": _("approved"),
    "206": _("partly approved"),
    "207": _("disputed"),
    "208": _("suspended"),
    "209": _("completed"),
    "210": _("refused"),
    "211": _("payment sent"),
    "212": _("cashed"),
    "213": _("rejected by the platform"),
}
"""The life-cycle statuses of the French reform of electronic invoicing, by code."""

WITH_REASON = frozenset({"210", "213"})
CONTESTING = frozenset({"207", "210"})
REFUSING = frozenset({"210", "213"})
_SENT = frozenset({"200", "201", "212"})
_REASON_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{1,39}", re.ASCII)

_DISPUTED_FOR = {
    "PU_ERR": Reason.PRICE,
    "REM_ERR": Reason.PRICE,
    "MONTANTTOTAL_ERR": Reason.PRICE,
    "CALCUL_ERR": Reason.PRICE,
    "QTE_ERR": Reason.QUANTITY,
    "LIVR_INCOMP": Reason.DELIVERY,
    "QUALITE_ERR": Reason.QUALITY,
    "TRANSAC_INC": Reason.NOT_ORDERED,
    "CMD_ERR": Reason.REFERENCE,
    "REF_ERR": Reason.REFERENCE,
    "REF_CT_ABSENT": Reason.REFERENCE,
}
"""Reason codes of the reform whose meaning is one of ours; any other is 'other', told in words."""

_ORDER = {
    DeliveryState.PLANNED: 0,
    DeliveryState.FAILED: 0,
    DeliveryState.UNCERTAIN: 0,
    DeliveryState.SENT: 1,
    DeliveryState.DELIVERED: 2,
    DeliveryState.OPENED: 3,
    DeliveryState.REFUSED: 4,
    DeliveryState.SUPERSEDED: 5,
}
_FROM_MAIL = frozenset({DeliveryState.PLANNED, DeliveryState.FAILED, DeliveryState.UNCERTAIN})


class StatusError(DomainError):
    """What was told of a delivery is not a status that can be kept."""

    code = "bad-status"


@dataclass(frozen=True)
class Status:
    """One status that a platform told. `outside_id` is the platform's own name for it."""

    code: str
    happened_at: datetime
    reason_code: str = ""
    reason: str = ""
    outside_id: str = ""

    @property
    def detail(self) -> str:
        return ": ".join(part for part in (self.reason_code, self.reason) if part)


def check_status(status: Status) -> None:
    """Raises StatusError for a code that is not one, for 210 or 213 without a reason code, and an instant far off."""
    if status.code not in STATUSES:
        told = f"{status.code[:20]!r} is no life-cycle status: send one of 200 to 213"
        raise StatusError(told, faults=[Fault("/code", told)])
    if not 2000 <= status.happened_at.year <= 2200:
        told = "the instant lies outside the years 2000 to 2200"
        raise StatusError(told, faults=[Fault("/at", told)])
    if status.code in WITH_REASON and not status.reason_code:
        told = f"status {status.code} needs a reason code, such as QTE_ERR"
        raise StatusError(told, faults=[Fault("/reason_code", told)])
    if status.reason_code and not _REASON_CODE.fullmatch(status.reason_code):
        told = "a reason code is written in capitals, figures and underscores, such as QTE_ERR"
        raise StatusError(told, faults=[Fault("/reason_code", told)])


def disputed_for(reason_code: str) -> Reason:
    """What a dispute about it is about."""
    return _DISPUTED_FOR.get(reason_code, Reason.OTHER)


def told_state(code: str) -> DeliveryState:
    """What a status, by itself, says of the delivery. 212 is ours to tell, of a document that has been sent."""
    if code in REFUSING:
        return DeliveryState.REFUSED
    return DeliveryState.SENT if code in _SENT else DeliveryState.DELIVERED


def standing(statuses: Iterable[tuple[str, datetime]]) -> tuple[DeliveryState, str] | None:
    """State and last status of a delivery of which a platform told `statuses` (code, when); None for none.

    The state never goes back: refused comes after delivered, and delivered after sent. The last status is a refusal
    where there is one, else what happened last.
    """
    known = list(statuses)
    if not known:
        return None
    ranks = [DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.REFUSED]
    state = max((told_state(code) for code, _at in known), key=ranks.index)
    code, _at = max(known, key=lambda one: (one[0] in REFUSING, one[1], one[0]))
    return state, code


def further(current: DeliveryState, told: DeliveryState) -> bool:
    """Whether what was told brings a delivery on from where it stands: it never goes back."""
    return _ORDER[told] > _ORDER[current]


def by_mail(current: DeliveryState, messages: Iterable[tuple[str, bool]]) -> DeliveryState:
    """Where a delivery stands whose e-mails are in the outbox's states (state, whether it is a copy).

    It is sent when every message has gone; uncertain when one may have; failed when one has not. Copies do not count.
    What has gone further, such as opened, stays.
    """
    if current not in _FROM_MAIL:
        return current
    states = {state for state, is_copy in messages if not is_copy}
    if not states or states & {"queued", "claimed"}:
        return DeliveryState.PLANNED
    if "uncertain" in states:
        return DeliveryState.UNCERTAIN
    return DeliveryState.FAILED if states & {"failed", "cancelled"} else DeliveryState.SENT
