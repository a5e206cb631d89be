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

from ar.cash.standin import objects
from ar.cash.standin.calls import CALLS, Asked, Call
from ar.cash.standin.desk import Desk, catch_up
from ar.cash.standin.parameters import RefusedError, checked, read_form
from ar.cash.standin.store import Kept

MAX_BODY = 200_000

Answering = Callable[[dict[str, Any], Kept, float], dict[str, Any]]


def routes(desk: Desk) -> list[Route]:
    """The API's routes, under /v1."""

    async def unknown(request: Request) -> Response:
        said = f"Unrecognized request URL ({request.method}: {request.url.path}). The test gateway has no such call."
        return _refused(RefusedError(said, status=404))

    return [
        *(Route(f"/v1/{call.path}", _endpoint(desk, call), methods=[call.method]) for call in CALLS),
        Route("/v1/{rest:path}", unknown, methods=["GET", "POST", "DELETE"]),
    ]


def _endpoint(desk: Desk, call: Call) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        def do(sent: dict[str, Any], kept: Kept, at: float) -> dict[str, Any]:
            values = checked(sent, call.known, call.required)
            return call.do(Asked(values, dict(request.path_params), kept, desk, at))

        if call.method == "GET":
            return _answer(request, desk, request.url.query.encode(), do)
        return await _post(request, desk, do)

    return answer


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


def _refused(refused: RefusedError) -> Response:
    return _json(json.dumps({"error": refused.body}), refused.status)


def _json(body: str, status: int, headers: dict[str, str] | None = None) -> Response:
    told = {"Request-Id": objects.new_id("req", 14), "Stripe-Version": objects.API_VERSION} | (headers or {})
    return Response(body, status, told, media_type="application/json")
