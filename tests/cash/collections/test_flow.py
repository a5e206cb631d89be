"""A collection from proposal to money, stepped through its days, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from lxml import etree
from sqlmodel import select

from ar.cash.checkout import in_flight
from ar.cash.collections.act import CollectionStateError, SelfApprovalError, approve, cancel_collection, cancel_line
from ar.cash.collections.jobs import NoFileError, file_of
from ar.cash.collections.make import make_file
from ar.cash.collections.models import CollectionState, LineState
from ar.cash.collections.propose import CollectionError, NothingToCollectError
from ar.cash.mandates.creditor import AccountTerms
from ar.cash.mandates.manage import cancel_mandate, living_mandate, set_wishes
from ar.cash.mandates.models import MandateState
from ar.cash.models import Method
from ar.cash.payment_states import PaymentState
from ar.cash.receive import Receipt, record_payment
from ar.core.files import StoredFile, read
from ar.core.kernel import Kernel
from ar.core.outbox import OutboxMessage
from ar.customers.models import Contact
from tests.cash.collections.make import (
    BOSS,
    BY,
    COLLECT_ON,
    NOW,
    Company,
    collection,
    company,
    lines_of,
    open_of,
    payments_of,
)

SPACES = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"}


def told(path: str, document: etree._Element) -> list[str]:
    return [str(found.text) for found in document.iterfind("." + path, namespaces=SPACES)]


def file_in(firm: Company, number: int) -> etree._Element:
    with firm.kernel.database.reading() as session:
        _, content = file_of(firm.kernel, session, collection(session, number))
    return etree.fromstring(content)


def test_from_proposal_to_money(kernel: Kernel) -> None:
    firm = company(kernel)
    first, second = firm.debtor("ONE", 10_000, 2_345), firm.debtor("TWO", 999)
    number = firm.approved()
    with kernel.database.reading() as session:
        assert {line.told_by for line in lines_of(session, number)} == {"message"}
        assert sum(in_flight(session, [first]).values()) == 12_345
        letters = session.exec(select(OutboxMessage)).all()
        assert len(letters) == 2
        for part in ("€123.45", "20 March 2026", "FR72ZZZ123456", "ONE-0", "ONE-1"):
            assert any(part in letter.body_text for letter in letters), part
    firm.on(COLLECT_ON - timedelta(days=2))
    with kernel.database.reading() as session, pytest.raises(NoFileError):
        file_of(kernel, session, collection(session, number))
    firm.on(COLLECT_ON - timedelta(days=1))
    document = file_in(firm, number)
    assert told("//p:GrpHdr/p:CtrlSum", document) == ["133.44"]
    assert told("//p:GrpHdr/p:NbOfTxs", document) == ["2"]
    assert told("//p:SeqTp", document) == ["RCUR"]
    assert told("//p:ReqdColltnDt", document) == [COLLECT_ON.isoformat()] or told(
        "//p:ReqdColltnDt/p:Dt", document
    ) == [COLLECT_ON.isoformat()]
    assert told("//p:Ustrd", document) == ["ONE-0, ONE-1", "TWO-0"]
    with kernel.database.reading() as session:
        assert told("//p:EndToEndId", document) == [line.end_to_end_id for line in lines_of(session, number)]
        [payment] = payments_of(session, first)
        assert (payment.state, payment.gateway, payment.method) == (
            PaymentState.PENDING,
            "sepa_file",
            Method.SEPA_DEBIT,
        )
        assert open_of(session, first) == 12_345
    firm.on(date(2026, 3, 27))
    with kernel.database.reading() as session:
        assert payments_of(session, first)[0].state is PaymentState.PENDING
    firm.on(date(2026, 3, 28))
    with kernel.database.reading() as session:
        assert payments_of(session, first)[0].state is PaymentState.SETTLED
        assert (open_of(session, first), open_of(session, second)) == (0, 0)


def test_whoever_proposes_does_not_approve(kernel: Kernel) -> None:
    firm = company(kernel)
    firm.debtor("ONE", 100)
    number = firm.proposed()
    with kernel.database.transaction() as session, pytest.raises(SelfApprovalError):
        approve(session, number, by=BY, now=NOW)
    firm.on(COLLECT_ON)
    with kernel.database.reading() as session:
        assert collection(session, number).state is CollectionState.PROPOSED


def test_nothing_is_collected_twice(kernel: Kernel) -> None:
    firm = company(kernel)
    account = firm.debtor("ONE", 100)
    firm.proposed()
    with pytest.raises(NothingToCollectError, match="a payment is under way"):
        firm.proposed()
    with kernel.database.reading() as session:
        assert len(payments_of(session, account)) == 1


def test_two_makers_and_two_proposals_at_once_take_the_money_once(kernel: Kernel) -> None:
    firm = company(kernel)
    accounts = [firm.debtor(f"C{n}", 100 + n) for n in range(6)]

    def propose_it(_: int) -> bool:
        try:
            firm.proposed()
        except NothingToCollectError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(propose_it, range(6))) == 1
    with kernel.database.transaction() as session:
        [number] = {
            line.collection_id for account in accounts for line in lines_of(session, 1) if line.account_id == account
        }
        approve(session, number, by=BOSS, now=NOW)
    firm.work(NOW)
    firm.on(COLLECT_ON - timedelta(days=3))
    later = NOW.replace(day=19)
    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(lambda _: make_file(kernel, number, now=later), range(6)))
    assert sorted(said) == ["6 debits written, 0 left out"] + ["not to be made"] * 5
    with kernel.database.reading() as session:
        assert len(session.exec(select(StoredFile).where(StoredFile.subject_ref == f"collection:{number}")).all()) == 1
        assert [len(payments_of(session, account)) for account in accounts] == [1] * 6


def test_a_customer_who_was_not_told_is_not_collected(kernel: Kernel) -> None:
    firm = company(kernel)
    silent, heard = firm.debtor("SILENT", 500), firm.debtor("HEARD", 700)
    with kernel.database.transaction() as session:
        contact = session.exec(select(Contact).where(Contact.account_id == silent)).one()
        session.delete(contact)
    number = firm.made()
    with kernel.database.reading() as session:
        states = {line.account_id: (line.state, line.reason) for line in lines_of(session, number)}
        assert states[heard] == (LineState.IN_FILE, "")
        assert states[silent][0] is LineState.LEFT_OUT
        assert "nobody to write to" in states[silent][1]
        assert in_flight(session, [silent]) == {}
        assert payments_of(session, silent)[0].state is PaymentState.FAILED
    assert told("//p:GrpHdr/p:CtrlSum", file_in(firm, number)) == ["7.00"]


def test_told_too_late_is_not_told(kernel: Kernel) -> None:
    firm = company(kernel)
    account = firm.debtor("ONE", 500)
    number = firm.proposed()
    late = NOW + timedelta(days=5)
    with kernel.database.transaction() as session:
        approve(session, number, by=BOSS, now=late)
    firm.work(late)
    firm.on(COLLECT_ON - timedelta(days=1))
    with kernel.database.reading() as session:
        [line] = lines_of(session, number)
        assert "less than 14 days before" in line.reason
        assert collection(session, number).state is CollectionState.CANCELLED
        assert open_of(session, account) == 500


def test_what_is_paid_meanwhile_is_not_collected(kernel: Kernel) -> None:
    firm = company(kernel)
    whole, part = firm.debtor("WHOLE", 500), firm.debtor("PART", 500, 300)
    number = firm.approved()
    with kernel.database.transaction() as session:
        for account, minor in ((whole, 500), (part, 600)):
            receipt = Receipt(firm.entity, account, minor, "EUR", Method.BANK_TRANSFER, NOW.date())
            record_payment(session, receipt, by=BY, now=NOW)
    firm.on(COLLECT_ON - timedelta(days=1))
    assert told("//p:GrpHdr/p:CtrlSum", file_in(firm, number)) == ["2.00"]
    assert told("//p:Ustrd", file_in(firm, number)) == ["PART-1"]
    firm.on(date(2026, 4, 1))
    with kernel.database.reading() as session:
        assert (open_of(session, whole), open_of(session, part)) == (0, 0)
        assert [payment.amount_minor for payment in payments_of(session, part)] == [200, 600]


def test_a_line_and_a_collection_can_be_given_up_before_the_file(kernel: Kernel) -> None:
    firm = company(kernel)
    first, second = firm.debtor("ONE", 100), firm.debtor("TWO", 200)
    number = firm.approved()
    with kernel.database.transaction() as session:
        [line] = [line for line in lines_of(session, number) if line.account_id == first]
        cancel_line(session, number, line.id or 0, why="paid by cheque", by=BY, now=NOW)
    with kernel.database.reading() as session:
        assert in_flight(session, [first, second]) != {}
        assert in_flight(session, [first]) == {}
    with kernel.database.transaction() as session:
        cancel_collection(session, number, why="another bank", by=BY, now=NOW)
    with kernel.database.reading() as session:
        assert in_flight(session, [second]) == {}
    with kernel.database.transaction() as session, pytest.raises(CollectionStateError):
        cancel_collection(session, number, why="again", by=BY, now=NOW)
    assert firm.proposed() != number


def test_a_mandate_taken_back_is_not_used(kernel: Kernel) -> None:
    firm = company(kernel)
    account = firm.debtor("ONE", 100)
    number = firm.approved()
    with kernel.database.transaction() as session:
        mandate = living_mandate(session, account, firm.entity)
        assert mandate is not None
        cancel_mandate(session, mandate.id or 0, why="revoked", by=f"customer:{account}", now=NOW)
    firm.on(COLLECT_ON - timedelta(days=1))
    with kernel.database.reading() as session:
        assert lines_of(session, number)[0].reason == "the mandate is cancelled"


def test_the_last_collection_ends_its_mandate(kernel: Kernel) -> None:
    firm = company(kernel)
    account = firm.debtor("ONE", 100)
    with kernel.database.transaction() as session:
        mandate = living_mandate(session, account, firm.entity)
        assert mandate is not None
        set_wishes(session, mandate.id or 0, automatic=True, limit_minor=None, final=True, by=BY, now=NOW)
    number = firm.made()
    assert told("//p:SeqTp", file_in(firm, number)) == ["FNAL"]
    with kernel.database.reading() as session:
        assert living_mandate(session, account, firm.entity) is None
        mandate_id = lines_of(session, number)[0].mandate_id
        assert session.get_one(type(mandate), mandate_id).state is MandateState.USED


def test_days_that_cannot_be_are_refused(kernel: Kernel) -> None:
    firm = company(kernel)
    firm.debtor("ONE", 100)
    for day in (date(2026, 4, 3), date(2026, 3, 21), NOW.date(), date(2028, 1, 3)):
        with pytest.raises(CollectionError):
            firm.proposed(collect_on=day)
    with pytest.raises(NothingToCollectError, match="could not be told in time"):
        firm.proposed(collect_on=date(2026, 3, 13))


def test_a_file_goes_into_the_folder(kernel: Kernel) -> None:
    here = kernel.settings.var_dir / "to-bank"
    settings = kernel.settings.model_copy(update={"collections_folder": here})
    firm = company(Kernel(settings, kernel.database, kernel.renderer))
    firm.debtor("ONE", 100)
    number = firm.made()
    [path] = here.iterdir()
    with kernel.database.reading() as session:
        found = collection(session, number)
        assert found.out_at is not None
        assert path.name == f"{found.message_id}.xml"
        assert path.read_bytes() == read(session.get_one(StoredFile, found.file_id), kernel.settings.files)


def test_a_file_the_schema_refuses_is_not_given_out(kernel: Kernel) -> None:
    firm = company(kernel)
    bad, good = firm.debtor("BAD", 100), firm.debtor("GOOD", 200)
    number = firm.approved()
    with kernel.database.transaction() as session:
        mandate = living_mandate(session, bad, firm.entity)
        assert mandate is not None
        mandate.iban = "not an account"
        session.add(mandate)
    firm.on(COLLECT_ON - timedelta(days=1))
    with kernel.database.reading() as session:
        found = collection(session, number)
        assert (found.state, found.file_id) == (CollectionState.APPROVED, None)
        assert "not an account" in found.problem
        assert payments_of(session, good)[0].state is PaymentState.INTENDED
        [line] = [line for line in lines_of(session, number) if line.account_id == bad]
    with kernel.database.transaction() as session:
        cancel_line(session, number, line.id or 0, why="ask for the number", by=BY, now=NOW)
    firm.on(COLLECT_ON - timedelta(days=1), 9)
    assert told("//p:GrpHdr/p:CtrlSum", file_in(firm, number)) == ["2.00"]


def test_without_days_only_the_bank_settles(kernel: Kernel) -> None:
    firm = company(kernel, AccountTerms(settle_days=None))
    account = firm.debtor("ONE", 100)
    firm.made()
    firm.on(date(2026, 4, 10))
    with kernel.database.reading() as session:
        assert payments_of(session, account)[0].state is PaymentState.PENDING
    firm.on(date(2026, 4, 22))
    with kernel.database.reading() as session:
        [payment] = payments_of(session, account)
        assert payment.parked
        assert "not credited" in payment.reason
