"""`frontdesk bench interruptions`: does the bot stop when it must, and only then?

Three kinds of callers: those who talk over it, those who cough and murmur on a bad line, and
those who pause in the middle of a number.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import numpy as np
import typer

from backend.audio.pcm import Pcm
from backend.cli.bench_calls import Speech, callers, engines, require_running, speak_all
from backend.cli.bench_coughs import BACKCHANNELS, CONDITION, cough
from backend.cli.bench_figures import conditions, table
from backend.cli.bench_interruption_figures import (
    interruption_counts,
    murmur_counts,
    pause_counts,
    silence_spreads,
)
from backend.cli.bench_talks import LEAVE, Talk, hold, look_up, trimmed, voice_level_dbfs
from backend.cli.bench_wordings import BALANCE, KNOWLEDGE, PAUSED_NUMBERS, Kind, Line
from backend.config import Settings
from backend.db.database import Database
from backend.phone.pauses import speak_with_pauses, without_pauses
from backend.phone.phone import Phone
from backend.phone.script import Play, ReadyStep, ReadyTalkOver
from backend.phone.surroundings import Surroundings

NOISE_DB = 15.0
ECHO_DB = -20.0
PAUSE_MS = 600
MURMURS_S = (0.3, 1.5)
"""Into the bot's speech, anywhere between: its shortest answer lasts longer."""
GREETING_INTERRUPTED_S = (0.0, 0.4, 1.0, 1.8)
ANSWER_INTERRUPTED_S = (0.3, 0.7, 1.2)
QUESTIONS = 3
"""Asked, and murmured over, in each call on a bad line."""


