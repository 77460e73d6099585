"""`frontdesk bench whisper`: what Whisper costs on this machine, without a model to download.

Decodes flite's sentences with random weights in the published shapes. They do not know when a
sentence is over, so they are stopped after as many tokens as real speech would give.
"""

import asyncio
import itertools
import json
import math
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import typer

from backend.asr.faster_whisper import FasterWhisper
from backend.asr.whisper import WhisperRecogniser
from backend.asr.whisper_model import RATE_HZ as WHISPER_HZ
from backend.asr.whisper_model import Samples
from backend.asr.whisper_pool import OVERLOADED_SHARE, BusyError
from backend.asr.whisper_results import Decoded
from backend.asr.whisper_stream import ROLL_S, WhisperStream
from backend.audio.level import trim_silence
from backend.audio.pcm import Pcm
from backend.cli.bench_figures import Spread, spread, table
from backend.cli.caller_voice import RATE_HZ, CallerVoice
from backend.cli.whisper_shape import SHAPES, build_random_model
from backend.config import Settings
from backend.core.errors import ConfigError
from backend.core.speech import OPEN_QUESTION

SENTENCES = (
    "I would like to know my account balance please",
    "my internet has not been working since this morning",
    "can you tell me when my next bill is due",
    "I want to speak to somebody in the billing department",
    "how do I change the password of my wireless router",
    "my customer number is four two seven one nine",
    "which plan would you recommend for a family of four",
    "I have moved and I need to give you my new address",
)
TOKENS_PER_S = 3.0
"""English on the telephone: about two and a half words a second of 1.2 to 1.3 tokens each."""
PAUSE_S = 0.1
"""Silence after which turn-taking has the recogniser peek."""
TURN_END_S = 0.4
"""Silence after which the turn is over, in the mean of all kinds of answers."""
PACKET_S = 0.02


@dataclass(frozen=True, slots=True)
class Load:
    """What the recogniser is asked for."""

    workers: int
    duty: float
    """Share of a call in which the caller speaks."""
    peeks: float
    """Decodes in earnest for each turn: one, and one more for each pause within."""
    calls: int | None
    """How many for the trial; None for as many as were worked out."""
    trial_s: float


