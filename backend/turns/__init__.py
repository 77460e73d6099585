"""Turn-taking: pure decisions. Seconds and facts come in; nothing here reads a clock."""
