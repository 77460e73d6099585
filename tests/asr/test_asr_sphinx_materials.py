"""The files made for a vocabulary: complete or absent, made once, few kept."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.asr.base import Vocabulary
from backend.asr.sphinx.language_model import TrigramModel
from backend.asr.sphinx.materials import KEPT, prepare, prepare_in_child
from backend.core.errors import EngineError
from tests.support.loop import run, until

VOCABULARY = Vocabulary(["my bill is wrong"], 4, 4)


def _vocabularies(count: int) -> Iterator[Vocabulary]:
    for number in range(count):
        yield replace(VOCABULARY, sentences=["my bill is wrong " + "really " * number])


def test_a_vocabulary_becomes_a_dictionary_a_grammar_and_a_model_a_question(
    tmp_path: Path,
) -> None:
    names = {path.name for path in prepare(tmp_path, VOCABULARY).iterdir()}
    assert names == {"words.dict", "number.jsgf", "open.arpa", "number.arpa", "yes_no.arpa"}


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    before = prepare(tmp_path, VOCABULARY)
    (before / "words.dict").write_text("mine\n")
    assert prepare(tmp_path, VOCABULARY) == before
    assert (before / "words.dict").read_text() == "mine\n"


@pytest.mark.parametrize(
    "changed",
    [
        replace(VOCABULARY, sentences=["my bill is right"]),
        replace(VOCABULARY, min_digits=3),
        replace(VOCABULARY, max_digits=8),
        replace(VOCABULARY, words=("harbor",)),
    ],
)
def test_another_vocabulary_has_other_files(tmp_path: Path, changed: Vocabulary) -> None:
    assert prepare(tmp_path, changed) != prepare(tmp_path, VOCABULARY)


def test_the_dictionary_has_every_word_of_every_model(tmp_path: Path) -> None:
    place = prepare(tmp_path, VOCABULARY)
    spelt = {line.split()[0] for line in (place / "words.dict").read_text().splitlines()}
    unigrams = (place / "open.arpa").read_text().split("\\1-grams:")[1].split("\\2-grams:")[0]
    words = {line.split()[1] for line in unigrams.splitlines() if line}
    assert words - {"<s>", "</s>"} <= spelt


def test_few_earlier_vocabularies_are_kept(tmp_path: Path) -> None:
    for vocabulary in _vocabularies(KEPT + 2):
        prepare(tmp_path, vocabulary)
    assert len(list(tmp_path.iterdir())) == KEPT


def test_the_vocabulary_longest_unused_is_forgotten_first(tmp_path: Path) -> None:
    places = [prepare(tmp_path, vocabulary) for vocabulary in _vocabularies(KEPT)]
    for age, place in enumerate(places):
        os.utime(place, (1000 + age, 1000 + age))
    run(prepare_in_child(tmp_path, next(_vocabularies(1)), None))
    prepare(tmp_path, VOCABULARY)
    assert places[0].is_dir()
    assert not places[1].is_dir()


def test_a_failure_in_the_middle_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(model: TrigramModel) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TrigramModel, "arpa", full)
    with pytest.raises(OSError, match="No space"):
        prepare(tmp_path, VOCABULARY)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_cleared_away(tmp_path: Path) -> None:
    left, in_work = tmp_path / ".new-killed", tmp_path / ".new-of-another-process"
    for folder in (left, in_work):
        folder.mkdir()
        (folder / "open.arpa").write_text("half")
    os.utime(left, (0, 0))
    place = prepare(tmp_path, VOCABULARY)
    assert set(tmp_path.iterdir()) == {place, in_work}


def test_a_process_of_its_own_makes_the_same_folder(tmp_path: Path) -> None:
    made = run(prepare_in_child(tmp_path, VOCABULARY, None))
    assert prepare(tmp_path, VOCABULARY) == made
    assert (made / "words.dict").exists()


def test_a_process_that_is_cancelled_leaves_no_half_made_folder(tmp_path: Path) -> None:
    async def scenario() -> None:
        making = asyncio.create_task(prepare_in_child(tmp_path, VOCABULARY, None))
        await until(lambda: any(tmp_path.iterdir()))
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making

    run(scenario())
    finished = [path for path in tmp_path.iterdir() if path.name[0] != "."]
    assert all(len(list(path.iterdir())) == 5 for path in finished)
    assert (prepare(tmp_path, VOCABULARY) / "words.dict").exists()


def test_a_folder_that_cannot_be_made_is_an_engine_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EngineError, match="language model cannot be made"):
        run(prepare_in_child(tmp_path / "file", VOCABULARY, None))


def test_a_process_that_cannot_be_started_is_an_engine_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "no-python"))
    with pytest.raises(EngineError, match="language model cannot be made"):
        run(prepare_in_child(tmp_path, VOCABULARY, None))
