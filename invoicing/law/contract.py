"""Interest agreed with a customer: from which day, how much, and whether the law lets so little be agreed.

Code de commerce L441-10, II: a contract may not go below three times the legal rate. Both figures are rows of the law's
table; a rate below them is taken and warned of, for what a clause is worth is for counsel to say.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlmodel import Session, col, select

from ar.core.audit import Act, record
from ar.core.db import among
from ar.core.errors import DomainError, Fault
from ar.core.i18n import marked as _
from ar.customers.accounts import account
from ar.customers.entities import entities
from invoicing.law.models import ContractRate
from invoicing.law.rules import Law, Rule
from invoicing.law.table import law_of
from invoicing.models import LawKind
from invoicing.totals import decimal_text

_PERCENT = re.compile(r"\d{1,3}(\.\d{1,4})?", re.ASCII)


class ContractRateError(DomainError):
    """The rate cannot be as given; the faults say where and why."""

    code = "bad-contract-rate"


@dataclass(frozen=True)
class Agreed:
    """A rate in percent a year from a day on; None where the law's own holds again."""

    id: int
    percent: Decimal | None
    valid_from: date
    source: str


@dataclass(frozen=True)
class RateDraft:
    """A rate to enter: a plain decimal, percent a year; None gives the law's own rate back."""

    account_id: int
    percent: str | None
    valid_from: date
    source: str


@dataclass(frozen=True)
class FloorWarning:
    """A rate below the law's floor, or one that cannot be told. `sentence` is marked, `values` fill it in."""

    country: str
    floor_percent: Decimal | None
    sentence: str
    values: Mapping[str, object]


def agreed_on(rates: Sequence[Agreed], day: date) -> Agreed | None:
    """The rate agreed for a day: that which begins last, the one entered last among equals. None for the law's own."""
    begun = [rate for rate in rates if rate.valid_from <= day]
    last = max(begun, key=lambda rate: (rate.valid_from, rate.id), default=None)
    return last if last is not None and last.percent is not None else None


def with_agreed(law: Law, rates: Sequence[Agreed]) -> Law:
    """`law` with its rates of interest replaced by what is agreed, on the days for which something is."""
    if not rates:
        return law
    own = law.of(LawKind.INTEREST)
    ends = {rule.valid_to + timedelta(days=1) for rule in own if rule.valid_to is not None}
    starts = sorted({rule.valid_from for rule in own} | ends | {rate.valid_from for rate in rates})
    rules: list[Rule] = [rule for rule in law.rules if rule.kind is not LawKind.INTEREST]
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        last = following - timedelta(days=1) if following else None
        agreed, found = agreed_on(rates, start), law.find(LawKind.INTEREST, start)
        if agreed is not None and agreed.percent is not None:
            kind = LawKind.INTEREST
            rules.append(Rule(agreed.id, law.country, kind, agreed.percent, None, start, last, agreed.source))
        elif found is not None:
            rules.append(replace(found, jurisdiction=law.country, valid_from=start, valid_to=last))
    return Law(law.country, rules)


def below_floor(law: Law, percent: Decimal, *, on: date) -> FloorWarning | None:
    """What is wrong with agreeing on `percent` a year on a day; None for nothing, or where the law sets no floor."""
    multiple = law.find(LawKind.CONTRACT_MULTIPLE, on)
    if multiple is None:
        return None
    legal = law.find(LawKind.LEGAL_RATE, on)
    if legal is None:
        sentence = _("%(rule)s: the table has no legal rate for %(country)s on %(day)s, so the least rate is not known")
        values = {"rule": multiple.source, "country": law.country, "day": on.isoformat()}
        return FloorWarning(law.country, None, sentence, values)
    floor = multiple.value * legal.value
    if percent >= floor:
        return None
    sentence = _("%(rule)s: a contract agrees on at least %(floor)s %% a year; %(percent)s %% is agreed")
    values = {"rule": multiple.source, "floor": percent_text(floor), "percent": percent_text(percent)}
    return FloorWarning(law.country, floor, sentence, values)


def percent_text(percent: Decimal) -> str:
    """A percentage as a plain decimal without needless zeros, cut to four decimals: '7.86'."""
    return decimal_text(int(percent * 10_000), 4)


def rates_of(session: Session, account_id: int) -> list[ContractRate]:
    """The rates entered for a customer, the last entered first."""
    query = select(ContractRate).where(col(ContractRate.account_id) == account_id)
    return list(session.exec(query.order_by(col(ContractRate.id).desc())))


def agreed_rates(session: Session, account_ids: Sequence[int]) -> dict[int, list[Agreed]]:
    """The rates agreed with each of these customers, for those that have any."""
    found: dict[int, list[Agreed]] = defaultdict(list)
    for row in session.exec(select(ContractRate).where(among(session, col(ContractRate.account_id), account_ids))):
        found[row.account_id].append(Agreed(row.id or 0, row.percent, row.valid_from, row.source))
    return dict(found)


def floor_warnings(session: Session, percent: Decimal, *, on: date) -> list[FloorWarning]:
    """What the law of each seller's country has against a rate on a day."""
    countries = sorted({one.country for one in entities(session)})
    found = [below_floor(law_of(session, country), percent, on=on) for country in countries]
    return [warning for warning in found if warning is not None]


def agree_rate(session: Session, draft: RateDraft, *, by: str, now: datetime) -> ContractRate:
    """The rate just entered. It comes before an earlier one that begins on the same day or before.

    Raises AccountNotFoundError, or ContractRateError with the faults.
    """
    account(session, draft.account_id)
    faults = []
    if draft.percent is not None and not (_PERCENT.fullmatch(draft.percent) and Decimal(draft.percent) <= 100):
        given = draft.percent[:20]
        faults.append(
            Fault("/percent", f"{given!r} is not a percentage from 0 to 100 of at most 4 decimals, such as 8.5")
        )
    if not 1 <= len(draft.source.strip()) <= 200:
        faults.append(Fault("/source", "say where it is agreed, in at most 200 characters"))
    if faults:
        raise ContractRateError(f"The rate was not entered: {faults[0].message}", faults=faults)
    row = ContractRate(
        account_id=draft.account_id,
        percent=None if draft.percent is None else Decimal(draft.percent),
        valid_from=draft.valid_from,
        source=draft.source.strip(),
        entered_by=by,
        entered_at=now,
    )
    session.add(row)
    session.flush()
    record(session, [Act(by, "contract_rate.agreed", f"account:{draft.account_id}", {"after": asdict(draft)})], now=now)
    return row
