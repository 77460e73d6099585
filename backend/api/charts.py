"""Charts as plain geometry; templates draw it as SVG. Pure arithmetic."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from backend.db.queries.analytics import Day

HEIGHT = 100.0
STEP = 10.0
GAP = 2.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One day's bar, from the top down: calls that needed more, then those the bot ended alone."""

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


def daily_chart(days: Sequence[Day], name: Callable[[date], str]) -> Chart:
    """Calls per day. `name` writes a day."""
    top = round_up(max((one.totals.calls for one in days), default=0))
    bars = [_bar(number, one, top, name) for number, one in enumerate(days) if one.totals.calls]
    spread = sorted({0, len(days) // 2, len(days) - 1}) if len(days) > 2 else range(len(days))
    labels = [name(days[number].day) for number in spread]
    return Chart(len(days) * STEP, bars, (top, top // 2, 0), labels)


def round_up(most: int) -> int:
    """A value for the top of the axis: even, and 1, 2, 4, 6 or 8 times a power of ten."""
    power = 1
    while True:
        for factor in (1, 2, 4, 6, 8):
            top = factor * power
            if top >= most and top % 2 == 0:
                return top
        power *= 10


def _bar(number: int, one: Day, top: int, name: Callable[[date], str]) -> Bar:
    totals = one.totals
    contained = totals.contained / top * HEIGHT
    whole = totals.calls / top * HEIGHT
    return Bar(
        x=round(number * STEP + GAP / 2, 2),
        width=STEP - GAP,
        rest_y=round(HEIGHT - whole, 2),
        rest_height=round(whole - contained, 2),
        contained_y=round(HEIGHT - contained, 2),
        contained_height=round(contained, 2),
        words=f"{name(one.day)}: {totals.calls} calls, {totals.contained} by the bot alone",
    )
