"""JSON's neighbour: the receivables journal as a file."""

from collections.abc import Iterator
from io import TextIOWrapper
from tempfile import SpooledTemporaryFile
from typing import Annotated, TextIO

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from ar.core.web import Day, Id, SessionDep, allow
from ar.customers.entities import entity
from invoicing.exports.accounts import SHIPPED, read_chart
from invoicing.exports.write import JournalFormat, file_name, write_journal

router = APIRouter(prefix="/api/v1", tags=["ledger"])

_IN_MEMORY = 4 << 20
_BLOCK = 1 << 16


@router.get(
    "/exports/journal",
    summary="The receivables journal of a seller",
    dependencies=[allow("ledger:read")],
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}, "text/plain": {}}, "description": "One line for each account moved"}},
)
def get_journal(
    session: SessionDep,
    entity_id: Annotated[Id, Query(description="The legal entity", examples=[1])],
    first: Annotated[Day, Query(description="The first day", examples=["2026-01-01"])],
    last: Annotated[Day, Query(description="The last day", examples=["2026-03-31"])],
    form: Annotated[JournalFormat, Query(alias="format", description="CSV, or the French FEC")] = JournalFormat.CSV,
) -> StreamingResponse:
    """Every posting as an entry that balances, with the shipped French accounts, in the seller's currency.

    The command `amiable export journal` takes accounts of your own.
    """
    seller = entity(session, entity_id)
    spool = TextIOWrapper(SpooledTemporaryFile(_IN_MEMORY), encoding="utf-8", newline="")  # noqa: SIM115 - once streamed
    chart = read_chart(SHIPPED.read_text(encoding="utf-8"))
    write_journal(spool, session, seller, first=first, last=last, chart=chart, form=form)
    spool.seek(0)
    kind = "text/csv" if form is JournalFormat.CSV else "text/plain"
    headers = {"Content-Disposition": f'attachment; filename="{file_name(seller, last, form)}"'}
    return StreamingResponse(_blocks(spool), media_type=f"{kind}; charset=utf-8", headers=headers)


def _blocks(spool: TextIO) -> Iterator[str]:
    with spool:
        while block := spool.read(_BLOCK):
            yield block
