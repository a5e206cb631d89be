"""Documents by letter, by the customer's purchasing portal and by an approved platform, each with its proof."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from pypdf import PdfReader
from sqlmodel import select

from ar.core.access.models import Role
from ar.core.jobs import Job
from ar.core.kernel import Kernel
from ar.disputes.models import Dispute, Reason
from invoicing.delivery.deposit import deposit_delivery, read_platform, report_cashed
from invoicing.delivery.models import DeliveryState, PlatformFile, Route
from tests.invoicing.delivery.make import ZOE, attempt_of, attempts, billed, codes, company, wants, worked
from tests.invoicing.make import NOW
from tests.web import client

LATER = NOW + timedelta(hours=1)


# -- letters ---------------------------------------------------------------------------------------------------------


def test_letters_are_merged_once_listed_and_handed_over(kernel: Kernel) -> None:
    entity_id, account_id = company(kernel)
    wants(kernel, account_id, Route.PAPER)
    invoices = billed(kernel, entity_id, account_id, count=2)
    with client(kernel, Role.CREDIT_MANAGER) as web:
        made = web.post("/api/v1/print-batches", json={"entity_id": entity_id, "day": "2026-03-16"})
        assert made.status_code == 201, made.text
        batch = made.json()
        path = f"/api/v1/print-batches/{batch['id']}"
        assert web.post("/api/v1/print-batches", json={"entity_id": entity_id}).json()["code"] == "nothing-to-print"
        assert web.post("/api/v1/print-batches", json={"entity_id": 999}).status_code == 404
        content = web.get(f"{path}/pdf").content
        assert web.get(f"{path}/pdf").content == content
        rows = list(csv.DictReader(StringIO(web.get(f"{path}/manifest").text)))
        assert attempt_of(kernel).state is DeliveryState.PLANNED
        assert web.post(f"{path}/handed-over").json()["handed_by"].startswith("user:")
        handed = web.get(path).json()
        assert web.post(f"{path}/handed-over").json() == handed
        assert [one["state"] for one in handed["content"]] == ["sent", "sent"]
        first = attempts(kernel)[0]
        returned = web.post(f"/api/v1/deliveries/{first.id}/came-back", json={"reason": "moved away"}).json()
        assert (returned["state"], returned["events"][-1]["code"]) == ("refused", "returned")
        assert returned["batch_id"] == batch["id"]
    assert codes(kernel, first.id) == ["planned", "handed-over", "returned"]
    pdf = PdfReader(BytesIO(content))
    assert len(pdf.pages) == handed["pages"] == sum(int(row["pages"]) for row in rows)
    for row, invoice, letter in zip(rows, invoices, attempts(kernel), strict=True):
        assert (row["number"], row["recipient"], row["line_1"], row["line_2"]) == (
            invoice.number,
            "Customer C1",
            "12 rue des Lilas",
            "69003 Lyon",
        )
        assert row["sha256"] == letter.files[0]["sha256"]
        page = pdf.pages[int(row["first_page"]) - 1]
        assert where(page, "12 rue des Lilas") == (108, 57)  # in the window of a DL envelope, on the right
        assert str(invoice.number) in pdf.pages[int(row["first_page"])].extract_text()


def where(page: Any, words: str) -> tuple[int, int]:
    """Where `words` begin on a page, in whole millimetres from its left and upper edges."""
    found: list[tuple[int, int]] = []

    def visit(text: str, at: Any, inner: Any, _font: Any, _size: Any) -> None:
        if words in text:
            x, y = at[4] + at[0] * inner[4], at[5] + at[3] * inner[5]
            found.append((round(x * 25.4 / 72), round((float(page.mediabox.height) - y) * 25.4 / 72)))

    page.extract_text(visitor_text=visit)
    return found[0]


def test_a_letter_needs_an_address(kernel: Kernel) -> None:
    entity_id, account_id = company(kernel, ZOE)
    wants(kernel, account_id, Route.PAPER)
    with client(kernel, Role.ADMIN) as web:
        head = {"If-Match": "*"}
        assert web.patch(f"/api/v1/accounts/{account_id}", json={"city": None}, headers=head).status_code == 200
    billed(kernel, entity_id, account_id)
    assert codes(kernel, attempt_of(kernel).id) == ["no-address"]


# -- the customer's purchasing portal --------------------------------------------------------------------------------


def test_an_upload_is_a_task_with_what_to_type(kernel: Kernel) -> None:
    entity_id, account_id = company(kernel)
    wants(
        kernel,
        account_id,
        Route.UPLOAD,
        formats=["pdf", "ubl"],
        site_name="Achats Nord",
        site_url="https://achats.example",
        site_fields=[
            {"label": "Order", "source": "order"},
            {"label": "Total", "source": "total"},
            {"label": "Kind", "source": "text", "text": "services"},
        ],
    )
    [invoice, _second] = billed(kernel, entity_id, account_id, count=2, purchase_order="PO-7")
    with client(kernel, Role.COLLECTOR) as web:
        second, first = web.get("/api/v1/upload-tasks", params={"state": "open"}).json()["items"]
        assert first["fields"] == [
            {"label": "Order", "value": "PO-7"},
            {"label": "Total", "value": "120.00"},
            {"label": "Kind", "value": "services"},
        ]
        path = f"/api/v1/upload-tasks/{first['id']}"
        assert web.post(f"{path}/take").json()["state"] == "taken"
        with client(kernel, Role.ADMIN) as other:
            assert other.post(f"{path}/take").json()["code"] == "upload-task-state"
        assert web.post(f"{path}/complete", json={"reference": " "}).status_code == 422
        assert web.post(f"{path}/complete", json={"reference": "AN-42"}).json()["state"] == "done"
        assert web.post(f"{path}/refuse", json={"reason": "x"}).status_code == 409
        proof = web.get(f"/api/v1/deliveries/{first['delivery_id']}").json()
        assert (proof["state"], proof["reason"], proof["number"]) == ("delivered", "Achats Nord: AN-42", invoice.number)
        refused = web.post(f"/api/v1/upload-tasks/{second['id']}/refuse", json={"reason": "order closed"}).json()
        assert (refused["state"], attempts(kernel)[1].state) == ("refused", DeliveryState.REFUSED)
        assert web.get("/api/v1/upload-tasks/999").status_code == 404


# -- approved platform -----------------------------------------------------------------------------------------------


def told(delivery_id: int | None, code: str, hour: int, **more: str) -> dict[str, Any]:
    at = datetime(2026, 3, 17, hour, tzinfo=UTC).isoformat()
    return {"id": f"PA-{code}-{hour}", "delivery": delivery_id, "code": code, "at": at, **more}


def left(folder: Path, name: str, content: dict[str, Any] | bytes) -> None:
    """What the platform's agent puts into the folder."""
    (folder / "in").mkdir(parents=True, exist_ok=True)
    written = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / "in" / name).write_bytes(written)


