"""The bot is not there, is full, or dies: what the caller gets, through a real Asterisk."""

import asyncio
import socket
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from backend.audio.wav import read_wav
from backend.config import Settings
from backend.core.errors import PbxError
from backend.pbx.folders import MEDIA_FOLDERS, SOUNDS
from backend.pbx.rescue import rescue_calls
from backend.phone.call import PhoneCall
from backend.phone.phone import Phone
from tests.pbx.raw_sip import RawCall
from tests.support.agi_bot import agi_bot
from tests.support.loop import run
from tests.support.pbx import running_pbx

T = TypeVar("T")
pytestmark = pytest.mark.pbx


def uri(settings: Settings, extension: str = "100") -> str:
    return f"sip:{extension}@127.0.0.1:{settings.sip_port}"


async def eventually(look: Callable[[], T | None]) -> T:
    """What `look` finds, as soon as it finds something. Files cannot be awaited."""
    async with asyncio.timeout(10):
        while not (found := look()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        return found


async def recording_grows(settings: Settings) -> Path:
    """The message being recorded, once something is in it."""
    folder = settings.media_dir / "messages"

    def growing() -> Path | None:
        return next((path for path in folder.glob("*.wav") if path.stat().st_size > 44), None)

    return await eventually(growing)


async def done_mark(message: Path) -> str:
    """What the dialplan notes when the message is complete."""
    mark = message.with_suffix(".done")
    return await eventually(lambda: mark.read_text().strip() if mark.is_file() else None)


async def leave_message(call: PhoneCall, settings: Settings) -> tuple[Path, str]:
    message = await recording_grows(settings)
    await call.hang_up()
    return message, await done_mark(message)


def test_without_a_bot_the_caller_leaves_a_message(tmp_path: Path, short_prompts: Path) -> None:
    async def scenario() -> None:
        folder = tmp_path / "a data folder"
        async with running_pbx(folder) as (settings, _), Phone() as phone:
            call = await phone.dial(uri(settings), caller="+15550001111")
            message, reason = await leave_message(call, settings)
            assert message.stem.endswith("-+15550001111")
            assert reason == "apology"
            _, rate_hz = read_wav(message)
            assert rate_hz == 8000

    run(scenario())


def test_a_caller_who_says_nothing_is_thanked_and_let_go(
    tmp_path: Path, short_prompts: Path
) -> None:
    async def scenario() -> None:
        async with running_pbx(tmp_path) as (settings, _), Phone() as phone:
            call = await phone.dial(uri(settings))
            message = await recording_grows(settings)
            await call.wait_ended(15)
            assert await done_mark(message) == "apology"

    run(scenario())


@pytest.mark.parametrize(
    "name", ["../../../etc/cron.d/x", "a,b%24%7BEXTEN%7D%60id%60%0a%22", "x" * 200]
)
def test_a_callers_number_never_becomes_more_than_part_of_a_file_name(
    tmp_path: Path, short_prompts: Path, name: str
) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with running_pbx(tmp_path) as (settings, _):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.connect(("127.0.0.1", settings.sip_port))
                own = f"127.0.0.1:{sock.getsockname()[1]}"
                call = RawCall(uri(settings), name, own)
                sock.send(call.invite())
                while call.learn(await loop.sock_recv(sock, 65535)) < 200:
                    pass
                sock.send(call.ack())
                messages = settings.media_dir / "messages"
                message = await eventually(lambda: next(messages.glob("*.wav"), None))
                sock.send(call.bye())
                await done_mark(message)
        unique_id, _, caller = message.stem.partition("-")
        assert set(unique_id) <= set("0123456789.")
        assert caller.isalnum()
        assert len(caller) <= 40
        assert {path.name for path in settings.media_dir.iterdir()} == set(MEDIA_FOLDERS)

    run(scenario())


def test_a_full_bot_says_so_and_takes_a_message(tmp_path: Path, short_prompts: Path) -> None:
    async def scenario() -> None:
        async with (
            running_pbx(tmp_path) as (settings, _),
            agi_bot(settings, ["SET VARIABLE FRONTDESK_BUSY 1"]),
            Phone() as phone,
        ):
            call = await phone.dial(uri(settings))
            _, reason = await leave_message(call, settings)
            assert reason == "busy"

    run(scenario())


def test_a_bot_that_is_done_ends_the_call_without_another_word(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            running_pbx(tmp_path) as (settings, _),
            agi_bot(settings, ["ANSWER", "SET VARIABLE FRONTDESK_DONE 1"]) as bot,
            Phone() as phone,
        ):
            call = await phone.dial(uri(settings), caller="4711")
            await call.wait_ended(5)
            assert call.heard_spans() == []
            assert bot.environment["agi_extension"] == "100"
            assert bot.environment["agi_callerid"] == "4711"

    run(scenario())


def test_a_bot_that_drops_the_call_between_commands_leads_to_the_apology(
    tmp_path: Path, short_prompts: Path
) -> None:
    async def scenario() -> None:
        async with (
            running_pbx(tmp_path) as (settings, _),
            agi_bot(settings, ["ANSWER"]),
            Phone() as phone,
        ):
            call = await phone.dial(uri(settings))
            _, reason = await leave_message(call, settings)
            assert reason == "apology"

    run(scenario())


@pytest.mark.parametrize(
    "command", ["RECORD FILE {media}/spool/x wav # 60000 0 s=50", "EXEC Wait 60"]
)
def test_callers_of_a_dead_bot_hear_the_fallback_at_once(tmp_path: Path, command: str) -> None:
    async def scenario() -> None:
        async with running_pbx(tmp_path) as (settings, server), Phone() as phone:
            busy = command.format(media=settings.media_dir)
            async with agi_bot(settings, ["ANSWER", busy]) as bot:
                call = await phone.dial(uri(settings))
                await bot.busy_with[busy].wait()
                bystander = await phone.dial(uri(settings, "600"))
                bot.die()
                died_at_s = time.monotonic()
                assert await rescue_calls(settings, server.secrets) == 1
                voice = await call.wait_for_voice(died_at_s, 5)
            assert voice.start_s - died_at_s < 2.0
            assert bystander.ended is None

    run(scenario())


def test_rescuing_nobody_is_no_error(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_pbx(tmp_path) as (settings, server):
            assert await rescue_calls(settings, server.secrets) == 0
            await server.stop()
            with pytest.raises(PbxError, match="FRONTDESK_AMI_PORT"):
                await rescue_calls(settings, server.secrets)

    run(scenario())


def test_the_prompts_are_what_asterisk_can_play_anywhere() -> None:
    names = {path.stem for path in SOUNDS.glob("*.wav")}
    assert names == {
        "apology",
        "busy",
        "goodbye",
        "leave-message",
        "not-valid",
        "thank-you",
        "tone",
    }
    for path in SOUNDS.glob("*.wav"):
        with wave.open(str(path)) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
            assert 0.3 < file.getnframes() / 8000 < 6
