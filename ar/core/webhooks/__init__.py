"""Webhooks out: every entry of the audit trail is an event, told to the subscriptions that ask for its kind.

`spread` makes a delivery of each event for each subscription, `send` posts what is due. At least once, signed as
Standard Webhooks has it, in no promised order.
"""
