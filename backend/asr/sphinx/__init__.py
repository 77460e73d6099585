"""What PocketSphinx needs from us: language models, pronunciations, and processes to run in."""
