"""`frontdesk bench capacity --idle` and `frontdesk bench memory`: calls in which nobody talks."""

import asyncio
import json
from collections.abc import Mapping, Sequence

import numpy as np
import typer

from backend.cli.bench_calls import callers, require_running
from backend.cli.bench_crowd import DIALS_PER_S
from backend.cli.bench_figures import conditions
from backend.cli.bench_processes import frontdesk_processes, load, usage, usages
from backend.config import Settings
from backend.core.errors import ConfigError, LineError
from backend.phone.call import PhoneCall
from backend.phone.phone import Phone
from backend.phone.surroundings import Surroundings

QUIET_LINE = Surroundings(noise_dbfs=-55.0)
"""No real line is digitally silent, and silence might be cheaper to listen to than it should."""
_GREETING_S = 20.0
_QUIET_S = 0.5
_SAMPLES = 20
_WARM_UP = 0.2
"""Share of the calls after which caches are full: growth counts from there."""


async def run_idle(
    settings: Settings, *, calls: int, extension: str, hold_s: float, as_json: bool
) -> None:
    """Hold calls that only listen; print what each costs. Raises FrontdeskError."""
    needed_s = hold_s + calls / DIALS_PER_S
    if settings.answer_wait_s < needed_s:
        raise ConfigError(
            f"The bot asks again after {settings.answer_wait_s} s; these calls are to listen for "
            f"{needed_s:.0f} s.",
            fix="Set FRONTDESK_ANSWER_WAIT_S=60 for `frontdesk up` and for the bench, or hold "
            "fewer calls for less long.",
        )
    uri = await require_running(settings, extension)
    pids = frontdesk_processes(settings)
    resting_from = usages(pids)
    await asyncio.sleep(hold_s / 2)
    resting = usages(pids)
    async with Phone() as phone:
        held = await _all_greeted(phone, uri, calls)
        before = usages(pids)
        spoken = [call.last_voice_s(float("inf")) for call in held]
        await asyncio.sleep(hold_s)
        after = usages(pids)
        disturbed = sum(
            call.ended is not None or call.last_voice_s(float("inf")) > until_s
            for call, until_s in zip(held, spoken, strict=True)
        )
    costs = {
        name: {
            "cpu_percent": load(before[name], after[name]).cpu_percent / calls,
            "cpu_percent_beyond_rest": (
                load(before[name], after[name]).cpu_percent
                - load(resting_from[name], resting[name]).cpu_percent
            )
            / calls,
            "mb": (after[name].rss_mb - resting[name].rss_mb) / calls,
        }
        for name in pids
    }
    _report_idle(calls, disturbed, costs, conditions([], {"extension": extension}), as_json)


async def _all_greeted(phone: Phone, uri: str, count: int) -> list[PhoneCall]:
    """So many calls, greeted and quiet. Raises LineError when one is not."""
    numbers = callers()

    async def greeted() -> PhoneCall:
        call = await phone.dial(uri, caller=next(numbers), surroundings=QUIET_LINE)
        await call.wait_for_quiet(_QUIET_S, _GREETING_S, call.dialled_at_s)
        return call

    tasks = []
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            tasks.append(group.create_task(greeted()))
            await asyncio.sleep(1 / DIALS_PER_S)
    return [task.result() for task in tasks]


async def run_memory(
    settings: Settings, *, calls: int, at_once: int, extension: str, as_json: bool
) -> None:
    """Hold call after call; print how the bot's memory grows. Raises FrontdeskError."""
    uri = await require_running(settings, extension)
    bot = frontdesk_processes(settings).get("bot")
    if bot is None:
        raise LineError(
            "The bot's process is not on this machine, or not started by `frontdesk up`.",
            fix="Measure where it runs, with its FRONTDESK_DATA_DIR.",
        )
    numbers = callers()
    every = max(calls // _SAMPLES, 1)
    samples = [(0, usage(bot).rss_mb)]
    done = failed = 0
    async with Phone() as phone:
        while done < calls:
            batch = min(at_once, calls - done)
            results = await asyncio.gather(
                *(_short_call(phone, uri, next(numbers)) for _ in range(batch))
            )
            failed += results.count(False)
            done += batch
            if done // every > (done - batch) // every:
                samples.append((done, usage(bot).rss_mb))
    growth = growth_mb(samples, calls)
    if as_json:
        figures = {"calls": calls, "failed": failed, "samples": samples, "growth_mb": growth}
        typer.echo(json.dumps(figures))
        return
    for number, rss_mb in samples:
        typer.echo(f"{number:7d} calls {rss_mb:9.1f} MB")
    typer.echo(
        f"{failed} failed. Growth by line of best fit over the last "
        f"{1 - _WARM_UP:.0%} of {calls} calls: {growth:.1f} MB"
    )


async def _short_call(phone: Phone, uri: str, caller: str) -> bool:
    """Greeted, then hung up in the middle of it."""
    try:
        call = await phone.dial(uri, caller=caller)
        try:
            await call.wait_for_voice(call.dialled_at_s, _GREETING_S)
            await call.stay(_QUIET_S)
        finally:
            await call.hang_up()
    except (LineError, TimeoutError):
        return False
    return True


def growth_mb(samples: Sequence[tuple[int, float]], calls: int) -> float:
    """How much memory grew over the calls after the warm-up, by least squares."""
    settled = [(number, mb) for number, mb in samples if number >= _WARM_UP * calls]
    if len(settled) < 2:
        return 0.0
    numbers, mbs = np.array(settled, dtype=float).T
    slope = float(np.polyfit(numbers, mbs, 1)[0])
    return slope * float(numbers[-1] - numbers[0])


def _report_idle(
    calls: int,
    disturbed: int,
    costs: Mapping[str, Mapping[str, float]],
    measured_on: Mapping[str, object],
    as_json: bool,
) -> None:
    if as_json:
        figures = {"calls": calls, "disturbed": disturbed, "per_call": costs}
        typer.echo(json.dumps(figures | {"conditions": measured_on}))
        return
    typer.echo("  ".join(f"{name}={value}" for name, value in measured_on.items()))
    typer.echo(f"{calls} calls that listen; {disturbed} were spoken to or ended meanwhile")
    for name, cost in costs.items():
        typer.echo(
            f"  {name:<10}{cost['cpu_percent']:7.3f} % of one core a call "
            f"({cost['cpu_percent_beyond_rest']:.3f} beyond rest){cost['mb']:8.2f} MB"
        )
