"""The turn-mode line on a real call: a real Asterisk in the middle, a real SIP phone at the end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.audio.pcm import Pcm
from backend.audio.wav import read_wav, write_wav
from backend.core.errors import HungUp
from backend.core.speech import OPEN_QUESTION, Expect, HeardSoFar, Question, Sentence
from backend.phone.call import PhoneCall
from backend.phone.phone import Phone
from backend.telephony.agi.line import AgiLine, SharedMedia, TurnSettings, ear_format
from backend.telephony.agi.server import AgiServer
from backend.telephony.agi.session import AgiSession
from backend.telephony.line import InputKind, TransferResult, Utterance
from tests.support.loop import run, until
from tests.support.pbx import running_pbx

pytestmark = pytest.mark.pbx

QUICK = TurnSettings(answer_wait_s=2, max_utterance_s=8, end_silence_s=1, number_silence_s=1)
NUMBER = Question(Expect.NUMBER, min_digits=4, max_digits=4)


class Voiced:
    """A prompt that is a tone, as a file where Asterisk can read it."""

    rate_hz = 8000

    def __init__(self, folder: Path, text: str, length_s: float) -> None:
        self.text = text
        self._length_s = length_s
        self._path = folder / f"{text}.wav"
        write_wav(self._path, tone(length_s), self.rate_hz)

    async def chunks(self) -> AsyncIterator[Pcm]:
        yield tone(self._length_s)

    async def file(self) -> Path:
        return self._path

    async def duration_s(self) -> float:
        return self._length_s

    def close(self) -> None: ...


class Ear:
    """Keeps what it is fed."""

    def __init__(self) -> None:
        self.chunks: list[Pcm] = []

    def feed(self, pcm: Pcm) -> None:
        self.chunks.append(pcm)

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def forget(self) -> None: ...

    @property
    def heard(self) -> HeardSoFar:
        return HeardSoFar()

    @property
    def seconds(self) -> float:
        return sum(len(chunk) for chunk in self.chunks) / 8000


def tone(length_s: float, rate_hz: int = 8000) -> Pcm:
    times_s = np.arange(round(length_s * rate_hz)) / rate_hz
    return (8000 * np.sin(2 * np.pi * 440 * times_s)).astype(np.int16)


class Call:
    """Both ends of one call: the line the bot has, the phone the caller has."""

    def __init__(self, line: AgiLine, phone: PhoneCall, media: Path) -> None:
        self.line = line
        self.phone = phone
        self.media = media

    async def utterances(self, *lengths_s: float) -> AsyncIterator[Utterance]:
        for number, length_s in enumerate(lengths_s):
            clip = Voiced(self.media / "spool", f"tone {number}", length_s)
            yield Utterance(Sentence(clip.text), clip)


@asynccontextmanager
async def a_call(tmp_path: Path, settings: TurnSettings = QUICK, **pbx: Any) -> AsyncIterator[Call]:
    """A caller dials 100; the line is answered."""
    lines: asyncio.Queue[AgiLine] = asyncio.Queue()
    over = asyncio.Event()

    async def handler(session: AgiSession) -> None:
        await lines.put(AgiLine(session, "call-1", media, settings))
        await over.wait()

    async with running_pbx(tmp_path, **pbx) as (found, _server), Phone() as phone:
        media = SharedMedia(found.media_dir)
        server = AgiServer(handler, ["127.0.0.0/8"])
        await server.start(found.agi_host, found.agi_port)
        try:
            dialling = asyncio.ensure_future(phone.dial(f"sip:100@127.0.0.1:{found.sip_port}"))
            line = await lines.get()
            await line.answer()
            yield Call(line, await dialling, found.media_dir)
        finally:
            over.set()
            await server.aclose()


def on_a_call(tmp_path: Path, scenario: Callable[[Call], Awaitable[None]], **pbx: Any) -> None:
    async def held() -> None:
        async with a_call(tmp_path, **pbx) as call:
            await scenario(call)

    run(held())


def test_what_is_said_is_heard_at_the_other_end(tmp_path: Path) -> None:
    async def scenario(call: Call) -> None:
        said = await call.line.say(call.utterances(0.5, 0.5), Ear())
        assert said.heard == ("tone 0", "tone 1")
        heard_s = sum(span.end_s - span.start_s for span in call.phone.heard_spans())
        assert heard_s == pytest.approx(1.0, abs=0.1)

    on_a_call(tmp_path, scenario)


def test_what_the_caller_says_reaches_the_ear_and_its_end_is_known(tmp_path: Path) -> None:
    async def scenario(call: Call) -> None:
        ear = Ear()
        hearing = asyncio.ensure_future(call.line.hear(OPEN_QUESTION, ear))
        sent = await call.phone.speak(tone(1.5))
        given = await hearing
        assert given.kind is InputKind.SPEECH
        assert given.voice_ended_at_s == pytest.approx(sent.end_s, abs=0.15)
        assert given.ended_at_s - sent.end_s == pytest.approx(1.0, abs=0.4)
        assert ear.seconds > 1.5
        assert len(ear.chunks) > 1, "the recording was not read while it grew"
        assert list((call.media / "spool").iterdir()) == []

    on_a_call(tmp_path, scenario)


def test_the_caller_is_recorded_at_the_rate_the_call_has(tmp_path: Path) -> None:
    async def scenario(call: Call) -> None:
        assert call.line.ear_rate_hz == 8000

    on_a_call(tmp_path, scenario)


@pytest.mark.parametrize(
    ("native", "rate_hz"),
    [("(ulaw)", 8000), ("(alaw|ulaw)", 8000), ("(g722)", 16000), ("(opus|ulaw)", 16000)],
)
def test_a_call_in_which_any_codec_is_wide_is_recorded_wide(native: str, rate_hz: int) -> None:
    assert ear_format(native).rate_hz == rate_hz


def test_a_caller_who_says_nothing_is_silence_after_the_wait(tmp_path: Path) -> None:
    async def scenario(call: Call) -> None:
        assert (await call.line.hear(OPEN_QUESTION, Ear())).kind is InputKind.SILENCE

    on_a_call(tmp_path, scenario)


def test_keys_stop_a_prompt_and_are_the_next_input(tmp_path: Path) -> None:
    async def scenario(call: Call) -> None:
        saying = asyncio.ensure_future(call.line.say(call.utterances(5.0, 5.0), Ear()))
        await call.phone.wait_for_voice(0, 5)
        keying = asyncio.ensure_future(call.phone.send_keys("1004"))
        said = await saying
        given = await call.line.hear(NUMBER, Ear())
        await keying
        assert (said.interrupted, said.digits) == (True, "1")
        assert (given.kind, given.digits) == (InputKind.DIGITS, "1004")

    on_a_call(tmp_path, scenario)


def test_keys_while_we_listen_end_the_recording(tmp_path: Path) -> None:
    async def scenario(call: Call) -> None:
        hearing = asyncio.ensure_future(call.line.hear(NUMBER, Ear()))
        await call.phone.send_keys("0042")
        given = await hearing
        assert given.digits == "0042"

    on_a_call(tmp_path, scenario)


def test_a_hash_ends_a_shorter_number_at_once(tmp_path: Path) -> None:
    async def scenario(call: Call) -> None:
        hearing = asyncio.ensure_future(call.line.hear(NUMBER, Ear()))
        await call.phone.send_keys("42#")
        assert (await hearing).digits == "42"

    on_a_call(tmp_path, scenario)


def test_a_hang_up_while_recording_raises(tmp_path: Path) -> None:
    async def scenario(call: Call) -> None:
        hearing = asyncio.ensure_future(call.line.hear(OPEN_QUESTION, Ear()))
        await call.phone.speak(tone(0.5))
        await call.phone.hang_up()
        with pytest.raises(HungUp):
            await hearing
        assert list((call.media / "spool").iterdir()) == []

    on_a_call(tmp_path, scenario)


def test_a_hang_up_while_we_speak_raises(tmp_path: Path) -> None:
    async def scenario(call: Call) -> None:
        saying = asyncio.ensure_future(call.line.say(call.utterances(5.0), Ear()))
        await call.phone.wait_for_voice(0, 5)
        await call.phone.hang_up()
        with pytest.raises(HungUp):
            await saying

    on_a_call(tmp_path, scenario)


def test_both_sides_are_recorded_in_step(tmp_path: Path) -> None:
    async def scenario(call: Call) -> None:
        await call.line.start_recording("call-1")
        await call.line.say(call.utterances(0.5), Ear())
        await call.phone.speak(tone(0.5))
        await call.line.hang_up()
        await call.phone.wait_ended(5)
        files = [call.media / "recordings" / f"call-1-{side}.wav" for side in ("caller", "bot")]
        await until(lambda: all(path.stat().st_size > 8000 * 2 for path in files))
        caller, bot = (read_wav(path)[0] for path in files)
        assert len(caller) == pytest.approx(len(bot), abs=800)
        assert min(np.abs(caller).max(), np.abs(bot).max()) > 4000

    on_a_call(tmp_path, scenario)


def test_a_transfer_to_nobody_comes_back(tmp_path: Path) -> None:
    async def scenario(call: Call) -> None:
        assert await call.line.transfer("2001") is TransferResult.FAILED

    on_a_call(tmp_path, scenario, human_extension="2001")


def test_a_transfer_to_an_unlisted_number_is_not_allowed(tmp_path: Path) -> None:
    async def scenario(call: Call) -> None:
        assert await call.line.transfer("+15551234567") is TransferResult.NOT_ALLOWED

    on_a_call(tmp_path, scenario)
