"""The streaming line: it listens all the time, decides itself when a turn ends, and can be
interrupted at any syllable."""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import structlog

from backend.audio.echo import HEARD_S, PLAYED_S, is_echo
from backend.audio.pcm import Pcm
from backend.core.errors import HungUp, LineError
from backend.core.records import CallInfo
from backend.core.speech import HeardSoFar, Question, Sentence
from backend.telephony.line import (
    CallerInput,
    Ear,
    InputKind,
    Listener,
    Said,
    TransferResult,
    Utterance,
)
from backend.telephony.stream.doors import RATE_HZ, AudioPort, CallControl
from backend.telephony.stream.keypad import Keypad
from backend.telephony.stream.recorder import CallRecording, Recorder
from backend.telephony.stream.speech import Clock, Speech
from backend.telephony.stream.ticker import Inbox, Ticker
from backend.turns.base import Decision, TurnTaker, Window

log = structlog.get_logger(__name__)
Result = TypeVar("Result")

PRE_ROLL_S = 2.0
"""Audio kept from before a voice was noticed: as much as turn-taking may ask for."""

NEARLY_SAID_S = 0.6
"""Who answers a question does so before its last word has ended; who says "no" or "uh huh" earlier
has mostly been misheard, or means nothing by it."""
ECHO_WINDOWS = round(HEARD_S / 0.032)
ECHO_PROBABILITY = 0.2
"""What is surely no voice needs no asking whose it is."""


@dataclass(frozen=True, slots=True)
class StreamParts:
    """What all streaming lines of the process share."""

    ticker: Ticker
    recorder: Recorder
    new_taker: Callable[[], TurnTaker]
    clock: Clock = time.monotonic


