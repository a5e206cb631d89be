"""Which format a bank file has, told from its content alone, and its reader. Reads no file and no clock."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence

from ar.cash.bank.readers import bai, camt, cfonb, mt940, ofx, table
from ar.cash.bank.readers.facts import Part, refused
from ar.cash.bank.readers.values import text_of
from ar.core.mapping import Profile
from ar.core.tabular import FileError, opened

_START = 4000
_MT940 = re.compile(r"(?:^|\n)\s*[\x01]?:20:|\{1:F01", re.ASCII)


def parts_of(
    content: bytes, *, profiles: Sequence[Profile] = (), account: str = "", currency: str = ""
) -> Iterator[Part]:
    """The parts of a bank file, whatever its format.

    `profiles` are tried for a table, the first that fits; `account` and `currency` are for a table that does not
    say them. Raises BankFileError, or FileError for a table, before the first part or in the midst.
    """
    start = content[:_START]
    if not start.strip():
        raise refused("the file", "it is empty")
    if any(root in start for root in camt.ROOTS):
        return camt.read(content)
    if start.startswith(b"PK"):
        return _tabled(content, profiles, account, currency)
    text = text_of(start[: start.rfind(b"\n") + 1] or start).lstrip("\x00 \r\n\t")
    if re.search(r"OFXHEADER|<OFX>", text, re.IGNORECASE):
        return ofx.read(content)
    if text.startswith("<"):
        raise refused("the file", "it is XML, but not CAMT.052, .053 or .054: ask the bank for one of these")
    if cfonb.looks_so(text):
        return cfonb.read(content)
    if re.match(r"01,", text):
        return bai.read(content)
    if _MT940.search(text):
        return mt940.read(content)
    return _tabled(content, profiles, account, currency)


def _tabled(content: bytes, profiles: Sequence[Profile], account: str, currency: str) -> Iterator[Part]:
    for profile in profiles:
        try:
            with opened(io.BytesIO(content), layout=profile.layout, wanted=list(profile.columns.values())) as found:
                headings = found.headings
        except FileError:
            if len(profiles) == 1:
                raise
            continue
        if len(profiles) == 1 or table.fits(profile, headings):
            return table.read(content, profile, account=account, currency=currency)
    raise refused(
        "the file",
        "it is none of CAMT, MT940, CFONB 120, BAI2 and OFX, nor a table that a shipped profile fits: "
        "say with a profile which column is what",
    )
