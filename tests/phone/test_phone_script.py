"""Conversations by script, with a peer that speaks like a bot."""

import asyncio
import json

import numpy as np
import pytest

from backend.audio.level import SpeechDetector
from backend.audio.pcm import Pcm
from backend.phone.phone import Phone
from backend.phone.script import (
    HangUp,
    Keys,
    Listening,
    Play,
    Record,
    RecordKind,
    Say,
    Wait,
    converse,
    render,
)
from tests.phone.peer import Peer, peer
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
    pbx: Peer, steps: list[Play | Keys | Wait | HangUp], behaviour: asyncio.Task[None] | None
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
