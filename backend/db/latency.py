"""Percentiles of turn latency from counts alone, so that a year is as quick to ask for as a day.

The histogram is DDSketch's (Masson, Rim, Lee: “DDSketch: A Fast and Fully-Mergeable Quantile
Sketch with Relative-Error Guarantees”, VLDB 2019, section 2): bucket `i` holds the values in
(γ^(i-1), γ^i] milliseconds with γ = (1 + α) / (1 - α), and answering 2γ^i / (γ + 1) is wrong by
at most α. Days are added by adding counts; a call is taken back by subtracting them.
"""

import math
from collections.abc import Mapping

ACCURACY = 0.03
"""α: a percentile of 300 ms is right within 9 ms; exact times are with the turns. Half of it would
double the rows a year takes."""
_GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
_LARGEST_MS = 3_600_000.0

PARTS = ("endpoint_wait", "recognition", "thinking", "first_audio", "transport", "total")
"""The parts of a turn, as in the events' `…_s` keys. New ones go to the end: see `slot`."""
_SLOTS = 1000


def slot(part: str, seconds: float) -> int:
    """Part and bucket as one number: grouping a year's rows by it takes half the time."""
    return PARTS.index(part) * _SLOTS + bucket(seconds)


def slots_of(part: str) -> tuple[int, int]:
    """The first and the last slot of a part."""
    first = PARTS.index(part) * _SLOTS
    return first, first + _SLOTS - 1


def part_and_bucket(slot_number: int) -> tuple[str, int]:
    """What a slot stands for."""
    return PARTS[slot_number // _SLOTS], slot_number % _SLOTS


def bucket(seconds: float) -> int:
    """The bucket of one duration; everything up to 1 ms is bucket 0."""
    milliseconds = min(seconds * 1000, _LARGEST_MS)
    return 0 if milliseconds <= 1 else math.ceil(math.log(milliseconds, _GAMMA))


def duration_s(bucket_number: int) -> float:
    """The duration a bucket stands for."""
    return 2 * _GAMMA**bucket_number / (_GAMMA + 1) / 1000


def percentile_s(counts: Mapping[int, int], fraction: float) -> float | None:
    """The duration that `fraction` (0–1) of the turns did not exceed; None without turns.

    `counts` maps bucket to number of turns.
    """
    total = sum(counts.values())
    if total <= 0:
        return None
    rank = fraction * (total - 1)
    seen = 0
    for number in sorted(counts):
        seen += counts[number]
        if seen > rank:
            return duration_s(number)
    return duration_s(max(counts))