def test_a_platform_takes_the_document_and_its_statuses_are_heard_once_in_any_order(kernel: Kernel) -> None:
    entity_id, account_id = company(kernel)
    wants(kernel, account_id, Route.PLATFORM)
    [invoice] = billed(kernel, entity_id, account_id)
    made = attempt_of(kernel)
    folder = kernel.settings.var_dir / "platform"
    envelope = json.loads((folder / "out" / f"{made.id}.json").read_text())
    content = (folder / "out" / envelope["file"]).read_bytes()
    assert (envelope["document"], envelope["total"]) == (invoice.number, "120.00")
    assert sha256(content).hexdigest() == envelope["sha256"] == made.files[0]["sha256"]
    assert made.state is DeliveryState.SENT
    for one in (folder / "out").iterdir():
        one.unlink()
    assert "already" in deposit_delivery(kernel, {"delivery_id": made.id}, LATER)
    assert list((folder / "out").iterdir()) == []

    left(folder, "c.json", told(made.id, "207", 11, reason_code="QTE_ERR", reason="8, not 10"))
    left(folder, "d.json", told(made.id, "203", 9))
    left(folder, "e.json", told(made.id, "207", 11, reason_code="QTE_ERR", reason="8, not 10") | {"again": "yes"})
    left(folder, "bad.json", b"\xff{")
    left(folder, "no-reason.json", told(made.id, "210", 12))
    left(folder, "whose.json", told(999, "205", 12))
    left(folder, ".half.json", b"{")
    assert read_platform(kernel, {}, LATER) == "3 statuses heard, 3 files put aside"
    assert read_platform(kernel, {}, LATER) == "0 statuses heard, 0 files put aside"
    assert [one.name for one in (folder / "in").iterdir()] == [".half.json"]
    assert len(list((folder / "read").iterdir())) == 3
    stands = attempt_of(kernel)
    assert (stands.state, stands.status_code) == (DeliveryState.DELIVERED, "207")
    assert codes(kernel, made.id)[:2] == ["planned", "deposited"]
    assert sorted(codes(kernel, made.id)[2:]) == ["203", "207"]
    with kernel.database.reading() as session:
        [dispute] = session.exec(select(Dispute)).all()
        assert (dispute.reason, dispute.amount_minor, dispute.text) == (
            Reason.QUANTITY,
            12_000,
            "207: QTE_ERR: 8, not 10",
        )
        wrong = {one.name: one.wrong for one in session.exec(select(PlatformFile)).all() if one.wrong}
    assert set(wrong) == {"bad.json", "no-reason.json", "whose.json"}
    assert "reason code" in wrong["no-reason.json"]

    with client(kernel, Role.ADMIN) as web:
        path = f"/api/v1/deliveries/{made.id}/statuses"
        body = {"id": "x", "code": "213", "at": "2026-03-18T08:00:00Z"}
        assert web.post(path, json=body).json()["faults"][0]["pointer"] == "/reason_code"
        assert web.post(path, json=body | {"at": "2026-03-18T08:00:00"}).status_code == 422
        for _ in range(2):
            refused = web.post(path, json=body | {"reason_code": "DEST_ERR"}).json()
        assert (refused["state"], refused["status_code"]) == ("refused", "213")
        late = web.post(path, json={"id": "y", "code": "205", "at": "2026-03-19T08:00:00Z"}).json()
        assert (late["state"], late["status_code"]) == ("refused", "213")
        assert [one["code"] for one in late["events"]].count("213") == 1
        page = web.get("/deliveries", headers={"accept": "text/html"}).text
        assert "no-reason.json" in page
        assert str(invoice.number) in page


