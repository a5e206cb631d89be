"""Bank files, and an installation that takes them; all made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from sqlmodel import Session, col, select

from ar.cash.bank.models import BankLine, LineState
from ar.cash.bank.profiles import shipped
from ar.cash.bank.take import Report, take_file
from ar.core.db import Database
from ar.core.kernel import Kernel
from ar.customers.entities import EntityDraft, add_bank_account, found_entity

NOW = datetime(2026, 3, 13, 6, tzinfo=UTC)
IBAN = "DE89370400440532013000"
DAY = date(2026, 3, 12)
ROOTS = {
    "052": ("BkToCstmrAcctRpt", "Rpt"),
    "053": ("BkToCstmrStmt", "Stmt"),
    "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}


@dataclass(frozen=True)
class Tx:
    """A transaction within an entry; `amount` in the entry's currency, None where the bank does not tell it."""

    amount: str | None = None
    name: str = ""
    text: Sequence[str] = ()
    end_to_end: str = ""
    more: str = ""
    before: str = ""


@dataclass(frozen=True)
class Entry:
    amount: str
    sign: str = "CRDT"
    reference: str = ""
    on: date = DAY
    status: str = "BOOK"
    currency: str = "EUR"
    transactions: Sequence[Tx] = field(default=())
    more: str = ""


def camt(
    entries: Sequence[Entry],
    *,
    kind: str = "053",
    version: str = "08",
    opening: str | None = None,
    closing: str | None = None,
    on: date = DAY,
    account: str = f"<IBAN>{IBAN}</IBAN>",
    reference: str = "S1",
) -> bytes:
    """A CAMT file of one statement, report or notification."""
    root, name = ROOTS[kind]
    balances = "".join(
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount.lstrip("-")}</Amt>'
        f"<CdtDbtInd>{'DBIT' if amount.startswith('-') else 'CRDT'}</CdtDbtInd><Dt><Dt>{on}</Dt></Dt></Bal>"
        for code, amount in (("OPBD", opening), ("CLBD", closing))
        if amount is not None
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.{version}"><{root}><GrpHdr><MsgId>M</MsgId>'
        f"<CreDtTm>2026-03-13T06:00:00</CreDtTm></GrpHdr><{name}><Id>{reference}</Id>"
        f"<CreDtTm>2026-03-13T06:00:00</CreDtTm><Acct><Id>{account}</Id><Ccy>EUR</Ccy></Acct>{balances}"
        f"{''.join(map(_entry, entries))}</{name}></{root}></Document>"
    ).encode()


def _entry(entry: Entry) -> str:
    details = "".join(map(_transaction, entry.transactions))
    return (
        f'<Ntry><Amt Ccy="{entry.currency}">{entry.amount}</Amt><CdtDbtInd>{entry.sign}</CdtDbtInd>{entry.more}'
        f"<Sts>{entry.status}</Sts><BookgDt><Dt>{entry.on}</Dt></BookgDt><ValDt><Dt>{entry.on}</Dt></ValDt>"
        + (f"<AcctSvcrRef>{entry.reference}</AcctSvcrRef>" if entry.reference else "")
        + (f"<NtryDtls>{details}</NtryDtls>" if details else "")
        + "</Ntry>"
    )


def _transaction(one: Tx) -> str:
    amount = f'<Amt Ccy="EUR">{one.amount}</Amt>' if one.amount else ""
    name = f"<RltdPties><Dbtr><Pty><Nm>{one.name}</Nm></Pty></Dbtr></RltdPties>" if one.name else ""
    text = "".join(f"<Ustrd>{line}</Ustrd>" for line in one.text)
    return (
        f"<TxDtls><Refs><EndToEndId>{one.end_to_end or 'NOTPROVIDED'}</EndToEndId></Refs>{amount}{one.before}{name}"
        f"<RmtInf>{text}</RmtInf>{one.more}</TxDtls>"
    )


def mt940(
    lines: Sequence[tuple[str, str]],
    *,
    opening: str = "C260312EUR100,00",
    closing: str = "C260312EUR100,00",
    number: str = "1/1",
    account: str = IBAN,
) -> bytes:
    """An MT940 file of one statement; each line is its :61: and its :86:."""
    body = "".join(f":61:{line}\r\n" + (f":86:{details}\r\n" if details else "") for line, details in lines)
    return (
        f":20:STARTUMSE\r\n:25:{account}\r\n:28C:{number}\r\n:60F:{opening}\r\n{body}:62F:{closing}\r\n-\r\n"
    ).encode()


def found(database: Database) -> int:
    """The id of a bank account of a seller, both just made."""
    with database.transaction() as session:
        seller = found_entity(session, EntityDraft("DE1", "Werkstatt", "DE", "EUR", "de"), by="system", now=NOW)
        assert seller.id is not None
        made = add_bank_account(session, seller.id, iban=IBAN, holder="Werkstatt", currency="EUR", by="system", now=NOW)
        assert made.id is not None
        return made.id


def taken(kernel: Kernel, content: bytes, *, now: datetime = NOW) -> Report:
    """What came of a file, in a transaction of its own."""
    with kernel.database.transaction() as session:
        return take_file(
            session,
            kernel.settings.files,
            content,
            name="statement",
            by="user:1",
            now=now,
            profiles=shipped(),
        )


def lines_in(session: Session, *states: LineState) -> list[BankLine]:
    """The lines that are stored, the first first; those in `states` alone when any is given."""
    query = select(BankLine).order_by(col(BankLine.id))
    if states:
        query = query.where(col(BankLine.state).in_(states))
    return list(session.exec(query))


def counted(kernel: Kernel) -> list[tuple[int, LineState, str]]:
    """Amount, state and remittance of each stored line that counts."""
    with kernel.database.reading() as session:
        rows = lines_in(session)
        return [(one.amount_minor, one.state, one.remittance) for one in rows if one.state is not LineState.SUPERSEDED]
