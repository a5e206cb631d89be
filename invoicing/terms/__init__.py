"""Payment terms as a small language: when an invoice of a day falls due, in which parts, and what an early payer saves.

    net 30                              30 days after the invoice
    end of month + 45                   the end of the invoice's month, then 45 days
    45 days end of month                45 days after the invoice, then the end of that month
    net 30 on the 10th                  30 days after the invoice, then the next 10th, that day itself included
    cash with order                     on the day of the invoice
    30% net 0; 40% net 30; 30% net 60   in instalments
    2/10 net 30                         2 % less when paid within 10 days; 3/8, 2/14 net 30 has two steps

The second and third are the two French ways of counting "45 jours fin de mois"; they differ by up to a month. "on the
10th" may follow either of them.
"""

from invoicing.terms.model import (
    Counting,
    Discount,
    DiscountWindow,
    Due,
    Instalment,
    Part,
    Terms,
    TermsError,
    discount_windows,
    schedule,
)
from invoicing.terms.text import parse

__all__ = [
    "Counting",
    "Discount",
    "DiscountWindow",
    "Due",
    "Instalment",
    "Part",
    "Terms",
    "TermsError",
    "discount_windows",
    "parse",
    "schedule",
]
