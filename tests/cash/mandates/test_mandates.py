"""Mandates from signature to lapse, and the creditors that they are for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from sqlmodel import Session, select

from ar.cash.collections.jobs import file_of
from ar.cash.mandates.charset import ALLOWED, reference_fault, sepa_text
from ar.cash.mandates.creditor import AccountTerms, CreditorError, NoCreditorError, set_account, set_creditor
from ar.cash.mandates.manage import (
    MandateDraft,
    MandateError,
    MandateExistsError,
    MandateStateError,
    amend_account,
    cancel_mandate,
    confirm_by_bank,
    create_mandate,
    lapse_unused,
    living_mandate,
    reinstate,
    sign_on_paper,
    suspend,
)
from ar.cash.mandates.models import FileSchema, Mandate, MandateState, Scheme
from ar.cash.mandates.sign import Signer, revoke, sign_online
from ar.core.errors import NotFoundError
from ar.core.files import FileRefusedError
from ar.core.kernel import Kernel
from ar.core.outbox import OutboxMessage
from ar.customers.models import Account, AccountKind, BankAccount, Contact
from tests.cash.collections.make import BY, COLLECT_ON, IBANS, NOW, PDF, Company, collection, company
from tests.ledger.make import customer, invoice, seller

SIGNER = Signer("Zoé Petit", "192.0.2.7", "Browser/1", "fr")


@pytest.fixture
def firm(kernel: Kernel) -> Company:
    return company(kernel)


def draft_of(session: Session, firm: Company, code: str = "ONE") -> MandateDraft:
    account = customer(session, code, "fr")
    session.add(Contact(account_id=account, email=f"{code.lower()}@buyer.example"))
    return MandateDraft(firm.entity, account, Scheme.CORE, "Nordlicht & Söhne", IBANS[0])


def sign(session: Session, firm: Company, made: Mandate, *, on: date = NOW.date(), content: bytes = PDF) -> Mandate:
    assert made.id is not None
    return sign_on_paper(
        session,
        firm.kernel,
        made.id,
        signed_on=on,
        name="m.pdf",
        content=content,
        media_type="application/pdf",
        by=BY,
        now=NOW,
    )


def test_a_mandate_is_used_only_once_it_is_signed(firm: Company) -> None:
    with firm.kernel.database.transaction() as session:
        made = create_mandate(session, draft_of(session, firm), by=BY, now=NOW)
        assert (made.state, made.debtor_name, made.bic) == (MandateState.UNSIGNED, "Nordlicht + Sohne", "COBADEFFXXX")
        assert reference_fault(made.reference) is None
        with pytest.raises(FileRefusedError):
            sign(session, firm, made, content=b"<html></html>")
        with pytest.raises(MandateError):
            sign(session, firm, made, on=NOW.date() + timedelta(days=1))
        assert sign(session, firm, made).state is MandateState.ACTIVE
        assert made.evidence_file_id is not None


def test_a_b2b_mandate_waits_for_the_debtors_bank(firm: Company) -> None:
    with firm.kernel.database.transaction() as session:
        draft = replace(draft_of(session, firm), scheme=Scheme.B2B)
        made = create_mandate(session, draft, by=BY, now=NOW)
        assert sign(session, firm, made).state is MandateState.UNCONFIRMED
        assert made.id is not None
        confirm_by_bank(session, made.id, on=NOW.date(), by=BY, now=NOW)
        assert made.state is MandateState.ACTIVE
        amend_account(session, made.id, iban=IBANS[1], by=BY, now=NOW)
        assert (made.state, made.bank_confirmed_on) == (MandateState.UNCONFIRMED, None)
        consumer = draft_of(session, firm, "PRIVATE")
        session.get_one(Account, consumer.account_id).kind = AccountKind.CONSUMER
        with pytest.raises(MandateError, match="consumer"):
            create_mandate(session, replace(consumer, scheme=Scheme.B2B), by=BY, now=NOW)


def test_what_is_wrong_is_refused_with_its_place(firm: Company) -> None:
    with firm.kernel.database.transaction() as session:
        good = draft_of(session, firm)
        for changes, error, pointer in (
            ({"iban": "DE89370400440532013001"}, CreditorError, "/iban"),
            ({"iban": "\u0661\u0662"}, CreditorError, "/iban"),
            ({"iban": "BR1800360305000010009795493C1"}, CreditorError, "/iban"),
            ({"reference": "é"}, MandateError, "/reference"),
            ({"reference": "A//B"}, MandateError, "/reference"),
            ({"reference": "x" * 36}, MandateError, "/reference"),
            ({"debtor_name": "☃"}, MandateError, "/debtor_name"),
            ({"limit_minor": 0}, MandateError, "/limit_minor"),
        ):
            with pytest.raises(error) as caught:
                create_mandate(session, replace(good, **changes), by=BY, now=NOW)
            assert caught.value.faults[0].pointer == pointer
        create_mandate(session, good, by=BY, now=NOW)
        with pytest.raises(MandateExistsError):
            create_mandate(session, good, by=BY, now=NOW)


def test_a_creditor_is_checked(firm: Company) -> None:
    with firm.kernel.database.transaction() as session:
        for identifier in ("FR73ZZZ123456", "", "x" * 99, "\u0661"):
            with pytest.raises(CreditorError):
                set_creditor(session, firm.entity, identifier=identifier, notice_days=14, by=BY, now=NOW)
        bank = session.get_one(BankAccount, firm.bank)
        bank.bic = None
        with pytest.raises(CreditorError, match="BIC"):
            set_account(
                session, firm.entity, firm.bank, AccountTerms(file_schema=FileSchema.PAIN_008_02), by=BY, now=NOW
            )
        bank.currency = "USD"
        with pytest.raises(CreditorError, match="euros"):
            set_account(session, firm.entity, firm.bank, AccountTerms(), by=BY, now=NOW)


def test_a_signature_on_the_page_keeps_the_words(firm: Company) -> None:
    with firm.kernel.database.transaction() as session:
        draft = draft_of(session, firm)
        made = sign_online(
            session,
            firm.kernel,
            entity_id=firm.entity,
            account_id=draft.account_id,
            scheme=Scheme.CORE,
            iban="de89 3704 0044 0532 0130 00",
            signer=SIGNER,
            by=f"customer:{draft.account_id}",
            now=NOW,
        )
        assert made.state is MandateState.ACTIVE
        assert made.consent is not None
        kept = made.consent
        assert (kept["from"], kept["name"], kept["when"]) == ("192.0.2.7", "Zoé Petit", NOW.isoformat())
        assert (kept["reference"], kept["identifier"], kept["iban"]) == (made.reference, "FR72ZZZ123456", IBANS[0])
        assert any("8 semaines" in sentence for sentence in kept["words"])
        letter = session.exec(select(OutboxMessage)).one()
        assert "8 semaines" in letter.body_text
        assert made.reference in letter.subject
        assert IBANS[0] not in letter.body_text
        assert made.id is not None
        with pytest.raises(NotFoundError):
            revoke(session, made.id, account_id=draft.account_id + 1, by="customer:0", now=NOW)
        revoke(session, made.id, account_id=draft.account_id, by=f"customer:{draft.account_id}", now=NOW)
        assert session.get_one(Mandate, made.id).state == MandateState.CANCELLED
        assert living_mandate(session, draft.account_id, firm.entity) is None


def test_without_a_creditor_nothing_is_signed(kernel: Kernel) -> None:
    firm = company(kernel)
    with kernel.database.transaction() as session:
        draft = draft_of(session, firm)
        other = customer(session, "X")
        with pytest.raises(NotFoundError):
            create_mandate(session, replace(draft, entity_id=999, account_id=other), by=BY, now=NOW)
        with pytest.raises(NoCreditorError):
            create_mandate(session, replace(draft, entity_id=seller(session, "FR2")), by=BY, now=NOW)


def test_an_amended_account_is_told_to_the_bank_once(firm: Company) -> None:
    account = firm.debtor("ONE", 1_000)

    def file_told(number: int) -> bool:
        with firm.kernel.database.reading() as session:
            _, content = file_of(firm.kernel, session, collection(session, number))
        return etree.fromstring(content).findtext(".//{*}AmdmntInfDtls//{*}Othr/{*}Id") == "SMNDA"

    def more(code: str) -> None:
        with firm.kernel.database.transaction() as session:
            invoice(session, firm.entity, account, 500, on=date(2026, 2, 1), due=date(2026, 3, 1), reference=code)

    def move(iban: str) -> None:
        with firm.kernel.database.transaction() as session:
            mandate = living_mandate(session, account, firm.entity)
            assert mandate is not None
            amend_account(session, mandate.id or 0, iban=iban, by=BY, now=NOW)

    move("GB33BUKB20201555555555")  # no bank knows of the mandate yet: nothing to tell
    first = firm.made()
    assert file_told(first) is False
    move("ES9121000418450200051332")
    more("A")
    second = firm.approved(now=NOW.replace(month=4, day=1), collect_on=date(2026, 4, 20))
    firm.on(date(2026, 4, 17))
    assert file_told(second) is True
    more("B")
    third = firm.approved(now=NOW.replace(month=5, day=1), collect_on=date(2026, 5, 20))
    firm.on(date(2026, 5, 19))
    assert file_told(third) is False
    with firm.kernel.database.reading() as session:
        mandate = living_mandate(session, account, firm.entity)
        assert mandate is not None
        assert mandate.last_used_on == date(2026, 5, 20)


def test_a_mandate_lapses_after_three_years_without_use(firm: Company) -> None:
    used, unused = firm.debtor("USED", 100), firm.debtor("UNUSED")
    firm.made()

    def lapsed_on(day: date) -> list[MandateState]:
        lapse_unused(firm.kernel, {}, datetime(day.year, day.month, day.day, 12, tzinfo=NOW.tzinfo))
        with firm.kernel.database.reading() as session:
            query = select(Mandate.state).where(Mandate.account_id.in_((used, unused)))  # type: ignore[attr-defined]
            return list(session.exec(query.order_by(Mandate.account_id)))  # type: ignore[arg-type]

    assert lapsed_on(date(2029, 3, 1)) == [MandateState.ACTIVE, MandateState.ACTIVE]
    assert lapsed_on(date(2029, 3, 2)) == [MandateState.ACTIVE, MandateState.LAPSED]
    assert lapsed_on(COLLECT_ON.replace(year=2029)) == [MandateState.LAPSED, MandateState.LAPSED]


def test_a_suspended_mandate_comes_back_by_a_person_or_a_new_account(firm: Company) -> None:
    with firm.kernel.database.transaction() as session:
        made = create_mandate(session, draft_of(session, firm), by=BY, now=NOW)
        sign(session, firm, made)
        assert made.id is not None
        with pytest.raises(MandateStateError):
            reinstate(session, made.id, why="not needed", by=BY, now=NOW)
        suspend(session, made, why="AC04", by="bank", now=NOW)
        assert reinstate(session, made.id, why="spoke with them", by=BY, now=NOW).state is MandateState.ACTIVE
        suspend(session, made, why="AC04", by="bank", now=NOW)
        assert amend_account(session, made.id, iban=IBANS[1], by=BY, now=NOW).state is MandateState.ACTIVE
        cancel_mandate(session, made.id, why="over", by=BY, now=NOW)
        with pytest.raises(MandateStateError):
            amend_account(session, made.id, iban=IBANS[2], by=BY, now=NOW)


@given(st.text(max_size=300), st.integers(min_value=1, max_value=140))
def test_any_text_becomes_one_that_sepa_takes(text: str, length: int) -> None:
    made = sepa_text(text, length)
    assert len(made) <= length
    assert ALLOWED.fullmatch(made)
    assert made == made.strip()
