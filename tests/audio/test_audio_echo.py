"""Our own voice coming back, and a caller who speaks while it does."""

import asyncio

import numpy as np
import pytest

from backend.audio.echo import EchoJudge
from backend.audio.level import dbfs
from backend.audio.noise import line_noise
from backend.audio.pcm import Pcm, to_pcm
from tests.support.caller_voice import flite, have_flite

RATE_HZ = 8000
WINDOW = 256
HEARD = 1024
pytestmark = pytest.mark.skipif(not have_flite(), reason="flite is not installed")


@pytest.fixture(scope="module")
def ours() -> Pcm:
    return asyncio.run(flite("Our opening hours are nine to five on weekdays, and ten to two."))


@pytest.fixture(scope="module")
def callers() -> Pcm:
    return asyncio.run(flite("no wait, I have a question about my invoice", "kal16"))


def echo_of(ours: Pcm, delay_s: float, loss_db: float = 20.0, ringing_s: float = 0.0) -> Pcm:
    """Through a room that rings, at a telephone line's noise."""
    generator = np.random.default_rng(5)
    response = np.zeros(RATE_HZ // 4)
    if ringing_s:
        decay = np.exp(-np.arange(len(response)) / (ringing_s * RATE_HZ))
        response = generator.standard_normal(len(response)) * decay
    response[0] += 3
    sound = np.convolve(ours.astype(np.float64), response)[: len(ours)]
    sound *= 10 ** (-loss_db / 20) * np.std(ours.astype(np.float64)) / np.std(sound)
    late = np.concatenate((np.zeros(round(delay_s * RATE_HZ)), sound))
    return to_pcm(late + line_noise(len(late), RATE_HZ, -60, generator))


def judged(judge: EchoJudge, heard: Pcm) -> tuple[int, int]:
    """Windows taken for echo, and all that are not silent."""
    echo = sounding = 0
    for end in range(HEARD, len(heard), WINDOW):
        piece = heard[end - HEARD : end]
        if dbfs(piece[-WINDOW:]) > -50:
            sounding += 1
            echo += judge.is_echo(piece, end / RATE_HZ)
    return echo, sounding


@pytest.mark.parametrize("delay_s", [0.0, 0.06, 0.29])
@pytest.mark.parametrize("ringing_s", [0.0, 0.02, 0.05])
def test_our_voice_at_minus_20_db_is_echo(ours: Pcm, delay_s: float, ringing_s: float) -> None:
    judge = EchoJudge(RATE_HZ)
    judge.play(ours, 0.0, 0.0)
    echo, sounding = judged(judge, echo_of(ours, delay_s, ringing_s=ringing_s))
    assert sounding > 50
    assert echo > 0.93 * sounding


@pytest.mark.parametrize("loss_db", [0.0, 6.0])
def test_a_caller_over_our_echo_is_not(ours: Pcm, callers: Pcm, loss_db: float) -> None:
    judge = EchoJudge(RATE_HZ)
    judge.play(ours, 0.0, 0.0)
    both = echo_of(ours, 0.1)[: len(callers)]
    gain = 10 ** ((dbfs(ours) - dbfs(callers) - loss_db) / 20)
    mixed = to_pcm(both + gain * callers[: len(both)].astype(np.float64))
    loud = [
        end for end in range(HEARD, len(mixed), WINDOW) if dbfs(callers[end - WINDOW : end]) > -35
    ]
    taken = [judge.is_echo(mixed[end - HEARD : end], end / RATE_HZ) for end in loud]
    assert len(loud) > 20
    assert np.mean(taken) < 0.1


def test_a_caller_as_loud_as_we_are_is_not_even_with_our_own_voice(ours: Pcm) -> None:
    judge = EchoJudge(RATE_HZ)
    judge.play(ours, 0.0, 0.0)
    assert judged(judge, ours)[0] == 0


def test_what_was_not_played_is_not_echo(ours: Pcm) -> None:
    heard = echo_of(ours, 0.1)
    assert judged(EchoJudge(RATE_HZ), heard)[0] == 0
    long_ago = EchoJudge(RATE_HZ)
    long_ago.play(ours, -10.0, -10.0)
    assert judged(long_ago, heard)[0] == 0


def test_a_burst_is_compared_with_when_it_is_played_and_not_after_a_flush(ours: Pcm) -> None:
    judge = EchoJudge(RATE_HZ)
    for at in range(0, len(ours), RATE_HZ):
        judge.play(ours[at : at + RATE_HZ], at / RATE_HZ, 0.0)
    heard = echo_of(ours, 0.1)[: 3 * RATE_HZ]
    judge.flush(1.5)
    before, after = heard[: round(1.6 * RATE_HZ)], heard.copy()
    after[: round(1.95 * RATE_HZ)] = 0
    echo, sounding = judged(judge, before)
    assert echo > 0.9 * sounding
    echo, sounding = judged(judge, after)
    assert sounding > 10
    assert echo == 0


@pytest.mark.parametrize("heard", [np.zeros(0, np.int16), np.zeros(HEARD, np.int16)])
def test_silence_is_no_echo(ours: Pcm, heard: Pcm) -> None:
    judge = EchoJudge(RATE_HZ)
    judge.play(ours, 0.0, 0.0)
    assert not judge.is_echo(heard, 1.0)


def test_what_was_played_long_ago_is_forgotten(ours: Pcm) -> None:
    judge = EchoJudge(RATE_HZ)
    for number in range(100):
        starts_at_s = number * len(ours) / RATE_HZ
        judge.play(ours, starts_at_s, starts_at_s)
    assert len(judge._played) <= 2
