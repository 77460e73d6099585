"""Whose turn it is at the recogniser, and how busy it is."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.asr.whisper_queue import FairQueue, LoadMeter

OWNERS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=40)


def filled(owners: Sequence[str]) -> FairQueue[tuple[str, int]]:
    queue: FairQueue[tuple[str, int]] = FairQueue()
    for number, owner in enumerate(owners):
        queue.push(owner, (owner, number))
    return queue


def drained(queue: FairQueue[tuple[str, int]]) -> list[tuple[str, int]]:
    return [queue.pop() for _ in range(len(queue))]


@given(OWNERS)
def test_everything_comes_out_once_and_each_owners_jobs_in_order(owners: list[str]) -> None:
    out = drained(filled(owners))

    assert sorted(number for _, number in out) == list(range(len(owners)))
    for owner in "abcd":
        numbers = [number for who, number in out if who == owner]
        assert numbers == sorted(numbers)


@given(OWNERS)
def test_nobody_is_served_twice_while_another_waits_for_a_first_time(owners: list[str]) -> None:
    out = [owner for owner, _ in drained(filled(owners))]

    for turn in range(len(out)):
        served = {owner: out[: turn + 1].count(owner) for owner in set(out)}
        waiting = {owner for owner in served if owner in out[turn + 1 :]}
        assert all(served[out[turn]] - served[owner] <= 1 for owner in waiting)


def test_a_newcomer_waits_for_one_job_of_somebody_who_asked_for_a_hundred() -> None:
    queue = filled("a" * 100)
    for _ in range(30):
        queue.pop()
    queue.push("b", ("b", 0))

    assert "b" in [owner for owner, _ in (queue.pop(), queue.pop())]


def test_ever_new_owners_do_not_starve_one_who_was_served_before() -> None:
    queue = filled("aa")
    numbers = itertools.count()
    served = [queue.pop()[0]]
    for _ in range(5):
        queue.push(next(numbers), ("new", next(numbers)))
        served.append(queue.pop()[0])

    assert "a" in served[1:]


@given(OWNERS, st.data())
def test_what_is_taken_out_leaves_no_trace(owners: list[str], data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.sampled_from(range(len(owners)))))
    queue = filled(owners)
    for number in gone:
        assert queue.remove(owners[number], (owners[number], number))
        assert not queue.remove(owners[number], (owners[number], number))

    assert {number for _, number in drained(queue)} == set(range(len(owners))) - gone
    with pytest.raises(IndexError):
        queue.pop()


def test_the_youngest_of_who_has_most_is_found() -> None:
    queue = filled("abbba")

    assert queue.longest() == ("b", 3)
    assert queue.drop_youngest("b") == ("b", 3)
    assert queue.drop_youngest() == ("a", 4)
    assert queue.waiting_of("b") == 2
    with pytest.raises(ValueError, match="empty"):
        queue.drop_youngest("c")


def test_two_workers_one_of_them_busy_are_half_loaded() -> None:
    meter = LoadMeter(workers=2, horizon_s=10.0)
    for second in range(100):
        meter.add(1.0, at_s=float(second))

    assert meter.share(99.0) == pytest.approx(0.5, rel=0.1)
    assert meter.share(109.0) == pytest.approx(meter.share(99.0) / 2.718, rel=0.01)


def test_workers_that_never_worked_are_idle() -> None:
    assert LoadMeter(workers=1, horizon_s=10.0).share(5.0) == 0.0
