"""What banks put into the field :86: of MT940, which no standard rules: told apart by its look, and read. Pure.

- subfields ?20 to ?33, with SEPA words in them (EREF+, SVWZ+): Germany, Austria, Poland, the Nordics;
- words between slashes (/EREF/.../REMI/...): the Netherlands, SWIFT;
- labels before a colon (MOTIF:, TYT.:): France, mBank;
- else it is text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stdnum import iban as iban_number

from ar.cash.bank.readers.creditor_references import found_in, usual
from ar.cash.bank.readers.facts import number_of, paragraphs

_SUBFIELDS = re.compile(r"(\d{3})?([?~<^@])(?:0|1|2|3|6)\d", re.ASCII)
_SEPA = re.compile(
    r"(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|IBAN|BIC|PURP|MDAT|SQTP|ORCR|ORMR|DDAT)(?:\+|: ?)",
    re.ASCII,
)
_SLASHED = re.compile(
    r"/(TRTP|TRCD|EREF|PREF|NRTX|MARF|CSID|REMI|NAME|IBAN|BIC|CNTP|BENM|ORDP|ULTD|ULTC|ULTB|RTRN|ISDT|ADDR|ID|PURP|SVCL|"
    r"OCMT|CHGS|CHGP|EXCH|CREF|IREF|BUSP|OM1T|SUBJ|ACCW|BO|BI)/",
    re.ASCII,
)
_FRENCH = re.compile(r"(?<![A-Z])(DE|POUR|MOTIF|REF|ID|RUM|CHEZ|REFDO|REFBEN|LIB|DATE)\s?:", re.ASCII)
_MBANK = re.compile(r"(?:^|; ?)\s*(ID IPH|Z RACH\.|NA RACH\.|OD|DLA|TYT\.|TNR):", re.ASCII)
_OLD_DUTCH = re.compile(r"(?:GIRO +(\d{3,10})|(\d\d\.\d\d\.\d\d\.\d{3})) +(\S.{0,60}?)(?: {2,}|\n|$)", re.ASCII)
_REASON = re.compile(
    r"(?<![A-Z0-9])((?:A[CGM]|BE|CN|CU|DN|DT|ED|FF|FO|M[DS]|NA|NO|RC|RR|SL|SV|TM|UP)\d\d)(?![0-9A-Z])", re.ASCII
)
_RETURN_CODES = frozenset({"108", "109", "159", "184", "185"})
_WIDTH = 27
"""Characters of a full subfield: a word that fills it goes on in the next."""


@dataclass(slots=True)
class Told:
    """What was understood; what was not is in the remittance. `amounts` may hold /OCMT/ and /CHGS/."""

    remittance: str = ""
    name: str = ""
    iban: str = ""
    code: str = ""
    end_to_end: str = ""
    mandate: str = ""
    batch: str = ""
    reference: str = ""
    return_reason: str = ""
    amounts: str = ""


def tell(text: str) -> Told:
    """What the field says, its lines one below the other. Never raises: it holds words, no money."""
    start = text.lstrip()
    subfields = _SUBFIELDS.match(start)
    if subfields is not None:
        told = _from_subfields(start, subfields[1] or "", subfields[2])
    elif start.startswith("/") and _SLASHED.match(start):
        told = _from_slashes(start.replace("\n", ""))
    elif len(_MBANK.findall(text)) >= 2:
        told = _from_mbank(text)
    elif len(_FRENCH.findall(text)) >= 2 and "MOTIF" in text:
        told = _from_french(text)
    else:
        told = Told(remittance=paragraphs(text.split("\n")))
        old = _OLD_DUTCH.match(text)
        if old is not None:
            told.iban, told.name = number_of(old[1] or old[2]), old[3]
    if not told.reference:
        told.reference = found_in(told.remittance)
    if told.end_to_end.upper() in ("NOTPROVIDED", "NONREF", "NICHT ANGEGEBEN"):
        told.end_to_end = ""
    return told


def _pieces(pattern: re.Pattern[str], text: str) -> tuple[str, list[tuple[str, str]]]:
    """What stands before the first mark, then each mark with what follows it."""
    found = list(pattern.finditer(text))
    if not found:
        return text, []
    ends = [one.start() for one in found[1:]] + [len(text)]
    return text[: found[0].start()], [(one[1], text[one.end() : end]) for one, end in zip(found, ends, strict=True)]


def _from_subfields(text: str, code: str, mark: str) -> Told:
    flat = text.replace("\n", "")[len(code) :]
    kept: dict[str, str] = {}
    purposes: list[str] = []
    for piece in flat.split(mark)[1:]:
        key, value = piece[:2], piece[2:]
        if not key.isdigit():  # the mark itself, in a text
            if purposes:
                purposes[-1] += mark + piece
        elif key[0] in "26":
            purposes.append(value)
        else:
            kept[key] = kept.get(key, "") + value
    told = Told(code=code)
    told.name = f"{kept.get('32', '')}{' ' if len(kept.get('32', '')) < _WIDTH else ''}{kept.get('33', '')}".strip()
    told.iban = number_of(kept.get("31") or kept.get("38") or "")
    before, words = _pieces(_SEPA, "".join(purposes))
    if words:
        said = {key: value.strip() for key, value in reversed(words)}
        told.end_to_end, told.mandate = said.get("EREF", ""), said.get("MREF", "")
        told.batch = said.get("KREF", "")
        told.name = told.name or said.get("ABWA") or said.get("ABWE") or ""
        told.iban = number_of(said.get("IBAN", "")) or told.iban
        for key, name in (("OAMT", "OCMT"), ("COAM", "CHGS")):
            if key in said:
                told.amounts += _sepa_amount(said[key], name)
        told.remittance = paragraphs([before, said.get("SVWZ", "")])
    else:
        told.remittance = paragraphs(_rejoined(purposes))
    if code in _RETURN_CODES:
        reason = _REASON.search(f"{kept.get('34', '')} {told.remittance} {kept.get('00', '')}")
        told.return_reason = reason[1] if reason else code
    if not told.remittance:
        told.remittance = paragraphs([kept.get("00", "")])
    return told


def _sepa_amount(text: str, name: str) -> str:
    """'EUR 12,50' or '12,50EUR' as /OCMT/EUR12,50."""
    found = re.match(r"(?:([A-Z]{3}) ?([\d,]{1,20})|([\d,]{1,20}) ?([A-Z]{3}))", text, re.ASCII)
    return f"/{name}/{found[1] or found[4]}{found[2] or found[3]}/" if found else ""


def _rejoined(purposes: list[str]) -> list[str]:
    """Subfields as lines; one that is full goes on in the next without a break."""
    lines = [""]
    for purpose in purposes:
        lines[-1] += purpose
        if len(purpose) < _WIDTH:
            lines.append("")
    return lines


def _from_slashes(text: str) -> Told:
    _, words = _pieces(_SLASHED, text)
    told = Told()
    rest: list[str] = []
    for key, value in words:
        plain = value.strip("/ ")
        if key in ("EREF", "CREF") and not told.end_to_end:
            told.end_to_end = plain
        elif key == "MARF":
            told.mandate = plain
        elif key == "PREF":
            told.batch = plain
        elif key == "NAME":
            told.name = told.name or plain
        elif key == "IBAN":
            told.iban = told.iban or number_of(plain)
        elif key == "CNTP":
            parts = [*value.split("/"), "", "", ""]
            told.iban, told.name = number_of(parts[0]), parts[2].strip() or told.name
        elif key in ("ULTD", "ULTB", "ULTC"):
            told.name = told.name or plain.removeprefix("NAME/")
        elif key == "RTRN":
            told.return_reason = plain
        elif key == "REMI":
            _remit(told, value, rest)
        elif key in ("OCMT", "CHGS"):
            told.amounts += f"/{key}/{plain}/"
        elif key == "SUBJ":
            rest.append(plain)
    told.remittance = paragraphs(rest)
    return told


def _remit(told: Told, value: str, rest: list[str]) -> None:
    """/REMI/text, /REMI/USTD//text/ or /REMI/STRD/CUR/reference/."""
    structured = re.match(r"/?STRD/(?:CUR|ISO|[A-Z]{3})?/?(.*)", value, re.ASCII)
    if structured is not None:
        told.reference = usual(structured[1].strip("/ "))
    else:
        rest.append(re.sub(r"^/?USTD/{1,2}", "", value).strip("/ "))


def _from_mbank(text: str) -> Told:
    before, words = _pieces(_MBANK, text)
    said = {key: value.strip(" ;\n") for key, value in reversed(words)}
    told = Told(code=before.strip()[:3] if before[:3].isdigit() else "")
    told.name = (said.get("OD") or said.get("DLA") or "").split("\n")[0].strip()
    number = number_of(said.get("Z RACH.") or said.get("NA RACH.") or "")
    if len(number) == 26 and iban_number.is_valid(f"PL{number}"):
        number = f"PL{number}"
    told.iban = number
    payer = f"ID IPH: {said['ID IPH']}" if "ID IPH" in said else ""  # the virtual account that was paid into
    told.remittance = paragraphs([said.get("TYT.", "").replace("\n", ""), payer])
    return told


def _from_french(text: str) -> Told:
    before, words = _pieces(_FRENCH, text.replace("\n", " "))
    said = {key: value.strip() for key, value in reversed(words)}
    told = Told(name=said.get("DE") or said.get("POUR") or "", end_to_end=said.get("REF", ""))
    told.mandate = said.get("RUM", "")
    told.remittance = paragraphs([said.get("MOTIF", "") or before, said.get("LIB", "")])
    return told
