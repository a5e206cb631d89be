"""One entry (Ntry) of a CAMT file, with the details of its transactions (TxDtls), as lines. Pure.

The entry's amount is what moved. Its transactions become lines of their own where their amounts, in the entry's
currency, add up to it, with or without its charges; else the entry is one line, and the details are words on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from lxml import etree

from ar.cash.bank.readers.creditor_references import found_in, usual
from ar.cash.bank.readers.facts import Head, Line, Status, number_of, paragraphs, refused, words
from ar.cash.bank.readers.values import day_of, minor_of

_CONTAINERS = frozenset(
    {
        *("Refs", "AmtDtls", "InstdAmt", "TxAmt", "CntrValAmt", "AnncdPstngAmt", "PrtryAmt", "Avlbty", "BkTxCd"),
        *("Chrgs", "Intrst", "RltdPties", "InitgPty", "Dbtr", "DbtrAcct", "UltmtDbtr", "Cdtr", "CdtrAcct", "UltmtCdtr"),
        *("TradgPty", "RltdAgts", "LclInstrm", "Purp", "RltdRmtInf", "RmtInf", "Strd", "CdtrRefInf", "RfrdDocInf"),
        *("RfrdDocAmt", "LineDtls", "Invcr", "Invcee", "TaxRmt", "GrnshmtRmt", "RltdDts", "RltdPric", "RltdQties"),
        *("FinInstrmId", "Tax", "RtrInf", "Rsn", "CorpActn", "SfkpgAcct", "CshDpst", "CardTx"),
    }
)
_TEXTS = {
    "Refs": {name: name for name in ("EndToEndId", "MndtId", "AcctSvcrRef", "PmtInfId", "CdtDbtInd")},
    "": {"CdtDbtInd": "CdtDbtInd"},
    "Dbtr": {"Nm": "Dbtr"},
    "UltmtDbtr": {"Nm": "UltmtDbtr"},
    "Cdtr": {"Nm": "Cdtr"},
    "UltmtCdtr": {"Nm": "UltmtCdtr"},
    "DbtrAcct": {"IBAN": "DbtrAcct", "Id": "DbtrAcct"},
    "CdtrAcct": {"IBAN": "CdtrAcct", "Id": "CdtrAcct"},
    "Rsn": {"Cd": "Rsn", "Prtry": "Rsn"},
    "Chrgs": {"ChrgInclInd": "ChrgInclInd"},
}
"""Of which context which element is kept, and under which name: the first of each that says something."""

_AMOUNTS = {
    "Refs": "Amt",
    "": "Amt",
    "TxAmt": "TxAmt",
    "InstdAmt": "InstdAmt",
    "CntrValAmt": "CntrValAmt",
}
_WORDS = {"RmtInf": "Ustrd", "Strd": "AddtlRmtInf", "RfrdDocInf": "Nb", "RfrdDocAmt": "AddtlRmtInf"}
_NONE = frozenset({"NOTPROVIDED", "NONREF", "NOT PROVIDED", "NONE"})


class Names(dict[Any, str]):
    """The local name of each tag met, made once; nothing for what is no element."""

    def __missing__(self, tag: Any) -> str:
        name = tag.rpartition("}")[2] if isinstance(tag, str) else ""
        self[tag] = name
        return name


@dataclass(slots=True)
class Details:
    """What one TxDtls says, as text: `texts` by the names of _TEXTS, `amounts` as (digits, currency)."""

    texts: dict[str, str] = field(default_factory=dict)
    amounts: dict[str, tuple[str, str]] = field(default_factory=dict)
    charges: list[tuple[str, str]] = field(default_factory=list)
    remittance: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)


def details_of(transaction: etree._Element, names: Names) -> Details:
    """One walk over a transaction's elements, in the file's order: what an element means follows from the last
    container before it."""
    found = Details()
    texts, amounts = found.texts, found.amounts
    context = ""
    kept = _TEXTS.get("")
    for element in transaction.iter():
        name = names[element.tag]
        if name in _CONTAINERS:
            context = name
            kept = _TEXTS.get(context)
            continue
        text = element.text
        if not text:
            continue
        if kept is not None and name in kept:
            if text.strip():
                texts.setdefault(kept[name], text.strip())
        elif name == "Amt":
            if context == "Chrgs":
                found.charges.append((text.strip(), element.get("Ccy") or ""))
            elif context in _AMOUNTS:
                amounts.setdefault(_AMOUNTS[context], (text.strip(), element.get("Ccy") or ""))
        elif name == "TtlChrgsAndTaxAmt":
            amounts["Charges"] = (text.strip(), element.get("Ccy") or "")
        elif name == "Ref" and context == "CdtrRefInf":
            found.references.append(text)
        elif name == "AddtlTxInf" or _WORDS.get(context) == name or (name == "AddtlRmtInf" and context == "CdtrRefInf"):
            found.remittance.append(text)
    return found


def lines_of(entry: etree._Element, details: Sequence[Details], head: Head, names: Names, where: str) -> Iterator[Line]:
    """The lines of an entry. Raises BankFileError at `where`."""
    whole = _Entry(entry, names).fields(where)
    if not details:
        yield Line(**whole)
        return
    shares = _shares(details, whole, where) if len(details) > 1 else None
    if shares is None:
        yield _with(whole, details[0] if len(details) == 1 else _merged(details), head, where)
        return
    rest = whole["amount_minor"] - sum(shares)
    whole |= {"charges_minor": None, "parts": len(shares) + (rest != 0)}
    for n, (one, minor) in enumerate(zip(details, shares, strict=True), start=1):
        yield _with(whole | {"amount_minor": minor, "part": n}, one, head, where)
    if rest:
        yield Line(**whole | {"amount_minor": rest, "kind": "charges", "part": whole["parts"]})


class _Entry:
    """The direct children of an Ntry, by name."""

    def __init__(self, entry: etree._Element, names: Names) -> None:
        self.texts: dict[str, str] = {}
        self.names = names
        self.element = entry
        self.currency = self.kind = ""
        self.instructed: tuple[str, str] | None = None
        self.charges: tuple[str, str] | None = None
        for child in entry:
            name = names[child.tag]
            text = child.text
            if text is not None and (text := text.strip()):
                self.texts.setdefault(name, text)
                if name == "Amt" and not self.currency:
                    self.currency = child.get("Ccy") or ""
            elif name == "BkTxCd":
                self.kind = _kind(child, names)
            elif name in ("BookgDt", "ValDt", "Sts"):
                self.texts.setdefault(name, next((t for one in child if (t := (one.text or "").strip())), ""))
            elif name == "AmtDtls":
                self.instructed = _amount_under(child, names, "InstdAmt", "Amt")
            elif name == "Chrgs":
                total = _amount_under(child, names, "Chrgs", "TtlChrgsAndTaxAmt")
                self.charges = self.charges or total or _amount_under(child, names, "Chrgs", "Amt")
            elif name == "NtryDtls":
                for one in child.iter():
                    inner = names[one.tag]
                    if inner in ("PmtInfId", "MsgId") and one.text and names[_above(one)] == "Btch":
                        self.texts["Btch"] = one.text.strip()  # PmtInfId comes last and says most
                    elif inner == "TxDtls":
                        break

    def fields(self, where: str) -> dict[str, Any]:
        """The entry as one line, by the names of Line's fields, without the details of its transactions."""
        texts, currency = self.texts, self.currency
        sign = texts.get("CdtDbtInd")
        if sign not in ("CRDT", "DBIT"):
            raise refused(where, f"it is neither CRDT nor DBIT but {(sign or 'nothing')[:20]!r} (CdtDbtInd)")
        if "Amt" not in texts or not currency:
            raise refused(where, "it has no amount with a currency (Amt)")
        minor = minor_of(texts["Amt"], currency, where)
        minor = -minor if sign == "DBIT" else minor
        status = {"BOOK": Status.BOOKED, "PDNG": Status.PENDING, "FUTR": Status.PENDING, "INFO": Status.INFORMATION}
        state = status.get(texts.get("Sts", ""))
        if state is None:
            raise refused(
                where, f"its status (Sts) is {texts.get('Sts', 'missing')[:20]!r}: BOOK, PDNG or INFO is read"
            )
        value_on = day_of(texts["ValDt"], where) if texts.get("ValDt") else None
        reference = texts.get("AcctSvcrRef", "")
        charged = _minor_in(self.charges, currency, where)
        original = _original(self.instructed, minor, currency, where)
        return {
            "place": where,
            "booked_on": self._booked_on(value_on, where),
            "value_on": value_on,
            "amount_minor": minor,
            "currency": currency,
            "status": state,
            "kind": self.kind,
            "bank_reference": words(reference, 80),
            "batch_reference": words(texts.get("Btch", ""), 80),
            "remittance": words(texts.get("AddtlNtryInf", ""), 4000),
            "is_reversal": texts.get("RvslInd") in ("true", "1"),
            "charges_minor": charged,
            "original_minor": original[0] if original else None,
            "original_currency": original[1] if original else None,
            "entry_reference": words(reference, 80),
            "entry_minor": minor,
        }

    def _booked_on(self, value_on: date | None, where: str) -> date:
        """The booking date; for an entry that has none, the value date, or the day the message was made."""
        if self.texts.get("BookgDt"):
            return day_of(self.texts["BookgDt"], where)
        if value_on is not None:
            return value_on
        parent = self.element.getparent()
        made = next((c.text for c in parent if self.names[c.tag] == "CreDtTm"), None) if parent is not None else None
        if made is None:
            raise refused(where, "it has neither a booking date (BookgDt) nor a value date (ValDt)")
        return day_of(made.strip(), where)


