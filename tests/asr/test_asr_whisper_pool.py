"""The threads that decode for all calls."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from backend.asr.whisper_pool import WAITING_PER_WORKER, DecodingPool, Job, Work
from backend.core.errors import EngineError
from backend.core.speech import Transcript

WAIT_S = 10.0


def saying(text: str, order: list[str] | None = None) -> Work:
    def work() -> Transcript:
        if order is not None:
            order.append(text)
        return Transcript(text, 1.0)

    return work


@contextmanager
def one_thread_held() -> Iterator[tuple[DecodingPool, threading.Event]]:
    """A pool whose only thread is at work until the event is set."""
    pool = DecodingPool(1)
    pool.start()
    begun, release = threading.Event(), threading.Event()

    def hold() -> Transcript:
        begun.set()
        assert release.wait(WAIT_S)
        return Transcript("held", 1.0)

    pool.submit(hold, urgent=True)
    assert begun.wait(WAIT_S)
    try:
        yield pool, release
    finally:
        release.set()
        asyncio.run(pool.aclose())


def results(jobs: list[Job]) -> list[str]:
    return [job.future.result(WAIT_S).text for job in jobs]


def test_utterances_are_decoded_in_the_order_they_came() -> None:
    order: list[str] = []
    with one_thread_held() as (pool, release):
        jobs = [pool.submit(saying(text, order), urgent=True) for text in "abc"]
        release.set()
        assert results(jobs) == order == ["a", "b", "c"]


def test_speculation_gives_way_to_callers_who_wait() -> None:
    order: list[str] = []
    with one_thread_held() as (pool, release):
        guess = pool.submit(saying("guess", order), urgent=False)
        promoted = pool.submit(saying("promoted", order), urgent=False)
        waiting = pool.submit(saying("waiting", order), urgent=True)
        pool.make_urgent(promoted)
        release.set()
        results([guess, promoted, waiting])
    assert order == ["promoted", "waiting", "guess"]


def test_more_than_can_be_answered_in_time_is_refused_at_once() -> None:
    with one_thread_held() as (pool, _):
        for _number in range(WAITING_PER_WORKER):
            pool.submit(saying("patience"), urgent=True)
        with pytest.raises(EngineError, match=r"busy.*ASR_WORKERS"):
            pool.submit(saying("late"), urgent=True)


def test_a_caller_who_waits_takes_the_place_of_a_guess() -> None:
    with one_thread_held() as (pool, release):
        guesses = [pool.submit(saying("g"), urgent=False) for _ in range(WAITING_PER_WORKER)]
        caller = pool.submit(saying("caller"), urgent=True)
        with pytest.raises(EngineError, match="busy"):
            pool.submit(saying("another guess"), urgent=False)
        assert guesses[-1].future.cancelled()
        release.set()
        assert results([caller]) == ["caller"]


def test_cancelled_work_is_never_begun() -> None:
    order: list[str] = []
    with one_thread_held() as (pool, release):
        dropped = pool.submit(saying("dropped", order), urgent=True)
        kept = pool.submit(saying("kept", order), urgent=True)
        pool.cancel(dropped)
        pool.cancel(dropped)
        release.set()
        results([kept])
    assert order == ["kept"]


def test_work_that_fails_costs_one_utterance_not_the_thread() -> None:
    def fail() -> Transcript:
        raise ValueError("bad audio")

    with one_thread_held() as (pool, release):
        bad, good = pool.submit(fail, urgent=True), pool.submit(saying("good"), urgent=True)
        release.set()
        assert isinstance(bad.future.exception(WAIT_S), ValueError)
        assert results([good]) == ["good"]


def test_two_threads_work_at_the_same_moment() -> None:
    meeting = threading.Barrier(2)

    def meet() -> Transcript:
        meeting.wait(WAIT_S)
        return Transcript("met", 1.0)

    pool = DecodingPool(2)
    pool.start()
    assert results([pool.submit(meet, urgent=True) for _ in range(2)]) == ["met", "met"]
    asyncio.run(pool.aclose())


def test_closing_cancels_what_waits_and_leaves_no_thread() -> None:
    before = threading.active_count()
    with one_thread_held() as (pool, release):
        waiting = pool.submit(saying("too late"), urgent=True)
        threading.Timer(0.05, release.set).start()
        asyncio.run(pool.aclose())
        assert waiting.future.cancelled()
        with pytest.raises(EngineError, match="not running"):
            pool.submit(saying("after the end"), urgent=True)
    named = [thread.name for thread in threading.enumerate() if thread.name.startswith("whisper")]
    assert named == []
    assert threading.active_count() <= before + 1
