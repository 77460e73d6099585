"""What a language model gives back, and how it fails."""

from dataclasses import dataclass


class LlmError(Exception):
    """The model did not answer, or not to the end. `hopeless`: it will not do better soon."""

    def __init__(self, message: str, *, hopeless: bool = False) -> None:
        super().__init__(message)
        self.hopeless = hopeless


class ToolsRefusedError(LlmError):
    """The server takes no tools, or not for this model; without them it may well answer."""


@dataclass(frozen=True, slots=True)
class ToolFragment:
    """A part of a tool call, as it is generated."""

    index: int
    """Which of the answer's calls it belongs to."""
    name: str
    arguments: str
    """What comes next of the arguments' JSON."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What the model wants called. Nothing of it has been checked."""

    name: str
    arguments: str
    """JSON, if the model wrote it well."""


Piece = str | ToolFragment
"""What is generated at a time."""
