"""A program found or fetched, and what `frontdesk doctor` says about a part."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Progress = Callable[[str], None]
"""Told one short sentence when a step begins that may take more than a second."""


@dataclass(frozen=True, slots=True)
class Program:
    """How to run a system part."""

    name: str
    version: str
    command: tuple[str, ...]
    """Prefix of the command line; arguments follow."""
    root: Path
    """Where its `usr/` is: `/` when the machine has it installed."""
    env: Mapping[str, str] = field(default_factory=dict)
    """What must be added to the environment."""

    def environment(self) -> dict[str, str]:
        """The whole environment to start it with."""
        return {**os.environ, **self.env}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `frontdesk doctor`."""

    part: str
    ok: bool
    detail: str
    """What was found, in words."""
    fix: str = ""
    """What to do about it when it is not ok."""
