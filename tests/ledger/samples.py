"""What the ledger's pages are given, for the house's tests of templates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from ar.ledger.ageing import AgeingRow, bucket_names
from ar.ledger.kpis import Aged, Basis, Figures
from ar.ledger.trend import Point, month_ends

DAY = date(2026, 5, 12)


def make_figures(day: date, dso: Decimal | None) -> Figures:
    return Figures(
        dso_simple=dso,
        dso_countback=dso,
        dso_best_possible=dso,
        add=dso,
        cei=dso,
        ar_turnover=dso,
        bad_debt_ratio=dso,
        ageing=Aged("EUR", dict(zip(bucket_names(), (900_00, 50_00, 20_00, 10_00, 5_00), strict=True)), -3_00),
        basis=Basis(day, day, "EUR", {"USD": day}, ("XAF",), 985_00, 12_00, 1_000_00),
    )


POINTS = [
    Point(day, *((None, None) if place == 0 else (Decimal(50 + place), Decimal(30))))
    for place, day in enumerate(month_ends(DAY, 12))
]

SAMPLES: dict[str, dict[str, Any]] = {
    "console/ledger/overview.html": {
        "as_of": DAY,
        "now": make_figures(DAY, Decimal(62)),
        "before": make_figures(DAY, None),
        "points": POINTS,
        "late": [(35_00, AgeingRow(7, 1, "EUR", (100_00, 20_00, 10_00, 0, 5_00), -1_00))],
        "names": {7: "Nordlicht & Co"},
        "entities": [],
        "entity_id": None,
    },
}
