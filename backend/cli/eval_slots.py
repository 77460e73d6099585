"""`frontdesk eval slots`: how many phrasings of a table the slot readers get right."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter

import typer

from backend.agent.slots.numbers import Length
from backend.agent.slots.readers import slot_readers
from backend.agent.slots.slot import SlotReader
from backend.config import ROOT
from backend.core.errors import FrontdeskError

NOW = datetime.fromisoformat("2026-11-18T10:00:00-05:00")
"""The moment the shipped table was said: a Wednesday morning."""
NONE = "none"
"""The file of sentences in which there is nothing to find."""
DIGITS = Length(4, 4)
SHIPPED = ROOT / "tests" / "agent" / "slots"


@dataclass(frozen=True, slots=True)
class Phrasing:
    """One line of a table: what is said, and the value as `str()` gives it."""

    family: str
    said: str
    value: str


@dataclass(frozen=True, slots=True)
class Miss:
    """A phrasing that was read wrongly; empty `found`: nothing was found."""

    family: str
    said: str
    value: str
    found: str


@dataclass(frozen=True, slots=True)
class SlotReport:
    """Right and all phrasings of each family; wrong guesses where there was nothing."""

    families: Mapping[str, tuple[int, int]]
    misses: Sequence[Miss]
    sentences_without: int
    guesses: Sequence[Miss]
    p50_ms: float
    p95_ms: float

    @property
    def accuracy(self) -> float:
        """Share of phrasings read rightly."""
        right = sum(right for right, _ in self.families.values())
        return right / max(1, sum(of for _, of in self.families.values()))

    @property
    def wrong_guesses(self) -> float:
        """Share of the sentences without a value in which any reader found one."""
        return len({guess.said for guess in self.guesses}) / max(1, self.sentences_without)


def read_table(folder: Path) -> list[Phrasing]:
    """The files `<family>.tsv` of a folder: said, tab, value; `none.tsv`: said alone.

    Raises FrontdeskError when a line cannot be read or there is no file.
    """
    table = [phrasing for path in sorted(folder.glob("*.tsv")) for phrasing in _read(path)]
    if not table:
        raise FrontdeskError(f"There is no table of phrasings (*.tsv) in {folder}.")
    return table


def _read(path: Path) -> Iterator[Phrasing]:
    family = path.stem
    if family not in (NONE, *slot_readers(NOW, DIGITS)):
        known = ", ".join(slot_readers(NOW, DIGITS))
        raise FrontdeskError(f"{path.name} is named after no kind of slot. There are: {known}.")
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FrontdeskError(f"{path.name} is not text that can be read: {error}.") from error
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        said, tab, value = line.partition("\t")
        if bool(tab) == (family == NONE):
            wanted = "one sentence alone" if family == NONE else "a phrasing, a tab and its value"
            raise FrontdeskError(f"{path.name}, line {number} must be {wanted}.")
        yield Phrasing(family, said, value)


def evaluate(table: Sequence[Phrasing]) -> SlotReport:
    """Read every phrasing with its family's reader; those without a value with every reader."""
    readers = slot_readers(NOW, DIGITS)
    families: dict[str, tuple[int, int]] = {}
    misses: list[Miss] = []
    guesses: list[Miss] = []
    took_ms: list[float] = []
    without = 0
    for phrasing in table:
        if phrasing.family == NONE:
            without += 1
            guesses += _guesses(readers, phrasing)
            continue
        began = perf_counter()
        found = readers[phrasing.family].read(phrasing.said)
        took_ms.append((perf_counter() - began) * 1000)
        value = str(found.value) if found else ""
        right, of = families.get(phrasing.family, (0, 0))
        families[phrasing.family] = (right + (value == phrasing.value), of + 1)
        if value != phrasing.value:
            misses.append(Miss(phrasing.family, phrasing.said, phrasing.value, value))
    took_ms = sorted(took_ms) or [0.0]
    return SlotReport(
        families, misses, without, guesses,
        p50_ms=took_ms[len(took_ms) // 2], p95_ms=took_ms[len(took_ms) * 95 // 100],
    )  # fmt: skip


def _guesses(readers: Mapping[str, SlotReader[object]], phrasing: Phrasing) -> Iterator[Miss]:
    for family, reader in readers.items():
        found = reader.read(phrasing.said)
        if found:
            yield Miss(family, phrasing.said, "", str(found.value))


def run_eval_slots(folder: Path = SHIPPED, *, as_json: bool) -> None:
    """Print the figures of the table in `folder`. Raises FrontdeskError as `read_table` does."""
    report = evaluate(read_table(folder))
    if as_json:
        figures = {
            "accuracy": report.accuracy,
            "wrong_guesses": report.wrong_guesses,
            "families": {name: right / of for name, (right, of) in report.families.items()},
            "phrasings": sum(of for _, of in report.families.values()),
            "sentences_without": report.sentences_without,
            "p50_ms": report.p50_ms,
            "p95_ms": report.p95_ms,
            "misses": [asdict(miss) for miss in (*report.misses, *report.guesses)],
        }
        typer.echo(json.dumps(figures, indent=2))
        return
    for name, (right, of) in report.families.items():
        typer.echo(f"{name:<16} {right:>4} of {of:<4} {right / of:7.1%}")
    phrasings = sum(of for _, of in report.families.values())
    typer.echo(f"{'all':<16} {report.accuracy:7.1%} of {phrasings} phrasings")
    typer.echo(
        f"{'wrong guesses':<16} {report.wrong_guesses:7.1%} of {report.sentences_without} sentences"
    )
    typer.echo(f"{'time':<16} p50 {report.p50_ms:.2f} ms, p95 {report.p95_ms:.2f} ms")
    for miss in (*report.misses, *report.guesses):
        wanted = miss.value or "nothing"
        typer.echo(f"  {miss.family}: {miss.said!r} is {wanted}, found {miss.found or 'nothing'}")
