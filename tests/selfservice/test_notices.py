"""Notices of the channel `portal`: shown to their own customer until it puts them away."""

from __future__ import annotations

from ar.core import clock
from ar.core.carriers import carriers_of
from ar.core.kernel import Kernel
from ar.core.outbox import Arrival, MessageChannel, always_wanted, deliver, queue
from tests.core.outboxes import draft, messages
from tests.ledger.make import customer, seller
from tests.selfservice.test_pages import token, visiting


def test_a_notice_is_shown_to_its_customer_until_it_is_put_away(kernel: Kernel) -> None:
    now = clock.now()
    with kernel.database.transaction() as session:
        seller(session)
        mine, other = customer(session, "C1", "en"), customer(session, "C2", "fr")
        fields = {"channel": MessageChannel.PORTAL, "recipient": "", "sender": "", "body_html": ""}
        texts = {n: f"Notice <{n}> of it" for n in range(6)}
        drafts = [
            draft(n, account_id=other if n == 5 else mine, body_text=said, subject="", **fields)
            for n, said in texts.items()
        ]
        queue(session, drafts, now=now)
    browser = visiting(kernel, mine)
    assert "of it" not in browser.get("/portal").text, "it was not sent yet"
    deliver(kernel, carriers_of(kernel, now=now), {"reminder": always_wanted}, now=now, limit=10, worker="tests")

    def shown() -> list[int]:
        page = browser.get("/portal").text
        return [n for n in texts if f"Notice &lt;{n}&gt; of it" in page]

    found = messages(kernel.database)
    assert shown() == [2, 3, 4]
    seen = {"csrf_token": token(browser)}
    assert browser.post(f"/portal/notices/{found['notice/4'].id}/seen", data=seen).status_code == 303
    assert shown() == [1, 2, 3]
    assert messages(kernel.database)["notice/4"].arrival is Arrival.DELIVERED
    assert browser.post(f"/portal/notices/{found['notice/5'].id}/seen", data=seen).status_code == 404
    assert browser.post("/portal/notices/999/seen", data=seen).status_code == 404
    assert messages(kernel.database)["notice/5"].arrival is None
