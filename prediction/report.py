"""What `amiable train` and `amiable predict` say: the back-test beside the naive methods, in a table or as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ar.core.kernel import Kernel
from prediction import run
from prediction.models import ModelKind, PredictionModel

LINES: Final = (
    ("auc", "own_rate", "AUC, late or not (1 is best, .5 is chance)", ".3f"),
    ("average_precision", "own_rate", "Average precision", ".3f"),
    ("brier", "own_rate", "Brier score (0 is best)", ".3f"),
    ("log_loss", "own_rate", "Log loss (0 is best)", ".3f"),
    ("ece", "own_rate", "Expected calibration error (0 is best)", ".3f"),
    ("mae_days", "own_median", "Mean error of the day of payment, days", ".2f"),
    ("medae_days", "own_median", "Median error of the day of payment, days", ".2f"),
    ("within_3_days", "own_median", "Day of payment within 3 days", ".1%"),
    ("p10_p90_coverage", "", "Paid between P10 and P90 (80 % is right)", ".1%"),
    ("p10_p90_width_days", "", "Width of P10 to P90, days", ".1f"),
    ("pinball", "", "Pinball loss of P10, P50, P90", ".3f"),
)
"""Measure, the naive method that it is set beside, what it is called, and how it is written."""


def train(kernel: Kernel, *, as_of: date, now: datetime, as_json: bool, out: Console) -> None:
    """Train on the history as known on `as_of`, register the model, and print its back-test."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        console=out,
        transient=True,
        disable=as_json or not out.is_terminal,
    ) as progress:
        task = progress.add_task("Back-test, month by month", total=None)
        report = run.train(
            kernel, as_of=as_of, now=now, told=lambda done, of: progress.update(task, completed=done, total=of)
        )
    if as_json:
        out.print_json(json.dumps(model_as_json(report.model) | {"too_little": report.too_little}))
        return
    model = report.model
    if report.too_little:
        out.print(f"[bold yellow]The naive method is served:[/] {report.too_little}.")
    span = f"{model.invoices:,} invoices" + (
        f" from {model.first_issued} to {model.last_issued}" if model.invoices else ""
    )
    out.print(f"Model {model.id} ({model.kind.value}), trained on {span}, {model.outcomes:,} of known outcome.")
    if model.metrics is None or model.naive_metrics is None or model.backtest is None:
        out.print("There is no month yet to test it on.")
        return
    out.print(backtest_table(model))
    gain = model.backtest["auc_gain"]
    if gain["low"] is not None:
        between = f"95 % interval {gain['low']:+.3f} to {gain['high']:+.3f}"
        out.print(f"AUC gained over the naive rate: {gain['gain']:+.3f} ({between}).")


def backtest_table(model: PredictionModel) -> Table:
    """The pooled measures beside the naive method's, then the AUC and the error of days by month."""
    metrics, naive, told = model.metrics or {}, model.naive_metrics or {}, model.backtest or {}
    title = f"Back-test in time order: {metrics['invoices']:,} invoices of {len(told['folds'])} months, scored at issue"
    table = Table("Measure", "Model", "Naive", "Naive method", title=title, title_justify="left")
    for name, method, words, form in LINES:
        beside = naive.get(method, {}).get(name)
        table.add_row(words, _put(metrics[name], form), _put(beside, form), NAIVE_WORDS[method])
    table.add_section()
    for fold in told["folds"]:
        own, other = fold["model"], fold["naive"]
        month = fold["cut_off"][:7]
        table.add_row(f"{month}: AUC", _put(own["auc"], ".3f"), _put(other["own_rate"]["auc"], ".3f"), "")
        median = other["own_median"]["mae_days"]
        table.add_row(f"{month}: mean error, days", _put(own["mae_days"], ".2f"), _put(median, ".2f"), "")
    return table


NAIVE_WORDS: Final[Mapping[str, str]] = {
    "own_rate": "the customer's own late rate",
    "own_median": "the customer's median days late",
    "": "",
}


def _put(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def model_as_json(model: PredictionModel) -> dict[str, Any]:
    """A model of the register, as `--json` tells it."""
    return {
        "model_id": model.id,
        "kind": model.kind.value,
        "as_of": model.as_of.isoformat(),
        "invoices": model.invoices,
        "outcomes": model.outcomes,
        "pooled": model.metrics,
        "naive": model.naive_metrics,
        **(model.backtest or {"folds": []}),
    }


def predict(kernel: Kernel, *, as_of: date, now: datetime, as_json: bool, out: Console) -> None:
    """Score the invoices open on `as_of`, and say how many are expected late."""
    report = run.predict(kernel, as_of=as_of, now=now)
    if as_json:
        told = {
            "model_id": report.model_id,
            "kind": report.kind.value,
            "as_of": report.as_of.isoformat(),
            "scored": report.scored,
            "unchanged": report.unchanged,
            "expected_late": round(report.expected_late, 1),
        }
        out.print_json(json.dumps(told))
        return
    words = "the naive method" if report.kind is ModelKind.NAIVE else "the payment-time model"
    out.print(
        f"{report.scored:,} open invoices scored by {words} (model {report.model_id}) as of {report.as_of}; "
        f"{report.expected_late:,.0f} are expected to be paid late, or are late already."
    )
    if report.unchanged:
        out.print(f"{report.unchanged:,} had been scored on that day already.")
