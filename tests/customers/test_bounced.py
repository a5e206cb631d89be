"""Reports of mail servers: the message shows what came back, and an address that is bad is written to no more."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations

import pytest
from sqlmodel import col, select

from ar.core.audit import AuditEntry, verify
from ar.core.db import Database
from ar.core.mailreports import Report, read_report
from ar.core.outbox import Arrival, MessageState, OutboxMessage, queue
from ar.customers.accounts import ContactDraft, contacts_of
from ar.customers.bounced import apply_report, apply_reports
from tests.core.outboxes import draft, messages
from tests.core.reports import status_report
from tests.customers.test_accounts import NOW, opened

LATER = NOW + timedelta(hours=1)
FAILED = status_report()
DELAYED = status_report("delayed", "4.4.1", "smtp; 451 later")
DELIVERED = status_report("delivered", "2.1.5", "smtp; 250 ok")


def read(raw: bytes) -> Report:
    report = read_report(raw)
    assert report is not None
    return report


def sent(database: Database, state: MessageState = MessageState.SENT) -> int:
    """A customer's account, to whose contact the message notice/1 has gone out."""
    with database.transaction() as session:
        contacts = (ContactDraft(email="C1@client.example"), ContactDraft(email="other@client.example"))
        account_id = opened(session, contacts=contacts)
        queue(session, [draft(1), draft(2, recipient="other@client.example")], now=NOW)
        for message in session.exec(select(OutboxMessage)):
            message.state = state
    return account_id


def bounced(database: Database, account_id: int) -> list[datetime | None]:
    with database.reading() as session:
        return [contact.bounced_at for contact in contacts_of(session, account_id)]


def test_a_failure_for_good_marks_message_and_contact(database: Database) -> None:
    account_id = sent(database)
    for _ in range(2):
        with database.transaction() as session:
            found = apply_report(session, read(FAILED), now=LATER)
            assert found is not None
            assert (found.dedup_key, found.account_id) == ("notice/1", 1)
    message = messages(database)["notice/1"]
    assert (message.state, message.arrival, message.arrival_at) == ("sent", Arrival.BOUNCED, LATER)
    assert message.arrival_words == "550 5.1.1 no such mailbox"
    assert messages(database)["notice/2"].arrival is None
    assert bounced(database, account_id) == [LATER, None]
    with database.reading() as session:
        query = select(AuditEntry.action, AuditEntry.subject).order_by(col(AuditEntry.id).desc()).limit(2)
        assert session.exec(query).all() == [
            ("contact.bounced", f"account:{account_id}"),
            ("message.bounced", f"message:{message.id}"),
        ]
        assert verify(session) == []


@pytest.mark.parametrize("raw", [DELAYED, DELIVERED, status_report("failed", "5.2.2", "smtp; mailbox full")])
def test_what_is_no_fault_of_the_address_leaves_the_contact(database: Database, raw: bytes) -> None:
    account_id = sent(database)
    with database.transaction() as session:
        apply_report(session, read(raw), now=LATER)
    assert messages(database)["notice/1"].arrival is not None
    assert bounced(database, account_id) == [None, None]


def test_any_order_and_number_of_reports_ends_alike(database: Database) -> None:
    sent(database)
    for order in permutations((DELAYED, FAILED, DELIVERED, DELAYED)):
        with database.transaction() as session:
            for message in session.exec(select(OutboxMessage)):
                message.arrival = message.arrival_at = message.arrival_words = None
        for raw in order:
            with database.transaction() as session:
                apply_reports(session, [read(raw)], now=LATER)
        assert messages(database)["notice/1"].arrival is Arrival.BOUNCED


def test_a_report_proves_that_an_uncertain_message_went_out(database: Database) -> None:
    sent(database, MessageState.UNCERTAIN)
    with database.transaction() as session:
        apply_report(session, read(DELAYED), now=LATER)
    assert {key: one.state.value for key, one in messages(database).items()} == {
        "notice/1": "sent",
        "notice/2": "uncertain",
    }


def test_a_report_about_nothing_of_ours_does_nothing(database: Database) -> None:
    account_id = sent(database)
    for message_id in ("", "<other@client.example>", f"<{'0' * 40}@seller.example>"):
        with database.transaction() as session:
            assert apply_report(session, read(status_report(message_id=message_id)), now=LATER) is None
    assert bounced(database, account_id) == [None, None]
