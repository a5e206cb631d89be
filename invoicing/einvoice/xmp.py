"""The claim, in the metadata (XMP) of a PDF by Typst, that it is a Factur-X document. Pure.

The properties are put into the file as Typst wrote it, and its table of objects is set right: to have a library read
and write the whole file takes a third as long as to typeset it. A file of another form is refused, never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

ATTACHMENT = "factur-x.xml"
PROFILE = "EN 16931"
_FX = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PROPERTIES = {
    "DocumentFileName": (ATTACHMENT, "The name of the embedded XML document"),
    "DocumentType": ("INVOICE", "The type of the hybrid document in capital letters"),
    "Version": ("1.0", "The version of the standard that the embedded XML document follows"),
    "ConformanceLevel": (PROFILE, "The profile of the embedded XML document"),
}

_ENDING = re.compile(rb"trailer\n(<<[^\n]*>>)\nstartxref\n(\d+)\n%%EOF\s*\Z")
_LONGEST_ENDING = 1000
_TABLE = re.compile(rb"xref\n0 (\d+)\n0000000000 65535 f\r\n((?:\d{10} 00000 n\r\n)*)\Z")
_METADATA = re.compile(rb"(\d+ 0 obj\n<</Length )(\d+)(/Type/Metadata/Subtype/XML>>\nstream\n)")
_AFTER_STREAM = b"\nendstream\nendobj\n"
_AFTER_SCHEMAS = b"</rdf:Bag></pdfaExtension:schemas>"
_AFTER_DESCRIPTIONS = b"</rdf:RDF></x:xmpmeta>"


class PdfFormError(Exception):
    """The PDF is not of the form that Typst gives it: the version of Typst and this module do not fit together."""


def claim_facturx(pdf: bytes) -> bytes:
    """`pdf`, as Typst wrote it, with the properties of Factur-X and the schema that PDF/A wants of them.

    Raises PdfFormError.
    """
    ending = _ENDING.search(pdf, max(0, len(pdf) - _LONGEST_ENDING))
    if ending is None:
        raise PdfFormError("it has no trailer")
    trailer, table_at = ending[1], int(ending[2])
    table = _TABLE.match(pdf[table_at : ending.start()])
    if table is None:
        raise PdfFormError("it has no table of objects")
    offsets = [int(entry[:10]) for entry in table[2].splitlines()]
    catalog = _start(offsets, trailer, b"Root")
    start = _start(offsets, pdf[catalog : pdf.find(b"endobj", catalog)], b"Metadata")
    opening = _METADATA.match(pdf, start)
    if opening is None or not pdf.startswith(_AFTER_STREAM, opening.end() + int(opening[2])):
        raise PdfFormError("its metadata is not a plain stream")
    end = opening.end() + int(opening[2])
    said = _before(_AFTER_SCHEMAS, _SCHEMA, _before(_AFTER_DESCRIPTIONS, _CLAIM, pdf[opening.end() : end]))
    stream = b"%b%d%b%b" % (opening[1], len(said), opening[3], said)
    longer = len(stream) - (end - start)
    moved = b"".join(b"%010d 00000 n\r\n" % (offset + longer if offset > start else offset) for offset in offsets)
    objects = pdf[:start] + stream + pdf[end:table_at]
    table_written = b"xref\n0 %d\n0000000000 65535 f\r\n%b" % (len(offsets) + 1, moved)
    return b"%b%btrailer\n%b\nstartxref\n%d\n%%%%EOF" % (objects, table_written, trailer, len(objects))


def _start(offsets: list[int], dictionary: bytes, name: bytes) -> int:
    """Where the object lies that `name` refers to."""
    found = re.search(rb"/" + name + rb" (\d+) 0 R", dictionary)
    if found is None or not 0 < int(found[1]) <= len(offsets):
        raise PdfFormError(f"it has no {name.decode()}")
    return offsets[int(found[1]) - 1]


def _before(place: bytes, inserted: bytes, text: bytes) -> bytes:
    if text.count(place) != 1:
        raise PdfFormError(f"its metadata has no {place.decode()}")
    return text.replace(place, inserted + place)


def _written(values: Mapping[str, str], prefix: str) -> str:
    return "".join(f"<{prefix}:{name}>{value}</{prefix}:{name}>" for name, value in values.items())


def _schema() -> str:
    """The description of the schema of the properties, one more of those that the XMP lists."""
    described = "".join(
        '<rdf:li rdf:parseType="Resource">'
        + _written({"name": name, "valueType": "Text", "category": "external", "description": meaning}, "pdfaProperty")
        + "</rdf:li>"
        for name, (_value, meaning) in _PROPERTIES.items()
    )
    named = {"schema": "Factur-X PDFA Extension Schema", "namespaceURI": _FX, "prefix": "fx"}
    properties = f"<pdfaSchema:property><rdf:Seq>{described}</rdf:Seq></pdfaSchema:property>"
    return f'<rdf:li rdf:parseType="Resource">{_written(named, "pdfaSchema")}{properties}</rdf:li>'


_SCHEMA = _schema().encode()
_CLAIM = (
    f'<rdf:Description rdf:about="" xmlns:fx="{_FX}">'
    + _written({name: value for name, (value, _meaning) in _PROPERTIES.items()}, "fx")
    + "</rdf:Description>"
).encode()
