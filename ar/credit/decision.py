"""Whether an order is covered by credit, with the reasons in words and data. Pure.

An order is granted when no hold stands, nothing is overdue beyond the segment's rule, and it fits every limit that
concerns it: exposure + order <= limit. Exposure is what is owed (residuals less credits and unapplied cash) and what
is ordered and not billed yet, in the limit's currency. A limit that ended refuses until somebody sets a new one or
takes it back: credit is never unlimited because a date went by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from ar.core.i18n import marked as _
from ar.credit.models import HoldReason, WithoutLimit


@dataclass(frozen=True)
class Reason:
    """One reason. `words` is marked for translation, its %(name)s places are filled in from `data`.

    A value of `data` is a number, a text, {"minor": ..., "currency": ...} or {"day": "2026-03-16"}, so that a reason
    can be kept as JSON and told again later, in another language: see ar.credit.words.
    """

    code: str
    words: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Standing:
    """One limit and what counts against it, in minor units of its currency.

    `holder` names whose group it covers, `seller` whom alone it concerns; both are empty otherwise. `owed_minor` is
    below zero for a customer in credit.
    """

    limit_id: int
    amount_minor: int
    currency: str
    owed_minor: int
    ordered_minor: int
    order_minor: int
    holder: str = ""
    seller: str = ""

    @property
    def exposure_minor(self) -> int:
        """What is owed or ordered, this order left out."""
        return self.owed_minor + self.ordered_minor

    @property
    def left_minor(self) -> int:
        """What would be left of the limit after this order; below zero, by how much it would go above."""
        return self.amount_minor - self.exposure_minor - self.order_minor


@dataclass(frozen=True)
class Late:
    """What is overdue and uncontested, once what is in the customer's credit is set against the oldest of it."""

    minor: int
    currency: str
    since: date | None = None
    """The oldest due date that went by."""


@dataclass(frozen=True)
class Held:
    """A hold that stands."""

    id: int
    reason: HoldReason
    words: str
    since: date


@dataclass(frozen=True)
class Rule:
    """What a segment is held to; None switches a limit of lateness off."""

    without_limit: WithoutLimit = WithoutLimit.ACCEPT
    overdue_days: int | None = None
    overdue_minor: int | None = None
    currency: str = ""


@dataclass(frozen=True)
class CreditFacts:
    """All that one answer stands on. `late` is told in the rule's currency where that limits an amount."""

    account_id: int
    currency: str
    order_minor: int
    exposure_minor: int
    """Owed or ordered, of this account with all sellers, in `currency`: told where no limit is set."""
    standings: Sequence[Standing] = ()
    ended_on: date | None = None
    """The last day of the last limit, where a limit has ended and none has taken its place."""
    holds: Sequence[Held] = ()
    late: Late = Late(0, "EUR")
    rule: Rule = Rule()
    rates_missing: Sequence[str] = ()
    """Currencies that could not be converted: nothing is granted on half a sum."""


@dataclass(frozen=True)
class CreditAnswer:
    """Whether the order is granted and why, as of a day. Amounts in minor units of `currency`; `standings` has each
    limit that was asked.

    `limit_minor` is the tightest limit, None where none is set; `exposure_minor` what is owed or ordered against it,
    this order left out; `order_minor` the order in the limit's currency.
    """

    account_id: int
    granted: bool
    reasons: tuple[Reason, ...]
    currency: str
    limit_minor: int | None
    exposure_minor: int
    order_minor: int
    overdue_minor: int
    overdue_currency: str
    days_late: int
    as_of: date
    standings: tuple[Standing, ...] = ()

    @property
    def free_minor(self) -> int | None:
        """What was left of the limit before this order; None without a limit."""
        return None if self.limit_minor is None else self.limit_minor - self.exposure_minor

    def as_json(self) -> dict[str, Any]:
        """The answer as it is kept with what was decided on it."""
        return {**asdict(self), "as_of": self.as_of.isoformat(), "reasons": [asdict(reason) for reason in self.reasons]}


def decide(facts: CreditFacts, *, today: date) -> CreditAnswer:
    """The answer, with every reason against the order, or what lets it pass."""
    against = [*_missing(facts), *_held(facts), *_late(facts, today), *_limits(facts)]
    tightest = min(facts.standings, key=lambda one: (one.left_minor, one.limit_id), default=None)
    reasons = against or [
        _room(tightest) if tightest else Reason("no-limit", _("No credit limit is set for this customer"))
    ]
    since = facts.late.since
    return CreditAnswer(
        account_id=facts.account_id,
        granted=not against,
        reasons=tuple(reasons),
        currency=tightest.currency if tightest else facts.currency,
        limit_minor=tightest.amount_minor if tightest else None,
        exposure_minor=tightest.exposure_minor if tightest else facts.exposure_minor,
        order_minor=tightest.order_minor if tightest else facts.order_minor,
        overdue_minor=facts.late.minor,
        overdue_currency=facts.late.currency,
        days_late=(today - since).days if since else 0,
        as_of=today,
        standings=tuple(facts.standings),
    )


