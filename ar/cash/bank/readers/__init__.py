"""What a bank file says: a reader for each format, from bytes to statements and their lines. Pure."""
