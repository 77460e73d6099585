"""The manager interface: what a wrong password, silence and garbage lead to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backend.core.errors import PbxError
from backend.pbx import ami as ami_module
from backend.pbx.ami import ami
from tests.support.loop import run
from tests.support.pbx import free_port, running_pbx


@asynccontextmanager
async def server_saying(answer: bytes) -> AsyncIterator[int]:
    """Says this to whoever connects, then hangs up. Gives its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.pbx
def test_its_rights_end_where_calls_to_the_outside_begin(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            running_pbx(tmp_path) as (settings, server),
            ami(settings.ami_port, server.secrets.ami) as client,
        ):
            assert (await client.action("Ping"))["ping"] == "Pong"
            assert await client.listing("CoreShowChannels") == []
            with pytest.raises(PbxError, match="ermission"):
                await client.action(
                    "Originate", Channel="Local/600@frontdesk-in", Application="Wait"
                )
            with pytest.raises(PbxError, match="ermission"):
                await client.action("Command", Command="core show version")

    run(scenario())


@pytest.mark.pbx
def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_pbx(tmp_path) as (settings, _):
            with pytest.raises(PbxError, match="Authentication failed"):
                async with ami(settings.ami_port, "guess"):
                    pass

    run(scenario())


def test_nobody_there_is_said_with_the_setting() -> None:
    async def scenario() -> None:
        with pytest.raises(PbxError, match="FRONTDESK_AMI_PORT"):
            async with ami(free_port(), "x"):
                pass

    run(scenario())


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"Asterisk Call Manager/11\r\n",
        b"Asterisk Call Manager/11\r\nResponse: Success\r\n",
        b"\xff\xfe" * 200_000,
        b"Asterisk Call Manager/11\r\n" + b"x" * 400_000 + b"\r\n\r\n",
    ],
)
def test_a_peer_that_breaks_off_or_talks_nonsense_is_an_error(answer: bytes) -> None:
    async def scenario() -> None:
        async with server_saying(answer) as port:
            with pytest.raises(PbxError):
                async with ami(port, "x"):
                    pass

    run(scenario())


def test_a_peer_that_stays_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ami_module, "_TIMEOUT_S", 0.05)

    async def scenario() -> None:
        given_up = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()  # until the other end closes
            writer.close()
            given_up.set()

        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with listening:
            with pytest.raises(PbxError, match="stopped answering"):
                async with ami(listening.sockets[0].getsockname()[1], "x"):
                    pass
            await given_up.wait()

    run(scenario())


def test_a_header_cannot_smuggle_in_another_action() -> None:
    async def scenario() -> None:
        login = b"Asterisk Call Manager/11\r\nResponse: Success\r\nActionID: 1\r\n\r\n"
        async with server_saying(login) as port, ami(port, "x") as client:
            with pytest.raises(PbxError, match="cannot be sent"):
                await client.action("Redirect", Channel="a\r\nAction: Originate")

    run(scenario())
