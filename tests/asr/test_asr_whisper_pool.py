"""The threads that decode for all calls."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from backend.asr.whisper_pool import (
    MOST_WAIT_S,
    OVERLOADED_SHARE,
    REFUSED_FOR_S,
    ROLLING_SHARE,
    WAITING_PER_WORKER,
    BusyError,
    DecodingPool,
    Job,
    Urgency,
    Work,
)
from backend.core.errors import EngineError
from backend.core.speech import Transcript
from tests.support.loop import run, until

WAIT_S = 10.0
ANSWER = Urgency.ANSWER


def saying(text: str, order: list[str] | None = None) -> Work:
    def work() -> Transcript:
        if order is not None:
            order.append(text)
        return Transcript(text, 1.0)

    return work


class Clock:
    """A clock that work moves forward itself."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@contextmanager
def one_thread_held(clock: Clock | None = None) -> Iterator[tuple[DecodingPool, threading.Event]]:
    """A pool whose only thread is at work until the event is set."""
    pool = DecodingPool(1, clock=clock or Clock())
    pool.start()
    begun, release = threading.Event(), threading.Event()

    def hold() -> Transcript:
        begun.set()
        assert release.wait(WAIT_S)
        return Transcript("held", 1.0)

    pool.submit("holder", hold, ANSWER)
    assert begun.wait(WAIT_S)
    try:
        yield pool, release
    finally:
        release.set()
        asyncio.run(pool.aclose())


@contextmanager
def running(workers: int, clock: Clock) -> Iterator[DecodingPool]:
    pool = DecodingPool(workers, clock=clock)
    pool.start()
    try:
        yield pool
    finally:
        asyncio.run(pool.aclose())


def taking(seconds: float, clock: Clock) -> Work:
    def work() -> Transcript:
        clock.now_s += seconds
        return Transcript("", 0.0)

    return work


def results(jobs: list[Job]) -> list[str]:
    return [job.future.result(WAIT_S).text for job in jobs]


def test_callers_are_served_in_the_order_they_came() -> None:
    order: list[str] = []
    with one_thread_held() as (pool, release):
        jobs = [pool.submit(text, saying(text, order), ANSWER) for text in "abc"]
        release.set()
        assert results(jobs) == order == ["a", "b", "c"]


def test_who_asks_for_much_does_not_keep_the_others_waiting() -> None:
    order: list[str] = []
    with one_thread_held() as (pool, release):
        much = [pool.submit("a", saying(f"a{n}", order), ANSWER) for n in range(5)]
        little = pool.submit("b", saying("b", order), ANSWER)
        release.set()
        results([*much, little])
    assert order.index("b") == 1


def test_what_is_waited_for_comes_before_pauses_and_those_before_rolling_passes() -> None:
    order: list[str] = []
    with one_thread_held() as (pool, release):
        jobs = [
            pool.submit(urgency.name, saying(urgency.name, order), urgency)
            for urgency in (Urgency.ROLLING, Urgency.PAUSE, Urgency.ANSWER)
        ]
        release.set()
        results(jobs)
    assert order == ["ANSWER", "PAUSE", "ROLLING"]


def test_a_guess_that_somebody_comes_to_wait_for_is_a_guess_no_more() -> None:
    order: list[str] = []
    with one_thread_held() as (pool, release):
        guess = pool.submit("a", saying("guess", order), Urgency.PAUSE)
        promoted = pool.submit("b", saying("promoted", order), Urgency.PAUSE)
        pool.make_urgent(promoted)
        release.set()
        results([guess, promoted])
    assert order == ["promoted", "guess"]


def test_more_than_can_be_answered_in_time_is_refused_at_once() -> None:
    with one_thread_held() as (pool, _):
        for caller in range(WAITING_PER_WORKER):
            pool.submit(caller, saying("patience"), ANSWER)
        with pytest.raises(BusyError, match=r"busy.*ASR_WORKERS") as refused:
            pool.submit("late", saying("late"), ANSWER)
    assert refused.value.code == "engine-busy"


