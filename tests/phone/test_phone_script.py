"""Conversations by script, with a peer that speaks like a bot."""

import asyncio
import json

import numpy as np
import pytest

from backend.audio.level import SpeechDetector
from backend.audio.pcm import Pcm
from backend.phone.pauses import without_pauses
from backend.phone.phone import Phone
from backend.phone.script import (
    HangUp,
    Keys,
    Listening,
    Play,
    ReadyStep,
    ReadyTalkOver,
    Record,
    RecordKind,
    Say,
    TalkOver,
    Wait,
    converse,
    render,
)
from tests.phone.peer import Peer, peer, rtp_fields
from tests.support.caller_voice import flite, have_flite
from tests.support.loop import run

QUICK = Listening(quiet_s=0.15, patience_s=0.4)


def tone(seconds: float) -> Pcm:
    t = np.arange(round(seconds * 8000)) / 8000
    return np.round(8000 * np.sin(2 * np.pi * 440 * t)).astype(np.int16)


async def bot(pbx: Peer, answers: int, *, hangs_up: bool = True) -> None:
    """Greets, answers so many times, says goodbye by hanging up."""
    await pbx.until(lambda: bool(pbx.rtp))
    await pbx.speak(tone(0.2))
    for _ in range(answers):
        await pbx.until_caller_has_spoken()
        await pbx.speak(tone(0.3))
    if hangs_up:
        await pbx.request("BYE", reason="done")


async def hold(
    pbx: Peer, steps: list[ReadyStep], behaviour: asyncio.Task[None] | None
) -> list[Record]:
    async with Phone() as phone:
        call = await phone.dial(pbx.uri())
        records = [record async for record in converse(call, steps, listening=QUICK)]
        assert call.ended is not None
    if behaviour is not None:
        await behaviour
    return records


def kinds(records: list[Record]) -> list[RecordKind]:
    return [record.kind for record in records]


def test_each_step_waits_until_the_bot_has_finished() -> None:
    async def scenario() -> list[Record]:
        async with peer(mute=True) as pbx:
            task = asyncio.create_task(bot(pbx, answers=2))
            return await hold(pbx, [Play(tone(0.2), "my balance"), Keys("1")], task)

    records = run(scenario())
    bot_turn, caller = RecordKind.BOT, RecordKind.CALLER
    assert kinds(records) == [
        RecordKind.ANSWERED,
        bot_turn,
        caller,
        bot_turn,
        caller,
        bot_turn,
        RecordKind.ENDED,
    ]
    greeting, asked, answer, keyed = records[1:5]
    assert (asked.text, keyed.text, records[-1].text) == ("my balance", "1", "peer: done")
    assert asked.start_s >= greeting.end_s + QUICK.quiet_s
    # The bot waits for ten quiet packets before it answers.
    assert answer.latency_s is not None
    assert answer.latency_s == pytest.approx(answer.start_s - asked.end_s, abs=1e-6)
    assert answer.latency_s > 0.15
    json.dumps([record.as_json() for record in records])


def test_a_bot_that_says_nothing_is_reported_and_the_caller_goes_on() -> None:
    async def scenario() -> list[Record]:
        async with peer(mute=True) as pbx:
            return await hold(pbx, [Play(tone(0.1), "hello?"), Wait(0.05)], None)

    nothing, caller = RecordKind.NOTHING_HEARD, RecordKind.CALLER
    records = run(scenario())
    assert kinds(records)[1:] == [nothing, caller, nothing, caller, nothing, RecordKind.ENDED]
    assert records[-1].text == "phone"


def test_hanging_up_is_a_step() -> None:
    async def scenario() -> list[Record]:
        async with peer(mute=True) as pbx:
            task = asyncio.create_task(bot(pbx, answers=0, hangs_up=False))
            records = await hold(pbx, [Play(tone(0.1), "bye"), HangUp()], task)
            assert pbx.count("BYE") == 1
            return records

    assert kinds(run(scenario()))[-2:] == [RecordKind.CALLER, RecordKind.ENDED]


def test_what_the_bot_said_before_it_hung_up_is_not_lost() -> None:
    async def scenario() -> list[Record]:
        async with peer(mute=True) as pbx:
            task = asyncio.create_task(bot(pbx, answers=0))
            return await hold(pbx, [Play(tone(0.1), "too late")], task)

    assert kinds(run(scenario())) == [RecordKind.ANSWERED, RecordKind.BOT, RecordKind.ENDED]


def test_what_the_bot_says_is_transcribed_from_what_was_heard() -> None:
    async def seconds(pcm: Pcm) -> str:
        return f"{len(pcm) / 8000:.1f} s"

    async def scenario() -> list[Record]:
        async with peer(mute=True) as pbx, Phone() as phone:
            task = asyncio.create_task(bot(pbx, answers=0))
            call = await phone.dial(pbx.uri())
            records = [r async for r in converse(call, [], listening=QUICK, speech_to_text=seconds)]
            await task
            return records

    assert run(scenario())[1].text == "0.4 s"  # 0.2 s of voice, 0.1 s of margin on either side


@pytest.mark.skipif(not have_flite(), reason="flite is not installed")
def test_sentences_are_made_audio_before_the_call() -> None:
    steps = run(render([Say("What is my balance?"), Keys("1")], flite))
    spoken = steps[0]
    assert isinstance(spoken, Play)
    assert spoken.label == "What is my balance?"
    assert SpeechDetector(8000).last_voiced_sample(spoken.pcm) is not None
    assert steps[1] == Keys("1")


# Conversations that do not take turns


