"""Where the time of answers went: sums for the API, drawn splits for pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.db.latency import PARTS
from backend.db.models import Who
from backend.db.queries.calls import TurnRecord

TOTAL = "total"
SPLIT = tuple(part for part in PARTS if part != TOTAL)
"""What a turn is made of, in the order it happens."""


@dataclass(frozen=True, slots=True)
class PartSummary:
    """How long one part of a call's answers took."""

    part: str
    turns: int
    p50_s: float | None
    p95_s: float | None
    max_s: float | None


def answers(turns: Sequence[TurnRecord]) -> list[TurnRecord]:
    """The bot's answers that were timed."""
    return [turn for turn in turns if turn.who is Who.BOT and turn.total_s is not None]


def summarise(turns: Sequence[TurnRecord]) -> list[PartSummary]:
    """Exact percentiles of every part, in the order of `PARTS`."""
    summaries = []
    for part in PARTS:
        seconds = sorted(
            value for turn in turns if (value := getattr(turn, f"{part}_s")) is not None
        )
        largest = seconds[-1] if seconds else None
        middle, high = percentile(seconds, 0.5), percentile(seconds, 0.95)
        summaries.append(PartSummary(part, len(seconds), middle, high, largest))
    return summaries


def percentile(ordered: Sequence[float], fraction: float) -> float | None:
    """Linear interpolation between the closest ranks; None of nothing."""
    if not ordered:
        return None
    place = fraction * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    between = ordered[below] + (ordered[above] - ordered[below]) * (place - below)
    return min(between, ordered[above])  # rounding may step over it
