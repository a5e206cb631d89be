"""The rules of delivery: which preference holds, which way a document goes, and where it then stands. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ar.core.mail import MAX_ATTACHED_BYTES
from invoicing.delivery.decide import Facts, Paper, Person, Wish, choose, decide
from invoicing.delivery.models import DeliveryPreference, DeliveryState, Papers, Route
from invoicing.delivery.states import (
    REFUSING,
    STATUSES,
    WITH_REASON,
    Status,
    StatusError,
    by_mail,
    check_status,
    further,
    standing,
)

AT = datetime(2026, 3, 16, 9, tzinfo=UTC)
ZOE = Person(1, "Zoé", "zoe@nordlicht.example", "fr", ("billing",))
ANN = Person(2, "Ann", "ann@nordlicht.example", "en", ("paying", "billing"))
TWIN = Person(3, "Zoé again", "ZOE@nordlicht.example", "fr", ("paying",))
PDF = Paper("pdf", 11, "F-1.pdf", 1000, "a" * 64)
UBL = Paper("ubl", 12, "F-1-ubl.xml", 1000, "b" * 64)
BAD = Paper("cii", None, rules=("BR-01", "BR-02"))
STATUS = st.tuples(st.sampled_from(sorted(STATUSES)), st.integers(0, 50).map(lambda n: AT + timedelta(hours=n)))


def preference(papers: Papers, entity_id: int | None) -> DeliveryPreference:
    return DeliveryPreference(account_id=1, entity_id=entity_id, papers=papers, route=Route.PAPER, changed_at=AT)


def facts(wish: Wish | None = None, people: tuple[Person, ...] = (ZOE, ANN, TWIN), *papers: Paper) -> Facts:
    return Facts(wish, people, papers or (PDF, UBL), has_address=True)


def test_the_closer_preference_holds() -> None:
    general, credit = preference(Papers.ANY, None), preference(Papers.CREDIT_NOTE, None)
    own, own_invoices = preference(Papers.ANY, 7), preference(Papers.INVOICE, 7)
    stated = [own_invoices, general, credit, own]
    assert choose(stated, 7, Papers.INVOICE) is own_invoices
    assert choose(stated, 7, Papers.CREDIT_NOTE) is own
    assert choose(stated, 8, Papers.CREDIT_NOTE) is credit
    assert choose(stated, 8, Papers.STATEMENT) is general
    assert choose([own], 8, Papers.INVOICE) is None


def test_without_a_wish_it_goes_to_the_first_billing_contact_that_can_be_reached() -> None:
    plan = decide(facts())
    assert (plan.route, [one["email"] for one in plan.recipients]) == (Route.EMAIL, [ZOE.email])
    assert [one["format"] for one in plan.files] == ["pdf"]
    bounced = Person(1, "Zoé", ZOE.email, "fr", ("billing",), reachable=False)
    assert [one["email"] for one in decide(facts(None, (bounced, ANN))).recipients] == [ANN.email]
    nobody = decide(facts(None, (bounced, TWIN)))
    assert (nobody.route, nobody.state, nobody.code) == (Route.PORTAL, DeliveryState.PLANNED, "nobody-known")


def test_each_address_gets_it_once_and_a_wish_without_a_recipient_waits_for_a_person() -> None:
    plan = decide(facts(Wish(Route.EMAIL, ("ubl", "pdf"), ("billing",), ("paying",))))
    assert [(one["contact_id"], one["copy"]) for one in plan.recipients] == [(1, False), (2, False)]
    assert [one["format"] for one in plan.files] == ["pdf", "ubl"]
    nobody = decide(facts(Wish(Route.LINK, roles=("management",), copy_roles=("billing",))))
    assert (nobody.state, nobody.code) == (DeliveryState.FAILED, "no-recipient")


def test_files_that_are_too_large_become_a_link() -> None:
    large = Paper("pdf", 11, "F-1.pdf", MAX_ATTACHED_BYTES, "a" * 64)
    assert decide(facts(None, (ZOE,), large)).route is Route.EMAIL
    plan = decide(facts(Wish(Route.EMAIL, ("pdf", "ubl")), (ZOE,), large, UBL))
    assert (plan.route, plan.files, plan.code) == (Route.LINK, (), "too-large")


@pytest.mark.parametrize("route", Route)
def test_what_fails_a_rule_goes_no_way_by_itself_but_by_hand(route: Route) -> None:
    wish = Wish(route, site_name="Achats")
    plan = decide(facts(wish, (ZOE,), PDF, BAD))
    assert (plan.route, plan.state, plan.files) == (route, DeliveryState.FAILED, ())
    assert (plan.code, plan.detail) == ("rule-failed", "CII: BR-01, BR-02")
    by_hand = decide(Facts(wish, (ZOE,), (PDF, BAD), has_address=True, by_hand=True))
    assert by_hand.state is DeliveryState.PLANNED
    only_bad = Facts(Wish(Route.PLATFORM, ("cii",)), (ZOE,), (PDF, BAD), has_address=True, by_hand=True)
    assert decide(only_bad).code == "no-file"


def test_letters_need_an_address_and_uploads_a_site() -> None:
    assert decide(Facts(Wish(Route.PAPER), (ZOE,), (PDF,), has_address=False)).code == "no-address"
    assert decide(facts(Wish(Route.UPLOAD))).code == "no-site"


@given(st.lists(STATUS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_statuses_lead_to_one_standing_in_any_order_however_often(
    told: list[tuple[str, datetime]], dice: object
) -> None:
    shuffled = [*told, *told[:3]]
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert standing(shuffled) == standing(told)
    before: DeliveryState = DeliveryState.PLANNED
    for count in range(1, len(shuffled) + 1):
        stands = standing(shuffled[:count])
        assert stands is not None
        assert stands[0] is before or further(before, stands[0])  # it never goes back
        before = stands[0]
    assert (before is DeliveryState.REFUSED) == bool({code for code, _at in told} & REFUSING)
    assert standing([]) is None


@pytest.mark.parametrize("code", [*STATUSES, "199", "214", "", "2x0"])
def test_a_refusal_needs_a_reason_code(code: str) -> None:
    if code not in STATUSES or code in WITH_REASON:
        with pytest.raises(StatusError):
            check_status(Status(code, AT))
    if code in STATUSES:
        check_status(Status(code, AT, "QTE_ERR"))
        with pytest.raises(StatusError):
            check_status(Status(code, AT, "not so"))


def test_mail_leads_to_a_state_and_never_back() -> None:
    planned = DeliveryState.PLANNED
    assert by_mail(planned, [("queued", False), ("sent", False)]) is planned
    assert by_mail(planned, [("sent", False), ("failed", True)]) is DeliveryState.SENT
    assert by_mail(planned, [("sent", False), ("failed", False)]) is DeliveryState.FAILED
    assert by_mail(planned, [("cancelled", False)]) is DeliveryState.FAILED
    assert by_mail(planned, [("uncertain", False), ("failed", False)]) is DeliveryState.UNCERTAIN
    assert by_mail(DeliveryState.FAILED, [("queued", False)]) is planned
    assert by_mail(DeliveryState.OPENED, [("failed", False)]) is DeliveryState.OPENED
