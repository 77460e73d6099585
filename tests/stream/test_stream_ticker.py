"""One pass over everybody's audio."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.audio.g711 import encode
from backend.audio.pcm import Pcm
from backend.telephony.stream.rest import SETTLED_S
from backend.telephony.stream.ticker import BACKLOG_S, IN_PASSING, Hearing, Inbox, Ticker
from backend.turns.base import Window
from tests.support.loop import run, until

LOUD = encode(np.full(256, 8000, dtype=np.int16))
QUIET = encode(np.zeros(256, dtype=np.int16))


class ByLoudness:
    """Speech is what is loud; counts how often it was asked."""

    name = "loudness"
    rate_hz = 8000
    window = 256

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.threads: list[int] = []

    def new_state(self) -> Any:
        return np.zeros(1, dtype=np.float32)

    def probabilities(self, windows: NDArray[np.int16], states: Sequence[Any]) -> Any:
        self.batches.append(len(windows))
        self.threads.append(threading.get_ident())
        return (np.abs(windows.astype(int)).mean(axis=1) > 1000).astype(np.float32)


class Hears:
    def __init__(self) -> None:
        self.windows: list[Window] = []
        self.heard: list[Pcm] = []

    def on_window(self, pcm: Pcm, window: Window) -> None:
        self.heard.append(pcm)
        self.windows.append(window)


def joined(hearing: Hearing, now_s: float) -> tuple[Hears, Inbox]:
    hearer = Hears()
    return hearer, hearing.join(hearer, now_s)


def test_all_calls_are_judged_in_one_inference() -> None:
    async def test() -> None:
        detector = ByLoudness()
        hearing = Hearing(detector)
        calls = [joined(hearing, 0.0) for _ in range(5)]
        for number, (_, inbox) in enumerate(calls):
            inbox.put(LOUD if number % 2 else QUIET)
        await hearing.tick(0.032)
        assert detector.batches == [5]
        assert [hearer.windows[0].probability for hearer, _ in calls] == [0, 1, 0, 1, 0]
        assert calls[1][0].windows[0].level_dbfs == pytest.approx(-12.2, abs=0.5)

    run(test())


@pytest.mark.parametrize(("calls", "in_passing"), [(IN_PASSING, True), (IN_PASSING + 1, False)])
def test_only_what_takes_long_is_judged_in_a_thread(calls: int, in_passing: bool) -> None:
    async def test() -> None:
        detector = ByLoudness()
        hearing = Hearing(detector)
        for _ in range(calls):
            joined(hearing, 0.0)[1].put(LOUD)
        await hearing.tick(0.032)
        assert detector.batches == [calls]
        assert (detector.threads == [threading.get_ident()]) is in_passing

    run(test())


def hum(level: int) -> bytes:
    return encode(np.full(256, level, dtype=np.int16))


@pytest.mark.parametrize("level", [0, 30, 300], ids=["silent", "humming", "loud surroundings"])
def test_a_line_at_rest_costs_no_inference_and_the_next_word_is_heard_at_once(level: int) -> None:
    async def test() -> None:
        detector = ByLoudness()
        hearing = Hearing(detector)
        hearer, inbox = joined(hearing, 0.0)
        inbox.put(LOUD + hum(level) * 20)
        await hearing.tick(0.672)
        assert len(detector.batches) == 1 + round(SETTLED_S / 0.032 + 0.5)
        inbox.put(LOUD)
        await hearing.tick(0.704)
        assert [window.probability for window in hearer.windows] == [1, *[0] * 20, 1]

    run(test())


def test_what_is_louder_than_the_line_at_rest_is_listened_to() -> None:
    async def test() -> None:
        detector = ByLoudness()
        hearing = Hearing(detector)
        _, inbox = joined(hearing, 0.0)
        inbox.put(hum(30) * 20)
        await hearing.tick(0.64)
        before = len(detector.batches)
        inbox.put(hum(45))
        await hearing.tick(0.672)
        assert len(detector.batches) == before + 1

    run(test())


def test_within_words_everything_is_listened_to() -> None:
    async def test() -> None:
        detector = ByLoudness()
        hearing = Hearing(detector)
        _, inbox = joined(hearing, 0.0)
        inbox.put((LOUD + QUIET * 8) * 3)
        await hearing.tick(0.87)
        assert len(detector.batches) == 27

    run(test())


def test_frames_of_any_size_become_whole_windows_in_order() -> None:
    async def test() -> None:
        hearing = Hearing(ByLoudness())
        hearer, inbox = joined(hearing, 0.0)
        samples = (np.arange(1000) * 30).astype(np.int16)
        data = encode(samples)
        for start, end in ((0, 1), (1, 300), (300, 301), (301, 1000)):
            inbox.put(data[start:end])
        await hearing.tick(0.13)
        heard = np.concatenate(hearer.heard)
        assert len(heard) == 768
        np.testing.assert_allclose(heard, samples[:768], atol=1100)
        assert [w.at_s for w in hearer.windows] == pytest.approx([0.066, 0.098, 0.13])

    run(test())


def test_a_caller_whose_packets_stop_is_silent() -> None:
    async def test() -> None:
        hearing = Hearing(ByLoudness())
        hearer, inbox = joined(hearing, 10.0)
        inbox.put(LOUD)
        await hearing.tick(10.032)
        await hearing.tick(11.032)
        silent = hearer.windows[1:]
        assert {window.probability for window in silent} == {0.0}
        assert silent[-1].at_s == pytest.approx(11.0, abs=0.14)
        assert sum(window.length_s for window in silent) == pytest.approx(0.9, abs=0.1)

    run(test())


def test_ten_seconds_at_once_are_not_heard_ten_seconds_late() -> None:
    async def test() -> None:
        hearing = Hearing(ByLoudness())
        hearer, inbox = joined(hearing, 10.0)
        inbox.put(QUIET * 280 + LOUD * 30)
        await hearing.tick(19.0)
        heard_s = sum(len(pcm) for pcm in hearer.heard) / 8000
        assert heard_s <= BACKLOG_S
        assert hearer.windows[-1].probability == 1.0
        assert inbox.dropped_s == pytest.approx(9.92 - BACKLOG_S, abs=0.1)
        moments = [window.at_s for window in hearer.windows]
        assert moments == sorted(moments)

    run(test())


def test_one_calls_trouble_is_not_the_others() -> None:
    async def test() -> None:
        ticker = Ticker(ByLoudness())

        class Broken:
            def on_window(self, pcm: Pcm, window: Window) -> None:
                raise RuntimeError("broken")

        broken = ticker.join(Broken())
        hearer = Hears()
        inbox = ticker.join(hearer)
        for one in (broken, inbox):
            one.put(LOUD)
        await until(lambda: bool(hearer.windows))
        await ticker.aclose()

    run(test())


def test_a_call_that_left_hears_nothing_and_an_empty_house_costs_nothing() -> None:
    async def test() -> None:
        ticker = Ticker(ByLoudness())
        hearer = Hears()
        inbox = ticker.join(hearer)
        inbox.put(LOUD)
        ticker.leave(inbox)
        ticker.leave(inbox)
        await until(lambda: not [t for t in asyncio.all_tasks() if t.get_name() == "ticker"])
        assert not hearer.windows
        again = Hears()
        ticker.join(again).put(LOUD)
        await until(lambda: bool(again.windows))
        await ticker.aclose()

    run(test())
