"""Payments without a page: saved methods, charges of them, transfers to an account number of the customer's own."""
