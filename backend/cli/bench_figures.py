"""From calls to figures: percentiles of turn latency, and how they are printed."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from backend.db.latency import PARTS
from backend.db.queries.calls import CallDetail, TurnRecord

WORK = ("recognition_s", "thinking_s", "first_audio_s")
"""The parts between the end of the recording and the first audio that are ours to do."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Durations in seconds, summed up."""

    count: int
    p50_s: float
    p95_s: float
    max_s: float


def percentile(values: Sequence[float], fraction: float) -> float:
    """Nearest rank: the smallest value that `fraction` (0-1) of the values do not exceed.

    Raises ValueError without values.
    """
    if not values:
        raise ValueError("there is no percentile of nothing")
    return sorted(values)[max(math.ceil(fraction * len(values)), 1) - 1]


def spread(values: Iterable[float]) -> Spread | None:
    """None when there is nothing to sum up."""
    known = list(values)
    if not known:
        return None
    return Spread(len(known), percentile(known, 0.5), percentile(known, 0.95), max(known))


def turn_spreads(calls: Iterable[CallDetail]) -> dict[str, Spread | None]:
    """Latency of every timed turn by part, and `work`, the sum of what is ours to do."""
    turns = [turn for call in calls for turn in call.turns if turn.total_s is not None]
    by_part = {
        part: spread(value for turn in turns if (value := _part(turn, f"{part}_s")) is not None)
        for part in PARTS
    }
    return by_part | {"work": spread(map(_work_s, turns))}


def conditions(voices: Sequence[str], engines: Mapping[str, str]) -> dict[str, object]:
    """What the figures depend on."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
        "voices": list(voices),
        **engines,
    }


def table(spreads: Mapping[str, Spread | None]) -> list[str]:
    """Lines to print, in milliseconds."""
    lines = [f"  {'ms':<30}{'p50':>8}{'p95':>8}{'max':>8}{'n':>6}"]
    for name, one in spreads.items():
        if one is None:
            lines.append(f"  {name:<30}{'-':>8}")
            continue
        cells = "".join(f"{s * 1000:8.0f}" for s in (one.p50_s, one.p95_s, one.max_s))
        lines.append(f"  {name:<30}{cells}{one.count:6d}")
    return lines


def _part(turn: TurnRecord, name: str) -> float | None:
    value: float | None = getattr(turn, name)
    return value


def _work_s(turn: TurnRecord) -> float:
    return sum(_part(turn, name) or 0.0 for name in WORK)
