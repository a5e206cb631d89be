"""Documents on their way to the customer: how each wants them, what was sent where, and the proof of it."""
