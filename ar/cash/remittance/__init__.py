"""Remittance advices: what customers say their payments are for, read, kept, and set beside the money."""
