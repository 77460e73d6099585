"""Callers put through to people, through a real Asterisk with three telephones."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from backend.config import Settings
from backend.core.errors import HungUp
from backend.lines import manner_of_transfer
from backend.pbx.server import PbxServer
from backend.phone.call import PhoneCall
from backend.phone.phone import Phone
from backend.phone.sip_auth import Credentials
from backend.telephony.ari.call import AriCall
from backend.telephony.ari.transfer import attended_transfer, blind_transfer
from backend.telephony.line import TransferResult
from tests.ari.harness import Bot, Media, office, talk, tone, uri
from tests.support.loop import run, until

pytestmark = pytest.mark.pbx

Transfer = Callable[[AriCall], Awaitable[TransferResult]]


class Desk:
    """A bot that puts every caller through, and what came of it."""

    def __init__(self, extension: str, *, blind: bool = False) -> None:
        self.extension = extension
        self.blind = blind
        self.results: list[TransferResult | None] = []
        self.media: Media | None = None

    async def serve(self, call: AriCall) -> None:
        self.media = await talk(call)
        try:
            self.results.append(await self._transfer(call))
        except HungUp:
            self.results.append(None)
            raise
        if self.results == [TransferResult.CONNECTED]:
            await call.hang_up()
        else:
            self.media.heard.clear()
            await call.wait_gone()

    async def _transfer(self, call: AriCall) -> TransferResult:
        if self.blind:
            return await blind_transfer(call, self.extension)
        return await attended_transfer(call, self.extension, ring_s=5)


@asynccontextmanager
async def open_desk(
    tmp_path: Path, desk: Desk
) -> AsyncIterator[tuple[Settings, Phone, Phone, Bot]]:
    """Asterisk, the bot, a caller's phone and the person's, registered as 2001."""
    async with (
        office(tmp_path, desk.serve, human_extension="2001", transfer_ring_s=5) as (
            settings,
            server,
            bot,
        ),
        Phone() as caller,
        Phone() as person,
    ):
        await register(person, settings, server)
        yield settings, caller, person, bot


async def register(person: Phone, settings: Settings, server: PbxServer) -> None:
    account = Credentials("2001", server.secrets.sip["2001"])
    await person.register(f"sip:127.0.0.1:{settings.sip_port}", account)


async def hear_each_other(one: PhoneCall, other: PhoneCall, since_s: float) -> None:
    await one.speak(tone())
    assert await other.wait_for_voice(since_s, 5)
    await other.speak(tone())
    assert await one.wait_for_voice(since_s, 5)


async def is_back_with_the_bot(desk: Desk, call: PhoneCall) -> None:
    """The bot hears the caller again."""
    assert desk.media is not None
    async with asyncio.timeout(5):
        await desk.media.heard.wait()
    await call.hang_up()


@pytest.mark.parametrize("blind", [False, True])
def test_caller_and_person_talk_until_one_hangs_up(tmp_path: Path, blind: bool) -> None:
    desk = Desk("2001", blind=blind)

    async def scenario() -> None:
        async with open_desk(tmp_path, desk) as (settings, caller, person, _):
            ringing = asyncio.create_task(person.wait_for_call(10))
            call = await caller.dial(uri(settings), caller="5551234")
            answered = await (await ringing).answer()
            await hear_each_other(call, answered, answered.answered_at_s)
            await answered.hang_up()
            await call.wait_ended(5)
        assert desk.results == [TransferResult.CONNECTED]

    run(scenario())


@pytest.mark.parametrize("blind", [False, True])
def test_the_caller_may_be_the_one_who_hangs_up(tmp_path: Path, blind: bool) -> None:
    desk = Desk("2001", blind=blind)

    async def scenario() -> None:
        async with open_desk(tmp_path, desk) as (settings, caller, person, _):
            ringing = asyncio.create_task(person.wait_for_call(10))
            call = await caller.dial(uri(settings))
            answered = await (await ringing).answer()
            await hear_each_other(call, answered, answered.answered_at_s)
            await call.hang_up()
            await answered.wait_ended(5)
            await until(lambda: bool(desk.results))
        assert desk.results == [TransferResult.CONNECTED]

    run(scenario())


@pytest.mark.parametrize("blind", [False, True])
@pytest.mark.parametrize(
    ("status", "result"),
    [(486, TransferResult.BUSY), (480, TransferResult.NO_ANSWER), (603, TransferResult.FAILED)],
)
def test_whoever_declines_the_caller_is_back_with_the_bot(
    tmp_path: Path, status: int, result: TransferResult, blind: bool
) -> None:
    desk = Desk("2001", blind=blind)

    async def scenario() -> None:
        async with open_desk(tmp_path, desk) as (settings, caller, person, _):
            ringing = asyncio.create_task(person.wait_for_call(10))
            call = await caller.dial(uri(settings))
            (await ringing).decline(status, "No")
            await until(lambda: bool(desk.results))
            await is_back_with_the_bot(desk, call)
        assert desk.results == [result]

    run(scenario())


@pytest.mark.parametrize("blind", [False, True])
def test_nobody_answers(tmp_path: Path, blind: bool) -> None:
    desk = Desk("2001", blind=blind)

    async def scenario() -> None:
        async with open_desk(tmp_path, desk) as (settings, caller, person, _):
            ringing = asyncio.create_task(person.wait_for_call(10))
            call = await caller.dial(uri(settings))
            await ringing
            await until(lambda: bool(desk.results))
            await is_back_with_the_bot(desk, call)
        assert desk.results == [TransferResult.NO_ANSWER]

    run(scenario())


@pytest.mark.parametrize("blind", [False, True])
@pytest.mark.parametrize(
    "extension", ["600", "200", "100", "+15551234567", "911", "alice", "2001@x", "2001/n", "", "h"]
)
def test_only_listed_people_can_be_reached(tmp_path: Path, extension: str, blind: bool) -> None:
    desk = Desk(extension, blind=blind)

    async def scenario() -> None:
        async with open_desk(tmp_path, desk) as (settings, caller, _, _):
            call = await caller.dial(uri(settings))
            await until(lambda: bool(desk.results))
            await is_back_with_the_bot(desk, call)
        assert desk.results == [TransferResult.NOT_ALLOWED]

    run(scenario())


def test_somebody_whose_telephone_is_off(tmp_path: Path) -> None:
    desk = Desk("1001")

    async def scenario() -> None:
        async with open_desk(tmp_path, desk) as (settings, caller, _, _):
            call = await caller.dial(uri(settings))
            await until(lambda: bool(desk.results))
            await is_back_with_the_bot(desk, call)
        assert desk.results == [TransferResult.FAILED]

    run(scenario())


@pytest.mark.parametrize("blind", [False, True])
def test_a_caller_who_gives_up_stops_the_ringing(tmp_path: Path, blind: bool) -> None:
    desk = Desk("2001", blind=blind)

    async def scenario() -> None:
        async with open_desk(tmp_path, desk) as (settings, caller, person, _):
            ringing = asyncio.create_task(person.wait_for_call(10))
            call = await caller.dial(uri(settings))
            incoming = await ringing
            await call.hang_up()
            await incoming.wait_given_up(5)
            await until(lambda: bool(desk.results))
        assert desk.results == [None]

    run(scenario())


def test_the_caller_hears_music_and_the_person_sees_who_calls(tmp_path: Path) -> None:
    desk = Desk("2001")

    async def scenario() -> None:
        async with open_desk(tmp_path, desk) as (settings, caller, person, _):
            ringing = asyncio.create_task(person.wait_for_call(10))
            call = await caller.dial(uri(settings), caller="5551234")
            incoming = await ringing
            assert await call.wait_for_voice(call.answered_at_s, 5)
            assert "5551234" in incoming.caller
            await call.hang_up()

    run(scenario())


def test_the_owner_chooses_how_callers_are_put_through() -> None:
    assert manner_of_transfer(Settings(_env_file=None, transfer="blind")) is blind_transfer
    attended = manner_of_transfer(Settings(_env_file=None, transfer_ring_s=33))
    assert isinstance(attended, partial)
    assert (attended.func, attended.keywords) == (attended_transfer, {"ring_s": 33})
