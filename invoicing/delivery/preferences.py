"""How customers want their documents: read, set and dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.errors import DomainError, Fault, NotFoundError
from ar.customers.accounts import account
from ar.customers.entities import entity
from ar.customers.models import ContactRole
from invoicing.delivery.decide import USUAL_FORMATS, choose
from invoicing.delivery.models import DeliveryPreference, Papers, Route
from invoicing.models import FileFormat

SOURCES = ("number", "order", "reference", "issue_on", "due_on", "total", "net", "tax", "currency", "seller", "text")
"""What a field of a purchasing portal may be filled with; 'text' is a fixed text."""

_MOST_FIELDS = 30


class PreferenceError(DomainError):
    """The preference cannot be stored; the faults say where and why."""

    code = "bad-delivery-preference"


class PreferenceNotFoundError(NotFoundError):
    code = "delivery-preference-not-found"


@dataclass(frozen=True)
class PreferenceDraft:
    """A preference to set; without an entity it is for each seller. Formats not given are the way's usual ones."""

    route: Route
    papers: Papers = Papers.ANY
    entity_id: int | None = None
    formats: Sequence[str] = ()
    roles: Sequence[str] = (ContactRole.BILLING.value,)
    copy_roles: Sequence[str] = ()
    site_name: str = ""
    site_url: str = ""
    site_fields: Sequence[Mapping[str, str]] = ()


def preferences_of(session: Session, account_id: int) -> list[DeliveryPreference]:
    """What the account has stated. Raises AccountNotFoundError."""
    account(session, account_id)
    query = select(DeliveryPreference).where(col(DeliveryPreference.account_id) == account_id)
    return list(session.exec(query.order_by(col(DeliveryPreference.id))))


def preference_for(session: Session, account_id: int, entity_id: int, papers: Papers) -> DeliveryPreference | None:
    """The preference that holds for a kind of document of one seller; None where nothing was stated."""
    query = select(DeliveryPreference).where(col(DeliveryPreference.account_id) == account_id)
    return choose(session.exec(query), entity_id, papers)


def set_preference(
    session: Session, account_id: int, draft: PreferenceDraft, *, by: str, now: datetime
) -> DeliveryPreference:
    """The preference as it now holds: one for each seller and kind of document.

    Raises AccountNotFoundError, EntityNotFoundError, or PreferenceError with the faults.
    """
    account(session, account_id)
    if draft.entity_id is not None:
        entity(session, draft.entity_id)
    if faults := preference_faults(draft):
        raise PreferenceError(f"Nothing was changed: {faults[0].message}", faults=faults)
    found = next(
        (
            one
            for one in preferences_of(session, account_id)
            if (one.entity_id, one.papers) == (draft.entity_id, draft.papers)
        ),
        None,
    )
    before = _told(found) if found else None
    formats = list(draft.formats) or [str(name) for name in USUAL_FORMATS[draft.route]]
    after = asdict(draft) | {
        "formats": formats,
        "roles": list(draft.roles),
        "copy_roles": list(draft.copy_roles),
        "site_fields": [dict(one) for one in draft.site_fields],
    }
    kept = found or DeliveryPreference(account_id=account_id, changed_at=now, **after)
    for name, value in after.items():
        setattr(kept, name, value)
    kept.changed_at = now
    session.add(kept)
    session.flush()
    change = {"before": before, "after": _told(kept)}
    record(session, [Act(by, "account.delivery_preference_set", f"account:{account_id}", change)], now=now)
    return kept


def drop_preference(session: Session, account_id: int, preference_id: int, *, by: str, now: datetime) -> None:
    """Have the more general preference hold again. Raises PreferenceNotFoundError, also for another account's."""
    found = session.get(DeliveryPreference, preference_id)
    if found is None or found.account_id != account_id:
        raise PreferenceNotFoundError(f"Account {account_id} has no delivery preference {preference_id}")
    change = {"before": _told(found)}
    session.delete(found)
    session.flush()
    record(session, [Act(by, "account.delivery_preference_dropped", f"account:{account_id}", change)], now=now)


def preference_faults(draft: PreferenceDraft) -> list[Fault]:
    """What is wrong with a preference; empty when nothing is."""
    faults = []
    for at, name in enumerate(draft.formats):
        if name not in set(FileFormat):
            faults.append(Fault(f"/formats/{at}", f"{name[:20]!r} is no format: choose of pdf, cii, ubl"))
    for field, roles in (("roles", draft.roles), ("copy_roles", draft.copy_roles)):
        for at, name in enumerate(roles):
            if name not in set(ContactRole):
                told = f"{name[:20]!r} is not a contact's role: choose of {', '.join(ContactRole)}"
                faults.append(Fault(f"/{field}/{at}", told))
    if draft.route in (Route.EMAIL, Route.LINK) and not draft.roles:
        faults.append(Fault("/roles", "an e-mail goes to the contacts of at least one role"))
    if draft.route is Route.PAPER and draft.formats and FileFormat.PDF not in draft.formats:
        faults.append(Fault("/formats", "a letter is printed from the PDF"))
    if draft.route is Route.PLATFORM and len(draft.formats) > 1:
        faults.append(Fault("/formats", "a platform takes one file: the PDF (Factur-X), the CII or the UBL"))
    if draft.route is Route.UPLOAD:
        faults += _site_faults(draft)
    return faults


def _site_faults(draft: PreferenceDraft) -> list[Fault]:
    faults = []
    if not draft.site_name:
        faults.append(Fault("/site_name", "name the customer's purchasing portal"))
    if draft.site_url and not _is_address(draft.site_url):
        faults.append(Fault("/site_url", "the address of the portal begins with https://"))
    if len(draft.site_fields) > _MOST_FIELDS:
        faults.append(Fault("/site_fields", f"at most {_MOST_FIELDS} fields are kept"))
    for at, field in enumerate(draft.site_fields):
        if not field.get("label"):
            faults.append(Fault(f"/site_fields/{at}/label", "a field has a label"))
        if field.get("source") not in SOURCES:
            faults.append(Fault(f"/site_fields/{at}/source", f"a field is filled with one of {', '.join(SOURCES)}"))
    return faults


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("https", "http") and bool(parts.hostname)
    except ValueError:
        return False


def _told(found: DeliveryPreference) -> dict[str, object]:
    return found.model_dump(mode="json", exclude={"id", "account_id", "changed_at"})
