"""Mail as bytes, the folder mailer, and the fate of a message in every phase of SMTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ar.core.mail import AddressError, FateKind, FolderMailer, Mail, compose, parse_address
from ar.core.settings import Settings, SettingsError
from ar.core.smtp import SmtpMailer, mailer_of
from tests.smtp import Manner, SmtpServer, closed_port, smtp_server

MAIL = Mail(
    key="notice/12",
    sender="Société Été <billing@seller.example>",
    recipient='"Ünal, Zoé" <zoe@client.example>',
    subject="Facture n° 42 : 1 234,50 €",
    text="Bonjour Zoé,\n\n.un point seul :\n.\nMerci — à bientôt\n",
    html="<p>Bonjour Zoé,</p>\n<p>Merci</p>",
    headers={"List-Unsubscribe": "<https://pay.example/stop?a=1>"},
    date=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=200)


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with smtp_server() as running:
        yield running


def test_message_says_what_it_was_told_in_ascii_lines() -> None:
    raw = compose(MAIL)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 100
    assert b"\n" not in raw.replace(b"\r\n", b"")
    parsed = message_from_bytes(raw, policy=policy.default)
    assert str(parsed["Subject"]) == MAIL.subject
    assert parsed["From"].addresses[0].display_name == "Société Été"
    assert parsed["To"].addresses[0].display_name == "Ünal, Zoé"
    assert parsed["To"].addresses[0].addr_spec == "zoe@client.example"
    assert parsed["List-Unsubscribe"] == "<https://pay.example/stop?a=1>"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["Date"].datetime == MAIL.date
    plain, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n").rstrip("\n") == MAIL.text.rstrip("\n")
    assert html.get_content().replace("\r\n", "\n").strip() == MAIL.html
    assert not parsed.defects


def test_message_id_follows_the_key_alone() -> None:
    assert replace(MAIL, subject="another", date=datetime(2027, 1, 1, tzinfo=UTC)).message_id == MAIL.message_id
    assert replace(MAIL, key="notice/13").message_id != MAIL.message_id
    assert MAIL.message_id.endswith("@seller.example>")


@given(subject=WORDS, name=WORDS.filter(lambda text: not set('<>"\\') & set(text)), text=WORDS)
def test_any_words_survive_the_wire(subject: str, name: str, text: str) -> None:
    mail = replace(MAIL, subject=subject, recipient=f"{name} <zoe@client.example>", text=text, html="")
    parsed = message_from_bytes(compose(mail), policy=policy.compat32)
    assert b"\r\n\r\n" in compose(mail)
    assert _decoded(parsed["Subject"]) == subject
    display = parsed["To"].rpartition("<")[0].strip()
    assert _decoded(display).strip('"').strip() == name.strip()
    body = parsed.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert body.decode().rstrip("\r\n") == text.rstrip("\r\n")


def _decoded(value: str) -> str:
    from email.header import decode_header, make_header

    if "=?utf-8?b?" not in value:
        return value
    return str(make_header(decode_header(value)))


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("jo@firm.example", "", "jo@firm.example"),
        (" Jo Doe <jo@firm.example> ", "Jo Doe", "jo@firm.example"),
        ('"Doe, \\"Jo\\"" <jo@firm.example>', 'Doe, "Jo"', "jo@firm.example"),
        ("jo@bücher.example", "", "jo@xn--bcher-kva.example"),
    ],
)
def test_address_is_understood(text: str, name: str, address: str) -> None:
    assert parse_address(text) == (name, address)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jo",
        "@firm.example",
        "jo@",
        "a@b.example, c@d.example",
        "jo@firm.example\r\nBcc: all@firm.example",
        "Jo\n <jo@firm.example>",
        "<a@b.example> <c@d.example>",
        "jo@firm..example",
        "jo@" + "x" * 64 + ".example",
        "jo\x00@firm.example",
    ],
)
def test_anything_but_one_address_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse_address(text)


def test_folder_shows_a_twin(tmp_path: Path) -> None:
    with FolderMailer(tmp_path / "mail").connect() as send:
        assert [send(MAIL).kind, send(MAIL).kind] == [FateKind.SENT, FateKind.SENT]
    assert sorted(path.name for path in (tmp_path / "mail").iterdir()) == [f"{MAIL.digest}.2.eml", f"{MAIL.digest}.eml"]
    assert (tmp_path / "mail" / f"{MAIL.digest}.eml").read_bytes() == compose(MAIL)


@pytest.mark.parametrize(
    ("manner", "kind", "words", "taken"),
    [
        (Manner.OK, FateKind.SENT, "250", 1),
        (Manner.BUSY_GREETING, FateKind.UNREACHED, "421", 0),
        (Manner.RCPT_LATER, FateKind.LATER, "450", 0),
        (Manner.RCPT_NEVER, FateKind.REFUSED, "550", 0),
        (Manner.DROP_AT_RCPT, FateKind.LATER, "closed", 0),
        (Manner.DATA_LATER, FateKind.LATER, "451", 0),
        (Manner.DROP_AFTER_DATA, FateKind.UNKNOWN, "final dot", 0),
        (Manner.DOT_LATER, FateKind.LATER, "451", 0),
        (Manner.DOT_NEVER, FateKind.REFUSED, "554", 0),
        (Manner.DROP_AFTER_DOT, FateKind.UNKNOWN, "final dot", 1),
        (Manner.SLOW_AFTER_DOT, FateKind.UNKNOWN, "timed out", 1),
    ],
)
def test_fate_in_each_phase_and_the_next_message_goes_through(
    server: SmtpServer, manner: Manner, kind: FateKind, words: str, taken: int
) -> None:
    with SmtpMailer.from_url(server.url, timeout=0.2).connect() as send:
        server.manner = manner
        fate = send(MAIL)
        assert fate.kind is kind or (manner is Manner.DROP_AFTER_DATA and fate.kind is FateKind.LATER)
        assert words in fate.words or fate.kind is FateKind.LATER
        assert len(server.received) == taken
        server.manner = Manner.OK
        assert send(replace(MAIL, key="next")).kind is FateKind.SENT
    assert server.received[-1].recipient == "zoe@client.example"
    assert server.received[-1].mail_from == "billing@seller.example"
    assert server.received[-1].content == compose(replace(MAIL, key="next"))


def test_one_connection_serves_many_and_a_hangup_between_two_is_no_loss(server: SmtpServer) -> None:
    with SmtpMailer.from_url(server.url).connect() as send:
        for key in range(5):
            assert send(replace(MAIL, key=f"{key}")).kind is FateKind.SENT
        assert server.connections == 1
        server.hang_up()
        assert send(replace(MAIL, key="after")).kind is FateKind.SENT
    assert server.connections == 2
    assert len(server.received) == 6
    assert server.twins() == []


def test_nobody_listening_is_the_servers_fault_not_the_messages() -> None:
    with SmtpMailer("127.0.0.1", closed_port(), timeout=0.5).connect() as send:
        assert send(MAIL).kind is FateKind.UNREACHED


def test_starttls_that_is_not_offered_sends_nothing_in_clear(server: SmtpServer) -> None:
    with SmtpMailer.from_url(f"{server.url}?starttls=1").connect() as send:
        assert send(MAIL).kind is FateKind.UNREACHED
    assert server.received == []


def test_address_that_needs_smtputf8_fails_alone(server: SmtpServer) -> None:
    with SmtpMailer.from_url(server.url).connect() as send:
        assert send(replace(MAIL, recipient="zoé@client.example")).kind is FateKind.REFUSED
        assert send(MAIL).kind is FateKind.SENT


@pytest.mark.parametrize(
    ("url", "host", "port", "user", "password", "tls"),
    [
        ("smtp://mail.example", "mail.example", 25, "", "", "none"),
        ("smtp://mail.example:2525", "mail.example", 2525, "", "", "none"),
        ("smtp://u%40x:p%2Fw@mail.example?starttls=1", "mail.example", 587, "u@x", "p/w", "starttls"),
        ("smtps://u:p@mail.example", "mail.example", 465, "u", "p", "always"),
    ],
)
def test_url_names_the_server(url: str, host: str, port: int, user: str, password: str, tls: str) -> None:
    mailer = SmtpMailer.from_url(url)
    assert (mailer.host, mailer.port, mailer.user, mailer.password, mailer.tls) == (host, port, user, password, tls)


@pytest.mark.parametrize("url", ["http://mail.example", "smtp://", "smtp://mail.example:port", "mail.example"])
def test_wrong_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(SettingsError) as error:
        SmtpMailer.from_url(url)
    assert "AMIABLE_SMTP_URL" in error.value.message


def test_settings_choose_the_mailer(tmp_path: Path) -> None:
    assert mailer_of(Settings(var_dir=tmp_path)) == FolderMailer(tmp_path / "mail")
    assert mailer_of(Settings(var_dir=tmp_path, smtp_url="smtp://mail.example:26")) == SmtpMailer("mail.example", 26)