def _money(minor: int, currency: str) -> dict[str, Any]:
    return {"minor": minor, "currency": currency}


def _day(day: date) -> dict[str, str]:
    return {"day": day.isoformat()}


def _missing(facts: CreditFacts) -> list[Reason]:
    sentence = _(
        "There is no recent exchange rate for %(currency)s, so that what is owed cannot be told: import the rates"
    )
    return [Reason("no-rate", sentence, {"currency": currency}) for currency in facts.rates_missing]


def _held(facts: CreditFacts) -> list[Reason]:
    sentence = _("Credit is on hold since %(since)s: %(words)s")
    return [
        Reason(
            "on-hold",
            sentence,
            {"since": _day(hold.since), "words": hold.words, "reason": hold.reason.value, "hold_id": hold.id},
        )
        for hold in facts.holds
    ]


def _late(facts: CreditFacts, today: date) -> list[Reason]:
    late, rule = facts.late, facts.rule
    found = []
    if rule.overdue_days is not None and late.since and (today - late.since).days > rule.overdue_days:
        sentence = _("Something has been overdue since %(since)s (days late: %(days)s, allowed: %(allowed)s)")
        data = {"since": _day(late.since), "days": (today - late.since).days, "allowed": rule.overdue_days}
        found.append(Reason("overdue-days", sentence, data))
    if rule.overdue_minor is not None and late.minor > rule.overdue_minor:
        sentence = _("%(overdue)s is overdue, and at most %(allowed)s may be")
        data = {"overdue": _money(late.minor, late.currency), "allowed": _money(rule.overdue_minor, late.currency)}
        found.append(Reason("overdue-amount", sentence, data))
    return found


def _limits(facts: CreditFacts) -> list[Reason]:
    found = [_above(one) for one in facts.standings if one.left_minor < 0]
    if facts.ended_on is not None:
        sentence = _("The credit limit ended on %(day)s: set a new one, or take it back")
        found.append(Reason("limit-ended", sentence, {"day": _day(facts.ended_on)}))
    elif not facts.standings and facts.rule.without_limit is WithoutLimit.REFUSE:
        sentence = _("No credit limit is set for this customer, and its segment needs one")
        found.append(Reason("limit-missing", sentence))
    return found


def _data(one: Standing, beyond: int) -> dict[str, Any]:
    amounts = {
        "limit": one.amount_minor,
        "exposure": one.exposure_minor,
        "order": one.order_minor,
        "difference": beyond,
    }
    named = {"limit_id": one.limit_id, "holder": one.holder, "seller": one.seller}
    return {name: _money(minor, one.currency) for name, minor in amounts.items()} | named


def _above(one: Standing) -> Reason:
    """The sentence says whose limit it is: the customer's or its group's, with all sellers or with one."""
    sentences = {
        (False, False): _(
            "The limit is %(limit)s; %(exposure)s is owed or ordered; this order of %(order)s would go %(difference)s "
            "above it"
        ),
        (True, False): _(
            "The limit of the group of %(holder)s is %(limit)s; %(exposure)s is owed or ordered; this order of "
            "%(order)s would go %(difference)s above it"
        ),
        (False, True): _(
            "The limit with %(seller)s is %(limit)s; %(exposure)s is owed or ordered; this order of %(order)s would go "
            "%(difference)s above it"
        ),
        (True, True): _(
            "The limit of the group of %(holder)s with %(seller)s is %(limit)s; %(exposure)s is owed or ordered; this "
            "order of %(order)s would go %(difference)s above it"
        ),
    }
    return Reason("over-limit", sentences[bool(one.holder), bool(one.seller)], _data(one, -one.left_minor))


def _room(one: Standing) -> Reason:
    sentences = {
        (False, False): _(
            "The limit is %(limit)s; %(exposure)s is owed or ordered; this order of %(order)s leaves %(difference)s"
        ),
        (True, False): _(
            "The limit of the group of %(holder)s is %(limit)s; %(exposure)s is owed or ordered; this order of "
            "%(order)s leaves %(difference)s"
        ),
        (False, True): _(
            "The limit with %(seller)s is %(limit)s; %(exposure)s is owed or ordered; this order of %(order)s leaves "
            "%(difference)s"
        ),
        (True, True): _(
            "The limit of the group of %(holder)s with %(seller)s is %(limit)s; %(exposure)s is owed or ordered; this "
            "order of %(order)s leaves %(difference)s"
        ),
    }
    return Reason("within-limit", sentences[bool(one.holder), bool(one.seller)], _data(one, one.left_minor))


def late_of(overdue: Sequence[tuple[date, int]], credit_minor: int) -> tuple[int, date | None]:
    """What stays overdue of amounts by due date once `credit_minor` is set against the oldest, and since when."""
    left, since, kept = credit_minor, None, 0
    for due_on, minor in sorted(overdue):
        covered = min(left, minor)
        left -= covered
        if minor > covered:
            since = since or due_on
            kept += minor - covered
    return kept, since
