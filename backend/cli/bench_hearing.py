"""`frontdesk bench hearing`: how well the recogniser hears callers, without any calls.

Voices say sentences that neither the knowledge base nor the language model knows, through mu-law
and with line noise; what counts is whether the agent makes of the words what it makes of those
that were said.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from backend.agent.knowledge.store import KnowledgeStore, Snapshot
from backend.agent.slots.numbers import Length, spoken_number
from backend.agent.slots.yes_no import yes_no
from backend.asr.base import Recogniser, Vocabulary
from backend.asr.choose import choose_recogniser
from backend.audio import g711
from backend.audio.level import dbfs
from backend.audio.noise import line_noise, mix_at_snr
from backend.audio.pcm import Pcm, to_pcm
from backend.cli.bench_calls import speak_all
from backend.cli.bench_figures import conditions
from backend.cli.caller_voice import RATE_HZ
from backend.config import Settings
from backend.core.logs import configure_logging
from backend.core.speech import OPEN_QUESTION, Expect, Question, Transcript
from backend.modelstore.store import ModelStore

SENTENCES = Path(__file__).with_suffix(".json")
QUIET_LINE_DB = 40.0
"""Line noise under the voice that nobody notices."""
LEAD_S = 0.4
_HALF_TAPS = 100
PACKET_S = 0.02
AT_ONCE = 4

Means = Callable[[str], object]
"""What the agent makes of words; two texts that mean the same compare equal."""


@dataclass(frozen=True, slots=True)
class Way:
    """What a voice goes through."""

    snr_db: float
    pause_s: float
    """Silence after the last word before the recogniser is asked, as in a conversation."""
    is_narrow: bool
    voice_dbfs: float


@dataclass(frozen=True, slots=True)
class Kind:
    """Sentences of one kind."""

    name: str
    question: Question
    sentences: Sequence[str]
    means: Means
    is_for_us: bool = True
    """Otherwise the right thing is not to understand it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One sentence as it was heard."""

    kind: Kind
    voice: str
    said: str
    heard: Transcript
    is_right: bool
    is_sure: bool
    """It would be acted on without asking back."""


async def run_hearing(
    settings: Settings, *, voices: Sequence[str], way: Way, verbose: bool
) -> None:
    """Print the percentage of sentences heard right, by kind and voice. Raises FrontdeskError."""
    configure_logging("warning", None)
    folder = settings.data_dir / "models" / "intents"
    store = KnowledgeStore(
        settings.kb_path,
        model_dir=folder,
        on_problem=_tell,
        sentence_model=ModelStore(settings.data_dir).find_sentence(),
    )
    await store.start(watch=False)
    engine = choose_recogniser(settings, lambda _, sentence: _tell(sentence))
    await engine.start()
    words = store.current.vocabulary()
    engine.set_vocabulary(
        Vocabulary(words.sentences, words.min_digits, words.max_digits, words.words)
    )
    measured_on = conditions(voices, {"recogniser": engine.name})
    measured_on |= {"noise_db_under_voice": way.snr_db, "pause_s": way.pause_s}
    measured_on |= {
        "voice_dbfs": way.voice_dbfs,
        "band": "300-3400 Hz" if way.is_narrow else "all of 8 kHz",
    }
    typer.echo("  ".join(f"{name}={value}" for name, value in measured_on.items()))
    typer.echo(f"{'percent right':<26}{'n':>5}" + "".join(f"{v:>8}" for v in (*voices, "all")))
    try:
        for kind in kinds(store.current):
            hearing = _Hearing(settings, engine, way)
            _report(await hearing.of(kind, voices), voices, verbose=verbose)
    finally:
        await engine.aclose()
        await store.aclose()


def kinds(snapshot: Snapshot) -> Iterator[Kind]:
    """What is measured."""
    texts: dict[str, list[str]] = json.loads(SENTENCES.read_text(encoding="utf-8"))
    words = snapshot.vocabulary()
    length = Length(words.min_digits, words.max_digits)
    asks_number = Question(Expect.NUMBER, words.min_digits, words.max_digits)

    def number(text: str) -> object:
        slot = spoken_number(text, length)
        return slot.digits if slot else None

    def whole_number(text: str) -> bool:
        slot = spoken_number(text, length)
        return slot is not None and slot.complete

    def answer(text: str) -> object:
        found = yes_no(text)
        return found.answer if found else None

    def intent(text: str) -> object:
        return snapshot.classifier.classify(text).label if text else None

    yield Kind("requests", OPEN_QUESTION, texts["open"], intent)
    yield Kind("numbers", asks_number, texts["number"], number)
    yield Kind("half a number", asks_number, texts["half_number"], whole_number)
    yield Kind("yes or no", Question(Expect.YES_NO), texts["yes_no"], answer)
    yield Kind("no number, though asked", asks_number, texts["no_number"], intent)
    yield Kind("not for us", OPEN_QUESTION, texts["foreign"], intent, is_for_us=False)
    yield Kind("not for us, number asked", asks_number, texts["foreign"], number, is_for_us=False)


class _Hearing:
    def __init__(self, settings: Settings, engine: Recogniser, way: Way) -> None:
        self._settings = settings
        self._engine = engine
        self._way = way
        self._places = asyncio.Semaphore(AT_ONCE)

    async def of(self, kind: Kind, voices: Sequence[str]) -> list[Outcome]:
        """All its sentences by all voices."""
        speech = await speak_all(
            self._settings, ((voice, said) for voice in voices for said in kind.sentences)
        )
        return await asyncio.gather(
            *(self._one(kind, voice, said, pcm) for (voice, said), pcm in speech.items())
        )

    async def _one(self, kind: Kind, voice: str, said: str, pcm: Pcm) -> Outcome:
        line = on_the_line(pcm, self._way)
        step = round(PACKET_S * RATE_HZ)
        async with self._places:
            stream = self._engine.listen(kind.question, RATE_HZ)
            for start in range(0, len(line), step):
                stream.feed(line[start : start + step])
            heard = await stream.finish()
        taken = bool(heard.text) and heard.confidence >= self._settings.reject_below
        same = taken and kind.means(heard.text) == kind.means(said)
        is_sure = taken and heard.confidence >= self._settings.confirm_below
        return Outcome(kind, voice, said, heard, same if kind.is_for_us else not is_sure, is_sure)


def on_the_line(pcm: Pcm, way: Way) -> Pcm:
    """A voice as the telephone brings it: band, level, noise, mu-law, silence around it."""
    if way.is_narrow:
        pcm = to_pcm(np.convolve(pcm, _telephone_band(), "same"))
    level = dbfs(pcm[np.abs(pcm) > 300])
    voice = to_pcm(pcm * 10 ** ((way.voice_dbfs - level) / 20))
    lead, pause = (np.zeros(round(s * RATE_HZ), dtype=np.int16) for s in (LEAD_S, way.pause_s))
    whole = np.concatenate((lead, voice, pause))
    hiss = line_noise(len(whole), RATE_HZ, -50, np.random.default_rng(len(pcm)))
    return g711.decode(g711.encode(mix_at_snr(whole, hiss, way.snr_db, RATE_HZ)))


def _telephone_band() -> NDArray[np.float64]:
    """A filter that lets 300-3400 Hz through (ITU-T G.712), as windowed sinc."""
    at_s = np.arange(-_HALF_TAPS, _HALF_TAPS + 1) / RATE_HZ
    low, high = (2 * hz / RATE_HZ * np.sinc(2 * hz * at_s) for hz in (300, 3400))
    return np.asarray((high - low) * np.hamming(len(at_s)))


def _report(outcomes: Sequence[Outcome], voices: Sequence[str], *, verbose: bool) -> None:
    kind = outcomes[0].kind
    shares = [
        _percent([o.is_right for o in outcomes if voice in (o.voice, "all")])
        for voice in (*voices, "all")
    ]
    asked_back = _percent([not o.is_sure for o in outcomes if o.is_right])
    line = f"{kind.name:<26}{len(outcomes):>5}" + "".join(f"{share:8.1f}" for share in shares)
    if kind.is_for_us:
        line += f"   (of these {asked_back:.0f} asked back)"
    typer.echo(line)
    for outcome in outcomes if verbose else ():
        if not outcome.is_right or (kind.is_for_us and not outcome.is_sure):
            heard = outcome.heard
            mark = "unsure" if outcome.is_right else "WRONG"
            typer.echo(
                f"    {mark:<6} {outcome.voice:<5} {outcome.said!r} -> "
                f"{heard.text!r} {heard.confidence:.2f}"
            )


def _percent(flags: Sequence[bool]) -> float:
    return 100.0 * sum(flags) / len(flags) if flags else 0.0


def _tell(problem: object) -> None:
    typer.echo(str(problem), err=True)
