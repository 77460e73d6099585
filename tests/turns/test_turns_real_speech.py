"""Turn-taking on real speech over a telephone line: the detector and the decisions together."""

import asyncio
from collections.abc import Iterable

import numpy as np
import pytest

from backend.audio.echo import HEARD_S, PLAYED_S, is_echo
from backend.audio.level import SpeechDetector, dbfs
from backend.audio.noise import line_noise, mix_at_snr
from backend.audio.pcm import Pcm, to_pcm
from backend.audio.silero import RATE_HZ, WINDOW, Silero
from backend.core.speech import OPEN_QUESTION, Completeness, HeardSoFar, Question
from backend.turns.base import Decision, Window
from backend.turns.taker import FloorKeeper
from tests.support.caller_voice import VOICES, flite, have_flite
from tests.support.turn_sim import NUMBER, YES_NO

pytestmark = pytest.mark.skipif(not have_flite(), reason="flite is not installed")
HOLD, GO_ON, INTERRUPTED = Decision.HOLD, Decision.GO_ON, Decision.INTERRUPTED
COMPLETE = HeardSoFar("yes", Completeness.COMPLETE)


@pytest.fixture(scope="module")
def silero() -> Silero:
    return Silero()


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * RATE_HZ), dtype=np.int16)


def say(text: str, voice: str = "slt") -> Pcm:
    return asyncio.run(flite(text, voice))


def windows_of(silero: Silero, pcm: Pcm, played: Pcm | None = None) -> Iterable[Window]:
    state = silero.new_state()
    heard, ours = round(HEARD_S * RATE_HZ), round(PLAYED_S * RATE_HZ)
    for end in range(WINDOW, len(pcm) + 1, WINDOW):
        piece = pcm[end - WINDOW : end]
        probability = float(silero.probabilities(piece[np.newaxis], [state])[0])
        echo = played is not None and is_echo(
            pcm[max(0, end - heard) : end], played[max(0, end - ours) : end]
        )
        yield Window(end / RATE_HZ, WINDOW / RATE_HZ, probability, dbfs(piece), echo)


def listen(
    silero: Silero, pcm: Pcm, question: Question, understood: HeardSoFar
) -> list[tuple[float, Decision]]:
    keeper = FloorKeeper()
    keeper.listen(question, 0.0)
    heard = [(w.at_s, keeper.hear(w, understood)) for w in windows_of(silero, pcm)]
    return [(at_s, decision) for at_s, decision in heard if decision]


def over_us(silero: Silero, pcm: Pcm, understood: HeardSoFar, played: Pcm) -> list[Decision]:
    keeper = FloorKeeper()
    keeper.speak(0.0, interruptible=True)
    found = []
    for window in windows_of(silero, pcm, played):
        if decision := keeper.hear(window, understood):
            found.append(decision)
        if decision is GO_ON:
            keeper.speak(window.at_s, interruptible=True)
    return found


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("word", ["yes", "no"])
def test_yes_and_no_end_within_260_ms_of_their_last_sound(
    silero: Silero, word: str, voice: str
) -> None:
    pcm = np.concatenate((silence(1), say(word, voice), silence(1.5)))
    voice_ended_at = SpeechDetector(RATE_HZ).last_voiced_sample(pcm)
    assert voice_ended_at is not None
    course = listen(silero, pcm, YES_NO, COMPLETE)
    assert [decision for _, decision in course] == [
        Decision.STARTED,
        Decision.PAUSED,
        Decision.ENDED,
    ]
    assert 0.1 < course[-1][0] - voice_ended_at / RATE_HZ < 0.26


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("snr_db", [None, 15.0])
def test_600_ms_between_digits_never_end_a_number(
    silero: Silero, voice: str, snr_db: float | None
) -> None:
    parts = [silence(1)]
    for digits in ("four two", "seven", "one nine"):
        parts += [say(digits, voice), silence(0.6)]
    pcm = np.concatenate((*parts, silence(2)))
    if snr_db is not None:
        noise = line_noise(len(pcm), RATE_HZ, -40, np.random.default_rng(4))
        pcm = mix_at_snr(pcm, noise, snr_db, RATE_HZ)
    course = listen(silero, pcm, NUMBER, HeardSoFar("four two", Completeness.UNFINISHED))
    ended = [at_s for at_s, decision in course if decision is Decision.ENDED]
    assert len(ended) == 1
    assert ended[0] > (len(pcm) - len(silence(2.6))) / RATE_HZ + 1.0


def test_our_echo_and_line_noise_never_stop_us(silero: Silero) -> None:
    ours = say("Our opening hours are nine to five on weekdays. Anything else?", "awb")
    generator = np.random.default_rng(8)
    for delay_s in (0.02, 0.12, 0.28):
        late = np.concatenate((silence(delay_s), ours))[: len(ours)] * 0.1
        pcm = to_pcm(late + line_noise(len(ours), RATE_HZ, -45, generator))
        assert over_us(silero, pcm, HeardSoFar(), ours) == []


def test_coughs_at_most_make_us_pause(silero: Silero) -> None:
    generator = np.random.default_rng(9)
    ours = say("Our opening hours are nine to five on weekdays and ten to two on Saturdays")
    for length_s in (0.15, 0.3, 0.45):
        shape = np.exp(-np.arange(round(length_s * RATE_HZ)) / (0.1 * RATE_HZ))
        cough = to_pcm(generator.standard_normal(len(shape)) * shape * 6000)
        pcm = np.concatenate((silence(1), cough, silence(1.5)))
        assert INTERRUPTED not in over_us(silero, pcm, HeardSoFar(), ours[: len(pcm)])


@pytest.mark.parametrize("voice", VOICES)
def test_words_over_us_make_us_silent_within_a_quarter_of_a_second(
    silero: Silero, voice: str
) -> None:
    ours = say("Our opening hours are nine to five on weekdays and ten to two on Saturdays")
    words = say("wait, I have another question", voice)
    began_at = SpeechDetector(RATE_HZ)
    began_at.feed(words)
    assert began_at.voice_starts_at is not None
    pcm = np.concatenate((silence(1), words))
    keeper = FloorKeeper()
    keeper.speak(0.0, interruptible=True)
    held_at_s = next(
        window.at_s
        for window in windows_of(silero, pcm, ours[: len(pcm)])
        if keeper.hear(window, HeardSoFar()) is HOLD
    )
    assert held_at_s - 1 - began_at.voice_starts_at / RATE_HZ < 0.25
    assert held_at_s - keeper.onset_s < 1 + began_at.voice_starts_at / RATE_HZ


def test_an_open_question_waits_for_the_rest_of_a_sentence(silero: Silero) -> None:
    pcm = np.concatenate(
        (silence(1), say("I would like to"), silence(0.3), say("cancel my contract"), silence(1.5))
    )
    unsure = HeardSoFar("i would like to", Completeness.UNKNOWN)
    decisions = [decision for _, decision in listen(silero, pcm, OPEN_QUESTION, unsure)]
    assert decisions.count(Decision.ENDED) == 1
    assert decisions[-1] is Decision.ENDED
    assert Decision.RESUMED in decisions
