"""One click of a collector: what was said is noted, what it means is done, and the customer's row is true again."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from ar.core.kernel import Kernel
from dunning.calls.act import Note, note_contact
from dunning.calls.models import ContactEvent
from dunning.calls.tasks import drop_gone
from dunning.facts import InFlight
from dunning.worklist.rows import refresh, terms_of


def act_on(
    session: Session, kernel: Kernel, note: Note, *, by: str, now: datetime, in_flight: InFlight
) -> ContactEvent:
    """Note a contact, drop the calls that it makes needless, refresh the row. Raises as note_contact()."""
    event = note_contact(session, kernel, note, by=by, now=now, in_flight=in_flight)
    touched(session, kernel, note.account_id, now=now, in_flight=in_flight)
    return event


def touched(session: Session, kernel: Kernel, account_id: int, *, now: datetime, in_flight: InFlight) -> None:
    """Something was done about the customer: drop the calls whose reason is gone, and refresh its row."""
    session.flush()
    drop_gone(session, [account_id], now=now, in_flight=in_flight)
    refresh(session, [account_id], terms_of(session, kernel.settings, now=now), in_flight=in_flight)
