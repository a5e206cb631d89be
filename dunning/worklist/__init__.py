"""The collectors' queue: what acting today on each customer is worth, kept ready in a table."""
