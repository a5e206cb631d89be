"""Letters of the outbox, printed in batches: one PDF for each seller and day, and what became of the paper."""
