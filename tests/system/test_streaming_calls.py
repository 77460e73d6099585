"""What callers of the streaming line live through: they interrupt, pause, cough, press keys."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from backend.audio.pcm import Pcm
from backend.audio.wav import read_wav_channels
from backend.pbx.render import run_folder
from backend.pbx.secrets_file import load_secrets
from backend.phone.phone import Phone
from backend.phone.script import Keys, Listening, Play, RecordKind, Say, Step, TalkOver
from backend.phone.sip_auth import Credentials
from tests.support.frontdesk import Frontdesk, Talk, ari, hold_call, next_caller, spoken
from tests.support.loop import until
from tests.system.conftest import HUMAN

pytestmark = pytest.mark.pbx

STREAM = "200"
NUMBER = "one zero zero four"
PATIENT = Listening(quiet_s=1.6, patience_s=20)


def cough() -> Pcm:
    """A burst of noise as long as a cough, falling off."""
    random = np.random.default_rng(3)
    fade = np.exp(-np.arange(1600) / 700)
    return (9000 * random.standard_normal(1600) * fade).clip(-32000, 32000).astype(np.int16)


CONVERSATIONS: dict[str, Sequence[Step | str]] = {
    "happy": ("what is my account balance", NUMBER, "my internet is down", "goodbye"),
    "interrupted": (TalkOver(Say("what are your opening hours"), after_s=0.5), "goodbye"),
    "paused": ("what is my account balance", "one zero [600 ms] zero four", "goodbye"),
    "halting": (
        "what is my account balance",
        "one [600 ms] zero [600 ms] zero [600 ms] four",
        "goodbye",
    ),
    "coughed": (TalkOver(Play(cough(), "cough"), 1.0, takes_floor=False), "goodbye"),
    "murmured": (TalkOver(Say("mm hmm"), 0.8, takes_floor=False), "goodbye"),
    "keys": ("what is my account balance", Keys("1004"), "goodbye"),
    "yes": ("i want to cancel my contract", "yes", NUMBER, "goodbye"),
    "person": ("i want to talk to a person", "no thank you", "goodbye"),
    "silence": (),
}


@pytest.fixture(scope="module")
def talks(frontdesk: Frontdesk) -> dict[str, Talk]:
    """The first alone; then all others at once."""

    async def everybody() -> list[Talk]:
        async def held(phone: Phone, steps: Sequence[Step | str]) -> Talk:
            return await hold_call(frontdesk, phone, steps, extension=STREAM, listening=PATIENT)

        first, *others = CONVERSATIONS.values()
        async with Phone() as phone:
            alone = await held(phone, first)
            return [alone, *await asyncio.gather(*(held(phone, steps) for steps in others))]

    return dict(zip(CONVERSATIONS, asyncio.run(everybody()), strict=True))


def test_the_happy_path_is_the_same_conversation(talks: dict[str, Talk]) -> None:
    held = talks["happy"]
    (ticket,) = held.tickets
    assert held.call["line"] == "ari"
    assert held.call["outcome"] == "completed"
    assert held.call["customer_number"] == "1004"
    assert ticket["number"] in held.bot
    assert [turn["who"] for turn in held.call["turns"]] == ["bot", *["caller", "bot"] * 4]


def test_the_greeting_can_be_interrupted(talks: dict[str, Talk]) -> None:
    held = talks["interrupted"]
    greeting = held.call["turns"][0]
    assert greeting["interrupted"]
    assert "how can i help" not in greeting["text"].lower()
    assert "monday to friday" in held.bot


def test_who_interrupts_hears_us_fall_silent(talks: dict[str, Talk]) -> None:
    (over,) = [r for r in talks["interrupted"].records if r.silenced_s is not None]
    assert over.kind is RecordKind.CALLER
    assert over.silenced_s is not None
    assert over.silenced_s < 1.0


def test_a_pause_within_a_number_does_not_cut_it_off(talks: dict[str, Talk]) -> None:
    assert talks["paused"].call["customer_number"] == "1004"
    assert len(talks["paused"].caller) == 3


def test_pauses_between_all_digits_do_not_either(talks: dict[str, Talk]) -> None:
    _, number, _ = (r for r in talks["halting"].records if r.kind is RecordKind.CALLER)
    spoke = [r.start_s for r in talks["halting"].records if r.kind is RecordKind.BOT]
    assert not any(number.start_s < start_s < number.end_s for start_s in spoke)
    assert len(talks["halting"].caller) == 3


@pytest.mark.parametrize("sound", ["coughed", "murmured"])
def test_a_cough_or_an_mhm_does_not_derail_us(talks: dict[str, Talk], sound: str) -> None:
    held = talks[sound]
    greeting = held.call["turns"][0]
    assert not greeting["interrupted"]
    assert "how can i help" in greeting["text"].lower()
    assert len(held.caller) == 1


def test_keys_are_as_good_as_a_spoken_number(talks: dict[str, Talk]) -> None:
    assert talks["keys"].call["customer_number"] == "1004"


def test_yes_is_an_answer(talks: dict[str, Talk]) -> None:
    assert [ticket["type"] for ticket in talks["yes"].tickets] == ["cancellation"]


def test_who_wants_a_person_nobody_is_there_for_comes_back_to_us(talks: dict[str, Talk]) -> None:
    events = [event["type"] for event in talks["person"].call["events"]]
    assert "transfer.failed" in events
    assert events.index("transfer.failed") < events.index(
        "bot.said", events.index("transfer.failed")
    )


def test_a_silent_caller_is_asked_again_and_then_let_go(talks: dict[str, Talk]) -> None:
    assert talks["silence"].caller == ["silence", "silence"]
    assert talks["silence"].call["outcome"] == "no_response"


def test_answers_are_ready_when_the_caller_has_finished(talks: dict[str, Talk]) -> None:
    said = [e["data"] for e in talks["happy"].call["events"] if e["type"] == "bot.said"]
    assert any(data["prepared"] for data in said)
    assert all(data["total_s"] < 2.5 for data in said)


def test_both_sides_are_recorded_as_they_were_heard(
    frontdesk: Frontdesk, talks: dict[str, Talk]
) -> None:
    call = talks["interrupted"].call
    path = frontdesk.settings.media_dir / "recordings" / f"{call['id']}.wav"
    asyncio.run(until(path.exists))
    samples, rate_hz = read_wav_channels(path)
    assert rate_hz == 8000
    assert len(samples) / rate_hz == pytest.approx(call["duration_s"], abs=1.0)
    assert np.abs(samples.astype(int)).max(axis=0).min() > 2000


def test_nothing_is_left_in_asterisk_when_everybody_has_gone(
    frontdesk: Frontdesk, talks: dict[str, Talk]
) -> None:
    asyncio.run(until(lambda: ari(frontdesk, "channels") == [] == ari(frontdesk, "bridges")))


def test_a_caller_who_is_put_through_talks_to_the_person(frontdesk: Frontdesk) -> None:
    caller = next_caller()
    heard = asyncio.run(_put_through(frontdesk, caller))
    asyncio.run(until(lambda: frontdesk.has_ended(caller)))
    call = frontdesk.call_of(caller)
    assert np.abs(heard.astype(int)).max() > 2000
    assert (call["outcome"], call["transfer_to"]) == ("transferred", HUMAN)
    asyncio.run(until(lambda: ari(frontdesk, "channels") == [] == ari(frontdesk, "bridges")))


async def _put_through(frontdesk: Frontdesk, caller: str) -> Pcm:
    """The caller asks for a person, who answers and speaks: what the caller heard then."""
    passwords = load_secrets(run_folder(frontdesk.settings), [HUMAN]).sip
    async with Phone() as person, Phone() as phone:
        account = Credentials(HUMAN, passwords[HUMAN])
        await person.register(frontdesk.uri(HUMAN), account)
        call = await phone.dial(frontdesk.uri(STREAM), caller=caller)
        await call.wait_for_quiet(1.0, 20)
        await call.speak(await spoken("i want to talk to a person"))
        incoming = await person.wait_for_call(20)
        answered = await incoming.answer()
        sent = await answered.speak(await spoken("hello this is the office"))
        heard = call.heard(sent.start_s, sent.end_s)
        await answered.hang_up()
        await call.wait_ended(10)
        return heard


@pytest.mark.parametrize("moment", ["greeting", "speaking", "playback"])
def test_a_hang_up_at_any_moment_leaves_a_complete_record(
    frontdesk: Frontdesk, moment: str
) -> None:
    caller = next_caller()
    asyncio.run(_hang_up_in(frontdesk, moment, caller))
    asyncio.run(until(lambda: frontdesk.has_ended(caller)))
    call = frontdesk.call_of(caller)
    assert call["outcome"] == "caller_hung_up"
    assert call["events"][-1]["type"] == "call.ended"
    assert call["has_recording"]
    asyncio.run(until(lambda: ari(frontdesk, "channels") == [] == ari(frontdesk, "bridges")))


async def _hang_up_in(frontdesk: Frontdesk, moment: str, caller: str) -> None:
    async with Phone() as phone:
        call = await phone.dial(frontdesk.uri(STREAM), caller=caller)
        heard = await call.wait_for_voice(0, 10)
        if moment == "greeting":
            return
        await call.wait_for_quiet(1.0, 20)
        if moment == "speaking":
            await call.speak((await spoken("what is my account balance"))[:8000])
            return
        sent = await call.speak(await spoken("what are your opening hours"))
        await call.wait_for_voice(max(sent.end_s, heard.end_s), 10)
