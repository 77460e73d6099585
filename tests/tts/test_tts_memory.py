"""Spoken sentences in memory: bounded, the least recently played go first."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backend.tts.cache import SpokenFile
from backend.tts.memory import SpokenMemory

SECOND = np.zeros(8000, dtype=np.int16)


def spoken(name: str) -> SpokenFile:
    return SpokenFile(Path("cache") / name, 8000, len(SECOND))


def test_the_least_recently_played_goes_first() -> None:
    memory = SpokenMemory(2 * SECOND.nbytes)
    hello, goodbye, thanks = map(spoken, ("hello", "goodbye", "thanks"))
    memory.keep(hello, SECOND)
    memory.keep(goodbye, SECOND)
    assert memory.audio(hello) is not None
    memory.keep(thanks, SECOND)
    assert memory.find("hello") is hello
    assert memory.find("goodbye") is None


def test_what_is_larger_than_the_memory_is_not_held() -> None:
    memory = SpokenMemory(SECOND.nbytes - 1)
    memory.keep(spoken("hello"), SECOND)
    assert memory.find("hello") is None


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 40)), max_size=60))
def test_it_never_holds_more_than_it_may(kept: list[tuple[str, int]]) -> None:
    memory = SpokenMemory(most_bytes=100)
    for name, samples in kept:
        memory.keep(spoken(name), np.zeros(samples, dtype=np.int16))
        held = [audio for name in "abcdef" if (audio := memory.audio(spoken(name))) is not None]
        assert memory.total_bytes == sum(audio.nbytes for audio in held) <= 100
