"""The text line: `frontdesk chat` and everything else that types."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable

from backend.core.errors import HungUp, LineError
from backend.core.records import CallInfo
from backend.core.speech import Question
from backend.telephony.line import (
    CallerInput,
    Ear,
    InputKind,
    Listener,
    Said,
    TransferResult,
    Utterance,
)

Ask = Callable[[], Awaitable[str | None]]
"""Waits for what the person types next; None when they have gone."""
Tell = Callable[[str], None]
"""Shows one sentence to the person."""


class TextLine:
    """A `Line` without audio: sentences are shown, input is typed. An empty line is silence."""

    may_be_cut = True
    ear_rate_hz: int | None = None
    voice_rate_hz: int | None = None

    def __init__(self, call_id: str, ask: Ask, tell: Tell, caller: str = "") -> None:
        self.info = CallInfo(call_id, "text", caller=caller)
        self._ask = ask
        self._tell = tell

    async def answer(self) -> None:
        """Nothing to pick up."""

    async def hear(self, question: Question, ear: Ear) -> CallerInput:
        """One typed line; an empty one is silence."""
        typed = await self._ask()
        if typed is None:
            raise HungUp
        text = typed.strip()
        kind = InputKind.TEXT if text else InputKind.SILENCE
        return CallerInput(kind, text=text, ended_at_s=time.monotonic())

    async def say(self, utterances: AsyncIterator[Utterance], ear: Ear) -> Said:
        """Show the sentences as they come."""
        shown: list[str] = []
        first_at_s: float | None = None
        async for utterance in utterances:
            first_at_s = first_at_s or time.monotonic()
            self._tell(utterance.sentence.text)
            shown.append(utterance.sentence.text)
        return Said(tuple(shown), first_audio_at_s=first_at_s)

    async def start_recording(self, name: str) -> None:
        """There is nothing to record: the transcript is the call."""

    def listen_in(self, listener: Listener) -> Callable[[], None]:
        """There is nothing to hear."""
        raise LineError("This is a conversation in writing: there is nothing to listen to.")

    async def transfer(self, extension: str) -> TransferResult:
        """Nobody can be reached by typing."""
        return TransferResult.FAILED

    async def hang_up(self) -> None:
        """Nothing to hang up."""
