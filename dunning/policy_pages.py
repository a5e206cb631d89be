"""Pages: the policies, one of them with its ladder and what a simulation gave, and the form of its next version."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, col, select

from ar.core.errors import DomainError, Fault
from ar.core.i18n import marked as _
from ar.core.kernel import Kernel
from ar.core.web import Cursor, Id, KernelDep, NowDep, Principal, SessionDep, allow, page, paged, redirect
from dunning.models import DunningPolicy
from dunning.policies import Scope, activate, draft_policy, policies_in_force, seed_policies, stored_policy
from dunning.policy import Policy, PolicyError, parse_policy

router = APIRouter(include_in_schema=False)

LONGEST = 50_000
"""Characters of a policy as it is typed."""


@router.get("/dunning/policies")
def policies(
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:read")],
    cursor: Cursor = None,
) -> HTMLResponse:
    """Every version of every policy, the newest first."""
    found = paged(session, select(DunningPolicy), key=(col(DunningPolicy.id).desc(),), cursor=cursor, limit=50)
    in_force = policies_in_force(session, now=now)
    return page(
        request,
        kernel,
        principal,
        "console/policies/list.html",
        rows=found.items,
        live={policy.label for policy in (in_force.company, *in_force.by_entity.values(), *in_force.by_name.values())},
        next_cursor=found.next_cursor,
        may_act=principal.may("dunning:write"),
    )


@router.post("/dunning/policies/shipped")
def store_shipped(
    session: SessionDep, kernel: KernelDep, now: NowDep, principal: Annotated[Principal, allow("dunning:write")]
) -> Response:
    """Store the shipped policies, to draft one's own from; where any is stored already nothing changes."""
    seed_policies(session, now=now)
    return redirect(kernel, principal, "/dunning/policies", done=_("The shipped policies are here to draft from."))


@router.get("/dunning/policies/{policy_id}")
def one_policy(
    policy_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:read")],
) -> HTMLResponse:
    """One version: its ladder, its limits, what it would have done, and the form of the next."""
    return policy_page(request, session, kernel, principal, stored_policy(session, policy_id), now=now)


def policy_page(
    request: Request,
    session: Session,
    kernel: Kernel,
    principal: Principal,
    row: DunningPolicy,
    *,
    now: datetime,
    typed: str | None = None,
    error: DomainError | None = None,
) -> HTMLResponse:
    policy = parse_policy(row.name, row.version, row.body)
    return page(
        request,
        kernel,
        principal,
        "console/policies/policy.html",
        status=error.status if error else 200,
        row=row,
        policy=policy,
        live=_is_live(session, policy, now=now),
        typed=typed if typed is not None else json.dumps(row.body, indent=2, ensure_ascii=False),
        error=error,
        may_act=principal.may("dunning:write"),
    )


def _is_live(session: Session, policy: Policy, *, now: datetime) -> bool:
    in_force = policies_in_force(session, now=now)
    return policy in (in_force.company, *in_force.by_entity.values(), *in_force.by_name.values())


@router.post("/dunning/policies/{policy_id}/next")
def next_version(
    policy_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    body: Annotated[str, Form(max_length=LONGEST)] = "",
) -> Response:
    """Draft the next version of a policy, for those for whom this one is."""
    row = stored_policy(session, policy_id)
    scope = Scope(row.entity_id, row.segment, row.named)
    try:
        made = draft_policy(session, row.name, _read(body), scope=scope, by=principal.actor, now=now)
    except DomainError as error:
        return policy_page(request, session, kernel, principal, row, now=now, typed=body, error=error)
    return redirect(
        kernel, principal, f"/dunning/policies/{made.id}", done=_("Drafted: nothing changes until it goes live.")
    )


def _read(typed: str) -> dict[str, Any]:
    """What was typed, as data. Raises PolicyError for what is no JSON object."""
    try:
        found = json.loads(typed)
    except (ValueError, RecursionError) as error:
        told = f"this is not JSON: {error}" if isinstance(error, ValueError) else "this is nested too deeply"
        raise PolicyError(told, faults=[Fault("/", told)]) from None
    if not isinstance(found, dict):
        raise PolicyError("write the policy as a JSON object", faults=[Fault("/", "not an object")])
    return found


@router.post("/dunning/policies/{policy_id}/activate")
def put_in_force(
    policy_id: Id,
    request: Request,
    session: SessionDep,
    kernel: KernelDep,
    now: NowDep,
    principal: Annotated[Principal, allow("dunning:write")],
    reason: Annotated[str, Form(max_length=400)] = "",
) -> Response:
    """Put a draft in force at once."""
    row = stored_policy(session, policy_id)
    try:
        activate(session, policy_id, active_from=now, reason=reason, by=principal.actor, now=now)
    except DomainError as error:
        return policy_page(request, session, kernel, principal, row, now=now, error=error)
    return redirect(kernel, principal, f"/dunning/policies/{policy_id}", done=_("In force from now on."))
