"""Autopay: a customer has its due invoices paid by a saved method, within a limit, after notice."""
