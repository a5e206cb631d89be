"""The test gateway's payment page: what a customer would see at Stripe, clearly marked as a test."""

from __future__ import annotations

from typing import Any, Protocol
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ar.cash.gateway_amounts import from_gateway
from ar.cash.standin import play
from ar.cash.standin.desk import Desk, catch_up
from ar.cash.standin.parameters import RefusedError

_LEAVING = ("card", "sepa", "sepa_refused")
_MAX_FORM = 2000


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
        "take_back": play.take_back,
        "win_back": play.win_back,
    }

    async def show(request: Request) -> Response:
        return _page(request, desk, renderer, status=200)

    async def do(request: Request) -> Response:
        if int(request.headers.get("content-length") or 0) > _MAX_FORM:
            return Response(status_code=413)
        wanted = parse_qs((await request.body())[:_MAX_FORM].decode("ascii", "replace")).get("act", [""])[0]
        catch_up(desk.store, desk.now())
        with desk.store.open() as kept:
            session = kept.get(request.path_params["session"])
            if session is None or wanted not in acts:
                return _page(request, desk, renderer, status=404 if session is None else 400)
            try:
                acts[wanted](session, kept, desk.now())
            except RefusedError:
                wanted = ""  # the page, shown anew, says where things stand
        desk.wake()
        if wanted in _LEAVING:
            target = str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
            return RedirectResponse(target, status_code=303)
        return RedirectResponse(f"{desk.base_url}/pay/{session['id']}", status_code=303)

    return [
        Route("/pay/{session}", show, methods=["GET"]),
        Route("/pay/{session}", do, methods=["POST"]),
    ]


def _page(request: Request, desk: Desk, renderer: Pages, *, status: int) -> Response:
    catch_up(desk.store, desk.now())
    with desk.store.open() as kept:
        session = kept.get(request.path_params["session"])
        charge = play.charge_status(session, kept) if session else None
        disputes = kept.of_intent(charge["payment_intent"], "dispute") if charge else []
    language = request.query_params.get("language") or (session or {}).get("locale") or "en"
    if session is None or session["object"] != "checkout.session":
        return HTMLResponse(renderer.page("portal/gateway/missing.html", language=language), 404)
    currency = session["currency"].upper()
    body = renderer.page(
        "portal/gateway/checkout.html",
        language=language,
        here=f"{desk.base_url}/pay/{session['id']}",
        status=session["status"],
        lines=[(name, from_gateway(amount, currency)) for name, amount in session["_lines"]],
        total_minor=from_gateway(session["amount_total"], currency),
        currency=currency,
        debit="sepa_debit" in session["payment_method_types"],
        card="card" in session["payment_method_types"],
        cancel_url=session["cancel_url"],
        success_url=str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"]),
        charge=charge["status"] if charge else "",
        disputed=disputes[-1]["status"] if disputes else "",
    )
    return HTMLResponse(body, status, {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"})
