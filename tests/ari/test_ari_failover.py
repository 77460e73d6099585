"""Bots that are down, full, killed, or come back: what the caller gets, through a real Asterisk."""

import asyncio
import time
from pathlib import Path

import pytest

from backend.pbx.rescue import rescue_calls
from backend.pbx.server import PbxServer
from backend.phone.phone import Phone
from backend.telephony.ari.call import AriCall
from backend.telephony.ari.client import AriDialler
from backend.telephony.ari.transfer import attended_transfer
from backend.telephony.websocket import WebSocket
from tests.ari.harness import (
    Bot,
    address_of,
    bot_at,
    nothing_left,
    observer,
    office,
    talk,
    tone,
    uri,
)
from tests.ari.test_ari_transfer import register
from tests.support.loop import run, until
from tests.support.pbx import running_pbx

pytestmark = pytest.mark.pbx

TWO = {"ari_apps": "frontdesk-1,frontdesk-2"}


async def echo(call: AriCall) -> None:
    await talk(call)
    await call.wait_gone()


async def full(call: AriCall) -> None:
    await call.to_fallback(busy=True)


async def broken(call: AriCall) -> None:
    await talk(call)
    raise RuntimeError("the bot has a bug")


def socket_of(bot: Bot) -> WebSocket:
    connection = bot.client._connection
    assert connection is not None
    return connection.websocket


def reasons(folder: Path) -> list[str]:
    """Why callers were sent to leave a message, by the dialplan's own notes."""
    return [mark.read_text().strip() for mark in (folder / "media/messages").glob("*.done")]


async def reaches_the_fallback(phone: Phone, target: str, folder: Path, why: str) -> None:
    call = await phone.dial(target)
    messages = folder / "media" / "messages"
    await until(lambda: any(path.stat().st_size > 44 for path in messages.glob("*.wav")))
    await call.hang_up()
    await until(lambda: bool(reasons(folder)))
    assert reasons(folder) == [why]


def test_without_any_bot_the_caller_leaves_a_message(tmp_path: Path, short_prompts: Path) -> None:
    async def scenario() -> None:
        async with running_pbx(tmp_path) as (settings, _), Phone() as phone:
            await reaches_the_fallback(phone, uri(settings), tmp_path, "apology")

    run(scenario())


def test_bots_that_are_full_say_so(tmp_path: Path, short_prompts: Path) -> None:
    async def scenario() -> None:
        async with (
            office(tmp_path, full, **TWO) as (settings, server, bot),
            bot_at(address_of(settings, server, app="frontdesk-2"), full) as other,
            Phone() as phone,
        ):
            await reaches_the_fallback(phone, uri(settings), tmp_path, "busy")
            assert (len(bot.calls), len(other.calls)) == (1, 1)

    run(scenario())


def test_a_bot_with_a_bug_leaves_the_caller_to_the_fallback(
    tmp_path: Path, short_prompts: Path
) -> None:
    async def scenario() -> None:
        async with office(tmp_path, broken) as (settings, _, _), Phone() as phone:
            await reaches_the_fallback(phone, uri(settings), tmp_path, "apology")

    run(scenario())


def test_whichever_bot_is_up_and_has_room_takes_the_call(tmp_path: Path) -> None:
    apps = {"ari_apps": "frontdesk-0,frontdesk-1,frontdesk-2"}  # the first is down

    async def scenario() -> None:
        async with office(tmp_path, full, ari_app="frontdesk-1", **apps) as (settings, server, _):
            address = address_of(settings, server, app="frontdesk-2")
            async with bot_at(address, echo) as other, Phone() as phone:
                for number in range(8):
                    call = await phone.dial(uri(settings))
                    await until(lambda: len(other.calls) == number + 1)  # noqa: B023
                    await call.hang_up()

    run(scenario())


def test_calls_are_spread_over_the_bots(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            office(tmp_path, echo, **TWO) as (settings, server, bot),
            bot_at(address_of(settings, server, app="frontdesk-2"), echo) as other,
            Phone() as phone,
        ):
            for number in range(24):
                call = await phone.dial(uri(settings))
                await until(lambda: len(bot.calls + other.calls) == number + 1)  # noqa: B023
                await call.hang_up()
            assert len(bot.calls) > 2  # by chance less: once in 50,000 runs
            assert len(other.calls) > 2

    run(scenario())


def test_the_callers_of_a_killed_bot_are_rescued_within_two_seconds(
    tmp_path: Path, short_prompts: Path
) -> None:
    async def scenario() -> None:
        async with (
            office(tmp_path, echo, **TWO) as (settings, server, bot),
            bot_at(address_of(settings, server, app="frontdesk-2"), echo) as other,
            Phone() as phone,
        ):
            while not (bot.calls and other.calls):
                await phone.dial(uri(settings))
                await until(lambda: len(bot.calls + other.calls) == len(phone.calls))
            await asyncio.gather(*(call.speak(tone()) for call in phone.calls))
            kill(bot)
            died_at_s = time.monotonic()
            assert await rescue_calls(settings, server.secrets) == len(bot.calls)
            await until(lambda: len(list((tmp_path / "media/messages").glob("*.wav"))) > 0)
            assert time.monotonic() - died_at_s < 2.0
            assert not any(call.is_gone for call in other.calls)

    run(scenario())


def kill(bot: Bot) -> None:
    """What the kernel does with the connections of a process that was killed."""
    socket_of(bot).abort("killed")
    for call in bot.calls:
        call.leave()