class Watched(FasterWhisper):
    """Notes what its rolling passes took."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        super().__init__(folder, settings, limit=tokens_of_speech)
        self.quick_s: list[float] = []

    def decode(self, audio: Samples, *, quick: bool) -> Decoded:
        """As the model does."""
        began_s = time.perf_counter()
        decoded = super().decode(audio, quick=quick)
        if quick:
            self.quick_s.append(time.perf_counter() - began_s)
        return decoded


@dataclass(slots=True)
class Trial:
    """Calls that talked at the same time, in real time."""

    calls: int
    answers_s: list[float] = field(default_factory=list)
    """From the peek to its result."""
    busy: int = 0
    rolling: int = 0
    was_overloaded: bool = False


def tokens_of_speech(audio: Samples) -> int:
    """What a model that has learnt English would write for this much speech."""
    return max(1, math.ceil(TOKENS_PER_S * len(audio) / WHISPER_HZ))


def most_calls(decodes_per_s: float, spoken_s: float, load: Load) -> float:
    """How many calls keep the workers as busy as may be without growing queues.

    `decodes_per_s` is what all of them together do, `spoken_s` how long a turn's speech is.
    """
    turns_per_s = load.duty / spoken_s
    return OVERLOADED_SHARE * decodes_per_s / (load.peeks * turns_per_s)


async def run_whisper(
    settings: Settings, *, shape: str, count: int, load: Load, as_json: bool
) -> None:
    """Build a model, measure it alone and under load, print. Raises EngineError without flite."""
    if shape not in SHAPES:
        raise ConfigError(f"{shape} is no shape of Whisper.", fix=f"Known: {', '.join(SHAPES)}.")
    speech = await _speech(settings)
    with tempfile.TemporaryDirectory() as folder:
        place = await asyncio.to_thread(
            build_random_model, Path(folder) / f"random-{shape}", SHAPES[shape]
        )
        asked = {"asr_device": "cpu", "asr_compute_type": "int8", "asr_workers": load.workers}
        model = Watched(place, settings.model_copy(update=asked | {"language": "en"}))
        recogniser = WhisperRecogniser(model, load.workers)
        try:
            await recogniser.start()
            figures = await _measure(recogniser, model, speech, count, load)
        finally:
            await recogniser.aclose()
    conditions = {
        "shape": shape,
        "weights": "random, int8",
        "tokens": f"{TOKENS_PER_S:g}/s of speech",
        "cores": os.cpu_count(),
        "workers": load.workers,
        "load_average": round(os.getloadavg()[0], 2),
        "duty": load.duty,
        "decodes_per_turn": load.peeks,
    }
    _report(conditions, figures, as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Figures:
    spoken_s: float
    decode: Spread | None
    """Alone on the machine, from the peek to its result."""
    rolling: Spread | None
    decodes_per_s: float
    """All workers busy: they slow each other down."""
    most_calls: float
    calls_per_core: float
    trial: Trial
    trial_answer: Spread | None


async def _measure(
    recogniser: WhisperRecogniser, model: Watched, speech: Sequence[Pcm], count: int, load: Load
) -> _Figures:
    spoken_s = sum(map(len, speech)) / len(speech) / RATE_HZ
    some = list(itertools.islice(itertools.cycle(speech), count))
    alone = [await _peek_alone(recogniser, pcm) for pcm in some]
    rolling = await asyncio.to_thread(_rolling_passes, model, some)
    decodes_per_s = await _all_at_work(recogniser, some, load.workers)
    most = most_calls(decodes_per_s, spoken_s, load)
    calls = load.calls if load.calls is not None else max(1, int(most))
    model.quick_s.clear()
    trial = await _try(recogniser, speech, calls, load)
    trial.rolling = len(model.quick_s)
    return _Figures(
        spoken_s,
        spread(alone),
        spread(rolling),
        decodes_per_s,
        most,
        most / min(load.workers, os.cpu_count() or 1),
        trial,
        spread(trial.answers_s),
    )


async def _speech(settings: Settings) -> list[Pcm]:
    async with aclosing(CallerVoice(settings, "slt")) as voice:
        spoken = [await voice(sentence) for sentence in SENTENCES]
    return [trim_silence(pcm, RATE_HZ, keep_s=0.0) for pcm in spoken]


def _silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * RATE_HZ), dtype=np.int16)


async def _peek_alone(recogniser: WhisperRecogniser, pcm: Pcm) -> float:
    stream = recogniser.listen(OPEN_QUESTION, RATE_HZ)
    # In one piece: there is no time for rolling passes.
    stream.feed(np.concatenate((pcm, _silence(PAUSE_S))))
    began_s = time.perf_counter()
    await stream.peek()
    took_s = time.perf_counter() - began_s
    stream.cancel()
    return took_s


async def _all_at_work(recogniser: WhisperRecogniser, speech: Sequence[Pcm], workers: int) -> float:
    """Decodes a second, as many at once as there are workers."""
    left = iter(speech)

    async def work() -> None:
        for pcm in left:
            await _peek_alone(recogniser, pcm)

    began_s = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(workers)))
    return len(speech) / (time.perf_counter() - began_s)


def _rolling_passes(model: Watched, speech: Sequence[Pcm]) -> list[float]:
    noise = np.random.default_rng(1)
    model.quick_s.clear()
    for pcm in speech:
        samples = round(len(pcm) / RATE_HZ * WHISPER_HZ)
        model.decode(noise.normal(0, 0.1, samples).astype(np.float32), quick=True)
    return list(model.quick_s)


async def _try(
    recogniser: WhisperRecogniser, speech: Sequence[Pcm], calls: int, load: Load
) -> Trial:
    trial = Trial(calls)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(_watch(recogniser, trial))
        talking = [
            group.create_task(_talk(recogniser, speech, number, load, trial))
            for number in range(calls)
        ]
        await asyncio.wait(talking)
        watching.cancel()
    return trial


async def _watch(recogniser: WhisperRecogniser, trial: Trial) -> None:
    while True:
        trial.was_overloaded |= recogniser.is_overloaded
        await asyncio.sleep(0.1)


async def _talk(
    recogniser: WhisperRecogniser, speech: Sequence[Pcm], number: int, load: Load, trial: Trial
) -> None:
    """One caller: speaks, is understood, listens. They begin spread over a whole turn."""
    until_s = time.monotonic() + load.trial_s
    random = np.random.default_rng(number)
    mean_s = sum(map(len, speech)) / len(speech) / RATE_HZ / load.duty
    await asyncio.sleep(random.uniform(0, mean_s))
    while time.monotonic() < until_s:
        pcm = speech[int(random.integers(len(speech)))]
        spoken_s = len(pcm) / RATE_HZ
        began_s = time.monotonic()
        await _turn(recogniser, pcm, random.random() < load.peeks - 1, trial)
        # Exponential, as independent callers are; the mean keeps the duty.
        rest_s = random.exponential(spoken_s / load.duty - spoken_s)
        await asyncio.sleep(max(0.0, began_s + spoken_s + rest_s - time.monotonic()))


async def _turn(recogniser: WhisperRecogniser, pcm: Pcm, pauses_within: bool, trial: Trial) -> None:
    stream = recogniser.listen(OPEN_QUESTION, RATE_HZ)
    try:
        if pauses_within:
            await _feed(stream, np.concatenate((pcm[: len(pcm) // 2], _silence(PAUSE_S))))
            await stream.peek()
            pcm = pcm[len(pcm) // 2 :]
        await _feed(stream, np.concatenate((pcm, _silence(PAUSE_S))))
        began_s = time.perf_counter()
        await stream.peek()
        trial.answers_s.append(time.perf_counter() - began_s)
        await _feed(stream, _silence(TURN_END_S - PAUSE_S))
        await stream.finish()
    except BusyError:
        trial.busy += 1
    finally:
        stream.cancel()


async def _feed(stream: WhisperStream, pcm: Pcm) -> None:
    """As a line brings it. Late packets are caught up with at once."""
    packet = round(PACKET_S * RATE_HZ)
    due_s = time.monotonic()
    for start in range(0, len(pcm), packet):
        due_s += PACKET_S
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        stream.feed(pcm[start : start + packet])


def _report(conditions: Mapping[str, object], figures: _Figures, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"conditions": dict(conditions)} | asdict(figures)))
        return
    trial = figures.trial
    typer.echo("  ".join(f"{name}={value}" for name, value in conditions.items()))
    spreads = {
        "result, nobody else calling": figures.decode,
        "rolling pass": figures.rolling,
        f"result, {trial.calls} calls at once": figures.trial_answer,
    }
    typer.echo("\n".join(table(spreads)))
    if figures.decode is not None:
        typer.echo(
            f"A turn's speech is {figures.spoken_s:.1f} s; alone, its result takes "
            f"{figures.decode.p50_s / figures.spoken_s:.2f} of that. All workers together decode "
            f"{figures.decodes_per_s:.1f} utterances a second."
        )
    if figures.rolling is not None:
        latest_s = 2 * ROLL_S + figures.rolling.p50_s
        typer.echo(
            f"While there is room to roll, a word is told at most {latest_s:.1f} s after it was "
            f"spoken: by the second pass that has it, one each {ROLL_S:g} s."
        )
    typer.echo(
        f"Calls at this duty, workers {OVERLOADED_SHARE:.0%} busy: {figures.most_calls:.1f}, "
        f"{figures.calls_per_core:.1f} a core."
    )
    typer.echo(
        f"Trial: {trial.calls} calls, {len(trial.answers_s)} turns, {trial.busy} refused as busy, "
        f"{trial.rolling} rolling passes; "
        f"{'was' if trial.was_overloaded else 'never'} overloaded."
    )
