"""What the API's own description generates, good and bad, is answered: never by an error of ours (guarantee 23)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode

from ar.app import create_app
from ar.core import clock
from ar.core.access.keys import create_key
from ar.core.access.models import Role
from ar.core.access.permissions import PERMISSIONS
from ar.core.access.principals import Person, Principal
from ar.core.kernel import Kernel
from ar.core.web.openapi import describe
from tests.web import client, user_in

EXAMPLES = 3
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


def program_of(kernel: Kernel, app: Any) -> TestClient:
    """A caller whose key has every scope."""
    admin = user_in(kernel, Role.ADMIN)
    creator = Principal(f"user:{admin}", "en", frozenset(PERMISSIONS), user=Person(admin, "", ""))
    with kernel.database.transaction() as session:
        _, token = create_key(session, name="all", scopes=sorted(PERMISSIONS), creator=creator, now=clock.now())
    program = client(kernel, app=app)
    program.headers["authorization"] = f"Bearer {token}"
    return program


def send(program: TestClient, case: Any) -> int | None:
    """The status that the case is answered with; None when it cannot be sent at all."""
    told = case.as_transport_kwargs(base_url=str(program.base_url))
    headers = {
        name: value
        for name, value in told["headers"].items()
        if name.lower() != "authorization" and name.isascii() and value.isascii() and value.isprintable()
    }
    body = {name: told[name] for name in ("json", "files") if told.get(name) is not None}
    if isinstance(told.get("data"), bytes | str):
        body["content"] = told["data"]
    elif told.get("data") is not None:
        body["data"] = told["data"]
    try:
        request = program.build_request(told["method"], told["url"], params=told.get("params"), headers=headers, **body)
    except (ValueError, TypeError, UnicodeError):
        return None
    return program.send(request).status_code


@pytest.mark.filterwarnings("default")
def test_whatever_the_description_allows_or_forbids_is_answered(kernel: Kernel) -> None:
    app = create_app(kernel)
    program = program_of(kernel, app)
    answers: dict[str, list[int]] = {}

    def ask(operation: Any, mode: GenerationMode) -> None:
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case: Any) -> None:
            status = send(program, case)
            if status is not None:
                assert status < 500, f"{case.method} {case.formatted_path} {case.query} {case.body!r}: {status}"
                answers.setdefault(operation.label, []).append(status)

        with suppress(Unsatisfiable):  # nothing can be wrong about a request without a value
            run()

    schema: Any = schemathesis.openapi.from_dict(describe(app))
    operations = [found.ok() for found in schema.get_all_operations()]
    for operation in operations:
        for mode in MODES:
            ask(operation, mode)
    assert set(answers) == {operation.label for operation in operations}
    assert {200, 400, 404, 422} <= {status for found in answers.values() for status in found}
