"""Stripe's form parameters: brackets read into a tree, checked by name and kind, refused in Stripe's words. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

MAX_FIELDS = 1000

_KEY = re.compile(r"([A-Za-z_]\w*)((?:\[\w*\])*)", re.ASCII)
_PART = re.compile(r"\[(\w*)\]", re.ASCII)
_WHOLE = re.compile(r"\d{1,15}", re.ASCII)


class RefusedError(Exception):
    """An answer that is Stripe's error object. `kept` when the request had begun, so that its key is used up."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
        kept: bool = False,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kept = kept
        self.body: dict[str, Any] = {"message": message, "type": kind}
        if code:
            self.body |= {"code": code, "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"}
        if param:
            self.body["param"] = param
        self.body |= more or {}


Check = Callable[[Any, str], Any]
"""Takes what was sent and its name as Stripe writes it; gives the value, or raises RefusedError."""


def read_form(body: bytes) -> dict[str, Any]:
    """The tree of a form such as `line_items[0][quantity]=1`. Raises RefusedError."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict", encoding="utf-8"
        )
    except ValueError:
        raise RefusedError("Invalid request body: it is not a form, or has too many fields") from None
    tree: dict[str, Any] = {}
    for key, value in pairs:
        found = _KEY.fullmatch(key)
        if found is None:
            raise RefusedError(f"Received unknown parameter: {key[:60]}", code="parameter_unknown", param=key[:60])
        _put(tree, [found[1], *_PART.findall(found[2])], value, key)
    return tree


def _put(tree: dict[str, Any], path: Sequence[str], value: str, key: str) -> None:
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
        if not isinstance(tree, dict):
            raise RefusedError(f"Invalid object: {key[:60]}", param=key[:60])
    name = path[-1] or str(len(tree))
    if name in tree:
        raise RefusedError(f"Parameter given twice: {key[:60]}", param=key[:60])
    tree[name] = value


def checked(sent: Any, known: Mapping[str, Check], required: Sequence[str] = (), *, under: str = "") -> dict[str, Any]:
    """The values of `sent`, each by its check. Raises RefusedError for an unknown, missing or wrong one."""
    if not isinstance(sent, dict):
        raise RefusedError("Invalid object", param=under or None)
    for name in sent:
        if name not in known:
            full = _named(under, name)
            raise RefusedError(f"Received unknown parameter: {full}", code="parameter_unknown", param=full)
    for name in required:
        if name not in sent:
            full = _named(under, name)
            raise RefusedError(f"Missing required param: {full}.", code="parameter_missing", param=full)
    return {name: known[name](value, _named(under, name)) for name, value in sent.items()}


def _named(under: str, name: str) -> str:
    return f"{under}[{name}]" if under else name


def text(limit: int) -> Check:
    def check(value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise RefusedError("Invalid string", param=name)
        if not value:
            raise RefusedError(
                f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; "
                f"however '{name}' cannot be unset.",
                code="parameter_invalid_empty",
                param=name,
            )
        if len(value) > limit:
            raise RefusedError(f"Invalid string: must be at most {limit} characters", param=name)
        return value

    return check


def whole(value: Any, name: str) -> int:
    if not isinstance(value, str) or not _WHOLE.fullmatch(value):
        raise RefusedError(f"Invalid integer: {str(value)[:40]}", code="parameter_invalid_integer", param=name)
    return int(value)


def truth(value: Any, name: str) -> bool:
    if value not in ("true", "false"):
        raise RefusedError(f"Invalid boolean: {str(value)[:40]}", param=name)
    return bool(value == "true")


def one_of(*values: str) -> Check:
    def check(value: Any, name: str) -> str:
        if value not in values:
            raise RefusedError(f"Invalid {name}: must be one of {', '.join(values)}", param=name)
        return str(value)

    return check


def url(value: Any, name: str) -> str:
    if not isinstance(value, str) or not re.match(r"https?://[^\s/]+", value) or len(value) > 5000:
        raise RefusedError("Not a valid URL", code="url_invalid", param=name)
    return value


def several(check: Check, limit: int) -> Check:
    """A list, sent as name[]=a or name[0]=a."""

    def check_all(value: Any, name: str) -> list[Any]:
        if not isinstance(value, dict) or sorted(value, key=str) != sorted(map(str, range(len(value))), key=str):
            raise RefusedError("Invalid array", param=name)
        if len(value) > limit:
            raise RefusedError(f"Array too long: at most {limit}", param=name)
        return [check(value[str(n)], f"{name}[{n}]") for n in range(len(value))]

    return check_all


def metadata(value: Any, name: str) -> dict[str, str]:
    """Up to 50 keys of 40 characters with values of 500."""
    if not isinstance(value, dict) or len(value) > 50:
        raise RefusedError("Invalid metadata: at most 50 keys", param=name)
    for key, held in value.items():
        if len(key) > 40 or not isinstance(held, str) or len(held) > 500:
            raise RefusedError("Invalid metadata: keys of 40 and values of 500 characters at most", param=name)
    return dict(value)


def nested(known: Mapping[str, Check], required: Sequence[str] = ()) -> Check:
    return lambda value, name: checked(value, known, required, under=name)