class StreamLine:
    """A `Line` over a call control and an audio port. Also the `PortEvents` of that port."""

    may_be_cut = True
    ear_rate_hz: int | None = RATE_HZ
    voice_rate_hz: int | None = RATE_HZ

    def __init__(self, control: CallControl, parts: StreamParts) -> None:
        self._control = control
        self._parts = parts
        self._taker = parts.new_taker()
        self._clock = parts.clock
        self._port: AudioPort | None = None
        self._generations = itertools.count(1)
        self._speech: Speech | None = None
        """The answer being spoken, or the last one."""
        self._inbox: Inbox | None = None
        self._recording: CallRecording | None = None
        self._ear: Ear | None = None
        self._feeding = False
        """An utterance has begun: its audio goes to the ear."""
        self._recent: deque[Pcm] = deque()
        self._recent_samples = 0
        self._announced: Sentence | None = None
        """The sentence turn-taking was last told about."""
        self._keypad = Keypad()
        self._gone = asyncio.Event()
        self._verdict: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        """Ends `hear` and `say`: ENDED, NO_ANSWER or INTERRUPTED. Replaced for each."""

    @property
    def info(self) -> CallInfo:
        """Who is calling, and how."""
        return self._control.info

    # The line

    async def answer(self) -> None:
        """Pick up. From now on the caller is listened to, whatever else happens."""
        self._inbox = self._parts.ticker.join(self)
        self._port = await self._unless_gone(self._control.answer(self))

    async def start_recording(self, name: str) -> None:
        """Stereo: the caller left, we right."""
        self._recording = await self._parts.recorder.begin(name)

    async def hear(self, question: Question, ear: Ear) -> CallerInput:
        """The caller's turn: until they have finished, or pressed keys, or not begun in time."""
        self._listen_with(ear)
        self._verdict = asyncio.get_running_loop().create_future()
        self._taker.listen(question, self._clock())
        keyed = asyncio.ensure_future(self._keypad.read(question.max_digits))
        try:
            await self._unless_gone(_first(self._verdict, keyed))
            # A key ends what is being said: whoever presses one has stopped talking to us.
            if keyed.done() or self._keypad.is_in_use:
                digits = await self._unless_gone(keyed)
                return CallerInput(InputKind.DIGITS, digits=digits, ended_at_s=self._clock())
        finally:
            keyed.cancel()
            self._feeding = False
        ended_at_s = self._clock()
        if self._verdict.result() is Decision.NO_ANSWER:
            return CallerInput(InputKind.SILENCE, ended_at_s=ended_at_s)
        return CallerInput(
            InputKind.SPEECH, ended_at_s=ended_at_s, voice_ended_at_s=self._taker.voice_ended_at_s
        )

    async def say(self, utterances: AsyncIterator[Utterance], ear: Ear) -> Said:
        """Speak until all is heard, or the caller takes the floor by voice or key."""
        if self._port is None:
            raise HungUp
        speech = self._speech = Speech(self._port, self._generations, self._recording, self._clock)
        self._listen_with(ear)
        self._verdict = asyncio.get_running_loop().create_future()
        self._taker.speak(self._clock(), interruptible=True)
        speaking = asyncio.ensure_future(speech.speak(utterances))
        try:
            await self._unless_gone(_first(speaking, self._verdict))
            interrupted = not speaking.done()
            heard = speech.stop() if interrupted else speech.heard()
        except asyncio.CancelledError:
            speech.stop()
            raise
        finally:
            speaking.cancel()
            await asyncio.wait([speaking])
        if not interrupted:
            speaking.result()
        return Said(
            heard,
            interrupted=interrupted,
            digits=self._keypad.pressed,
            first_audio_at_s=speech.first_audio_at_s,
            transport_s=speech.transport_s,
        )

    def listen_in(self, listener: Listener) -> Callable[[], None]:
        """Off the recording, which has both sides on one clock."""
        if self._recording is None:
            raise LineError("This call is not being recorded, so it cannot be listened to.")
        return self._parts.recorder.listen_in(self._recording, listener)

    async def transfer(self, extension: str) -> TransferResult:
        """The person and the caller talk without us; we listen again when nobody answers."""
        self._pause_listening()
        result = await self._unless_gone(self._control.transfer(extension))
        if result is not TransferResult.CONNECTED:
            self._inbox = self._parts.ticker.join(self)
        return result

    async def hang_up(self) -> None:
        """End the call."""
        await self._control.hang_up()

    async def close(self) -> None:
        """The conversation is over, however it ended: nothing of this call is left."""
        self._pause_listening()
        self._ear = None
        if self._recording is not None:
            await self._parts.recorder.finish(self._recording)

    # What the port tells

    def on_audio(self, ulaw: bytes) -> None:
        """The caller's audio."""
        if self._inbox is not None:
            self._inbox.put(ulaw)
        if self._recording is not None:
            self._recording.caller_said(ulaw, self._clock())

    def on_mark(self, name: str) -> None:
        """We have been heard up to there."""
        if self._speech is not None:
            self._speech.on_mark(name)

    def on_key(self, key: str) -> None:
        """A key of the caller's telephone."""
        self._keypad.press(key)
        self._let_keys_interrupt()

    def on_gone(self) -> None:
        """The caller has left."""
        self._gone.set()
        self._pause_listening()

    # What the ticker tells

    def on_window(self, pcm: Pcm, window: Window) -> None:
        """The next piece of the caller's audio, judged."""
        ear = self._ear
        if ear is None:
            return
        if self._feeding:
            ear.feed(pcm)
        self._remember(pcm)
        self._follow_speech(window.at_s)
        window = self._without_echo(window)
        self._let_keys_interrupt()
        decision = self._taker.hear(window, self._heard(ear))
        if decision is not None:
            self._act(decision, ear)

    def _act(self, decision: Decision, ear: Ear) -> None:
        match decision:
            case Decision.STARTED:
                self._begin_utterance(ear)
            case Decision.HOLD:
                self._begin_utterance(ear)
                self._hold()
            case Decision.PAUSED:
                ear.pause()
            case Decision.RESUMED:
                ear.resume()
            case Decision.GO_ON:
                self._feeding = False
                ear.forget()
                self._go_on()
            case Decision.ENDED | Decision.NO_ANSWER:
                self._feeding = False
                self._decide(decision)
            case Decision.INTERRUPTED:
                self._decide(decision)

    def _decide(self, decision: Decision) -> None:
        if not self._verdict.done():
            self._verdict.set_result(decision)

    def _begin_utterance(self, ear: Ear) -> None:
        """The ear gets the voice from its beginning, which lies a little back."""
        if self._feeding:
            return
        self._feeding = True
        wanted = round(self._taker.onset_s * RATE_HZ)
        have = self._recent_samples
        for pcm in self._recent:
            if have - len(pcm) < wanted:
                ear.feed(pcm[max(0, have - wanted) :] if have > wanted else pcm)
            have -= len(pcm)

    def _remember(self, pcm: Pcm) -> None:
        self._recent.append(pcm)
        self._recent_samples += len(pcm)
        while self._recent_samples - len(self._recent[0]) >= PRE_ROLL_S * RATE_HZ:
            self._recent_samples -= len(self._recent.popleft())

    def _listen_with(self, ear: Ear) -> None:
        if ear is not self._ear:
            self._ear = ear
            self._feeding = False

    def _hold(self) -> None:
        if self._speech is not None:
            self._speech.hold()

    def _go_on(self) -> None:
        if self._speech is not None:
            self._speech.go_on()

    def _follow_speech(self, at_s: float) -> None:
        """Tell turn-taking when the next sentence has begun to be heard."""
        sentence = self._speech.sentence if self._speech is not None else None
        if sentence is not None and sentence is not self._announced:
            self._announced = sentence
            self._taker.speak(at_s, interruptible=sentence.interruptible)

    def _heard(self, ear: Ear) -> HeardSoFar:
        """Nothing answers a question that has hardly begun."""
        heard = ear.heard
        if heard.answers and self._speech is not None and self._speech.left_s > NEARLY_SAID_S:
            return replace(heard, answers=False)
        return heard

    def _without_echo(self, window: Window) -> Window:
        """Our own voice, coming back from the caller's side, is told apart from theirs."""
        if self._speech is None or window.probability < ECHO_PROBABILITY:
            return window
        played = self._speech.played(PLAYED_S)
        if not len(played):
            return window
        few = range(-min(len(self._recent), ECHO_WINDOWS), 0)
        latest = np.concatenate([self._recent[place] for place in few])
        return replace(window, is_echo=is_echo(latest, played))

    def _let_keys_interrupt(self) -> None:
        """A key takes the floor, unless what is being said must be heard."""
        if not self._keypad.is_in_use:
            return
        sentence = self._speech.sentence if self._speech is not None else None
        if sentence is None or sentence.interruptible:
            self._decide(Decision.INTERRUPTED)

    def _pause_listening(self) -> None:
        if self._inbox is not None:
            self._parts.ticker.leave(self._inbox)
            self._inbox = None

    async def _unless_gone(self, work: Awaitable[Result]) -> Result:
        """Its result, or HungUp as soon as the caller has left."""
        task = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            if self._gone.is_set():
                raise HungUp
            return task.result()
        finally:
            for one in (task, gone):
                one.cancel()
            await asyncio.gather(task, gone, return_exceptions=True)


async def _first(*work: "asyncio.Future[Any]") -> None:
    """Until one of them is done. None is cancelled."""
    await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
