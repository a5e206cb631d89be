from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ar.core.access.links import LinkError, portal_url, read, sign

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


@given(st.integers(1, 2**63 - 1), st.integers(1, 2**31))
def test_a_link_says_whose_it_is(account_id: int, epoch: int) -> None:
    link = read("key", sign("key", account_id, epoch, now=NOW), now=NOW + timedelta(days=89), days=90)
    assert (link.account_id, link.epoch, link.made_at) == (account_id, epoch, NOW)


def test_a_link_ends_and_belongs_to_its_key() -> None:
    token = sign("key", 7, 1, now=NOW)
    for key, at in [("other", NOW), ("key", NOW + timedelta(days=91)), ("key", NOW - timedelta(hours=1))]:
        with pytest.raises(LinkError):
            read(key, token, now=at, days=90)
    assert portal_url("https://ar.example", "key", 7, 1, now=NOW) == f"https://ar.example/pay/{token}"


@given(st.text(max_size=80))
def test_forged_text_is_no_link(text: str) -> None:
    with pytest.raises(LinkError):
        read("key", text, now=NOW, days=90)


def test_every_altered_character_breaks_a_link() -> None:
    token = sign("key", 7, 1, now=NOW)
    for place in range(len(token) - 1):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(LinkError):
            read("key", token[:place] + other + token[place + 1 :], now=NOW, days=90)
