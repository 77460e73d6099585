"""Piper through the real piper-tts: loader, phonemes, ONNX inference, in its own process."""

import ast
import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from backend.core.errors import EngineError
from backend.tts.piper import Piper, find_voice
from backend.tts.piper_protocol import HEADER, Frame, Kind, decode_header
from backend.tts.piper_worker import Turns, serve
from tests.support.loop import run, until
from tests.tts.conftest import SAMPLES_PER_PHONEME, VOICE_RATE_HZ, build_piper_voice
from tests.tts.speaking import SENTENCE, child_commands, children, is_running, joined, said

ROOT = Path(__file__).resolve().parents[2]


def worker_pids() -> list[int]:
    """Of the Piper processes this test has started."""
    return [pid for pid, command in children() if "piper_worker" in command and is_running(pid)]


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_the_voice_speaks_for_as_long_as_its_model_says(piper_voice: Path, rate_hz: int) -> None:
    async def scenario() -> None:
        piper = Piper(piper_voice)
        await piper.start()
        pcm = await said(piper, "Hi.", rate_hz)
        await piper.aclose()
        # h, aɪ, stress and full stop with padding between them, begin and end marks.
        phonemes = len(pcm) / rate_hz * VOICE_RATE_HZ / SAMPLES_PER_PHONEME
        assert 8 < phonemes < 18
        assert np.abs(pcm).max() > 20000

    run(scenario())


def test_each_sentence_comes_as_soon_as_it_is_made(piper_voice: Path) -> None:
    async def scenario() -> None:
        piper = Piper(piper_voice)
        await piper.start()
        chunks = [pcm async for pcm in piper.speak("First sentence. Second sentence.", 8000)]
        assert sum(len(chunk) > 1000 for chunk in chunks) == 2
        await piper.aclose()

    run(scenario())


def test_many_at_once_get_their_own_audio(piper_voice: Path) -> None:
    async def scenario() -> None:
        piper = Piper(piper_voice)
        await piper.start()
        texts = ["na " * count for count in range(1, 21)]
        lengths = [len(pcm) for pcm in await asyncio.gather(*(said(piper, t) for t in texts))]
        assert lengths == sorted(lengths)
        assert len(set(lengths)) == len(lengths)
        await piper.aclose()

    run(scenario())


def test_a_short_text_does_not_wait_for_a_long_one(piper_voice: Path) -> None:
    async def scenario() -> None:
        piper = Piper(piper_voice)
        await piper.start()
        finished: list[str] = []

        async def speak(name: str, text: str) -> None:
            await said(piper, text)
            finished.append(name)

        long = asyncio.ensure_future(speak("long", "This is a sentence of some length. " * 100))
        await asyncio.sleep(0)
        await asyncio.gather(long, speak("short", "Hi."))
        assert finished == ["short", "long"]
        await piper.aclose()

    run(scenario())


class ServedError(Exception):
    """Enough has been sent."""


def serve_until(turns: Turns, done: int) -> list[int]:
    """Which request each frame belonged to, until `done` requests were complete."""
    sent: list[Frame] = []

    def send(frame: Frame) -> None:
        sent.append(frame)
        if sum(frame.kind is not Kind.AUDIO for frame in sent) == done:
            raise ServedError

    def synthesise(text: str) -> Iterator[bytes]:
        if text == "!":
            raise ValueError("unspeakable")
        yield from (letter.encode() for letter in text)

    with pytest.raises(ServedError):
        serve(turns, synthesise, send)
    return [frame.request for frame in sent]


def test_requests_take_turns() -> None:
    turns = Turns()
    turns.add(1, "abc")
    turns.add(2, "x")
    assert serve_until(turns, done=2) == [1, 2, 1, 2, 1, 1]


def test_cancelled_work_is_dropped() -> None:
    turns = Turns()
    turns.add(1, "abc")
    turns.add(2, "x")
    turns.cancel(1)
    turns.cancel(99)
    assert serve_until(turns, done=1) == [2, 2]


def test_one_unspeakable_text_does_not_end_the_others() -> None:
    turns = Turns()
    turns.add(1, "!")
    turns.add(2, "x")
    assert serve_until(turns, done=2) == [1, 2, 2]


def test_a_listener_who_leaves_half_way_disturbs_nobody(piper_voice: Path) -> None:
    async def scenario() -> None:
        piper = Piper(piper_voice)
        await piper.start()
        chunks = piper.speak("First sentence. Second sentence. Third sentence.", 8000)
        await anext(chunks)
        await chunks.aclose()  # type: ignore[attr-defined]
        assert len(await said(piper, "Hi."))
        await piper.aclose()

    run(scenario())


def test_a_killed_process_is_replaced_without_holding_up_a_caller(piper_voice: Path) -> None:
    async def scenario() -> None:
        piper = Piper(piper_voice)
        await piper.start()
        (pid,) = worker_pids()
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not is_running(pid))
        with pytest.raises(EngineError):
            await said(piper)
        await piper.start()
        assert worker_pids() != [pid]
        assert len(await said(piper))
        await piper.aclose()

    run(scenario())


def test_a_process_killed_while_it_speaks_is_an_engine_error(piper_voice: Path) -> None:
    async def scenario() -> None:
        piper = Piper(piper_voice)
        await piper.start()
        chunks = piper.speak("This is a sentence of some length. " * 2000, 8000)
        await anext(chunks)
        os.kill(worker_pids()[0], signal.SIGKILL)
        with pytest.raises(EngineError, match="process ended"):
            await joined(chunks)
        await piper.aclose()

    run(scenario())


def test_nothing_waits_while_the_voice_is_loading(piper_voice: Path) -> None:
    async def scenario() -> None:
        piper = Piper(piper_voice)
        with pytest.raises(EngineError, match="still being loaded"):
            await said(piper)
        await piper.start()
        assert len(await said(piper))
        await piper.aclose()

    run(scenario())


