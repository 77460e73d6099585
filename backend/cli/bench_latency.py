"""`frontdesk bench latency`: how long callers wait for the bot, measured at their ear."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random

import typer

from backend.cli.bench_calls import Speech, callers, engines, require_running, speak_all
from backend.cli.bench_figures import Spread, conditions, spread, table, turn_spreads
from backend.cli.bench_media_path import measuring_media_path
from backend.cli.bench_talks import GREETING, LEAVE, Talk, ear_turns, hold, look_up, trimmed
from backend.cli.bench_wordings import Kind, plan_turns
from backend.config import Settings
from backend.db.database import Database
from backend.db.models import Who
from backend.pbx.render import ECHO_EXTENSION
from backend.phone.phone import Phone
from backend.phone.script import Play

FROM_KNOWLEDGE = "kb:faq/"
_EAR = "ear: "


async def run_latency(
    settings: Settings,
    *,
    calls: int,
    turns: int,
    at_once: int,
    extension: str,
    voices: Sequence[str],
    keep: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Hold the calls and print the figures. Raises FrontdeskError when it cannot begin."""
    uri = await require_running(settings, extension)
    echo_uri = await require_running(settings, ECHO_EXTENSION)
    random = Random(seed)
    numbers = callers()
    talks = [
        Talk(next(numbers), voices[number % len(voices)], plan_turns(random, turns))
        for number in range(calls)
    ]
    said = ((talk.voice, line.text) for talk in talks for line in talk.lines)
    speech = trimmed(await speak_all(settings, said))
    names = await engines(settings)
    database = Database(settings.db_url)
    try:
        async with Phone() as phone, measuring_media_path(phone, echo_uri) as round_trips:
            await _hold_all(phone, uri, talks, speech, at_once, keep)
        await look_up(database, talks)
    finally:
        database.close()
    measured_on = conditions(voices, names) | {
        "extension": extension,
        "calls": calls,
        "turns": turns,
        "at_once": at_once,
        "seed": seed,
    }
    _report(talks, round_trips, measured_on, as_json=as_json)


async def _hold_all(
    phone: Phone,
    uri: str,
    talks: Sequence[Talk],
    speech: Speech,
    at_once: int,
    keep: Path | None,
) -> None:
    room = asyncio.Semaphore(at_once)

    async def one(talk: Talk) -> None:
        steps = [Play(speech[talk.voice, line.text], line.text) for line in talk.lines]
        async with room:
            await hold(phone, uri, talk, [*steps, *LEAVE], keep=keep)

    async with asyncio.TaskGroup() as group:
        for talk in talks:
            group.create_task(one(talk))


def ear_spreads(talks: Sequence[Talk]) -> dict[str, Spread | None]:
    """Latency at the ear by kind of turn, and of all turns but the greeting.

    Turns in which the bot did not wait for the caller to finish are counted elsewhere: a negative
    latency is no achievement.
    """
    by_kind: dict[str, list[float]] = {kind: [] for kind in (GREETING, *Kind)}
    for talk in talks:
        for turn in ear_turns(talk):
            if turn.latency_s is not None and not turn.is_cut_off:
                by_kind[turn.kind].append(turn.latency_s)
    answers = [value for kind in Kind for value in by_kind[kind]]
    by_name = by_kind | {"all answers": answers}
    return {f"{_EAR}{name}": spread(values) for name, values in by_name.items()}


def counts(talks: Sequence[Talk]) -> dict[str, int]:
    """What went wrong, and how many knowledge base questions were answered from it."""
    turns = [turn for talk in talks for turn in ear_turns(talk)]
    return {
        "failed_calls": sum(bool(talk.trouble) or not talk.records for talk in talks),
        "unanswered_turns": sum(turn.latency_s is None for turn in turns),
        "cut_off_turns": sum(turn.is_cut_off for turn in turns),
        "knowledge_asked": sum(turn.kind == Kind.KNOWLEDGE for turn in turns),
        "knowledge_answered": sum(_answered_from_knowledge(talk) for talk in talks),
    }


def ratios(spreads: Mapping[str, Spread | None], path: Spread | None) -> dict[str, float]:
    """Each median at the ear in round trips of the media path of the same run."""
    if path is None or path.p50_s <= 0:
        return {}
    return {
        name: round(one.p50_s / path.p50_s, 2)
        for name, one in spreads.items()
        if one is not None and name.startswith(_EAR)
    }


def _answered_from_knowledge(talk: Talk) -> int:
    if talk.stored is None:
        return 0
    asked = sum(line.kind is Kind.KNOWLEDGE for line in talk.lines)
    answered = sum(
        turn.who is Who.BOT and turn.source.startswith(FROM_KNOWLEDGE) for turn in talk.stored.turns
    )
    return min(asked, answered)


def _report(
    talks: Sequence[Talk],
    round_trips: Sequence[float],
    measured_on: Mapping[str, object],
    *,
    as_json: bool,
) -> None:
    path = spread(round_trips)
    at_ear = ear_spreads(talks)
    split = turn_spreads(talk.stored for talk in talks if talk.stored)
    found = counts(talks)
    in_paths = ratios(at_ear, path)
    spreads = at_ear | {"media path, round trip": path}
    spreads |= {f"bot: {name}": one for name, one in split.items()}
    if as_json:
        figures = {
            "conditions": measured_on,
            "counts": found,
            "latency": {name: asdict(one) if one else None for name, one in spreads.items()},
            "median_in_round_trips": in_paths,
            "troubles": {talk.caller: talk.trouble for talk in talks if talk.trouble},
        }
        typer.echo(json.dumps(figures))
        return
    typer.echo("  ".join(f"{name}={value}" for name, value in measured_on.items()))
    typer.echo("  ".join(f"{name}={value}" for name, value in found.items()))
    for talk in talks:
        if talk.trouble:
            typer.echo(f"  FAILED {talk.caller}: {talk.trouble}")
    typer.echo("Caller's last voiced sample sent to the bot's first received; the bot's own split")
    typer.echo("\n".join(table(spreads)))
    if in_paths:
        medians = ", ".join(f"{name.removeprefix(_EAR)} {one}" for name, one in in_paths.items())
        typer.echo(f"Medians in round trips of the media path: {medians}")
