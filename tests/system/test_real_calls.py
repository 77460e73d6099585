"""What callers live through: each test is a SIP call into a running Frontdesk."""

import asyncio

import numpy as np
import pytest

from backend.audio.pcm import Pcm
from backend.audio.wav import read_wav_channels
from backend.pbx.render import run_folder
from backend.pbx.secrets_file import load_secrets
from backend.phone.phone import Phone
from backend.phone.script import HangUp, Keys, Listening, Play, Step, Wait
from backend.phone.sip_auth import Credentials
from tests.support.frontdesk import Frontdesk, hold_call, next_caller, spoken, talk
from tests.support.loop import until
from tests.system.conftest import HUMAN

pytestmark = pytest.mark.pbx

NUMBER = "one zero zero four"


def test_the_happy_path_from_the_greeting_to_goodbye(frontdesk: Frontdesk) -> None:
    held = talk(frontdesk, "what is my account balance", NUMBER, "my internet is down", "goodbye")
    (customer,) = frontdesk.get("/api/customers", search="1004")["items"]
    (ticket,) = held.tickets
    assert held.call["outcome"] == "completed"
    assert held.call["customer_number"] == "1004"
    assert str(customer["balance"]).lstrip("-") in held.bot
    assert ticket["number"] in held.bot
    assert ticket["type"] == "technical"
    _both_sides_are_recorded(frontdesk, held.call["id"])


def _both_sides_are_recorded(frontdesk: Frontdesk, call_id: str) -> None:
    path = frontdesk.settings.media_dir / "recordings" / f"{call_id}.wav"
    asyncio.run(until(path.exists))
    samples, rate_hz = read_wav_channels(path)
    assert rate_hz == 8000
    assert np.abs(samples.astype(int)).max(axis=0).min() > 2000
    assert frontdesk.api.get(f"/api/calls/{call_id}/recording").content == path.read_bytes()


@pytest.mark.parametrize(
    ("words", "intent", "ticket"),
    [
        ("how much do i owe you", "billing", None),
        ("my internet is not working", "technical_support", "technical"),
        ("which plan am i on", "account_info", None),
        ("what plans do you have", "new_service", None),
        ("i want to cancel my contract", "cancellation", "cancellation"),
        ("i want to make a complaint", "complaint", "complaint"),
    ],
)
def test_each_intent_is_understood_and_served(
    frontdesk: Frontdesk, words: str, intent: str, ticket: str | None
) -> None:
    held = talk(frontdesk, words, NUMBER, "goodbye", "no thank you goodbye")
    assert intent in held.intents
    if ticket is not None:
        assert ticket in [opened["type"] for opened in held.tickets]


def test_a_question_of_the_knowledge_base_is_answered(frontdesk: Frontdesk) -> None:
    held = talk(frontdesk, "what are your opening hours", "goodbye")
    assert "monday to friday" in held.bot
    assert held.call["outcome"] == "completed"


def test_keys_are_as_good_as_a_spoken_number(frontdesk: Frontdesk) -> None:
    held = talk(frontdesk, "what is my account balance", Keys("1004"), "goodbye")
    assert held.call["customer_number"] == "1004"


def test_somebody_who_wants_a_person_gets_a_ticket_when_nobody_is_there(
    frontdesk: Frontdesk,
) -> None:
    held = talk(frontdesk, "i want to talk to a person", "goodbye", "no goodbye")
    assert "transfer.failed" in [event["type"] for event in held.call["events"]]
    assert held.tickets


def test_a_silent_caller_is_asked_again_and_then_let_go(frontdesk: Frontdesk) -> None:
    held = talk(frontdesk, Wait(25))
    assert held.caller == ["silence", "silence"]
    assert held.call["outcome"] == "no_response"


def test_noise_is_never_taken_for_words(frontdesk: Frontdesk) -> None:
    held = talk(frontdesk, Play(_noise(8.0), "noise"), Play(_noise(8.0), "noise"))
    assert [t["text"] for t in held.call["turns"] if t["who"] == "caller" and t["text"]] == []


