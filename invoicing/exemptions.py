"""Why no VAT is charged: the codes of the CEF list VATEX [BT-121], and the categories each may stand with. Pure."""

from __future__ import annotations

from collections.abc import Collection

from invoicing.models import TaxCategory

_EXEMPT = (TaxCategory.EXEMPT,)
_DIRECTIVE = {
    "79": "C",
    "132": "1A 1B 1C 1D 1E 1F 1G 1H 1I 1J 1K 1L 1M 1N 1O 1P 1Q",
    "135": "1",
    "143": "1A 1B 1C 1D 1E 1F 1FA 1G 1H 1I 1J 1K 1L",
    "146": "1E",
    "148": "A B C D E F G",
    "151": "1A 1AA 1B 1C 1D 1E",
}
"""Articles of Directive 2006/112/EC and those of their points that have a code."""

_ARTICLES = ("132", "143", "144", "148", "151", "153", "159", "309")
_FRENCH = (
    "261-1 261-2 261-3 261-4 261-5 261-7 261-8 261A 261B 261C-1 261C-2 261C-3 261D-1 261D-1BIS 261D-2 261D-3 261D-4 "
    "261E-1 261E-2 275 277A 295"
)
"""Articles of the French tax code (CGI)."""

EXEMPTIONS: dict[str, Collection[TaxCategory]] = {
    **{f"VATEX-EU-{article}-{point}": _EXEMPT for article, points in _DIRECTIVE.items() for point in points.split()},
    **{f"VATEX-EU-{article}": _EXEMPT for article in _ARTICLES},
    **{f"VATEX-EU-{scheme}": _EXEMPT for scheme in "DFIJ"},
    **{f"VATEX-FR-CGI{article}": _EXEMPT for article in _FRENCH.split()},
    **dict.fromkeys(("VATEX-FR-FRANCHISE", "VATEX-FR-298SEXDECIESA", "VATEX-FR-CNWVAT"), _EXEMPT),
    "VATEX-EU-AE": (TaxCategory.REVERSE_CHARGE,),
    "VATEX-FR-AE": (TaxCategory.REVERSE_CHARGE,),
    "VATEX-EU-IC": (TaxCategory.INTRA_COMMUNITY,),
    "VATEX-EU-G": (TaxCategory.EXPORT,),
    "VATEX-EU-O": (TaxCategory.NOT_SUBJECT,),
}
"""The categories that each code explains."""
