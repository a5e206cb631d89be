"""An electronic invoice as a tree: parsed so that nothing in it can do harm, and asked by short paths. Pure.

No document type is taken, so there are no entities to expand and nothing to fetch; size, depth and count are capped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lxml import etree

from invoicing.einvoice.read.told import EInvoiceRefusedError, refused

MAX_BYTES = 10 * 2**20
DEEPEST = 40
MOST_ELEMENTS = 400_000


class Node:
    """An element, whose descendants are found by paths such as 'ram:Tax/ram:ID'."""

    def __init__(self, element: etree._Element, namespaces: Mapping[str, str]) -> None:
        self._element = element
        self._namespaces = dict(namespaces)

    def all(self, path: str) -> Iterator[Node]:
        for found in self._element.iterfind(path, self._namespaces):
            yield Node(found, self._namespaces)

    def first(self, path: str) -> Node | None:
        return next(self.all(path), None)

    def text(self, path: str) -> str:
        """The text at `path`, without the white space around it; empty where there is none."""
        found = self._element.find(path, self._namespaces)
        return (found.text or "").strip() if found is not None else ""

    def scheme(self, path: str, attribute: str = "schemeID") -> str:
        found = self._element.find(path, self._namespaces)
        return str(found.get(attribute, "")) if found is not None else ""

    @property
    def value(self) -> str:
        return (self._element.text or "").strip()

    def attribute(self, name: str) -> str:
        return str(self._element.get(name, ""))


def parsed(document: bytes) -> etree._Element:
    """The root of the XML `document`. Raises EInvoiceRefusedError, in words, for what is none or is not safe."""
    if len(document) > MAX_BYTES:
        raise refused(f"the XML has more than {MAX_BYTES >> 20} MiB")
    if b"\x00" in document:
        raise refused("this is not XML that can be read: it must be UTF-8, without NUL characters")
    if b"<!DOCTYPE" in document:
        raise _typed()
    parser = etree.XMLPullParser(
        ("start", "end", "comment", "pi"), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    depth = count = 0
    try:
        for start in range(0, len(document), 1 << 16):
            parser.feed(document[start : start + (1 << 16)])
            for event, _element in parser.read_events():
                depth += {"start": 1, "end": -1}.get(event, 0)
                count += event == "start"
                if depth > DEEPEST or count > MOST_ELEMENTS:
                    raise refused("the XML is nested too deeply, or has too many elements, for an invoice")
        root = parser.close()
    except etree.XMLSyntaxError as error:
        raise refused(f"this is not XML that can be read: {str(error.msg)[:200]}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _typed()
    return root


def _typed() -> EInvoiceRefusedError:
    return refused("the XML has a document type, which no electronic invoice has")
