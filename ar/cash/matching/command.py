"""`amiable match`: what the money of a bank file would be applied to here, told without storing anything."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlmodel import Session

from ar.cash.bank.command import content_of
from ar.cash.bank.own_accounts import own_account
from ar.cash.bank.profiles import chosen_or_own
from ar.cash.bank.readers.facts import Line, Status, statements
from ar.cash.bank.readers.read import parts_of
from ar.cash.bank.tell import told_line
from ar.cash.matching import queue
from ar.cash.matching.facts import Decision, Proposal
from ar.cash.matching.gather import Expectations, Seen, incoming_of
from ar.cash.matching.run import decisions
from ar.cash.matching.words import told, why_not_told
from ar.core import clock
from ar.core.kernel import Kernel
from ar.core.money import plain
from ar.customers.entities import bank_accounts
from ar.customers.models import BankAccount


def run(
    kernel: Kernel,
    file: Path,
    expected: Expectations,
    *,
    profile: str | None,
    account: str,
    currency: str,
    as_json: bool,
    out: Console,
) -> None:
    """Print what would be done with each line of `file` that brings money. Raises what the readers raise,
    UnknownBankAccountError for an account that is not registered."""
    content = content_of(file)
    with kernel.database.reading() as session:
        accounts = bank_accounts(session)
        lines = [
            (own_account(accounts, account or one.account, one.currency), line)
            for one in statements(
                parts_of(content, profiles=chosen_or_own(profile), account=account, currency=currency)
            )
            for line in one.lines
            if line.amount_minor > 0 and line.status is Status.BOOKED
        ]
        found = _decided(session, kernel, lines, expected)
    if as_json:
        out.file.write(json.dumps({"lines": found}, ensure_ascii=False, indent=2) + "\n")
        return
    table = Table("Booked", "Amount", "", "From", "What", "For", "Why")
    for one in found:
        best = one["proposals"][0] if one["proposals"] else {"parts": [], "reasons": []}
        table.add_row(
            one["booking_date"],
            Text(plain(one["amount_minor"], one["currency"]), justify="right"),
            one["currency"],
            Text(one["counterparty_name"]),
            one["verdict"],
            Text(", ".join(part["reference"] or "on account" for part in best["parts"])),
            Text("; ".join([*best["reasons"], *([one["why_not"]] if one["why_not"] else [])])),
        )
    out.print(table)


def _decided(
    session: Session, kernel: Kernel, lines: Sequence[tuple[BankAccount, Line]], expected: Expectations
) -> list[dict[str, Any]]:
    """Each line as `amiable bank read` tells it, and what would be done with it."""
    incoming = [incoming_of(line, number=n, entity_id=owner.entity_id) for n, (owner, line) in enumerate(lines)]
    made = decisions(session, incoming, Seen(), expected, now=clock.now())
    named = queue.items_named(session, sorted({entry for one in made for entry in _entries(one)}))
    return [told_line(line) | _told(kernel, one, named) for (_, line), one in zip(lines, made, strict=True)]


def _entries(decision: Decision) -> set[int]:
    parts = [part for proposal in decision.proposals for part in proposal.parts]
    return {part.entry_id for part in parts if part.entry_id is not None}


def _told(kernel: Kernel, decision: Decision, named: Mapping[int, Any]) -> dict[str, Any]:
    language = kernel.settings.default_language

    def proposal(one: Proposal) -> dict[str, Any]:
        stored = one.stored()
        return {
            "probability": round(one.probability, 6),
            "parts": [
                {
                    "account_id": part.account_id,
                    "entry_id": part.entry_id,
                    "reference": named[part.entry_id].reference if part.entry_id is not None else None,
                    "amount_minor": part.amount_minor,
                }
                for part in one.parts
            ],
            "residuals": stored["residuals"],
            "nettings": stored["nettings"],
            "reasons": [told(kernel.renderer, reason, language=language) for reason in one.reasons],
        }

    return {
        "verdict": decision.verdict.value,
        "why_not": why_not_told(kernel.renderer, decision.why_not, language=language),
        "proposals": [proposal(one) for one in decision.proposals],
    }
