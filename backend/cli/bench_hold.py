"""`frontdesk bench hold`: many calls at once, all talking, held together for a while."""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import typer

from backend.audio.pcm import Pcm
from backend.cli.bench_calls import callers, engines, require_running, speak_all, stored_call
from backend.cli.bench_figures import conditions, table, turn_spreads
from backend.cli.bench_processes import Load, frontdesk_processes, load, usages
from backend.config import Settings
from backend.core.capacity import most_calls
from backend.core.errors import ConfigError, LineError
from backend.db.database import Database
from backend.db.queries.calls import CallDetail
from backend.phone.call import PhoneCall
from backend.phone.phone import Phone

RAMP_CALLS_PER_S = 10
VOICE = "slt"
QUESTIONS = (
    "what are your opening hours",
    "where is your office",
    "how can i pay my bill",
    "are you open on saturdays",
)
_QUIET_S = 1.0
_PATIENCE_S = 12.0
_LONGEST_SPEECH_S = 60.0
_LONGEST_PAUSE_S = 3.0
"""Well within `answer_wait_s`: a silent caller is asked again, and hung up on."""


@dataclass(slots=True)
class Line:
    """One of the calls, at the phone's end."""

    caller: str
    call: PhoneCall | None = None
    trouble: str = ""
    answers: int = 0
    packets: int = 0
    """Received while all were held together."""

    @property
    def is_good(self) -> bool:
        """Greeted, answered, and up until we hung up."""
        return not self.trouble and self.answers > 0


@dataclass(frozen=True, slots=True)
class Together:
    """The time in which all were up."""

    lasted_s: float
    up: int
    """Calls that were up at its end."""
    loads: dict[str, Load]


async def run_hold(settings: Settings, *, count: int, hold_s: float, as_json: bool) -> None:
    """Hold the calls and print the figures. Raises FrontdeskError when it cannot begin."""
    most = most_calls(settings.max_calls, settings.data_dir)
    if count > most:
        raise ConfigError(
            f"{count} calls are more than the {most} the bot answers at once.",
            fix=f"Set FRONTDESK_MAX_CALLS={count} for `frontdesk up` and for the bench.",
        )
    uri = await require_running(settings)
    database = Database(settings.db_url)
    try:
        speech = await speak_all(settings, ((VOICE, question) for question in QUESTIONS))
        names = await engines(settings)
        numbers = callers()
        lines = [Line(next(numbers)) for _ in range(count)]
        together = await _hold(settings, uri, lines, list(speech.values()), hold_s)
        found = [await stored_call(database, line.caller) for line in lines if line.call]
        stored = [call for call in found if call is not None]
        _report(lines, stored, together, conditions([VOICE], names), as_json=as_json)
    finally:
        database.close()


async def _hold(
    settings: Settings, uri: str, lines: Sequence[Line], questions: Sequence[Pcm], hold_s: float
) -> Together:
    is_over = asyncio.Event()
    async with Phone() as phone, asyncio.TaskGroup() as group:
        dialling = []
        for line in lines:
            dialling.append(group.create_task(_dial(phone, uri, line)))
            await asyncio.sleep(1 / RAMP_CALLS_PER_S)
            group.create_task(_talk_when_up(dialling[-1], line, questions, is_over))
        await asyncio.wait(dialling)
        pids = frontdesk_processes(settings)
        before, began_s = usages(pids), time.monotonic()
        packets = [line.call.packets_heard if line.call else 0 for line in lines]
        await asyncio.sleep(hold_s)
        after, lasted_s = usages(pids), time.monotonic() - began_s
        for line, earlier in zip(lines, packets, strict=True):
            line.packets = line.call.packets_heard - earlier if line.call else 0
        up = len(phone.calls)
        is_over.set()
    return Together(lasted_s, up, {name: load(before[name], after[name]) for name in pids})


async def _dial(phone: Phone, uri: str, line: Line) -> None:
    try:
        line.call = await phone.dial(uri, caller=line.caller)
    except LineError as error:
        line.trouble = error.message


async def _talk_when_up(
    dialling: "asyncio.Task[None]", line: Line, questions: Sequence[Pcm], is_over: asyncio.Event
) -> None:
    await dialling
    if line.call is None:
        return
    talking = asyncio.create_task(_talk(line, line.call, questions))
    waiting = asyncio.create_task(is_over.wait())
    try:
        # Talking ends before the time is over only when the call has failed.
        await asyncio.wait((talking, waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        talking.cancel()
        waiting.cancel()
        await asyncio.gather(talking, waiting, return_exceptions=True)
        await line.call.hang_up()


async def _talk(line: Line, call: PhoneCall, questions: Sequence[Pcm]) -> None:
    """Listen, pause for a moment, ask; over and over."""
    heard_until_s = call.dialled_at_s
    try:
        while True:
            await call.wait_for_voice(heard_until_s, _PATIENCE_S)
            span = await call.wait_for_quiet(_QUIET_S, _LONGEST_SPEECH_S, heard_until_s)
            line.answers += heard_until_s > call.dialled_at_s
            heard_until_s = span.end_s
            await call.stay(random.uniform(0, _LONGEST_PAUSE_S))
            await call.speak(random.choice(questions))
    except TimeoutError:
        line.trouble = "The bot was silent for too long, or spoke for too long."
    except LineError as error:
        line.trouble = error.message


def _report(
    lines: Sequence[Line],
    stored: Sequence[CallDetail],
    together: Together,
    measured_on: dict[str, object],
    *,
    as_json: bool,
) -> None:
    latency = turn_spreads(stored)
    failed = [line for line in lines if not line.is_good]
    packets_per_s = [line.packets / together.lasted_s for line in lines]
    figures = {
        "calls": len(lines),
        "answered": sum(line.call is not None for line in lines),
        "failed": len(failed),
        "up_at_the_end": together.up,
        "stored": len(stored),
        "held_s": round(together.lasted_s, 1),
        "answers_heard": sum(line.answers for line in lines),
        "fewest_answers_in_a_call": min(line.answers for line in lines),
        "packets_per_s": round(sum(packets_per_s)),
        "fewest_packets_per_s_in_a_call": round(min(packets_per_s), 1),
    }
    if as_json:
        rest = {
            "conditions": measured_on,
            "processes": {name: asdict(one) for name, one in together.loads.items()},
            "latency": {name: asdict(one) if one else None for name, one in latency.items()},
            "failures": {line.caller: line.trouble or "never answered" for line in failed},
        }
        typer.echo(json.dumps(figures | rest))
        return
    typer.echo("  ".join(f"{name}={value}" for name, value in measured_on.items()))
    typer.echo("  ".join(f"{name}={value}" for name, value in figures.items()))
    for line in failed:
        typer.echo(f"  FAILED {line.caller}: {line.trouble or 'heard no answer'}")
    for name, one in together.loads.items():
        typer.echo(f"  {name:<10}{one.cpu_percent:6.1f} % of one core{one.rss_mb:8.0f} MB resident")
    typer.echo("Latency of the turns of these calls")
    typer.echo("\n".join(table(latency)))
