"""Talking to customers: the log of conversations, and the calls that somebody is to make."""
