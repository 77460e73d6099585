"""The command line: one module per command; every sentence a person reads stands here."""
