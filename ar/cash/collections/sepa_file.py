"""The way of collecting that is a file: pain.008, checked against its schema and its sums before it is given out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import cast

from lxml import etree
from sepaxml import SepaDD

from ar.cash.collections.models import Sequence as SequenceType
from ar.cash.gateway import GatewayRefusedError, Writing
from ar.cash.mandates.charset import sepa_text
from ar.cash.mandates.models import FileSchema, Scheme
from ar.core.money import parse_minor

GATEWAY = "sepa_file"
MAX_CENTS = 99_999_999_999
"""What the scheme lets one debit take at most, in euro cents."""

_XML = etree.XMLParser(resolve_entities=False, no_network=True)


@dataclass(frozen=True)
class Debit:
    """One debit of the file. `amended`: the debtor's account changed since the bank last heard of the mandate."""

    end_to_end_id: str
    amount_minor: int
    sequence: SequenceType
    mandate_reference: str
    signed_on: date
    debtor_name: str
    iban: str
    bic: str | None
    text: str
    amended: bool = False


@dataclass(frozen=True)
class DebitOrder:
    """All that a file is made from. Amounts in euro cents; `created_at` is on the creditor's clock."""

    message_id: str
    created_at: datetime
    creditor_name: str
    creditor_id: str
    iban: str
    bic: str | None
    file_schema: FileSchema
    scheme: Scheme
    collect_on: date
    debits: Sequence[Debit]


class SepaFiles:
    """Collects by files that a person, or the bank's program, takes to the bank."""

    name = GATEWAY

    def write(self, order: DebitOrder) -> bytes:
        """The pain.008 of `order`. Raises GatewayRefusedError, in the schema's own words, for one that is not valid."""
        document = etree.fromstring(_raw(order), _XML)
        spaces = {"p": f"urn:iso:std:iso:20022:tech:xsd:{order.file_schema.value}"}
        _name(document, order, spaces)
        _amend(document, order, spaces)
        content = etree.tostring(document, xml_declaration=True, encoding="UTF-8")
        _check(etree.fromstring(content, _XML), order, spaces)
        return content


def open_sepa_files() -> Writing[DebitOrder]:
    """The gateway `sepa_file`."""
    return SepaFiles()


def payment_information_id(message_id: str, sequence: SequenceType) -> str:
    """What the debits of one sequence type of a file are known by at the bank, which credits them as one sum."""
    return f"{message_id}-{sequence.value}"


def _raw(order: DebitOrder) -> bytes:
    """What sepaxml makes of it: right but for the names and instants, which it makes up."""
    config = {
        "name": sepa_text(order.creditor_name, 70),
        "IBAN": order.iban,
        "batch": True,
        "creditor_id": order.creditor_id,
        "currency": "EUR",
        "instrument": {Scheme.CORE: "CORE", Scheme.B2B: "B2B"}[order.scheme],
    }
    if order.bic:
        config["BIC"] = order.bic
    elif order.file_schema is FileSchema.PAIN_008_02:
        raise GatewayRefusedError("pain.008.001.02 names our bank's BIC, which is not known: choose pain.008.001.08")
    made = SepaDD(config, schema=order.file_schema.value, clean=False)
    for debit in order.debits:
        payment = {
            "name": sepa_text(debit.debtor_name, 70),
            "IBAN": debit.iban,
            "amount": debit.amount_minor,
            "type": debit.sequence.value,
            "collection_date": order.collect_on,
            "mandate_id": debit.mandate_reference,
            "mandate_date": debit.signed_on,
            "description": sepa_text(debit.text, 140) or "-",
            "endtoend_id": debit.end_to_end_id,
        }
        if debit.bic:
            payment["BIC"] = debit.bic
        made.add_payment(payment)
    return bytes(made.export(validate=False))


def _name(document: etree._Element, order: DebitOrder, spaces: dict[str, str]) -> None:
    """Our own names in place of made-up ones, so that the bank's statement leads back here."""
    _set(document, "//p:GrpHdr/p:MsgId", order.message_id, spaces)
    _set(document, "//p:GrpHdr/p:CreDtTm", order.created_at.strftime("%Y-%m-%dT%H:%M:%S"), spaces)
    for part in _all(document, "//p:PmtInf", spaces):
        [sequence] = _all(part, "p:PmtTpInf/p:SeqTp", spaces)
        name = payment_information_id(order.message_id, SequenceType(sequence.text or ""))
        _set(part, "p:PmtInfId", name, spaces)


def _amend(document: etree._Element, order: DebitOrder, spaces: dict[str, str]) -> None:
    """Tells the debtor's bank of a changed account: same mandate, new debtor account."""
    amended = {debit.end_to_end_id for debit in order.debits if debit.amended}
    uri = spaces["p"]
    for debit in _all(document, "//p:DrctDbtTxInf", spaces):
        [name] = _all(debit, "p:PmtId/p:EndToEndId", spaces)
        if name.text not in amended:
            continue
        [related] = _all(debit, "p:DrctDbtTx/p:MndtRltdInf", spaces)
        etree.SubElement(related, f"{{{uri}}}AmdmntInd").text = "true"
        place = etree.SubElement(related, f"{{{uri}}}AmdmntInfDtls")
        for tag in ("OrgnlDbtrAcct", "Id", "Othr", "Id"):
            place = etree.SubElement(place, f"{{{uri}}}{tag}")
        place.text = "SMNDA"


def _check(document: etree._Element, order: DebitOrder, spaces: dict[str, str]) -> None:
    """Raises GatewayRefusedError unless the schema takes the document and its sums are the order's, to the cent."""
    schema = _schema(order.file_schema)
    if not schema.validate(document):
        raise GatewayRefusedError(f"The file does not meet {order.file_schema.value}: {schema.error_log}"[:1500])
    if any(debit.amount_minor > MAX_CENTS for debit in order.debits):
        raise GatewayRefusedError("SEPA takes 999,999,999.99 euros at most in one debit: collect less of that customer")
    total = sum(debit.amount_minor for debit in order.debits)
    told = [
        parse_minor(found.text or "", "EUR")
        for path in ("//p:GrpHdr/p:CtrlSum", "//p:PmtInf/p:CtrlSum", "//p:InstdAmt")
        for found in _all(document, path, spaces)
    ]
    parts = len(_all(document, "//p:PmtInf", spaces))
    sums = (told[0], sum(told[1 : 1 + parts]), sum(told[1 + parts :]))
    [count] = _all(document, "//p:GrpHdr/p:NbOfTxs", spaces)
    if sums != (total, total, total) or count.text != str(len(order.debits)):
        raise GatewayRefusedError(f"The sums of the file ({sums}, {count.text} debits) are not the order's ({total})")


@cache
def _schema(file_schema: FileSchema) -> etree.XMLSchema:
    text = (resources.files("sepaxml") / "schemas" / f"{file_schema.value}.xsd").read_bytes()
    return etree.XMLSchema(etree.fromstring(text, _XML))


def _set(node: etree._Element, path: str, text: str, spaces: dict[str, str]) -> None:
    [found] = _all(node, path, spaces)
    found.text = text


def _all(node: etree._Element, path: str, spaces: dict[str, str]) -> list[etree._Element]:
    return cast(list[etree._Element], node.xpath(path, namespaces=spaces))
