"""The last day's bank file: what came in, in the words of payers and banks; read, matched, the rest left to people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from xml.sax.saxutils import escape

from sqlmodel import Session, col, select

from ar.cash.bank.take import take_file
from ar.cash.work import work_bank_lines
from ar.core.kernel import Kernel
from ar.core.money import plain
from ar.customers.accounts import names_of
from ar.customers.models import BankAccount
from ar.ledger.items import ItemState, open_items
from ar.rota import SOURCES

_OPENING_MINOR = 8_412_650
_NAMED = 6
"""How many payments name their invoice as they should."""

_STATEMENT = (
    '<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
    "<BkToCstmrStmt><GrpHdr><MsgId>DEMO</MsgId><CreDtTm>{day}T18:00:00Z</CreDtTm></GrpHdr><Stmt><Id>DEMO-{day}</Id>"
    "<CreDtTm>{day}T18:00:00Z</CreDtTm><Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>{balances}{entries}"
    "</Stmt></BkToCstmrStmt></Document>"
)
_BALANCE = (
    '<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
    "<Dt><Dt>{day}</Dt></Dt></Bal>"
)
_ENTRY = (
    '<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt>'
    "</BookgDt><ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>DEMO{n:04}</AcctSvcrRef><NtryDtls><TxDtls><RltdPties>"
    "<{who}><Pty><Nm>{name}</Nm></Pty></{who}></RltdPties><RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls>"
    "</Ntry>"
)


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the file; its amount in minor units, below zero when money went out."""

    amount_minor: int
    name: str
    text: str


def bank_day(kernel: Kernel, *, today: date, now: datetime) -> str:
    """Take in and match the file of `today` for the account in euros: what became of its lines, in words."""
    with kernel.database.transaction() as session:
        account = session.exec(select(BankAccount).where(BankAccount.currency == "EUR").order_by(col(BankAccount.id)))
        paid = account.first()
        assert paid is not None
        items = [
            item
            for item in open_items(session, as_of=today)
            if item.side == 1
            and item.entity_id == paid.entity_id
            and item.currency == "EUR"
            and not item.disputed_minor
        ]
        content = statement(paid.iban, list(movements(session, items)), today)
        report = take_file(session, kernel.settings.files, content, name=f"{today}.xml", by="system", now=now)
    [taken] = report.statements
    return work_bank_lines(SOURCES)(kernel, {"statement_id": taken.statement_id}, now)


def movements(session: Session, items: Sequence[ItemState]) -> Iterator[Movement]:
    """Payments as customers make them: mostly well told, some for several invoices, short, or without a word."""
    names = names_of(session, sorted({item.account_id for item in items}))
    owed: dict[int, list[ItemState]] = defaultdict(list)
    for item in items:
        owed[item.account_id].append(item)
    several = [some for some in owed.values() if len(some) >= 2]
    single = [some[0] for some in owed.values() if len(some) == 1]

    def called(item: ItemState) -> str:
        return names[item.account_id].upper()[:35]

    for item in single[:_NAMED]:
        yield Movement(item.open_minor, called(item), f"VIR FACTURE {item.reference}")
    for item in single[_NAMED : _NAMED + 1]:
        yield Movement(item.open_minor, called(item), "REGLEMENT")
    for item in single[_NAMED + 1 : _NAMED + 2]:
        yield Movement(
            item.open_minor - item.open_minor // 20, called(item), f"{item.reference} MOINS AVOIR A RECEVOIR"
        )
    for some in several[:2]:
        said = " + ".join(item.reference for item in some[:2])
        yield Movement(sum(item.open_minor for item in some[:2]), called(some[0]), said)
    for some in several[2:3]:
        yield Movement(some[0].open_minor // 2, called(some[0]), "ACOMPTE")
    yield Movement(85_000, "SCI DES TROIS CHENES", "LOYER BUREAU 2E ETAGE")
    yield Movement(-3_850, "BANQUE", "FRAIS DE TENUE DE COMPTE")


def statement(iban: str, lines: Sequence[Movement], day: date) -> bytes:
    """A CAMT.053 of `day` that says `lines`, its balances in agreement."""
    closing = _OPENING_MINOR + sum(line.amount_minor for line in lines)
    balances = "".join(
        _BALANCE.format(code=code, amount=plain(minor, "EUR"), day=day)
        for code, minor in (("OPBD", _OPENING_MINOR), ("CLBD", closing))
    )
    entries = "".join(
        _ENTRY.format(
            n=n,
            amount=plain(abs(line.amount_minor), "EUR"),
            side="CRDT" if line.amount_minor > 0 else "DBIT",
            who="Dbtr" if line.amount_minor > 0 else "Cdtr",
            day=day,
            name=escape(line.name),
            text=escape(line.text),
        )
        for n, line in enumerate(lines, start=1)
    )
    return _STATEMENT.format(day=day, iban=iban, balances=balances, entries=entries).encode()
