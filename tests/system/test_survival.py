"""What happens to callers and records when something dies."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.audio.wav import read_wav
from backend.bot_process import STALLED_S
from backend.pbx import probe
from backend.pbx.folders import SOUNDS
from backend.phone.phone import Phone
from tests.support.find_audio import where_is
from tests.support.frontdesk import Frontdesk, ari, next_caller, running_frontdesk, spoken, talk
from tests.support.loop import until

pytestmark = pytest.mark.pbx

APOLOGY = read_wav(SOUNDS / "apology.wav")[0][:8000]
"""The first second of it is enough to know it by."""
LINES = {"100": "agi", "200": "ari"}
"""In turns and streaming: what a caller dials, and what the record calls it."""
FALLBACK_S = 2.0
"""From the death of the bot to the caller hearing the fallback."""


@pytest.fixture(scope="module")
def doomed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frontdesk]:
    """A Frontdesk of this module's own, since its parts are killed."""
    with running_frontdesk(tmp_path_factory.mktemp("doomed")) as running:
        yield running


def _bot_is_back(frontdesk: Frontdesk, old_pid: int) -> bool:
    try:
        return frontdesk.bot_pid() != old_pid and frontdesk.get("/api/calls/live") == []
    except (AssertionError, OSError):
        return False
    except Exception as error:  # the page is not up yet
        return "status" in str(error)


async def _killed_mid_call(frontdesk: Frontdesk, extension: str, moment: str, caller: str) -> float:
    """Kill the bot while it speaks or listens; how long until the caller hears the fallback."""
    async with Phone() as phone:
        call = await phone.dial(frontdesk.uri(extension), caller=caller)
        await call.wait_for_quiet(1.0, 20)
        sent = await call.speak(await spoken("what are your opening hours"))
        answer = await call.wait_for_voice(sent.end_s + 0.3, 10)
        # Events are committed a fifth of a second at a time: what is newer dies with the bot.
        await call.stay(0.4)
        if moment == "listening":
            await call.wait_for_quiet(1.2, 20, since_s=answer.start_s)
        os.kill(frontdesk.bot_pid(), signal.SIGKILL)
        killed_at_s = time.monotonic()
        await call.wait_for_quiet(2.0, 30, since_s=killed_at_s + 1.0)
        waited_s = where_is(APOLOGY, call.heard(killed_at_s), 8000)
        assert waited_s is not None, "the caller never heard the apology"
        await call.speak(await spoken("please call me back about my internet"))
        await call.hang_up()
        return waited_s


@pytest.mark.parametrize("extension", LINES)
@pytest.mark.parametrize("moment", ["speaking", "listening"])
def test_a_killed_bot_leaves_callers_to_the_fallback_and_loses_nothing(
    doomed: Frontdesk, moment: str, extension: str
) -> None:
    caller, old_pid = next_caller(), doomed.bot_pid()
    waited_s = asyncio.run(_killed_mid_call(doomed, extension, moment, caller))
    asyncio.run(until(lambda: _bot_is_back(doomed, old_pid), 20))
    call = doomed.call_of(caller)
    assert waited_s <= FALLBACK_S
    assert call["line"] == LINES[extension]
    assert call["outcome"] == "interrupted"
    assert call["ended_at"] is not None
    assert [turn["who"] for turn in call["turns"]][:2] == ["bot", "caller"]
    assert call["has_recording"]
    _message_became_a_ticket(doomed, caller)
    _is_answered(doomed, extension)


def _is_answered(frontdesk: Frontdesk, extension: str) -> None:
    """A caller has a whole conversation there."""
    held = talk(frontdesk, "goodbye", extension=extension)
    assert (held.call["line"], held.call["outcome"]) == (LINES[extension], "completed")


def _message_became_a_ticket(frontdesk: Frontdesk, caller: str) -> None:
    """What the caller said after the fallback's tone."""

    def tickets() -> list[dict[str, Any]]:
        found = frontdesk.get("/api/tickets", type="message")["items"]
        return [ticket for ticket in found if caller in ticket["subject"]]

    asyncio.run(until(lambda: bool(tickets()), 20))
    (ticket,) = tickets()
    recording = f"message-{ticket['number']}.wav"
    assert (frontdesk.settings.media_dir / "recordings" / recording).exists()


def test_a_bot_that_hangs_is_replaced(doomed: Frontdesk) -> None:
    old_pid = doomed.bot_pid()
    os.kill(old_pid, signal.SIGSTOP)
    asyncio.run(until(lambda: _bot_is_back(doomed, old_pid), STALLED_S + 20))


@pytest.mark.parametrize("extension", LINES)
def test_a_killed_pbx_is_started_again_and_takes_calls(doomed: Frontdesk, extension: str) -> None:
    bot_pid, pbx_pid = doomed.bot_pid(), _pbx_pid(doomed)
    os.kill(pbx_pid, signal.SIGKILL)
    asyncio.run(_until_pbx_is_back(doomed, pbx_pid))
    _is_answered(doomed, extension)
    assert doomed.bot_pid() == bot_pid, "the bot went on meanwhile"


def test_a_pbx_that_dies_mid_call_closes_its_record_and_takes_the_next(doomed: Frontdesk) -> None:
    caller, pbx_pid = next_caller(), _pbx_pid(doomed)

    async def cut_off() -> None:
        async with Phone() as phone:
            call = await phone.dial(doomed.uri("200"), caller=caller)
            await call.wait_for_voice(0, 10)
            os.kill(pbx_pid, signal.SIGKILL)
            await until(lambda: doomed.has_ended(caller), 20)

    asyncio.run(cut_off())
    assert doomed.call_of(caller)["outcome"] == "caller_hung_up"
    asyncio.run(_until_pbx_is_back(doomed, pbx_pid))
    _is_answered(doomed, "200")


async def _until_pbx_is_back(frontdesk: Frontdesk, old_pid: int) -> None:
    """Another Asterisk takes SIP, and the bot has found it."""
    await until(lambda: _has_found_the_bot(frontdesk, old_pid), 20)
    assert await probe.answers(frontdesk.settings, 10)


def _has_found_the_bot(frontdesk: Frontdesk, old_pid: int) -> bool:
    try:
        apps = {app["name"] for app in ari(frontdesk, "applications")}
        return _pbx_pid(frontdesk) != old_pid and frontdesk.settings.bot_app in apps
    except (httpx.HTTPError, StopIteration):
        return False


def _pbx_pid(frontdesk: Frontdesk) -> int:
    supervisor = frontdesk.process.pid
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    return next(int(pid) for pid in children if int(pid) != frontdesk.bot_pid())
