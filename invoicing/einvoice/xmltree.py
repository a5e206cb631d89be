"""A few words to write XML with: elements in the order they are asked for, and none that would be empty. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree

from invoicing.einvoice.facts import writable


class Tree:
    """An element to be filled, whose children are named 'prefix:Name'."""

    def __init__(self, element: etree._Element, namespaces: Mapping[str, str]) -> None:
        self._element = element
        self._namespaces = namespaces

    @classmethod
    def root(cls, name: str, namespaces: Mapping[str, str]) -> Tree:
        """A new document whose root is `name`; the namespace of the prefix '' is the default one."""
        declared: Any = {prefix or None: uri for prefix, uri in namespaces.items()}
        return cls(etree.Element(_qualified(name, namespaces), nsmap=declared), namespaces)

    def node(self, path: str) -> Tree:
        """A new child to be filled; of 'a:One/b:Two' the one inside the other."""
        element = self._element
        for name in path.split("/"):
            element = etree.SubElement(element, _qualified(name, self._namespaces))
        return Tree(element, self._namespaces)

    def text(self, path: str, value: str | None, **attributes: str | None) -> None:
        """A new child holding `value`, or none when there is none; attributes without a value are left out."""
        if value:
            element = self.node(path)._element
            element.text = writable(value)
            for name, given in attributes.items():
                if given:
                    element.set(name, given)

    def written(self) -> bytes:
        """The document in UTF-8, with its declaration."""
        return etree.tostring(self._element, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _qualified(name: str, namespaces: Mapping[str, str]) -> str:
    prefix, _, local = name.rpartition(":")
    return f"{{{namespaces[prefix]}}}{local}"
