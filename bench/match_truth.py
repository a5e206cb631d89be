"""Payments of which it is known what they are for: hard ones, seeded.

Open items have twins of the same amount everywhere and numbers that differ by one digit; payers are written as banks
write them, and the IBAN of seven in ten is known; texts carry days, amounts and numbers that are no references; some
money is for nothing that is open. What no evidence could tell apart is for a person, and applying it is an error.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from rapidfuzz.distance import Levenshtein

from ar.cash.matching.facts import Incoming, Item
from ar.ledger.models import EntryKind
from ar.ledger.references import reference_key
from bench.match_words import (
    BUSINESS,
    CONTRARY,
    FAMILY,
    FORMS,
    NOISE,
    OTHER_PAYERS,
    PLACES,
    QUOTING,
    SEVERAL,
    THIRD_PARTIES,
    UNQUOTED,
)

TODAY = date(2026, 6, 30)
ENTITY = 1
CHARGES = 3_000
"""Bank charges that nobody states are at most this, in minor units: what the policy of the score allows."""

MIX = {
    "clean": 50.0,
    "damaged": 12.0,
    "amount": 10.0,
    "sum_quoted": 8.0,
    "sum": 5.0,
    "discount": 4.0,
    "charges": 2.0,
    "short": 3.0,
    "group": 2.0,
    "over": 1.0,
    "unrelated": 2.0,
    "ambiguous": 1.0,
}
"""Per hundred payments."""


@dataclass(frozen=True, slots=True)
class Customer:
    """`iban` is what it pays from; `known` whether it paid from there before. `alien`: it pays under another name."""

    id: int
    code: str
    name: str
    currency: str
    iban: str
    known: bool
    alien: str
    parent_id: int | None


@dataclass(frozen=True, slots=True)
class Truth:
    """What a payment is for: (item, minor units) cleared by it or by a credit, credits among them; (item, minor units)
    let off; and what is left on account.

    `settled` is False where only a person can tell: then the rest is empty.
    """

    settled: bool
    cleared: frozenset[tuple[int, int]] = frozenset()
    let_off: frozenset[tuple[int, int]] = frozenset()
    on_account: int = 0


LEAVE = Truth(False)
_CHARGE = EntryKind.LATE_CHARGE


@dataclass(frozen=True, slots=True)
class Paid:
    category: str
    incoming: Incoming
    truth: Truth


@dataclass(slots=True)
class World:
    """A seller's customers, their open items, and payments with their truth."""

    customers: list[Customer]
    items: list[Item]
    payments: list[Paid] = field(default_factory=list)


def make_world(seed: int, *, payments: int = 50_000, items: int = 500_000, customers: int = 20_000) -> World:
    """The same world for the same seed and sizes. There must be about ten items for a payment, as by default."""
    dice = random.Random(seed)
    people = _customers(dice, customers)
    world = World(people, _items(dice, people, items))
    world.payments = _Payments(dice, world).made(payments)
    return world


def _customers(dice: random.Random, count: int) -> list[Customer]:
    """One in ten belongs to a group; names often differ by a word, a place or a letter."""
    made: list[Customer] = []
    head: Customer | None = None
    left = 0
    for number in range(1, count + 1):
        if left == 0:
            head = None
            if dice.random() < 0.03:
                left = dice.randint(3, 6)
        name = _company(dice, made)
        if head is not None:
            name = f"{head.name.rsplit(' ', 1)[0]} {dice.choice(PLACES)}"
        country = dice.choice(("FR76", "FR14", "DE89", "BE68", "NL91"))
        customer = Customer(
            id=number,
            code=f"C{number:06d}",
            name=name,
            currency=head.currency if head else dice.choices(("EUR", "USD", "GBP"), (80, 12, 8))[0],
            iban=f"{country}{dice.randrange(10**20):020d}",
            known=dice.random() < 0.7,
            alien=_company(dice, []) if dice.random() < 0.03 else "",
            parent_id=head.id if head else None,
        )
        made.append(customer)
        if left:
            head = head or customer
            left -= 1
    return made


