"""Text messages: counted, sent through a provider, and what comes back from it."""