def _above(element: etree._Element) -> Any:
    parent = element.getparent()
    return None if parent is None else parent.tag


def _kind(element: etree._Element, names: Names) -> str:
    """Domain, family and sub-family such as PMNT.RCDT.ESCT, or the bank's own code."""
    own = ""
    codes = []
    for one in element.iter():
        text = one.text
        if text and not text.isspace():
            name = names[one.tag]
            if name in ("Cd", "SubFmlyCd"):
                if names[_above(one)] == "Prtry":
                    own = text
                else:
                    codes.append(text)
    return words(".".join(codes) or own, 40)


def _amount_under(element: etree._Element, names: Names, container: str, wanted: str) -> tuple[str, str] | None:
    within = names[element.tag] == container
    for one in element.iter():
        name = names[one.tag]
        if name == wanted and within:
            return (one.text or "").strip(), one.get("Ccy") or ""
        if name in _CONTAINERS:
            within = name == container
    return None


def _minor_in(amount: tuple[str, str] | None, currency: str, where: str) -> int | None:
    """The minor units of an amount, when it is of `currency` and not nothing."""
    if amount is None or amount[1] != currency:
        return None
    return minor_of(amount[0], currency, where) or None


def _original(amount: tuple[str, str] | None, minor: int, currency: str, where: str) -> tuple[int, str] | None:
    """What the payer ordered, where it is not the amount of the line."""
    if amount is None or not amount[1]:
        return None
    ordered = minor_of(amount[0], amount[1], where)
    return None if ordered == abs(minor) and amount[1] == currency else (ordered, amount[1])


