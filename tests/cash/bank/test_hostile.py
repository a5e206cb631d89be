"""Hostile bank files: whatever is done to a good one, it is read or refused, quickly and in little memory (promise 18).

Half of the mutations know the format: they change amounts, signs, dates, counts, lengths and tags, repeat, drop and
nest records. The others change bytes. A file that is refused leaves nothing behind.
"""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable, Sequence

import pytest
from sqlmodel import func, select

from ar.cash.bank.models import BankLine, BankStatement
from ar.cash.bank.profiles import shipped
from ar.cash.bank.readers.facts import Line, statements
from ar.cash.bank.readers.read import parts_of
from ar.core.errors import DomainError
from ar.core.files import StoredFile
from ar.core.kernel import Kernel
from ar.core.money import MAX_MINOR
from tests.cash.bank.make import IBAN, Entry, Tx, camt, found, mt940, taken
from tests.cash.bank.readers.test_mt940 import GERMAN
from tests.cash.bank.readers.test_others import BAI, CLOSING, ONE, OPENING, more, movement, ofx

SECONDS, MEMORY_MB = 1.0, 200
CAMT = camt(
    [
        Entry("100.00", reference="R1", transactions=[Tx("60.00", "A", ["F-1", "F-2"], "E-1"), Tx("40.00", "B")]),
        Entry("40.00", "DBIT", "R2", status="PDNG"),
        Entry(
            "7.5", more="<RvslInd>true</RvslInd>", transactions=[Tx(more="<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>")]
        ),
    ],
    opening="10.00",
    closing="117.50",
)
MT = mt940([("2603120312CR1200,00N166NONREF//20260312-17", GERMAN), ("260312RD5,00NTRFX", "/EREF/1/REMI/x/")] * 3)
CFONB = "\r\n".join(
    [OPENING, movement("0000000001234E"), more("NPY", "NORDLICHT"), more("LCC", "F-1"), CLOSING]
).encode()
CSV = (
    f"booking_date,value_date,amount,currency,account,balance,name,text\n"
    f'2026-03-12,2026-03-12,100.00,EUR,{IBAN},200.00,"Nordlicht, GmbH",F-17\n'
    f"2026-03-12,,-2.50,EUR,{IBAN},197.50,,fee\n"
).encode()
FILES = {
    "camt": CAMT,
    "mt940": MT,
    "cfonb": CFONB,
    "csv": CSV,
    "bai2": "\n".join(BAI).encode(),
    "ofx": ofx(ONE * 2).encode(),
}
NUMERALS = [
    b"1e999999", b"NaN", b"-0", b"9" * 400, b"0x10", b"1_000", b"1,000.00", b"1.000,00", b"", b" ", b"0", b"-1",
    "\u0663.00".encode(), b"1" + b"0" * 17, b"0." + b"0" * 500 + b"1", b"Infinity", b"=1+1", b"{", b"}",
]  # fmt: skip
WORDS = [
    b"\x00", b"\xff\xfe", "\u202e".encode(), b"\r", b"\n", b"<", b"&", b"]]>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"&#x0;", b"&amp;" * 50, b"'" * 99, b'"', b"A" * 100_000, b"<a>" * 3000, b"?20" * 5000, b"/EREF/" * 5000,
    b"+++", b"RF" + b"18 " * 4000, "\U0001f4b6".encode(), b"\xed\xa0\x80", b"00000000", b"99999999", b"20260230",
]  # fmt: skip


def by_bytes(dice: random.Random, content: bytes) -> bytes:
    """Any bytes changed, cut out, put in, or the file cut off."""
    changed = bytearray(content)
    for _ in range(dice.randrange(1, 8)):
        at = dice.randrange(len(changed) + 1)
        what = dice.randrange(4)
        if what == 0 and at < len(changed):
            changed[at] = dice.randrange(256)
        elif what == 1:
            del changed[at : at + dice.randrange(1, 40)]
        elif what == 2:
            changed[at:at] = dice.choice(WORDS)
        elif dice.random() < 0.3:
            del changed[at:]
    return bytes(changed)


