"""Idempotency of a route: `once: Annotated[Once, idempotent()]`, then `return once(session, lambda: model)`."""

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from sqlmodel import Session
from starlette.datastructures import UploadFile
from starlette.responses import Response

from ar.core.errors import DomainError
from ar.core.idempotency import Answer, claim, keep
from ar.core.web.bodies import FORMS, form_of
from ar.core.web.deps import KernelDep, NowDep

_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class KeyMissingError(DomainError):
    """This route needs an Idempotency-Key."""

    status = 400
    code = "idempotency-key-missing"


@dataclass(frozen=True)
class Once:
    """Carries out what a request asks for once per caller, path and key."""

    request: Request
    key: str | None
    digest: str
    now: datetime

    def __call__(self, session: Session, act: Callable[[], BaseModel | Response]) -> Response:
        """What `act` answers, or what it answered when this key first came.

        `act` gives the route's response model, or a redirect; both end in the same transaction as the key. An error
        keeps nothing: a retry is tried anew. Raises KeyReusedError for a key that came with other content.
        """
        if self.key is None:
            result = act()
            return self._first(result, self._answer(result))
        principal = self.request.state.principal
        path = f"{self.request.method} {self.request.url.path}"
        taken = claim(session, principal=principal.actor, path=path, key=self.key, digest=self.digest, now=self.now)
        if taken.answer is not None:
            response = self._response(taken.answer)
            response.headers["Idempotency-Replayed"] = "true"
            return response
        result = act()
        answer = self._answer(result)
        keep(session, taken.record_id, answer)
        return self._first(result, answer)

    def _first(self, result: BaseModel | Response, answer: Answer) -> Response:
        """The answer itself the first time: what a redirect tells the next page goes with it."""
        return result if isinstance(result, Response) else self._response(answer)

    def _answer(self, result: BaseModel | Response) -> Answer:
        if isinstance(result, Response):
            return Answer(result.status_code, None, result.headers.get("location"))
        return Answer(self.request.scope["route"].status_code or 200, result.model_dump_json(by_alias=True))

    @staticmethod
    def _response(answer: Answer) -> Response:
        headers = {"Location": answer.location} if answer.location else {}
        media_type = None if answer.body is None else "application/json"
        return Response(answer.body, answer.status, headers, media_type=media_type)


def idempotent(*, required: bool = True) -> Any:
    """Give a route its Once. Programs send the key in the header; forms in a hidden field `idempotency_key`."""
    return Depends(_once_required if required else _once_optional)


Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="A fresh, random text for each thing to be done; the same again when you try it again.",
        examples=["5f0c6c1e-8a52-4a1f-9f43-1d8d0a3f7a10"],
    ),
]


async def _once_optional(request: Request, kernel: KernelDep, now: NowDep, idempotency_key: Key = None) -> Once:
    content = await _content(request)
    key = idempotency_key or _field(content)
    if key is not None and not _KEY.fullmatch(key):
        raise KeyMissingError("Idempotency-Key must be 1 to 200 visible ASCII characters")
    told = json.dumps([request.url.query, content], sort_keys=True, ensure_ascii=True)
    # Keyed: a plain digest of a body would let whoever reads the table test guesses of what was in it.
    digest = hmac.new(kernel.settings.signing_key.encode(), told.encode(), hashlib.sha256).hexdigest()
    return Once(request, key, digest, now)


async def _once_required(once: Annotated[Once, Depends(_once_optional)]) -> Once:
    if once.key is None:
        raise KeyMissingError("Send the header Idempotency-Key, so that a retry cannot do this twice")
    return once


async def _content(request: Request) -> Any:
    """What the request says, however it is written: key order and white space of JSON make no difference."""
    kind = request.headers.get("content-type", "")
    if kind.startswith(FORMS):
        form = await form_of(request)
        return {
            "form": sorted([[name, await _told(value)] for name, value in form.multi_items() if name != "csrf_token"])
        }
    body = await request.body()
    try:
        return {"json": json.loads(body)}
    except ValueError:
        return {"bytes": hashlib.sha256(body).hexdigest()}


async def _told(value: str | UploadFile) -> str:
    if isinstance(value, str):
        return value
    digest = hashlib.sha256()
    while chunk := await value.read(1 << 20):
        digest.update(chunk)
    await value.seek(0)
    return f"{value.filename} {digest.hexdigest()}"


def _field(content: Any) -> str | None:
    fields = dict(content.get("form", []))
    return fields.get("idempotency_key") or None
