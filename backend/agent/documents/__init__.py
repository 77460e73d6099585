"""Documents an operator drops into a folder: read, cut into passages, kept ready for search."""