async def interruptible_bot(pbx: Peer, *, stops: bool) -> None:
    """Greets for long; stops at the caller's voice if it is that polite, and answers."""
    await pbx.until(lambda: bool(pbx.rtp))
    speaking = asyncio.create_task(pbx.speak(tone(1.5)))
    quiet = len(pbx.rtp)
    if stops:
        await pbx.until(lambda: has_voice(pbx, quiet))
        speaking.cancel()
        await asyncio.wait([speaking])
        await pbx.until_caller_has_spoken()
    else:
        await speaking
        await pbx.until(lambda: len(pbx.rtp) > quiet + 100)
    await pbx.speak(tone(0.2))
    await pbx.request("BYE", reason="done")


def has_voice(pbx: Peer, since: int) -> bool:
    return any(set(rtp_fields(packet)[4]) != {0xFF} for packet in pbx.rtp[since:])


def over(takes_floor: bool, stops: bool, after_s: float = 0.2) -> list[Record]:
    async def scenario() -> list[Record]:
        async with peer(mute=True) as pbx:
            task = asyncio.create_task(interruptible_bot(pbx, stops=stops))
            step = ReadyTalkOver(Play(tone(0.5), "wait"), after_s, takes_floor)
            return await hold(pbx, [step], task)

    return run(scenario())


def test_an_interruption_is_measured_from_our_voice_to_the_bots_silence() -> None:
    records = over(takes_floor=True, stops=True)
    assert kinds(records) == [
        RecordKind.ANSWERED,
        RecordKind.BOT,
        RecordKind.CALLER,
        RecordKind.BOT,
        RecordKind.ENDED,
    ]
    cut, spoke, answer = records[1:4]
    assert spoke.start_s - cut.start_s == pytest.approx(0.2, abs=0.05)
    assert spoke.silenced_s == pytest.approx(cut.end_s - spoke.start_s)
    assert 0 < cut.end_s - spoke.start_s < 0.15
    assert answer.latency_s is not None
    assert answer.latency_s > 0


def test_the_first_syllable_can_be_interrupted() -> None:
    cut, spoke = over(takes_floor=True, stops=True, after_s=0.0)[1:3]
    assert spoke.start_s - cut.start_s < 0.06


def test_a_bot_that_talks_on_is_not_said_to_have_been_silenced() -> None:
    records = over(takes_floor=True, stops=False)
    assert kinds(records)[1:3] == [RecordKind.CALLER, RecordKind.BOT]
    assert records[1].silenced_s is None
    assert records[2].end_s > records[1].end_s


def test_after_a_cough_the_bot_is_heard_to_its_end() -> None:
    records = over(takes_floor=False, stops=False)
    assert kinds(records)[:3] == [RecordKind.ANSWERED, RecordKind.CALLER, RecordKind.BOT]
    assert records[2].end_s - records[2].start_s == pytest.approx(1.5, abs=0.1)
    assert records[2].latency_s is not None
    assert records[2].latency_s > 0  # after the answer, not after the cough


def test_nobody_murmurs_to_a_bot_that_has_finished() -> None:
    async def says_little(pbx: Peer) -> None:
        await pbx.until(lambda: bool(pbx.rtp))
        await pbx.speak(tone(0.3))

    async def scenario() -> list[Record]:
        async with peer(mute=True) as pbx:
            task = asyncio.create_task(says_little(pbx))
            murmur = ReadyTalkOver(Play(tone(0.1), ""), 0.8, takes_floor=False)
            return await hold(pbx, [murmur, Play(tone(0.1), "my balance")], task)

    spoken = [record.text for record in run(scenario()) if record.kind is RecordKind.CALLER]
    assert spoken == ["my balance"]


def test_after_a_cough_a_bot_that_pauses_is_given_time_to_go_on() -> None:
    async def pauses(pbx: Peer) -> None:
        await pbx.until(lambda: bool(pbx.rtp))
        for _ in range(2):
            await pbx.speak(tone(0.4))
            await asyncio.sleep(0.8)  # longer than the caller waits for a bot that has finished

    async def scenario() -> list[Record]:
        async with peer(mute=True) as pbx:
            task = asyncio.create_task(pauses(pbx))
            cough = ReadyTalkOver(Play(tone(0.1), ""), 0.2, takes_floor=False)
            return await hold(pbx, [cough, Play(tone(0.1), "my balance")], task)

    coughed, bot_turn, asked = run(scenario())[1:4]
    assert (coughed.kind, bot_turn.kind) == (RecordKind.CALLER, RecordKind.BOT)
    assert asked.text == "my balance"
    assert bot_turn.end_s - bot_turn.start_s == pytest.approx(1.6, abs=0.15)


def test_a_pause_within_a_sentence_is_as_long_as_it_is_written() -> None:
    async def speak(words: str) -> Pcm:
        quiet = np.zeros(1600, dtype=np.int16)
        return np.concatenate([quiet, tone(0.1 * len(words.split())), quiet])

    over_bot = TalkOver(Say("one zero [600 ms] zero four"), after_s=1.0, takes_floor=False)
    plain, ready = run(render([Say("no pause"), over_bot], speak))
    assert isinstance(plain, Play)
    assert len(plain.pcm) == 0.6 * 8000
    assert isinstance(ready, ReadyTalkOver)
    assert isinstance(ready.step, Play)
    assert np.flatnonzero(np.diff(np.flatnonzero(ready.step.pcm)) > 4000).size == 1
    assert len(ready.step.pcm) == pytest.approx((0.2 + 0.6 + 0.2) * 8000, abs=3)
    assert without_pauses("one zero [600 ms] zero four") == "one zero zero four"
