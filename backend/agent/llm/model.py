"""The door inside the agent to whatever generates text."""

from collections.abc import AsyncGenerator
from typing import Protocol

from backend.agent.llm.prompt import Prompt


class LlmError(Exception):
    """The model did not answer, or not to the end. `hopeless`: it will not do better soon."""

    def __init__(self, message: str, *, hopeless: bool = False) -> None:
        super().__init__(message)
        self.hopeless = hopeless


class LanguageModel(Protocol):
    """Anything that answers a prompt."""

    @property
    def name(self) -> str:
        """The model's name."""

    def stream(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        """Text in pieces as it is generated. Raises LlmError, also in the middle.

        Closing the generator stops the work.
        """

    async def aclose(self) -> None:
        """Close connections."""
