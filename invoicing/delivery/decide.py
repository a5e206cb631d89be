"""Which way a document goes to its customer, with what, to whom; or why it does not go. Pure.

A document of which a file failed a rule is not delivered by itself. A person may send what is valid of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ar.core.mail import MAX_ATTACHED_BYTES
from invoicing.delivery.models import DeliveryPreference, DeliveryState, Papers, Route
from invoicing.models import FileFormat

USUAL_FORMATS: dict[Route, tuple[str, ...]] = {
    Route.EMAIL: (FileFormat.PDF,),
    Route.LINK: (),
    Route.PORTAL: (),
    Route.PAPER: (FileFormat.PDF,),
    Route.UPLOAD: (FileFormat.PDF,),
    Route.PLATFORM: (FileFormat.PDF,),
}
"""The files that go each way when nothing else is wished; the PDF carries the electronic invoice (Factur-X)."""


@dataclass(frozen=True)
class Person:
    """A contact of the customer; `reachable`: it has an address that has not bounced."""

    contact_id: int
    name: str
    email: str
    language: str
    roles: Sequence[str]
    reachable: bool = True


@dataclass(frozen=True)
class Paper:
    """A file made of the document; without a `file_id`, the rules that it failed."""

    format: str
    file_id: int | None
    name: str = ""
    size: int = 0
    sha256: str = ""
    rules: Sequence[str] = ()


@dataclass(frozen=True)
class Wish:
    """How the customer wants it."""

    route: Route
    formats: Sequence[str] = ()
    roles: Sequence[str] = ("billing",)
    copy_roles: Sequence[str] = ()
    site_name: str = ""


@dataclass(frozen=True)
class Facts:
    """`wish` is None where the customer has stated none; `by_hand`: a person sends what is valid."""

    wish: Wish | None
    people: Sequence[Person]
    papers: Sequence[Paper]
    has_address: bool
    by_hand: bool = False


@dataclass(frozen=True)
class Plan:
    """The attempt to make. `code` says why it differs from the wish, or why it failed; empty for as wished."""

    route: Route
    state: DeliveryState
    recipients: tuple[dict[str, Any], ...] = ()
    files: tuple[dict[str, Any], ...] = ()
    code: str = ""
    detail: str = ""


def choose(preferences: Iterable[DeliveryPreference], entity_id: int, papers: Papers) -> DeliveryPreference | None:
    """The preference that holds for a kind of document of one seller: the seller's own before the one for each seller,
    and of these the kind's own before the one for any kind."""
    fitting = [one for one in preferences if one.entity_id in (None, entity_id) and one.papers in (Papers.ANY, papers)]
    return max(fitting, key=lambda one: (one.entity_id is not None, one.papers is not Papers.ANY), default=None)


def decide(facts: Facts) -> Plan:
    """The attempt to make, or the failure to show to a person."""
    wish = facts.wish or Wish(Route.EMAIL)
    failed = [f"{paper.format.upper()}: {', '.join(paper.rules)}" for paper in facts.papers if paper.file_id is None]
    if failed and not facts.by_hand:
        return _not(wish, "rule-failed", "; ".join(failed))
    wanted = [str(name) for name in wish.formats or USUAL_FORMATS[wish.route]]
    files = tuple(_told(paper) for paper in facts.papers if paper.format in wanted and paper.file_id is not None)
    if wanted and not files and wish.route not in (Route.LINK, Route.PORTAL):
        return _not(wish, "no-file")
    match wish.route:
        case Route.EMAIL | Route.LINK:
            return _by_mail(facts, wish, files)
        case Route.PAPER if not facts.has_address:
            return _not(wish, "no-address")
        case Route.UPLOAD if not wish.site_name:
            return _not(wish, "no-site")
        case Route.PORTAL:
            return Plan(Route.PORTAL, DeliveryState.PLANNED)
    return Plan(wish.route, DeliveryState.PLANNED, files=files)


def _by_mail(facts: Facts, wish: Wish, files: tuple[dict[str, Any], ...]) -> Plan:
    recipients = _recipients(facts, wish)
    if not recipients:
        if facts.wish is None:
            return Plan(Route.PORTAL, DeliveryState.PLANNED, code="nobody-known")
        return _not(wish, "no-recipient")
    if wish.route is Route.LINK:
        return Plan(Route.LINK, DeliveryState.PLANNED, recipients)
    if sum(one["size"] for one in files) > MAX_ATTACHED_BYTES:
        return Plan(Route.LINK, DeliveryState.PLANNED, recipients, code="too-large")
    return Plan(Route.EMAIL, DeliveryState.PLANNED, recipients, files)


def _recipients(facts: Facts, wish: Wish) -> tuple[dict[str, Any], ...]:
    """Each address once: those written to, then those who get a copy. Without a wish, the first billing contact."""
    chosen: dict[str, dict[str, Any]] = {}
    main = [one for one in facts.people if one.reachable and set(one.roles) & set(wish.roles)]
    if facts.wish is None:
        main = main[:1]
    if not main:
        return ()
    copies = [one for one in facts.people if one.reachable and set(one.roles) & set(wish.copy_roles)]
    for person, is_copy in [(one, False) for one in main] + [(one, True) for one in copies]:
        told = {
            "contact_id": person.contact_id,
            "name": person.name,
            "email": person.email,
            "language": person.language,
            "copy": is_copy,
        }
        chosen.setdefault(person.email.casefold(), told)
    return tuple(chosen.values())


def _told(paper: Paper) -> dict[str, Any]:
    return {
        "format": paper.format,
        "file_id": paper.file_id,
        "name": paper.name,
        "size": paper.size,
        "sha256": paper.sha256,
    }


def _not(wish: Wish, code: str, detail: str = "") -> Plan:
    return Plan(wish.route, DeliveryState.FAILED, code=code, detail=detail)
