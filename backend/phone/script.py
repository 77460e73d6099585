"""A conversation by script: wait until the bot has finished, say the next thing, keep account."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from backend.audio.pcm import Pcm
from backend.phone.call import PhoneCall
from backend.phone.outgoing import Sent
from backend.phone.pauses import TextToSpeech, speak_with_pauses
from backend.phone.results import CallOverError
from backend.phone.track import Span

SpeechToText = Callable[[Pcm], Awaitable[str]]
"""Words of some 8 kHz audio; empty when there are none."""

MARGIN_S = 0.1
"""Kept around the bot's voice when it is transcribed: soft consonants lie under the threshold."""
GOES_ON_WITHIN_S = 1.2
"""Who has only murmured gives the bot this long to go on before taking its silence for its end."""
STILL_SPEAKING_S = 0.15
"""Who was last heard less than this before is still speaking: the gaps between words."""


@dataclass(frozen=True, slots=True)
class Say:
    """The caller says a sentence; `render` has the text-to-speech make the audio."""

    text: str
    """`[600 ms]` within it is a pause of exactly that length."""


@dataclass(frozen=True, slots=True)
class Play:
    """The caller is heard with this audio at 8 kHz."""

    pcm: Pcm
    label: str
    """What it is: the sentence, the file's name."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The caller presses keys."""

    keys: str


@dataclass(frozen=True, slots=True)
class Wait:
    """The caller says nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class HangUp:
    """The caller hangs up without listening further."""


@dataclass(frozen=True, slots=True)
class TalkOver:
    """The caller speaks, or presses keys, while the bot is speaking."""

    step: Say | Play | Keys
    after_s: float = 0.0
    """How long the bot has been speaking by then; 0 is its first syllable."""
    takes_floor: bool = True
    """The bot is meant to stop. False for a cough or an "mhm": it is meant to go on, and nobody
    says that to a bot that has already finished."""


@dataclass(frozen=True, slots=True)
class ReadyTalkOver:
    """`TalkOver` with its audio made."""

    step: Play | Keys
    after_s: float
    takes_floor: bool


Reaction = Callable[[], Awaitable[Play | Keys | None]]
"""What the caller says to the bot's last words before the next step; None: nothing, go on."""
Step = Say | Play | Keys | Wait | HangUp | TalkOver
ReadyStep = Play | Keys | Wait | HangUp | ReadyTalkOver


