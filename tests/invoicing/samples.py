"""What the invoicing pages are given, for the house's tests of templates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from ar.core.files import StoredFile
from ar.core.money import Money
from ar.core.tabular import FileError
from ar.core.web import Page
from ar.customers.models import Account, AccountKind, LegalEntity
from ar.ledger.models import EntryKind, OpenItem
from invoicing.documents import Corrected, Detail, Standing
from invoicing.einvoice.find import DocumentFile
from invoicing.einvoice.read.told import refused
from invoicing.imports.profiles import FIELDS
from invoicing.law.caps import LawWarning
from invoicing.law.contract import Agreed, FloorWarning
from invoicing.law.interest import Segment
from invoicing.law.late import LateInterest, LatePart
from invoicing.law.models import ContractRate
from invoicing.law.rules import LawMissingError
from invoicing.law.table import value_text
from invoicing.models import (
    DocumentKind,
    FileFormat,
    ImportBatch,
    ImportRefusal,
    Invoice,
    InvoiceAdjustment,
    InvoiceFile,
    InvoiceLine,
    InvoiceState,
    InvoiceTax,
    LateLaw,
    LawKind,
    TaxCategory,
)
from invoicing.terms import DiscountWindow
from invoicing.totals import decimal_text
from tests.invoicing.delivery import samples as delivery_samples

NOW = datetime(2026, 5, 12, 9, 0, tzinfo=UTC)
DAY = NOW.date()
SELLER = LegalEntity(
    id=1, code="FR1", name="Atelier & Fils", country="FR", currency="EUR", language="fr", time_zone="Europe/Paris"
)


def make_item(number: int, **changes: Any) -> OpenItem:
    given = {
        "entry_id": number,
        "entity_id": 1,
        "account_id": 7,
        "kind": EntryKind.INVOICE,
        "side": 1,
        "currency": "EUR",
        "amount_minor": 120_00,
        "open_minor": 120_00,
        "disputed_minor": 0,
        "effective_on": date(2026, 4, 1),
        "due_on": date(2026, 5, 1),
        "reference": f"FR1-2026-{number:06d}",
    }
    return OpenItem(**{**given, **changes})


def make_document(kind: DocumentKind, number: str, **changes: Any) -> Invoice:
    given = {
        "id": 9,
        "entity_id": 1,
        "account_id": 7,
        "kind": kind,
        "state": InvoiceState.ISSUED,
        "series": "",
        "number": number,
        "issue_on": date(2026, 4, 1),
        "due_on": date(2026, 5, 1),
        "currency": "EUR",
        "net_minor": 100_00,
        "tax_minor": 20_00,
        "total_minor": 120_00,
        "terms": "net 30",
        "note": "Thank you & see you",
        "entry_id": 41,
        "created_at": NOW,
    }
    return Invoice(**{**given, **changes})


LINE = InvoiceLine(
    invoice_id=9,
    position=1,
    description="Table <oak>",
    quantity_millionths=2_500_000,
    unit_price_millionths=40_000_000,
    tax_category=TaxCategory.STANDARD,
    tax_rate_bp=2000,
    net_minor=100_00,
    item_code="T-<1>",
    period_from=date(2026, 5, 1),
    period_to=date(2026, 5, 31),
)
TAX = InvoiceTax(invoice_id=9, category=TaxCategory.STANDARD, rate_bp=2000, net_minor=100_00, tax_minor=20_00)
ITEM = make_item(41)
ADJUSTMENTS = [
    InvoiceAdjustment(
        invoice_id=9,
        position=position,
        line_position=line,
        charge=charge,
        reason="Trade <discount> & packing",
        percent_bp=percent_bp,
        base_minor=100_00,
        amount_minor=5_00,
        tax_category=TaxCategory.STANDARD,
        tax_rate_bp=2000,
    )
    for position, line, charge, percent_bp in ((1, 1, False, 500), (2, None, False, 500), (3, None, True, None))
]
ISSUED = Detail(
    [ITEM],
    "invoice:9",
    make_document(
        DocumentKind.INVOICE,
        "FR1-2026-000041",
        tax_currency="USD",
        tax_accounting_minor=22_00,
    ),
    [LINE],
    [TAX],
    [],
    ADJUSTMENTS,
    None,
    [make_document(DocumentKind.INVOICE, "FR1-2026-000040")],
    [make_document(DocumentKind.INVOICE, "FR1-2026-000043")],
)
CREDITED = Detail(
    [make_item(42, kind=EntryKind.CREDIT_NOTE, side=-1)],
    "invoice:10",
    make_document(DocumentKind.CREDIT_NOTE, "FR1-CN-2026-000001", corrects_entry_id=41),
    [LINE],
    [TAX],
    [make_document(DocumentKind.CREDIT_NOTE, "FR1-CN-2026-000001")],
    corrects=Corrected(41, "FR1-2026-000041", DAY),
)
IMPORTED = Detail([make_item(43, open_minor=0)], "import:3", None, (), (), ())
SPLIT = Detail(
    [
        make_item(51, reference="FR1-2026-000051/1", amount_minor=40_00, open_minor=0),
        make_item(52, reference="FR1-2026-000051/2", amount_minor=40_00, open_minor=30_00),
        make_item(53, reference="FR1-2026-000051/3", amount_minor=40_00, open_minor=40_00, due_on=date(2026, 8, 1)),
    ],
    "invoice:11",
    make_document(DocumentKind.INVOICE, "FR1-2026-000051"),
    [LINE],
    [TAX],
    [],
)
PERIOD = (date(2026, 5, 2), DAY, 11)
LATE = LateInterest(
    DAY,
    "EUR",
    [LatePart(41, "FR1-2026-000041", date(2026, 5, 1), Segment(*PERIOD, 120_00, Decimal("12.15"), "Statute <12>", 44))],
    44,
    Money(40_00, "EUR"),
    "Statute 13",
)
WARNING = LawWarning(
    "Statute <12>",
    date(2026, 8, 1),
    date(2026, 5, 31),
    "%(rule)s: at most %(days)s days from the invoice date, or %(month_days)s days end of month",
    {"rule": "Statute <12>", "days": 60, "month_days": 45},
)
FIGURES = [
    LateLaw(
        id=number,
        jurisdiction="FR",
        kind=kind,
        value=Decimal(value),
        currency="EUR" if kind is LawKind.FIXED_COMPENSATION else None,
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 6, 30) if kind in (LawKind.INTEREST, LawKind.LEGAL_RATE) else None,
        source="Statute <12>",
        entered_at=NOW,
        entered_by="user:1",
    )
    for number, (kind, value) in enumerate(
        zip(LawKind, ("12.15", "60", "45", "40", "30", "45", "2.62", "3"), strict=True), start=1
    )
]


def buyer_of(kind: AccountKind) -> Account:
    return Account(
        id=17,
        code="NORD",
        legal_name="Nordlicht & Co",
        country="DE",
        language="de",
        currency="EUR",
        time_zone="Europe/Berlin",
        kind=kind,
        created_at=NOW,
    )


def make_rate(number: int, percent: str | None) -> ContractRate:
    return ContractRate(
        id=number,
        account_id=17,
        percent=None if percent is None else Decimal(percent),
        valid_from=date(2026, 1, 1),
        source="Contract <7>",
        entered_by="user:1",
        entered_at=NOW,
    )


RATES: dict[str, Any] = {
    "account": buyer_of(AccountKind.COMPANY),
    "rows": [make_rate(2, "5"), make_rate(1, None)],
    "agreed": Agreed(2, Decimal(5), date(2026, 1, 1), "Contract <7>"),
    "warnings": [
        FloorWarning(
            "FR",
            Decimal("7.86"),
            "%(rule)s: a contract agrees on at least %(floor)s %% a year; %(percent)s %% is agreed",
            {"rule": "Statute <12>", "floor": "7.86", "percent": "5"},
        )
    ],
    "people": {"user:1": "Manager <One>"},
    "value_text": value_text,
    "given": {"percent": "5x", "valid_from": "2026-05-01", "source": "<b>"},
    "may_write": True,
}
ITEMS = [
    ITEM,
    make_item(44, open_minor=0),
    make_item(45, disputed_minor=20_00),
    make_item(46, due_on=date(2026, 6, 1)),
    make_item(47, side=-1),
]
BATCH = ImportBatch(
    id=3,
    entity_id=1,
    file_name="may <1>.csv",
    sha256="0" * 64,
    profile="neutral",
    headings=list(FIELDS),
    accepted=1200,
    refused=2,
    unchanged=3,
    imported_at=NOW,
    imported_by="user:3",
)
REFUSAL = ImportRefusal(
    batch_id=3, row_number=17, column_name="due_date", value="<31/02>", reason="is not a date", cells=["a"]
)


FAILURES = [{"rule": "BR-S-02", "message": "An <Invoice>"}]
FILES = [
    DocumentFile(
        InvoiceFile(id=1, invoice_id=9, format=FileFormat.PDF, file_id=1, made_at=NOW),
        StoredFile(
            id=1,
            sha256="0" * 64,
            size=52_763,
            name="FR1-2026-000041.pdf",
            media_type="application/pdf",
            subject_ref="invoice:9",
            stored_by="system",
            stored_at=NOW,
        ),
    ),
    *(
        DocumentFile(InvoiceFile(id=2, invoice_id=9, format=syntax, failures=FAILURES, made_at=NOW), None)
        for syntax in (FileFormat.CII, FileFormat.UBL)
    ),
]


def shown(found: Detail, standing: Standing, may_credit: bool, **more: Any) -> dict[str, Any]:
    given = {
        "files": (),
        "may_make": True,
        "found": found,
        "item": found.item,
        "standing": standing,
        "today": DAY,
        "buyer": "Nordlicht & Co",
        "seller": SELLER,
        "decimal": decimal_text,
        "may_credit": may_credit,
        "more": [("Period", "1 <March>")] if found.document else [],
        "adjustments": [one for one in found.adjustments if one.line_position is None],
        "creditable_minor": found.creditable_minor,
        "standings": [Standing.OVERDUE for _ in found.items],
        "terms_words": "30 days net",
        "discounts": (),
        "warning": None,
        "late": None,
        "unknown": None,
        "day_count": "ACT/365",
    }
    return given | more


BANK = SimpleNamespace(iban="FR1420041010050500013M02606", bic=None, holder="A", currency="EUR")

SAMPLES: dict[str, dict[str, Any]] = {
    "console/invoicing/sellers.html": {
        "sellers": [SELLER],
        "banks": {
            SELLER.id: [SimpleNamespace(iban="FR1420041010050500013M02606", bic=None, holder="A", currency="EUR")]
        },
        "logos": {SELLER.id: SimpleNamespace(width=600, height=200)},
        "may_change": True,
    },
    "console/invoicing/sellers.html#empty": {"sellers": [], "banks": {}, "logos": {}, "may_change": False},
    "console/invoicing/sellers.html#bare": {"sellers": [SELLER], "banks": {}, "logos": {}, "may_change": False},
    "console/invoicing/_statement.html": {"account": SimpleNamespace(id=7), "since": NOW.date(), "until": NOW.date()},
    "console/invoicing/list.html": {
        "found": Page(items=ITEMS, next_cursor="abc"),
        "names": {7: "Nordlicht & Co"},
        "standings": dict(
            zip(
                (item.entry_id for item in ITEMS),
                (Standing.OVERDUE, Standing.PAID, Standing.OVERDUE, Standing.OPEN, Standing.OPEN),
                strict=True,
            )
        ),
        "today": DAY,
        "filters": {"state": "open", "number": '"><b>', "due_from": "", "due_to": "", "account_id": 7},
        "may_import": True,
    },
    "console/invoicing/invoice.html": shown(
        ISSUED,
        Standing.OVERDUE,
        may_credit=True,
        files=FILES,
        discounts=(DiscountWindow(DAY, 250, 3_00),),
        late=LATE,
        warning=WARNING,
    ),
    "console/invoicing/invoice.html#instalments": shown(
        SPLIT, Standing.OVERDUE, may_credit=True, unknown=LawMissingError("The table holds nothing for <FR>.")
    ),
    "console/invoicing/invoice.html#consumer": shown(
        ISSUED, Standing.OVERDUE, may_credit=False, late=LateInterest(DAY, "EUR", [], 0, None, "", applies=False)
    ),
    "console/invoicing/invoice.html#credit-note": shown(CREDITED, Standing.OPEN, may_credit=False),
    "console/invoicing/invoice.html#imported": shown(IMPORTED, Standing.PAID, may_credit=False),
    "console/invoicing/law.html": {
        "found": Page(items=FIGURES, next_cursor="abc"),
        "kinds": [kind.value for kind in LawKind],
        "value_text": value_text,
        "given": {
            "jurisdiction": "FR",
            "kind": "interest",
            "value": '"><b>',
            "currency": "",
            "valid_from": "2026-07-01",
            "valid_to": "",
            "source": "",
        },
        "may_add": True,
    },
    "console/invoicing/_rates.html": RATES,
    "console/invoicing/_rates.html#consumer": RATES
    | {"account": buyer_of(AccountKind.CONSUMER), "rows": [], "agreed": None, "may_write": False},
    "console/invoicing/rates.html": RATES | {"agreed": None, "given": RATES["given"] | {"source": ""}},
    "console/invoicing/imports.html": {
        "found": Page(items=[BATCH], next_cursor="abc"),
        "sellers": [SELLER],
        "profiles": ["hr", "ibm", "neutral"],
        "columns": FIELDS,
        "error": FileError("The file is empty."),
        "may_import": True,
    },
    "console/invoicing/einvoice_refused.html": {"error": refused("BR-1: an invoice…", "BR-2: an invoice…")},
    "console/invoicing/import.html": {"batch": BATCH, "refusals": [REFUSAL]},
    **delivery_samples.SAMPLES,
}
