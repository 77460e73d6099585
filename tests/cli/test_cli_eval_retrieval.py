"""`frontdesk eval retrieval`: the shipped questions, and questions somebody else wrote."""

import asyncio
import json
from pathlib import Path

import pytest

from backend.agent.knowledge.facts import Fact
from backend.agent.retrieval.embedding import encode_in_child
from backend.agent.retrieval.index import FactIndex
from backend.cli.eval_retrieval import (
    SHIPPED_DOCUMENTS,
    SHIPPED_QUESTIONS,
    Asked,
    measure,
    read_questions,
    run_eval_retrieval,
)
from backend.config import Settings
from backend.core.errors import DocumentError, FrontdeskError


def evaluate(settings: Settings, questions: Path, documents: Path, chunks: int = 0) -> None:
    asyncio.run(run_eval_retrieval(settings, questions, documents, chunks=chunks, as_json=True))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"data_dir": tmp_path})


def test_every_shipped_question_has_a_passage_and_half_are_found_by_words(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(settings, SHIPPED_QUESTIONS, SHIPPED_DOCUMENTS, chunks=1000)
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["questions"] >= 150
    assert report["chunks"] == 1000
    assert report["rankings"]["bm25"]["recall_at_3"] >= 0.4
    assert report["extracted_right"] <= report["extracted"]


def test_a_question_is_found_in_first_place_further_down_or_not_at_all() -> None:
    facts = [
        Fact(f"{word} is what it is.", f"kb:documents/a.md#{word}") for word in ("Red", "Blue")
    ]
    asked = [
        Asked("what about red", "a.md", ("Red is",)),
        Asked("is it red or blue", "a.md", ("Blue is", "Red is")),
        Asked("what about green", "a.md", ("Red is",)),
    ]
    report = measure(FactIndex(facts), asked)
    assert report.rankings["bm25"].recall_at_1 == pytest.approx(2 / 3)
    assert report.missed == ["what about green"]


@pytest.mark.parametrize(
    "line",
    ["nothing", "{}", '{"text": "a", "document": "b", "answers": []}', "[1]",
     '{"text": "a", "document": "b", "answers": [3]}'],
)  # fmt: skip
def test_a_line_that_is_no_question_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(f"\n{line}\n")
    with pytest.raises(FrontdeskError, match=r"questions\.jsonl line 2 is no question"):
        read_questions(path)


def test_a_question_that_no_passage_answers_is_named(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# Red\n\nRed is what it is.\n")
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"text": "why", "document": "a.md", "answers": ["Blue is"]}')
    with pytest.raises(FrontdeskError, match=r"No passage of a\.md answers 'why'"):
        evaluate(settings, questions, tmp_path / "docs")


def test_a_model_that_cannot_encode_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="Passages could not be encoded"):
        asyncio.run(encode_in_child(["words"], tmp_path))
