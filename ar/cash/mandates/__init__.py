"""SEPA mandates: what lets a legal entity take money from a customer's account, from signature to lapse."""
