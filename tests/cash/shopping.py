"""A customer that pays an installation connected to a test gateway on a real port, by Stripe's real library."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
from sqlmodel import col, select

from ar.cash.checkout import start
from ar.cash.gateways import stand_in_key
from ar.cash.models import Method, Payment
from ar.cash.online.models import SavedMethod
from ar.cash.online.setups import returned_setup, start_setup
from ar.cash.payment_states import PaymentState
from ar.cash.receive import Target
from ar.cash.reconcile import reconcile_payments
from ar.cash.webhooks import receive
from ar.cash.wishes import OnAccount
from ar.core.jobs import Job, JobState, run_due
from ar.core.kernel import Kernel
from ar.ledger.models import OpenItem
from ar.rota import ROTA
from tests.cash.gatewaykit import Gateway, running
from tests.cash.paying import signed
from tests.cash.serving import Wire
from tests.ledger.make import customer, invoice, seller


@dataclass
class Shop:
    """One customer, its open items, an installation connected to a test gateway, and the wire between them."""

    kernel: Kernel
    gateway: Gateway
    wire: Wire
    account: int
    items: list[int]

    def pay(self, *targets: tuple[int, int], method: Method = Method.ONLINE, save: bool = False) -> str:
        return start(
            self.kernel,
            account_id=self.account,
            targets=[Target(*target) for target in targets],
            method=method,
            language="en",
            success_url="http://shop.example/done?session={CHECKOUT_SESSION_ID}",
            cancel_url="http://shop.example/back",
            now=self.gateway.clock(),
            save=save,
        )

    def pay_more(self, amount: int = 900) -> str:
        """The page of a payment on account."""
        return start(
            self.kernel,
            account_id=self.account,
            targets=[],
            on_account=OnAccount(self.entity(), "EUR", amount),
            method=Method.ONLINE,
            language="fr",
            success_url="http://shop.example/done",
            cancel_url="http://shop.example/back",
            now=self.gateway.clock(),
        )

    def entity(self) -> int:
        """The seller."""
        with self.kernel.database.reading() as session:
            return session.exec(select(OpenItem.entity_id).where(OpenItem.entry_id == self.items[0])).one()

    def credit(self) -> int:
        """What the customer has in credit, in minor units."""
        with self.kernel.database.reading() as session:
            query = select(OpenItem.open_minor).where(OpenItem.account_id == self.account, OpenItem.side == -1)
            return sum(session.exec(query).all())

    def press(self, url: str, act: str) -> None:
        assert self.gateway.act(url.rsplit("/", 1)[1], act).status_code == 303

    def hear(self) -> None:
        """Take in all the gateway's events so far, as its webhooks would bring them."""
        for told in self.gateway.told():
            payload, signature = signed(told, self.kernel.settings.webhook_secret, at=self.gateway.clock())
            with self.kernel.database.transaction() as session:
                receive(session, self.kernel.settings, payload, signature, now=self.gateway.clock())

    def reconcile(self, **later: float) -> str:
        return reconcile_payments(self.kernel, {}, self.gateway.clock.move(**later))

    def payments(self) -> list[Payment]:
        with self.kernel.database.reading() as session:
            found = session.exec(select(Payment).order_by(col(Payment.id))).all()
            session.expunge_all()
            return list(found)

    def states(self) -> list[PaymentState]:
        return [payment.state for payment in self.payments()]

    def open(self) -> list[int]:
        with self.kernel.database.reading() as session:
            query = select(OpenItem.open_minor).where(col(OpenItem.entry_id).in_(self.items))
            return list(session.exec(query.order_by(col(OpenItem.entry_id))).all())

    def charges(self) -> int:
        """How often the gateway took money."""
        told = [
            event["type"] for event in self.gateway.told() if event["data"]["object"].get("payment_status") == "paid"
        ]
        return len(told)

    def leave(self, what: str) -> SavedMethod:
        """Have the customer leave a card or a bank account on the gateway's page."""
        url = start_setup(
            self.kernel,
            account_id=self.account,
            language="en",
            success_url="http://shop.example/kept?session={CHECKOUT_SESSION_ID}",
            cancel_url="http://shop.example/back",
            by=f"customer:{self.account}",
            now=self.gateway.clock(),
        )
        self.press(url, what)
        number = url.rsplit("/", 1)[1]
        kept = returned_setup(self.kernel, account_id=self.account, session_number=number, now=self.gateway.clock())
        assert kept is not None
        return kept

    def intent_act(self, act: str, n: int = -1) -> httpx.Response:
        """Press a button of the page of a payment's intent."""
        intent = self.payments()[n].gateway_intent
        return httpx.post(f"{self.gateway.url}/intents/{intent}", data={"act": act})

    def run_jobs(self) -> None:
        """Run what is due; a job that fails is a failure of the test."""
        run_due(self.kernel, ROTA.handlers, now=self.gateway.clock(), limit=100)
        with self.kernel.database.reading() as session:
            states = (JobState.QUEUED, JobState.DONE)
            assert session.exec(select(Job).where(col(Job.state).not_in(states))).all() == []

    def taken(self) -> int:
        """How much money the gateway took in all, in minor units."""
        with self.gateway.app.store.open() as kept:
            rows = kept.connection.execute("SELECT body FROM object WHERE kind = 'charge'").fetchall()
        return sum(charge["amount_captured"] for charge in map(json.loads, [row[0] for row in rows]))

    def ask(self, path: str, **sent: str) -> Mapping[str, Any]:
        """Ask the gateway's API for something that no call of the product does."""
        headers = {"Authorization": f"Bearer {stand_in_key(self.kernel.settings)}"}
        answer = httpx.post(f"{self.gateway.url}/v1/{path}", data=sent, headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@contextmanager
def opened_shop(kernel: Kernel, folder: Path) -> Iterator[Shop]:
    """A shop whose customer owes two invoices, of 1000 and of 2000."""
    settings = kernel.settings
    with running(folder, key=stand_in_key(settings), secret=settings.webhook_secret) as gateway:
        wire = Wire(int(gateway.url.rsplit(":", 1)[1]))
        connected = Kernel(settings.model_copy(update={"stripe_api_base": wire.url}), kernel.database, kernel.renderer)
        with kernel.database.transaction() as session:
            entity, account = seller(session), customer(session)
            items = [
                invoice(session, entity, account, amount, on=date(2026, 1, 1), reference=f"INV-{amount}")
                for amount in (1000, 2000)
            ]
        yield Shop(connected, gateway, wire, account, items)
        wire.close()
