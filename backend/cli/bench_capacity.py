"""`frontdesk bench capacity`: how many calls are answered at once as well as one is."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import typer

from backend.cli.bench_calls import callers, engines, require_running, speak_all
from backend.cli.bench_crowd import Crowd
from backend.cli.bench_figures import Spread, conditions, spread
from backend.cli.bench_processes import Load, Usage, frontdesk_processes, load, usages
from backend.cli.bench_talks import trimmed
from backend.cli.bench_wordings import KNOWLEDGE
from backend.config import Settings
from backend.core.capacity import Capacity, most_calls, write_capacity
from backend.core.errors import LineError
from backend.phone.phone import Phone

WORSE = 1.25
"""Latency that is so many times one call's is too much ..."""
FAILING = 0.005
"""... and so is this share of turns that came to nothing."""
_SETTLE_S = 6.0
"""New calls are greeted meanwhile."""
TURNS = 100
"""A level is measured until so many turns were answered: a 95th percentile of twenty is luck ..."""
_PATIENCE = 4
"""... but no longer than so many times what was asked for."""


@dataclass(frozen=True, slots=True)
class Level:
    """What was measured with so many calls at once."""

    calls: int
    latency: Spread | None
    failures: int
    loads: Mapping[str, Load]

    @property
    def failing(self) -> float:
        """Share of turns that failed, 0-1."""
        turns = self.latency.count if self.latency else 0
        return self.failures / max(turns + self.failures, 1)


def is_too_much(level: Level, one_call: Spread) -> bool:
    """Whether callers notice that they are not alone."""
    if level.latency is None or level.failing > FAILING:
        return True
    return level.latency.p95_s > WORSE * one_call.p95_s


async def run_capacity(
    settings: Settings,
    *,
    extension: str,
    voice: str,
    step: int,
    most: int,
    hold_s: float,
    store: bool,
    as_json: bool,
) -> None:
    """Ramp up, print every level and the result. Raises FrontdeskError when it cannot begin."""
    uri = await require_running(settings, extension)
    most = min(most, most_calls(settings.max_calls, settings.data_dir))
    speech = trimmed(await speak_all(settings, ((voice, line.text) for line in KNOWLEDGE)))
    names = await engines(settings)
    pids = frontdesk_processes(settings)
    empty = usages(pids)
    levels: list[Level] = []
    async with Phone() as phone, asyncio.TaskGroup() as group:
        crowd = Crowd(phone, uri, list(speech.values()), callers(), group)
        try:
            async for level in _ramp(crowd, pids, step, most, hold_s):
                levels.append(level)
                if not as_json:
                    typer.echo(_line(level))
        except asyncio.CancelledError:
            # Ctrl-C after ten minutes: what was measured until then is told all the same.
            task = asyncio.current_task()
            if not levels or task is None:
                raise
            task.uncancel()
        finally:
            await crowd.leave()
    best = best_level(levels)
    if store and best.latency is not None and levels[0].latency is not None:
        capacity = Capacity(
            best.calls,
            datetime.now(UTC).isoformat(timespec="seconds"),
            extension,
            os.cpu_count() or 1,
            round(levels[0].latency.p95_s, 4),
            round(best.latency.p95_s, 4),
        )
        path = await asyncio.to_thread(write_capacity, settings.data_dir, capacity)
        typer.echo(f"Kept in {path}: what FRONTDESK_MAX_CALLS defaults to.", err=True)
    measured_on = conditions([voice], names) | {"extension": extension, "most": most}
    _report(levels, best, empty, measured_on, as_json=as_json)


async def _ramp(
    crowd: Crowd, pids: Mapping[str, int], step: int, most: int, hold_s: float
) -> AsyncIterator[Level]:
    one = await _measure(crowd, pids, 1, hold_s)
    yield one
    if one.latency is None:
        reason = crowd.failures[-1].reason if crowd.failures else "Nothing was answered."
        raise LineError(f"A single call is not answered: {reason}")
    for count in range(step, most + 1, step):
        level = await _measure(crowd, pids, count, hold_s)
        if is_too_much(level, one.latency):
            # Other programs of the machine have bad moments, too: it must be so twice.
            level = await _measure(crowd, pids, count, hold_s)
        yield level
        if is_too_much(level, one.latency):
            return


async def _measure(crowd: Crowd, pids: Mapping[str, int], count: int, hold_s: float) -> Level:
    await crowd.grow_to(count)
    await asyncio.sleep(_SETTLE_S)
    before, since_s = usages(pids), time.monotonic()
    await asyncio.sleep(hold_s)
    while time.monotonic() < since_s + _PATIENCE * hold_s:
        if sum(turn.at_s >= since_s for turn in crowd.turns) >= TURNS:
            break
        await asyncio.sleep(1.0)
    after = usages(pids)
    return Level(
        count,
        spread(turn.latency_s for turn in crowd.turns if turn.at_s >= since_s),
        sum(failure.at_s >= since_s for failure in crowd.failures),
        {name: load(before[name], after[name]) for name in pids},
    )


def best_level(levels: Sequence[Level]) -> Level:
    """The highest level before it was too much; the single call's if there is none."""
    one = levels[0].latency
    good = [level for level in levels if one is not None and not is_too_much(level, one)]
    return good[-1] if good else levels[0]


def per_call(level: Level, empty: Mapping[str, Usage]) -> dict[str, dict[str, float]]:
    """What each call costs: percent of one core, and megabytes beyond what stands there anyway."""
    return {
        name: {
            "cpu_percent": round(one.cpu_percent / level.calls, 3),
            "mb": round((one.rss_mb - empty[name].rss_mb) / level.calls, 2),
        }
        for name, one in level.loads.items()
    }


def _line(level: Level) -> str:
    latency = level.latency
    waits = (
        f"p50 {latency.p50_s * 1000:5.0f}  p95 {latency.p95_s * 1000:5.0f} ms ({latency.count})"
        if latency
        else "no answers"
    )
    used = "  ".join(
        f"{name} {one.cpu_percent:.0f} % {one.rss_mb:.0f} MB" for name, one in level.loads.items()
    )
    return f"{level.calls:5d} calls  {waits}  failed {level.failures}  {used}"


def _report(
    levels: Sequence[Level],
    best: Level,
    empty: Mapping[str, Usage],
    measured_on: Mapping[str, object],
    *,
    as_json: bool,
) -> None:
    is_bounded = best is not levels[-1]
    costs = per_call(best, empty)
    if as_json:
        figures = {
            "conditions": measured_on,
            "calls": best.calls,
            "is_limit": is_bounded,
            "per_call": costs,
            "levels": [asdict(level) for level in levels],
        }
        typer.echo(json.dumps(figures))
        return
    typer.echo("  ".join(f"{name}={value}" for name, value in measured_on.items()))
    more = "" if is_bounded else " or more (the ramp ended here)"
    typer.echo(f"{best.calls} calls at once{more}: p95 within 25 % of one call's, under 0.5 % fail")
    for name, cost in costs.items():
        typer.echo(
            f"  {name:<10}{cost['cpu_percent']:7.2f} % of one core a call{cost['mb']:8.2f} MB"
        )
