"""The coughs that `bench interruptions` coughs."""

import numpy as np
import pytest

from backend.audio.level import dbfs
from backend.audio.pcm import Pcm
from backend.cli.bench_coughs import cough
from backend.cli.caller_voice import RATE_HZ


def one_cough(seed: int) -> Pcm:
    return cough(np.random.default_rng(seed))


def test_the_same_seed_gives_the_same_cough_and_another_one_another() -> None:
    assert np.array_equal(one_cough(1), one_cough(1))
    assert not np.array_equal(one_cough(1)[:1200], one_cough(2)[:1200])


@pytest.mark.parametrize("seed", range(20))
def test_a_cough_is_as_short_and_as_loud_as_people_cough(seed: int) -> None:
    pcm = one_cough(seed)
    loudest = max(dbfs(pcm[at : at + 160]) for at in range(0, len(pcm) - 160, 40))
    assert pcm.dtype == np.int16
    assert 0.15 <= len(pcm) / RATE_HZ <= 0.35
    assert loudest == pytest.approx(-16.0, abs=0.5)
    assert np.abs(pcm.astype(int)).max() < 32767, "nothing is clipped"


@pytest.mark.parametrize("seed", range(20))
def test_a_cough_begins_with_its_explosion_and_dies_away(seed: int) -> None:
    pcm = one_cough(seed)
    fifth = len(pcm) // 5
    assert dbfs(pcm[:fifth]) > dbfs(pcm[-fifth:]) + 3
    assert abs(int(pcm[-1])) < 600
