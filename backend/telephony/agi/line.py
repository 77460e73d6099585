"""The turn-mode line: one caller over FastAGI, heard and spoken to through shared files."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.audio.level import SpeechDetector
from backend.audio.pcm import EMPTY, Pcm
from backend.audio.wav import GrowingWavReader
from backend.core.errors import HungUp, LineError
from backend.core.records import CallInfo
from backend.core.speech import Expect, Question
from backend.telephony.agi.protocol import KEYS, AgiReply
from backend.telephony.agi.session import COMMAND_S, AgiSession
from backend.telephony.line import (
    CallerInput,
    Ear,
    InputKind,
    Listener,
    Said,
    TransferResult,
    Utterance,
)

VOICE_RATE_HZ = 8000
POLL_S = 0.1
"""How often a growing recording is looked at. Asterisk writes it out in blocks of 32 KB, a second
of 16 kHz, two of 8 kHz; what is left at the end, mostly silence, is read at once."""
BETWEEN_KEYS_S = 3.0
"""Pause after a key that ends keyed input, as voice menus commonly allow."""
LONGEST_TRANSFER_S = 4 * 3600.0
"""The caller may talk to the person as long as they like; a bound all the same."""


@dataclass(frozen=True, slots=True)
class EarFormat:
    """What recordings of the caller are."""

    name: str
    """Asterisk's, and the file's suffix."""
    rate_hz: int


_NARROW, _WIDE = EarFormat("wav", 8000), EarFormat("wav16", 16000)
_NARROW_CODECS = frozenset(
    "adpcm alaw amr codec2 g723 g726 g726aal2 g729 gsm ilbc lpc10 slin speex ulaw".split()
)
"""Asterisk's names for the codecs of 8 kHz."""


def ear_format(native: str) -> EarFormat:
    """What to record a call in whose native formats Asterisk calls `native`: "(ulaw)", "(g722)".

    Never more than it has: Asterisk's conversion to 16 kHz takes away from 3.4 kHz on, where "s"
    and "f" are told apart, and "yes" was heard as "us".
    """
    codecs = native.strip("()").split("|")
    return _NARROW if _NARROW_CODECS.issuperset(codecs) else _WIDE


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """How the line listens. Silences are whole seconds because Asterisk counts them so."""

    answer_wait_s: float
    max_utterance_s: float
    end_silence_s: int
    number_silence_s: int


@dataclass(frozen=True, slots=True)
class SharedMedia:
    """The folder both we and Asterisk reach, by our path and (when it differs) by Asterisk's."""

    ours: Path
    on_pbx: str = ""

    def pbx_path(self, path: Path) -> str:
        """The path as Asterisk sees it, without the suffix (it adds the format's own)."""
        bare = path.with_suffix("")
        if self.on_pbx and bare.is_relative_to(self.ours):
            return f"{self.on_pbx.rstrip('/')}/{bare.relative_to(self.ours).as_posix()}"
        return str(bare)


@dataclass(frozen=True, slots=True)
class _Recorded:
    pcm: Pcm
    key: str
    started_at_s: float
    ended_at_s: float


