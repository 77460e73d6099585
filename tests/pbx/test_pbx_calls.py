"""Who may call whom, through a real Asterisk."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from backend.audio.pcm import Pcm
from backend.config import Settings
from backend.pbx import render
from backend.phone.phone import Phone
from backend.phone.results import DialError
from backend.phone.sip_auth import Credentials
from tests.support.agi_bot import agi_bot
from tests.support.loop import run
from tests.support.pbx import running_pbx

pytestmark = pytest.mark.pbx

OUTSIDE = ("0015551234567", "+15551234567", "00491701234567", "911", "112", "9,15551234567")


def uri(settings: Settings, extension: str) -> str:
    return f"sip:{extension}@127.0.0.1:{settings.sip_port}"


def tone() -> Pcm:
    """Half a second that nobody takes for silence."""
    return np.asarray(8000 * np.sin(np.arange(4000) * 0.35), dtype=np.int16)


async def status_of(phone: Phone, settings: Settings, extension: str, **how: object) -> int:
    """The SIP status of a call that must not be answered."""
    with pytest.raises(DialError) as error:
        await phone.dial(uri(settings, extension), **how)  # type: ignore[arg-type]
    return error.value.status


def test_600_sends_back_what_it_hears(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_pbx(tmp_path) as (settings, _), Phone() as phone:
            call = await phone.dial(uri(settings, "600"))
            await call.speak(tone())
            assert await call.wait_for_voice(call.answered_at_s, 5)

    run(scenario())


def test_nothing_that_looks_outside_can_be_dialled_without_an_account(
    tmp_path: Path, short_prompts: Path
) -> None:
    async def scenario() -> None:
        trunk = {"twilio_domain": "localhost", "outside_numbers": "+15551234567"}
        async with running_pbx(tmp_path, **trunk) as (settings, _), Phone() as phone:
            statuses = [await status_of(phone, settings, number) for number in OUTSIDE]
            assert set(statuses) == {404}

    run(scenario())


def test_nor_with_the_account(tmp_path: Path, short_prompts: Path) -> None:
    async def scenario() -> None:
        trunk = {"twilio_domain": "localhost", "outside_numbers": "+15551234567"}
        async with running_pbx(tmp_path, **trunk) as (settings, server), Phone() as phone:
            account = Credentials("1001", server.secrets.sip["1001"])
            statuses = [
                await status_of(phone, settings, number, credentials=account) for number in OUTSIDE
            ]
            assert set(statuses) == {404}

    run(scenario())


def test_names_inside_the_dialplan_cannot_be_dialled(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_pbx(tmp_path) as (settings, _), Phone() as phone:
            for name in ("s", "h", "T", "frontdesk-fallback", "done", "alice"):
                assert await status_of(phone, settings, name) == 404

    run(scenario())


def test_an_account_needs_its_password(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_pbx(tmp_path) as (settings, _), Phone() as phone:
            assert await status_of(phone, settings, "600", caller="1001") == 401
            wrong = Credentials("1001", "guess")
            assert await status_of(phone, settings, "600", credentials=wrong) == 401

    run(scenario())


def test_from_elsewhere_no_call_without_an_account_whatever_name_it_claims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # "Elsewhere" is every address but this one.
    monkeypatch.setattr(render, "_LOOPBACK", ("127.0.0.77/32",))

    async def scenario() -> None:
        async with Phone("127.0.0.77") as here, Phone() as elsewhere:
            # The start waits for an answer to OPTIONS, which only "here" would get.
            monkeypatch.setattr("backend.pbx.probe.sip_answers", _always)
            async with running_pbx(tmp_path) as (settings, _):
                call = await _dial_until_ready(here, uri(settings, "600"))
                await call.hang_up()
                for name in ("caller", "frontdesk-local", "frontdesk-twilio", "anonymous"):
                    assert await status_of(elsewhere, settings, "600", caller=name) == 401

    async def _always(settings: Settings) -> None:
        del settings

    async def _dial_until_ready(phone: Phone, target: str):  # type: ignore[no-untyped-def]
        while True:
            try:
                return await phone.dial(target, timeout_s=0.3)
            except DialError:
                continue

    run(scenario())


def test_the_bot_reaches_listed_people_only(tmp_path: Path) -> None:
    targets = ("1001", "2001", "+15551234567", "600", "100", "alice")

    async def scenario() -> None:
        commands = ["ANSWER"]
        for target in targets:
            commands += [
                f"GOSUB frontdesk-transfer {target} 1",
                "GET VARIABLE GOSUB_RETVAL",
            ]
        commands.append("SET VARIABLE FRONTDESK_DONE 1")
        async with running_pbx(tmp_path, human_extension="2001") as (settings, _):
            async with agi_bot(settings, commands) as bot, Phone() as phone:
                call = await phone.dial(uri(settings, "100"))
                await call.wait_ended(10)
            results = [reply.partition("(")[2].rstrip(")") for reply in bot.replies[2::2]]
            assert results == ["CHANUNAVAIL", "CHANUNAVAIL"] + ["NOT_ALLOWED"] * 4

    run(scenario())


def test_a_caller_is_put_through_and_comes_back_without_an_apology(tmp_path: Path) -> None:
    async def scenario() -> None:
        commands = ("ANSWER", "GOSUB frontdesk-transfer 2001 1", "GET VARIABLE GOSUB_RETVAL")
        async with (
            running_pbx(tmp_path, human_extension="2001") as (settings, server),
            agi_bot(settings, commands) as bot,
            Phone() as person,
            Phone() as caller,
        ):
            account = Credentials("2001", server.secrets.sip["2001"])
            await person.register(f"sip:127.0.0.1:{settings.sip_port}", account)
            ringing = asyncio.create_task(person.wait_for_call(10))
            call = await caller.dial(uri(settings, "100"))
            answered = await (await ringing).answer()
            await call.speak(tone())
            await answered.wait_for_voice(answered.answered_at_s, 5)
            await answered.hang_up()
            await call.wait_ended(10)
            assert bot.replies[-1] == "200 result=1 (ANSWER)"
            assert not list((settings.media_dir / "messages").iterdir())

    run(scenario())
