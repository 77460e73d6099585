"""FastAGI: Asterisk connects to us and takes one command at a time. The turn-mode line."""
