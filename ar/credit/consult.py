"""Credit asked before an order is accepted: facts, a pure decision, and nothing stored.

    answer = consult(session, 17, amount_minor=..., currency="EUR", entity_id=..., unbilled_minor=..., today=today)
    answer.granted, answer.reasons  # Reason(code, words, data); ar.credit.words tells them
    answers = consult_all(session, asked, unbilled=..., today=today)  # many at once, one answer for each, in order

Whoever accepts orders calls lock() first: two orders accepted at once would each fit a limit that both together exceed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlmodel import Session, col

from ar.core.db import among
from ar.credit.decision import CreditAnswer, decide
from ar.credit.exposure import Unbilled
from ar.credit.facts import Asked, gather, group_of
from ar.credit.family import above
from ar.customers.models import Account

__all__ = ["Asked", "CreditAnswer", "Unbilled", "consult", "consult_all", "group_of", "lock"]


def consult(
    session: Session,
    account_id: int,
    *,
    amount_minor: int,
    currency: str,
    unbilled_minor: int = 0,
    entity_id: int | None = None,
    today: date,
) -> CreditAnswer:
    """Whether an order of `amount_minor` is covered, as of `today`. Minor units of `currency`, VAT included.

    `unbilled_minor` is what the account has ordered before and was not billed yet. It counts for the seller
    `entity_id`, or without one for each, as the order does. Where sellers have limits of their own, or a group shares
    one, consult_all() takes what is unbilled by account and seller. Raises AccountNotFoundError, CurrencyError.
    """
    unbilled = [Unbilled(account_id, entity_id, currency, unbilled_minor)] if unbilled_minor else []
    [answer] = consult_all(
        session, [Asked(account_id, amount_minor, currency, entity_id)], unbilled=unbilled, today=today
    )
    return answer


def consult_all(
    session: Session, asked: Sequence[Asked], *, unbilled: Sequence[Unbilled] = (), today: date
) -> list[CreditAnswer]:
    """The answer to each of `asked`, in their order, each as if it were alone: none counts in another's exposure.

    `unbilled` is what is ordered and not billed yet of any accounts, those of group_of() at least; each limit picks
    what it covers. A handful of queries, however many are asked. Raises AccountNotFoundError, CurrencyError.
    """
    return [decide(facts, today=today) for facts in gather(session, asked, unbilled=unbilled, today=today)]


def lock(session: Session, account_ids: Sequence[int]) -> None:
    """Keep others from accepting orders that share a limit with these accounts until the transaction ends.

    Locks the accounts and all above them, always in the order of their ids, so that no two wait for each other.
    """
    ids = sorted(set().union(*above(session, account_ids).values()))
    query = select(col(Account.id)).where(among(session, col(Account.id), ids)).order_by(col(Account.id))
    # key_share: entries of these accounts, which refer to them, may still be written meanwhile.
    session.connection().execute(query.with_for_update(key_share=True)).all()