def test_slow_decodes_make_a_short_queue() -> None:
    clock = Clock()
    with one_thread_held(clock) as (pool, release):
        release_after(pool, release, clock, MOST_WAIT_S / 2)
        held, again = threading.Event(), threading.Event()
        pool.submit("a", holding(held, again), ANSWER)
        assert held.wait(WAIT_S)
        for caller in range(2):
            pool.submit(caller, saying("in time"), ANSWER)
        with pytest.raises(BusyError):
            pool.submit("late", saying("late"), ANSWER)
        again.set()


def test_a_caller_who_waits_takes_the_place_of_the_least_urgent() -> None:
    with one_thread_held() as (pool, release):
        rolling = pool.submit("r", saying("r"), Urgency.ROLLING)
        guesses = [
            pool.submit(number, saying("g"), Urgency.PAUSE)
            for number in range(WAITING_PER_WORKER - 1)
        ]
        first = pool.submit("first", saying("first"), ANSWER)
        assert rolling.future.cancelled()
        assert not guesses[-1].future.cancelled()
        second = pool.submit("second", saying("second"), ANSWER)
        assert guesses[-1].future.cancelled()
        with pytest.raises(BusyError):
            pool.submit("guess", saying("another guess"), Urgency.PAUSE)
        release.set()
        assert results([first, second]) == ["first", "second"]


def test_a_guess_takes_the_place_of_a_rolling_pass_only() -> None:
    with one_thread_held() as (pool, _):
        rolling = [pool.submit(n, saying("r"), Urgency.ROLLING) for n in range(WAITING_PER_WORKER)]
        pool.submit("g", saying("g"), Urgency.PAUSE)
        assert [job.future.cancelled() for job in rolling] == [False] * 7 + [True]


def test_when_all_is_full_who_has_most_waiting_gives_way() -> None:
    with one_thread_held() as (pool, release):
        much = [pool.submit("a", saying("a"), ANSWER) for _ in range(WAITING_PER_WORKER)]
        newcomer = pool.submit("b", saying("b"), ANSWER)
        assert isinstance(much[-1].future.exception(WAIT_S), BusyError)
        with pytest.raises(BusyError):
            pool.submit("a", saying("even more"), ANSWER)
        release.set()
        assert results([*much[:-1], newcomer]) == ["a"] * (WAITING_PER_WORKER - 1) + ["b"]


def test_rolling_passes_are_for_pools_with_a_free_thread() -> None:
    with one_thread_held() as (pool, release):
        seen = [pool.has_room_to_roll]
        waiting = pool.submit("a", saying("a"), ANSWER)
        release.set()
        results([waiting])
        seen.append(pool.has_room_to_roll)
    seen.append(pool.has_room_to_roll)
    assert seen == [False, True, False], "held, idle, closed"


def test_one_of_two_threads_is_kept_for_those_who_wait() -> None:
    begun, release = threading.Event(), threading.Event()
    with running(2, Clock()) as pool:
        rolling = pool.submit("a", holding(begun, release), Urgency.ROLLING)
        assert begun.wait(WAIT_S)
        seen = [pool.has_room_to_roll]
        assert results([pool.submit("b", saying("b"), ANSWER)]) == ["b"]
        release.set()
        results([rolling])
        seen.append(pool.has_room_to_roll)
    assert seen == [False, True]


def test_rolling_passes_stop_before_they_take_the_processor() -> None:
    clock = Clock()
    with running(1, clock) as pool:
        seen = []
        for _ in range(20):
            seen.append(pool.has_room_to_roll)
            results([pool.submit("a", taking(1.0, clock), Urgency.ROLLING)])
        assert not pool.is_overloaded, "nobody has to wait for them"
        clock.now_s += 20.0 / ROLLING_SHARE
        assert pool.has_room_to_roll
    assert seen == [True] * 7 + [False] * 13, "six of 20 s, and what has faded meanwhile"


