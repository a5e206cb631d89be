"""Sends the test gateway's events, signed, after the answer that caused them, and tries again when nobody takes them.

One thread of its own, so that it never waits for the web server that it posts to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import httpx

from ar.cash.signatures import sign
from ar.cash.standin.store import Store

Deliver = Callable[[bytes, str], bool]
"""Takes an event's bytes and its Stripe-Signature; whether the receiver took it."""

RETRY_SECONDS = (2.0, 10.0, 60.0, 600.0)
_LEASE_SECONDS = 30.0
_IDLE_SECONDS = 60.0


def by_http(url: str) -> Deliver:
    """Delivery by POST to `url`; any 2xx is taken."""

    def deliver(payload: bytes, signature: str) -> bool:
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}
        try:
            return httpx.post(url, content=payload, headers=headers, timeout=20).is_success
        except httpx.HTTPError:
            return False

    return deliver


class Postman:
    """Delivers what is due, by a thread that starts with the first event and ends with `close`."""

    def __init__(
        self, store: Store, deliver: Deliver, *, secret: str, clock: Callable[[], datetime], work: Callable[[], None]
    ) -> None:
        self._store = store
        self._deliver = deliver
        self._secret = secret
        self._clock = clock
        self._work = work
        self._wake = threading.Event()
        self._closed = False
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """There may be something to send, now or later."""
        with self._starting:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="test-gateway", daemon=True)
                self._thread.start()
        self._wake.set()

    def close(self) -> None:
        """Send nothing more."""
        with self._starting:
            self._closed = True
            thread = self._thread
        self._wake.set()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while not self._closed:
            self._wake.clear()
            self._work()
            self.send_due()
            with self._store.open() as kept:
                due = kept.next_due()
            left = _IDLE_SECONDS if due is None else due - self._clock().timestamp()
            self._wake.wait(min(max(left, 0.01), _IDLE_SECONDS))

    def send_due(self) -> None:
        """Send every event that is due, each signed at this moment."""
        at = self._clock().timestamp()
        with self._store.open() as kept:
            due = kept.due_events(at=at, lease=_LEASE_SECONDS)
        for event_id, payload, tries in due:
            taken = self._deliver(payload, sign(payload, self._secret, at=int(self._clock().timestamp())))
            with self._store.open() as kept:
                if taken:
                    kept.sent(event_id)
                else:
                    again = self._clock().timestamp() + RETRY_SECONDS[tries] if tries < len(RETRY_SECONDS) else None
                    kept.not_sent(event_id, again_at=again)
