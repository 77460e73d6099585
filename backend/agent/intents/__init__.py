"""From the caller's words to what they want."""
