"""Asterisk connects to the bot: a real one, and peers that are none."""

import asyncio
import contextlib
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from backend.phone.phone import Phone
from backend.telephony.ari.call import AriCall
from backend.telephony.ari.client import AriAddress
from backend.telephony.ari.errors import AriError
from backend.telephony.ari.listener import AriListener
from backend.telephony.ari.server import AriServer
from backend.telephony.websocket import WebSocketRefusedError, connect
from tests.ari.harness import Media, address_of, nothing_left, talk, tone, uri
from tests.support.loop import run, until
from tests.support.pbx import free_port, running_pbx

ADDRESS = AriAddress("127.0.0.1", 1, "frontdesk", "secret", "frontdesk-1")
LOOPBACK = ("127.0.0.0/8",)


@pytest.mark.pbx
def test_a_call_over_the_connection_asterisk_opened(tmp_path: Path) -> None:
    async def echo(call: AriCall) -> None:
        await talk(call)
        await call.wait_gone()

    async def scenario() -> None:
        there = {"ari_connection": "from-pbx", "ari_listen_port": free_port()}
        async with running_pbx(tmp_path, **there) as (settings, pbx), Phone() as phone:
            port = settings.ari_listen_port
            client = AriListener(address_of(settings, pbx), "127.0.0.1", port, LOOPBACK)
            server = AriServer(client, echo)
            await server.start()
            try:
                await client.wait_up(10)
                call = await phone.dial(uri(settings))
                await call.speak(tone())
                assert await call.wait_for_voice(call.answered_at_s, 5)
                await call.hang_up()
                await nothing_left(client)
            finally:
                await server.aclose()

    run(scenario())


@pytest.mark.parametrize(
    ("path", "password", "status"), [("/ari", "guess", 401), ("/other", "secret", 404)]
)
def test_who_is_not_asterisk_is_refused(path: str, password: str, status: int) -> None:
    async def scenario() -> None:
        client = AriListener(ADDRESS, "127.0.0.1", 0, LOOPBACK)
        await client.start()
        url = f"ws://127.0.0.1:{client.port}{path}"
        with capture_logs() as logs, pytest.raises(WebSocketRefusedError) as error:
            await connect(url, Media(), user="frontdesk", password=password)
        await client.aclose()
        assert error.value.status == status
        assert [(log["event"], log["code"]) for log in logs] == [
            ("ari-peer-refused", AriError.code)
        ]

    run(scenario())


def test_nor_is_who_calls_from_elsewhere() -> None:
    async def scenario() -> None:
        client = AriListener(ADDRESS, "127.0.0.1", 0, ("10.0.0.0/8",))
        await client.start()
        media = Media()
        url = f"ws://127.0.0.1:{client.port}/ari"
        with capture_logs() as logs:
            await connect(url, media, user="frontdesk", password="secret")
            async with asyncio.timeout(5):
                await media.closed.wait()
        assert not client.is_up
        await client.aclose()
        assert logs[0]["event"] == "ari-peer-refused"
        assert logs[0]["peer"] == "127.0.0.1"

    run(scenario())


@pytest.mark.parametrize(
    "words",
    [b"\x81\x05hello", b"\xff" * 70_000, b"GET /ari HTTP/1.1\r\n\r\n"],
)
def test_a_peer_that_speaks_something_else_is_refused_with_a_code(words: bytes) -> None:
    async def scenario() -> None:
        client = AriListener(ADDRESS, "127.0.0.1", 0, LOOPBACK)
        await client.start()
        with capture_logs() as logs:
            reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
            writer.write(words)
            async with asyncio.timeout(10):  # garbage without an end waits for the handshake's time
                with contextlib.suppress(ConnectionError):
                    await reader.read()
            writer.close()
            await until(lambda: bool(logs))
        await client.aclose()
        assert logs[0]["event"] == "ari-peer-refused"
        assert logs[0]["code"] == AriError.code

    run(scenario())
