"""Direct debits by file: proposed, approved, announced, written as pain.008, and settled or returned by the bank."""
