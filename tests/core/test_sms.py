"""Text messages: what becomes of each, whatever the provider does; its callbacks; the numbers that take none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from ar.core.access.models import Role
from ar.core.carriers import carriers_of
from ar.core.db import Database
from ar.core.kernel import Kernel
from ar.core.outbox import Arrival, DeliveryReport, MessageChannel, always_wanted, deliver, queue
from ar.core.outbox.decide import send_again
from ar.core.settings import Settings, SettingsError
from ar.core.sms.callbacks import sign
from ar.core.sms.models import SmsNumber
from ar.core.sms.provider import FolderTexts, HttpTexts, texts_of
from ar.core.sms.segments import Segments, segments
from tests.core.outboxes import NOW, draft, messages, states
from tests.sms import TOKEN, Manner, SmsProvider, sms_provider
from tests.smtp import closed_port
from tests.web import client

BASE = "https://ar.example"
ODD = "+33600000001"
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def provider() -> Iterator[SmsProvider]:
    with sms_provider() as running:
        yield running


@pytest.fixture
def wired(kernel: Kernel, provider: SmsProvider) -> Kernel:
    return with_settings(kernel, sms_url=provider.url, sms_from="+33700000000", base_url=BASE)


def with_settings(kernel: Kernel, **given: str) -> Kernel:
    kept = kernel.settings.model_dump(exclude={"sms_url", "sms_from", "base_url"})
    return replace(kernel, settings=Settings(**(kept | given)))


def fill(database: Database, count: int = 4) -> None:
    drafts = [
        draft(
            n,
            channel=MessageChannel.SMS,
            recipient=f"+3360000000{n}",
            sender="",
            subject="",
            body_text=f"Message {n}",
            body_html="",
        )
        for n in range(count)
    ]
    with database.transaction() as session:
        assert queue(session, drafts, now=NOW) == count


def send(kernel: Kernel, *, now: datetime = NOW, timeout: float = 10) -> DeliveryReport:
    carriers = {**carriers_of(kernel, now=now)}
    texts = carriers[MessageChannel.SMS]
    assert isinstance(texts, HttpTexts)
    carriers[MessageChannel.SMS] = replace(texts, timeout=timeout)
    return deliver(kernel, carriers, {"reminder": always_wanted}, now=now, limit=100, worker="tests")


@pytest.mark.parametrize(
    ("manner", "state", "taken"),
    [
        (Manner.BAD_NUMBER, "failed", 0),
        (Manner.STOPPED, "failed", 0),
        (Manner.DOWN, "queued", 0),
        (Manner.BROKEN, "uncertain", 1),
        (Manner.NONSENSE, "uncertain", 1),
        (Manner.DROP, "uncertain", 1),
        (Manner.SLOW, "uncertain", 1),
    ],
)
def test_one_odd_answer_among_good_ones(
    wired: Kernel, database: Database, provider: SmsProvider, manner: Manner, state: str, taken: int
) -> None:
    fill(database)
    provider.manners[ODD] = manner
    send(wired, timeout=1 if manner is Manner.SLOW else 10)
    assert {key: one.state.value for key, one in messages(database).items()} == {
        "notice/0": "sent",
        "notice/1": state,
        "notice/2": "sent",
        "notice/3": "sent",
    }
    assert len([one for one in provider.taken if one["To"] == ODD]) == taken
    provider.manners.clear()
    send(wired, now=LATER)
    assert provider.twins() == []
    assert messages(database)["notice/1"].state == ("sent" if state == "queued" else state)


@pytest.mark.parametrize("manner", [Manner.TOO_MANY, Manner.SIGN_IN])
def test_an_answer_that_is_about_us_costs_no_message_an_attempt(
    wired: Kernel, database: Database, provider: SmsProvider, manner: Manner
) -> None:
    fill(database)
    provider.manner = manner
    report = send(wired)
    assert (report.given_back, provider.taken) == (4, [])
    assert {one.attempts for one in messages(database).values()} == {0}
    provider.manner = Manner.OK
    assert send(wired, now=LATER).sent == 4


def test_nobody_listening_gives_all_back(kernel: Kernel, database: Database) -> None:
    fill(database)
    url = f"http://AC1:x@127.0.0.1:{closed_port()}/"
    report = send(with_settings(kernel, sms_url=url, sms_from="Seller", base_url=BASE))
    assert (report.given_back, "ConnectError" in report.unreachable) == (4, True)


def test_a_provider_gone_silent_is_left_after_three(wired: Kernel, database: Database, provider: SmsProvider) -> None:
    fill(database, 6)
    provider.manner = Manner.DROP
    report = send(wired)
    assert (report.uncertain, report.given_back) == (3, 3)
    assert states(database) == {"uncertain": 3, "queued": 3}


def test_what_is_sent_is_what_the_interface_wants(wired: Kernel, database: Database, provider: SmsProvider) -> None:
    fill(database, 1)
    send(wired)
    message = messages(database)["notice/0"]
    assert provider.taken == [
        {
            "To": "+33600000000",
            "From": "+33700000000",
            "Body": "Message 0",
            "StatusCallback": f"{BASE}/webhooks/sms?message={message.digest}",
        }
    ]
    assert message.carrier_ref == f"SM{1:032x}"


def call_back(kernel: Kernel, fields: Mapping[str, str], *, digest: str = "", signature: str | None = None) -> int:
    query = f"?message={digest}" if digest else ""
    signed = sign(TOKEN, f"{BASE}/webhooks/sms{query}", list(fields.items()))
    headers = {"x-twilio-signature": signed if signature is None else signature}
    headers["content-type"] = "application/x-www-form-urlencoded"
    with client(kernel) as program:
        answer = program.post(f"/webhooks/sms{query}", content=urlencode(fields), headers=headers)
        return int(answer.status_code)


def test_the_signature_is_that_of_the_published_example() -> None:
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675310",
        "Digits": "1234",
        "From": "+14158675310",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert sign("12345", url, list(fields.items())) == "GvWf1cFY/Q7PnoempGyD5oXAezc="


def test_callbacks_in_any_order_end_alike(wired: Kernel, database: Database, provider: SmsProvider) -> None:
    fill(database, 1)
    send(wired)
    message = messages(database)["notice/0"]
    sid = message.carrier_ref or ""
    calls = [{"MessageSid": sid, "MessageStatus": status} for status in ("queued", "sent", "delivered")]
    for order in (calls, calls[::-1]):
        for fields in (*order, order[0]):
            assert call_back(wired, fields, digest=message.digest) == 204
        assert messages(database)["notice/0"].arrival is Arrival.DELIVERED
    assert call_back(wired, {"MessageSid": "SMunknown", "MessageStatus": "failed"}) == 204
    assert call_back(wired, {"MessageSid": sid, "MessageStatus": "of another kind"}) == 204
    assert messages(database)["notice/0"].state == "sent"


def test_a_callback_settles_the_uncertain(wired: Kernel, database: Database, provider: SmsProvider) -> None:
    fill(database, 1)
    provider.manner = Manner.DROP
    assert send(wired).uncertain == 1
    message = messages(database)["notice/0"]
    assert call_back(wired, {"MessageSid": "SM77", "MessageStatus": "sent"}, digest=message.digest) == 204
    message = messages(database)["notice/0"]
    assert (message.state, message.arrival, message.carrier_ref) == ("sent", None, "SM77")


def test_a_number_that_nothing_reaches_gets_nothing_more(
    wired: Kernel, database: Database, provider: SmsProvider
) -> None:
    fill(database, 2)
    send(wired)
    message = messages(database)["notice/1"]
    fields = {
        "MessageSid": message.carrier_ref or "",
        "MessageStatus": "undelivered",
        "ErrorCode": "30006",
        "To": ODD,
    }
    assert call_back(wired, fields) == 204
    assert messages(database)["notice/1"].arrival is Arrival.BOUNCED
    assert_barred(wired, database, {ODD})


def assert_barred(kernel: Kernel, database: Database, barred: set[str]) -> None:
    """Exactly these numbers of the first two take nothing more."""
    numbers = ["+33600000000", ODD]
    texts = {"channel": MessageChannel.SMS, "body_html": "", "subject": "", "sender": ""}
    with database.transaction() as session:
        queue(session, [draft(100 + n, recipient=to, **texts) for n, to in enumerate(numbers)], now=LATER)
    send(kernel, now=LATER)
    found = messages(database)
    assert {to for n, to in enumerate(numbers) if found[f"notice/{100 + n}"].state == "cancelled"} == barred


def test_stop_bars_the_number_and_start_frees_it(wired: Kernel, database: Database, provider: SmsProvider) -> None:
    fill(database, 2)
    send(wired)
    for ref, word in (("SM1", " Stop. "), ("SM1", "Stop"), ("SM2", "I pay on Friday 🙂")):
        fields = {"MessageSid": ref, "From": ODD, "To": "+33700000000", "Body": word}
        assert call_back(wired, fields) == 204
    assert_barred(wired, database, {ODD})
    with client(wired, Role.COLLECTOR) as browser:
        received = browser.get("/api/v1/sms/received", params={"sender": ODD}).json()["items"]
        assert [one["text"] for one in received] == ["I pay on Friday 🙂", " Stop. "]
        assert received[0]["message_id"] == messages(database)["notice/1"].id
        numbers = browser.get("/api/v1/sms/numbers").json()["items"]
        assert [(one["number"], one["words"]) for one in numbers] == [(ODD, "said STOP")]
    assert call_back(wired, {"MessageSid": "SM3", "From": ODD, "To": "x", "Body": "START"}) == 204
    with database.reading() as session:
        assert session.exec(select(SmsNumber.stopped_at)).all() == [None]


def test_what_the_provider_refuses_is_learned(wired: Kernel, database: Database, provider: SmsProvider) -> None:
    fill(database, 2)
    provider.manners = {ODD: Manner.STOPPED}
    send(wired)
    provider.manners = {}
    assert_barred(wired, database, {ODD})


def test_a_person_sends_an_uncertain_one_again(wired: Kernel, database: Database, provider: SmsProvider) -> None:
    fill(database, 1)
    provider.manner = Manner.SLOW
    send(wired, timeout=1)
    provider.manner = Manner.OK
    with database.transaction() as session:
        send_again(session, messages(database)["notice/0"].id or 0, actor="user:1", now=LATER)
    assert send(wired, now=LATER).sent == 1
    assert provider.twins() == ["Message 0"]


@pytest.mark.parametrize("signature", ["", "nonsense", "é\xff"])
def test_a_callback_not_signed_by_the_provider_is_refused(
    wired: Kernel, database: Database, provider: SmsProvider, signature: str
) -> None:
    fields = {"MessageSid": "SM1", "From": ODD, "To": "x", "Body": "STOP"}
    with client(wired) as program:
        headers = {b"x-twilio-signature": signature.encode("latin-1")}
        assert program.post("/webhooks/sms", content=urlencode(fields), headers=headers).status_code == 400
    good = sign(TOKEN, f"{BASE}/webhooks/sms", list(fields.items()))
    assert call_back(wired, fields | {"From": "+33600000002"}, signature=good) == 400
    assert call_back(wired, fields, signature=good, digest="a" * 40) == 400
    with database.reading() as session:
        assert session.exec(select(SmsNumber)).all() == []


def test_without_a_provider_there_are_no_callbacks(kernel: Kernel) -> None:
    assert call_back(kernel, {"MessageSid": "SM1"}) == 404


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("https://host/", "Seller"),
        ("https://AC1:x@host/", ""),
        ("http://AC1:x@host/", "Seller"),
        ("https://AC1@host/", "Seller"),
        ("https://AC1:x@host:port/", "Seller"),
        ("nonsense", "Seller"),
    ],
)
def test_settings_that_do_not_name_a_provider_are_refused(url: str, sender: str) -> None:
    with pytest.raises(SettingsError) as error:
        texts_of(Settings(sms_url=url, sms_from=sender))
    assert "AMIABLE_SMS_" in error.value.message


def test_without_a_provider_they_are_written_to_a_folder(kernel: Kernel, database: Database) -> None:
    fill(database, 1)
    carriers = carriers_of(kernel, now=NOW)
    assert isinstance(carriers[MessageChannel.SMS], FolderTexts)
    deliver(kernel, carriers, {"reminder": always_wanted}, now=NOW, limit=10, worker="tests")
    [written] = (kernel.settings.var_dir / "sms").iterdir()
    assert written.read_text() == "To: +33600000000\nFrom: \n\nMessage 0\n"


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts", "odd"),
    [
        ("", "GSM-7", 0, 1, ""),
        ("a" * 160, "GSM-7", 160, 1, ""),
        ("a" * 161, "GSM-7", 161, 2, ""),
        ("a" * 306, "GSM-7", 306, 2, ""),
        ("a" * 307, "GSM-7", 307, 3, ""),
        ("à payer : 12 €", "GSM-7", 15, 1, ""),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3, ""),
        ("Échéance ô", "UCS-2", 10, 1, "ô"),
        ("ô" * 70, "UCS-2", 70, 1, "ô"),
        ("ô" * 71, "UCS-2", 71, 2, "ô"),
        ("ô" * 66 + "🙂" + "ô" * 66, "UCS-2", 134, 3, "ô🙂"),
    ],
)
def test_parts_of_a_text(text: str, encoding: str, units: int, parts: int, odd: str) -> None:
    assert segments(text) == Segments(encoding, units, parts, odd)


@given(st.text(max_size=400))
def test_a_longer_text_never_takes_fewer_parts(text: str) -> None:
    assert 1 <= segments(text).parts <= segments(f"{text}a").parts