def _company(dice: random.Random, made: Sequence[Customer]) -> str:
    """Now and then nearly, or even just, the name of one before."""
    if len(made) > 10 and dice.random() < 0.04:
        near = made[-dice.randint(1, 10)].name
        words = near.split(" ")
        turn = dice.random()
        if turn < 0.2:
            return " ".join([*words[:-1], dice.choice(FORMS)])
        if turn < 0.6:
            words[0] = dice.choice(BUSINESS)
        else:
            words.insert(-1, dice.choice(PLACES))
        return " ".join(words)
    middle = dice.choice(FAMILY)
    if dice.random() < 0.6:
        middle += f" {dice.choice(('', '& ', 'et '))}{dice.choice(FAMILY if dice.random() < 0.5 else PLACES)}"
    return f"{dice.choice(BUSINESS)} {middle} {dice.choice(FORMS)}"


def _items(dice: random.Random, people: Sequence[Customer], count: int) -> list[Item]:
    """Numbers run on over all customers, those paid long ago leaving gaps; amounts are often prices of a list."""
    prices = [dice.randrange(1_000, 300_000, 10) for _ in range(200)]
    weight = [dice.lognormvariate(0, 0.8) for _ in people]
    whole = sum(weight)
    rows: list[tuple[date, Customer, int]] = []
    discount = {c.id for c in people if dice.random() < 0.25}
    terms = {c.id: dice.choice((14, 30, 30, 45, 60)) for c in people}
    for customer, share in zip(people, weight, strict=True):
        fee = dice.choice(prices) if dice.random() < 0.2 else 0
        for _ in range(max(1, round(share * count / whole))):
            ago = 3 + min(int(dice.expovariate(1 / 40)), 170)
            amount = dice.choice(prices) if dice.random() < 0.15 else int(dice.lognormvariate(11, 1.2)) + 500
            rows.append((TODAY - timedelta(days=ago), customer, fee if fee and dice.random() < 0.5 else amount))
    rows.sort(key=lambda row: row[0])
    made: list[Item] = []
    number, order = 0, {c.id: "" for c in people}
    orders = {c.id for c in people if dice.random() < 0.3}
    for entry, (issued, customer, amount) in enumerate(rows, start=1):
        number += 1 if dice.random() < 0.65 else dice.randint(2, 4)
        if customer.id in orders and (not order[customer.id] or dice.random() < 0.4):
            order[customer.id] = f"45{dice.randrange(10**8):08d}"
        made.append(_item(dice, entry, issued, customer, amount, number, order, discount, terms))
    return made


