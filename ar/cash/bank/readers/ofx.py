"""OFX 1.x (SGML) and 2.x (XML), as banks offer it for download. Pure.

Both are tags with a value; SGML leaves out the closing ones. One pass over the tags reads either. What a bank
repeats under one FITID are two lines: a FITID tells lines apart, it does not make them the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from ar.cash.bank.readers.creditor_references import found_in
from ar.cash.bank.readers.facts import Balance, End, Head, Line, Part, number_of, paragraphs, refused, words
from ar.cash.bank.readers.values import compact_day, signed_minor, text_of

MAX_DEPTH = 20
_TAG = re.compile(r"<(/?)([A-Za-z0-9_.]{1,60})\s*>([^<]*)", re.ASCII)
_CDATA = re.compile(r"<!\[CDATA\[([^\]]{0,4000})\]\]>")
_AMOUNT = re.compile(r"[+-]?\d{0,16}(?:\.\d{0,6})?", re.ASCII)
_STATEMENTS = {"STMTRS": "BANKACCTFROM", "CCSTMTRS": "CCACCTFROM"}
_AGGREGATES = frozenset(
    {
        *("BANKACCTFROM", "CCACCTFROM", "BANKTRANLIST", "STMTTRN", "LEDGERBAL", "AVAILBAL", "PAYEE", "BANKACCTTO"),
        *("CCACCTTO", "CURRENCY", "ORIGCURRENCY", "BALLIST", "BAL", *_STATEMENTS),
    }
)
_RETURNED = {"RETURN", "RTN"}
Values = dict[tuple[str, ...], str]


def read(content: bytes) -> Iterator[Part]:
    """The parts of an OFX file. Raises BankFileError naming statement and transaction."""
    text = text_of(content)
    if re.search(r"<!(?:DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise refused("the file", "it declares a document type or entities: it is not read")
    text = _CDATA.sub(lambda found: found[1].replace("&", "&amp;").replace("<", "&lt;"), text)
    stack: list[str] = []
    values: Values = {}
    lines: list[Values] = []
    number = 0
    for found in _TAG.finditer(text):
        closing, tag, value = found.groups()
        name = tag.upper()
        if closing:
            if name not in stack:
                continue
            del stack[len(stack) - 1 - stack[::-1].index(name) :]
            if name in _STATEMENTS:
                number += 1
                yield from _statement(name, values, lines, f"statement {number}")
            continue
        if name in _AGGREGATES:
            if name in _STATEMENTS:
                stack, values, lines = [], {}, []
            elif name == "STMTTRN":
                if "STMTTRN" in stack:
                    raise refused(f"transaction {len(lines)}", "it is not closed before the next begins")
                lines.append({})
            stack.append(name)
            if len(stack) > MAX_DEPTH:
                raise refused(f"statement {number + 1}", "it is nested too deeply")
        elif stack and value.strip():
            target, path = (lines[-1], stack[stack.index("STMTTRN") + 1 :]) if "STMTTRN" in stack else (values, stack)
            target.setdefault((*path, name), unescape(value.strip()[:4000]))
    if stack and stack[0] in _STATEMENTS:
        raise refused("the end of the file", "the last statement is not closed: the file was cut off")
    if number == 0:
        raise refused("the file", "it is OFX without a statement of an account")


def _statement(name: str, values: Values, lines: list[Values], where: str) -> Iterator[Part]:
    currency = words(values.get((name, "CURDEF"), ""), 3)
    source = _STATEMENTS[name]
    account, branch = values.get((name, source, "ACCTID"), ""), values.get((name, source, "BRANCHID"), "")
    if branch:  # France and Italy: the account's number means nothing without its bank and branch
        account = values.get((name, source, "BANKID"), "") + branch + account
    if not number_of(account):
        raise refused(where, "it does not say which account it is of (ACCTID)")
    if not currency:
        raise refused(where, "it does not say its currency (CURDEF)")
    span = (values.get((name, "BANKTRANLIST", one), "")[:8] for one in ("DTSTART", "DTEND"))
    yield Head(format="ofx", account=number_of(account), currency=currency, reference="-".join(filter(None, span)))
    for n, line in enumerate(lines, start=1):
        yield _line(line, currency, f"{where}, transaction {n}")
    closing = None
    if (name, "LEDGERBAL", "BALAMT") in values:
        place = f"{where}, LEDGERBAL"
        minor = _minor(values[name, "LEDGERBAL", "BALAMT"], currency, place)
        closing = Balance(minor, currency, compact_day(values.get((name, "LEDGERBAL", "DTASOF"), ""), place))
    yield End(closing=closing)


def _minor(text: str, currency: str, where: str) -> int:
    plain = text.replace(" ", "")
    if plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    if not _AMOUNT.fullmatch(plain) or not any(map(str.isdigit, plain)):
        raise refused(where, f"{text[:40]!r} is not an amount: it is written like -1234.56")
    sign = plain[0] if plain[0] in "+-" else ""
    plain = plain.removeprefix(sign)
    return signed_minor(sign + ("0" + plain if plain.startswith(".") else plain), currency, where)


def _line(said: Values, home: str, where: str) -> Line:
    def one(*path: str) -> str:
        return said.get(path, "")

    currency = words(one("CURRENCY", "CURSYM"), 3) or home
    if not one("TRNAMT"):
        raise refused(where, "it has no amount (TRNAMT)")
    minor = _minor(one("TRNAMT"), currency, where)
    reference = words(one("FITID"), 80)
    name = one("NAME") or one("PAYEE", "NAME") or one("EXTDNAME")
    remittance = paragraphs([one("EXTDNAME") if name != one("EXTDNAME") else "", one("MEMO")])
    kind = words(one("TRNTYPE"), 40)
    return Line(
        place=where,
        booked_on=compact_day(one("DTPOSTED"), where),
        value_on=compact_day(one("DTAVAIL"), where) if one("DTAVAIL") else None,
        amount_minor=minor,
        currency=currency,
        kind=kind,
        counterparty_name=words(name, 200),
        counterparty_iban=number_of(one("BANKACCTTO", "ACCTID") or one("CCACCTTO", "ACCTID")),
        bank_reference=reference,
        end_to_end_id=words(one("REFNUM") or one("CHECKNUM"), 80),
        structured_reference=words(found_in(remittance), 60),
        remittance=remittance,
        return_reason=kind[:10] if kind.upper() in _RETURNED else "",
        original_currency=None,
        entry_reference=reference,
        entry_minor=minor,
    )
