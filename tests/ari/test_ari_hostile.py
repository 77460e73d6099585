"""An Asterisk that misbehaves in every way we could think of."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)
from structlog.testing import capture_logs

from backend.telephony.ari import connection as ari_connection
from backend.telephony.ari.call import AriCall
from backend.telephony.ari.client import AriAddress, AriDialler
from backend.telephony.ari.errors import AriError
from backend.telephony.ari.server import AriServer
from tests.support.loop import run, until
from tests.support.pbx import free_port

Answer = Callable[[dict[str, Any]], dict[str, Any] | None]
INFO = {"system": {"version": "22.10.1"}}


def sane(request: dict[str, Any]) -> dict[str, Any] | None:
    """What Asterisk answers when it has no calls."""
    bodies: dict[str, Any] = {
        "asterisk/info": INFO,
        "applications/frontdesk-1": {"channel_ids": [], "bridge_ids": []},
    }
    return {"status_code": 200, "message_body": json.dumps(bodies.get(request["uri"], []))}


class FakeAsterisk(WSListener):
    """One connection's server side."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()
        elif frame.msg_type is WSMsgType.TEXT:
            request = json.loads(frame.get_payload_as_utf8_text())
            answer = self.answer(request)
            if answer is not None:
                response = {"type": "RESTResponse", "request_id": request["request_id"], **answer}
                self.say(json.dumps(response))

    def say(self, text: str) -> None:
        assert self.transport is not None
        self.transport.send(WSMsgType.TEXT, text)


class Fake:
    """What the test sees of it."""

    def __init__(self, port: int) -> None:
        self.address = AriAddress("127.0.0.1", port, "frontdesk", "secret", "frontdesk-1")
        self.connections: list[FakeAsterisk] = []
        self.attempts = 0
        """To connect, those refused among them."""


@asynccontextmanager
async def fake(answer: Answer = sane, status: int = 101) -> AsyncIterator[Fake]:
    def upgrade(_: WSUpgradeRequest) -> FakeAsterisk | WSUpgradeResponseWithListener:
        there.attempts += 1
        if status != 101:
            refusal = WSUpgradeResponse.create_error_response(status)
            return WSUpgradeResponseWithListener(refusal, None)
        there.connections.append(FakeAsterisk(answer))
        return there.connections[-1]

    server = await ws_create_server(upgrade, "127.0.0.1", 0, enable_auto_pong=True)
    there = Fake(server.sockets[0].getsockname()[1])
    try:
        yield there
    finally:
        server.close()
        for one in there.connections:
            if one.transport is not None:
                one.transport.disconnect(graceful=False)
        await asyncio.sleep(0)


@asynccontextmanager
async def dialling(address: AriAddress) -> AsyncIterator[AriDialler]:
    client = AriDialler(address)
    await client.start()
    try:
        yield client
    finally:
        await client.aclose()


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "password"), (400, "FRONTDESK_ARI_APP"), (404, "ari.conf"), (503, "sessionlimit")],
)
def test_a_refused_connection_says_why_in_one_sentence(status: int, words: str) -> None:
    async def scenario() -> None:
        async with fake(status=status) as there, dialling(there.address) as client:
            await until(lambda: words in client.trouble)
            where = f"{there.address.host}:{there.address.port}"
            assert str(status) not in client.trouble.replace(where, "")
            with pytest.raises(AriError, match="not connected"):
                await client.request("GET", "channels")

    run(scenario())


def test_nobody_there() -> None:
    async def scenario() -> None:
        address = AriAddress("127.0.0.1", free_port(), "frontdesk", "secret", "frontdesk-1")
        async with dialling(address) as client:
            await until(lambda: "does not answer" in client.trouble)

    run(scenario())


def test_a_trouble_is_logged_once_however_often_it_is_tried() -> None:
    async def scenario() -> None:
        with capture_logs() as logs:
            async with fake(status=401) as there, dialling(there.address) as client:
                await until(lambda: "password" in client.trouble)
                await until(lambda: there.attempts >= 3)
        assert [log["event"] for log in logs].count("ari-down") == 1

    run(scenario())