class AgiLine:
    """A `Line` over one FastAGI session."""

    may_be_cut = False
    """A command of FastAGI that is not waited for leaves the connection in nobody knows what state.
    """
    voice_rate_hz: int | None = VOICE_RATE_HZ

    def __init__(
        self,
        session: AgiSession,
        call_id: str,
        media: SharedMedia,
        settings: TurnSettings,
    ) -> None:
        environment = session.environment
        self.info = CallInfo(
            call_id=call_id,
            line="agi",
            caller=_known(environment.get("agi_callerid", "")),
            called=_known(environment.get("agi_extension", "")),
            pbx_id=environment.get("agi_uniqueid", ""),
        )
        self._session = session
        self._media = media
        self._settings = settings
        self._ear = _NARROW
        self._recordings = 0
        self._keys = ""
        self._transport_s: float | None = None

    @property
    def ear_rate_hz(self) -> int | None:
        """See Line. Known once the call is answered."""
        return self._ear.rate_hz

    async def answer(self) -> None:
        """Pick up; the round trip of a question stands for what the transport adds."""
        await self._session.answer()
        sent_at_s = time.monotonic()
        native = await self._session.get_variable("CHANNEL(audionativeformat)")
        self._transport_s = time.monotonic() - sent_at_s
        self._ear = ear_format(native)

    async def hear(self, question: Question, ear: Ear) -> CallerInput:
        """Record until the caller has spoken and fallen silent, or pressed keys, or time is up."""
        if self._keys:
            return await self._keyed(question)
        give_up_at_s = time.monotonic() + self._settings.answer_wait_s
        while True:
            recorded = await self._record(question, ear)
            if recorded.key:
                self._keys = recorded.key
                return await self._keyed(question)
            voice_end = SpeechDetector(self._ear.rate_hz).last_voiced_sample(recorded.pcm)
            if voice_end is not None:
                return CallerInput(
                    InputKind.SPEECH,
                    ended_at_s=recorded.ended_at_s,
                    voice_ended_at_s=recorded.started_at_s + voice_end / self._ear.rate_hz,
                )
            if recorded.ended_at_s >= give_up_at_s:
                return CallerInput(InputKind.SILENCE, ended_at_s=recorded.ended_at_s)

    async def say(self, utterances: AsyncIterator[Utterance], ear: Ear) -> Said:
        """Play one file a sentence; a key stops it and begins the next input.

        Asterisk does not listen while it plays: `ear` hears nothing.
        """
        heard: list[str] = []
        first_audio_at_s: float | None = None
        async for utterance in utterances:
            clip = utterance.clip
            if clip is None:
                raise LineError("A sentence without audio was given to a line that needs it.")
            path, length_s = await clip.file(), await clip.duration_s()
            first_audio_at_s = first_audio_at_s or time.monotonic()
            keys = KEYS if utterance.sentence.interruptible else ""
            reply = await self._session.stream_file(self._media.pbx_path(path), keys, length_s)
            if reply.number == -1:
                raise LineError(f"Asterisk cannot play {path.name}.", fix="See Asterisk's log.")
            if reply.digit:
                self._keys = reply.digit
                heard.append(_part_heard(utterance.sentence.text, reply, length_s))
                return Said(tuple(heard), True, reply.digit, first_audio_at_s, self._transport_s)
            heard.append(utterance.sentence.text)
        return Said(tuple(heard), first_audio_at_s=first_audio_at_s, transport_s=self._transport_s)

    async def start_recording(self, name: str) -> None:
        """Both directions, kept in step with each other, into `<name>-caller` and `<name>-bot`."""
        folder = self._media.ours / "recordings"
        caller, bot = (
            f"{self._media.pbx_path(folder / f'{name}-{side}.wav')}.wav"
            for side in ("caller", "bot")
        )
        # S keeps both files the same length where one direction is silent.
        await self._session.execute("MixMonitor", f",Sr({caller})t({bot})", COMMAND_S)

    def listen_in(self, listener: Listener) -> Callable[[], None]:
        """Asterisk has the audio, not we."""
        raise LineError(
            "Calls in turns cannot be listened to while they last.",
            fix="Listen to the recording afterwards, or have calls come in on the streaming line.",
        )

    async def transfer(self, extension: str) -> TransferResult:
        """Through the dialplan's own list of who may be reached."""
        await self._session.gosub("frontdesk-transfer", extension, "", wait_s=LONGEST_TRANSFER_S)
        status = await self._session.get_variable("GOSUB_RETVAL")
        return _TRANSFER_RESULTS.get(status, TransferResult.FAILED)

    async def hang_up(self) -> None:
        """Tell the dialplan that this end is meant, then end the call."""
        with suppress(HungUp):
            await self._session.set_variable("FRONTDESK_DONE", "1")
            await self._session.hang_up()
        # Asterisk lets the caller go when the script ends, not before.
        await self._session.close()

    async def _keyed(self, question: Question) -> CallerInput:
        first, self._keys = self._keys, ""
        wanted = question.max_digits - len(first)
        digits = first.rstrip("#")
        if wanted > 0 and not first.endswith("#"):
            digits += await self._session.get_data("", BETWEEN_KEYS_S, wanted)
        return CallerInput(InputKind.DIGITS, digits=digits, ended_at_s=time.monotonic())

    async def _record(self, question: Question, ear: Ear) -> _Recorded:
        """One RECORD FILE, read while Asterisk writes it."""
        self._recordings += 1
        name = f"{self.info.call_id}-{self._recordings}.{self._ear.name}"
        path = self._media.ours / "spool" / name
        silence_s = (
            self._settings.number_silence_s
            if question.expect is Expect.NUMBER
            else self._settings.end_silence_s
        )
        started_at_s = time.monotonic()
        command = asyncio.ensure_future(
            self._session.record_file(
                self._media.pbx_path(path),
                self._ear.name,
                KEYS,
                self._settings.max_utterance_s,
                silence_s,
            )
        )
        reader = GrowingWavReader(path)
        chunks: list[Pcm] = [EMPTY]
        try:
            while not command.done():
                await asyncio.wait({command}, timeout=POLL_S)
                ended_at_s = time.monotonic()
                chunk = reader.read_new()
                if len(chunk):
                    ear.feed(chunk)
                    chunks.append(chunk)
            reply = command.result()
        finally:
            command.cancel()
            reader.close()
            path.unlink(missing_ok=True)
        if reply.number == -1:
            raise LineError(
                f"Asterisk cannot record into {path.parent}.",
                fix="Is the disk full, or the folder not shared with the PBX?",
            )
        return _Recorded(np.concatenate(chunks), reply.digit, started_at_s, ended_at_s)


_TRANSFER_RESULTS = {
    "ANSWER": TransferResult.CONNECTED,
    "NOANSWER": TransferResult.NO_ANSWER,
    "BUSY": TransferResult.BUSY,
    "NOT_ALLOWED": TransferResult.NOT_ALLOWED,
}


def _known(value: str) -> str:
    return "" if value in ("unknown", "<unknown>") else value


def _part_heard(text: str, reply: AgiReply, length_s: float) -> str:
    """The words that fit into the time played, by their share of the sentence's letters."""
    if not reply.endpos or length_s <= 0:
        return ""
    share = min(1.0, reply.endpos / VOICE_RATE_HZ / length_s)
    return text[: round(len(text) * share)].rsplit(" ", 1)[0] if share < 1 else text