def by_structure(dice: random.Random, content: bytes) -> bytes:
    """Records or elements repeated, dropped, moved or nested; numbers and words changed for bad ones."""
    cut = b">" if content.lstrip().startswith(b"<") or b"<OFX>" in content else b"\n"
    pieces = content.split(cut)
    for _ in range(dice.randrange(1, 4)):
        at = dice.randrange(len(pieces))
        what = dice.randrange(6)
        if what == 0:
            pieces[at:at] = pieces[at : at + dice.randrange(1, 6)] * dice.choice((1, 2, 200))
        elif what == 1:
            del pieces[at : at + dice.randrange(1, 4)]
        elif what == 2:
            other = dice.randrange(len(pieces))
            pieces[at], pieces[other] = pieces[other], pieces[at]
        else:
            pieces[at] = _worse(dice, pieces[at])
        pieces = pieces or [b""]
    return cut.join(pieces)


def _worse(dice: random.Random, piece: bytes) -> bytes:
    """A piece with one run of digits, or one place in it, changed."""
    runs = [n for n in range(len(piece)) if piece[n : n + 1].isdigit() and not piece[n - 1 : n].isdigit()]
    if runs and dice.random() < 0.7:
        start = end = dice.choice(runs)
        while end < len(piece) and (piece[end : end + 1].isdigit() or piece[end : end + 1] in b".,"):
            end += 1
        return piece[:start] + dice.choice(NUMERALS) + piece[end:]
    at = dice.randrange(len(piece) + 1)
    return piece[:at] + dice.choice(WORDS) + piece[at:]


def mutations(seed: int, count: int, names: Sequence[str]) -> list[tuple[str, int, bytes]]:
    ways: tuple[Callable[[random.Random, bytes], bytes], ...] = (by_bytes, by_structure)
    made = []
    for n in range(count):
        dice = random.Random(f"{seed}/{n}")
        name = names[n % len(names)]
        made.append((name, n, ways[(n // len(names)) % 2](dice, FILES[name])))
    return made


def survive(seed: int, count: int) -> dict[str, int]:
    """How many were read and refused. Fails for any other end, naming seed and number."""
    ends = {"read": 0, "refused": 0}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, n, content in mutations(seed, count, list(FILES)):
        start = time.process_time()
        try:
            for one in statements(parts_of(content, profiles=shipped())):
                assert all(isinstance(line, Line) and abs(line.amount_minor) <= MAX_MINOR for line in one.lines)
                assert all("\x00" not in line.remittance and len(line.remittance) <= 4000 for line in one.lines)
            ends["read"] += 1
        except DomainError:
            ends["refused"] += 1
        except Exception as error:
            raise AssertionError(f"{name}, seed {seed}, number {n}: {error!r}") from error
        spent = time.process_time() - start
        assert spent <= SECONDS, f"{name}, seed {seed}, number {n}: {spent:.1f} s"
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown <= MEMORY_MB, f"{grown:.0f} MB more"
    return ends


def test_hostile_files_are_read_or_refused() -> None:
    ends = survive(seed=18, count=600)
    assert ends["refused"] > 100
    assert ends["read"] > 30


@pytest.mark.soak
def test_ten_thousand_hostile_files_are_read_or_refused() -> None:
    ends = survive(seed=1800, count=15_000)
    print(f"15,000 mutations of {len(FILES)} formats: {ends['read']:,} read, {ends['refused']:,} refused, 0 other")


def survive_taking(kernel: Kernel, seed: int, count: int) -> int:
    """How many of `count` mutations were refused; each left what was stored as it was."""
    found(kernel.database)
    refused = 0
    for name, n, content in mutations(seed, count, ["camt", "mt940", "csv"]):
        before = stored(kernel)
        try:
            report = taken(kernel, content)
        except DomainError:
            refused += 1
            assert stored(kernel) == before, f"{name}, seed {seed}, number {n}"
        else:
            added = sum(one.added for one in report.statements)
            assert stored(kernel)[0] == before[0] + added, f"{name}, seed {seed}, number {n}"
    return refused


def stored(kernel: Kernel) -> list[int]:
    with kernel.database.reading() as session:
        return [
            session.exec(select(func.count()).select_from(model)).one()
            for model in (BankLine, BankStatement, StoredFile)
        ]


def test_a_refused_file_leaves_nothing_behind(kernel: Kernel) -> None:
    assert survive_taking(kernel, seed=81, count=90) > 15


@pytest.mark.soak
def test_thousands_of_refused_files_leave_nothing_behind(kernel: Kernel) -> None:
    assert survive_taking(kernel, seed=8100, count=3_000) > 500
