"""The EN 16931 Schematron over invoices in CII, in the product's one worker process, against their XSD alone."""

from __future__ import annotations

from bench import Result, median, seconds
from bench.pdf import content
from invoicing.einvoice.check import rule_failures, schema_failures
from invoicing.einvoice.cii import build_cii
from invoicing.models import FileFormat


def run(size: int | None, repeat: int) -> Result:
    """`size` validations, one after the other as a job does them, after the rules were compiled."""
    size = size or 100
    documents = [build_cii(content(n)[0]) for n in range(size)]
    for document in documents[:5]:
        assert rule_failures(document, FileFormat.CII) == schema_failures(document) == []
    rates, ratios = [], []
    for _ in range(max(repeat, 3)):
        rules = seconds(lambda: [rule_failures(document, FileFormat.CII) for document in documents])
        schema = seconds(lambda: [schema_failures(document) for document in documents])
        rates.append(size / rules)
        ratios.append(rules / schema)
    return Result(
        "schematron",
        median(rates),
        "validations/s",
        median(ratios),
        "the time that the XSD alone takes over the same documents",
        {"size": size},
    )