class RecordKind(StrEnum):
    """What a line of the account is about."""

    ANSWERED = "answered"
    BOT = "bot"
    """The bot spoke."""
    CALLER = "caller"
    """We spoke or pressed keys."""
    NOTHING_HEARD = "nothing_heard"
    """The bot stayed silent for as long as we were willing to wait."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the account of a call. Times are seconds since we dialled."""

    kind: RecordKind
    start_s: float
    end_s: float
    text: str = ""
    """What was said, as far as known; keys; for ENDED who hung up, and why."""
    latency_s: float | None = None
    """For BOT: from our last voiced sample (or key, or the answer) to the bot's first. Negative
    when the bot began before we had finished."""
    silenced_s: float | None = None
    """For CALLER over the bot's speech, to take the floor: from our first voiced sample to the
    bot's last. None when the bot was still speaking once we had finished, or was in a pause."""

    def as_json(self) -> dict[str, Any]:
        """JSON values, seconds rounded to 0.1 ms: the clock is no better."""
        return {
            key: round(value, 4) if isinstance(value, float) else value
            for key, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class Listening:
    """The caller's patience."""

    quiet_s: float = 1.0
    """The bot has finished when it has been quiet for this long: longer than its pauses between
    sentences."""
    patience_s: float = 15.0
    """How long the caller waits for the bot to begin before going on regardless."""
    longest_s: float = 120.0
    """Longest speech of the bot the caller listens to."""


async def render(steps: Sequence[Step], text_to_speech: TextToSpeech) -> list[ReadyStep]:
    """Make the audio of every `Say`, before the call: callers do not think about their voice."""
    return [await _ready(step, text_to_speech) for step in steps]


async def _ready(step: Step, text_to_speech: TextToSpeech) -> ReadyStep:
    match step:
        case Say():
            return await _spoken(step, text_to_speech)
        case TalkOver():
            inner = step.step
            ready = await _spoken(inner, text_to_speech) if isinstance(inner, Say) else inner
            return ReadyTalkOver(ready, step.after_s, step.takes_floor)
        case _:
            return step


async def _spoken(say: Say, text_to_speech: TextToSpeech) -> Play:
    return Play(await speak_with_pauses(say.text, text_to_speech), say.text)


async def converse(
    call: PhoneCall,
    steps: Sequence[ReadyStep],
    *,
    listening: Listening | None = None,
    speech_to_text: SpeechToText | None = None,
    react: Reaction | None = None,
) -> AsyncIterator[Record]:
    """Hold the conversation and tell what happens, as it does; the last record is ENDED.

    Each step but `TalkOver` waits for the bot to finish first, and for `react` to have nothing to
    say to that any more. After the last we listen until the
    bot hangs up or has nothing more to say, then hang up.
    """
    conversation = _Conversation(call, listening or Listening(), speech_to_text)
    yield conversation.answered()
    try:
        for step in steps:
            if isinstance(step, HangUp):
                break
            if isinstance(step, ReadyTalkOver):
                async for record in conversation.talk_over(step):
                    yield record
            else:
                yield await conversation.listen()
                while react is not None and (reaction := await react()) is not None:
                    yield await conversation.perform(reaction)
                    yield await conversation.listen()
                yield await conversation.perform(step)
        else:
            async for record in conversation.listen_out():
                yield record
    except CallOverError:
        rest = await conversation.unheard_rest()
        if rest is not None:
            yield rest
    finally:
        await call.hang_up()
    yield conversation.ended()


class _Conversation:
    def __init__(
        self, call: PhoneCall, listening: Listening, speech_to_text: SpeechToText | None
    ) -> None:
        self._call = call
        self._listening = listening
        self._speech_to_text = speech_to_text
        self._our_turn_ended_s = call.answered_at_s
        # Early media counts: what is said before the answer is heard, too.
        self._heard_until_s = call.dialled_at_s

    def answered(self) -> Record:
        at_s = self._since_dialling(self._call.answered_at_s)
        return Record(RecordKind.ANSWERED, at_s, at_s)

    async def listen(self) -> Record:
        """The bot's turn. Raises CallOverError when it hangs up before it is quiet."""
        began_s = time.monotonic()
        try:
            await self._call.wait_for_voice(self._heard_until_s, self._listening.patience_s)
        except TimeoutError:
            start_s, end_s = map(self._since_dialling, (began_s, time.monotonic()))
            return Record(RecordKind.NOTHING_HEARD, start_s, end_s)
        try:
            span = await self._call.wait_for_quiet(
                self._listening.quiet_s, self._listening.longest_s, self._heard_until_s
            )
        except TimeoutError:
            first = self._call.heard_spans(self._heard_until_s)[0]
            span = Span(first.start_s, time.monotonic())
        return await self._bot_spoke(span)

    async def listen_out(self) -> AsyncIterator[Record]:
        """Everything the bot still says, until it hangs up or stays silent."""
        while True:
            record = await self.listen()
            yield record
            if record.kind is RecordKind.NOTHING_HEARD:
                return

    async def perform(self, step: Play | Keys | Wait) -> Record:
        """Our turn. Raises CallOverError when the call ends in it."""
        if isinstance(step, Wait):
            began_s = time.monotonic()
            await self._call.stay(step.seconds)
            sent, text = Sent(began_s, time.monotonic()), ""
        elif isinstance(step, Keys):
            sent, text = await self._call.send_keys(step.keys), step.keys
        else:
            sent, text = await self._call.speak(step.pcm), step.label
        self._our_turn_ended_s = sent.voice.end_s if sent.voice else sent.end_s
        start_s = sent.voice.start_s if sent.voice else sent.start_s
        return Record(
            RecordKind.CALLER,
            self._since_dialling(start_s),
            self._since_dialling(self._our_turn_ended_s),
            text,
        )

    async def talk_over(self, step: ReadyTalkOver) -> AsyncIterator[Record]:
        """Our words over the bot's; what it said until then comes first if it is meant to stop.

        Raises CallOverError when the call ends in it.
        """
        patience_s = self._listening.patience_s
        try:
            bot = await self._call.wait_for_voice(self._heard_until_s, patience_s)
        except TimeoutError:
            yield await self.perform(step.step)
            return
        await self._call.stay(max(bot.start_s + step.after_s - time.monotonic(), 0.0))
        before_s = self._our_turn_ended_s
        now_s = time.monotonic()
        if not step.takes_floor and self._call.last_voice_s(now_s) < now_s - STILL_SPEAKING_S:
            return
        spoke = await self.perform(step.step)
        if not step.takes_floor:
            self._our_turn_ended_s = before_s
            yield spoke
            await self._call.stay(GOES_ON_WITHIN_S)
            return
        fell_silent_s = self._call.last_voice_s(self._our_turn_ended_s)
        if fell_silent_s <= self._our_turn_ended_s - STILL_SPEAKING_S:
            ours_s, self._our_turn_ended_s = self._our_turn_ended_s, before_s
            yield await self._bot_spoke(Span(bot.start_s, fell_silent_s))
            self._our_turn_ended_s = ours_s
            silenced_s = self._since_dialling(fell_silent_s) - spoke.start_s
            spoke = replace(spoke, silenced_s=silenced_s if silenced_s > 0 else None)
        yield spoke

    async def unheard_rest(self) -> Record | None:
        """What the bot said before it hung up, if we have not accounted for it."""
        spans = self._call.heard_spans(self._heard_until_s)
        if not spans:
            return None
        return await self._bot_spoke(Span(spans[0].start_s, spans[-1].end_s))

    def ended(self) -> Record:
        end = self._call.ended
        at_s = self._since_dialling(end.at_s if end else time.monotonic())
        text = f"{end.by}: {end.reason}".rstrip(": ") if end else ""
        return Record(RecordKind.ENDED, at_s, at_s, text)

    async def _bot_spoke(self, span: Span) -> Record:
        self._heard_until_s = span.end_s
        text = ""
        if self._speech_to_text is not None:
            pcm = self._call.heard(span.start_s - MARGIN_S, span.end_s + MARGIN_S)
            text = await self._speech_to_text(pcm)
        return Record(
            RecordKind.BOT,
            self._since_dialling(span.start_s),
            self._since_dialling(span.end_s),
            text,
            latency_s=span.start_s - self._our_turn_ended_s,
        )

    def _since_dialling(self, at_s: float) -> float:
        return at_s - self._call.dialled_at_s
