"""Bank files: what each says, read, kept once, and tied to the balance."""
