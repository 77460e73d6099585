"""The conversation every line shares, and what is kept of it."""
