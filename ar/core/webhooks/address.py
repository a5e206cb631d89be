"""Where webhooks may be posted to: public addresses over HTTPS, so that nobody makes us call into our own network.

A name is looked up at every attempt, every address that it has must be allowed, and the connection goes to the very
address that was looked at: a name that points elsewhere a moment later changes nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from ar.core.errors import DomainError, Fault

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_EMBEDDING = tuple(ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
"""Ranges of IPv6 that carry an address of IPv4 (NAT64, 6to4, Teredo)."""


class WebhookUrlError(DomainError):
    """The address is not one that webhooks are posted to."""

    code = "bad-webhook-url"


class AddressForbiddenError(Exception):
    """The name leads into a private network, or nowhere."""


@dataclass(frozen=True)
class Target:
    """Where to connect: `url` with the address in place of the name, and the name for the Host header and TLS."""

    url: str
    host_header: str
    server_name: str


def checked_url(url: str, *, private: bool) -> str:
    """`url`, when webhooks may be posted there; `private` allows addresses of our own network, and plain HTTP to them.

    Raises WebhookUrlError.
    """
    wrong = None
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").lower()
    except ValueError:
        raise _refused("is not a web address") from None
    address = _address(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and private and host in _LOCAL):
        wrong = "must begin with https://"
    elif not host or (address is None and not _HOST.fullmatch(host)):
        wrong = "names no host"
    elif parts.username is not None or parts.password is not None or parts.fragment:
        wrong = "must hold no user, password or fragment"
    elif not url.isascii() or not url.isprintable() or " " in url or "\\" in url or port == 0:
        wrong = "is not a web address"
    elif not private and (host in _LOCAL or (address is not None and not _public(address))):
        wrong = "leads into a private network"
    if wrong:
        raise _refused(wrong)
    return url


def look_up(url: str, *, private: bool) -> Target:
    """Where to connect for `url` at this moment. Raises AddressForbiddenError."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressForbiddenError(f"{host} is not found: {error}") from None
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    if not addresses:
        raise AddressForbiddenError(f"{host} is not found")
    if not private and not all(map(_public, addresses)):
        raise AddressForbiddenError(f"{host} leads into a private network")
    first = addresses[0]
    place = f"[{first}]" if first.version == 6 else str(first)
    netloc = f"{place}:{port}"
    named = f"[{host}]" if ":" in host else host
    header = named if parts.port is None else f"{named}:{parts.port}"
    return Target(urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, "")), header, host)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that `host` is, also in the forms that only resolvers take for one (0x7f.1, 2130706433)."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    if re.fullmatch(r"[0-9a-fx.]+", host) and any(c.isdigit() for c in host) and host.count(".") < 4:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except (OSError, ValueError):
            return None
    return None


def _public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return _public(address.ipv4_mapped)
        if any(address in net for net in _EMBEDDING):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _refused(wrong: str) -> WebhookUrlError:
    return WebhookUrlError(f"the address {wrong}", faults=[Fault("/url", wrong)])
