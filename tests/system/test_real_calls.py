"""What callers live through: SIP calls into a running Frontdesk, looked up in its API."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from backend.audio.pcm import Pcm
from backend.audio.wav import read_wav_channels
from backend.pbx.render import run_folder
from backend.pbx.secrets_file import load_secrets
from backend.phone.phone import Phone
from backend.phone.script import Keys, Listening, Play, Step, Wait
from backend.phone.sip_auth import Credentials
from tests.support.frontdesk import Frontdesk, Talk, hold_call, next_caller, spoken
from tests.support.loop import until
from tests.system.conftest import HUMAN

pytestmark = pytest.mark.pbx

NUMBER = "one zero zero four"


def _noise(length_s: float) -> Pcm:
    random = np.random.default_rng(1)
    return (1500 * random.standard_normal(round(length_s * 8000))).astype(np.int16)


CONVERSATIONS: dict[str, Sequence[Step | str]] = {
    "happy": ("what is my account balance", NUMBER, "my internet is down", "goodbye"),
    "billing": ("how much do i owe you", NUMBER, "goodbye"),
    "technical_support": ("my internet is not working", NUMBER, "goodbye"),
    "account_info": ("which plan am i on", NUMBER, "goodbye"),
    "new_service": ("what plans do you have", "no thank you", "goodbye"),
    "cancellation": ("i want to cancel my contract", "yes", NUMBER, "goodbye"),
    "complaint": ("i want to make a complaint", "the technician never came", NUMBER, "goodbye"),
    "question": ("what are your opening hours", "goodbye"),
    "keys": ("what is my account balance", Keys("1004"), "goodbye"),
    "person": ("i want to talk to a person", "goodbye", "goodbye"),
    "silence": (Wait(25),),
    "noise": (Play(_noise(8), "noise"), Play(_noise(8), "noise")),
}


@pytest.fixture(scope="module")
def talks(frontdesk: Frontdesk) -> dict[str, Talk]:
    """The first alone; then all others at once, which must not disturb each other either."""

    async def everybody() -> list[Talk]:
        # On a busy machine the bot's sentences come with gaps, and a caller waits for it to end.
        patient = Listening(quiet_s=1.0, patience_s=15)
        first, *others = CONVERSATIONS.values()
        async with Phone() as phone:
            alone = await hold_call(frontdesk, phone, first, listening=patient)
            calls = [hold_call(frontdesk, phone, steps, listening=patient) for steps in others]
            return [alone, *await asyncio.gather(*calls)]

    return dict(zip(CONVERSATIONS, asyncio.run(everybody()), strict=True))


def test_the_happy_path_from_the_greeting_to_goodbye(
    frontdesk: Frontdesk, talks: dict[str, Talk]
) -> None:
    held = talks["happy"]
    (customer,) = frontdesk.get("/api/customers", search="1004")["items"]
    (ticket,) = held.tickets
    assert held.call["outcome"] == "completed"
    assert held.call["customer_number"] == "1004"
    assert str(customer["balance"]).lstrip("-") in held.bot
    assert ticket["number"] in held.bot
    assert ticket["type"] == "technical"
    assert [turn["who"] for turn in held.call["turns"]] == ["bot", *["caller", "bot"] * 4]


def test_both_sides_are_recorded_and_served(frontdesk: Frontdesk, talks: dict[str, Talk]) -> None:
    call_id = talks["happy"].call["id"]
    path = frontdesk.settings.media_dir / "recordings" / f"{call_id}.wav"
    asyncio.run(until(path.exists))
    samples, rate_hz = read_wav_channels(path)
    assert rate_hz == 8000
    assert np.abs(samples.astype(int)).max(axis=0).min() > 2000
    assert frontdesk.api.get(f"/api/calls/{call_id}/recording").content == path.read_bytes()


@pytest.mark.parametrize(
    "intent", ["billing", "technical_support", "account_info", "new_service", "cancellation",
               "complaint"]
)  # fmt: skip
def test_each_intent_is_understood(talks: dict[str, Talk], intent: str) -> None:
    assert intent in talks[intent].intents


@pytest.mark.parametrize(
    ("conversation", "ticket"),
    [
        ("technical_support", "technical"),
        ("cancellation", "cancellation"),
        ("complaint", "complaint"),
    ],
)
def test_what_somebody_must_look_after_becomes_a_ticket(
    talks: dict[str, Talk], conversation: str, ticket: str
) -> None:
    assert [opened["type"] for opened in talks[conversation].tickets] == [ticket]


def test_a_question_of_the_knowledge_base_is_answered(talks: dict[str, Talk]) -> None:
    assert "monday to friday" in talks["question"].bot
    assert talks["question"].call["outcome"] == "completed"


def test_keys_are_as_good_as_a_spoken_number(talks: dict[str, Talk]) -> None:
    assert talks["keys"].call["customer_number"] == "1004"


def test_who_wants_a_person_is_looked_after_when_nobody_is_there(talks: dict[str, Talk]) -> None:
    events = [event["type"] for event in talks["person"].call["events"]]
    assert "transfer.failed" in events
    assert events.index("transfer.failed") < events.index("call.ended") - 1


def test_a_silent_caller_is_asked_again_and_then_let_go(talks: dict[str, Talk]) -> None:
    assert talks["silence"].caller == ["silence", "silence"]
    assert talks["silence"].call["outcome"] == "no_response"


def test_noise_is_never_taken_for_words(talks: dict[str, Talk]) -> None:
    turns = talks["noise"].call["turns"]
    assert [turn["text"] for turn in turns if turn["who"] == "caller" and turn["text"]] == []
    assert talks["noise"].call["outcome"] == "no_response"


def test_the_split_of_every_answer_is_there(frontdesk: Frontdesk, talks: dict[str, Talk]) -> None:
    latency = frontdesk.get(f"/api/calls/{talks['happy'].call['id']}/latency")
    measured = {part["part"] for part in latency["parts"] if part["turns"] == 4}
    assert measured == {
        *("endpoint_wait", "recognition", "thinking", "first_audio", "transport", "total")
    }


@pytest.mark.parametrize("moment", ["greeting", "recording", "playback"])
def test_a_hang_up_at_any_moment_leaves_a_complete_record(
    frontdesk: Frontdesk, moment: str
) -> None:
    caller = next_caller()
    asyncio.run(_hang_up_in(frontdesk, moment, caller))
    asyncio.run(until(lambda: frontdesk.has_ended(caller)))
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


def test_a_caller_who_is_put_through_talks_to_the_person(frontdesk: Frontdesk) -> None:
    caller = next_caller()
    heard = asyncio.run(_put_through(frontdesk, caller))
    asyncio.run(until(lambda: frontdesk.has_ended(caller)))
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
