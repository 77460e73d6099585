"""Calls over ARI, through a real Asterisk."""

import asyncio
import time
from pathlib import Path

import pytest

from backend.core.errors import HungUp
from backend.phone.phone import Phone
from backend.telephony.ari.call import AriCall
from tests.ari.harness import office, talk, tone, uri
from tests.support.loop import run, until

pytestmark = pytest.mark.pbx


async def echo(call: AriCall) -> None:
    await talk(call)
    await call.wait_gone()


def test_a_caller_hears_the_bot_and_is_heard(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with office(tmp_path, echo) as (settings, _, bot), Phone() as phone:
            call = await phone.dial(uri(settings), caller="5551234")
            await call.speak(tone())
            assert await call.wait_for_voice(call.answered_at_s, 5)
            ours = await bot.next_call()
            assert (ours.caller, ours.called) == ("5551234", "200")
            await call.hang_up()
            await ours.wait_gone()

    run(scenario())


def test_from_the_call_to_the_bridge(tmp_path: Path) -> None:
    times: list[float] = []

    async def timed(call: AriCall) -> None:
        await talk(call)
        times.append(time.monotonic())
        await call.wait_gone()

    async def scenario() -> None:
        async with office(tmp_path, timed) as (settings, _, _), Phone() as phone:
            took: list[float] = []
            for _ in range(10):
                call = await phone.dial(uri(settings))
                await until(lambda: len(times) > len(took))
                took.append(round(1000 * (times[-1] - call.dialled_at_s), 1))
                await call.hang_up()
            print("dial to bridged, ms:", took)
            assert min(took) < 60

    run(scenario())


def test_keys_reach_the_bot(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with office(tmp_path, echo) as (settings, _, bot), Phone() as phone:
            call = await phone.dial(uri(settings))
            await call.send_keys("12#")
            ours = await bot.next_call()
            await until(lambda: ours.keys == ["1", "2", "#"])
            await call.hang_up()

    run(scenario())


def test_the_bot_hangs_up(tmp_path: Path) -> None:
    async def short(call: AriCall) -> None:
        await talk(call)
        await call.hang_up()
        with pytest.raises(HungUp):
            await call.answer()

    async def scenario() -> None:
        async with office(tmp_path, short) as (settings, _, _), Phone() as phone:
            call = await phone.dial(uri(settings))
            await call.wait_ended(5)

    run(scenario())


def test_every_operation_tells_that_the_caller_is_gone(tmp_path: Path) -> None:
    outcomes: list[str] = []
    talking = asyncio.Event()

    async def late(call: AriCall) -> None:
        await talk(call)
        talking.set()
        await call.wait_gone()
        for operation in (call.answer, call.open_media, call.join_media, call.hold, call.unhold):
            with pytest.raises(HungUp):
                await operation()
            outcomes.append(operation.__name__)
        await call.hang_up()
        await call.to_fallback()

    async def scenario() -> None:
        async with office(tmp_path, late) as (settings, _, _), Phone() as phone:
            call = await phone.dial(uri(settings))
            await talking.wait()
            await call.hang_up()
            await until(lambda: len(outcomes) == 5)

    run(scenario())
