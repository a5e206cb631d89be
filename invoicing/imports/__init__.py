"""Invoices from files: read (pure), decide (pure), record."""
