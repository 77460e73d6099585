"""The session against a peer that speaks Asterisk's wire format, faults included."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from backend.core.errors import HungUp, LineError
from backend.telephony.agi.server import AgiServer
from backend.telephony.agi.session import AgiSession
from tests.support.loop import run

ENVIRONMENT = "agi_network: yes\nagi_channel: PJSIP/x-1\nagi_uniqueid: 1.1\n\n"
Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def scripted(*replies: str) -> Peer:
    """A peer that answers each command with the next of `replies`, then closes."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ENVIRONMENT.encode())
        for reply in replies:
            await reader.readline()
            writer.write(reply.encode())

    return peer


async def converse(peer: Peer, handler: Callable[[AgiSession], Awaitable[None]]) -> list[str]:
    """Let the peer connect to a real server; returns how the handler ended."""
    ended: list[str] = []

    async def watched(session: AgiSession) -> None:
        try:
            await handler(session)
            ended.append("ok")
        except (HungUp, LineError) as error:
            ended.append(type(error).__name__)
            raise

    server = AgiServer(watched, ["127.0.0.0/8"])
    port = await server.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await peer(reader, writer)
        writer.write_eof()
        await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()
        await server.aclose()
    return ended


def test_a_variable_is_read_from_the_reply() -> None:
    values: list[str] = []

    async def handler(session: AgiSession) -> None:
        values.append(await session.get_variable("DIALSTATUS"))

    assert run(converse(scripted("200 result=1 (BUSY)\n"), handler)) == ["ok"]
    assert values == ["BUSY"]


def test_a_hangup_line_before_a_reply_does_not_shift_the_replies() -> None:
    values: list[str] = []

    async def handler(session: AgiSession) -> None:
        values.append(await session.get_variable("A"))
        values.append(await session.get_variable("B"))

    peer = scripted("HANGUP\n200 result=1 (a)\n", "200 result=1 (b)\n")
    assert run(converse(peer, handler)) == ["ok"]
    assert values == ["a", "b"]


def test_a_usage_block_is_refused_and_the_next_reply_is_the_next_commands() -> None:
    values: list[str] = []

    async def handler(session: AgiSession) -> None:
        with pytest.raises(LineError):
            await session.command("SET VARIABLE")
        values.append(await session.get_variable("B"))

    block = (
        "520-Invalid command syntax.  Proper usage follows:\nUsage: x\n520 End of proper usage.\n"
    )
    assert run(converse(scripted(block, "200 result=1 (b)\n"), handler)) == ["ok"]
    assert values == ["b"]


def test_an_unknown_command_says_so() -> None:
    async def handler(session: AgiSession) -> None:
        await session.command("DANCE")

    peer = scripted("510 Invalid or unknown command\n")
    assert run(converse(peer, handler)) == ["LineError"]


@pytest.mark.parametrize(
    "reply",
    ["511 Command Not Permitted on a dead channel\n", "200 result=-1 (hangup) endpos=5\n"],
)
def test_a_media_command_on_a_dead_channel_is_a_hang_up(reply: str) -> None:
    async def handler(session: AgiSession) -> None:
        await session.stream_file("/x", "", 1.0)

    assert run(converse(scripted(reply), handler)) == ["HungUp"]


def test_a_failed_playback_on_a_live_channel_is_not_a_hang_up() -> None:
    results: list[int | None] = []

    async def handler(session: AgiSession) -> None:
        results.append((await session.stream_file("/x", "", 1.0)).number)

    peer = scripted("200 result=-1 endpos=0\n", "200 result=6\n")
    assert run(converse(peer, handler)) == ["ok"]
    assert results == [-1]


def test_a_peer_that_closes_early_is_a_hang_up() -> None:
    async def handler(session: AgiSession) -> None:
        await session.command("NOOP")

    assert run(converse(scripted(), handler)) == ["HungUp"]


def test_a_silent_peer_is_given_up_and_its_late_reply_never_used() -> None:
    async def handler(session: AgiSession) -> None:
        with pytest.raises(LineError):
            await session.command("NOOP", wait_s=0.05)
        await session.command("NOOP")

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ENVIRONMENT.encode())
        assert await reader.readline() == b"NOOP\n"
        assert await reader.read() == b""

    assert run(converse(peer, handler)) == ["HungUp"]


@pytest.mark.parametrize("garbage", [b"\x00\xff" * 40000, b"hello\n\n", b"agi_network: yes\n\n"])
def test_garbage_is_closed_and_reaches_no_conversation(garbage: bytes) -> None:
    async def peer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(garbage)

    async def handler(_session: AgiSession) -> None:
        raise AssertionError

    assert run(converse(peer, handler)) == []


def test_a_peer_outside_the_allowed_networks_is_refused() -> None:
    async def scenario() -> bytes:
        async def handler(_session: AgiSession) -> None:
            raise AssertionError

        server = AgiServer(handler, ["10.0.0.0/8"])
        port = await server.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            return await asyncio.wait_for(reader.read(), 5)
        finally:
            writer.close()
            await server.aclose()

    assert run(scenario()) == b""


def test_a_port_in_use_is_named_with_its_setting() -> None:
    async def scenario() -> str:
        async def handler(_session: AgiSession) -> None:
            raise AssertionError

        first, second = AgiServer(handler, []), AgiServer(handler, [])
        port = await first.start("127.0.0.1", 0)
        try:
            with pytest.raises(LineError) as caught:
                await second.start("127.0.0.1", port)
        finally:
            await first.aclose()
        return str(caught.value)

    assert "FRONTDESK_AGI_PORT" in run(scenario())


def test_a_hundred_calls_are_served_at_once() -> None:
    async def scenario() -> int:
        everyone = asyncio.Barrier(101)

        async def handler(session: AgiSession) -> None:
            await session.command("NOOP")
            await everyone.wait()

        server = AgiServer(handler, ["127.0.0.1/32"])
        port = await server.start("127.0.0.1", 0)

        async def peer() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await scripted("200 result=0\n")(reader, writer)
            await reader.read()
            writer.close()

        peers = [asyncio.ensure_future(peer()) for _ in range(100)]
        await everyone.wait()
        await asyncio.gather(*peers)
        await server.aclose()
        return len(peers)

    assert run(scenario()) == 100
