"""The portal link in the hands of staff: it opens, it is on the audit trail, and all of them are revoked at once."""

from __future__ import annotations

import re

from sqlmodel import col, select

from ar.core.access.models import Role
from ar.core.audit import AuditEntry
from ar.core.kernel import Kernel
from tests.ledger.make import customer, seller
from tests.web import client


def test_made_opened_and_revoked(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        seller(session)
        account, other = customer(session), customer(session, "C2")
    with client(kernel, Role.COLLECTOR, html=True) as browser:
        assert f"/customers/{account}/portal-link" in browser.get(f"/customers/{account}").text

        def made(account_id: int) -> str:
            shown = browser.post(f"/customers/{account_id}/portal-link")
            assert shown.status_code == 200
            assert shown.headers["cache-control"] == "no-store"
            found = re.search(r'value="([^"]+/pay/[^"]+)"', shown.text)
            assert found is not None
            return found[1].removeprefix(kernel.settings.base_url)

        mine, theirs = made(account), made(other)
        with client(kernel) as visitor:
            assert visitor.get(mine).headers["location"] == "/portal"
            assert visitor.get("/portal").status_code == 200
            revoked = browser.post(f"/customers/{account}/portal-link/revoke")
            assert revoked.headers["location"] == f"/customers/{account}"
            assert visitor.get(mine).status_code == 404
            assert visitor.get("/portal").status_code == 401, "the visit has ended too"
            assert visitor.get(theirs).headers["location"] == "/portal", "another customer's link is untouched"
            assert visitor.get(made(account)).headers["location"] == "/portal"
        assert browser.post("/customers/999/portal-link").status_code == 404
        assert browser.post("/customers/999/portal-link/revoke").status_code == 404
    with client(kernel, Role.SALES, html=True) as reader:
        assert "portal-link" not in reader.get(f"/customers/{account}").text
    with kernel.database.reading() as session:
        query = select(AuditEntry.action).where(col(AuditEntry.subject) == f"account:{account}")
        actions = session.exec(query.order_by(col(AuditEntry.id))).all()
        assert actions == ["account.link_made", "account.links_revoked", "account.link_made"]
