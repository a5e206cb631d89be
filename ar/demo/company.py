"""The simulated company: its legal entities, staff, customers and invoices, all from one seed. Pure.

Names are invented and addresses end in .example: whatever resembles a real company does so by chance.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from math import log
from random import Random

from ar.core.calendars import is_business_day, month_end, zone_of
from ar.core.money import exponent
from ar.demo.dice import dice, poisson, spread
from ar.demo.payers import Habit, Temper
from ar.demo.words import LEGAL_FORM, company_name


@dataclass(frozen=True)
class PlannedEntity:
    code: str
    name: str
    country: str
    currency: str
    language: str
    email: str
    street: str
    postcode: str
    city: str
    iban: str
    vat_number: str
    registration: str | None = None


@dataclass(frozen=True)
class PlannedUser:
    name: str
    email: str
    role: str
    language: str


@dataclass(frozen=True)
class PlannedContact:
    name: str
    email: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class PlannedAccount:
    """A customer. `payer` is the code of the account that pays for it: its parent's, or its own."""

    code: str
    legal_name: str
    country: str
    language: str
    currency: str
    time_zone: str
    segment: str
    owner: str
    entity: str
    contacts: tuple[PlannedContact, ...]
    temper: Temper
    terms: str
    customer_since: date
    parent: str | None = None
    buys_abroad: bool = False

    @property
    def payer(self) -> str:
        return self.parent or self.code


@dataclass(frozen=True)
class PlannedInvoice:
    """`key` is stable for a seed; `number` is chronological and without gaps within an entity and year."""

    key: str
    number: str
    entity: str
    account: str
    issued_on: date
    due_on: date
    amount_minor: int
    currency: str


@dataclass(frozen=True)
class PlannedRate:
    currency: str
    rate_on: date
    per_euro: Decimal


@dataclass(frozen=True)
class Plan:
    """All that the company is and will bill, from `first_day` to `today`; invoices in order of issue."""

    seed: int
    first_day: date
    today: date
    entities: tuple[PlannedEntity, ...]
    users: tuple[PlannedUser, ...]
    accounts: tuple[PlannedAccount, ...]
    invoices: tuple[PlannedInvoice, ...]
    rates: tuple[PlannedRate, ...]


ENTITIES = (
    PlannedEntity(
        "BRF",
        "Belle-Rive Fournitures SAS",
        "FR",
        "EUR",
        "fr",
        "comptes@belle-rive.example",
        "12 quai des Essais",
        "69000",
        "Lyon",
        "FR7630006000011234567890189",
        "FR11999999998",
        "999999998",
    ),
    PlannedEntity(
        "BRS",
        "Belle-Rive Supplies Ltd",
        "GB",
        "GBP",
        "en",
        "accounts@belle-rive.example",
        "4 Sample Row",
        "EC1A 1AA",
        "London",
        "GB29NWBK60161331926819",
        "GB999990021",
    ),
)
SELLS_FROM = {entity.code: entity.country for entity in ENTITIES}

USERS = tuple(
    PlannedUser(name, f"{mailbox}@demo.example", role, language)
    for name, mailbox, role, language in (
        ("Demo administrator", "admin", "admin", "en"),
        ("Demo credit manager", "credit", "credit_manager", "en"),
        ("Demo collector, France", "collector", "collector", "fr"),
        ("Demo collector, abroad", "collector2", "collector", "en"),
        ("Demo cash desk", "cash", "cash", "en"),
        ("Demo sales", "sales", "sales", "fr"),
        ("Demo CFO", "cfo", "cfo", "en"),
        ("Demo auditor", "auditor", "auditor", "en"),
    )
)

