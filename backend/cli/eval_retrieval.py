"""`frontdesk eval retrieval`: is the passage that answers a question found, and how fast."""

import asyncio
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import typer

from backend.agent.documents.shelf import Shelf
from backend.agent.intents.encoder import Encoder, SentenceEncoder
from backend.agent.knowledge.facts import DOCUMENTS, Fact
from backend.agent.retrieval.embedding import encode_in_child
from backend.agent.retrieval.extract import extract
from backend.agent.retrieval.index import FactIndex, Ranking
from backend.agent.retrieval.vectors import FactVectors, sentences_of, units_of
from backend.config import ROOT, Settings
from backend.core.errors import FrontdeskError
from backend.modelstore.store import ModelStore

SHIPPED_DOCUMENTS = ROOT / "tests" / "agent" / "documents"
SHIPPED_QUESTIONS = ROOT / "tests" / "agent" / "data" / "document_questions.jsonl"
DEPTH = 3
"""How many passages are looked at."""
SENTENCES_A_CHUNK = 5
SEED = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and what stands in the passages that answer it."""

    text: str
    document: str
    answers: tuple[str, ...]

    def is_answered_by(self, fact: Fact) -> bool:
        """Whether a passage is one of those that answer."""
        inside = _plain(fact.text)
        source = fact.source.removeprefix(DOCUMENTS).partition("#")[0]
        return source == self.document and any(_plain(answer) in inside for answer in self.answers)


@dataclass(frozen=True, slots=True)
class Recall:
    """One way of ranking: shares of the questions whose passage comes first, or among `DEPTH`."""

    recall_at_1: float
    recall_at_3: float
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class RetrievalReport:
    """What was found in `chunks` passages; timings include encoding the question."""

    questions: int
    chunks: int
    rankings: Mapping[str, Recall]
    extracted: int
    """Questions answered without a language model."""
    extracted_right: int
    """Those of them out of a passage that answers."""
    missed: Sequence[str]
    """Questions whose passage is not among the first three, by the last ranking."""


def read_questions(path: Path) -> list[Asked]:
    """JSON lines of `text`, `document` and `answers` (phrases of the passages that answer).

    Raises FrontdeskError with the place of a mistake.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FrontdeskError(f"The questions {path} cannot be read: {error}.") from error
    return [_question(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _question(path: Path, number: int, line: str) -> Asked:
    try:
        entry = json.loads(line)
        asked = Asked(str(entry["text"]), str(entry["document"]), tuple(entry["answers"]))
        if not asked.answers or not all(isinstance(answer, str) for answer in asked.answers):
            raise ValueError("no answers")
    except (ValueError, KeyError, TypeError) as error:
        raise FrontdeskError(
            f"{path.name} line {number} is no question.",
            fix='One line is {"text": …, "document": file name, "answers": [phrases of it]}.',
        ) from error
    return asked


async def run_eval_retrieval(
    settings: Settings,
    questions: Path,
    documents: Path,
    *,
    model: str = "",
    chunks: int = 0,
    as_json: bool = False,
) -> None:
    """Print what is found. `chunks`: fill up to so many passages with shuffled sentences."""
    asked = read_questions(questions)
    cache_dir = settings.data_dir / "documents-measured"
    shelf = Shelf(documents, cache_dir)
    await shelf.look()
    facts = [fact for document in shelf.documents for fact in document.facts]
    if not facts or not asked:
        raise FrontdeskError(f"There is nothing to ask, or no document in {documents}.")
    _check(asked, facts)
    folder = ModelStore(settings.data_dir).find_sentence(model)
    encoder = SentenceEncoder(folder) if folder else None
    vectors = await _encoded(facts, folder) if folder else None
    if chunks:
        facts, vectors = _filled_up(facts, vectors, chunks)
    report = await asyncio.to_thread(measure, FactIndex(facts, vectors, encoder), asked, encoder)
    for document in shelf.documents:
        # Said beside the figures: whoever asks about it should know that it was not read.
        if document.complaint:
            typer.echo(document.complaint, err=True)
    typer.echo(json.dumps(asdict(report)) if as_json else "\n".join(_lines(report)))


def _check(asked: Sequence[Asked], facts: Sequence[Fact]) -> None:
    for question in asked:
        if not any(question.is_answered_by(fact) for fact in facts):
            raise FrontdeskError(
                f"No passage of {question.document} answers {question.text!r}.",
                fix="Each answer is a phrase that stands in one passage, word for word.",
            )


async def _encoded(facts: Sequence[Fact], folder: Path) -> FactVectors:
    units = [unit for fact in facts for unit in units_of(fact)]
    return FactVectors.of(facts, await encode_in_child(units, folder))


def _filled_up(
    facts: Sequence[Fact], vectors: FactVectors | None, chunks: int
) -> tuple[list[Fact], FactVectors | None]:
    """More passages, of the documents' own sentences mixed, with vectors of any direction."""
    chance = random.Random(SEED)
    pool = [sentence for fact in facts for sentence in sentences_of(fact)]
    more = [
        Fact(" ".join(chance.sample(pool, SENTENCES_A_CHUNK)), f"kb:filling#{number}")
        for number in range(max(0, chunks - len(facts)))
    ]
    if vectors is None or not more:
        return [*facts, *more], vectors
    count = sum(len(units_of(fact)) for fact in more)
    filling = np.random.default_rng(SEED).standard_normal((count, vectors.wholes.shape[1]))
    filling /= np.linalg.norm(filling, axis=1, keepdims=True)
    added = FactVectors.of(more, filling.astype(np.float32))
    return [*facts, *more], FactVectors.joined([vectors, added])


def measure(
    index: FactIndex, asked: Sequence[Asked], encoder: Encoder | None = None
) -> RetrievalReport:
    """Ask everything, in each way of ranking that the index can."""
    ways = list(Ranking) if encoder else [Ranking.WORDS]
    rankings: dict[str, Recall] = {}
    missed: list[str] = []
    for way in ways:
        places, times = zip(*_places(index, asked, way), strict=True)
        found = [place for place in places if place is not None]
        first, among = sum(place == 0 for place in found), len(found)
        p50_ms, p95_ms = np.percentile(times, (50, 95)).tolist()
        rankings[way.value] = Recall(first / len(asked), among / len(asked), p50_ms, p95_ms)
        missed = [q.text for q, place in zip(asked, places, strict=True) if place is None]
    told = [(question, extract(index, question.text)) for question in asked]
    judged = [question.is_answered_by(answer.passage) for question, answer in told if answer]
    return RetrievalReport(len(asked), len(index.facts), rankings, len(judged), sum(judged), missed)


def _places(
    index: FactIndex, asked: Sequence[Asked], way: Ranking
) -> Iterator[tuple[int | None, float]]:
    """Where the right passage of each question comes, and the milliseconds it took."""
    index.find(asked[0].text, DEPTH, way)
    for question in asked:
        began_s = perf_counter()
        found = index.find(question.text, DEPTH, way)
        took_ms = (perf_counter() - began_s) * 1000
        right = (n for n, hit in enumerate(found) if question.is_answered_by(hit.fact))
        yield next(right, None), took_ms


def _lines(report: RetrievalReport) -> Iterator[str]:
    yield f"{report.questions} questions, {report.chunks} passages"
    yield f"{'ranked by':<12}{'first':>8}{'in three':>10}{'p50 ms':>9}{'p95 ms':>9}"
    for name, recall in report.rankings.items():
        yield (
            f"{name:<12}{recall.recall_at_1:>8.1%}{recall.recall_at_3:>10.1%}"
            f"{recall.p50_ms:>9.1f}{recall.p95_ms:>9.1f}"
        )
    if len(report.rankings) == 1:
        yield "There is no sentence model here: frontdesk models fetch all-MiniLM-L6-v2"
    share = report.extracted_right / max(1, report.extracted)
    yield (
        f"answered without a language model: {report.extracted}, {share:.0%} of them out of a"
        " passage that answers"
    )
    yield from (f"not among three: {text}" for text in report.missed)


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
