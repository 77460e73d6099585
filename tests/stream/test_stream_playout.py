"""The clock for audio that is sent ahead of time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.telephony.stream.playout import Playout


def test_pieces_are_played_one_after_the_other() -> None:
    playout = Playout()
    assert playout.add(10.0, 8000) == 10.0
    assert playout.add(10.1, 4000) == 11.0
    assert playout.played(11.25) == 10000
    assert playout.left_s(11.25) == pytest.approx(0.25)


def test_a_late_piece_begins_when_it_comes() -> None:
    playout = Playout()
    playout.add(10.0, 800)
    assert playout.add(12.0, 800) == 12.0
    assert playout.played(11.0) == 800


def test_after_a_cut_only_what_was_heard_counts() -> None:
    playout = Playout()
    playout.add(10.0, 8000)
    assert playout.cut(10.5) == 4000
    assert playout.left_s(10.5) == 0
    assert playout.played(20.0) == 4000


def test_who_plays_may_say_that_it_is_all_over_already() -> None:
    playout = Playout()
    playout.add(10.0, 8000)
    playout.catch_up(10.9)
    assert playout.left_s(10.9) == pytest.approx(0.0)
    assert playout.played(10.9) == 8000


def test_nothing_was_said() -> None:
    playout = Playout()
    assert playout.played(5.0) == 0
    assert playout.left_s(5.0) == 0
    assert playout.cut(5.0) == 0


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 20000)), max_size=8),
    st.lists(st.floats(0, 60), min_size=2, max_size=5),
)
def test_what_has_been_heard_only_grows_and_never_exceeds_what_was_given(
    pieces: list[tuple[float, int]], moments: list[float]
) -> None:
    playout, at_s = Playout(), 0.0
    for pause_s, samples in pieces:
        at_s += pause_s
        playout.add(at_s, samples)
    heard = [playout.played(moment) for moment in sorted(moments)]
    assert heard == sorted(heard)
    assert playout.played(1e6) == playout.queued == sum(samples for _, samples in pieces)
