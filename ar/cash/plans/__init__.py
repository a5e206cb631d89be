"""Instalment plans: open items paid in parts that were agreed, followed by the ledger."""
