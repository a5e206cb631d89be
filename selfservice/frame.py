"""The frame of the customer's pages, and the visit that each of their routes asks for."""

from typing import Annotated

from fastapi import Request
from fastapi.responses import HTMLResponse

from ar.cash.gateways import gateway_name
from selfservice.position import Seller
from selfservice.visits import Visit, Visitor, customer

VisitDep = Annotated[Visit, customer()]


def shown(
    request: Request,
    visit: Visit,
    visitor: Visitor,
    template: str,
    seller: Seller,
    *,
    status_code: int = 200,
    **context: object,
) -> HTMLResponse:
    """A page in the customer's frame."""
    text = visit.kernel.renderer.page(
        template,
        language=visitor.language,
        csrf_token=visitor.csrf_token,
        here=request.url.path,
        seller=seller.name,
        customer=visitor.name,
        help_line=" · ".join(part for part in (seller.email, seller.phone) if part),
        test_gateway=gateway_name(visit.kernel.settings) == "test",
        **context,
    )
    return HTMLResponse(text, status_code)