def _shares(details: Sequence[Details], whole: Mapping[str, Any], where: str) -> list[int] | None:
    """The amounts of the transactions, signed, when they are what the entry is made of."""
    shares = []
    for one in details:
        amounts = (one.amounts.get(name) for name in ("Amt", "TxAmt", "CntrValAmt", "InstdAmt"))
        given = next((amount for amount in amounts if amount and amount[1] == whole["currency"]), None)
        if given is None:
            return None
        minor = minor_of(given[0], given[1], where)
        sign = one.texts.get("CdtDbtInd") or ("DBIT" if whole["amount_minor"] < 0 else "CRDT")
        shares.append(-minor if sign == "DBIT" else minor)
    rest = whole["amount_minor"] - sum(shares)
    if rest and abs(rest) != whole["charges_minor"]:
        return None
    return shares


def _merged(details: Sequence[Details]) -> Details:
    """Of several transactions that are one line: all their words, and only what they agree on otherwise."""
    first = details[0]
    texts = {n: t for n, t in first.texts.items() if all(one.texts.get(n) == t for one in details)}
    rest = [text for one in details for text in (*one.remittance, *one.references)]
    return Details(texts=texts, remittance=rest[:1000])


def _with(whole: Mapping[str, Any], told: Details, head: Head, where: str) -> Line:
    """The line of the fields `whole`, with what a transaction says of it."""
    texts, minor, currency = told.texts, whole["amount_minor"], whole["currency"]
    name, iban = _counterparty(texts, minor, head.account)
    reference, more = "", told.references
    if more:
        reference, more = usual(more[0]), more[1:]
    remittance = paragraphs([*told.remittance, *more]) or whole["remittance"]
    if not reference:
        reference = found_in(remittance)
    end_to_end = texts.get("EndToEndId", "")
    charges = whole["charges_minor"]
    if charges is None and texts.get("ChrgInclInd") not in ("false", "0"):
        taken = told.amounts.get("Charges") or (told.charges[0] if told.charges else None)
        charges = _minor_in(taken, currency, where)
    ordered = _original(told.amounts.get("InstdAmt"), minor, currency, where)
    said = {
        "counterparty_name": words(name, 200),
        "counterparty_iban": number_of(iban),
        "bank_reference": words(texts.get("AcctSvcrRef", ""), 80) or whole["bank_reference"],
        "end_to_end_id": "" if end_to_end.upper() in _NONE else words(end_to_end, 80),
        "mandate_id": "" if texts.get("MndtId", "").upper() in _NONE else words(texts.get("MndtId", ""), 80),
        "batch_reference": whole["batch_reference"] or words(texts.get("PmtInfId", ""), 80),
        "structured_reference": words(reference, 60),
        "remittance": remittance,
        "return_reason": words(texts.get("Rsn", ""), 10),
        "charges_minor": charges,
    }
    if ordered:
        said["original_minor"], said["original_currency"] = ordered
    return Line(**{**whole, **said})


def _counterparty(texts: dict[str, str], minor: int, account: str) -> tuple[str, str]:
    """Name and number of the other side: who paid for money that came in, whom we paid for money that went out.

    For a payment on behalf of another the party itself is named, and the ultimate one where it is missing. Some
    banks name us on that side, or the other on ours: then it is the side that is not this account.
    """
    sides = ("Dbtr", "Cdtr") if minor > 0 else ("Cdtr", "Dbtr")
    for side in sides:
        name = texts.get(side) or texts.get(f"Ultmt{side}") or ""
        iban = texts.get(f"{side}Acct", "")
        if (name or iban) and number_of(iban) != account:
            return name, iban
    return "", ""
