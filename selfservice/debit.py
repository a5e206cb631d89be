"""The customer's own pages of direct debit: read and sign a mandate, see it, take it back."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session, col, select

from ar.cash.mandates.creditor import creditors
from ar.cash.mandates.manage import living_mandate, masked
from ar.cash.mandates.models import Mandate, MandateState, Scheme
from ar.cash.mandates.sign import Signer, revoke, sign_online, words_of
from ar.core.errors import DomainError
from ar.core.web import Id, SessionDep, ShortText, client_address
from ar.customers.accounts import account
from ar.customers.models import AccountKind
from selfservice.frame import VisitDep, shown
from selfservice.position import positions, sellers
from selfservice.visits import Visit, Visitor

router = APIRouter(include_in_schema=False)

PATH = "/portal/direct-debit"
FLASHES = ("signed", "revoked")


@router.get(PATH)
def direct_debit(
    request: Request,
    session: SessionDep,
    visit: VisitDep,
    scheme: Scheme = Scheme.CORE,
    done: Annotated[str, Query(max_length=20)] = "",
) -> HTMLResponse:
    """The mandate with each seller that collects, or the words to sign one."""
    return _page(request, session, visit, visit.by(session), scheme, done=done if done in FLASHES else "")


@router.post(f"{PATH}/sign")
def sign(
    request: Request,
    session: SessionDep,
    visit: VisitDep,
    entity_id: Annotated[int, Form(ge=1, le=2**63 - 1)],
    name: Annotated[ShortText, Form()],
    iban: Annotated[ShortText, Form()],
    scheme: Annotated[Scheme, Form()] = Scheme.CORE,
    agreed: Annotated[bool, Form()] = False,
) -> Response:
    """Sign the mandate that was read; what was agreed to is kept word by word."""
    visitor = visit.by(session)
    signer = Signer(
        name=name,
        address=client_address(request, visit.kernel),
        browser=request.headers.get("user-agent", ""),
        language=visitor.language,
    )
    try:
        if not agreed:
            raise NotAgreedError("Tick that you agree, so that the mandate is signed")
        sign_online(
            session,
            visit.kernel,
            entity_id=entity_id,
            account_id=visitor.account_id,
            scheme=scheme,
            iban=iban,
            signer=signer,
            by=visitor.actor,
            now=visit.now,
        )
    except DomainError as error:
        session.rollback()
        given = {"name": name, "iban": iban, "entity_id": entity_id}
        return _page(request, session, visit, visitor, scheme, error=error, given=given)
    return RedirectResponse(f"{PATH}?done=signed", 303)


class NotAgreedError(DomainError):
    code = "not-agreed"


@router.post(f"{PATH}/{{mandate_id}}/revoke")
def take_back(mandate_id: Id, session: SessionDep, visit: VisitDep) -> RedirectResponse:
    """Take a mandate back: nothing more is collected under it."""
    visitor = visit.by(session)
    revoke(session, mandate_id, account_id=visitor.account_id, by=visitor.actor, now=visit.now)
    return RedirectResponse(f"{PATH}?done=revoked", 303)


def _page(
    request: Request,
    session: Session,
    visit: Visit,
    visitor: Visitor,
    scheme: Scheme,
    *,
    done: str = "",
    error: DomainError | None = None,
    given: dict[str, object] | None = None,
) -> HTMLResponse:
    known = creditors(session)
    concerned = [position.seller for position in positions(session, visitor.account_id)]
    collecting = [seller for seller in concerned if seller.id in known]
    offered = [seller for number, seller in sellers(session).items() if number in known]
    mandates, forms = [], []
    for seller in collecting or offered[:1]:
        held = living_mandate(session, visitor.account_id, seller.id)
        if held is not None and held.state is not MandateState.UNSIGNED:
            mandates.append(held)
        elif held is None:
            forms.append((seller, words_of(session, visit.kernel, seller.id, scheme, language=visitor.language)))
    customer = account(session, visitor.account_id)
    return shown(
        request,
        visit,
        visitor,
        "portal/direct_debit.html",
        concerned[0],
        status_code=200 if error is None else error.status,
        mandates=[(mandate, masked(mandate.iban)) for mandate in mandates],
        ended=_ended(session, visitor.account_id),
        forms=forms,
        scheme=scheme.value,
        may_choose=customer.kind is not AccountKind.CONSUMER,
        sellers=sellers(session),
        given=given or {"name": customer.legal_name, "iban": "", "entity_id": None},
        done=done,
        error=error,
    )


def _ended(session: Session, account_id: int) -> list[Mandate]:
    """The customer's mandates that are over, the newest first."""
    over = (MandateState.CANCELLED, MandateState.LAPSED, MandateState.USED)
    query = select(Mandate).where(Mandate.account_id == account_id, col(Mandate.state).in_(over))
    return list(session.exec(query.order_by(col(Mandate.id).desc()).limit(20)))
