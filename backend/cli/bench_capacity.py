"""`frontdesk bench capacity`: how many calls are answered at once as well as one is."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import typer

from backend.cli.bench_calls import callers, engines, require_running, speak_all
from backend.cli.bench_crowd import Crowd, Turn
from backend.cli.bench_figures import Spread, conditions, spread
from backend.cli.bench_processes import Load, Usage, frontdesk_processes, load, usages
from backend.cli.bench_talks import trimmed
from backend.cli.bench_wordings import KNOWLEDGE
from backend.config import Settings
from backend.core.capacity import Capacity, most_calls, write_capacity
from backend.core.errors import LineError
from backend.phone.phone import Phone

WORSE = 1.25
"""Latency that is so many times what the same questions take a single call is too much ..."""
FAILING = 0.005
"""... and so is this share of turns that came to nothing."""
_SETTLE_S = 6.0
"""New calls are greeted meanwhile."""
TURNS = 100
"""A level is measured until so many turns were answered: a 95th percentile of twenty is luck ..."""
_PATIENCE = 4
"""... but no longer than so many times what was asked for."""
_QUESTION_S = 15.0
"""A single call is given so long for each question: it hears every answer out."""


@dataclass(frozen=True, slots=True)
class Level:
    """What was measured with so many calls at once."""

    calls: int
    latency: Spread | None
    alone: Spread | None
    """What the same questions took a single call: one that is misheard is always slow."""
    failures: int
    loads: Mapping[str, Load]

    @property
    def failing(self) -> float:
        """Share of turns that failed, 0-1."""
        turns = self.latency.count if self.latency else 0
        return self.failures / max(turns + self.failures, 1)


def is_too_much(level: Level) -> bool:
    """Whether callers notice that they are not alone."""
    latency, alone = level.latency, level.alone
    if latency is None or alone is None or level.failing > FAILING:
        return True
    return latency.p50_s > WORSE * alone.p50_s or latency.p95_s > WORSE * alone.p95_s


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


@dataclass(frozen=True, slots=True)
class _Held:
    turns: list[Turn]
    failures: int
    loads: Mapping[str, Load]


async def _ramp(
    crowd: Crowd, pids: Mapping[str, int], step: int, most: int, hold_s: float
) -> AsyncIterator[Level]:
    questions = len(crowd.questions)
    await crowd.grow_to(1)
    # Until it has asked everything: what each question takes is what its answers are held against.
    one = await _hold(
        crowd,
        pids,
        (hold_s, _QUESTION_S * questions),
        lambda turns: len({turn.question for turn in turns}) == questions,
    )
    if not one.turns:
        reason = crowd.failures[-1].reason if crowd.failures else "Nothing was answered."
        raise LineError(f"A single call is not answered: {reason}")
    alone_s = {turn.question: turn.latency_s for turn in one.turns}
    yield _level(1, one, alone_s)
    for count in range(step, most + 1, step):
        level = await _measure(crowd, pids, count, hold_s, alone_s)
        if is_too_much(level):
            # Other programs of the machine have bad moments, too: it must be so twice.
            level = await _measure(crowd, pids, count, hold_s, alone_s)
        yield level
        if is_too_much(level):
            return


async def _measure(
    crowd: Crowd,
    pids: Mapping[str, int],
    count: int,
    hold_s: float,
    alone_s: Mapping[int, float],
) -> Level:
    await crowd.grow_to(count)
    await asyncio.sleep(_SETTLE_S)
    times_s = (hold_s, _PATIENCE * hold_s)
    held = await _hold(crowd, pids, times_s, lambda turns: len(turns) >= TURNS)
    return _level(count, held, alone_s)


async def _hold(
    crowd: Crowd,
    pids: Mapping[str, int],
    times_s: tuple[float, float],
    is_enough: Callable[[list[Turn]], bool],
) -> _Held:
    """For so long at least and at most, until the answers are enough."""
    least_s, most_s = times_s
    before, since_s = usages(pids), time.monotonic()

    def turns() -> list[Turn]:
        return [turn for turn in crowd.turns if turn.at_s >= since_s]

    await asyncio.sleep(least_s)
    while time.monotonic() < since_s + most_s:
        if is_enough(turns()):
            break
        await asyncio.sleep(1.0)
    after = usages(pids)
    failures = sum(failure.at_s >= since_s for failure in crowd.failures)
    return _Held(turns(), failures, {name: load(before[name], after[name]) for name in pids})


def _level(calls: int, held: _Held, alone_s: Mapping[int, float]) -> Level:
    known = [turn for turn in held.turns if turn.question in alone_s]
    return Level(
        calls,
        spread(turn.latency_s for turn in known),
        spread(alone_s[turn.question] for turn in known),
        held.failures,
        held.loads,
    )


def best_level(levels: Sequence[Level]) -> Level:
    """The highest level before it was too much; the single call's if there is none."""
    good = [level for level in levels if not is_too_much(level)]
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
    latency, alone = level.latency, level.alone
    waits = (
        f"p50 {latency.p50_s * 1000:5.0f}  p95 {latency.p95_s * 1000:5.0f} ms ({latency.count}; "
        f"alone {alone.p50_s * 1000:.0f} and {alone.p95_s * 1000:.0f})"
        if latency and alone
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
    typer.echo(
        f"{best.calls} calls at once{more}: p50 and p95 within 25 % of what the same questions "
        "take one call, under 0.5 % fail"
    )
    for name, cost in costs.items():
        typer.echo(
            f"  {name:<10}{cost['cpu_percent']:7.2f} % of one core a call{cost['mb']:8.2f} MB"
        )
