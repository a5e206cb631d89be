"""CAMT.052, .053 and .054 of any version: read entry by entry, each freed as soon as it is read.

Elements are known by their local names, so that versions and their namespaces make no difference. The parser loads
no DTD, resolves no entity, reaches no network, and refuses what is nested too deeply; a document type is refused.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from lxml import etree

from ar.cash.bank.readers.camt_entry import Details, Names, details_of, lines_of
from ar.cash.bank.readers.facts import Balance, End, Head, Part, number_of, refused, words
from ar.cash.bank.readers.values import day_of, minor_of

FORMATS = {"Rpt": "camt.052", "Stmt": "camt.053", "Ntfctn": "camt.054"}
MAX_DETAILS = 100_000
"""Transactions within one entry."""

MAX_GAP = 1_000_000
"""Bytes from the end of one transaction or entry to the end of the next: what is held in memory at a time."""

_NEAR, _LONGEST_END = 50_000, 100

ROOTS = (b"BkToCstmrAcctRpt", b"BkToCstmrStmt", b"BkToCstmrDbtCdtNtfctn")
_OPENING = ("OPBD", "PRCD")
_CLOSING = "CLBD"
_INTERIM = "ITBD"
_KEPT = frozenset({"Bal", "Acct", "Btch"})
_ENCODING = re.compile(rb"""^[^>]{0,80}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,30})["']""")
_ENDS = re.compile(rb"</(?:[\w.-]{1,20}:)?(?:Ntry|TxDtls|Stmt|Rpt|Ntfctn)\s*>|<(?:[\w.-]{1,20}:)?TxDtls\s*/>")
_ENCODINGS = frozenset({"utf-8", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252"})


def read(content: bytes) -> Iterator[Part]:
    """The parts of a CAMT file. Raises BankFileError, also in the midst of it, naming statement and entry."""
    _check_prolog(content)
    names = Names()
    statement, entry, where = 1, 1, "statement 1"
    head: Head | None = None
    details: list[Details] = []
    try:
        for _, element in _events(content):
            name, parent = names[element.tag], element.getparent()
            if name == "TxDtls":
                details.append(details_of(element, names))
                if len(details) > MAX_DETAILS:
                    raise refused(f"{where}, entry {entry}", f"it has more than {MAX_DETAILS:,} transactions")
                if len(details) == 1:
                    continue  # most entries have one, which goes with its entry
            elif name == "Ntry":
                if head is None:
                    head = _head(parent, names, where)
                    yield head
                yield from lines_of(element, details, head, names, f"{where}, entry {entry}")
                details, entry = [], entry + 1
            else:
                if head is None:
                    head = _head(element, names, where)
                    yield head
                opening, closing = _balances(element, names, where)
                yield End(closing, opening)
                head, entry, statement = None, 1, statement + 1
                where = f"statement {statement}"
            _free(element, parent, names)
    except etree.XMLSyntaxError as error:
        raise refused(f"line {error.lineno or 1}", f"this is not well-formed XML ({error.msg})") from None
    if statement == 1:
        raise refused("the file", "it is a CAMT message without any statement, report or notification")


def _check_prolog(content: bytes) -> None:
    if b"\x00" in content:
        raise refused("the file", "XML in UTF-16 or with NUL characters is not read: save it as UTF-8")
    if re.search(rb"<!(?:DOCTYPE|ENTITY)", content, re.IGNORECASE):
        raise refused("the file", "it declares a document type or entities, which no bank does: it is not read")
    before = 0
    while len(content) - before > MAX_GAP:
        end = _last_end(content, before + 1, before + MAX_GAP)
        if end is None:
            said = f"more than {MAX_GAP:,} bytes follow that belong to one entry, or to none"
            raise refused(f"byte {before:,}", said)
        before = end
    start = content[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<?xml"):
        named = _ENCODING.match(start)
        if named is not None and named[1].decode("ascii").lower() not in _ENCODINGS:
            raise refused("line 1", f"the encoding {named[1].decode('ascii')} is not read: save it as UTF-8")


def _last_end(content: bytes, start: int, stop: int) -> int | None:
    """Where the last end of a transaction, entry or statement begins from `start` to `stop`; looked for backwards."""
    for size in (_NEAR, stop - start):
        found = _ENDS.finditer(content, max(start, stop - size), stop + _LONGEST_END)
        if begins := [end.start() for end in found if end.start() <= stop]:
            return begins[-1]
    return None


def _events(content: bytes) -> Iterator[tuple[str, etree._Element]]:
    wanted = [f"{{*}}{name}" for name in ("TxDtls", "Ntry", *FORMATS)]
    return iter(
        etree.iterparse(
            io.BytesIO(content),
            events=("end",),
            tag=wanted,
            load_dtd=False,
            no_network=True,
            resolve_entities=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
            remove_blank_text=True,
        )
    )


def _free(element: etree._Element, parent: etree._Element | None, names: Names) -> None:
    """Let go of an element that was read, and of what stands before it as far as what is asked for again."""
    element.clear()
    while parent is not None and (before := element.getprevious()) is not None:
        if names[before.tag] in _KEPT:
            break
        parent.remove(before)


def _head(statement: etree._Element | None, names: Names, where: str) -> Head:
    """From what stands before the first entry: CAMT gives identification, account and balances there."""
    name = "" if statement is None else names[statement.tag]
    account = reference = None
    for child in statement if statement is not None else ():
        told = names[child.tag]
        if told == "Acct":
            account = child
        elif told == "Id":
            reference = child.text
    if statement is None or name not in FORMATS or account is None:
        raise refused(where, "entries stand outside of a statement, or it does not say which account it is of (Acct)")
    number, currency = _account(account, names)
    if not number:
        raise refused(where, "the account (Acct/Id) has neither an IBAN nor another number")
    opening, closing = _balances(statement, names, where)
    if not currency and (stated := opening or closing):
        currency = stated.currency
    return Head(
        format=FORMATS[name],
        account=number,
        currency=currency or None,
        reference=words(reference or "", 60),
        opening=opening,
        provisional=name == "Rpt",
    )


def _account(account: etree._Element, names: Names) -> tuple[str, str]:
    """Its number and currency, as far as they are given."""
    number = currency = ""
    for one in account.iter():
        told, text = names[one.tag], (one.text or "").strip()
        if not text:
            continue
        if told == "IBAN" or (told == "Id" and not number and _is_account_id(one, names)):
            number = text
        elif told == "Ccy" and one.getparent() is account:
            currency = text
    return number_of(number), words(currency, 3)


def _is_account_id(element: etree._Element, names: Names) -> bool:
    """Acct/Id/Othr/Id, and not the Id of the account's owner or bank."""
    above = [names[one.tag] for one in element.iterancestors()][:3]
    return above == ["Othr", "Id", "Acct"]


def _balances(statement: etree._Element, names: Names, where: str) -> tuple[Balance | None, Balance | None]:
    """Opening and closing balance: booked ones, else interim ones, of which a page of a statement has two."""
    found: dict[str, list[Balance]] = {}
    for child in statement:
        if names[child.tag] == "Bal":
            kind, balance = _balance(child, names, where)
            found.setdefault(kind, []).append(balance)
    interim = found.get(_INTERIM, [])
    opening = next((found[kind][0] for kind in _OPENING if kind in found), None)
    closing = found[_CLOSING][-1] if _CLOSING in found else None
    if closing is None and interim:
        closing = interim.pop()
    if opening is None and interim:
        opening = interim[0]
    return opening, closing


def _balance(element: etree._Element, names: Names, where: str) -> tuple[str, Balance]:
    kind = amount = currency = on = sign = ""
    for one in element.iter():
        name, text = names[one.tag], (one.text or "").strip()
        if not text:
            continue
        if name == "Cd" and not kind:
            kind = text
        elif name == "Amt" and not amount:
            amount, currency = text, one.get("Ccy") or ""
        elif name == "CdtDbtInd" and not sign:
            sign = text
        elif name in ("Dt", "DtTm") and not on:
            on = text
    where = f"{where}, balance {kind[:10]}"
    if sign not in ("CRDT", "DBIT"):
        raise refused(where, "it is neither CRDT nor DBIT")
    minor = minor_of(amount, currency, where)
    return kind, Balance(-minor if sign == "DBIT" else minor, currency, day_of(on, where))