def test_who_talks_to_a_person_is_not_disturbed_by_a_killed_bot(tmp_path: Path) -> None:
    async def transfer(call: AriCall) -> None:
        await talk(call)
        await attended_transfer(call, "2001", ring_s=5)

    async def scenario() -> None:
        async with (
            running_pbx(tmp_path, human_extension="2001") as (settings, server),
            observer(settings, server) as asked,
            Phone() as person,
            Phone() as caller,
        ):
            await register(person, settings, server)
            first = AriDialler(address_of(settings, server))
            async with bot_at(first.address, transfer) as bot:
                ringing = asyncio.create_task(person.wait_for_call(10))
                call = await caller.dial(uri(settings))
                answered = await (await ringing).answer()
                await answered.speak(tone())
                assert await call.wait_for_voice(answered.answered_at_s, 5)
                freeze(bot)
            assert await rescue_calls(settings, server.secrets) == 0
            async with bot_at(first.address, transfer) as new:
                await until(lambda: bool(new.server._owners))
                since_s = time.monotonic()
                await call.speak(tone())
                assert await answered.wait_for_voice(since_s, 5)
                await answered.hang_up()
                await call.wait_ended(5)
                await nothing_left(asked)

    run(scenario())


def freeze(bot: Bot) -> None:
    """From now on nothing this bot wants reaches Asterisk."""

    async def nowhere(*_: object) -> None:
        return None

    bot.client.request = nowhere  # type: ignore[method-assign,assignment]
    bot.client._connection = None


def test_a_person_who_was_being_rung_by_a_killed_bot_is_let_go(
    tmp_path: Path, short_prompts: Path
) -> None:
    async def transfer(call: AriCall) -> None:
        await talk(call)
        await attended_transfer(call, "2001", ring_s=5)

    async def scenario() -> None:
        async with (
            running_pbx(tmp_path, human_extension="2001") as (settings, server),
            Phone() as person,
            Phone() as caller,
        ):
            await register(person, settings, server)
            async with bot_at(address_of(settings, server), transfer) as bot:
                ringing = asyncio.create_task(person.wait_for_call(10))
                call = await caller.dial(uri(settings))
                incoming = await ringing
                freeze(bot)
            assert await rescue_calls(settings, server.secrets) == 1
            await incoming.wait_given_up(2)
            await until(lambda: len(list((tmp_path / "media/messages").glob("*.wav"))) > 0)
            await call.hang_up()

    run(scenario())


def test_a_new_bot_sweeps_what_a_killed_one_left(tmp_path: Path, short_prompts: Path) -> None:
    async def scenario() -> None:
        async with (
            running_pbx(tmp_path) as (settings, server),
            observer(settings, server) as asked,
            Phone() as phone,
        ):
            async with bot_at(address_of(settings, server), echo) as bot:
                call = await phone.dial(uri(settings))
                await call.speak(tone())
                freeze(bot)
            async with bot_at(address_of(settings, server), echo):
                await until(lambda: len(list((tmp_path / "media/messages").glob("*.wav"))) > 0)
                await call.hang_up()
                await nothing_left(asked)

    run(scenario())


def test_a_dropped_connection_leaves_the_call_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with office(tmp_path, echo) as (settings, _, bot), Phone() as phone:
            call = await phone.dial(uri(settings))
            ours = await bot.next_call()
            await call.speak(tone())
            socket_of(bot).abort("dropped by the test")
            await until(lambda: not bot.client.is_up)
            await bot.client.wait_up(5)
            since_s = time.monotonic()
            await call.speak(tone())
            assert await call.wait_for_voice(since_s, 5)
            assert not ours.is_gone
            await call.hang_up()
            await ours.wait_gone()

    run(scenario())


def test_a_caller_who_left_meanwhile_is_found_out(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with office(tmp_path, echo) as (settings, _, bot), Phone() as phone:
            call = await phone.dial(uri(settings))
            ours = await bot.next_call()
            socket_of(bot).abort("dropped by the test")
            await call.hang_up()
            async with asyncio.timeout(5):
                await ours.wait_gone()

    run(scenario())


@pytest.mark.parametrize("politely", [True, False])
def test_asterisk_restarts_and_the_bot_serves_on(tmp_path: Path, politely: bool) -> None:
    async def scenario() -> None:
        async with office(tmp_path, echo) as (settings, server, bot), Phone() as phone:
            await phone.dial(uri(settings))
            lost = await bot.next_call()
            await end(server, politely)
            await until(lambda: not bot.client.is_up)
            await server.start()
            await bot.client.wait_up(10)
            async with asyncio.timeout(5):
                await lost.wait_gone()
            call = await phone.dial(uri(settings))
            await call.speak(tone())
            assert await call.wait_for_voice(call.answered_at_s, 5)
            await call.hang_up()

    run(scenario())


async def end(server: PbxServer, politely: bool) -> None:
    if politely:
        await server.stop()
    else:
        assert server._process is not None
        server._process.kill()
        await server.wait()


def test_a_second_bot_of_the_same_name_is_told_apart(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            office(tmp_path, echo) as (settings, server, bot),
            bot_at(address_of(settings, server), echo) as other,
            Phone() as phone,
        ):
            await until(lambda: "our name" in bot.client.trouble)
            call = await phone.dial(uri(settings))
            await other.next_call()
            await call.hang_up()
            assert not bot.calls

    run(scenario())
