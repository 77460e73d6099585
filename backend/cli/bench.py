"""`frontdesk bench answers`: are the answers right, and how long do callers wait for them?"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import typer

from backend.agent.knowledge.load import load_knowledge
from backend.cli.bench_calls import (
    Speech,
    callers,
    engines,
    require_running,
    speak_all,
    stored_call,
)
from backend.cli.bench_figures import Spread, conditions, spread, table, turn_spreads
from backend.cli.bench_scenarios import (
    CUSTOMER,
    GOODBYE,
    SCENARIOS,
    Facts,
    Scenario,
    bot_text,
    gather_facts,
    is_right,
    recognised,
)
from backend.cli.patient_caller import NO, YES, AskedBack, Meant, PatientCaller
from backend.config import Settings
from backend.core.errors import LineError
from backend.db.database import Database
from backend.db.queries.calls import CallDetail
from backend.phone.phone import Phone
from backend.phone.script import Listening, Play, Record, RecordKind, converse

_LISTENING = Listening(quiet_s=1.0, patience_s=12.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """A call to be made."""

    caller: str
    voice: str
    scenario: Scenario


@dataclass(slots=True)
class Held:
    """A call that was made, as both ends know it."""

    plan: Plan
    records: list[Record] = field(default_factory=list)
    stored: CallDetail | None = None
    trouble: str = ""
    is_right: bool = False
    repairs: int = 0
    """How often the caller had to answer a question back, or to say something again."""

    def as_json(self) -> dict[str, object]:
        """What happened, for who looks into it."""
        call = self.stored
        return {
            "caller": self.plan.caller,
            "voice": self.plan.voice,
            "said": list(self.plan.scenario.says),
            "recognised": recognised(call) if call else [],
            "bot": bot_text(call) if call else "",
            "tickets": [ticket.type.value for ticket in call.tickets] if call else [],
            "right": self.is_right,
            "repairs": self.repairs,
            "trouble": self.trouble,
        }


def plan_calls(count: int, voices: Sequence[str]) -> list[Plan]:
    """Scenarios in turn; the voice moves on by one each round, so that each says everything."""
    numbers = callers()
    return [
        Plan(
            next(numbers),
            voices[(number % len(SCENARIOS) + number // len(SCENARIOS)) % len(voices)],
            SCENARIOS[number % len(SCENARIOS)],
        )
        for number in range(count)
    ]


async def run_answers(
    settings: Settings, *, count: int, at_once: int, voices: Sequence[str], as_json: bool
) -> None:
    """Hold the calls and print the figures. Raises FrontdeskError when it cannot begin."""
    uri = await require_running(settings)
    database = Database(settings.db_url)
    try:
        facts = await gather_facts(settings, database)
        asked_back = AskedBack(load_knowledge(settings.kb_path))
        plans = plan_calls(count, voices)
        speech = await speak_all(
            settings, ((p.voice, s) for p in plans for s in (*p.scenario.says, GOODBYE, YES, NO))
        )
        names = await engines(settings)
        room = asyncio.Semaphore(at_once)
        async with Phone() as phone, asyncio.TaskGroup() as group:
            bench = _Bench(phone, uri, speech, database, facts, asked_back, room)
            tasks = [group.create_task(bench.hold(plan)) for plan in plans]
        held = [task.result() for task in tasks]
        _report(held, conditions(voices, names | {"at_once": str(at_once)}), as_json=as_json)
    finally:
        database.close()


@dataclass(frozen=True, slots=True)
class _Bench:
    """What all its calls share."""

    phone: Phone
    uri: str
    speech: Speech
    database: Database
    facts: Facts
    asked_back: AskedBack
    room: asyncio.Semaphore

    async def hold(self, plan: Plan) -> Held:
        """One call, from a caller who answers questions back."""
        held = Held(plan)
        voice = {text: Play(pcm, text) for (v, text), pcm in self.speech.items() if v == plan.voice}
        steps = [voice[text] for text in (*plan.scenario.says, GOODBYE)]
        meant = Meant(plan.scenario.topic, CUSTOMER)
        person = PatientCaller(
            plan.caller,
            lambda _, line, bot: self.asked_back.reply(meant, line, bot),
            self.database,
            voice,
        )
        async with self.room:
            try:
                call = await self.phone.dial(self.uri, caller=plan.caller)
            except LineError as error:
                held.trouble = error.message
                return held
            async for record in converse(call, steps, listening=_LISTENING, react=person.react):
                held.records.append(record)
                if record.kind is RecordKind.CALLER:
                    person.said(record.text)
        held.repairs = person.repairs
        held.stored = await stored_call(self.database, plan.caller)
        if held.stored is None:
            held.trouble = "The call is not in the database, or never ended there."
        else:
            held.is_right = is_right(plan.scenario, held.stored, self.facts)
        return held


def ear_spreads(held: Sequence[Held]) -> dict[str, Spread | None]:
    """Latency at the caller's ear: the greeting after the answer, the answers after our voice."""
    greetings: list[float] = []
    answers: list[float] = []
    for one in held:
        spoke = False
        for before, record in zip(one.records, one.records[1:], strict=False):
            spoke = spoke or before.kind is RecordKind.CALLER
            if record.kind is RecordKind.BOT and record.latency_s is not None:
                if not spoke:
                    greetings.append(record.latency_s)
                elif before.kind is RecordKind.CALLER:
                    answers.append(record.latency_s)
    return {
        "caller's ear: answer": spread(answers),
        "caller's ear: greeting": spread(greetings),
    }


def _report(held: Sequence[Held], measured_on: dict[str, object], *, as_json: bool) -> None:
    latency = turn_spreads(one.stored for one in held if one.stored) | ear_spreads(held)
    failures = [one for one in held if not one.is_right]
    right = len(held) - len(failures)
    at_once = sum(one.is_right and not one.repairs for one in held)
    by_voice = _by_voice(held)
    if as_json:
        figures = {
            "conditions": measured_on,
            "right": right,
            "right_without_repairs": at_once,
            "calls": len(held),
            "by_voice": {voice: {"right": r, "calls": n} for voice, (r, n) in by_voice.items()},
            "latency": {name: asdict(one) if one else None for name, one in latency.items()},
            "held": [one.as_json() for one in held],
        }
        typer.echo(json.dumps(figures))
        return
    typer.echo("  ".join(f"{name}={value}" for name, value in measured_on.items()))
    voices = ", ".join(f"{voice} {r}/{n}" for voice, (r, n) in by_voice.items())
    typer.echo(f"Right answers: {right}/{len(held)} = {100 * right / len(held):.1f} %   ({voices})")
    typer.echo(f"Of these without being asked back or saying anything twice: {at_once}")
    for one in failures:
        typer.echo("\n".join(_failure_lines(one)))
    typer.echo("Latency ('work': recognition + thinking + first_audio, after the recording ended)")
    typer.echo("\n".join(table(latency)))


def _by_voice(held: Sequence[Held]) -> dict[str, tuple[int, int]]:
    counts: dict[str, tuple[int, int]] = {}
    for one in held:
        right, calls = counts.get(one.plan.voice, (0, 0))
        counts[one.plan.voice] = (right + one.is_right, calls + 1)
    return counts


def _failure_lines(held: Held) -> list[str]:
    facts = held.as_json()
    lines = [f"  WRONG ({held.plan.voice}, {held.plan.caller}) {held.trouble}"]
    return lines + [
        f"    {name:<11}{facts[name]}" for name in ("said", "recognised", "bot", "tickets")
    ]
