"""Charts as plain geometry; templates draw it as SVG. Pure arithmetic.

Drawn by the server because they are seven shapes each: no library, nothing to wait for, and they
take their colours from the style sheet in both themes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 100.0
STEP = 10.0
GAP = 2.0
TOPS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 600.0, 3600.0)
"""What the top of an axis of seconds may be."""


@dataclass(frozen=True, slots=True)
class Column:
    """What one bar shows: all calls, and those the bot ended alone."""

    name: str
    calls: int
    contained: int

    @property
    def words(self) -> str:
        """For who cannot see the bar."""
        return f"{self.name}: {self.calls} calls, {self.contained} by the bot alone"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, from the top down: calls that needed more, then those the bot ended alone."""

    x: float
    width: float
    rest_y: float
    rest_height: float
    contained_y: float
    contained_height: float
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars in a box of `width` x `HEIGHT`; `ticks` are the values at its top, middle, bottom."""

    width: float
    bars: list[Bar]
    ticks: tuple[int, ...]
    labels: list[str]
    """Names along the x axis, evenly spread."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Two percentiles of one stretch of time, in seconds; None where nothing was measured."""

    name: str
    p50_s: float | None
    p95_s: float | None


@dataclass(frozen=True, slots=True)
class Curves:
    """Two curves in a box of `width` x `HEIGHT`, each in pieces: nothing is drawn over gaps."""

    width: float
    p50: list[str]
    """Points of polylines."""
    p95: list[str]
    ticks_s: tuple[float, ...]
    labels: list[str]


def column_chart(columns: Sequence[Column]) -> Chart:
    """A bar for each column that has calls."""
    top = round_up(max((one.calls for one in columns), default=0))
    bars = [_bar(number, one, top) for number, one in enumerate(columns) if one.calls]
    labels = _spread([one.name for one in columns])
    return Chart(len(columns) * STEP, bars, (top, top // 2, 0), labels)


def latency_curves(measured: Sequence[Measured]) -> Curves:
    """Curves through the middle of each stretch; what is above the axis touches its top."""
    most_s = max((one.p95_s or 0.0 for one in measured), default=0.0)
    top_s = next((top for top in TOPS_S if top >= most_s), TOPS_S[-1])
    return Curves(
        len(measured) * STEP,
        _pieces([one.p50_s for one in measured], top_s),
        _pieces([one.p95_s for one in measured], top_s),
        (top_s, top_s / 2, 0.0),
        _spread([one.name for one in measured]),
    )


def round_up(most: int) -> int:
    """A value for the top of the axis: even, and 1, 2, 4, 6 or 8 times a power of ten."""
    power = 1
    while True:
        for factor in (1, 2, 4, 6, 8):
            top = factor * power
            if top >= most and top % 2 == 0:
                return top
        power *= 10


def _bar(number: int, one: Column, top: int) -> Bar:
    contained = one.contained / top * HEIGHT
    whole = one.calls / top * HEIGHT
    return Bar(
        x=round(number * STEP + GAP / 2, 2),
        width=STEP - GAP,
        rest_y=round(HEIGHT - whole, 2),
        rest_height=round(whole - contained, 2),
        contained_y=round(HEIGHT - contained, 2),
        contained_height=round(contained, 2),
        words=one.words,
    )


def _pieces(values_s: Sequence[float | None], top_s: float) -> list[str]:
    pieces: list[list[str]] = [[]]
    for number, value_s in enumerate(values_s):
        if value_s is None:
            pieces.append([])
            continue
        x = (number + 0.5) * STEP
        y = HEIGHT - min(value_s / top_s, 1.0) * HEIGHT
        # A point alone is a line as wide as a bar: a polyline of one point shows nothing.
        pieces[-1].append(f"{x:.1f},{y:.2f}")
    return [_drawn(piece) for piece in pieces if piece]


def _drawn(piece: Sequence[str]) -> str:
    if len(piece) > 1:
        return " ".join(piece)
    x, y = piece[0].split(",")
    return f"{float(x) - 2:.1f},{y} {float(x) + 2:.1f},{y}"


def _spread(names: Sequence[str]) -> list[str]:
    last = len(names) - 1
    numbers = sorted({0, len(names) // 2, last}) if last > 1 else range(len(names))
    return [names[number] for number in numbers]
