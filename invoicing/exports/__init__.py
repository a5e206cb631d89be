"""What the bookkeeping takes over: the receivables journal, as CSV or as the French FEC."""
