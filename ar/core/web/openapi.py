"""The API's description: what FastAPI derives, and with it the guards, the problem documents and whole examples."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter
from starlette.responses import JSONResponse

from ar.core.web.guards import Allow, public
from ar.core.web.problems import MEDIA_TYPE, Problem
from ar.core.web.routes import routes_of

VERSION = "1"
DESCRIPTION = """
Receivables: accounts, invoices, the ledger, reminders, payments, disputes and forecasts.

**Signing in.** Send an API key as `Authorization: Bearer ak_...`; an administrator makes one, and its scopes say what
it may do. **Errors** are problem documents (RFC 9457) with a stable `code`. **Lists** come in pages: send
`next_cursor` back as `cursor`. **Edits** need the `ETag` that was read, as `If-Match`. **What moves money** needs an
`Idempotency-Key`: the same key and content give the same answer again, with `Idempotency-Replayed: true`.
**Amounts** are integers in the currency's minor unit (cents).
"""

SCHEMES = {
    "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key, ak_..."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "amiable_session",
        "description": "The session of the console; unsafe methods need its X-CSRF-Token too",
    },
}
MISSING = object()
_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options"})

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json", dependencies=[public("describes the API, holds nothing of this installation")])
async def description(request: Request) -> JSONResponse:
    return JSONResponse(describe(request.app))


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of `app`, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=DESCRIPTION,
            routes=app.routes,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )
        _complete(app, document)
        app.openapi_schema = document
    return app.openapi_schema


def _complete(app: FastAPI, document: dict[str, Any]) -> None:
    components = document.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    _add_problem(schemas)
    components["securitySchemes"] = SCHEMES
    guards = {(r.path, method.lower()): r.guards for r in routes_of(app) if r.in_schema for method in r.methods}
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            if method not in _METHODS:
                continue
            _secure(operation, guards.get((path, method), ()))
            _answer_problems(operation)
            for content in _contents(operation):
                _add_example(content, schemas)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)


def _add_problem(schemas: dict[str, Any]) -> None:
    schema = TypeAdapter(Problem).json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas["Problem"] = schema


def _secure(operation: dict[str, Any], guards: tuple[Any, ...]) -> None:
    schemes = [name for guard in guards for name in guard.scheme]
    operation["security"] = [{name: []} for name in schemes]
    for guard in guards:
        if isinstance(guard, Allow) and guard.permission:
            note = f"Needs the permission `{guard.permission}`."
            operation["description"] = "\n\n".join(filter(None, [operation.get("description"), note]))
            operation["x-permission"] = guard.permission


def _answer_problems(operation: dict[str, Any]) -> None:
    responses = operation.setdefault("responses", {})
    responses.pop("422", None)
    responses["default"] = {
        "description": "A problem, with what to do about it",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _contents(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Each place of the operation that holds a schema: its request body and its answers."""
    bodies = [operation.get("requestBody", {}), *operation.get("responses", {}).values()]
    return [content for body in bodies for content in body.get("content", {}).values()]


def _add_example(content: dict[str, Any], schemas: dict[str, Any]) -> None:
    if "example" in content or "examples" in content:
        return
    made = example_of(content.get("schema", {}), schemas)
    if made is not MISSING:
        content["example"] = made


def example_of(schema: dict[str, Any], schemas: dict[str, Any], depth: int = 0) -> Any:
    """An example that fits `schema`, put together from those of its parts; MISSING where a part gives none."""
    if depth > 12:
        return MISSING
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas, depth + 1)
    if "example" in schema:
        return schema["example"]
    for name in ("examples", "enum"):
        if schema.get(name):
            return schema[name][0]
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for choices in (schema.get("anyOf"), schema.get("oneOf"), schema.get("allOf")):
        if choices:
            made = (example_of(choice, schemas, depth + 1) for choice in choices)
            return next((one for one in made if one is not MISSING), MISSING)
    return _example_of_type(schema, schemas, depth)


def _example_of_type(schema: dict[str, Any], schemas: dict[str, Any], depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        parts = {name: example_of(part, schemas, depth + 1) for name, part in schema["properties"].items()}
        required = set(schema.get("required", ()))
        if any(part is MISSING and name in required for name, part in parts.items()):
            return MISSING
        return {name: part for name, part in parts.items() if part is not MISSING}
    if kind == "array":
        item = example_of(schema.get("items", {}), schemas, depth + 1)
        return MISSING if item is MISSING else [item]
    return {"boolean": True, "null": None}.get(str(kind), MISSING)
