"""The printed page as PDF/A-3B by Typst, with the electronic invoice inside where there is one: a Factur-X document.

The text of an invoice reaches Typst as data, never as markup. What no font at hand can draw is shown as the
replacement character; the electronic invoice keeps it.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from io import BytesIO
from typing import Any

from lxml import etree

from ar.core.render import template_folder
from invoicing.einvoice.facts import writable

ATTACHMENT = "factur-x.xml"
PROFILE = "EN 16931"
_FX = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_EXTENSION = "http://www.aiim.org/pdfa/ns/extension/"
_SCHEMA = "http://www.aiim.org/pdfa/ns/schema#"
_PROPERTY = "http://www.aiim.org/pdfa/ns/property#"
_RESOURCE = {f"{{{_RDF}}}parseType": "Resource"}
_MEANINGS = {
    "DocumentFileName": "The name of the embedded XML document",
    "DocumentType": "The type of the hybrid document in capital letters",
    "Version": "The version of the standard that the embedded XML document follows",
    "ConformanceLevel": "The profile of the embedded XML document",
}
_VALUES = {
    "DocumentFileName": ATTACHMENT,
    "DocumentType": "INVOICE",
    "Version": "1.0",
    "ConformanceLevel": PROFILE,
}
_UNDRAWN = re.compile(r'the text `"((?:[^"\\]|\\.)+)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
_ATTEMPTS = 5
_compiling = threading.Lock()


def build_pdf(sheet: dict[str, Any], cii: bytes | None, *, made_at: datetime) -> bytes:
    """The page of `sheet` (see sheet.py); with `cii`, a Factur-X document of the profile EN 16931."""
    inputs = {} if cii is None else {"cii": cii.decode()}
    pages = _typeset(sheet, inputs, made_at)
    return pages if cii is None else _claiming(pages)


@cache
def _compiler() -> Any:
    import typst

    folder = template_folder() / "documents"
    return typst.Compiler(str(folder / "invoice.typ"), root=str(folder), font_paths=typst.Fonts())


def _typeset(sheet: dict[str, Any], inputs: dict[str, str], made_at: datetime) -> bytes:
    """Typst refuses, in PDF/A, text that no font draws, and says which: that is replaced, and the page tried again."""
    import typst

    shown = _changed(sheet, writable)
    for attempt in range(_ATTEMPTS):
        try:
            with _compiling:
                made = _compiler().compile(
                    format="pdf",
                    pdf_standards=["a-3b"],
                    sys_inputs={"sheet": json.dumps(shown), **inputs},
                    timestamp=int(made_at.timestamp()),
                )
            return bytes(made)
        except typst.TypstError as error:
            undrawn = {_unescaped(found) for found in _UNDRAWN.findall(error.diagnostic)}
            if not undrawn or attempt == _ATTEMPTS - 1:
                raise
            shown = _changed(shown, partial(_without, undrawn))
    raise AssertionError("unreachable")


def _unescaped(written: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), written)


def _without(undrawn: set[str], text: str) -> str:
    return text.translate({ord(character): "\ufffd" for piece in undrawn for character in piece})


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    """`value` with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: _changed(one, change) for name, one in value.items()}
    return [_changed(one, change) for one in value] if isinstance(value, list) else value


def _claiming(pages: bytes) -> bytes:
    """`pages` with the XMP properties that make it a Factur-X document, and the schema that PDF/A wants of them."""
    import pikepdf

    with pikepdf.open(BytesIO(pages)) as document:
        metadata = document.Root.Metadata
        tree = etree.fromstring(metadata.read_bytes(), etree.XMLParser(resolve_entities=False, no_network=True))
        described = tree.find(f"{{{_RDF}}}RDF")
        schemas = tree.find(f".//{{{_EXTENSION}}}schemas/{{{_RDF}}}Bag")  # Typst describes a schema of its own there
        assert described is not None
        assert schemas is not None
        described.append(_properties())
        schemas.append(_extension_schema())
        packet = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        metadata.write(packet + etree.tostring(tree) + b'<?xpacket end="r"?>')
        written = BytesIO()
        document.save(written, deterministic_id=True, fix_metadata_version=False)
    return written.getvalue()


def _properties() -> etree._Element:
    about = etree.Element(f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": ""}, nsmap={"rdf": _RDF, "fx": _FX})
    for name, value in _VALUES.items():
        etree.SubElement(about, f"{{{_FX}}}{name}").text = value
    return about


def _extension_schema() -> etree._Element:
    """The description of the schema of the properties, one more of those that the XMP lists."""
    listed = etree.Element(f"{{{_RDF}}}li", _RESOURCE)
    for name, value in (("schema", "Factur-X PDFA Extension Schema"), ("namespaceURI", _FX), ("prefix", "fx")):
        etree.SubElement(listed, f"{{{_SCHEMA}}}{name}").text = value
    properties = etree.SubElement(etree.SubElement(listed, f"{{{_SCHEMA}}}property"), f"{{{_RDF}}}Seq")
    for name, meaning in _MEANINGS.items():
        one = etree.SubElement(properties, f"{{{_RDF}}}li", _RESOURCE)
        parts = {"name": name, "valueType": "Text", "category": "external", "description": meaning}
        for part, value in parts.items():
            etree.SubElement(one, f"{{{_PROPERTY}}}{part}").text = value
    return listed