COUNTRIES = {"FR": 48, "BE": 6, "LU": 2, "DE": 6, "NL": 3, "IE": 3, "GB": 18, "US": 12, "CA": 2}
FRENCH_SPEAKING = ("FR", "BE", "LU", "CA")
CURRENCY = {"GB": "GBP", "US": "USD", "CA": "USD"}
SEGMENTS = {"key": 10, "mid": 30, "small": 60}
HABITS = {
    Habit.PROMPT: 40,
    Habit.EARLY: 9,
    Habit.LATE: 15,
    Habit.SEASONAL: 9,
    Habit.FORGETFUL: 15,
    Habit.DISPUTER: 7,
    Habit.IN_DIFFICULTY: 5,
}
TERMS = {"net30": 45, "net45": 18, "net60": 15, "eom30": 22}
MONTHLY = {"key": 5.1, "mid": 2.1, "small": 0.68}
"""Invoices a month, by segment: about 8,000 for 300 accounts over 18 months."""
MEDIAN = {"key": 8_600, "mid": 2_300, "small": 640}
"""Median invoice, in major units."""
SEASON = (0.90, 0.95, 1.08, 1.0, 1.0, 1.1, 0.95, 0.65, 1.12, 1.12, 1.08, 1.05)
"""How busy each month is, January first."""
START_RATES = {"GBP": 0.8560, "USD": 1.0850}


def company(*, seed: int, customers: int, months: int, today: date) -> Plan:
    """The company of `seed` with `customers` accounts, over the `months` that end on `today`."""
    first_day = _months_before(today, months)
    accounts = _with_groups(_accounts(seed, customers, first_day, today), seed)
    drafts = [draft for account in accounts for draft in _invoices(seed, account, first_day, today)]
    return Plan(
        seed=seed,
        first_day=first_day,
        today=today,
        entities=ENTITIES,
        users=USERS,
        accounts=tuple(accounts),
        invoices=tuple(_numbered(drafts)),
        rates=tuple(_rates(seed, first_day, today)),
    )


def due_day(issued_on: date, terms: str) -> date:
    """The due date under `terms`: 'net30' is 30 days from issue, 'eom30' the end of the month in which those end."""
    days = int(terms[3:])
    day = issued_on + timedelta(days)
    return month_end(day) if terms.startswith("eom") else day


def _accounts(seed: int, count: int, first_day: date, today: date) -> list[PlannedAccount]:
    rng = dice(seed, "accounts")
    countries, segments = spread(COUNTRIES, count, rng), spread(SEGMENTS, count, rng)
    habits, terms = spread(HABITS, count, rng), spread(TERMS, count, rng)
    return [
        _account(dice(seed, "account", n), n, countries[n], segments[n], habits[n], terms[n], first_day, today)
        for n in range(count)
    ]