def test_a_platform_that_cannot_be_reached_is_tried_again(kernel: Kernel) -> None:
    entity_id, account_id = company(kernel)
    wants(kernel, account_id, Route.PLATFORM)
    folder = kernel.settings.var_dir / "platform"
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("not a folder")
    billed(kernel, entity_id, account_id)
    made = attempt_of(kernel)
    assert (made.state, codes(kernel, made.id)) == (DeliveryState.PLANNED, ["planned"])
    folder.unlink()
    worked(kernel, LATER)
    worked(kernel, LATER)
    assert codes(kernel, made.id) == ["planned", "deposited"]
    assert len(list((folder / "out").iterdir())) == 2


def test_cashed_is_told_to_the_platform_once(kernel: Kernel) -> None:
    entity_id, account_id = company(kernel)
    wants(kernel, account_id, Route.PLATFORM, formats=["ubl"])
    [invoice] = billed(kernel, entity_id, account_id)
    assert invoice.id is not None
    amounts = [{"rate": "20", "net": "100.00", "tax": "20.00", "currency": "EUR"}]
    with kernel.database.transaction() as session:
        day = date(2026, 4, 2)
        assert report_cashed(session, invoice.id, amounts, cashed_on=day, by="user:1", now=NOW)
        assert not report_cashed(session, invoice.id, amounts, cashed_on=day, by="user:1", now=NOW)
    worked(kernel)
    made = attempt_of(kernel)
    [path] = (kernel.settings.var_dir / "platform" / "out").glob("status-*.json")
    status = json.loads(path.read_text())
    assert (status["code"], status["amounts"], status["cashed_on"]) == ("212", amounts, "2026-04-02")
    assert codes(kernel, made.id) == ["planned", "deposited", "told-212"]
    assert (made.state, made.files[0]["format"]) == (DeliveryState.SENT, "ubl")
    with kernel.database.reading() as session:
        assert {job.state for job in session.exec(select(Job)).all()} == {"done"}
