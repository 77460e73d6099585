"""A stored call held again, with today's knowledge, settings and engines, and without effects.

The caller's turns are given one after the other, whatever is answered: audio as it was recorded
and at the pace it was spoken, through the same conversation, recogniser, agent and voice as a live
call. Events go to nobody but whoever asked; tickets are not stored; nobody is called. When a turn
ends is not decided again: the stored call's pauses fit the stored answers only.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

from backend.audio.pcm import Pcm
from backend.calls.conversation import Conversation, ConversationLimits, Engines
from backend.calls.publisher import CallPublisher
from backend.core.errors import FrontdeskError, HungUp, LineError
from backend.core.events import CallEvent, EventBus
from backend.core.records import CallInfo, TicketDraft
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

RATE_HZ = 8000
BLOCK = 400
"""Samples fed at a time: a live call's audio comes in pieces as well."""
LONGEST_S = 600.0
"""As long as the longest caller speaks; one that takes longer hangs on an engine."""


class ReplayError(FrontdeskError):
    """The call cannot be replayed (now)."""

    code = "replay"


@dataclass(frozen=True, slots=True)
class CallerTurn:
    """What the caller did in one turn of the stored call."""

    kind: InputKind
    text: str = ""
    """For TEXT: words, where there is no audio of them."""
    digits: str = ""
    pcm: Pcm | None = None
    """For SPEECH: at 8 kHz, the silence after the last word included."""
    pause_s: float = 0.0
    """How long that silence is."""


class Replayer:
    """Replays one call at a time: live calls need the engines, too."""

    def __init__(
        self, engines: Engines, limits: ConversationLimits, is_busy: Callable[[], bool]
    ) -> None:
        self._engines = replace(engines, desk=_NoDesk())
        self._limits = limits
        self._is_busy = is_busy
        self._turn = asyncio.Lock()

    async def replay(self, info: CallInfo, turns: Sequence[CallerTurn]) -> list[CallEvent]:
        """The events of the call as it would go today.

        Raises ReplayError while there is no room for it, or when it takes too long.
        """
        self._let_live_calls_first()
        events: list[CallEvent] = []
        bus = EventBus()
        bus.subscribe(events.append)
        line = _ReplayLine(info, turns)
        try:
            async with self._turn, asyncio.timeout(LONGEST_S):
                self._let_live_calls_first()  # they may have come while another was replayed
                publisher = CallPublisher(bus, info.call_id)
                await Conversation(line, self._engines, self._limits, publisher).run()
        except TimeoutError:
            raise ReplayError(f"The replay took longer than {LONGEST_S:.0f} s.") from None
        return events

    def _let_live_calls_first(self) -> None:
        if self._is_busy():
            raise ReplayError(
                "Live calls need everything there is at the moment.", fix="Try again later."
            )


class _NoDesk:
    """Where tickets go that nobody is to work on."""

    async def open_ticket(self, draft: TicketDraft, call_id: str | None) -> None:
        """Keep nothing; the event says that it would have been opened."""


class _ReplayLine:
    """A caller who says what they said then, as soon as they are listened to."""

    may_be_cut = True
    ear_rate_hz: int | None = RATE_HZ
    voice_rate_hz: int | None = RATE_HZ

    def __init__(self, info: CallInfo, turns: Sequence[CallerTurn]) -> None:
        self.info = info
        self._turns = list(turns)

    async def answer(self) -> None:
        """There is nobody to pick up."""

    async def hear(self, question: Question, ear: Ear) -> CallerInput:
        """The next stored turn; after the last one the caller hangs up."""
        if not self._turns:
            raise HungUp
        turn = self._turns.pop(0)
        voice_ended_at_s: float | None = None
        if turn.pcm is not None:
            voiced = max(0, len(turn.pcm) - round(turn.pause_s * RATE_HZ))
            await self._speak(turn.pcm[:voiced], ear)
            voice_ended_at_s = time.monotonic()
            ear.pause()
            await self._speak(turn.pcm[voiced:], ear)
        return CallerInput(
            turn.kind,
            turn.text,
            turn.digits,
            ended_at_s=time.monotonic(),
            voice_ended_at_s=voice_ended_at_s,
        )

    async def say(self, utterances: AsyncIterator[Utterance], ear: Ear) -> Said:
        """Everything is heard at once; of the audio, only when it begins matters."""
        heard: list[str] = []
        first_audio_at_s: float | None = None
        async for utterance in utterances:
            if utterance.clip is not None:
                if first_audio_at_s is None:
                    await anext(utterance.clip.chunks(), None)
                    first_audio_at_s = time.monotonic()
                utterance.clip.close()
            heard.append(utterance.sentence.text)
        return Said(tuple(heard), first_audio_at_s=first_audio_at_s)

    async def _speak(self, pcm: Pcm, ear: Ear) -> None:
        began_at_s = time.monotonic()
        for start in range(0, len(pcm), BLOCK):
            block = pcm[start : start + BLOCK]
            due_at_s = began_at_s + (start + len(block)) / RATE_HZ
            await asyncio.sleep(max(0.0, due_at_s - time.monotonic()))
            ear.feed(block)

    async def start_recording(self, name: str) -> None:
        """There is a recording already."""

    def listen_in(self, listener: Listener) -> Callable[[], None]:
        """Nothing is played."""
        raise LineError("A replay cannot be listened to.")

    async def transfer(self, extension: str) -> TransferResult:
        """As it went then, as far as that can be told: who said more afterwards got nobody."""
        return TransferResult.NO_ANSWER if self._turns else TransferResult.CONNECTED

    async def hang_up(self) -> None:
        """Nobody is there."""
