"""Customers that want a person: constantly late, in difficulty, of high value; and what was handed on to others."""
