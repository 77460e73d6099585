"""What to say and do, one policy a file."""
