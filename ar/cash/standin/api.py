"""The test gateway's API: the parts of Stripe's that the product speaks, with Stripe's errors and idempotency keys."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ar.cash.standin import objects, play
from ar.cash.standin.desk import Desk, catch_up
from ar.cash.standin.parameters import RefusedError, checked, read_form, several, text
from ar.cash.standin.store import Kept

MAX_BODY = 200_000

_EXPAND = {"expand": several(text(100), 4)}
_LISTING = {"payment_intent": text(255), "charge": text(255), "limit": text(3)} | _EXPAND
_KINDS = {
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "events": "event",
}

Answering = Callable[[dict[str, Any], Kept, float], dict[str, Any]]


def routes(desk: Desk) -> list[Route]:
    """The API's routes, under /v1."""

    async def create_session(request: Request) -> Response:
        def make(sent: dict[str, Any], kept: Kept, at: float) -> dict[str, Any]:
            values = checked(sent, objects.SESSION, ["mode", "line_items", "success_url"])
            session = objects.new_session(values, page=f"{desk.base_url}/pay", at=int(at))
            kept.put(session)
            kept.later(session["id"], "expires", due_at=session["expires_at"])
            return objects.shown(session, kept, values.get("expand"))

        return await _post(request, desk, make)

    async def expire_session(request: Request) -> Response:
        def close(sent: dict[str, Any], kept: Kept, at: float) -> dict[str, Any]:
            values = checked(sent, _EXPAND)
            session = _found(kept, request.path_params["session"], "checkout.session")
            return objects.shown(play.expire(session, kept, at), kept, values.get("expand"))

        return await _post(request, desk, close)

    async def create_refund(request: Request) -> Response:
        def give(sent: dict[str, Any], kept: Kept, at: float) -> dict[str, Any]:
            values = checked(sent, objects.REFUND)
            if ("charge" in values) == ("payment_intent" in values):
                raise RefusedError("One of the following params should be provided: `payment_intent` or `charge`.")
            charge_id = values.get("charge")
            if charge_id is None:
                intent = _found(kept, values["payment_intent"], "payment_intent", "payment_intent")
                charge_id = intent["latest_charge"]
            charge = _found(kept, charge_id, "charge", "charge")
            refund = objects.new_refund(values, charge, kept, at=int(at))
            kept.emit(objects.new_event("charge.refunded", charge, at=int(at)), at=at)
            return objects.shown(refund, kept, values.get("expand"))

        return await _post(request, desk, give)

    async def session(request: Request) -> Response:
        return _get(request, desk, request.path_params["session"], "checkout.session")

    async def thing(request: Request) -> Response:
        kind = _KINDS.get(request.path_params["kind"])
        if kind is None:
            return await unknown(request)
        return _get(request, desk, request.path_params["thing"], kind)

    async def disputes(request: Request) -> Response:
        def listed(sent: dict[str, Any], kept: Kept, _at: float) -> dict[str, Any]:
            values = checked(sent, _LISTING)
            found = kept.of_intent(values.get("payment_intent", ""), "dispute")
            shown = [objects.shown(dispute, kept) for dispute in found]
            return {"object": "list", "data": shown, "has_more": False, "url": "/v1/disputes"}

        return _answer(request, desk, request.url.query.encode(), listed)

    async def unknown(request: Request) -> Response:
        said = f"Unrecognized request URL ({request.method}: {request.url.path}). The test gateway has no such call."
        return _refused(RefusedError(said, status=404))

    return [
        Route("/v1/checkout/sessions", create_session, methods=["POST"]),
        Route("/v1/checkout/sessions/{session}", session, methods=["GET"]),
        Route("/v1/checkout/sessions/{session}/expire", expire_session, methods=["POST"]),
        Route("/v1/refunds", create_refund, methods=["POST"]),
        Route("/v1/disputes", disputes, methods=["GET"]),
        Route("/v1/{kind}/{thing}", thing, methods=["GET"]),
        Route("/v1/{rest:path}", unknown, methods=["GET", "POST", "DELETE"]),
    ]


def _get(request: Request, desk: Desk, thing_id: str, kind: str) -> Response:
    def show(sent: dict[str, Any], kept: Kept, _at: float) -> dict[str, Any]:
        values = checked(sent, _EXPAND)
        return objects.shown(_found(kept, thing_id, kind), kept, values.get("expand"))

    return _answer(request, desk, request.url.query.encode(), show)


async def _post(request: Request, desk: Desk, do: Answering) -> Response:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY:
            return _refused(RefusedError("The request is too large", status=413))
    return _answer(request, desk, body, do, key=request.headers.get("idempotency-key"))


def _answer(request: Request, desk: Desk, body: bytes, do: Answering, *, key: str | None = None) -> Response:
    """Do it once, under the caller's key and in one transaction of the store."""
    try:
        _check_key(request, desk)
        sent = read_form(body)
        at = desk.now()
        catch_up(desk.store, at)
        with desk.store.open() as kept:
            asked = hashlib.sha256(f"{request.url.path}\n{json.dumps(sent, sort_keys=True)}".encode()).hexdigest()
            known = kept.answered(key, at=int(at)) if key else None
            if known is not None:
                return _replayed(known, asked, key or "")
            status = 200
            try:
                answer = do(sent, kept, at)
            except RefusedError as refused:
                if not refused.kept:
                    raise
                status, answer = refused.status, {"error": refused.body}
            if key:
                kept.answer(key, asked, status, json.dumps(answer), at=int(at))
    except RefusedError as refused:
        return _refused(refused)
    desk.wake()
    return _json(json.dumps(answer), status)


def _replayed(known: tuple[str, int, str], asked: str, key: str) -> Response:
    request, status, body = known
    if request != asked:
        raise RefusedError(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key[:60]}' if you meant to execute a different request.",
            kind="idempotency_error",
        )
    return _json(body, status, {"Idempotent-Replayed": "true"})


def _check_key(request: Request, desk: Desk) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        raise RefusedError("You did not provide an API key: send it as `Authorization: Bearer sk_test_...`", status=401)
    if not hmac.compare_digest(given.strip().encode(), desk.api_key.encode()):
        raise RefusedError(f"Invalid API Key provided: {given[:8]}****", status=401)


def _found(kept: Kept, thing_id: str, kind: str, param: str = "id") -> dict[str, Any]:
    thing = kept.get(thing_id)
    if thing is None or thing["object"] != kind:
        said = f"No such {kind}: '{thing_id[:100]}'"
        raise RefusedError(said, status=404, code="resource_missing", param=param)
    return thing


def _refused(refused: RefusedError) -> Response:
    return _json(json.dumps({"error": refused.body}), refused.status)


def _json(body: str, status: int, headers: dict[str, str] | None = None) -> Response:
    told = {"Request-Id": objects.new_id("req", 14), "Stripe-Version": objects.API_VERSION} | (headers or {})
    return Response(body, status, told, media_type="application/json")
