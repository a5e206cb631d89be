"""Whose advice it is: by the sender's address and the documents that it names, never by the likelier of two. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ar.cash.remittance.advice import Known


@dataclass(frozen=True, slots=True)
class Document:
    """An open item that an advice may name."""

    entry_id: int
    entity_id: int
    account_id: int
    key: str
    reference: str
    currency: str
    side: int


@dataclass(frozen=True, slots=True)
class Whose:
    """The customer, when it is plain, and what speaks against taking one."""

    account_id: int | None
    doubts: tuple[str, ...] = ()


def is_weak(key: str) -> bool:
    """Whether a key is too plain to be looked for in a text: a few figures alone."""
    return key.isdecimal() and len(key) < 5


def whose(documents: Sequence[Document], named: Iterable[str], senders: Sequence[int], given: int | None) -> Whose:
    """The customer of an advice that names documents of these keys, sent by a contact of the accounts `senders`.

    `given` is the account that is known already, as on the customer's own pages.
    """
    if given is not None:
        return Whose(given)
    accounts = _accounts(documents, set(named))
    if len(senders) == 1 and (not accounts or senders[0] in accounts):
        return Whose(senders[0])
    shared = accounts & set(senders)
    if len(shared) == 1:
        return Whose(min(shared))
    if len(accounts) == 1 and not senders:
        return Whose(min(accounts))
    if accounts and senders:
        return Whose(None, ("The sender is a contact of another customer than the documents named are of",))
    if len(accounts) > 1:
        return Whose(None, ("The documents named are of several customers",))
    if len(senders) > 1:
        return Whose(None, ("The sender is a contact of several customers",))
    return Whose(None, ("The customer is not known",))


def _accounts(documents: Sequence[Document], named: set[str]) -> set[int]:
    """The customers of which every named document may be: those that all keys have in common, or any has."""
    of_key: dict[str, set[int]] = defaultdict(set)
    for document in documents:
        if document.key in named and not is_weak(document.key):
            of_key[document.key].add(document.account_id)
    if not of_key:
        return set()
    shared = set.intersection(*of_key.values())
    return shared or set.union(*of_key.values())


def known_of(documents: Sequence[Document], account_id: int | None) -> dict[str, Known]:
    """The documents by key, of the account alone where it is known."""
    return {
        one.key: Known(one.reference, one.currency, one.side)
        for one in documents
        if account_id in (None, one.account_id) and not is_weak(one.key)
    }


def entries_of(documents: Sequence[Document], account_id: int | None) -> Mapping[str, list[Document]]:
    """The documents that a key may be, of the account alone where it is known."""
    found: dict[str, list[Document]] = defaultdict(list)
    for one in documents:
        if account_id in (None, one.account_id):
            found[one.key].append(one)
    return found
