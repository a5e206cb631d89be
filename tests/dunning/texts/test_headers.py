"""The way out of courtesy mail, and the thread of reminders about the same invoices."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes, policy

import pytest

from ar.core.mail import Mail, compose, header_fault
from dunning.texts.headers import Thread, courtesy_headers, earlier_messages, message_id, thread_headers
from tests.dunning.test_guard import SOON, send
from tests.dunning.world import DUE, MORNING, World

OUT = "https://ar.seller.example/unsubscribe/abc"


def test_courtesy_mail_can_be_stopped_in_one_click() -> None:
    headers = courtesy_headers(OUT, mailbox="Seller <accounts@seller.example>")
    assert headers == {
        "List-Unsubscribe": f"<{OUT}>, <mailto:accounts@seller.example?subject=unsubscribe>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert courtesy_headers(OUT)["List-Unsubscribe"] == f"<{OUT}>"
    assert "List-Unsubscribe-Post" not in courtesy_headers(OUT.replace("https", "http"))
    assert all(header_fault(name, value) is None for name, value in headers.items())


@pytest.mark.parametrize(
    ("before", "headers"),
    [
        ([], {}),
        (["not an id", "<a b@c>", "<a@b>\r\nBcc: x", "<é@x.example>"], {}),
        (["<1@a.example>"], {"In-Reply-To": "<1@a.example>", "References": "<1@a.example>"}),
        (
            ["<1@a.example>", "<2@a.example>", "<1@a.example>", "<3@a.example>"],
            {"In-Reply-To": "<3@a.example>", "References": "<1@a.example> <2@a.example> <3@a.example>"},
        ),
    ],
)
def test_a_thread_names_what_came_before(before: list[str], headers: dict[str, str]) -> None:
    assert thread_headers(before) == headers
    assert all(header_fault(name, value) is None for name, value in headers.items())


def test_a_long_thread_keeps_its_first_and_its_last() -> None:
    before = [f"<{n:040d}@seller.example>" for n in range(200)]
    headers = thread_headers(before)
    named = headers["References"].split()
    assert (named[0], named[-1], headers["In-Reply-To"]) == (before[0], before[-1], before[-1])
    assert named[1:] == before[-len(named) + 1 :]
    assert 10 < len(named) < 20
    mail = Mail("k", "a@seller.example", "b@customer.example", "s", "t", "", headers, MORNING)
    read = message_from_bytes(compose(mail), policy=policy.default)
    assert str(read["References"]).split() == named
    assert str(read["Message-ID"]) == message_id("k", "Seller <a@seller.example>")


def test_the_reminders_sent_about_an_invoice_are_found(world: World) -> None:
    with world.database.transaction() as session:
        account, other = world.customer(session, "A1"), world.customer(session, "A2")
        first, late = world.invoice(session, account), world.invoice(session, account, due=DUE + timedelta(days=30))
        world.invoice(session, other)
    world.run()
    seller = world.entity_id
    wanted = [Thread(account, seller, frozenset(entries)) for entries in ({first}, {late}, {first, late})]
    with world.database.reading() as session:
        assert earlier_messages(session, wanted) == [[], [], []], "none has been sent"
    send(world, SOON)
    with world.database.reading() as session:
        [sent] = [one for one in world.messages(session) if one.account_id == account]
        told = [message_id(sent.dedup_key, sent.sender)]
        assert earlier_messages(session, wanted) == [told, [], told]
        assert earlier_messages(session, [Thread(account, seller + 1, frozenset({first}))]) == [[]]
        assert earlier_messages(session, []) == []
