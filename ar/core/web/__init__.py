"""What routes are made of. Rooms import from here: `from ar.core.web import SessionDep, allow, page, paged`."""

from ar.core.access.principals import Principal
from ar.core.web.deps import KernelDep, NowDep, SessionDep, TodayDep
from ar.core.web.etags import etag, require_match, require_version
from ar.core.web.guards import Guard, allow, public, signed_in
from ar.core.web.language import language_of
from ar.core.web.limiting import client_address, throttle
from ar.core.web.once import Once, idempotent
from ar.core.web.origin import require_own_origin, require_token
from ar.core.web.pages import MenuEntry, local_path, page, redirect, set_session_cookie
from ar.core.web.paging import Cursor, Limit, Page, paged
from ar.core.web.problems import Problem, SignInRequiredError, problem
from ar.core.web.types import Day, Id, LongText, Minor, Number, Search, ShortText, example

__all__ = [
    "Cursor",
    "Day",
    "Guard",
    "Id",
    "KernelDep",
    "Limit",
    "LongText",
    "MenuEntry",
    "Minor",
    "NowDep",
    "Number",
    "Once",
    "Page",
    "Principal",
    "Problem",
    "Search",
    "SessionDep",
    "ShortText",
    "SignInRequiredError",
    "TodayDep",
    "allow",
    "client_address",
    "etag",
    "example",
    "idempotent",
    "language_of",
    "local_path",
    "page",
    "paged",
    "problem",
    "public",
    "redirect",
    "require_match",
    "require_own_origin",
    "require_token",
    "require_version",
    "set_session_cookie",
    "signed_in",
    "throttle",
]
