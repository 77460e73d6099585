"""`frontdesk eval calls`: written calls, and in how many of them all was as it must be."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import typer

from backend.agent.knowledge.store import KnowledgeStore
from backend.cli.scenario_call import play_as_calls
from backend.cli.scenario_files import ScenarioFileError, read_scenarios
from backend.cli.scenario_play import Played, TextStage
from backend.config import ROOT, Settings
from backend.core.errors import FrontdeskError
from backend.modelstore.store import ModelStore

SHIPPED = ROOT / "kb" / "scenarios"


@dataclass(frozen=True, slots=True)
class CallReport:
    """The figures of calls that were played; at least one."""

    played: Sequence[Played]
    timed: str = "thinking"
    """What the times are of."""

    @property
    def success(self) -> float:
        """Share of calls in which all was as it must be."""
        return 1 - len(self.failed) / len(self.played)

    @property
    def failed(self) -> Sequence[Played]:
        """Calls in which something was not."""
        return [call for call in self.played if call.mistakes]

    @property
    def at_once(self) -> int:
        """Good calls in which nobody was asked back or said anything twice."""
        return sum(not call.mistakes and not call.repairs for call in self.played)

    @property
    def turns(self) -> float:
        """Mean number of the caller's turns."""
        return fmean(call.turns for call in self.played)

    @property
    def containment(self) -> float:
        """Share of calls after which no person has to talk to the caller."""
        return fmean(call.contained for call in self.played)

    @property
    def policies(self) -> dict[str, tuple[int, int]]:
        """Good calls and all calls of each policy."""
        of = Counter(call.case.scenario.policy for call in self.played)
        good = Counter(call.case.scenario.policy for call in self.played if not call.mistakes)
        return {policy: (good[policy], count) for policy, count in sorted(of.items())}

    @property
    def voices(self) -> dict[str, tuple[int, int]]:
        """Good calls and all calls of each voice; empty for calls in text."""
        of = Counter(call.voice for call in self.played if call.voice)
        good = Counter(call.voice for call in self.played if not call.mistakes)
        return {voice: (good[voice], count) for voice, count in sorted(of.items())}

    def turn_ms(self, share: float) -> float:
        """The time within which `share` of all turns were answered; 0 without turns."""
        took_ms = sorted(ms for call in self.played for ms in call.took_ms)
        return took_ms[min(int(len(took_ms) * share), len(took_ms) - 1)] if took_ms else 0.0


async def play_as_text(
    path: Path, knowledge: KnowledgeStore, settings: Settings, seeds: Sequence[int]
) -> CallReport:
    """Play every scenario once for each seed. Raises ScenarioFileError."""
    cases = read_scenarios(path)
    stage = TextStage(knowledge, settings)
    try:
        return CallReport([await stage.play(case, seed) for seed in seeds for case in cases])
    finally:
        stage.close()


async def run_real_calls(
    settings: Settings,
    path: Path,
    *,
    seeds: Sequence[int],
    voices: Sequence[str],
    at_once: int,
    extension: str,
    as_json: bool,
) -> None:
    """The same by telephone, with a running Frontdesk. Raises FrontdeskError."""
    cases = read_scenarios(path)
    played = await play_as_calls(
        cases,
        settings,
        await open_knowledge(settings),
        seeds=seeds,
        voices=voices,
        at_once=at_once,
        extension=extension,
    )
    if not played:
        raise ScenarioFileError(f"No call in {path.name} can be played by telephone.")
    left_out = len(cases) - len(played) // (len(seeds) * len(voices))
    typer.echo(f"{left_out} of {len(cases)} calls can only be played as text.", err=True)
    _print(CallReport(played, "answer"), as_json=as_json)


async def run_eval_calls(
    settings: Settings, path: Path, *, seeds: Sequence[int], as_json: bool
) -> None:
    """Print the figures; exit status 1 when a call failed. Raises FrontdeskError."""
    knowledge = await open_knowledge(settings)
    _print(await play_as_text(path, knowledge, settings, seeds), as_json=as_json)


async def open_knowledge(settings: Settings) -> KnowledgeStore:
    """The knowledge base in use, as it is now. Raises FrontdeskError."""

    def refuse(error: FrontdeskError) -> None:
        raise error

    knowledge = KnowledgeStore(
        settings.kb_path,
        model_dir=settings.data_dir / "models" / "intents",
        on_problem=refuse,
        sentence_model=ModelStore(settings.data_dir).find_sentence(),
    )
    await knowledge.start(watch=False)
    return knowledge


def _print(report: CallReport, *, as_json: bool) -> None:
    typer.echo(as_figures(report) if as_json else as_lines(report))
    if report.failed:
        raise typer.Exit(1)


def as_figures(report: CallReport) -> str:
    """One JSON object."""
    figures = {
        "task_success": report.success,
        "calls": len(report.played),
        "without_repairs": report.at_once,
        "turns": report.turns,
        "containment": report.containment,
        "p50_ms": report.turn_ms(0.5),
        "p95_ms": report.turn_ms(0.95),
        "policies": {name: good / of for name, (good, of) in report.policies.items()},
        "voices": {name: good / of for name, (good, of) in report.voices.items()},
        "failures": [
            {
                "scenario": call.case.scenario.name,
                "place": call.case.place,
                "seed": call.seed,
                "voice": call.voice,
                "mistakes": list(call.mistakes),
            }
            for call in report.failed
        ],
    }
    return json.dumps(figures, indent=2)


def as_lines(report: CallReport) -> str:
    """A table for people, the failures at its end."""
    calls = len(report.played)
    lines = [f"{policy:<16} {good:>4} of {of}" for policy, (good, of) in report.policies.items()]
    lines += [f"voice {voice:<10} {good:>4} of {of}" for voice, (good, of) in report.voices.items()]
    lines += [
        f"{'task success':<16} {calls - len(report.failed):>4} of {calls} ({report.success:.1%})",
        f"{'turns':<16} {report.turns:.1f} of the caller's in a call",
        f"{'containment':<16} {report.containment:.1%} need no person",
        f"{report.timed:<16} p50 {report.turn_ms(0.5):.1f} ms,"
        f" p95 {report.turn_ms(0.95):.1f} ms a turn",
    ]
    if report.voices:
        lines.append(f"{'at once':<16} {report.at_once:>4} of the good ones, nothing asked back")
    for call in report.failed:
        who = f"{call.voice}, " if call.voice else ""
        lines.append(f"✗ {call.case.place}, {who}seed {call.seed}: {call.case.scenario.name}")
        lines += [f"    {mistake}" for mistake in call.mistakes]
    return "\n".join(lines)
