"""Reading a CAMT.053 file, against a bare lxml iterparse of the same file in the same run.

The bare parse takes every element's end event and frees it, and does nothing with it. `ratio_to_entries` is against
a parse that is told of the entries alone, which makes no Python object of what is inside them.
"""

from __future__ import annotations

import io
import random
import tempfile
from functools import partial
from pathlib import Path

from lxml import etree

from ar.cash.bank.readers.facts import Line
from ar.cash.bank.readers.read import parts_of
from bench import Result, in_own_process, median, peak_memory_mb, seconds

_ENTRY = """<Ntry><NtryRef>{n}</NtryRef><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts>BOOK</Sts>\
<BookgDt><Dt>2026-03-12</Dt></BookgDt><ValDt><Dt>2026-03-12</Dt></ValDt><AcctSvcrRef>R{n:09}</AcctSvcrRef>\
<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls>\
<Refs><AcctSvcrRef>R{n:09}</AcctSvcrRef><EndToEndId>E2E-{n}</EndToEndId></Refs>\
<AmtDtls><TxAmt><Amt Ccy="EUR">{amount}</Amt></TxAmt></AmtDtls><RltdPties><Dbtr><Nm>Customer {n} SARL</Nm></Dbtr>\
<DbtrAcct><Id><IBAN>FR1420041010050500013M02606</IBAN></Id></DbtrAcct><Cdtr><Nm>Atelier</Nm></Cdtr></RltdPties>\
<RltdAgts><DbtrAgt><FinInstnId><BIC>PSSTFRPPLIL</BIC></FinInstnId></DbtrAgt></RltdAgts>\
<RmtInf><Ustrd>Invoice F-{n:07}</Ustrd><Ustrd>thank you</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
"""


def write_file(path: Path, size: int) -> None:
    """A CAMT.053 statement of `size` entries whose balances tie out."""
    dice = random.Random(20260312)
    amounts = [dice.randrange(100, 5_000_000) for _ in range(size)]
    total = sum(-minor if n % 10 == 0 else minor for n, minor in enumerate(amounts))

    def balance(kind: str, minor: int) -> str:
        sign = "DBIT" if minor < 0 else "CRDT"
        return (
            f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{abs(minor) // 100}."
            f"{abs(minor) % 100:02}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>2026-03-12</Dt></Dt></Bal>"
        )

    with path.open("w", encoding="utf-8") as out:
        out.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
            "<BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-03-13T06:00:00</CreDtTm></GrpHdr><Stmt><Id>S1</Id>"
            "<CreDtTm>2026-03-13T06:00:00</CreDtTm><Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy>"
            f"</Acct>{balance('OPBD', 100_000)}{balance('CLBD', 100_000 + total)}\n"
        )
        for n, minor in enumerate(amounts):
            out.write(_ENTRY.format(n=n, amount=f"{minor // 100}.{minor % 100:02}", sign="CRDT" if n % 10 else "DBIT"))
        out.write("</Stmt></BkToCstmrStmt></Document>\n")


def run(size: int | None, repeat: int) -> Result:
    """Seconds of each, the median of runs taken in turn; memory is the peak of a process that only reads."""
    size = size or 100_000
    with tempfile.TemporaryDirectory(prefix="amiable-bench-") as folder:
        path = Path(folder) / "statement.xml"
        write_file(path, size)
        content = path.read_bytes()
        ours, bare, entries = [], [], []
        for _ in range(repeat):
            bare.append(seconds(partial(parse_bare, content)))
            ours.append(seconds(partial(read_all, content, size)))
            entries.append(seconds(partial(parse_entries, content)))
        memory = in_own_process(memory_of, path, size)
    return Result(
        "bankfile",
        round(size / median(ours)),
        "entries/s",
        round(median(ours) / median(bare), 2),
        "bare lxml iterparse of the same CAMT.053 file",
        {
            "size": size,
            "file_mb": round(len(content) / 1e6, 1),
            "seconds": round(median(ours), 3),
            "raw_seconds": round(median(bare), 3),
            "ratio_to_entries": round(median(ours) / median(entries), 2),
            **memory,
        },
    )


def read_all(content: bytes, size: int) -> None:
    assert sum(isinstance(part, Line) for part in parts_of(content)) == size


def parse_bare(content: bytes) -> None:
    for _, element in etree.iterparse(io.BytesIO(content)):
        element.clear()


def parse_entries(content: bytes) -> None:
    for _, element in etree.iterparse(io.BytesIO(content), tag="{*}Ntry"):
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def memory_of(path: Path, size: int) -> dict[str, float]:
    """Peak memory before the file is read into memory, after it was read line by line."""
    before = peak_memory_mb()
    read_all(path.read_bytes(), size)
    return {"memory_mb": peak_memory_mb(), "idle_memory_mb": before}
