"""What people's decisions teach the engine: the weights of its evidence, and how often it would have been wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from ar.cash.matching.models import CashApplication, MatchModel
from ar.cash.matching.weights import LEAST, PRIORS, Sample, Weights, learn
from ar.core.kernel import Kernel

_MOST = 50_000
"""How many decisions are learnt from, the newest."""


def newest_weights(session: Session) -> Weights:
    """The weights learnt last; what the product came with until there were any."""
    kept = session.exec(select(MatchModel).order_by(col(MatchModel.id).desc()).limit(1)).first()
    return Weights.restored(kept.content) if kept else PRIORS


def samples(session: Session) -> list[Sample]:
    """What was proposed when a person decided, and which of it was right; and what was applied untouched and undone."""
    query = (
        select(CashApplication.automatic, CashApplication.content, CashApplication.undone_at)
        .where(col(CashApplication.automatic).is_(False) | col(CashApplication.undone_at).is_not(None))
        .order_by(col(CashApplication.id).desc())
        .limit(_MOST)
    )
    found = []
    for automatic, content, undone_at in session.exec(query):
        if automatic:
            found.append(Sample((content["evidence"],), None))
        elif undone_at is None and "proposed" in content:
            found.append(_sample(content))
    return found


def _sample(content: Mapping[str, Any]) -> Sample:
    chosen = {tuple(part) for part in content["parts"]}
    proposed: Sequence[Mapping[str, Any]] = content["proposed"]
    right = next((n for n, one in enumerate(proposed) if {tuple(part) for part in one["parts"]} == chosen), None)
    return Sample(tuple(one["evidence"] for one in proposed), right)


def learn_matching(kernel: Kernel, _arguments: dict[str, Any], now: datetime) -> str:
    """Job: learn the weights anew from what people decided; with too few decisions they stay as they are."""
    with kernel.database.transaction() as session:
        known = samples(session)
        if len(known) < LEAST:
            return f"{len(known)} decisions: too few to learn from, {LEAST} are needed"
        learnt = learn(known, PRIORS)
        session.add(MatchModel(trained_at=now, matches=len(known), content=learnt.stored()))
    return f"learnt from {len(known)} decisions"