def test_an_asterisk_that_is_too_old_is_told_so() -> None:
    def old(request: dict[str, Any]) -> dict[str, Any]:
        del request
        return {"status_code": 200, "message_body": '{"system": {"version": "20.5.0"}}'}

    async def scenario() -> None:
        async with fake(old) as there, dialling(there.address) as client:
            await until(lambda: "20.5.0 is too old" in client.trouble)

    run(scenario())


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "null", '{"type": 5}', "[" * 100_000, '{"type": "RESTResponse"}', "",
     '{"type": "StasisStart"}', '{"type": "StasisStart", "channel": {"id": "1"}}',
     '{"type": "StasisStart", "channel": 7}', '{"type": "Dial", "caller": {"id": []}}',
     '{"type": "ChannelDtmfReceived", "channel": {"id": "nobody"}, "digit": "1"}',
     '{"type": "ApplicationReplaced", "application": "another"}'],
)  # fmt: skip
def test_nonsense_does_no_harm(text: str) -> None:
    async def nobody(call: AriCall) -> None:
        raise AssertionError(f"there is no call {call.channel_id}")

    async def scenario() -> None:
        async with fake() as there:
            client = AriDialler(there.address)
            server = AriServer(client, nobody)
            await server.start()
            await client.wait_up(5)
            there.connections[0].say(text)
            assert await client.request("GET", "asterisk/info") == INFO
            assert client.is_up
            await server.aclose()

    run(scenario())


@pytest.mark.parametrize("status", [400, 404, 409, 422, 500, 503])
def test_asterisks_status_and_words_are_kept(status: int) -> None:
    def refusing(request: dict[str, Any]) -> dict[str, Any] | None:
        if request["uri"] == "channels":
            return {"status_code": status, "message_body": '{"message": "Not today"}'}
        return sane(request)

    async def scenario() -> None:
        async with fake(refusing) as there, dialling(there.address) as client:
            await client.wait_up(5)
            with pytest.raises(AriError, match="Not today") as error:
                await client.request("GET", "channels")
            assert (error.value.status, error.value.reason) == (status, "Not today")

    run(scenario())


def test_an_answer_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ari_connection, "REQUEST_S", 0.2)

    async def scenario() -> None:
        async with (
            fake(lambda r: None if r["uri"] == "channels" else sane(r)) as there,
            dialling(there.address) as client,
        ):
            await client.wait_up(5)
            with pytest.raises(AriError, match="did not answer"):
                await client.request("GET", "channels")
            assert client.is_up

    run(scenario())


def test_dropped_in_the_middle_of_a_request() -> None:
    arrived = asyncio.Event()

    def silent(request: dict[str, Any]) -> dict[str, Any] | None:
        if request["uri"] != "channels":
            return sane(request)
        arrived.set()
        return None

    async def scenario() -> None:
        async with fake(silent) as there, dialling(there.address) as client:
            await client.wait_up(5)
            asked = asyncio.create_task(client.request("GET", "channels"))
            await arrived.wait()
            transport = there.connections[0].transport
            assert transport is not None
            transport.disconnect(graceful=False)
            with pytest.raises(AriError, match="not connected"):
                await asked
            await client.wait_up(5)
            assert len(there.connections) == 2

    run(scenario())


def test_a_connection_that_has_become_a_black_hole_is_noticed_within_ten_seconds() -> None:
    """A proxy between us and it stops passing anything on, without closing."""

    async def scenario() -> None:
        async with fake() as there:
            passing = asyncio.Event()
            passing.set()
            tasks: set[asyncio.Task[None]] = set()

            async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                try:
                    while data := await reader.read(65536):
                        if passing.is_set():
                            writer.write(data)
                finally:
                    writer.close()

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                up, down = await asyncio.open_connection("127.0.0.1", there.address.port)
                tasks.update(
                    asyncio.ensure_future(p) for p in (pump(reader, down), pump(up, writer))
                )

            proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
            port = proxy.sockets[0].getsockname()[1]
            address = AriAddress("127.0.0.1", port, "frontdesk", "secret", "frontdesk-1")
            async with dialling(address) as client:
                await client.wait_up(5)
                passing.clear()
                since_s = time.monotonic()
                await until(lambda: not client.is_up, 12)
                assert time.monotonic() - since_s < 10
                passing.set()
                await client.wait_up(10)
            proxy.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    run(scenario())
