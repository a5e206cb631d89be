"""What is billed of subscriptions today, and what is held because a reference is missing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from ar.core.i18n import marked as _
from invoicing.billing.facts import Held, Outcome, Proposed, Reason
from invoicing.billing.periods import PlanFacts, proposed
from invoicing.terms.words import Say
from invoicing.totals import TotalsError, totals


def propose(plans: Sequence[PlanFacts], *, today: date, say: Say) -> Outcome:
    """An invoice for each period of `plans` to bill by `today`; a plan that lacks something is held whole."""
    invoices: list[Proposed] = []
    held: list[Held] = []
    for plan in plans:
        made = proposed(plan, today=today, say=say)
        if not made:
            continue
        reasons = [*_missing(plan), *_wrong(made, plan.currency)]
        if reasons:
            held.append(Held(f"plan:{plan.id}", plan.account_id, tuple(reasons)))
        else:
            invoices += made
    return Outcome(tuple(invoices), tuple(held))


def _missing(plan: PlanFacts) -> Iterator[Reason]:
    if plan.rule.needs_purchase_order and not plan.purchase_order:
        words = _("The purchase order number is missing: enter it on the plan.")
        yield Reason("purchase-order-missing", words)
    if plan.rule.needs_buyer_reference and not plan.buyer_reference:
        words = _("The buyer reference is missing: enter it on the plan. The customer wants it on every invoice.")
        yield Reason("buyer-reference-missing", words)


def _wrong(made: Sequence[Proposed], currency: str) -> Iterator[Reason]:
    for one in made:
        try:
            totals(one.draft.lines, currency)
        except TotalsError as error:
            words = _("It cannot be invoiced as it is: %(fault)s")
            yield Reason("not-invoiceable", words, {"fault": error.faults[0].message})
            return
