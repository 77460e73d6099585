"""Frontdesk: a self-hosted voice agent for Asterisk."""
