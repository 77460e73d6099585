"""Prompts short enough for tests that wait for them to end."""

from tests.pbx.conftest import short_prompts

__all__ = ["short_prompts"]
