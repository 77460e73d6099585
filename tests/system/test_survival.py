"""What happens to callers and records when something dies."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.audio.wav import read_wav
from backend.bot_process import STALLED_S
from backend.pbx.folders import SOUNDS
from backend.phone.phone import Phone
from tests.support.find_audio import where_is
from tests.support.frontdesk import Frontdesk, next_caller, running_frontdesk, spoken
from tests.support.loop import until

pytestmark = pytest.mark.pbx

APOLOGY = read_wav(SOUNDS / "apology.wav")[0][:8000]
"""The first second of it is enough to know it by."""
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


async def _killed_mid_call(frontdesk: Frontdesk, moment: str, caller: str) -> float:
    """Kill the bot while it speaks or listens; how long until the caller hears the fallback."""
    async with Phone() as phone:
        call = await phone.dial(frontdesk.sip_uri, caller=caller)
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


@pytest.mark.parametrize("moment", ["speaking", "listening"])
def test_a_killed_bot_leaves_callers_to_the_fallback_and_loses_nothing(
    doomed: Frontdesk, moment: str
) -> None:
    caller, old_pid = next_caller(), doomed.bot_pid()
    waited_s = asyncio.run(_killed_mid_call(doomed, moment, caller))
    asyncio.run(until(lambda: _bot_is_back(doomed, old_pid), 20))
    call = doomed.call_of(caller)
    assert waited_s <= FALLBACK_S
    assert call["outcome"] == "interrupted"
    assert [turn["who"] for turn in call["turns"]][:2] == ["bot", "caller"]
    assert call["has_recording"]
    _message_became_a_ticket(doomed, caller)


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


def test_a_killed_pbx_is_started_again_and_takes_calls(doomed: Frontdesk) -> None:
    async def dial() -> str:
        async with Phone() as phone:
            call = await phone.dial(doomed.sip_uri, caller=next_caller())
            await call.wait_for_voice(0, 10)
            return "answered"

    os.kill(_pbx_pid(doomed), signal.SIGKILL)
    deadline_s = time.monotonic() + 20
    while True:
        try:
            assert asyncio.run(dial()) == "answered"
            return
        except Exception:
            assert time.monotonic() < deadline_s, "the PBX did not come back"


def _pbx_pid(frontdesk: Frontdesk) -> int:
    supervisor = frontdesk.process.pid
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    return next(int(pid) for pid in children if int(pid) != frontdesk.bot_pid())