def test_closing_leaves_no_process(piper_voice: Path) -> None:
    async def scenario() -> None:
        piper = Piper(piper_voice)
        await piper.start()
        assert len(worker_pids()) == 1
        speaking = asyncio.ensure_future(said(piper, "This is a sentence. " * 1000))
        await asyncio.sleep(0)
        await piper.aclose()
        with pytest.raises(EngineError):
            await speaking
        assert worker_pids() == []

    run(scenario())


def test_closing_while_loading_leaves_no_process(piper_voice: Path) -> None:
    async def scenario() -> None:
        piper = Piper(piper_voice)
        starting = asyncio.ensure_future(piper.start())
        await until(lambda: bool(worker_pids()))
        await piper.aclose()
        await asyncio.wait([starting])
        assert starting.cancelled()
        assert worker_pids() == []

    run(scenario())


def test_the_worker_ends_when_its_parent_is_killed(piper_voice: Path) -> None:
    parent = (
        "import asyncio, pathlib, sys\n"
        "from backend.tts.piper import Piper\n"
        "async def main():\n"
        "    piper = Piper(pathlib.Path(sys.argv[1]))\n"
        "    await piper.start()\n"
        "    print(piper._worker._process.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )

    async def scenario() -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            parent,
            str(piper_voice),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        assert process.stdout is not None
        worker = int(await process.stdout.readline())
        process.kill()
        await process.wait()
        await until(lambda: not is_running(worker))

    run(scenario())


def test_a_truncated_model_is_refused_with_the_reason(piper_voice: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(piper_voice.read_bytes()[:200])
    Path(f"{broken}.json").write_bytes(Path(f"{piper_voice}.json").read_bytes())
    with pytest.raises(EngineError, match="cannot be loaded: InvalidProtobuf"):
        run(started_and_closed(Piper(broken)))


def test_a_damaged_configuration_is_refused_with_the_reason(
    piper_voice: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(piper_voice.read_bytes())
    Path(f"{broken}.json").write_text("{", encoding="utf-8")
    with pytest.raises(EngineError, match="cannot be loaded: JSONDecodeError"):
        run(started_and_closed(Piper(broken)))


def test_a_voice_without_its_configuration_is_not_complete(tmp_path: Path) -> None:
    lonely = tmp_path / "lonely.onnx"
    lonely.touch()
    with pytest.raises(EngineError, match="not complete"):
        run(started_and_closed(Piper(lonely)))


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import sys; sys.exit('no such module')", "did not start .no such module"),
        ("print('hello world, this is not a frame')", "did not start"),
        ("import sys; sys.stdout.buffer.write(bytes([3,0,0,0,0,0,0,0,2]) + b'xy')", "loaded: xy"),
    ],
)
def test_a_worker_that_does_not_speak_the_protocol_is_refused(
    piper_voice: Path, program: str, reason: str
) -> None:
    piper = Piper(piper_voice, command=(sys.executable, "-c", program))
    with pytest.raises(EngineError, match=reason):
        run(started_and_closed(piper))


def test_a_worker_that_turns_to_garbage_fails_its_sentences(piper_voice: Path) -> None:
    ready = Frame(Kind.READY, 0, b"22050").encode()
    program = (
        "import sys\n"
        f"sys.stdout.buffer.write({ready!r}); sys.stdout.buffer.flush()\n"
        "sys.stdin.buffer.read(10)\n"
        "sys.stdout.buffer.write(b'x' * 100); sys.stdout.buffer.flush()\n"
        "sys.stdin.buffer.read()\n"
    )

    async def scenario() -> None:
        piper = Piper(piper_voice, command=(sys.executable, "-c", program))
        await piper.start()
        with pytest.raises(EngineError, match="process ended"):
            await said(piper)
        await piper.aclose()
        assert not any("sys.stdin" in command for command in child_commands())

    run(scenario())


async def started_and_closed(piper: Piper) -> None:
    try:
        await piper.start()
    finally:
        await piper.aclose()


def test_a_voice_is_found_by_name_path_or_language(tmp_path: Path) -> None:
    german = build_piper_voice(tmp_path, "de_DE-hum-tiny")
    english = build_piper_voice(tmp_path, "en_US-hum-tiny")
    (tmp_path / "en_GB-half.onnx").touch()
    assert find_voice("", tmp_path) == english
    assert find_voice("", tmp_path, "de") == german
    assert find_voice("de_DE-hum-tiny", tmp_path) == german
    assert find_voice(str(german), tmp_path / "elsewhere") == german
    assert find_voice("en_GB-half", tmp_path) is None
    assert find_voice("", tmp_path / "elsewhere") is None


def test_only_the_worker_imports_piper() -> None:
    """It is GPL-3: nothing that runs in our process may load it."""
    importers = {
        path.name
        for path in (ROOT / "backend").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (
            isinstance(node, ast.Import)
            and any(a.name.split(".")[0] == "piper" for a in node.names)
        )
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "piper")
    }
    assert importers == {"piper_worker.py"}


def test_speaking_does_not_load_piper_into_this_process(piper_voice: Path) -> None:
    async def scenario() -> None:
        piper = Piper(piper_voice)
        await piper.start()
        await said(piper, SENTENCE)
        await piper.aclose()

    run(scenario())
    assert "piper" not in sys.modules


def test_frames_survive_the_pipe() -> None:
    data = Frame(Kind.AUDIO, 7, b"\x01\x02").encode()
    assert decode_header(data[: HEADER.size]) == (Kind.AUDIO, 7, 2)
    assert data[HEADER.size :] == b"\x01\x02"
