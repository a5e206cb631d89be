"""Whether a file is a picture that a document can carry, and how large it is on paper. Pure."""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass
from typing import Any

from ar.core.errors import DomainError, Fault

MAX_BYTES = 300 * 1024
MOST_PIXELS = 2_000
"""Of a side: more than a printer shows on the widest logo."""

WIDEST, HIGHEST = 60.0, 20.0
"""Millimetres on paper."""

_PNG = b"\x89PNG\r\n\x1a\n"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of JPEG that say how large the picture is."""


class LogoError(DomainError):
    """The file cannot be a logo; the fault says why."""

    code = "bad-logo"


@dataclass(frozen=True)
class Picture:
    """A picture of `media_type` and its sides in pixels."""

    media_type: str
    width: int
    height: int


def picture(content: bytes) -> Picture:
    """The picture that the file is, by its own head. Raises LogoError for another file, or one that is too large."""
    if len(content) > MAX_BYTES:
        raise bad(f"the file has {len(content):,} bytes; at most {MAX_BYTES:,} are taken")
    found = _png(content) or _jpeg(content)
    if found is None:
        raise bad("the file is neither a PNG nor a JPEG, in grey or in RGB")
    if not (0 < found.width <= MOST_PIXELS and 0 < found.height <= MOST_PIXELS):
        raise bad(f"the picture has {found.width} x {found.height} pixels; at most {MOST_PIXELS} a side are taken")
    return found


def bad(message: str) -> LogoError:
    return LogoError(f"The logo was not stored: {message}", faults=[Fault("/file", message)])


def _png(content: bytes) -> Picture | None:
    if not content.startswith(_PNG) or len(content) < 24:
        return None
    return Picture("image/png", *struct.unpack(">II", content[16:24]))


def _jpeg(content: bytes) -> Picture | None:
    """None as well for one of four colours: a PDF/A of ours has no ink profile for these."""
    if not content.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if marker in _FRAMES:
            height, width, colours = struct.unpack(">HHB", content[at + 5 : at + 10])
            return Picture("image/jpeg", width, height) if colours in (1, 3) else None
        at += 2 + length
    return None


def on_paper(content: bytes, shape: Picture, *, alt: str) -> dict[str, Any]:
    """The picture as the templates of documents take it: inside SVG, fitted into the place for it in millimetres."""
    scale = min(WIDEST / shape.width, HIGHEST / shape.height)
    data = base64.b64encode(content).decode()
    size = f'width="{shape.width}" height="{shape.height}"'
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {shape.width} {shape.height}">'
        f'<image {size} href="data:{shape.media_type};base64,{data}"/></svg>'
    )
    return {"svg": svg, "width": round(shape.width * scale, 2), "height": round(shape.height * scale, 2), "alt": alt}