def _item(
    dice: random.Random,
    entry: int,
    issued: date,
    customer: Customer,
    amount: int,
    number: int,
    order: dict[int, str],
    discount: set[int],
    terms: dict[int, int],
) -> Item:
    turn = dice.random()
    kind = EntryKind.INVOICE if turn > 0.05 else EntryKind.CREDIT_NOTE if turn > 0.02 else EntryKind.LATE_CHARGE
    reference = f"FA{issued.year}-{number:06d}"
    if kind is EntryKind.CREDIT_NOTE:
        reference, amount = f"AV{issued.year}-{number:06d}", max(100, amount // 5)
    if kind is EntryKind.LATE_CHARGE:
        reference, amount = f"LC{number:06d}", 4_000 + dice.randrange(0, 3_000)
    early = customer.id in discount and kind is EntryKind.INVOICE
    open_minor = amount - amount // 3 if dice.random() < 0.02 else amount
    return Item(
        entry_id=entry,
        entity_id=ENTITY,
        account_id=customer.id,
        kind=kind,
        side=-1 if kind is EntryKind.CREDIT_NOTE else 1,
        currency=customer.currency,
        amount_minor=amount,
        open_minor=open_minor,
        disputed_minor=open_minor if dice.random() < 0.015 else 0,
        effective_on=issued,
        due_on=issued + timedelta(days=terms[customer.id]),
        reference=reference,
        reference_key=reference_key(reference),
        purchase_order=order[customer.id] if kind is EntryKind.INVOICE else "",
        discount_until=issued + timedelta(days=10) if early else None,
        discount_minor=amount * 2 // 100 if early else 0,
    )


class _Payments:
    """Makes payments out of a world, each open item paid by one of them at most."""

    def __init__(self, dice: random.Random, world: World) -> None:
        self.dice = dice
        self.world = world
        self.people = {one.id: one for one in world.customers}
        self.open_of: dict[int, list[Item]] = {}
        for item in world.items:
            self.open_of.setdefault(item.account_id, []).append(item)
        self.used: set[int] = set()
        self.summed: set[int] = set()
        self.numbers = {item.reference_key for item in world.items}
        self.children: dict[int, list[int]] = {}
        for one in world.customers:
            if one.parent_id is not None:
                self.children.setdefault(one.parent_id, []).append(one.id)

    def made(self, count: int) -> list[Paid]:
        makers: dict[str, Callable[[], tuple[Incoming, Truth] | None]] = {
            name: getattr(self, f"_{name}") for name in MIX
        }
        wanted = [name for name, share in MIX.items() for _ in range(round(count * share / 100))]
        paid = []
        for name in sorted(wanted, key=lambda name: name != "sum"):
            made = None
            for _ in range(400):
                made = makers[name]()
                if made is not None:
                    break
            if made is None:
                raise RuntimeError(f"no payment of kind {name} can be made: too few items")
            paid.append(Paid(name, made[0], made[1]))
        self.dice.shuffle(paid)
        return [Paid(one.category, replace(one.incoming, id=n), one.truth) for n, one in enumerate(paid, start=1)]

    # What may be paid

    def _free(self, customer: Customer) -> list[Item]:
        """Its invoices that nobody pays yet and nobody contests, those due first in front."""
        free = [i for i in self.open_of.get(customer.id, ()) if i.side == 1 and not i.disputed_minor]
        free = [i for i in free if i.kind is EntryKind.INVOICE and i.entry_id not in self.used]
        return sorted(free, key=lambda i: (i.due_on, i.entry_id))

    def _someone(self) -> Customer:
        return self.dice.choice(self.world.customers)

    def _identified(self) -> Customer | None:
        """A customer that its IBAN or its very name gives away."""
        customer = self._someone()
        return customer if customer.known or not customer.alien else None

    def _twins(self, item: Item) -> list[Item]:
        return [i for i in self.open_of[item.account_id] if i is not item and i.open_minor == item.open_minor]

    def _use(self, items: Iterable[Item]) -> None:
        self.used.update(item.entry_id for item in items)

    # How it is written

    def _incoming(
        self, customer: Customer, amount: int, texts: Sequence[str], *, charges: int | None = None, name: str = ""
    ) -> Incoming:
        dice = self.dice
        noted = list(texts)
        if dice.random() < 0.4:
            noted.append("NOTPROVIDED" if dice.random() < 0.5 else f"E2E{dice.randrange(10**9):09d}")
        return Incoming(
            id=0,
            entity_id=ENTITY,
            amount_minor=amount,
            currency=customer.currency,
            received_on=TODAY - timedelta(days=dice.randrange(3)),
            payer_name=name or self._bank_name(customer.alien or customer.name),
            payer_iban=customer.iban if dice.random() < 0.95 else "",
            texts=tuple(noted),
            charges_minor=charges,
        )

    def _bank_name(self, name: str) -> str:
        dice = self.dice
        if dice.random() < 0.3:
            words = name.split(" ")
            name = " ".join(words[:-1]) if dice.random() < 0.5 else " ".join([*words[:-1], dice.choice(FORMS)])
        plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c)).upper()
        if dice.random() < 0.05:
            at = dice.randrange(len(plain))
            plain = plain[:at] + dice.choice("AEIRSTN") + plain[at + 1 :]
        if dice.random() < 0.05:
            plain = f"{dice.choice(('STE ', 'M. OU MME ', 'VIR SEPA '))}{plain}"
        return plain[: dice.choice((27, 35, 70, 70))].strip()

    def _words(self, references: Sequence[str]) -> str:
        """A text that quotes them among days, amounts and other numbers; banks cut it at 140 characters."""
        dice = self.dice
        if not references:
            text = dice.choice(UNQUOTED)
        elif len(references) == 1:
            text = dice.choice(QUOTING).replace("{}", references[0])
        else:
            text = dice.choice(SEVERAL).replace("{}", dice.choice((" ", ", ", " + ", "/")).join(references))
        if dice.random() < 0.5:
            noise = dice.choice(NOISE)
            noise = noise.replace("{day}", (TODAY - timedelta(days=dice.randrange(60))).strftime("%d.%m.%Y"))
            noise = noise.replace("{amount}", f"{dice.randrange(100, 500_000) / 100:.2f}".replace(".", ","))
            noise = noise.replace("{number}", str(dice.randrange(10**4, 10**7)))
            text = f"{noise} {text}" if dice.random() < 0.3 else f"{text} {noise}"
        return text[:140]

    def _written(self, item: Item) -> str:
        """The reference as it stands on the invoice, or in another fashion that is as good."""
        turn = self.dice.random()
        if turn < 0.7:
            return item.reference
        if turn < 0.85:
            return item.reference_key
        return item.reference.lower() if turn < 0.95 else item.reference.replace("-", " ")

    def _unknown_number(self) -> str:
        """A number in the seller's fashion that is not open: paid long ago, or never issued."""
        while True:
            reference = f"FA2026-{self.dice.randrange(1, 900_000):06d}"
            if reference_key(reference) not in self.numbers:
                return reference

    # The kinds of payments

    def _clean(self) -> tuple[Incoming, Truth] | None:
        customer = self._someone()
        free = self._free(customer)
        count = 1 if self.dice.random() < 0.85 else self.dice.randint(2, 3)
        if len(free) < count:
            return None
        items = self.dice.sample(free, count)
        self._use(items)
        text = self._words([self._written(item) for item in items])
        return self._incoming(customer, sum(i.open_minor for i in items), [text]), _paying(items)

    def _damaged(self) -> tuple[Incoming, Truth] | None:
        customer = self._someone()
        free = self._free(customer)
        if not free:
            return None
        item = self.dice.choice(free)
        written = _damage(self.dice, item.reference)
        key = reference_key(written)
        true = Levenshtein.distance(key, item.reference_key)
        twins = self._twins(item)
        if any(Levenshtein.distance(key, twin.reference_key) <= true for twin in twins):
            return None
        self._use([item])
        return self._incoming(customer, item.open_minor, [self._words([written])]), _paying([item])

    def _amount(self) -> tuple[Incoming, Truth] | None:
        customer = self._identified()
        free = self._free(customer) if customer else []
        if not customer or not free:
            return None
        item = self.dice.choice(free)
        if self._twins(item):
            return None
        self._use([item])
        return self._incoming(customer, item.open_minor, [self._words([])]), _paying([item])

    def _sum_quoted(self) -> tuple[Incoming, Truth] | None:
        customer = self._identified()
        free = self._free(customer) if customer else []
        count = self.dice.randint(2, 12)
        if not customer or len(free) < count:
            return None
        first = self.dice.randrange(len(free) - count + 1)
        items = free[first : first + count] if self.dice.random() < 0.6 else self.dice.sample(free, count)
        quoted = items[: self.dice.randint(1, count)]
        unquoted = [item for item in items if item not in quoted]
        if any(twin not in items for item in unquoted for twin in self._twins(item)):
            return None
        self._use(items)
        text = self._words([self._written(item) for item in quoted])
        return self._incoming(customer, sum(i.open_minor for i in items), [text]), _paying(items)

    def _sum(self) -> tuple[Incoming, Truth] | None:
        """Made before all others, so that what makes a sum sensible (all that is due) is what is open."""
        customer = self._identified()
        free = self._free(customer) if customer else []
        if not customer or len(free) < 3 or customer.id in self.summed:
            return None
        items = self._chosen(free)
        others = self.open_of[customer.id]
        if self.dice.random() < 0.15:
            items = [i for i in others if i.side == 1 and not i.disputed_minor and (i in items or i.kind is _CHARGE)]
        if not 2 <= len(items) <= 20 or any(twin not in items for item in items for twin in self._twins(item)):
            return None
        credit = [i for i in others if i.side == -1] if self.dice.random() < 0.15 else []
        amount = sum(i.side * i.open_minor for i in (*items, *credit))
        if amount <= 0:
            return None
        self.summed.add(customer.id)
        self._use(items)
        return self._incoming(customer, amount, [self._words([])]), _paying([*items, *credit])

    def _chosen(self, free: Sequence[Item]) -> list[Item]:
        """What people pay together: all that is due, the oldest, a month's, an order's, or any two or three."""
        turn = self.dice.random()
        if turn < 0.3:
            return [item for item in free if item.due_on <= TODAY - timedelta(days=3)]
        if turn < 0.55:
            return list(free[: self.dice.randint(2, min(12, len(free)))])
        like = self.dice.choice(free)
        if turn < 0.75:
            return [i for i in free if i.effective_on.replace(day=1) == like.effective_on.replace(day=1)]
        if turn < 0.85:
            return [i for i in free if i.purchase_order and i.purchase_order == like.purchase_order]
        return self.dice.sample(free, self.dice.randint(2, 3))

    def _discount(self) -> tuple[Incoming, Truth] | None:
        customer = self._identified()
        early = [i for i in self._free(customer) if i.discount_until] if customer else []
        lately = self.dice.random() < 0.2
        early = [
            i
            for i in early
            if i.discount_until
            and (TODAY - i.discount_until).days in range(-10 if not lately else 1, -2 if not lately else 4)
            and i.open_minor == i.amount_minor
        ]
        if not customer or not early:
            return None
        item = self.dice.choice(early)
        if self._twins(item):
            return None
        self._use([item])
        text = self._words([self._written(item)] if self.dice.random() < 0.7 or lately else [])
        net = item.open_minor - item.discount_minor
        truth = _less(item, item.discount_minor)
        return self._incoming(customer, net, [text]), truth

    def _charges(self) -> tuple[Incoming, Truth] | None:
        customer = self._someone()
        free = [item for item in self._free(customer) if item.open_minor > 10 * CHARGES]
        if not free:
            return None
        item = self.dice.choice(free)
        taken = self.dice.choice(
            (500, 800, 1_000, 1_250, 1_500, 2_000, 2_500, CHARGES, self.dice.randrange(300, 2_999))
        )
        self._use([item])
        stated = taken if self.dice.random() < 0.5 else None
        net = item.open_minor - taken
        truth = _less(item, taken)
        return self._incoming(customer, net, [self._words([self._written(item)])], charges=stated), truth

    def _short(self) -> tuple[Incoming, Truth] | None:
        customer = self._identified()
        free = [item for item in self._free(customer) if item.open_minor > 10 * CHARGES] if customer else []
        if not customer or not free:
            return None
        item = self.dice.choice(free)
        part = self.dice.choice((item.open_minor // 2, item.open_minor // 200 * 100, item.open_minor * 4 // 5))
        gap = item.open_minor - part
        credits_ = {i.open_minor for i in self.open_of[customer.id] if i.side == -1}
        if gap <= CHARGES or gap == item.discount_minor or gap in credits_:
            return None
        self._use([item])
        text = self._words([self._written(item)])
        return self._incoming(customer, part, [text]), Truth(True, frozenset({(item.entry_id, part)}))

    def _group(self) -> tuple[Incoming, Truth] | None:
        if self.dice.random() < 0.3:
            return self._third_party()
        head = self.people[self.dice.choice(list(self.children))]
        relatives = [self.people[number] for number in self.children[head.id]]
        count = 1 if self.dice.random() < 0.6 else min(len(relatives), self.dice.randint(2, 3))
        items = []
        for child in self.dice.sample(relatives, count):
            free = self._free(child)
            if not free:
                return None
            items.append(self.dice.choice(free))
        self._use(items)
        text = self._words([self._written(item) for item in items])
        return self._incoming(head, sum(i.open_minor for i in items), [text]), _paying(items)

    def _third_party(self) -> tuple[Incoming, Truth] | None:
        customer = self._someone()
        free = self._free(customer)
        if not free:
            return None
        items = self.dice.sample(free, min(len(free), self.dice.randint(1, 3)))
        self._use(items)
        text = self._words([self._written(item) for item in items])
        stranger = self._stranger(customer)
        return self._incoming(
            stranger, sum(i.open_minor for i in items), [text], name=self.dice.choice(THIRD_PARTIES)
        ), _paying(items)

    def _over(self) -> tuple[Incoming, Truth] | None:
        customer = self._identified()
        free = self._free(customer) if customer else []
        if not customer or not free:
            return None
        item = self.dice.choice(free)
        rounded = -(-item.open_minor // 10_000) * 10_000
        amount = self.dice.choice((rounded, item.open_minor * 2, item.open_minor + self.dice.randrange(100, 20_000)))
        extra = amount - item.open_minor
        if extra <= 0 or any(i.open_minor == extra for i in self.open_of[customer.id]):
            return None
        self._use([item])
        text = self._words([self._written(item)])
        truth = Truth(True, frozenset({(item.entry_id, item.open_minor)}), on_account=extra)
        return self._incoming(customer, amount, [text]), truth

    def _unrelated(self) -> tuple[Incoming, Truth] | None:
        """From strangers, or from customers for other things; some of just the amount of an open item."""
        dice = self.dice
        amount = dice.choice((dice.randrange(1_000, 2_000_000), dice.randrange(10, 5_000) * 100))
        customer = self._someone()
        turn = dice.random()
        if turn < 0.5:
            stranger = self._stranger(customer)
            if dice.random() < 0.3:
                amount = dice.choice(self.world.items).open_minor
            text = self._words([]) if dice.random() < 0.5 else dice.choice(CONTRARY)
            return self._incoming(stranger, amount, [text], name=dice.choice(OTHER_PAYERS)), LEAVE
        free = self._free(customer)
        if turn < 0.65 and free:
            item = dice.choice(free)
            amount = item.open_minor
            contrary = dice.random()
            if contrary < 0.5:
                text = dice.choice(CONTRARY)
            elif contrary < 0.95:
                text = self._words([self._unknown_number()])
            else:
                text = self._words([])
            self._use([item])
            return self._incoming(customer, amount, [text]), LEAVE
        known = {item.open_minor for item in self.open_of.get(customer.id, ())}
        text = dice.choice((self._words([]), self._words([self._unknown_number()]), dice.choice(CONTRARY)))
        return (self._incoming(customer, amount, [text]), LEAVE) if amount not in known else None

    def _ambiguous(self) -> tuple[Incoming, Truth] | None:
        customer = self._someone()
        free = self._free(customer)
        twins = [i for i in free if any(t in free for t in self._twins(i))]
        if not twins:
            return None
        item = self.dice.choice(twins)
        self._use([item])
        return self._incoming(customer, item.open_minor, [self._words([])]), LEAVE

    def _stranger(self, like: Customer) -> Customer:
        return Customer(0, "", "", like.currency, f"LU28{self.dice.randrange(10**16):016d}", False, "", None)


def _paying(items: Iterable[Item]) -> Truth:
    return Truth(True, frozenset((item.entry_id, item.open_minor) for item in items))


def _less(item: Item, off: int) -> Truth:
    return Truth(True, frozenset({(item.entry_id, item.open_minor - off)}), frozenset({(item.entry_id, off)}))


def _damage(dice: random.Random, reference: str) -> str:
    """A reference as people mistype it, scanners misread it and banks cut it."""
    head, number = reference.split("-")
    at = dice.randrange(len(number))
    turn = dice.random()
    if turn < 0.25:
        return f"{head}-{number[:at]}{dice.choice([d for d in '0123456789' if d != number[at]])}{number[at + 1 :]}"
    if turn < 0.35:
        at = dice.randrange(len(number) - 1)
        return f"{head}-{number[:at]}{number[at + 1]}{number[at]}{number[at + 2 :]}"
    if turn < 0.5:
        swapped = f"{head}{number}"
        pairs = [("0", "O"), ("1", "I"), ("5", "S"), ("8", "B"), ("2", "Z")]
        wrong, put = dice.choice([pair for pair in pairs if pair[0] in swapped])
        return swapped.replace(wrong, put)
    if turn < 0.6:
        return f"{head}-{number[:at]}{number[at + 1 :]}"
    if turn < 0.75:
        return dice.choice((number, number.lstrip("0"), f"{head[-2:]}-{number}"))
    if turn < 0.8:
        return f"{head}-{number}"[: -dice.randint(1, 2)]
    if turn < 0.9:
        return dice.choice(
            (f"REGLEMENT{head}{number}", f"{head}{number}DU{dice.randrange(10, 29)}", f"N{head}{number}X")
        )
    return dice.choice((f"{head[:2]} {head[2:]} {number[:3]} {number[3:]}", f"{head[:2]}.{head[2:]}.{number}"))