async def run_interruptions(
    settings: Settings,
    *,
    calls: int,
    at_once: int,
    extension: str,
    voices: Sequence[str],
    keep: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Hold the calls of all three kinds and print the figures. Raises FrontdeskError."""
    uri = await require_running(settings, extension)
    speech = await _speech(settings, voices)
    plan = _Plan(Random(seed), np.random.default_rng(seed), speech, voices)
    groups = {
        "interrupting": [plan.interrupting() for _ in range(calls)],
        "murmuring": [plan.murmuring() for _ in range(calls)],
        "pausing": [plan.pausing() for _ in range(calls)],
    }
    names = await engines(settings)
    database = Database(settings.db_url)
    try:
        async with Phone() as phone:
            for name, planned in groups.items():
                folder = keep / name if keep is not None else None
                await _hold_all(phone, uri, planned, at_once, folder)
        for planned in groups.values():
            await look_up(database, [plan.talk for plan in planned])
    finally:
        database.close()
    measured_on = conditions(voices, names) | {
        "extension": extension,
        "calls_of_each_kind": calls,
        "at_once": at_once,
        "seed": seed,
        "coughs": CONDITION,
        "noise_db": NOISE_DB,
        "echo_db": ECHO_DB,
        "pause_ms": PAUSE_MS,
    }
    talks = {name: [plan.talk for plan in planned] for name, planned in groups.items()}
    _report(talks, measured_on, as_json=as_json)


async def _speech(settings: Settings, voices: Sequence[str]) -> dict[tuple[str, str], Pcm]:
    """Everything anybody says, without silence around it, pauses in numbers put in."""
    numbers = [wording.format(ms=PAUSE_MS) for wording in PAUSED_NUMBERS]
    parts = [part for number in numbers for part in number.split(f"[{PAUSE_MS} ms]")]
    whole = [*(line.text for line in KNOWLEDGE), *BALANCE, *BACKCHANNELS]
    sentences = [*whole, *(part.strip() for part in parts)]
    speech = trimmed(await speak_all(settings, ((v, s) for v in voices for s in sentences)))
    for voice in voices:

        async def said(text: str, voice: str = voice) -> Pcm:
            return speech[voice, text]

        for number in numbers:
            speech[voice, number] = await speak_with_pauses(number, said)
    return speech


@dataclass(frozen=True, slots=True)
class Planned:
    """A call to be made."""

    talk: Talk
    steps: Sequence[ReadyStep]
    surroundings: Surroundings | None = None


class _Plan:
    """Makes up calls; the voices take turns."""

    def __init__(
        self,
        random: Random,
        generator: np.random.Generator,
        speech: Speech,
        voices: Sequence[str],
    ) -> None:
        self._random = random
        self._generator = generator
        self._speech = speech
        self._voices = voices
        self._numbers: Iterator[str] = callers()
        self._made = 0

    def interrupting(self) -> Planned:
        """Talks over the greeting, then over the answers; the last one is heard out."""
        talk = self._talk(self._random.sample(KNOWLEDGE, 1 + len(ANSWER_INTERRUPTED_S)))
        moments_s = (
            GREETING_INTERRUPTED_S[self._made % len(GREETING_INTERRUPTED_S)],
            *ANSWER_INTERRUPTED_S,
        )
        spoken: list[ReadyStep] = [
            ReadyTalkOver(self._play(talk, line.text), after_s, takes_floor=True)
            for line, after_s in zip(talk.lines, moments_s, strict=True)
        ]
        return Planned(talk, [*spoken, *LEAVE])

    def murmuring(self) -> Planned:
        """Asks in turn; coughs or says "mhm" over the greeting and each answer."""
        talk = self._talk(self._random.sample(KNOWLEDGE, QUESTIONS))
        steps: list[ReadyStep] = [self._murmur(talk)]
        for line in talk.lines:
            steps += [self._play(talk, line.text), self._murmur(talk)]
        voice_dbfs = voice_level_dbfs(self._speech, talk.voice)
        around = Surroundings(noise_dbfs=voice_dbfs - NOISE_DB, echo_db=ECHO_DB)
        return Planned(talk, [*steps, *LEAVE], around)

    def pausing(self) -> Planned:
        """Is asked for the customer number and reads it out haltingly."""
        number = self._random.choice(PAUSED_NUMBERS).format(ms=PAUSE_MS)
        request = Line(Kind.REQUEST, self._random.choice(BALANCE))
        talk = self._talk([request, Line(Kind.NUMBER, number)])
        steps = [self._play(talk, line.text) for line in talk.lines]
        return Planned(talk, [*steps, *LEAVE])

    def _talk(self, lines: Sequence[Line]) -> Talk:
        self._made += 1
        return Talk(next(self._numbers), self._voices[self._made % len(self._voices)], lines)

    def _murmur(self, talk: Talk) -> ReadyTalkOver:
        after_s = self._random.uniform(*MURMURS_S)
        if self._random.random() < 0.5:
            return ReadyTalkOver(Play(cough(self._generator), ""), after_s, takes_floor=False)
        word = self._play(talk, self._random.choice(BACKCHANNELS))
        return ReadyTalkOver(Play(word.pcm, ""), after_s, takes_floor=False)

    def _play(self, talk: Talk, text: str) -> Play:
        return Play(self._speech[talk.voice, text], without_pauses(text))


async def _hold_all(
    phone: Phone, uri: str, planned: Sequence[Planned], at_once: int, folder: Path | None
) -> None:
    room = asyncio.Semaphore(at_once)

    async def one(plan: Planned) -> None:
        async with room:
            await hold(
                phone, uri, plan.talk, plan.steps, surroundings=plan.surroundings, keep=folder
            )

    async with asyncio.TaskGroup() as group:
        for plan in planned:
            group.create_task(one(plan))


def _report(
    talks: Mapping[str, Sequence[Talk]], measured_on: Mapping[str, object], *, as_json: bool
) -> None:
    silences = silence_spreads(talks["interrupting"])
    found = {
        "interrupting": interruption_counts(talks["interrupting"]),
        "murmuring": murmur_counts(talks["murmuring"]),
        "pausing": pause_counts(talks["pausing"]),
    }
    troubles = {talk.caller: talk.trouble for each in talks.values() for talk in each}
    if as_json:
        figures = {
            "conditions": measured_on,
            "silence": {name: asdict(one) if one else None for name, one in silences.items()},
            "counts": found,
            "troubles": {caller: trouble for caller, trouble in troubles.items() if trouble},
        }
        typer.echo(json.dumps(figures))
        return
    typer.echo("  ".join(f"{name}={value}" for name, value in measured_on.items()))
    for caller, trouble in troubles.items():
        if trouble:
            typer.echo(f"  FAILED {caller}: {trouble}")
    for name, counted in found.items():
        typer.echo(f"{name}: " + "  ".join(f"{key}={value}" for key, value in counted.items()))
    typer.echo("Caller's first voiced sample sent to the bot's last received")
    typer.echo("\n".join(table(silences)))
