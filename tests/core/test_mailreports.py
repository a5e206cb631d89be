"""What mail servers report is read whatever their manners, and nothing hostile breaks the reading."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ar.core.clock import stopwatch
from ar.core.mailreports import Report, ReportKind, read_report
from tests.core import reports
from tests.core.reports import OURS, status_report

TO = "c1@client.example"


@pytest.mark.parametrize(
    ("raw", "kind", "status", "bad", "word"),
    [
        (status_report(), ReportKind.FAILED, "5.1.1", True, "no such mailbox"),
        (status_report(brings="text/rfc822-headers"), ReportKind.FAILED, "5.1.1", True, "no such mailbox"),
        (status_report("delayed", "4.4.1", "smtp; 451 later"), ReportKind.DELAYED, "4.4.1", False, "later"),
        (status_report("delivered", "2.1.5", "smtp; 250 ok"), ReportKind.DELIVERED, "2.1.5", False, "ok"),
        (
            status_report("relayed (no DSN there)", "2.1.9", ""),
            ReportKind.DELIVERED,
            "2.1.9",
            False,
            "2.1.9",
        ),
        (status_report("failed", "4.4.7", "smtp; expired"), ReportKind.FAILED, "4.4.7", False, "expired"),
        (status_report("failed", "5.2.2", "smtp; mailbox full"), ReportKind.FAILED, "5.2.2", False, "full"),
        (status_report("failed", "5.7.1", "smtp; spam"), ReportKind.FAILED, "5.7.1", False, "spam"),
        (reports.QMAIL, ReportKind.FAILED, "5.1.1", True, "user unknown"),
        (reports.EXIM, ReportKind.FAILED, "5.0.0", True, "no such user"),
        (reports.EXCHANGE_DE, ReportKind.FAILED, "", True, "konnte nicht zugestellt"),
        (reports.SENDMAIL_LATE, ReportKind.DELAYED, "", False, "will be retried"),
        (reports.RECEIPT, ReportKind.DELIVERED, "", False, "read by the recipient"),
    ],
)
def test_reports_of_many_manners(raw: bytes, kind: ReportKind, status: str, bad: bool, word: str) -> None:
    report = read_report(raw)
    assert report is not None
    assert (report.kind, report.message_id, report.recipient, report.status) == (kind, OURS, TO, status)
    assert report.bad_address is bad
    assert word in report.words


@pytest.mark.parametrize("raw", [b"", b"hello", reports.ANSWER, reports.OUT_OF_OFFICE, status_report("thrown away")])
def test_what_is_no_report(raw: bytes) -> None:
    assert read_report(raw) is None


def test_a_report_that_does_not_tell_of_which_message_names_none() -> None:
    report = read_report(status_report(message_id=""))
    assert report == Report(ReportKind.FAILED, "", TO, "5.1.1", "550 5.1.1 no such mailbox")


@settings(max_examples=150)
@given(st.binary(max_size=400), st.integers(0, 1800), st.sampled_from([status_report(), reports.QMAIL, reports.EXIM]))
@example(b'Content-Type: multipart/report; boundary="', 0, status_report())
@example(b"Content-Type: text/plain; charset=nonsense\n\n\xff", 700, status_report())
def test_no_bytes_break_it(noise: bytes, at: int, raw: bytes) -> None:
    for hostile in (noise, raw[:at] + noise + raw[at:]):
        report = read_report(hostile)
        assert report is None or (len(report.words) <= 300 and "\x00" not in report.words)


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: message/rfc822\n\n" * 20_000,
        b'Content-Type: multipart/mixed; boundary="a"\n\n--a\n' * 55,
        status_report().replace(b"no such mailbox", b"x" * 3_000_000),
        b"From: postmaster@x.example\nReturn-Path: <>\n\n" + b"----- " * 80_000,
        b"From: postmaster@x.example\n\n" + b"a@" * 200_000,
        b"From: postmaster@x.example\nSubject: =?utf-8?b?" + b"A" * 100_000 + b"?=\n\n",
        b"From: postmaster@x.example\n" + b"Received: x\n" * 30_000 + b"\nfailure notice",
    ],
)
def test_large_and_deep_mail_is_read_within_bounds(raw: bytes) -> None:
    watch = stopwatch()
    read_report(raw)
    assert watch() < 5
