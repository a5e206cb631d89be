"""What a person sees beside a customer before it calls: script, log, calls to make, marks, where it is handed on to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from ar.cash.plans.limits import NOTHING, Limit, limit_of
from ar.core.access.models import Role
from ar.core.access.users import actor_names
from ar.core.clock import local_date
from ar.core.kernel import Kernel
from ar.customers.entities import entity
from ar.customers.models import Contact
from dunning.attention.escalate import open_escalations
from dunning.attention.marks import standing_marks
from dunning.calls.act import next_contact
from dunning.calls.models import CallTask, ContactEvent, TaskState
from dunning.calls.script import script, script_context
from dunning.calls.tasks import search
from dunning.facts import InFlight, gather
from dunning.kept import TRUST
from dunning.promises import broken_promises
from dunning.worklist.exchange import last_exchanges

LOG_ROWS = 20


def script_of(
    session: Session,
    kernel: Kernel,
    account_id: int,
    role: Role | None,
    *,
    now: datetime,
    in_flight: InFlight,
    task: CallTask | None = None,
) -> str:
    """What to say to the customer now, in its own language; what may be offered is what `role` may grant alone."""
    [facts] = gather(session, [account_id], now=now, in_flight=in_flight)
    today = local_date(now, facts.zone)
    contact = session.get(Contact, task.contact_id) if task is not None and task.contact_id else None
    contact = contact or next_contact(session, account_id)
    seller = next((item.entity_id for item in facts.items), None)
    limit: Limit = limit_of(session, seller, role or Role.COLLECTOR) if seller is not None else NOTHING
    broken = broken_promises(session, [account_id], since=today - timedelta(days=TRUST.days)).get(account_id, [])
    context = script_context(
        facts,
        today=today,
        contact_name=contact.name if contact else "",
        exchange=last_exchanges(session, [account_id]).get(account_id),
        task=task,
        broken=[due_on for _, due_on, _ in broken],
        plan_minor=limit.max_minor,
        plan_currency=entity(session, seller).currency if seller is not None else "",
        plan_months=limit.max_months,
    )
    language = kernel.renderer.language((contact.language if contact else None) or facts.language)
    return script(kernel.renderer, language, context)


def beside(session: Session, account_id: int) -> dict[str, Any]:
    """The last lines of the customer's call log, the calls to make, its marks, and where it is handed on to."""
    query = select(ContactEvent).where(ContactEvent.account_id == account_id)
    events = list(session.exec(query.order_by(col(ContactEvent.id).desc()).limit(LOG_ROWS)))
    tasks = list(session.exec(search(TaskState.OPEN, account_id).order_by(col(CallTask.due_on), col(CallTask.id))))
    escalations = open_escalations(session, [account_id]).get(account_id, [])
    contacts = list(session.exec(select(Contact).where(Contact.account_id == account_id).order_by(col(Contact.id))))
    actors = [event.noted_by for event in events] + [f"user:{one.to_id}" for one in escalations if one.to_id]
    return {
        "events": events,
        "tasks": tasks,
        "marks": standing_marks(session, [account_id]).get(account_id, []),
        "escalations": escalations,
        "contacts": contacts,
        "people": actor_names(session, actors),
    }
