"""The pain.008 is valid in every form that can be asked for, and its sums are exact."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ar.cash.collections.models import Sequence
from ar.cash.collections.sepa_file import MAX_CENTS, Debit, DebitOrder, SepaFiles, _check
from ar.cash.gateway import GatewayRefusedError
from ar.cash.mandates.models import FileSchema, Scheme
from ar.core.money import parse_minor

ORDER = DebitOrder(
    message_id="COL20260320-9C01D4E2A7B3",
    created_at=datetime(2026, 3, 19, 8, tzinfo=UTC),
    creditor_name="Atelier & Fils <SARL> Ünïcode ☃",
    creditor_id="FR72ZZZ123456",
    iban="FR1420041010050500013M02606",
    bic="PSSTFRPPXXX",
    file_schema=FileSchema.PAIN_008_08,
    scheme=Scheme.CORE,
    collect_on=date(2026, 3, 20),
    debits=(),
)
DEBIT = Debit(
    end_to_end_id="SDD" + "0" * 32,
    amount_minor=12_345,
    sequence=Sequence.RECURRENT,
    mandate_reference="M1-17-8F3A09C2",
    signed_on=date(2026, 3, 1),
    debtor_name="Nordlicht",
    iban="DE89370400440532013000",
    bic="COBADEFFXXX",
    text="INV-1",
)
debits = st.builds(
    replace,
    st.just(DEBIT),
    amount_minor=st.integers(min_value=1, max_value=10**10),
    sequence=st.sampled_from(Sequence),
    debtor_name=st.text(max_size=200).map(lambda text: text + "x"),
    text=st.text(max_size=300),
    bic=st.sampled_from([None, "COBADEFFXXX"]),
    amended=st.booleans(),
)


@given(
    st.lists(debits, min_size=1, max_size=20),
    st.sampled_from(FileSchema),
    st.sampled_from(Scheme),
)
def test_every_order_makes_a_valid_file_with_exact_sums(
    chosen: list[Debit], file_schema: FileSchema, scheme: Scheme
) -> None:
    numbered = [replace(debit, end_to_end_id=f"SDD{n:032x}") for n, debit in enumerate(chosen)]
    order = replace(ORDER, file_schema=file_schema, scheme=scheme, debits=tuple(numbered))
    content = SepaFiles().write(order)
    assert content == SepaFiles().write(order), "the same order, the same file"
    document = etree.fromstring(content)
    total = sum(debit.amount_minor for debit in chosen)
    assert parse_minor(document.findtext(".//{*}GrpHdr/{*}CtrlSum") or "", "EUR") == total
    told = {found.text: None for found in document.iterfind(".//{*}EndToEndId")}
    assert set(told) == {debit.end_to_end_id for debit in numbered}
    for part in document.iterfind(".//{*}PmtInf"):
        sequence = part.findtext(".//{*}SeqTp")
        mine = sum(debit.amount_minor for debit in chosen if debit.sequence.value == sequence)
        assert parse_minor(part.findtext("{*}CtrlSum") or "", "EUR") == mine
        assert part.findtext("{*}PmtInfId") == f"{ORDER.message_id}-{sequence}"
        assert part.findtext(".//{*}LclInstrm/{*}Cd") == {"core": "CORE", "b2b": "B2B"}[scheme.value]
    amended = len(list(document.iterfind(".//{*}AmdmntInfDtls")))
    assert amended == sum(debit.amended for debit in chosen)


@pytest.mark.parametrize(
    "wrong",
    [
        {"iban": "nothing"},
        {"mandate_reference": "x" * 36},
        {"end_to_end_id": "x" * 36},
        {"bic": "1"},
        {"amount_minor": 10**18},
    ],
)
@pytest.mark.parametrize("file_schema", FileSchema)
def test_what_the_schema_refuses_is_not_written(file_schema: FileSchema, wrong: dict[str, object]) -> None:
    order = replace(ORDER, file_schema=file_schema, debits=(DEBIT, replace(DEBIT, **wrong)))  # type: ignore[arg-type]
    with pytest.raises(GatewayRefusedError, match="does not meet pain"):
        SepaFiles().write(order)


def test_a_file_whose_sums_are_not_the_orders_is_not_written() -> None:
    document = etree.fromstring(SepaFiles().write(replace(ORDER, debits=(DEBIT, DEBIT))))
    spaces = {"p": f"urn:iso:std:iso:20022:tech:xsd:{ORDER.file_schema.value}"}
    with pytest.raises(GatewayRefusedError, match="sums of the file"):
        _check(document, replace(ORDER, debits=(DEBIT,)), spaces)


def test_more_than_the_scheme_takes_is_not_written() -> None:
    assert SepaFiles().write(replace(ORDER, debits=(replace(DEBIT, amount_minor=MAX_CENTS),)))
    with pytest.raises(GatewayRefusedError, match="at most in one debit"):
        SepaFiles().write(replace(ORDER, debits=(replace(DEBIT, amount_minor=MAX_CENTS + 1),)))


def test_the_older_message_needs_our_banks_bic() -> None:
    order = replace(ORDER, file_schema=FileSchema.PAIN_008_02, bic=None, debits=(DEBIT,))
    with pytest.raises(GatewayRefusedError, match="BIC"):
        SepaFiles().write(order)
    assert SepaFiles().write(replace(order, file_schema=FileSchema.PAIN_008_08))
