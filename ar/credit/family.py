"""Who stands above whom: the groups over which a limit can be shared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import CTE, select
from sqlmodel import Session, col

from ar.core.db import among
from ar.customers.models import Account


def above(session: Session, account_ids: Sequence[int]) -> dict[int, set[int]]:
    """Each of the accounts with itself and every account above it."""
    up = (
        select(col(Account.id).label("root"), col(Account.id).label("id"), col(Account.parent_id))
        .where(among(session, col(Account.id), account_ids))
        .cte("up", recursive=True)
    )
    up = up.union(
        select(up.c.root, col(Account.id), col(Account.parent_id)).join(up, col(Account.id) == up.c.parent_id)
    )
    return _paired(session, up)


def below(session: Session, account_ids: Sequence[int]) -> dict[int, set[int]]:
    """Each of the accounts with itself and every account below it."""
    down = (
        select(col(Account.id).label("root"), col(Account.id).label("id"))
        .where(among(session, col(Account.id), account_ids))
        .cte("down", recursive=True)
    )
    down = down.union(select(down.c.root, col(Account.id)).join(down, col(Account.parent_id) == down.c.id))
    return _paired(session, down)


def _paired(session: Session, tree: CTE) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for root, member in session.connection().execute(select(tree.c.root, tree.c.id)):
        found[root].add(member)
    return dict(found)
