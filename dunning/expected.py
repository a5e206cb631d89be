"""The sums that customers promised and that have not come yet, for whoever finds out what money is for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlmodel import Session, col, select

from ar.cash.matching.facts import Expected
from ar.core.db import among
from dunning.models import Promise, PromiseItem, PromiseState


def promised_sums(session: Session, account_ids: Sequence[int]) -> dict[int, list[Expected]]:
    """Per account, the promises that are alive, each with the items that it is for."""
    query = (
        select(Promise, PromiseItem.entry_id)
        .join(PromiseItem, col(PromiseItem.promise_id) == col(Promise.id))
        .where(among(session, col(Promise.account_id), account_ids), Promise.state == PromiseState.ALIVE)
        .order_by(col(Promise.id), col(PromiseItem.entry_id))
    )
    items = defaultdict[int, list[int]](list)
    promises: dict[int, Promise] = {}
    for promise, entry_id in session.exec(query):
        assert promise.id is not None
        promises[promise.id] = promise
        items[promise.id].append(entry_id)
    found = defaultdict[int, list[Expected]](list)
    for number, promise in promises.items():
        told = Expected("promise", promise.amount_minor, promise.currency, promise.due_on, tuple(items[number]))
        found[promise.account_id].append(told)
    return dict(found)
