"""`frontdesk bench dashboards`: do pages that follow all calls make callers wait longer?"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from statistics import median

import typer

from backend.api.api_keys import create_api_key
from backend.cli.bench_calls import callers, engines, require_running, speak_all
from backend.cli.bench_crowd import Crowd
from backend.cli.bench_figures import Spread, conditions, spread
from backend.cli.bench_talks import trimmed
from backend.cli.bench_wordings import KNOWLEDGE
from backend.cli.users import opened_store
from backend.config import ROOT, Settings
from backend.core.errors import LineError
from backend.db.models import Role
from backend.db.queries import accounts
from backend.phone.phone import Phone

_SETTLE_S = 8.0
"""New calls are greeted meanwhile."""
_OPENED_S = 3.0
"""Dashboards are told what happened so far meanwhile."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What the dashboards saw."""

    events: int
    megabytes: float


@dataclass(frozen=True, slots=True)
class Round:
    """The same calls, nobody watching and then everybody."""

    alone: Spread
    watched: Spread
    seen: Watched


async def run_dashboards(
    settings: Settings,
    *,
    extension: str,
    calls: int,
    dashboards: int,
    rounds: int,
    hold_s: float,
    think_s: float,
    voice: str,
    as_json: bool,
) -> None:
    """Print the latency of both and how they compare. Raises FrontdeskError."""
    uri = await require_running(settings, extension)
    speech = trimmed(await speak_all(settings, ((voice, line.text) for line in KNOWLEDGE)))
    names = await engines(settings)
    done: list[Round] = []
    async with _api_key(settings) as key, Phone() as phone, asyncio.TaskGroup() as group:
        crowd = Crowd(phone, uri, list(speech.values()), callers(), group, think_s)
        try:
            await crowd.grow_to(calls)
            await asyncio.sleep(_SETTLE_S)
            for number in range(rounds):
                done.append(await _round(settings, key, crowd, dashboards, hold_s))
                if not as_json:
                    typer.echo(f"  round {number + 1}: {summary(done[-1:])}")
        finally:
            await crowd.leave()
    measured_on = conditions([voice], names) | {"extension": extension}
    measured_on |= {"calls": calls, "dashboards": dashboards, "think_s": think_s}
    _report(done, len(crowd.failures), measured_on, as_json=as_json)


async def _round(
    settings: Settings, key: str, crowd: Crowd, dashboards: int, hold_s: float
) -> Round:
    alone = await _latency(crowd, hold_s)
    watchers = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "backend.cli.dashboard_watchers"),
        *(settings.web_host, str(settings.web_port), str(dashboards)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if watchers.stdin is None:
        raise LineError("The dashboards cannot be told their key.")
    watchers.stdin.write(f"{key}\n".encode())
    await asyncio.sleep(_OPENED_S)
    watched = await _latency(crowd, hold_s)
    # The end of its input ends it; without any input communicate() would leave it open.
    told, _ = await watchers.communicate(b"")
    if watchers.returncode != 0:
        raise LineError(f"The dashboards did not stay open: {told.decode().strip()}")
    return Round(alone, watched, Watched(**json.loads(told)))


async def _latency(crowd: Crowd, hold_s: float) -> Spread:
    since_s = time.monotonic()
    await asyncio.sleep(hold_s)
    waits = spread(turn.latency_s for turn in crowd.turns if turn.at_s >= since_s)
    if waits is None:
        reason = crowd.failures[-1].reason if crowd.failures else "nothing was said"
        raise LineError(f"No call was answered: {reason}")
    return waits


@asynccontextmanager
async def _api_key(settings: Settings) -> AsyncIterator[str]:
    """A viewer's, revoked afterwards."""
    async with opened_store(settings) as store:
        now = datetime.now(UTC)
        key, record = await create_api_key(store, "bench dashboards", Role.VIEWER, now=now)
        try:
            yield key
        finally:
            await store.write(accounts.revoke_api_key, record.id, now=datetime.now(UTC))


def summary(rounds: Sequence[Round]) -> str:
    """Medians of the rounds' percentiles: the machine may do something else in one of them."""
    cells = []
    for name in ("p50", "p95"):
        alone, watched = (
            median(getattr(one, f"{name}_s") for one in side)
            for side in ([each.alone for each in rounds], [each.watched for each in rounds])
        )
        change = 100 * (watched / alone - 1)
        cells.append(f"{name} {alone * 1000:.0f} -> {watched * 1000:.0f} ms ({change:+.1f} %)")
    turns = sum(each.alone.count for each in rounds), sum(each.watched.count for each in rounds)
    return f"{'  '.join(cells)}  turns {turns[0]} and {turns[1]}"


def _report(
    rounds: Sequence[Round], failures: int, measured_on: dict[str, object], *, as_json: bool
) -> None:
    if as_json:
        figures = [asdict(each) for each in rounds]
        typer.echo(json.dumps({"conditions": measured_on, "failures": failures, "rounds": figures}))
        return
    typer.echo("  ".join(f"{name}={value}" for name, value in measured_on.items()))
    typer.echo(f"At the caller's ear, nobody watching -> all watching: {summary(rounds)}")
    events = sum(each.seen.events for each in rounds)
    megabytes = sum(each.seen.megabytes for each in rounds)
    typer.echo(f"Failed calls: {failures}. Dashboards got {events} events, {megabytes:.1f} MB.")
