"""The file as it came: an electronic invoice in XML, or a PDF that carries one (Factur-X, ZUGFeRD)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from io import BytesIO

from lxml import etree

from invoicing.einvoice.cii import NAMESPACES as CII_NAMESPACES
from invoicing.einvoice.read.cii import read_cii
from invoicing.einvoice.read.told import ToldInvoice, refused
from invoicing.einvoice.read.tree import MAX_BYTES, parsed
from invoicing.einvoice.read.ubl import NAMESPACES as UBL_NAMESPACES
from invoicing.einvoice.read.ubl import read_ubl
from invoicing.models import FileFormat

MAX_FILE_BYTES = 20 * 2**20
ATTACHED = ("factur-x.xml", "zugferd-invoice.xml", "ZUGFeRD-invoice.xml", "xrechnung.xml")
"""What the XML inside a PDF is called, the newest name first."""

_ROOTS = {
    f"{{{CII_NAMESPACES['rsm']}}}CrossIndustryInvoice": FileFormat.CII,
    **{
        f"{{{UBL_NAMESPACES['cbc'].replace('CommonBasicComponents-2', name)}-2}}{name}": FileFormat.UBL
        for name in ("Invoice", "CreditNote")
    },
}


@dataclass(frozen=True)
class Original:
    """What came: the XML byte for byte, its syntax, and the PDF around it if there was one."""

    xml: bytes
    syntax: FileFormat
    root: etree._Element
    pdf: bytes | None = None

    def read(self) -> ToldInvoice:
        """What the document says. Raises EInvoiceRefusedError."""
        return read_cii(self.root) if self.syntax is FileFormat.CII else read_ubl(self.root)


def opened(content: bytes) -> Original:
    """The file's invoice. Raises EInvoiceRefusedError for a file that carries none."""
    if len(content) > MAX_FILE_BYTES:
        raise refused(f"the file has more than {MAX_FILE_BYTES >> 20} MiB")
    pdf = content if content.startswith(b"%PDF-") else None
    xml = _attached(content) if pdf else content
    root = parsed(xml)
    syntax = _ROOTS.get(str(root.tag))
    if syntax is None:
        raise refused(f"its XML is a {etree.QName(root).localname[:60]!r}, and neither a CII nor a UBL invoice")
    return Original(xml, syntax, root, pdf)


def _attached(content: bytes) -> bytes:
    """The XML that a PDF carries."""
    import pikepdf

    try:
        with pikepdf.open(BytesIO(content)) as document:
            found = next((name for name in ATTACHED if name in document.attachments), None)
            if found is None:
                raise refused("the PDF carries no electronic invoice: it is not a Factur-X or ZUGFeRD document")
            return _unpacked(document.attachments[found].get_file().obj)
    except pikepdf.PasswordError:
        raise refused("the PDF is encrypted") from None
    except (pikepdf.PdfError, KeyError, ValueError, TypeError, RuntimeError):
        raise refused("this is not a PDF that can be read") from None


def _unpacked(stream: object) -> bytes:
    """The content of an attached file: unpacked no further than the largest XML that is taken."""
    import pikepdf

    assert isinstance(stream, pikepdf.Stream)
    raw, filters = stream.read_raw_bytes(), stream.get("/Filter")
    if filters is None:
        return raw
    if isinstance(filters, pikepdf.Array) and len(filters) == 1:
        filters = filters[0]
    if filters != pikepdf.Name.FlateDecode or "/DecodeParms" in stream:
        raise refused("the electronic invoice in the PDF is packed in a way that is not read")
    unpacking = zlib.decompressobj()
    try:
        unpacked = unpacking.decompress(raw, MAX_BYTES + 1)
    except zlib.error:
        raise refused("the electronic invoice in the PDF is damaged") from None
    return unpacked
