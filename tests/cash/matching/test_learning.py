"""What people decide teaches the weights, when there is enough of it."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import select

from ar.cash.matching.by_hand import apply_line
from ar.cash.matching.facts import Part, Proposal
from ar.cash.matching.learning import learn_matching, newest_weights, samples
from ar.cash.matching.models import CashApplication, MatchModel, MatchProposal
from ar.cash.matching.undo import undo
from ar.cash.matching.weights import LEAST, PRIORS, Sample
from ar.core.kernel import Kernel
from tests.cash.matching.lines import DAY, line
from tests.ledger.make import NOW, customer, invoice, seller

LUCKY = {"base": 1.0, "lucky": 1.0}
PLAIN = {"base": 1.0}


def test_a_decision_is_a_sample_and_undoing_it_takes_it_back(kernel: Kernel) -> None:
    with kernel.database.transaction() as session:
        entity, buyer = seller(session), customer(session)
        item = invoice(session, entity, buyer, 10_00, on=DAY, reference="F-1")
        number = line(session, entity, 10_00)
        right = Proposal((Part(buyer, item, 10_00),), evidence=LUCKY)
        wrong = Proposal((Part(buyer, None, 10_00),), evidence=PLAIN)
        for rank, one in enumerate((wrong, right), start=1):
            session.add(
                MatchProposal(bank_line_id=number, rank=rank, probability=0.4, content=one.stored(), made_at=NOW)
            )
        session.flush()
        made = apply_line(session, number, right, by="user:1", now=NOW)
        assert samples(session) == [Sample((PLAIN, LUCKY), 1)]
        undo(session, made, why="no", by="user:1", now=NOW)
        assert samples(session) == []


def test_weights_are_learnt_from_enough_decisions_and_kept(kernel: Kernel) -> None:
    def decided(count: int) -> None:
        with kernel.database.transaction() as session:
            entity = seller(session, code=f"E{count}")
            for n in range(count):
                number = line(session, entity, 100 + n)
                proposed = [{"parts": [[1, 1, 100 + n]], "evidence": LUCKY if n % 10 else PLAIN}]
                parts = [[1, 1, 100 + n]] if n % 10 else [[1, None, 100 + n]]
                content = {"parts": parts, "proposed": proposed, "payments": [], "entries": [], "allocations": []}
                session.add(
                    CashApplication(
                        bank_line_id=number, entity_id=entity, automatic=False, content=content, made_by="user:1",
                        made_at=NOW,
                    )
                )  # fmt: skip

    decided(5)
    assert "too few" in learn_matching(kernel, {}, NOW)
    with kernel.database.reading() as session:
        assert newest_weights(session) == PRIORS
    decided(LEAST)
    assert learn_matching(kernel, {}, NOW + timedelta(days=7)) == f"learnt from {LEAST + 5} decisions"
    with kernel.database.reading() as session:
        learnt = newest_weights(session)
        assert learnt.matches == LEAST + 5
        assert learnt.score(LUCKY) > PRIORS.score(LUCKY) + 1
        assert learnt.score(PLAIN) < learnt.score(LUCKY)
        assert len(session.exec(select(MatchModel)).all()) == 1
