from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlmodel import Session, select

from ar.core.audit import AuditEntry, verify
from ar.core.db import Database
from ar.customers.accounts import (
    AccountCodeTakenError,
    AccountDraft,
    AccountError,
    AccountNotFoundError,
    ContactDraft,
    ContactNotFoundError,
    account_by_code,
    add_contact,
    add_identifier,
    change_account,
    change_contact,
    children,
    contacts_of,
    identifiers_of,
    open_account,
    opt_out,
    reachable_contacts,
)
from ar.customers.entities import (
    EntityCodeTakenError,
    EntityDraft,
    EntityError,
    EntityNotFoundError,
    add_bank_account,
    change_entity,
    entity_by_code,
    found_entity,
)
from ar.customers.identifiers import IdentifierError, checked

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def draft(code: str = "C1", **changes: object) -> AccountDraft:
    base = {"code": code, "legal_name": "Moulin", "country": "FR", "language": "fr", "currency": "EUR"}
    return AccountDraft(**{**base, **changes})  # type: ignore[arg-type]


def opened(session: Session, code: str = "C1", **changes: object) -> int:
    made = open_account(session, draft(code, **changes), by="user:1", now=NOW)
    assert made.id is not None
    return made.id


def test_account_is_opened_with_identifiers_and_contacts(database: Database) -> None:
    with database.transaction() as session:
        account_id = opened(
            session,
            identifiers=(("siren", "732 829 320"), ("iban", "FR14 2004 1010 0505 0001 3M02 606")),
            contacts=(ContactDraft(name="Comptabilité", email="compta@moulin.example"),),
        )
    with database.reading() as session:
        found = account_by_code(session, "C1")
        assert (found.id, found.time_zone, found.version) == (account_id, "Europe/Paris", 1)
        assert [(i.scheme, i.value) for i in identifiers_of(session, account_id)] == [
            ("iban", "FR1420041010050500013M02606"),
            ("siren", "732829320"),
        ]
        assert [c.roles for c in contacts_of(session, account_id)] == [["billing", "paying"]]
        assert session.exec(select(AuditEntry.action)).all() == ["account.opened"]
        assert verify(session) == []


def test_every_fault_is_named_and_nothing_stored(database: Database) -> None:
    with database.transaction() as session:
        with pytest.raises(AccountError) as caught:
            opened(
                session,
                country="XX",
                language="zz",
                currency="ABC",
                time_zone="Mars/Olympus",
                identifiers=(("siren", "123"), ("shoe", "42")),
                contacts=(ContactDraft(email="not an address"), ContactDraft(), ContactDraft(phone="1", roles=("x",))),
            )
        assert [fault.pointer for fault in caught.value.faults] == [
            "/country",
            "/language",
            "/time_zone",
            "/currency",
            "/contacts/0/email",
            "/contacts/1/email",
            "/contacts/2/roles",
            "/identifiers/0",
            "/identifiers/1",
        ]
        with pytest.raises(AccountNotFoundError):
            account_by_code(session, "C1")
        with pytest.raises(AccountNotFoundError):
            opened(session, parent_id=77)
        opened(session, "C2")
        with pytest.raises(AccountCodeTakenError):
            opened(session, "C2")


def test_change_raises_the_version_and_refuses_a_circle_of_parents(database: Database) -> None:
    with database.transaction() as session:
        top = opened(session, "TOP")
        middle = opened(session, "MID", parent_id=top)
        low = opened(session, "LOW", parent_id=middle)
        assert change_account(session, top, {"segment": "key"}, by="user:1", now=NOW).version == 2
        for parent in (top, middle, low):
            with pytest.raises(AccountError):
                change_account(session, top, {"parent_id": parent}, by="user:1", now=NOW)
        with pytest.raises(AccountError):
            change_account(session, top, {"code": "NEW"}, by="user:1", now=NOW)
        assert [child.code for child in children(session, top)] == ["MID"]


