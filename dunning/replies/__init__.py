"""What customers write back: read, set into their thread, understood, and put before a person with what to do."""