def _noise(length_s: float) -> Pcm:
    random = np.random.default_rng(1)
    return (1500 * random.standard_normal(round(length_s * 8000))).astype(np.int16)


@pytest.mark.parametrize("moment", ["greeting", "recording", "playback"])
def test_a_hang_up_at_any_moment_leaves_a_complete_record(
    frontdesk: Frontdesk, moment: str
) -> None:
    caller = next_caller()
    asyncio.run(_hang_up_in(frontdesk, moment, caller))
    asyncio.run(until(lambda: frontdesk.call_of(caller)["ended_at"] is not None))
    call = frontdesk.call_of(caller)
    assert call["outcome"] == "caller_hung_up"
    assert call["events"][0]["type"] == "call.started"
    assert call["events"][-1]["type"] == "call.ended"
    assert call["has_recording"]


async def _hang_up_in(frontdesk: Frontdesk, moment: str, caller: str) -> None:
    async with Phone() as phone:
        call = await phone.dial(frontdesk.sip_uri, caller=caller)
        heard = await call.wait_for_voice(0, 10)
        if moment == "greeting":
            return
        await call.wait_for_quiet(1.0, 20)
        if moment == "recording":
            await call.speak((await spoken("what is my account balance"))[:8000])
            return
        sent = await call.speak(await spoken("what are your opening hours"))
        await call.wait_for_voice(max(sent.end_s, heard.end_s) + 0.5, 10)


def test_ten_calls_at_once_are_all_served(frontdesk: Frontdesk) -> None:
    steps: tuple[Step | str, ...] = ("what is my account balance", NUMBER, "goodbye")

    async def everybody() -> list[str]:
        patient = Listening(quiet_s=1.0, patience_s=20)
        async with Phone() as phone:
            calls = [hold_call(frontdesk, phone, steps, listening=patient) for _ in range(10)]
            return [held.call["customer_number"] for held in await asyncio.gather(*calls)]

    assert asyncio.run(everybody()) == ["1004"] * 10


def test_a_caller_who_is_put_through_talks_to_the_person(frontdesk: Frontdesk) -> None:
    caller = next_caller()
    heard = asyncio.run(_put_through(frontdesk, caller))
    asyncio.run(until(lambda: frontdesk.call_of(caller)["ended_at"] is not None))
    call = frontdesk.call_of(caller)
    assert np.abs(heard.astype(int)).max() > 2000
    assert (call["outcome"], call["transfer_to"]) == ("transferred", HUMAN)


async def _put_through(frontdesk: Frontdesk, caller: str) -> Pcm:
    """The caller asks for a person, the person answers and speaks: what the caller heard then."""
    passwords = load_secrets(run_folder(frontdesk.settings), [HUMAN]).sip
    async with Phone() as person, Phone() as phone:
        account = Credentials(HUMAN, passwords[HUMAN])
        await person.register(f"sip:{HUMAN}@127.0.0.1:{frontdesk.settings.sip_port}", account)
        call = await phone.dial(frontdesk.sip_uri, caller=caller)
        await call.wait_for_quiet(1.0, 20)
        await call.speak(await spoken("i want to talk to a person"))
        incoming = await person.wait_for_call(20)
        answered = await incoming.answer()
        sent = await answered.speak(await spoken("hello this is the office"))
        heard = call.heard(sent.start_s, sent.end_s)
        await answered.hang_up()
        await call.wait_ended(10)
        return heard


def test_the_split_of_every_answer_is_there(frontdesk: Frontdesk) -> None:
    held = talk(frontdesk, "what are your opening hours", HangUp())
    latency = frontdesk.get(f"/api/calls/{held.call['id']}/latency")
    assert {part["part"] for part in latency["parts"]} >= {"endpoint_wait", "recognition"}
