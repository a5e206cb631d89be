"""A real mailbox: what comes is taken in once, whatever dies when, and nothing is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlmodel import select

from ar.core.kernel import Kernel
from ar.core.settings import SettingsError
from dunning.replies import jobs
from dunning.replies.jobs import mailbox_reader
from dunning.replies.kinds import ReplyKind, ReplyState
from dunning.replies.mailbox import ImapMailbox, MailboxError, OpenMailbox
from dunning.replies.models import Mailbox, Reply
from dunning.replies.understand import nobody_says
from tests.dunning.replies.imap import ImapServer, imap_server
from tests.dunning.replies.mails import WRITTEN, mail
from tests.dunning.world import World
from tests.smtp import closed_port

NOW = WRITTEN + timedelta(minutes=5)
read_mailbox = mailbox_reader(nobody_says)


@pytest.fixture(scope="module")
def server() -> Iterator[ImapServer]:
    with imap_server() as running:
        yield running


@pytest.fixture
def inbox(server: ImapServer) -> Iterator[ImapServer]:
    yield server
    with server.signed_in() as box:
        box.delete(box.uids())


def connected(world: World, server: ImapServer, **other: object) -> Kernel:
    changed = {"imap_url": SecretStr(server.url), **other}
    return replace(world.kernel, settings=world.settings.model_copy(update=changed))


def replies(kernel: Kernel) -> list[Reply]:
    with kernel.database.reading() as session:
        found = list(session.exec(select(Reply).order_by(Reply.id)))  # type: ignore[arg-type]
        session.expunge_all()
        return found


def test_what_comes_is_taken_once_and_marked(world: World, inbox: ImapServer) -> None:
    kernel = connected(world, inbox)
    inbox.deliver(mail("We will pay on Friday."), mail("Thank you.", message_id="<m2@bakery.example>"))
    assert read_mailbox(kernel, {}, NOW) == "1 other, 1 promise"
    assert read_mailbox(kernel, {}, NOW) == "nothing new"
    assert [one.kind for one in replies(kernel)] == [ReplyKind.PROMISE, ReplyKind.OTHER]
    assert inbox.unseen() == (2, 0)
    inbox.deliver(mail("Is this for us?", message_id="<m3@bakery.example>"), mail("We will pay on Friday."))
    read_mailbox(kernel, {}, NOW)
    assert len(replies(kernel)) == 3  # the fourth is the first again


def test_what_was_read_is_moved_where_it_is_wanted(world: World, inbox: ImapServer) -> None:
    kernel = connected(world, inbox, imap_done_folder="Read")
    inbox.deliver(mail("We will pay on Friday."))
    read_mailbox(kernel, {}, NOW)
    assert inbox.unseen() == (0, 0)
    assert inbox.unseen("Read")[0] == 1
    with inbox.signed_in() as box:
        box.folder.delete("Read")


@pytest.mark.parametrize("dies", ["before it is kept", "after it is kept", "after it is marked"])
def test_a_process_that_dies_loses_and_doubles_nothing(
    world: World, inbox: ImapServer, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    kernel = connected(world, inbox)
    inbox.deliver(mail("We will pay on Friday."), mail("Thank you.", message_id="<m2@bakery.example>"))

    class DiedError(BaseException):
        pass

    def died(*_: object, **__: object) -> None:
        raise DiedError

    with monkeypatch.context() as patched:
        if dies == "before it is kept":
            patched.setattr(jobs, "take", died)
        elif dies == "after it is kept":
            patched.setattr(OpenMailbox, "done", died)
        else:
            patched.setattr(jobs, "_note_read", died)
        with pytest.raises(DiedError):
            read_mailbox(kernel, {}, NOW)
    read_mailbox(kernel, {}, NOW)
    assert [one.kind for one in replies(kernel)] == [ReplyKind.PROMISE, ReplyKind.OTHER]
    assert inbox.unseen() == (2, 0)


def test_a_server_that_numbers_anew_is_read_anew(world: World, inbox: ImapServer) -> None:
    kernel = connected(world, inbox)
    inbox.deliver(mail("We will pay on Friday."))
    read_mailbox(kernel, {}, NOW)
    with kernel.database.transaction() as session:
        known = session.exec(select(Mailbox)).one()
        known.uid_validity, known.last_uid = known.uid_validity + 1, 4_000_000_000
    assert read_mailbox(kernel, {}, NOW) == "1 promise"
    assert len(replies(kernel)) == 1


def test_what_cannot_be_read_is_kept_for_a_person_and_stops_nothing(
    world: World, inbox: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MAX_BYTES", 5_000)
    kernel = connected(world, inbox)
    nested = b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + b"multipart/x\r\n" * 200
    inbox.deliver(nested, mail("x" * 9_000, message_id="<big@x>"), mail("Thank you.", message_id="<m2@x>"))
    assert read_mailbox(kernel, {}, NOW) == "1 other, 2 unreadable"
    hopeless, large, _ = replies(kernel)
    assert (hopeless.state, hopeless.human) == (ReplyState.OPEN, False)
    assert "parts" in hopeless.doubts[0]
    assert large.size > 9_000
    assert "bytes" in large.doubts[0]


def test_no_mailbox_no_reading(world: World) -> None:
    assert read_mailbox(world.kernel, {}, NOW) == "no mailbox is set"


def test_a_server_that_is_not_there_is_said_and_nothing_changes(world: World, server: ImapServer) -> None:
    away = connected(world, ImapServer(closed_port()))
    with pytest.raises(MailboxError, match="cannot be opened"):
        read_mailbox(away, {}, NOW)
    wrong = SecretStr(server.url.replace("marks", "others"))
    with pytest.raises(MailboxError) as refused:
        read_mailbox(connected(world, server, imap_url=wrong), {}, NOW)
    assert "others" not in refused.value.message


def test_urls() -> None:
    box = ImapMailbox.from_url("imaps://jo%40x:p%2Fw@mail.example/Customers/In")
    assert (box.host, box.port, box.user, box.password) == ("mail.example", 993, "jo@x", "p/w")
    assert (box.folder, box.tls) == ("Customers/In", "always")
    assert ImapMailbox.from_url("imap://jo:p@mail.example?starttls=1").tls == "starttls"
    assert "p/w" not in box.name
    for wrong in ("https://a:b@c", "imap://nobody.example", "imaps://", "imaps://a:b@c:99999999"):
        with pytest.raises(SettingsError):
            ImapMailbox.from_url(wrong)
