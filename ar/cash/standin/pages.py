"""The test gateway's payment page: what a customer would see at Stripe, clearly marked as a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ar.cash.gateway_amounts import from_gateway
from ar.cash.standin import play
from ar.cash.standin.charging import answered
from ar.cash.standin.desk import Desk, catch_up
from ar.cash.standin.parameters import RefusedError

_LEFT: dict[str, play.Act] = {
    "leave_card": play.leave(card="pm_card_visa"),
    "leave_declined": play.leave(card="pm_card_chargeCustomerFail"),
    "leave_insufficient": play.leave(card="pm_card_visa_chargeDeclinedInsufficientFunds"),
    "leave_expired": play.leave(card="pm_card_chargeDeclinedExpiredCard"),
    "leave_authenticate": play.leave(card="pm_card_authenticationRequired"),
    "leave_debit": play.leave(debit="pays"),
    "leave_debit_refused": play.leave(debit="bank_refuses"),
}
"""What may be left to be charged later, by how a charge of it goes."""

_AFTER: dict[str, play.Act] = {"take_back": play.take_back, "win_back": play.win_back, "lose": play.lose}
_INTENT_ACTS: dict[str, play.Act] = {
    **_AFTER,
    "confirm": answered(yes=True),
    "refuse": answered(yes=False),
    "transfer": play.transfer(part=1),
    "transfer_half": play.transfer(part=2),
    "bank_pays": play.debit_answered(pays=True),
    "bank_refuses": play.debit_answered(pays=False),
}
_LEAVING = ("card", "sepa", "sepa_refused", *_LEFT, "confirm", "refuse")
_MAX_FORM = 2000
_PAYABLE = ("checkout.session", "payment_intent")
_HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


class Pages(Protocol):
    """What renders a page: the product's Renderer, or any other."""

    def page(self, template: str, *, language: str, **context: Any) -> str: ...


def routes(desk: Desk, renderer: Pages) -> list[Route]:
    """The payment page's routes."""
    acts: dict[str, play.Act] = {
        "card": play.pay_by_card,
        "declined": play.decline_card,
        "sepa": play.debit(pays=True, answer_seconds=desk.answer_seconds),
        "sepa_refused": play.debit(pays=False, answer_seconds=desk.answer_seconds),
        "bank_pays": play.bank_answers(pays=True),
        "bank_refuses": play.bank_answers(pays=False),
        **_AFTER,
        **_LEFT,
    }

    async def show(request: Request) -> Response:
        return _page(request, desk, renderer, status=200)

    async def do(request: Request) -> Response:
        return await _act(request, desk, acts, lambda status: _page(request, desk, renderer, status=status))

    async def show_intent(request: Request) -> Response:
        return _intent_page(request, desk, renderer, status=200)

    async def do_intent(request: Request) -> Response:
        return await _act(
            request, desk, _INTENT_ACTS, lambda status: _intent_page(request, desk, renderer, status=status)
        )

    return [
        Route("/pay/{number}", show, methods=["GET"]),
        Route("/pay/{number}", do, methods=["POST"]),
        Route("/intents/{number}", show_intent, methods=["GET"]),
        Route("/intents/{number}", do_intent, methods=["POST"]),
    ]


async def _act(request: Request, desk: Desk, acts: Mapping[str, play.Act], page: Callable[[int], Response]) -> Response:
    """Play what the pressed button says, and go on to where that leads: back to the seller, or to the page anew."""
    if int(request.headers.get("content-length") or 0) > _MAX_FORM:
        return Response(status_code=413)
    wanted = parse_qs((await request.body())[:_MAX_FORM].decode("ascii", "replace")).get("act", [""])[0]
    catch_up(desk.store, desk.now())
    thing = None
    try:
        with desk.store.open() as kept:
            thing = kept.get(request.path_params["number"])
            if thing is not None and thing["object"] in _PAYABLE and wanted in acts:
                acts[wanted](thing, kept, desk.now())
    except RefusedError:
        wanted = "nothing"  # the page, shown anew, says where things stand
    if thing is None or wanted not in (*acts, "nothing"):
        return page(404 if thing is None else 400)
    desk.wake()
    back = thing.get("success_url") or thing.get("_return")
    if wanted in _LEAVING and back:
        return RedirectResponse(str(back).replace("{CHECKOUT_SESSION_ID}", thing["id"]), status_code=303)
    return RedirectResponse(f"{desk.base_url}{_tail(request)}", status_code=303)


def _tail(request: Request) -> str:
    """The page's own path, without what the test gateway is mounted under."""
    place = "pay" if "/pay/" in request.url.path else "intents"
    return f"/{place}/{request.path_params['number']}"


def _page(request: Request, desk: Desk, renderer: Pages, *, status: int) -> Response:
    catch_up(desk.store, desk.now())
    with desk.store.open() as kept:
        session = kept.get(request.path_params["number"])
        if session is None or session["object"] != "checkout.session":
            return _missing(request, renderer)
        charge = play.charge_status(session, kept)
        disputes = kept.of_intent(charge["payment_intent"], "dispute") if charge else []
    currency = (session["currency"] or "").upper()
    body = renderer.page(
        "portal/gateway/checkout.html",
        language=request.query_params.get("language") or session.get("locale") or "en",
        here=f"{desk.base_url}/pay/{session['id']}",
        mode=session["mode"],
        status=session["status"],
        lines=[(name, from_gateway(amount, currency)) for name, amount in session["_lines"]],
        total_minor=from_gateway(session["amount_total"], currency) if currency else 0,
        currency=currency,
        debit="sepa_debit" in session["payment_method_types"],
        card="card" in session["payment_method_types"],
        cancel_url=session["cancel_url"],
        success_url=str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"]),
        charge=charge["status"] if charge else "",
        disputed=disputes[-1]["status"] if disputes else "",
    )
    return HTMLResponse(body, status, _HEADERS)


def _intent_page(request: Request, desk: Desk, renderer: Pages, *, status: int) -> Response:
    catch_up(desk.store, desk.now())
    with desk.store.open() as kept:
        intent = kept.get(request.path_params["number"])
        if intent is None or intent["object"] != "payment_intent":
            return _missing(request, renderer)
        charge = play.charge_status(intent, kept)
        disputes = kept.of_intent(intent["id"], "dispute")
    currency = intent["currency"].upper()
    body = renderer.page(
        "portal/gateway/intent.html",
        language=request.query_params.get("language") or "en",
        here=f"{desk.base_url}/intents/{intent['id']}",
        status=intent["status"],
        total_minor=from_gateway(intent["amount"], currency),
        left_minor=from_gateway(intent["amount"] - intent.get("_funded", 0), currency),
        currency=currency,
        awaits_transfer="_reference" in intent,
        charge=charge["status"] if charge else "",
        disputed=disputes[-1]["status"] if disputes else "",
    )
    return HTMLResponse(body, status, _HEADERS)


def _missing(request: Request, renderer: Pages) -> Response:
    language = request.query_params.get("language") or "en"
    return HTMLResponse(renderer.page("portal/gateway/missing.html", language=language), 404)
