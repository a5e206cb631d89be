"""A payment's receipt to download."""

from fastapi import APIRouter, Response

from ar.core.files import download_headers
from ar.core.web import Id, KernelDep, NowDep, allow
from invoicing.receipts.make import make_receipt

router = APIRouter(prefix="/api/v1", tags=["payments"])


@router.get(
    "/payments/{payment_id}/receipt.pdf",
    summary="Download a receipt",
    dependencies=[allow("cash:read")],
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}, "description": "The receipt"}},
)
def get_receipt(payment_id: Id, kernel: KernelDep, now: NowDep) -> Response:
    """What a payment settled and what is left, in the customer's language."""
    made = make_receipt(kernel, payment_id, now=now)
    return Response(made.content, headers=download_headers(made.name, "application/pdf"))