def _account(
    rng: Random, n: int, country: str, segment: str, habit: Habit, terms: str, first_day: date, today: date
) -> PlannedAccount:
    language = "fr" if country in FRENCH_SPEAKING else "en"
    name = company_name(language, n % 600)
    domain = f"{_slug(name)}-{n + 1}.example"
    desks = ("Comptabilité fournisseurs", "Direction financière") if language == "fr" else ("Accounts payable", "CFO")
    contacts = [PlannedContact(desks[0], f"accounts@{domain}", ("billing", "paying"))]
    if segment != "small":
        contacts.append(PlannedContact(desks[1], f"finance@{domain}", ("management",)))
    span = (today - first_day).days
    return PlannedAccount(
        code=f"C{n + 1:05d}",
        legal_name=f"{name} {rng.choice(LEGAL_FORM[country])}",
        country=country,
        language=language,
        currency=CURRENCY.get(country, "EUR"),
        time_zone=zone_of(country),
        segment=segment,
        owner=USERS[2].email if language == "fr" else USERS[3].email,
        entity="BRS" if country in CURRENCY else "BRF",
        contacts=tuple(contacts),
        temper=_temper(rng, habit, country, first_day, span),
        terms=terms,
        customer_since=first_day if rng.random() < 0.85 else first_day + timedelta(rng.randint(0, span * 2 // 3)),
        buys_abroad=segment == "key" and country == "FR" and rng.random() < 0.3,
    )


def _temper(rng: Random, habit: Habit, country: str, first_day: date, span: int) -> Temper:
    return Temper(
        habit=habit,
        country=country,
        weekday=rng.choice((1, 3, 3, 4)),
        lag=rng.randint(5, 26),
        slow_months=rng.choice(((7, 8), (12, 1, 2), (1, 2), (8, 9))),
        trouble_on=first_day + timedelta(rng.randint(span // 4, max(span // 4, span * 3 // 4)))
        if habit is Habit.IN_DIFFICULTY
        else None,
    )


def _with_groups(accounts: list[PlannedAccount], seed: int) -> list[PlannedAccount]:
    """One group for every 75 accounts: a parent in the French market that pays for up to four others."""
    rng = dice(seed, "groups")
    home = [n for n, account in enumerate(accounts) if account.country == "FR"]
    changed = list(accounts)
    for _ in range(-(-len(accounts) // 75)):
        if len(home) < 3:
            break
        members = [home.pop(rng.randrange(len(home))) for _ in range(min(len(home), rng.randint(3, 5)))]
        parent = accounts[members[0]]
        temper = replace(parent.temper, habit=Habit.GROUP, trouble_on=None)
        since = min(accounts[n].customer_since for n in members)
        changed[members[0]] = replace(parent, temper=temper, segment="key", buys_abroad=False, customer_since=since)
        for n in members[1:]:
            child = accounts[n]
            changed[n] = replace(child, temper=temper, parent=parent.code, buys_abroad=False)
    return changed


def _invoices(seed: int, account: PlannedAccount, first_day: date, today: date) -> Iterator[PlannedInvoice]:
    rng = dice(seed, "invoices", account.code)
    pace = MONTHLY[account.segment] * rng.uniform(0.8, 1.2)
    median = MEDIAN[account.segment] * rng.lognormvariate(0, 0.4) * 10 ** exponent(account.currency)
    at_month_end = rng.random() < 0.25
    since = max(first_day, account.customer_since)
    month = since.replace(day=1)
    while month <= today:
        lived = sum(since <= day <= today for day in _working_days(month, account.country))
        share = lived / len(_working_days(month, account.country))
        for n in range(poisson(rng, pace * SEASON[month.month - 1] * share)):
            entity = "BRS" if account.buys_abroad and rng.random() < 0.2 else account.entity
            days = [day for day in _working_days(month, SELLS_FROM[entity]) if since <= day <= today]
            if not days:
                continue
            issued_on = days[-1 - rng.randrange(min(3, len(days)))] if at_month_end else rng.choice(days)
            yield PlannedInvoice(
                key=f"{account.code}/{month:%Y-%m}/{n}",
                number="",
                entity=entity,
                account=account.code,
                issued_on=issued_on,
                due_on=due_day(issued_on, account.terms),
                amount_minor=max(2_000, int(rng.lognormvariate(log(median), 0.7))),
                currency=account.currency,
            )
        month = month_end(month) + timedelta(1)


def _numbered(drafts: list[PlannedInvoice]) -> Iterator[PlannedInvoice]:
    counts: Counter[tuple[str, int]] = Counter()
    for draft in sorted(drafts, key=lambda each: (each.issued_on, each.key)):
        series = (draft.entity, draft.issued_on.year)
        counts[series] += 1
        yield replace(draft, number=f"{draft.entity}-{draft.issued_on.year}-{counts[series]:06d}")


def _rates(seed: int, first_day: date, today: date) -> Iterator[PlannedRate]:
    """A rate for every working day from a week before the first: a short random walk around the start."""
    rng = dice(seed, "rates")
    levels = dict(START_RATES)
    day = first_day - timedelta(7)
    while day <= today:
        if day.weekday() < 5:
            for currency, start in START_RATES.items():
                levels[currency] += rng.gauss(0, 0.003) * start + (start - levels[currency]) * 0.01
                yield PlannedRate(currency, day, Decimal(round(levels[currency] * 10_000)).scaleb(-4))
        day += timedelta(1)


@lru_cache(maxsize=256)
def _working_days(month: date, country: str) -> tuple[date, ...]:
    days = (month + timedelta(n) for n in range(month_end(month).day))
    return tuple(day for day in days if is_business_day(day, country))


def _months_before(day: date, months: int) -> date:
    """The day of the same number `months` earlier, or the last of that month when it has no such day."""
    whole = day.year * 12 + day.month - 1 - months
    first = date(whole // 12, whole % 12 + 1, 1)
    return first.replace(day=min(day.day, month_end(first).day))


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