def test_a_pool_whose_threads_hardly_rest_is_overloaded_until_they_do() -> None:
    clock = Clock()
    with running(1, clock) as pool:
        seen = [pool.is_overloaded]
        for _ in range(200):
            results([pool.submit("a", taking(OVERLOADED_SHARE + 0.05, clock), ANSWER)])
            clock.now_s += 0.2 - 0.05
        seen.append(pool.is_overloaded)
        clock.now_s += 20.0
        seen.append(pool.is_overloaded)
    assert seen == [False, True, False]


def test_a_pool_that_turned_somebody_away_says_so_for_a_while() -> None:
    clock = Clock()
    with one_thread_held(clock) as (pool, release):
        waiting = [pool.submit(n, saying(""), ANSWER) for n in range(WAITING_PER_WORKER)]
        seen = [pool.is_overloaded]
        with pytest.raises(BusyError):
            pool.submit("late", saying(""), ANSWER)
        seen.append(pool.is_overloaded)
        release.set()
        results(waiting)
        clock.now_s += REFUSED_FOR_S
        seen.append(pool.is_overloaded)
    assert seen == [False, True, False]


def test_the_wait_to_expect_is_what_the_queue_takes() -> None:
    clock = Clock()
    with one_thread_held(clock) as (pool, release):
        assert pool.expected_wait_s == 0.0, "nobody knows yet"
        release_after(pool, release, clock, 0.5)
        begun, again = threading.Event(), threading.Event()
        pool.submit("a", holding(begun, again), ANSWER)
        assert begun.wait(WAIT_S)
        pool.submit("b", saying("b"), ANSWER)
        assert pool.expected_wait_s == pytest.approx(2 * 0.5)
        assert pool.is_overloaded
        again.set()


def release_after(
    pool: DecodingPool, release: threading.Event, clock: Clock, seconds: float
) -> None:
    """Let the held job end, having taken that long."""
    clock.now_s += seconds
    after = pool.submit("after", taking(seconds, clock), ANSWER)
    release.set()
    results([after])


def holding(begun: threading.Event, release: threading.Event) -> Work:
    def work() -> Transcript:
        begun.set()
        assert release.wait(WAIT_S)
        return Transcript("held", 1.0)

    return work


def test_cancelled_work_is_never_begun() -> None:
    order: list[str] = []
    with one_thread_held() as (pool, release):
        dropped = pool.submit("a", saying("dropped", order), ANSWER)
        kept = pool.submit("b", saying("kept", order), ANSWER)
        pool.cancel(dropped)
        pool.cancel(dropped)
        release.set()
        results([kept])
    assert order == ["kept"]


def test_work_that_fails_costs_one_utterance_not_the_thread() -> None:
    def fail() -> Transcript:
        raise ValueError("bad audio")

    with one_thread_held() as (pool, release):
        bad = pool.submit("a", fail, ANSWER)
        good = pool.submit("b", saying("good"), ANSWER)
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
    assert results([pool.submit("a", meet, ANSWER) for _ in range(2)]) == ["met", "met"]
    asyncio.run(pool.aclose())


def test_closing_cancels_what_waits_and_leaves_no_thread() -> None:
    before = threading.active_count()
    with one_thread_held() as (pool, release):
        waiting = pool.submit("a", saying("too late"), ANSWER)

        async def closed() -> None:
            closing = asyncio.create_task(pool.aclose())
            await until(waiting.future.cancelled)
            release.set()
            await closing

        run(closed())
        with pytest.raises(EngineError, match="not running"):
            pool.submit("a", saying("after the end"), ANSWER)
    named = [thread.name for thread in threading.enumerate() if thread.name.startswith("whisper")]
    assert named == []
    assert threading.active_count() <= before + 1
