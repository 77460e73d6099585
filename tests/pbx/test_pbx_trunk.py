"""Calls from the Twilio trunk, over real TLS into a real Asterisk."""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.pbx import render
from tests.pbx.raw_sip import RawCall
from tests.support.agi_bot import agi_bot
from tests.support.loop import run
from tests.support.pbx import running_pbx

pytestmark = pytest.mark.pbx

NUMBER = "+15551234567"
TWILIO = "127.0.0.9"
"""Stands for Twilio's addresses."""


@pytest.fixture(autouse=True)
def twilio_is_here(own_templates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trunk = own_templates / "twilio-trunk.conf"
    text, count = re.subn(
        r"^match = 54\.172\.60\.0/30", f"match = {TWILIO}", trunk.read_text(), flags=re.M
    )
    assert count == 1
    trunk.write_text(text)
    monkeypatch.setattr(render, "_LOOPBACK", ("127.0.0.1/32",))


@dataclass
class Trunk:
    """Twilio's connection, which it keeps for all its calls."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sip_port: int

    async def call(self, number: str, *, secure_media: bool = True) -> int:
        """Status that a call gets."""
        host, own_port = self.writer.get_extra_info("sockname")[:2]
        target = f"sip:{number}@127.0.0.1:{self.sip_port};transport=tls"
        call = RawCall(target, "+15550009999", f"{host}:{own_port}", "TLS", secure_media)
        self.writer.write(call.invite())
        while (status := call.learn(await _message(self.reader))) < 200:
            pass
        if status == 200:
            self.writer.write(call.ack() + call.bye())
            assert call.learn(await _message(self.reader)) == 200
        return status


@asynccontextmanager
async def over_tls(port: int, sip_port: int) -> AsyncIterator[Trunk]:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=trusting, local_addr=(TWILIO, 0)
    )
    try:
        yield Trunk(reader, writer, sip_port)
    finally:
        writer.transport.abort()  # Asterisk does not answer the end of a TLS session


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"Content-Length: *(\d+)", head, re.IGNORECASE)
    assert length
    return head + await reader.readexactly(int(length[1]))


def test_a_listed_number_reaches_the_bot_over_tls_and_srtp_only(tmp_path: Path) -> None:
    async def scenario() -> None:
        commands = ["ANSWER", "SET VARIABLE FRONTDESK_DONE 1", "EXEC Wait 5"]
        async with (
            running_pbx(tmp_path, twilio_numbers=NUMBER, inbound_line="turns") as (settings, _),
            agi_bot(settings, commands) as bot,
            over_tls(settings.twilio_tls_port, settings.sip_port) as trunk,
        ):
            assert await trunk.call(NUMBER) == 200
            assert bot.environment["agi_callerid"] == "+15550009999"
            assert await trunk.call(NUMBER, secure_media=False) == 488
            for other in ("+15557654321", "100", "600", "1001", "arrived"):
                assert await trunk.call(other) >= 400

    run(scenario())


def test_a_forged_address_without_tls_gets_nowhere(tmp_path: Path) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with (
            running_pbx(tmp_path, twilio_numbers=NUMBER, inbound_line="turns") as (settings, _),
            agi_bot(settings, ["ANSWER"]) as bot,
        ):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.bind((TWILIO, 0))
                sock.connect(("127.0.0.1", settings.sip_port))
                own = f"{TWILIO}:{sock.getsockname()[1]}"
                target = f"sip:{NUMBER}@127.0.0.1:{settings.sip_port}"
                call = RawCall(target, "+15550009999", own, secure_media=True)
                sock.send(call.invite())
                while (status := call.learn(await loop.sock_recv(sock, 65535))) < 200:
                    pass
                sock.send(call.ack())
            assert status >= 400
            assert not bot.environment

    run(scenario())
