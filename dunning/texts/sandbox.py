"""Texts of staff as templates that can do nothing but speak: the listed names, a few filters, `if`, and one `for`.

What is let in is listed, all else is refused as it is read: no attribute that is not in the list, no call but of what
is given, no arithmetic, no assignment, no import. So a text ends, its length is bounded by its own and its invoices',
and it reaches nothing. What it shows of a customer is escaped in HTML, and is never read as a template.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, UndefinedError, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ar.core.i18n import marked as _
from dunning.texts.variables import FIELDS, LISTS, NAMES

Part = Literal["subject", "text", "html"]

MAX_SOURCE = 20_000
MAX_RENDERED = 400_000
"""Characters of a part, as written and as rendered."""

FILTERS = ("money", "day", "short_day", "number", "trim", "length", "truncate", "default", "escape", "e")
TESTS = ("defined", "none", "odd", "even")
CALLS = ("money", "on")

_PLAIN: tuple[type[nodes.Node], ...] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Const,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Concat,
    nodes.Slice,
    nodes.Neg,
    nodes.Keyword,
)
"""What needs no closer look."""


@dataclass(frozen=True, slots=True)
class TextFault:
    """What is wrong with a part, on which line (0: the part as a whole), in a sentence that says how to mend it."""

    part: Part
    line: int
    message: str
    values: tuple[tuple[str, str], ...] = ()


class TextRefusedError(Exception):
    """A part cannot be read or rendered."""

    def __init__(self, fault: TextFault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class Sandbox(ImmutableSandboxedEnvironment):
    """One for each language and for text and HTML apart. `allowed` are the functions that a text may call."""

    def __init__(self, *, html: bool, filters: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__(autoescape=html, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        ours = {name: filters[name] for name in FILTERS if name in filters}
        self.filters = {name: self.filters[name] for name in FILTERS if name in self.filters} | ours
        self.tests = {name: self.tests[name] for name in TESTS}
        self.globals = {name: functions[name] for name in CALLS if name in functions}
        self.allowed = tuple(self.globals.values())

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return attr in FIELDS and super().is_safe_attribute(obj, attr, value)

    def is_safe_callable(self, obj: Any) -> bool:
        return any(obj is one for one in self.allowed)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, str) and argument not in FIELDS:
            return self.unsafe_undefined(obj, argument)
        return super().getitem(obj, argument)


def compiled(sandbox: Sandbox, part: Part, source: str) -> Template:
    """The part, ready to render. Raises TextRefusedError, with the line and how to mend it."""
    if len(source) > MAX_SOURCE:
        raise refused(part, 0, _("This is too long: write at most %(most)s characters."), most=f"{MAX_SOURCE:,}")
    try:
        _look(sandbox, part, sandbox.parse(source), NAMES)
        return sandbox.from_string(source)
    except TemplateSyntaxError as error:
        raise refused(
            part, error.lineno, _("This cannot be read: %(words)s."), words=(error.message or "")[:200]
        ) from None
    except (SyntaxError, RecursionError, MemoryError):
        raise refused(part, 0, _("This is nested too deeply.")) from None


def rendered(template: Template, part: Part, context: Mapping[str, Any]) -> str:
    """What the part says in `context`. Raises TextRefusedError."""
    pieces: list[str] = []
    length = 0
    try:
        for piece in template.generate(context):
            pieces.append(piece)
            length += len(piece)
            if length > MAX_RENDERED:
                raise refused(part, 0, _("This becomes too long."))
    except (UndefinedError, SecurityError, TypeError, ValueError, LookupError, ArithmeticError) as error:
        words = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise refused(part, 0, _("This cannot be filled in: %(words)s."), words=words) from error
    return "".join(pieces)


def refused(part: Part, line: int, message: str, **values: str) -> TextRefusedError:
    return TextRefusedError(TextFault(part, line, message, tuple(values.items())))


def _look(sandbox: Sandbox, part: Part, node: nodes.Node, known: frozenset[str], depth: int = 0) -> None:
    """Raise TextRefusedError for the first thing below `node` that is not let in."""
    for child in node.iter_child_nodes():
        inside, below = known, depth
        if isinstance(child, nodes.For):
            inside, below = known | _loop_names(part, child, depth), depth + 1
        elif isinstance(child, nodes.Name):
            _look_at_name(sandbox, part, child, known)
        elif isinstance(child, nodes.Getattr):
            _look_at_field(part, child.lineno, child.attr)
        elif isinstance(child, nodes.Getitem):
            if isinstance(child.arg, nodes.Const) and isinstance(child.arg.value, str):
                _look_at_field(part, child.lineno, child.arg.value)
        elif isinstance(child, nodes.Call):
            if not (isinstance(child.node, nodes.Name) and child.node.name in sandbox.globals):
                raise refused(part, child.lineno, _("Only %(names)s can be called."), names=", ".join(sandbox.globals))
        elif isinstance(child, nodes.Filter | nodes.Test):
            names = sandbox.filters if isinstance(child, nodes.Filter) else sandbox.tests
            if child.name not in names:
                message = _("There is no “%(name)s” here; there are %(names)s.")
                raise refused(part, child.lineno, message, name=child.name, names=", ".join(sorted(names)))
        elif isinstance(child, nodes.Tuple | nodes.List | nodes.Dict) and getattr(child, "ctx", "load") != "store":
            raise refused(part, child.lineno, _("Lists cannot be made here."))
        elif not isinstance(child, (*_PLAIN, nodes.Tuple)):
            message = _("“%(what)s” is not let in: write words, names in double braces, “if” and “for”.")
            raise refused(part, child.lineno, message, what=type(child).__name__.lower())
        _look(sandbox, part, child, inside, below)


def _loop_names(part: Part, loop: nodes.For, depth: int) -> frozenset[str]:
    if depth or loop.recursive or not (isinstance(loop.iter, nodes.Name) and loop.iter.name in LISTS):
        message = _("A loop goes through one of %(names)s, and holds no other loop.")
        raise refused(part, loop.lineno, message, names=", ".join(sorted(LISTS)))
    targets = list(_targets(loop.target))
    if any(name in NAMES or name.startswith("_") for name in targets):
        raise refused(part, loop.lineno, _("Give the name in the loop another one: it is taken."))
    return frozenset({*targets, "loop"})


def _targets(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Name):
        yield node.name
    for child in node.iter_child_nodes():
        yield from _targets(child)


def _look_at_name(sandbox: Sandbox, part: Part, node: nodes.Name, known: frozenset[str]) -> None:
    if node.name in known or node.name in sandbox.globals:
        return
    near = get_close_matches(node.name, sorted(known), n=1)
    if near:
        message = _("There is no “%(name)s”: did you mean “%(near)s”?")
        raise refused(part, node.lineno, message, name=node.name, near=near[0])
    raise refused(part, node.lineno, _("There is no “%(name)s”: use the names of the list."), name=node.name)


def _look_at_field(part: Part, line: int, name: str) -> None:
    if name not in FIELDS:
        near = get_close_matches(name, sorted(FIELDS), n=1)
        if near:
            message = _("There is no “%(name)s”: did you mean “%(near)s”?")
            raise refused(part, line, message, name=name, near=near[0])
        raise refused(part, line, _("There is no “%(name)s”: use the names of the list."), name=name)
