"""Every route of an app with its guards: for OpenAPI, and for the tests that let no route go unguarded."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from ar.core.web.guards import Guard


@dataclass(frozen=True)
class Found:
    """One route. `route` is FastAPI's own view of it, prefixes included; None for what is not FastAPI's."""

    path: str
    methods: frozenset[str]
    guards: tuple[Guard, ...]
    in_schema: bool
    route: Any


def routes_of(app: FastAPI) -> Iterator[Found]:
    """The routes of `app`, without what is mounted into it."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, Mount):
            continue
        dependant = getattr(context, "dependant", None)
        yield Found(
            path=context.path or "",
            methods=frozenset(context.methods or ()),
            guards=tuple(_guards(dependant)) if dependant is not None else (),
            in_schema=bool(getattr(context, "include_in_schema", False)),
            route=context,
        )


def mounts_of(app: FastAPI) -> list[str]:
    """The paths at which other apps are mounted into `app`."""
    return [route.path for route in app.routes if isinstance(route, Mount)]


def _guards(dependant: Dependant) -> Iterator[Guard]:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Guard):
            yield dependency.call
        yield from _guards(dependency)
