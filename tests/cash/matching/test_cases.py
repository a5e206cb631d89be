"""One case for each situation that money comes in: what is applied, what is only suggested, what is left."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ar.cash.matching.facts import Advised, Difference, Expected, Incoming, Item, Payer, Policy, Verdict
from ar.ledger.models import EntryKind
from tests.cash.matching.make import ACME, POLICY, TODAY, decided, item, money, paid

OTHER = Payer(2, "Garage Martin")
STRANGER: dict[str, Any] = {"payer_name": "FACTORING BANK", "payer_iban": ""}
DUE = [
    item(101, 120_045, due_on=date(2026, 5, 1), effective_on=date(2026, 4, 1)),
    item(102, 33_310, due_on=date(2026, 6, 1), effective_on=date(2026, 5, 2)),
    item(103, 78_999, due_on=date(2026, 6, 20), effective_on=date(2026, 5, 20)),
    item(104, 51_007, due_on=date(2026, 7, 15), effective_on=date(2026, 6, 15)),
]
ORDERED = [item(1, 40_013, purchase_order="4500012345"), item(2, 20_007, purchase_order="4500012345"), item(3, 7_777)]


@pytest.mark.parametrize(
    ("incoming", "items", "settled"),
    [
        pytest.param(money(120_045, "FACTURE FA2026-000101"), DUE, {101: 120_045}, id="reference and amount"),
        pytest.param(money(153_355, "FA2026000101 / 102"), DUE, {101: 120_045, 102: 33_310}, id="two, one by its end"),
        pytest.param(money(120_045, "FA2O26-OOO1O1"), DUE, {101: 120_045}, id="zeros read as letters"),
        pytest.param(money(78_999, "RE FA2026-000113"), DUE, {103: 78_999}, id="a typo"),
        pytest.param(money(78_999, "REGLEMENTFA2026000103DU12"), DUE, {103: 78_999}, id="glued"),
        pytest.param(money(78_999, "F.A.2026 000 103"), DUE, {103: 78_999}, id="other separators"),
        pytest.param(money(78_999, "VIREMENT"), DUE, {103: 78_999}, id="amount alone, known IBAN"),
        pytest.param(
            money(232_354, "VIREMENT"), DUE, {101: 120_045, 102: 33_310, 103: 78_999}, id="all that is due, unnamed"
        ),
        pytest.param(
            money(204_362, "FA2026-000101"), [*DUE, item(105, 33_310)], None, id="a sum with one of two equal items"
        ),
        pytest.param(money(60_020, "PO 4500012345"), ORDERED, {1: 40_013, 2: 20_007}, id="by purchase order"),
        pytest.param(
            money(40_013, "RF18539007547034"), [item(1, 40_013, "539007547034")], {1: 40_013}, id="RF reference"
        ),
        pytest.param(
            money(40_013, "210000000003139471430009017"), [item(1, 40_013, "313947143000901")], {1: 40_013}, id="QRR"
        ),
        pytest.param(money(40_013, "+++090/9337/55493+++"), [item(1, 40_013, "0909337554")], {1: 40_013}, id="OGM"),
        pytest.param(
            money(100_000, "FA2026-000101", **STRANGER),
            [item(101, 100_000)],
            {101: 100_000},
            id="factor, right reference",
        ),
    ],
)
def test_what_it_is_for(incoming: Incoming, items: list[Item], settled: dict[int, int] | None) -> None:
    decision = decided(incoming, items)
    if settled is None:
        assert decision.verdict is not Verdict.APPLY
    else:
        assert paid(decision) == settled
        assert decision.verdict is Verdict.APPLY
        assert decision.why_not == ""


def test_twelve_is_not_two_thousand_and_twelve() -> None:
    items = [item(1, 50_000, "12"), item(2, 60_000, "2012")]
    assert paid(decided(money(60_000, "FACTURE 2012"), items)) == {2: 60_000}
    decision = decided(money(50_000, "FACTURE 2012", **STRANGER), items)
    assert decision.verdict is not Verdict.APPLY


def test_twins_without_a_reference_are_for_a_person() -> None:
    decision = decided(money(50_000, "VIREMENT"), [item(1, 50_000), item(2, 50_000)])
    assert decision.verdict is Verdict.SUGGEST
    assert decision.why_not == "equal_items"
    assert [proposal.parts[0].entry_id for proposal in decision.proposals] == [1, 2]


def test_a_reference_tells_twins_apart() -> None:
    assert paid(decided(money(50_000, "FA2026-000002"), [item(1, 50_000), item(2, 50_000)])) == {2: 50_000}


def test_customers_of_one_name_with_the_same_amount_are_for_a_person() -> None:
    payers = [Payer(1, "Garage Martin"), Payer(2, "Garage Martin SAS")]
    items = [item(1, 50_013), item(2, 50_013, account_id=2)]
    decision = decided(money(50_013, "VIREMENT", payer_name="GARAGE MARTIN", payer_iban=""), items, payers)
    assert decision.verdict is Verdict.SUGGEST
    assert decision.why_not == "equal_customers"


def test_two_sums_that_fit_are_for_a_person() -> None:
    items = [item(1, 10_001), item(2, 20_002), item(3, 10_002), item(4, 20_001), item(5, 90_000)]
    decision = decided(money(30_003, "VIREMENT"), items)
    assert decision.verdict is not Verdict.APPLY


def test_an_early_discount_is_let_off() -> None:
    items = [item(1, 100_000, discount_until=TODAY, discount_minor=2_000)]
    decision = decided(money(98_000, "FA2026-000001"), items)
    assert decision.verdict is Verdict.APPLY
    assert paid(decision) == {1: 98_000}
    [residual] = decision.proposals[0].residuals
    assert (residual.amount_minor, residual.difference) == (2_000, Difference.DISCOUNT)


def test_a_discount_taken_far_too_late_is_not_let_off() -> None:
    items = [item(1, 500_000, discount_until=date(2026, 5, 30), discount_minor=10_000)]
    decision = decided(money(490_000, "FA2026-000001"), items)
    assert decision.proposals[0].residuals == ()
    assert paid(decision) == {1: 490_000}


@pytest.mark.parametrize(("stated", "policy"), [(1_500, Policy()), (None, POLICY)])
def test_bank_charges_stated_or_within_the_policy(stated: int | None, policy: Policy) -> None:
    decision = decided(money(98_500, "FA2026-000001", charges_minor=stated), [item(1, 100_000)], policy=policy)
    [residual] = decision.proposals[0].residuals
    assert (residual.amount_minor, residual.difference) == (1_500, Difference.BANK_CHARGES)
    assert decision.verdict is Verdict.APPLY


def test_a_tolerance_is_kept_to_both_its_limits() -> None:
    policy = Policy(tolerance_minor=500, tolerance_bp=100)
    [residual] = decided(money(99_600, "FA2026-000001"), [item(1, 100_000)], policy=policy).proposals[0].residuals
    assert (residual.amount_minor, residual.difference) == (400, Difference.WRITE_OFF)
    assert decided(money(9_600, "FA2026-000001"), [item(1, 10_000)], policy=policy).proposals[0].residuals == ()


def test_a_short_payment_leaves_the_rest_open() -> None:
    decision = decided(money(50_000, "FA2026-000001"), [item(1, 120_000), item(2, 77_700)])
    assert paid(decision) == {1: 50_000}
    assert decision.proposals[0].residuals == ()
    assert {reason.code for reason in decision.proposals[0].reasons} >= {"named", "short", "iban"}


def test_too_much_is_kept_on_account_of_that_customer() -> None:
    decision = decided(money(100_500, "FA2026-000001"), [item(1, 100_000), item(2, 44_400)])
    assert paid(decision) == {1: 100_000, None: 500}
    assert all(part.account_id == 1 for part in decision.proposals[0].parts)


def test_a_credit_note_is_set_against_what_is_owed() -> None:
    credit = item(9, 20_000, "AV2026-000009", kind=EntryKind.CREDIT_NOTE, side=-1)
    decision = decided(money(80_013, "FA2026-000001 AV2026-000009"), [item(1, 100_013), credit])
    assert paid(decision) == {1: 80_013}
    [netting] = decision.proposals[0].nettings
    assert (netting.debit_id, netting.credit_id, netting.amount_minor) == (1, 9, 20_000)
    unnamed = decided(money(80_013, "FA2026-000001"), [item(1, 100_013), credit])
    assert unnamed.proposals[0].nettings == (netting,)


@pytest.mark.parametrize("minor", [100_013, 104_013])
def test_with_late_charges_or_without(minor: int) -> None:
    charge = item(9, 4_000, "LC000009", kind=EntryKind.LATE_CHARGE)
    decision = decided(money(minor, "FA2026-000001"), [item(1, 100_013), charge])
    assert decision.verdict is Verdict.APPLY
    assert sum(paid(decision).values()) == minor
    assert (9 in paid(decision)) == (minor == 104_013)


def test_a_promise_is_recognised() -> None:
    promise = Expected("promise", 60_000, "EUR", TODAY, (1,))
    decision = decided(money(60_000, "VIREMENT"), [item(1, 123_456), item(2, 99_999)], expected=[promise])
    assert paid(decision) == {1: 60_000}
    assert "expected" in decision.proposals[0].evidence


def test_one_payment_for_several_customers() -> None:
    items = [item(1, 100_013), item(2, 50_007, account_id=2)]
    payers = [
        Payer(1, "Lefèvre Nord", parent_id=9),
        Payer(2, "Lefèvre Sud", parent_id=9),
        Payer(9, "Lefèvre Groupe", by_iban=2),
    ]
    incoming = money(150_020, "FA2026-000001 FA2026-000002", payer_name="LEFEVRE GROUPE")
    decision = decided(incoming, items, payers)
    assert decision.verdict is Verdict.APPLY
    assert {(part.account_id, part.entry_id) for part in decision.proposals[0].parts} == {(1, 1), (2, 2)}


def test_a_head_pays_for_a_member_of_its_group() -> None:
    payers = [Payer(1, "Lefèvre Nord", parent_id=9), Payer(9, "Lefèvre Groupe", by_iban=2)]
    decision = decided(money(100_013, "FA2026-000001", payer_name="LEFEVRE GROUPE"), [item(1, 100_013)], payers)
    assert paid(decision) == {1: 100_013}
    assert "relative" in decision.proposals[0].evidence


def test_the_payers_advice_says_what_goes_where() -> None:
    advice = (Advised("FA2026-000001", 30_000), Advised("FA2026-000002", 20_000))
    items = [item(1, 100_000), item(2, 90_000), item(3, 50_000)]
    decision = decided(money(50_000, "VIREMENT", advice=advice), items)
    assert paid(decision) == {1: 30_000, 2: 20_000}


def test_an_advice_that_takes_an_earned_discount_settles_the_item() -> None:
    items = [item(1, 100_000, discount_until=TODAY, discount_minor=2_000), item(2, 50_007)]
    advice = (Advised("FA2026-000001", 98_000), Advised("FA2026-000002", 50_007))
    decision = decided(money(148_007, "VIREMENT", advice=advice), items)
    assert decision.verdict is Verdict.APPLY
    assert paid(decision) == {1: 98_000, 2: 50_007}
    assert [residual.amount_minor for residual in decision.proposals[0].residuals] == [2_000]


def test_a_contested_item_is_paid_when_it_is_named_alone() -> None:
    contested = item(1, 100_013, disputed_minor=100_013)
    assert decided(money(100_013, "VIREMENT"), [contested]).verdict is not Verdict.APPLY
    assert paid(decided(money(100_013, "FA2026-000001"), [contested])) == {1: 100_013}


def test_what_is_not_contested_is_paid() -> None:
    decision = decided(money(80_000, "FA2026-000001"), [item(1, 100_000, disputed_minor=20_000)])
    assert paid(decision) == {1: 80_000}
    assert "uncontested" in decision.proposals[0].evidence


@pytest.mark.parametrize("text", ["ACOMPTE COMMANDE", "REFUND", "FACTURE FA2026-009999"])
def test_the_very_amount_for_something_else_is_not_applied(text: str) -> None:
    assert decided(money(50_013, text), [item(1, 50_013)]).verdict is not Verdict.APPLY


def test_money_of_nobody_known_is_left() -> None:
    decision = decided(money(50_013, "VIREMENT", **STRANGER), [item(1, 50_013)], [OTHER])
    assert decision.verdict is Verdict.LEAVE
    assert decision.proposals == ()
    assert decision.why_not == "payer_unknown"


def test_money_of_a_known_customer_that_says_nothing_follows_the_law_as_a_suggestion() -> None:
    decision = decided(money(130_000, "VIREMENT"), DUE)
    assert decision.verdict is Verdict.SUGGEST
    assert decision.why_not == "nothing_said"
    assert paid(decision) == {101: 120_045, 102: 9_955}


def test_a_refused_iban_speaks_against_a_customer() -> None:
    refused = Payer(1, ACME.name, by_iban=-2)
    good = decided(money(78_999, "VIREMENT"), DUE).proposals[0].probability
    assert decided(money(78_999, "VIREMENT"), DUE, [refused]).proposals[0].probability < good


def test_a_typo_that_hits_anothers_invoice_does_not_pay_it() -> None:
    items = [item(103, 78_999), item(113, 250_000, account_id=2)]
    decision = decided(money(78_999, "FA2026-000113"), items, [ACME, OTHER])
    assert paid(decision) == {103: 78_999}


def test_another_sellers_item_or_another_currency_is_no_candidate() -> None:
    items = [item(1, 50_000, entity_id=2), item(2, 50_000, currency="USD")]
    assert decided(money(50_000, "FA2026-000001 FA2026-000002"), items).verdict is not Verdict.APPLY


def test_money_of_a_given_customer_goes_to_nobody_else() -> None:
    items = [item(1, 50_000, account_id=2), item(2, 50_000)]
    decision = decided(money(50_000, "FA2026-000001", account_id=1), items, [ACME, OTHER])
    assert all(part.account_id == 1 for proposal in decision.proposals for part in proposal.parts)
