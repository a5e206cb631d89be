"""What money that came in is for: proposed with reasons, applied untouched where it is sure, undone as one act."""