def test_contacts_change_bounce_and_opt_out(database: Database) -> None:
    with database.transaction() as session:
        one, two = opened(session, "C1"), opened(session, "C2")
        first = add_contact(session, one, ContactDraft(email="a@one.example"), by="user:1", now=NOW)
        add_contact(session, one, ContactDraft(email="b@one.example"), by="user:1", now=NOW)
        add_contact(session, two, ContactDraft(phone="+33 1 23 45 67 89"), by="user:1", now=NOW)
        assert first.id is not None
        assert {k: c.email for k, c in reachable_contacts(session, [one, two]).items()} == {one: "a@one.example"}
        first.bounced_at = NOW
        session.flush()
        assert reachable_contacts(session, [one])[one].email == "b@one.example"
        changed = change_contact(session, one, first.id, ContactDraft(email="c@one.example"), by="user:1", now=NOW)
        assert (changed.bounced_at, changed.version) == (None, 2)
        with pytest.raises(ContactNotFoundError):
            change_contact(session, two, first.id, ContactDraft(email="x@two.example"), by="user:1", now=NOW)
        with pytest.raises(ContactNotFoundError):
            opt_out(session, two, first.id, by="user:1", now=NOW)
        opt_out(session, one, first.id, by="user:1", now=NOW)
        opt_out(session, one, first.id, by="user:1", now=NOW)
        opted = [e for e in session.exec(select(AuditEntry.action)).all() if e == "contact.opted_out"]
        assert first.opted_out_at == NOW
        assert opted == []  # the trail is written at the commit
    with database.reading() as session:
        assert session.exec(select(AuditEntry.action)).all().count("contact.opted_out") == 1


def test_identifier_is_stored_once_in_its_usual_form(database: Database) -> None:
    with database.transaction() as session:
        account_id = opened(session)
        one = add_identifier(session, account_id, "vat", "fr 40 303 265 045", by="user:1", now=NOW)
        two = add_identifier(session, account_id, "vat", "FR40303265045", by="user:1", now=NOW)
        assert (one.id, one.value) == (two.id, "FR40303265045")
    for scheme, value in [("vat", "FR00000000000"), ("lei", "X"), ("iban", "FR00"), ("bic", "!"), ("gln", "1")]:
        with pytest.raises(IdentifierError):
            checked(scheme, value)


def test_legal_entities_and_where_they_are_paid(database: Database) -> None:
    with database.transaction() as session:
        with pytest.raises(EntityNotFoundError):
            entity_by_code(session, None)
        seller = EntityDraft(code="FR1", name="Atelier", country="FR", currency="EUR", language="fr")
        made = found_entity(session, seller, by="user:1", now=NOW)
        assert made.id is not None
        assert entity_by_code(session, None).id == made.id
        bank = add_bank_account(
            session, made.id, iban="DE89 3704 0044 0532 0130 00", holder="Atelier", currency="EUR", by="user:1", now=NOW
        )
        assert (bank.iban, bank.bic) == ("DE89370400440532013000", "COBADEFFXXX")
        with pytest.raises(EntityCodeTakenError):
            found_entity(session, seller, by="user:1", now=NOW)
        changed = change_entity(
            session, made.id, {"name": "Atelier Neuf", "city": "Lyon", "email": None}, by="user:1", now=NOW
        )
        assert (changed.name, changed.city, changed.version, changed.code) == ("Atelier Neuf", "Lyon", 2, "FR1")
        for wrong in ({"name": None}, {"code": "X"}, {"vat_number": "FR1"}, {"email": "x"}):
            with pytest.raises(EntityError):
                change_entity(session, made.id, wrong, by="user:1", now=NOW)
        other = EntityDraft(code="GB1", name="Works", country="GB", currency="GBP", language="en")
        found_entity(session, other, by="user:1", now=NOW)
        with pytest.raises(EntityNotFoundError, match="FR1, GB1"):
            entity_by_code(session, None)
        with pytest.raises(EntityError):
            found_entity(
                session,
                EntityDraft(
                    code="X", name="X", country="FR", currency="EUR", language="fr", vat_number="FR1", email="x"
                ),
                by="user:1",
                now=NOW,
            )


def test_vat_numbers_of_neighbours_are_known_too() -> None:
    usual = {
        "GB 999 9900 21": "GB999990021",
        "CHE-107.787.577 IVA": "CHE107787577IVA",
        "no995525828mva": "NO995525828MVA",
    }
    assert {checked("vat", given): given for given in usual} == {told: given for given, told in usual.items()}
    for wrong in ("GB999990022", "CHE107787578IVA", "NO995525829MVA", "GB"):
        with pytest.raises(IdentifierError):
            checked("vat", wrong)
