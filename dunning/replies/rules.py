"""The phrases by which letters are understood, read once from data/phrases.toml. Pure."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ar.disputes.models import Reason
from dunning.replies.kinds import ReplyKind

DATA = Path(__file__).parent / "data"
WEIGHTS = {"strong": 3, "weak": 1}
"""How much a rule counts beside the model, whose word counts one."""


@dataclass(frozen=True)
class Rule:
    """`pattern` in a plain sentence means `kind`, unless `unless` is found; weakly without a day where `needs_day`."""

    kind: ReplyKind
    weight: int
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None
    needs_day: bool


@dataclass(frozen=True)
class Phrases:
    rules: tuple[Rule, ...]
    reasons: tuple[tuple[Reason, re.Pattern[str]], ...]
    automatic: dict[str, re.Pattern[str]]


@lru_cache(maxsize=1)
def phrases() -> Phrases:
    """The shipped phrases."""
    told: dict[str, Any] = tomllib.loads((DATA / "phrases.toml").read_text(encoding="utf-8"))
    rules = tuple(
        Rule(
            ReplyKind(one["kind"]),
            WEIGHTS[one["weight"]],
            re.compile(one["pattern"]),
            re.compile(one["unless"]) if "unless" in one else None,
            one.get("needs") == "day",
        )
        for one in told["rule"]
    )
    reasons = tuple((Reason(one["code"]), re.compile(one["pattern"])) for one in told["reason"])
    return Phrases(rules, reasons, {name: re.compile(pattern) for name, pattern in told["automatic"].items()})


def plain(sentence: str) -> str:
    """`sentence` as the phrases are written: small letters without accents, straight apostrophes, single spaces."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", sentence.casefold()) if not unicodedata.combining(c))
    return " ".join(bare.replace("\u2019", "'").split())


def rules_found(sentence: str, *, day: bool) -> dict[ReplyKind, int]:
    """The kinds that the phrases of a plain sentence mean, each with the weight of its strongest rule. `day` says
    whether a day is said in it."""
    found: dict[ReplyKind, int] = {}
    for rule in phrases().rules:
        if not rule.pattern.search(sentence) or (rule.unless and rule.unless.search(sentence)):
            continue
        weight = rule.weight if day or not rule.needs_day else WEIGHTS["weak"]
        found[rule.kind] = max(found.get(rule.kind, 0), weight)
    return found


def reason_of(sentence: str) -> Reason:
    """Why an invoice is contested, by the words of a plain sentence."""
    return next((reason for reason, pattern in phrases().reasons if pattern.search(sentence)), Reason.OTHER)
