"""Edits that cannot overwrite each other: the version goes out as an ETag and comes back in If-Match."""

from fastapi import Request

from ar.core.errors import ChangedError, DomainError


class VersionMissingError(DomainError):
    """The edit does not say which version it starts from."""

    status = 428
    code = "if-match-missing"


def etag(version: int) -> str:
    """The ETag of something at `version`, quotes included."""
    return f'"{version}"'


def require_match(request: Request, version: int) -> None:
    """Raises VersionMissingError (428) without If-Match, ChangedError (412) when it is not at `version`.

    Weak tags never match, as RFC 9110 has it; '*' matches whatever is there.
    """
    given = request.headers.get("if-match")
    if given is None:
        raise VersionMissingError('Send the ETag you read as If-Match, such as If-Match: "3"')
    if given.strip() == "*":
        return
    if etag(version) not in [tag.strip() for tag in given.split(",")]:
        raise ChangedError("This was changed meanwhile: read it again, then repeat your change")


def require_version(given: int, version: int) -> None:
    """The same for a form, which carries the version in a hidden field. Raises ChangedError."""
    if given != version:
        raise ChangedError("This was changed meanwhile: load the page again, then repeat your change")
