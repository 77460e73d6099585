"""How `bench capacity` decides, and what is kept of it."""

import json
import os
from pathlib import Path
from typing import cast

import pytest

from backend.cli.bench_capacity import (
    FAILING,
    WORSE,
    Level,
    _ramp,
    best_level,
    is_too_much,
    per_call,
)
from backend.cli.bench_crowd import Crowd, Failure, Turn
from backend.cli.bench_figures import Spread
from backend.cli.bench_processes import Load, Usage
from backend.core.capacity import (
    UNMEASURED_CALLS,
    Capacity,
    most_calls,
    read_capacity,
    write_capacity,
)
from backend.core.errors import LineError
from tests.support.virtual_time import Clock, run_with_clock

ONE = Spread(100, 0.2, 0.4, 0.5)
"""What the questions take a single call."""
MEASURED = Capacity(120, "2026-11-21T12:00:00+00:00", "200", 2, 0.4, 0.48)


def level(
    calls: int, p95_s: float = 0.4, *, p50_s: float = 0.2, failures: int = 0, turns: int = 1000
) -> Level:
    latency = Spread(turns, p50_s, p95_s, 1.0) if turns else None
    return Level(calls, latency, ONE if turns else None, failures, {})


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        (level(10), False),
        (level(10, p95_s=WORSE * ONE.p95_s), False),
        (level(10, p95_s=WORSE * ONE.p95_s + 0.001), True),
        (level(10, p50_s=WORSE * ONE.p50_s), False),
        (level(10, p50_s=WORSE * ONE.p50_s + 0.001), True),
        (level(10, failures=5), False),
        (level(10, failures=6), True),
        (level(10, turns=0), True),
        (level(10, turns=0, failures=3), True),
    ],
)
def test_callers_notice_a_quarter_more_latency_or_one_failure_in_two_hundred(
    measured: Level, *, expected: bool
) -> None:
    assert is_too_much(measured) is expected


def test_the_share_of_failures_counts_failures_among_the_turns() -> None:
    assert level(10, turns=195, failures=5).failing == pytest.approx(0.025)
    assert level(10, turns=0).failing == 0
    assert level(10, turns=0, failures=1).failing == 1 > FAILING


def test_the_best_level_is_the_last_before_it_was_too_much() -> None:
    levels = [level(1), level(10), level(20), level(30, p95_s=0.9)]
    assert best_level(levels).calls == 20


def test_when_even_the_first_step_is_too_much_a_single_call_is_the_best() -> None:
    assert best_level([level(1), level(10, p95_s=0.9)]).calls == 1


def test_a_single_call_that_was_not_answered_is_all_there_is() -> None:
    assert best_level([level(1, turns=0)]).calls == 1


def test_each_call_costs_its_share_of_time_and_of_the_memory_beyond_the_empty_house() -> None:
    loads = {"bot": Load(cpu_percent=50.0, rss_mb=300.0)}
    costs = per_call(Level(100, ONE, ONE, 0, loads), {"bot": Usage(0.0, 0.0, rss_mb=180.0)})
    assert costs == {"bot": {"cpu_percent": 0.5, "mb": 1.2}}


class TellingCrowd:
    """Callers who, whenever there are so many of them, have waited so long in the end."""

    def __init__(self, waits_s: dict[int, list[float]], clock: Clock) -> None:
        self.questions = [b"the only one"]
        self.turns: list[Turn] = []
        self.failures: list[Failure] = []
        self.sizes: list[int] = []
        self._waits_s = waits_s
        self._clock = clock

    async def grow_to(self, count: int) -> None:
        """They tell of a moment to come, when measuring has begun."""
        self.sizes.append(count)
        if waits_s := self._waits_s[count]:
            self.turns.append(Turn(self._clock() + 10.0, waits_s.pop(0), 0))


def ramp(waits_s: dict[int, list[float]]) -> tuple[list[int], list[Level]]:
    """The sizes that were measured, and what was found."""

    async def climb(clock: Clock) -> tuple[list[int], list[Level]]:
        crowd = TellingCrowd(waits_s, clock)
        steps = _ramp(cast(Crowd, crowd), {"phone": os.getpid()}, step=10, most=30, hold_s=20.0)
        found = [one async for one in steps]
        return crowd.sizes, found

    return run_with_clock(climb)


def test_the_ramp_goes_on_while_callers_do_not_notice_each_other() -> None:
    sizes, found = ramp({1: [0.2], 10: [0.2], 20: [0.22], 30: [0.24]})
    assert sizes == [1, 10, 20, 30]
    assert best_level(found).calls == 30


def test_a_bad_moment_of_the_machine_does_not_end_the_ramp() -> None:
    sizes, found = ramp({1: [0.2], 10: [0.9, 0.2], 20: [0.2], 30: [0.2]})
    assert sizes == [1, 10, 10, 20, 30]
    assert best_level(found).calls == 30


def test_what_is_too_much_twice_ends_the_ramp() -> None:
    sizes, found = ramp({1: [0.2], 10: [0.2], 20: [0.9, 0.8], 30: [0.2]})
    assert sizes == [1, 10, 20, 20]
    assert best_level(found).calls == 10


def test_a_question_that_is_always_slow_is_held_against_itself() -> None:
    sizes, found = ramp({1: [0.65], 10: [0.65], 20: [0.7], 30: [0.9, 0.9]})
    assert sizes == [1, 10, 20, 30, 30]
    assert best_level(found).calls == 20


def test_without_an_answer_to_a_single_call_there_is_nothing_to_ramp() -> None:
    with pytest.raises(LineError, match="A single call is not answered"):
        ramp({1: []})


def test_what_was_measured_is_read_as_it_was_kept(tmp_path: Path) -> None:
    write_capacity(tmp_path, MEASURED)
    assert read_capacity(tmp_path) == MEASURED
    assert [path.name for path in tmp_path.iterdir()] == ["capacity.json"]


def test_the_limit_of_calls_is_the_one_named_else_the_measured_else_a_guess(
    tmp_path: Path,
) -> None:
    assert most_calls(None, tmp_path) == UNMEASURED_CALLS
    write_capacity(tmp_path, MEASURED)
    assert most_calls(None, tmp_path) == 120
    assert most_calls(7, tmp_path) == 7


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"calls": 5}', "null", "\x00\x01", json.dumps({"more": 1})]
)
def test_a_measurement_that_makes_no_sense_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "capacity.json").write_text(content)
    assert read_capacity(tmp_path) is None
    assert most_calls(None, tmp_path) == UNMEASURED_CALLS


@pytest.mark.parametrize("calls", [0, -3, "many", None, True, 2.5])
def test_a_number_of_calls_that_cannot_be_is_not_believed(tmp_path: Path, calls: object) -> None:
    path = write_capacity(tmp_path, MEASURED)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"calls": calls}))
    assert read_capacity(tmp_path) is None
